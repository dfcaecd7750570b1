"""One text of an agreement and its amendments: what is in force, what each changed, and who signed it."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from eth_account import Account
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.errors import WorkspaceError
from pyoutcome.legal.document import FORMATS, Document, make_document, render_document
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.documenting import amended_terms, signed_terms
from tests.legal.reading import squeezed, text_of, texts_of
from tests.legal.typed_data import HEX, message_of, value_of
from tests.workspace.conftest import AGREEMENT, AIRLINES

TEXT = AGREEMENT.read_text(encoding="utf-8")


def propose(workspace: Workspace, folder: Path, fee: int, first: int) -> None:
    file = folder / "amended.yaml"
    file.write_text(TEXT.replace("monthly_fee: 250000", f"monthly_fee: {fee}"), encoding="utf-8")
    workspace.amend("client", file, first)


def accept(workspace: Workspace) -> None:
    for party in AIRLINES:
        workspace.amend(party)
    assert workspace.amend("client", submit=True).transaction


def write(workspace: Workspace) -> Document:
    return make_document(workspace.agreement, signed_terms(workspace.desk), amended_terms(workspace.desk))


def read(document: Document) -> str:
    return text_of("md", render_document(document, "md"))


def body(document: Document) -> list[str]:
    """Every rule before the schedules."""
    texts = texts_of(document)
    start, end = texts.index("Parties"), next(at for at, text in enumerate(texts) if text.startswith("Schedule A"))
    return texts[start:end]


def test_the_text_is_the_one_in_force_and_says_what_was_before(active: Workspace, tmp_path: Path) -> None:
    propose(active, tmp_path, 300_000, 3)
    accept(active)
    propose(active, tmp_path, 275_000, 6)
    accept(active)
    propose(active, tmp_path, 260_000, 8)
    made = write(active)
    versions = [active.desk.amended(number) for number in (1, 2, 3)]
    assert body(make_document(versions[1].agreement)) == body(made)
    page = read(made)
    assert "Agreement as amended" in page
    assert "Text of Amendment 2, which governs from period 6 (2013-06-01 04:00:00 UTC) on" in page
    hashes = [f"0x{each.terms_hash.hex()}" for each in (active.desk, *versions)]
    rows = [
        f"As first signed 1 to 2 2013-01-01 05:00:00 UTC {hashes[0]}",
        f"Amendment 1 3 to 5 2013-03-01 05:00:00 UTC {hashes[1]}",
        f"Amendment 2 6 to 12 2013-06-01 04:00:00 UTC {hashes[2]}",
        f"Amendment 3 none: only proposed 2013-08-01 04:00:00 UTC {hashes[3]}",
    ]
    for row in rows:
        assert row in page, row
    for before, after in pairwise(hashes):
        assert f"Terms hash before {before} Terms hash after {after}" in page
    for was, now in (("250,000", "300,000"), ("300,000", "275,000"), ("275,000", "260,000")):
        assert re.search(rf"terms.monthly_fee {was.replace(',', '')} {now.replace(',', '')}", page), (was, now)
    # What the foot of every page binds it to is what is in force.
    assert made.running.startswith(f"Terms hash {hashes[2]}")
    assert "Signed by client; not yet by UA, B6, EV" in page
    assert write(active) == made


def test_every_format_tells_all_of_it(active: Workspace, tmp_path: Path) -> None:
    propose(active, tmp_path, 300_000, 3)
    accept(active)
    made = write(active)
    for file_format in FORMATS:
        data = render_document(made, file_format)
        page = squeezed(text_of(file_format, data))
        for text in texts_of(made):
            assert squeezed(text) in page, text
        assert data == render_document(made, file_format)


def test_every_signature_of_an_amendment_is_checked_from_the_pages_alone(active: Workspace, tmp_path: Path) -> None:
    """Domain, type and values as printed, given to eth-account, recover the printed addresses."""
    propose(active, tmp_path, 300_000, 3)
    accept(active)
    page = read(write(active))

    told = page.partition("Schedule C: amendments")[2].partition("Amendment 1 The escrow has accepted it")[2]
    values = {
        **{name: value_of(told, name) for name in ("escrow", "previousTermsHash", "newTermsHash")},
        "firstPeriod": int(value_of(told, "firstPeriod", r"\d+")),
        "carry": json.loads(value_of(told, "carry", r"\[.*?\]")),
        "deadline": int(value_of(told, "deadline", r"\d+")),
    }
    message = message_of(page, "Amendment", values, told)
    signed = page.partition(" Signatures The agreement as first signed ")[2]
    first, _, amended = signed.partition("Amendment 1")
    for part, count in ((first, 4), (amended, 4)):
        assert count == len(re.findall(r"EIP-712 signature 0x", part))
    for address, signature in re.findall(rf"Address ({HEX}) EIP-712 signature ({HEX})", amended):
        assert address == Account.recover_message(message, signature=signature)


def test_a_proposed_amendment_changes_no_rule_of_the_text(active: Workspace, tmp_path: Path) -> None:
    before = write(active)
    propose(active, tmp_path, 300_000, 3)
    made = write(active)
    assert ("Agreement", body(before)) == (made.kind, body(made))
    page = read(made)
    assert "No amendment is in force" in page
    assert "It is proposed and not in force: the escrow has not accepted it. It would govern from period 3" in page


def test_an_accepted_amendment_that_is_not_here_is_asked_for(active: Workspace, tmp_path: Path) -> None:
    propose(active, tmp_path, 300_000, 3)
    accept(active)
    shutil.rmtree(active.files.folder / "amendments")
    with pytest.raises(WorkspaceError) as refused:
        write(active)
    assert "amendment-missing" == refused.value.code


def test_a_signature_over_something_else_is_not_printed(active: Workspace, tmp_path: Path) -> None:
    propose(active, tmp_path, 300_000, 3)
    accept(active)
    own, other = (active.files.act("amend-01", party) for party in ("UA", "B6"))
    stored = json.loads(own.read_text(encoding="utf-8"))
    stored["signature"] = json.loads(other.read_text(encoding="utf-8"))["signature"]
    own.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(WorkspaceError) as refused:
        write(active)
    assert "signature-differs" == refused.value.code


def test_the_verb_says_which_text_it_wrote(active: Workspace, tmp_path: Path) -> None:
    propose(active, tmp_path, 300_000, 3)
    accept(active)
    terms = active.desk.amended(1).terms_hash
    folder = active.files.folder
    digest = Agreement.load(active.files.amendment(1)).digest()
    active.close()
    order = ["document", "-w", str(folder), "--out", str(tmp_path / "deal.md")]
    told = json.loads(CliRunner().invoke(app, [*order, "--json"]).stdout)
    assert (1, f"0x{terms.hex()}", f"0x{digest.hex()}") == (told["amendment"], told["terms_hash"], told["digest"])
    said = " ".join(CliRunner().invoke(app, order).stdout.split())
    assert "as amended: amendment 1 governs from period 3 on." in said
    assert "Agreement as amended" in (tmp_path / "deal.md").read_text(encoding="utf-8")
