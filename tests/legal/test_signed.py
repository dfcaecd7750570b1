"""The document of an offer: what is signed, by whom, and that anyone can check it from the pages alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from typer.testing import CliRunner

from pyoutcome import Agreement, Workspace
from pyoutcome.cli.app import app
from pyoutcome.errors import WorkspaceError
from pyoutcome.legal.document import FORMATS, SignedTerms, make_document, render_document
from pyoutcome.workspace.documenting import signed_terms
from tests.legal.reading import squeezed, text_of
from tests.legal.typed_data import HEX, terms_message
from tests.terms.deals import deal

KPI = """
jobs_done: {unit: jobs, range: [0, 500], supplied_by: A, if_missing: 0,
  measure: {kind: count, records: jobs, anchor: at}}
"""
RECORDS = """
records:
  jobs: {format: csv, columns: {id: {type: text}, at: {type: instant}}, key: [id], duplicates: refuse, late: counts}
"""


def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    head = deal("fee: {kind: unit_price, quantity: jobs_done, price: 2}", KPI).replace(
        "{A: {name: Alpha Ltd}}", "{A: {name: Alpha Ltd, bond: 7, backup: {name: Gamma Ltd}}}"
    )
    file.write_text(head.replace("reserve: 1000", "reserve: 1000, breaches: 2") + RECORDS, encoding="utf-8")
    return file


def offered(tmp_path: Path, *signers: str) -> tuple[Agreement, SignedTerms]:
    with Workspace.create(tmp_path / "deal", small(tmp_path)) as workspace:
        assert signed_terms(workspace.desk) is None
        for party in signers:
            workspace.sign(party)
        signed = signed_terms(workspace.desk)
        assert signed is not None
        return workspace.agreement, signed


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_part_of_what_is_signed_is_on_the_pages(tmp_path: Path, file_format: str) -> None:
    agreement, signed = offered(tmp_path, "client", "A")
    page = squeezed(text_of(file_format, render_document(make_document(agreement, signed), file_format)))
    arguments = signed.arguments
    [provider] = arguments.providers
    wanted = [
        *(f"0x{each.hex()}" for each in (signed.terms_hash, signed.program_hash, arguments.hash(), agreement.digest())),
        *(signed.escrow, signed.factory, arguments.client, arguments.arbitrator, arguments.token, *arguments.verifiers),
        *(provider.signer, str(provider.backup), str(signed.chain_id), f"nonce{signed.nonce}"),
        *(f"0x{each.signature.hex()}" for each in signed.signatures if each.signature is not None),
    ]
    assert 16 == len(wanted)
    assert [] == [each for each in wanted if each not in page]


def test_a_signature_is_checked_from_the_pages_alone_with_another_library(tmp_path: Path) -> None:
    """Domain, type and fields as printed, given to eth-account as EIP-712 typed data, recover the printed addresses."""
    agreement, signed = offered(tmp_path, "client", "A", "backup-A")
    page = text_of("md", render_document(make_document(agreement, signed), "md"))

    message = terms_message(page)
    pairs = re.findall(rf"Address ({HEX}) EIP-712 signature ({HEX})", page)
    assert 3 == len(pairs)
    for address, signature in pairs:
        assert address == Account.recover_message(message, signature=signature)


def test_who_has_not_signed_gets_lines_to_sign_on(tmp_path: Path) -> None:
    agreement, signed = offered(tmp_path, "client")
    page = text_of("md", render_document(make_document(agreement, signed), "md")).partition(" Signatures ")[2]
    assert ["client", "A", "backup-A"] == re.findall(r"Party [\w ]+ \(([\w-]+)\)", page)
    assert (1, 2) == (page.count("EIP-712 signature 0x"), page.count("Name and office Date Signature"))


def test_a_signature_over_other_terms_is_not_printed(tmp_path: Path) -> None:
    offered(tmp_path, "client", "A")
    file = tmp_path / "deal" / "signatures" / "A.json"
    stored = json.loads(file.read_text())
    other = json.loads((tmp_path / "deal" / "signatures" / "client.json").read_text())
    file.write_text(json.dumps({**stored, "signature": other["signature"]}))
    with Workspace.open(tmp_path / "deal") as workspace, pytest.raises(WorkspaceError) as caught:
        signed_terms(workspace.desk)
    assert "signature-differs" == caught.value.code


def test_the_signed_document_is_the_unsigned_one_and_more(tmp_path: Path) -> None:
    """What is agreed reads the same before and after; only identity and signatures are added."""
    agreement, signed = offered(tmp_path, "client")
    before, after = (make_document(agreement, each).blocks for each in (None, signed))
    length = next(at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    assert any(getattr(each, "text", "").startswith("Schedule B") for each in before[:length])
    assert make_document(agreement, signed) == make_document(agreement, replace(signed))


def test_the_verb_writes_a_file_and_in_a_workspace_a_signed_one(tmp_path: Path) -> None:
    _, signed = offered(tmp_path, "client")
    for place, expected in (
        ([str(small(tmp_path))], (None, None)),
        (["-w", str(tmp_path / "deal")], (f"0x{signed.terms_hash.hex()}", signed.escrow)),
    ):
        out = tmp_path / "agreement.html"
        result = CliRunner().invoke(app, ["document", *place, "--out", str(out), "--json"])
        assert 0 == result.exit_code, result.stderr
        told = json.loads(result.stdout)
        assert expected == (told["terms_hash"], told["escrow"])
        assert len(out.read_bytes()) == told["bytes"]
    again = tmp_path / "again.html"
    CliRunner().invoke(app, ["document", "-w", str(tmp_path / "deal"), "--out", str(again)])
    assert out.read_bytes() == again.read_bytes()


def test_amendments_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    offered(tmp_path, "client")
    (tmp_path / "deal" / "amendments").mkdir()
    (tmp_path / "deal" / "amendments" / "01.yaml").write_text(small(tmp_path).read_text())
    order = ["document", "-w", str(tmp_path / "deal"), "--out", str(tmp_path / "agreement.md")]
    assert ["amendments/01.yaml"] == json.loads(CliRunner().invoke(app, [*order, "--json"]).stdout)["amendments"]
    assert "no amendment is in force. Proposed: amendments/01.yaml" in " ".join(
        CliRunner().invoke(app, order).stdout.split()
    )


@pytest.mark.parametrize("out", ["agreement", "agreement.txt", "none/agreement.md"])
def test_the_verb_says_what_is_wrong_with_the_file(tmp_path: Path, out: str) -> None:
    result = CliRunner().invoke(app, ["document", str(small(tmp_path)), "--out", str(tmp_path / out)])
    assert 1 == result.exit_code
    assert ("file-not-written" if "/" in out else "no-such-format") in result.stderr
