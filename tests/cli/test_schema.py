"""`pyoutcome schema`: what files look like, on the screen or in a file; real bundles and reports fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from jsonschema import Draft202012Validator

from pyoutcome import Agreement
from pyoutcome.evidence import make_bundle, measure, write_bundle
from pyoutcome.terms.concerto import write_model
from pyoutcome.terms.schema import render, write_file_schema
from pyoutcome.workspace.settings import SignedReport
from tests.cli.test_commands import EXAMPLE, ROOT, run
from tests.evidence.deal import KEYS, agree, write_records

REPORT = SignedReport(
    verifier="V1",
    signer="0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
    escrow="0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF",
    terms_hash="0x" + "1a" * 32,
    period=3,
    nonce=0,
    values=("0.75", None),
    evidence_digest="0x" + "2b" * 32,
    signature="0x" + "3c" * 65,
)


def fits(schema: str, document: object) -> bool:
    return bool(Draft202012Validator(json.loads(schema)).is_valid(document))


@pytest.mark.parametrize("kind", ["file", "terms", "bundle", "report"])
def test_a_schema_is_a_schema(kind: str) -> None:
    status, out, _ = run(["schema", "--of", kind])
    assert 0 == status
    schema = json.loads(out)
    Draft202012Validator.check_schema(schema)
    assert schema == json.loads(run(["schema", "--of", kind, "--json"])[1])
    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]


def test_the_file_s_schema_is_what_is_written_if_nothing_is_said(tmp_path: Path) -> None:
    assert render(write_file_schema()) == run(["schema"])[1]
    out = tmp_path / "agreement.schema.json"
    assert {"file": str(out)} == json.loads(run(["schema", "--out", str(out), "--json"])[1])
    assert render(write_file_schema()) == out.read_text(encoding="utf-8")


def test_a_bundle_fits_and_a_changed_one_does_not(tmp_path: Path) -> None:
    flights = write_records(tmp_path / "in.csv", [{}, {"delay": 60}, {"carrier": "[red]"}])
    measured = measure(agree(), {"flights": flights}, [1])[0]
    document = json.loads(write_bundle(make_bundle(agree(), measured, "UA", KEYS["UA"]), tmp_path).read_bytes())
    schema = run(["schema", "--of", "bundle"])[1]
    assert fits(schema, document)
    faults: tuple[dict[str, object], ...] = (
        {"period": 1},
        {"salt": "0x00"},
        {"more": "1"},
        {"values": [{}]},
        {"records": None},
    )
    for spoiled in faults:
        assert not fits(schema, document | spoiled), spoiled
    for key in document:
        assert not fits(schema, {name: each for name, each in document.items() if name != key}), key


def test_a_report_fits_and_a_changed_one_does_not() -> None:
    document = json.loads(REPORT.model_dump_json())
    schema = run(["schema", "--of", "report"])[1]
    assert fits(schema, document)
    faults: tuple[dict[str, object], ...] = (
        {"period": 0},
        {"nonce": "0"},
        {"terms_hash": "0x1A"},
        {"escrow": "0x2b"},
        {"values": [0.75]},
    )
    for spoiled in faults:
        assert not fits(schema, document | spoiled), spoiled


def test_the_terms_of_an_agreement_are_the_bytes_that_are_hashed(tmp_path: Path) -> None:
    out = tmp_path / "terms.json"
    assert 0 == run(["schema", "--of", "terms", "--instance", EXAMPLE, "--out", str(out)])[0]
    assert Agreement.load(EXAMPLE).digest() == keccak(out.read_bytes())
    assert fits(run(["schema", "--of", "terms"])[1], json.loads(out.read_bytes()))


def test_a_concerto_model_and_its_instance(tmp_path: Path) -> None:
    out = tmp_path / "terms.cto"
    assert 0 == run(["schema", "--of", "terms", "--as", "concerto", "--out", str(out)])[0]
    assert write_model() == out.read_text(encoding="utf-8")
    assert {"model": write_model()} == json.loads(run(["schema", "--of", "terms", "--as", "concerto", "--json"])[1])
    instance = json.loads(run(["schema", "--of", "terms", "--as", "concerto", "--instance", EXAMPLE])[1])
    assert "org.pyoutcome.terms@1.0.0.Agreement" == instance["$class"]
    assert "punctual-arrivals" == instance["agreement"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--of", "agreement"], "unknown-schema"),
        (["--of", "terms", "--as", "avro"], "unknown-schema"),
        (["--as", "concerto"], "unknown-schema"),
        (["--of", "report", "--as", "concerto"], "unknown-schema"),
        (["--instance", EXAMPLE], "instance-of-terms"),
        (["--of", "bundle", "--instance", EXAMPLE], "instance-of-terms"),
        (["--of", "terms", "--instance", str(ROOT / "nothing.yaml")], "file-not-readable"),
        (["--out", str(ROOT / "no-folder" / "file.json")], "file-not-written"),
    ],
)
def test_what_there_is_not_is_refused(arguments: list[str], code: str) -> None:
    status, out, error = run(["schema", *arguments, "--json"])
    assert (1, "", code) == (status, out, json.loads(error)["error"]["code"])
