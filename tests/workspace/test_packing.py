"""One archive from which a third party repeats an audit: whatever was changed in it is refused or reported."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pyoutcome.audit import Kind
from pyoutcome.chain.blocks import Identity
from pyoutcome.chain.contract import contract
from pyoutcome.chain.parts import PARTS, SHARED
from pyoutcome.chain.transcript import ToldNetwork
from pyoutcome.cli.app import app
from pyoutcome.errors import ChainError, PyoutcomeError, WorkspaceError
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.checking import Checked, check_pack
from pyoutcome.workspace.packing import LARGEST, MANIFEST, canonical, pack, unpack, write_pack
from tests.workspace.test_remote import settle


@dataclass(frozen=True)
class Made:
    """A pack of two settled periods, and what the audit said."""

    path: Path
    report: dict[str, object]
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, active_template: Path) -> Made:
    folder = tmp_path_factory.mktemp("packed")
    shutil.copytree(active_template, folder / "deal")
    with Workspace.open(folder / "deal") as workspace:
        settle(workspace, 1, 2)
        packed = workspace.pack(folder / "audit.zip")
        again = workspace.pack(folder / "again.zip")
        assert workspace.audit() == packed.report
    assert (folder / "audit.zip").read_bytes() == (folder / "again.zip").read_bytes()
    assert packed.sha256 == again.sha256 == hashlib.sha256((folder / "audit.zip").read_bytes()).digest()
    shutil.rmtree(folder / "deal")
    files, _ = unpack(folder / "audit.zip")
    return Made(folder / "audit.zip", packed.report.to_dict(), files)


@pytest.fixture
def altered(made: Made, tmp_path: Path) -> Callable[..., Checked]:
    """Checks the pack with some files replaced or, where None is given, left out."""

    def check(**changes: bytes | None) -> Checked:
        files = {**made.files, **{name.replace("__", "/"): data for name, data in changes.items()}}
        write_pack(tmp_path / "altered.zip", {name: data for name, data in files.items() if data is not None})
        return check_pack(tmp_path / "altered.zip")

    return check


def test_the_audit_is_repeated_without_network_and_workspace(made: Made, flights: Path) -> None:
    for records in (None, {"flights": flights}):
        found = check_pack(made.path, records)
        assert (0, (), records is not None) == (found.differences, found.problems, found.recomputed)
        assert made.report == found.report.to_dict()
    # Three bundles and two reports for each of two periods, and the signatures of client and providers.
    assert 2 * (3 + 2) + 4 == found.signatures
    assert found.logs == found.proven > 4
    assert made.report["block"] == found.report.block


def test_it_holds_what_is_needed_and_no_key(made: Made) -> None:
    assert {"agreement.yaml", "about.json", "audit.json", "chain.json", "evidence/period-01.UA.json"} <= set(made.files)
    assert not [name for name in made.files if "key" in name or "sqlite" in name]


@settings(max_examples=150)
@given(st.data())
def test_no_changed_byte_of_a_real_pack_passes(made: Made, data: st.DataObject) -> None:
    whole = made.path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(1, 255))
    changed = whole[:at] + bytes([whole[at] ^ other]) + whole[at + 1 :]
    with pytest.raises(WorkspaceError, match="bad-pack"):
        unpack_bytes(changed, made.path.parent)


def unpack_bytes(data: bytes, folder: Path) -> dict[str, bytes]:
    target = folder / "changed.zip"
    target.write_bytes(data)
    return unpack(target)[0]


def test_not_one_bit_of_a_small_pack_can_be_changed_and_no_byte_added_or_taken(tmp_path: Path) -> None:
    whole = pack({"about.json": b"{}", "evidence/period-01.UA.json": b"[1]"})
    assert {"about.json": b"{}", "evidence/period-01.UA.json": b"[1]"} == unpack_bytes(whole, tmp_path)
    spoiled = [
        whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :] for at in range(len(whole)) for bit in (0, 6)
    ]
    spoiled += [whole[:at] for at in range(0, len(whole), 7)] + [whole + b"\0", b"\0" + whole, b""]
    for each in spoiled:
        with pytest.raises(WorkspaceError, match="bad-pack"):
            unpack_bytes(each, tmp_path)


def archive(*entries: tuple[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", kind) as file:
        for name, data in entries:
            file.writestr(zipfile.ZipInfo(name), data, kind)
    return target.getvalue()


def hostile() -> Iterator[bytes]:
    yield archive(("../outside.json", b"{}"))
    yield archive(("/etc/passwd", b"{}"))
    yield archive(("evidence/../../x.json", b"{}"))
    yield archive(("evidence\\x.json", b"{}"))
    yield archive(("about.json", b"0" * 10_000_000), kind=zipfile.ZIP_DEFLATED)
    yield archive(("keys/client.json", b"{}"))
    yield archive((MANIFEST, b"{}"))
    yield b"not an archive"


@pytest.mark.parametrize("data", [*hostile()], ids=range(8))
def test_archives_that_others_made_are_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="bad-pack"):
        unpack_bytes(data, tmp_path)
    assert ["changed.zip"] == [each.name for each in tmp_path.iterdir()]


def test_a_file_twice_and_files_over_one_another_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive(("about.json", b"{}"), ("about.json", b"[]"))
    with pytest.raises(WorkspaceError, match="bad-pack"):
        unpack_bytes(data, tmp_path)
    with pytest.raises(WorkspaceError, match="bad-pack"):
        pack({"../x": b""})
    with pytest.raises(WorkspaceError, match="bad-pack"):
        unpack(tmp_path / "missing.zip")
    (tmp_path / "large.zip").write_bytes(b"")
    with (tmp_path / "large.zip").open("r+b") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(WorkspaceError, match="bad-pack"):
        unpack(tmp_path / "large.zip")


def test_another_report_is_a_problem(made: Made, altered: Callable[..., Checked]) -> None:
    other = canonical({**made.report, "compared": 7})
    assert ["audit.json" in made.files, 1] == [True, len(altered(**{"audit.json": other}).problems)]


def test_other_evidence_is_found(made: Made, altered: Callable[..., Checked]) -> None:
    first, second = (made.files[f"evidence/period-0{period}.UA.json"] for period in (1, 2))
    swapped = altered(**{"evidence__period-01.UA.json": second})
    assert any(name.startswith("evidence/period-01.UA.json") for name in swapped.problems)
    resalted = json.loads(first)
    resalted["salt"] = "0x" + "11" * 32
    found = altered(**{"evidence__period-01.UA.json": canonical(resalted)})
    assert Kind.EVIDENCE in {each.kind for each in found.report.findings}
    assert any("period-01.UA" in problem for problem in found.problems)
    with pytest.raises(WorkspaceError, match="records-needed"):
        altered(**{"evidence__period-01.UA.json": None})


def test_other_signatures_are_problems(made: Made, altered: Callable[..., Checked]) -> None:
    report = json.loads(made.files["reports/period-01.V1.json"])
    report["values"][0] = "0.5"
    found = altered(**{"reports__period-01.V1.json": json.dumps(report).encode()})
    assert ["reports/period-01.V1.json"] == [problem.partition(":")[0] for problem in found.problems]
    terms = json.loads(made.files["signatures/UA.json"])
    terms["signer"] = json.loads(made.files["signatures/client.json"])["signer"]
    found = altered(**{"signatures__UA.json": json.dumps(terms).encode()})
    assert ["signatures/UA.json"] == [problem.partition(":")[0] for problem in found.problems]


def test_other_answers_of_the_chain_are_found(made: Made, altered: Callable[..., Checked]) -> None:
    answers: dict[str, Any] = json.loads(made.files["chain.json"])
    logs = max((name for name in answers if name.startswith("logs ")), key=lambda name: len(answers[name]))
    kinds = [name for name in answers if name.startswith("code ")][:3]
    forms = contract(SHARED, *PARTS).functions
    looked_at = [forms[name].selector.hex() for name in ("tracked", "funds", "account", "program", "termsHash")]
    views = [name for name in answers if name.startswith(f"call {made.report['block']} ")]
    views = [name for name in views if name.rpartition("0x")[2][:8] in looked_at]

    def changed(name: str, value: object) -> Checked:
        return altered(**{"chain.json": canonical({**answers, name: value})})

    for name in kinds:
        code = answers[name]
        with pytest.raises(PyoutcomeError):
            changed(name, code[:-2] + f"{int(code[-2:], 16) ^ 1:02x}")
    assert 4 + 3 == len(views)
    for name in views:
        value = answers[name]
        other = value[:65] + f"{int(value[65], 16) ^ 1:x}" + value[66:]  # the first word
        try:
            noticed = changed(name, other).differences > 0
        except PyoutcomeError:
            noticed = True
        assert noticed, name
    assert altered(**{"chain.json": canonical({**answers, logs: answers[logs][:-1]})}).differences
    with pytest.raises(ChainError, match="not-in-transcript"):
        altered(**{"chain.json": canonical({name: answers[name] for name in answers if name != logs})})
    with pytest.raises(ChainError, match="bad-transcript"):
        changed(logs, [{}])


def test_other_proofs_of_logs_are_found(made: Made, altered: Callable[..., Checked]) -> None:
    blocks = json.loads(made.files["blocks.json"])
    first, second, *_ = blocks
    swapped = altered(**{"blocks.json": canonical({**blocks, first: blocks[second]})})
    assert [f"The logs of block {first} are not those that its header and receipts prove."] == list(swapped.problems)
    fewer = altered(**{"blocks.json": canonical({first: blocks[first]})})
    assert (0, True) == (fewer.differences, 0 < fewer.proven < fewer.logs)
    assert (0, 0) == (altered(**{"blocks.json": None}).differences, altered(**{"blocks.json": None}).proven)
    with pytest.raises(ChainError, match="bad-proof"):
        altered(**{"blocks.json": canonical({first: {**blocks[first], "receipts": []}})})
    for nonsense in (
        b"[]",
        b"{",
        canonical({"x": blocks[first]}),
        canonical({first: {"header": "0x1", "receipts": []}}),
    ):
        with pytest.raises(WorkspaceError, match="bad-pack"):
            altered(**{"blocks.json": nonsense})


@given(st.none() | st.integers() | st.text() | st.lists(st.text() | st.none()) | st.dictionaries(st.text(), st.text()))
def test_answers_that_make_no_sense_are_errors_of_our_own(answer: object) -> None:
    questions: list[Callable[[ToldNetwork], object]] = [
        lambda network: network.head(),
        lambda network: network.block(1),
        lambda network: network.identity(),
        lambda network: network.logs(("0x" + "11" * 20,), 0, 1),
        lambda network: network.code("0x" + "11" * 20),
    ]
    names = ("head", "block 1", "genesis", "logs 0 1 0x" + "11" * 20, "code 0x" + "11" * 20)
    network = ToldNetwork({"network": "n", "chain_id": "0x1", **dict.fromkeys(names, answer)})
    for ask in questions:
        try:
            found = ask(network)
        except ChainError as error:
            found = error.code
        # An empty list may mean that there are no logs, and so on.
        assert found in ("bad-transcript", None, Identity(1), [], b"")
    with pytest.raises(ChainError, match="not-in-transcript"):
        network.send(b"")


def test_the_command_writes_and_checks_a_pack(made: Made, active_template: Path, tmp_path: Path, flights: Path) -> None:
    shutil.copytree(active_template, tmp_path / "deal")
    target = tmp_path / "audit.zip"
    done = CliRunner().invoke(app, ["audit", "--pack", str(target), "--workspace", str(tmp_path / "deal"), "--json"])
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    assert (0, sha256) == (done.exit_code, json.loads(done.stdout)["sha256"])
    done = CliRunner().invoke(app, ["audit", "--check", str(target), "--json"])
    assert (0, sha256, []) == (done.exit_code, json.loads(done.stdout)["sha256"], json.loads(done.stdout)["problems"])
    done = CliRunner().invoke(app, ["audit", "--check", str(made.path), "--records", f"flights={flights}"])
    assert (0, True) == (done.exit_code, "0 differences" in done.stdout)
    target.write_bytes(target.read_bytes()[:-1])
    assert "bad-pack" in CliRunner().invoke(app, ["audit", "--check", str(target)]).stderr
