"""Every verb speaks JSON: the whole life of an agreement, each answer read back by a machine."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from tests.workspace.conftest import AGREEMENT, AIRLINES, write_flights


@pytest.fixture
def deal(tmp_path: Path) -> Path:
    folder = tmp_path / "deal"
    flights = write_flights(tmp_path / "flights.csv")
    made = ask("init", str(folder), "--agreement", str(AGREEMENT), "--records", f"flights={flights}")
    assert 8 == len(made["parties"])
    return folder


def ask(*arguments: str, status: int = 0, answered: bool = False) -> dict[str, Any]:
    """A command's JSON answer, on stdout if it ``answered`` and else on stderr; nothing else may stand on stdout."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert status == result.exit_code, result.output
    document = json.loads(result.stdout if status == 0 or answered else result.stderr)
    assert isinstance(document, dict)
    return document


def test_a_life_in_json(deal: Path, tmp_path: Path) -> None:
    where = ("-w", str(deal))
    assert "not offered" == ask("status", *where)["stage"]
    hashes = {ask("sign", "--as", party, *where)["terms_hash"] for party in ("client", *AIRLINES)}
    assert 1 == len(hashes)
    deployed = ask("deploy", *where)
    assert hashes == {deployed["terms_hash"]}
    funded = ask("fund", "18_720_000", *where)
    assert (True, "18720000000000") == (funded["active"], funded["funds"])

    for airline in AIRLINES:
        [bundle] = ask("measure", "--as", airline, "-p", "1", *where)["bundles"]
        held = ask("bundle", str(deal / "evidence" / f"period-01.{airline}.json"))
        assert (bundle["digest"], airline) == (held["digest"], held["supplier"])
        assert bundle["values"] == {f"{each['kpi']}.{each['provider']}": each["value"] for each in held["values"]}
        assert {f"on_time.{airline}", f"cancelled.{airline}", f"arrivals.{airline}"} == set(bundle["values"])
    reports = [ask("verify", "--as", verifier, "-p", "1", *where)["reports"][0] for verifier in ("V1", "V2")]
    assert reports[0]["values"] == reports[1]["values"]
    assert "signed evidence" != ask("statement", "-p", "1", *where)["basis"]

    early = ask("report", "-p", "1", *where, status=1)["error"]
    assert "too-early" == early["code"]
    assert ask("clock", "--to", "period:1", *where)["clock"].startswith("2013-02-01T05:00")
    settled = ask("report", "-p", "1", *where)
    assert settled["transaction"] == settled["on_chain"]["UA"]["transaction"]
    assert "already-settled" == ask("report", "-p", "1", *where, status=1)["error"]["code"]

    rest = ask("settle", "--move-clock", *where)["periods"]
    assert [None] * 12 == [period["error"] for period in rest]
    assert ["nothing"] * 12 == [period["needs"] for period in ask("status", *where)["periods"]]
    assert "too-early" == ask("close", *where, status=1)["error"]["code"]
    ask("clock", "--to", "holdback", *where)
    assert "closed" == ask("close", *where)["stage"]
    audit = ask("audit", *where)
    assert (36, 0) == (audit["settled"], audit["differences"])

    picture = tmp_path / "picture.svg"
    assert str(picture) == ask("chart", str(picture), *where)["file"]
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    journal = tmp_path / "journal.csv"
    written = ask("journal", str(journal), *where)["rows"]
    with journal.open(encoding="utf-8", newline="") as file:
        assert written == len(list(csv.DictReader(file)))


def test_an_audit_that_finds_something_fails(deal: Path, tmp_path: Path) -> None:
    where = ("-w", str(deal))
    for party in ("client", *AIRLINES):
        ask("sign", "--as", party, *where)
    ask("deploy", *where)
    ask("fund", "18_720_000", *where)
    ask("settle", "--move-clock", "-p", "1", *where)
    altered = tmp_path / "altered.csv"
    altered.write_text(
        (deal / "records" / "flights.csv").read_text(encoding="utf-8").replace(",900,20,", ",900,5,", 1),
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["audit", "--records", f"flights={altered}", *where, "--json"])
    assert 1 == result.exit_code
    found = json.loads(result.stdout)["findings"]
    assert {"value", "records"} == {finding["kind"] for finding in found}
    assert "on_time.UA" in {finding["what"] for finding in found}


def test_a_default_in_json(deal: Path) -> None:
    where = ("-w", str(deal))
    for party in ("client", *AIRLINES):
        ask("sign", "--as", party, *where)
    ask("deploy", *where)
    ask("fund", "18_720_000", *where)
    ask("clock", "--to", "2013-02-11T05:00", *where)
    assert ask("default", "-p", "1", *where)["transaction"].startswith("0x")
    assert "default-window" == ask("status", *where)["periods"][0]["needs"]


def test_changes_and_exits_in_json(deal: Path, tmp_path: Path) -> None:
    where = ("-w", str(deal))
    for party in ("client", *AIRLINES):
        ask("sign", "--as", party, *where)
    ask("deploy", *where)
    ask("fund", "18_720_000", "--permit", *where)
    assert "no-amendment" == ask("amend", "--as", "client", *where, status=1)["error"]["code"]
    file = tmp_path / "dearer.yaml"
    text = AGREEMENT.read_text(encoding="utf-8")
    file.write_text(text.replace("monthly_fee: 250000", "monthly_fee: 260000"), encoding="utf-8")
    told = ask("amend", str(file), "--from", "2", "--as", "client", *where)
    assert (2, None, list(AIRLINES)) == (told["first"], told["transaction"], told["missing"])
    [change] = told["comparison"]["changes"]
    assert [{"path": "terms.monthly_fee", "before": "250000", "after": "260000"}] == change["rules"]
    assert [{"before": "250,000", "after": "260,000"}] == change["numbers"]
    united = told["comparison"]["extremes"][0]
    same = {"least": "180000", "most": "520000"}
    assert ("UA", {"before": same, "after": same}) == (united["provider"], united["period"])
    for airline in AIRLINES:
        ask("amend", "--as", airline, *where)
    assert ask("amend", "--as", "client", "--submit", *where)["transaction"].startswith("0x")
    assert ask("withdraw", "1_000", *where)["transaction"].startswith("0x")
    assert "not-client" == ask("withdraw", "1_000", "--as", "UA", *where, status=1)["error"]["code"]
    assert [] == ask("batch", *where)["items"]
    [item] = ask("batch", "-p", "3", *where, status=1, answered=True)["items"]
    assert (3, "too-few-reports") == (item["period"], item["error"]["code"])
    assert "nothing-owed" == ask("pay", *where, status=1)["error"]["code"]
    assert ask("terminate", "--as", "client", "--mutual", *where)["missing"] == list(AIRLINES)
    assert 0 == ask("audit", *where)["differences"]


def test_keys_are_made_and_trusted_once(deal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYOUTCOME_PASSWORD_CLIENT", "correct horse battery")
    refused = ask("key", "new", "client", "-w", str(deal), status=1)["error"]
    assert "address-known" == refused["code"]
    address = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
    assert "address-known" == ask("key", "trust", "client", address, "-w", str(deal), status=1)["error"]["code"]


def test_one_record_is_proven_and_checked_far_from_the_others(
    deal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("-w", str(deal))
    [bundle] = ask("measure", "--as", "UA", "-p", "1", "--provable", *where)["bundles"]
    held = ask("bundle", str(deal / "evidence" / "period-01.UA.json"))
    assert bundle["roots"] == {tree["source"]: tree["root"] for tree in held["records"]["trees"]}
    key = ("year=2013", "month=1", "day=3", "carrier=UA", "flight=103", "origin=JFK", "dest=BOS")
    record = tuple(part for each in key for part in ("--record", each))
    proof = tmp_path / "elsewhere" / "proof.json"
    made = ask("prove", "--as", "UA", "-p", "1", *record, "--out", str(proof), *where)
    assert (str(proof), "flights", "20") == (made["file"], made["source"], made["record"]["arr_delay"])
    monkeypatch.chdir(proof.parent)  # no workspace here
    signer, agreement = ("--signer", held["signed_by"]), ("--agreement", str(AGREEMENT))
    shown = ask("prove", "--check", "proof.json", *agreement, *signer)
    assert (held["signed_by"], "UA", 1, "20", True) == (
        shown["signed_by"], shown["supplier"], shown["period"], shown["records"], shown["by_agreement"],
    )  # fmt: skip
    assert (held["digest"], made["counted"]) == (shown["bundle_digest"], shown["counted"])
    assert ["denominator"] == shown["counted"]["on_time.UA"]
    other = ("--signer", "0x90F79bf6EB2c4f870365E785982E1f101E93b906")
    assert "proof-signature" == ask("prove", "--check", "proof.json", *other, status=1)["error"]["code"]
    told = CliRunner().invoke(app, ["prove", "--check", "proof.json"]).stdout
    for words in ("holds", held["signed_by"], "--signer", "no --agreement was given", "on_time.UA counts it in", "103"):
        assert words in told
    again = ask("prove", "--as", "UA", "-p", "1", *record, *where)
    assert proof.read_bytes() == Path(again["file"]).read_bytes()
    for options, code in (
        (("--as", "UA"), "bad-proof-options"),
        (("--as", "UA", "-p", "1", "--record", "id"), "bad-record-option"),
        (("--as", "UA", "-p", "1", "--record", "day=1", "--record", "day=2"), "bad-record-option"),
        (("--check", "absent.json"), "proof-unreadable"),
    ):
        assert code == ask("prove", *options, status=1)["error"]["code"]
