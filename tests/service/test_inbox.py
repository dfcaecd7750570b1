"""What arrives: checked, kept where the workspace keeps it and never in the place of something else, or refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from pyoutcome.database import open_database
from pyoutcome.errors import ChainError
from pyoutcome.service.alerts import Herald
from pyoutcome.service.inbox import Inbox
from pyoutcome.settlement.outgoing import Outgoing
from pyoutcome.settlement.state import KeeperState
from pyoutcome.workspace import Workspace
from tests.service.deals import ENDS, make_deal, write_parcels


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settled-up workspace on the embedded chain, with January's bundle and reports beside it."""
    folder = tmp_path_factory.mktemp("made")
    with make_deal(folder / "deal", "embedded") as deal:
        deal.network.advance_to(ENDS[1])
        deal.measure("P1", [1, 2])
        deal.verify("V1", [1])
        shutil.move(deal.files.folder / "evidence", folder / "evidence")
        shutil.move(deal.files.folder / "reports", folder / "reports")
    return folder


@pytest.fixture
def deal(made: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(made / "deal", tmp_path / "deal")
    with Workspace.open(tmp_path / "deal") as workspace:
        yield workspace


@pytest.fixture
def inbox(deal: Workspace, tmp_path: Path) -> Iterator[Inbox]:
    engine = open_database(tmp_path / "keeper.sqlite")
    state = KeeperState(engine, "me")
    yield Inbox(
        tmp_path / "inbox", state, Herald(Outgoing(state), ["log"]), lambda _: deal.desk, lambda: ["parcels"], 0
    )
    engine.dispose()


def bundle_of(deal: Workspace, period: int) -> Path:
    """Where P1's bundle is kept."""
    return deal.files.evidence / f"period-{period:02d}.P1.json"


def put(inbox: Inbox, kind: str, name: str, source: Path | bytes, agreement: str = "parcels") -> Path:
    path = inbox.folder / agreement / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
    return path


def go(inbox: Inbox) -> None:
    """Two rounds: the first sees a file, the second that it no longer grows."""
    inbox.round()
    inbox.round()


def refusal(inbox: Inbox, kind: str, name: str) -> str:
    found = json.loads((inbox.folder / "parcels" / "refused" / kind / f"{name}.reason.json").read_text("utf-8"))
    return str(found["code"])


def test_a_bundle_and_a_report_are_kept_where_the_workspace_looks_for_them(
    inbox: Inbox, deal: Workspace, made: Path
) -> None:
    put(inbox, "evidence", "from-the-courier.json", made / "evidence" / "period-01.P1.json")
    put(inbox, "reports", "anything.json", made / "reports" / "period-01.V1.json")
    go(inbox)
    for kept, sent in ((bundle_of(deal, 1), "evidence"), (deal.files.report(1, "V1"), "reports")):
        assert (made / sent / kept.name).read_bytes() == kept.read_bytes()
    taken = inbox.folder / "parcels" / "taken"
    assert {"from-the-courier.json", "anything.json"} == {path.name for path in taken.rglob("*.json")}


def test_a_file_is_left_alone_while_it_grows_is_hidden_or_called_part(
    inbox: Inbox, deal: Workspace, made: Path
) -> None:
    whole = (made / "evidence" / "period-01.P1.json").read_bytes()
    for name in ("a.json.part", ".hidden.json"):
        put(inbox, "evidence", name, whole)
    growing = put(inbox, "evidence", "growing.json", whole[:100])
    inbox.round()
    growing.write_bytes(whole)
    inbox.round()
    assert not bundle_of(deal, 1).exists()
    inbox.round()
    assert bundle_of(deal, 1).exists()
    left = {path.name for path in (inbox.folder / "parcels" / "evidence").iterdir()}
    assert {"a.json.part", ".hidden.json"} == left


def test_the_same_again_is_taken_and_another_one_is_not(inbox: Inbox, deal: Workspace, made: Path) -> None:
    put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json")
    go(inbox)
    before = bundle_of(deal, 1).read_bytes()
    put(inbox, "evidence", "one.json", before)
    go(inbox)
    taken = inbox.folder / "parcels" / "taken" / "evidence"
    assert {"one.json", "one.1.json"} == {path.name for path in taken.iterdir()}
    bundle_of(deal, 1).unlink()
    deal.measure("P1", [1])  # with another salt, so another bundle that is as good
    other = bundle_of(deal, 1).read_bytes()
    put(inbox, "evidence", "two.json", before)
    go(inbox)
    assert "arrived-differs" == refusal(inbox, "evidence", "two.json")
    assert other == bundle_of(deal, 1).read_bytes()


def another_signer(text: str) -> str:
    told = json.loads(text)
    told["signature"] = "0x" + "11" * 64 + "1b"
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        ("evidence", lambda text: text[:-20], "bundle-malformed"),
        ("evidence", lambda text: text + " ", "bundle-not-canonical"),
        ("evidence", lambda text: text.replace('"period":"1"', '"period":"2"'), "arrived-for-another"),
        ("evidence", lambda text: text.replace('"period":"1"', '"period":"99"'), "no-such-period"),
        ("evidence", lambda text: text.replace('"supplier":"P1"', '"supplier":"V1"'), "wrong-role"),
        ("reports", lambda text: text[:-20], "arrived-malformed"),
        ("reports", lambda text: text.replace('"period": 1', '"period": 2'), "report-differs"),
        ("reports", lambda text: text.replace('"0.95"', '"0.99"'), "report-differs"),
        ("reports", lambda text: text.replace('"verifier": "V1"', '"verifier": "V2"'), "report-differs"),
        ("reports", lambda text: text.replace('"verifier": "V1"', '"verifier": "V9"'), "arrived-for-another"),
    ],
)
def test_what_was_changed_on_the_way_is_refused_with_the_reason_beside_it(
    inbox: Inbox, deal: Workspace, made: Path, kind: str, change: Callable[[str], str], code: str
) -> None:
    name = {"evidence": "period-01.P1.json", "reports": "period-01.V1.json"}[kind]
    text = (made / kind / name).read_text("utf-8")
    assert text != change(text)
    put(inbox, kind, "changed.json", change(text).encode())
    go(inbox)
    assert code == refusal(inbox, kind, "changed.json")
    assert not bundle_of(deal, 1).exists()
    assert not deal.files.report(1, "V1").exists()


def test_bytes_of_any_kind_are_refused_and_nothing_stops(inbox: Inbox, deal: Workspace) -> None:
    for number, data in enumerate((b"", b"\0" * 1000, b"[" * 100_000, b"\xff\xfe", b"{}", b"x" * (5 << 20))):
        put(inbox, "evidence", f"{number}.json", data)
        put(inbox, "reports", f"{number}.json", data)
    go(inbox)
    refused = list((inbox.folder / "parcels" / "refused").rglob("*.reason.json"))
    assert 12 == len(refused)
    assert deal.status().periods


def test_records_are_read_whole_before_they_are_kept(inbox: Inbox, deal: Workspace, tmp_path: Path) -> None:
    kept = deal.files.records / "parcels.csv"
    kept.unlink()
    good = write_parcels(tmp_path / "good.csv")
    put(inbox, "records", "parcels.csv", good.read_bytes().replace(b"2013-02-03T", b"2013-02-31T"))
    go(inbox)
    assert "records-malformed-value" == refusal(inbox, "records", "parcels.csv")
    assert not kept.exists()
    put(inbox, "records", "parcels.csv", good)
    go(inbox)
    assert good.read_bytes() == kept.read_bytes()
    assert {"parcels.csv"} == {path.name for path in deal.files.records.iterdir()}


def test_records_of_a_folder_come_month_by_month(inbox: Inbox, deal: Workspace, tmp_path: Path) -> None:
    (deal.files.records / "parcels.csv").unlink()
    for month in (1, 2):
        part = write_parcels(tmp_path / "part.csv", months=[month])
        put(inbox, "records", f"parcels/2013-{month:02d}.csv", part)
        go(inbox)
    kept = deal.files.records / "parcels"
    assert ["2013-01.csv", "2013-02.csv"] == sorted(path.name for path in kept.iterdir())
    put(inbox, "records", "parcels/2013-01.csv", write_parcels(tmp_path / "part.csv", months=[3]))
    go(inbox)
    assert "arrived-differs" == refusal(inbox, "records", "parcels/2013-01.csv")
    put(inbox, "records", "parcels.csv", tmp_path / "part.csv")
    go(inbox)
    assert "arrived-for-another" == refusal(inbox, "records", "parcels.csv")


def test_records_of_other_names_formats_and_places_are_refused(inbox: Inbox, deal: Workspace, tmp_path: Path) -> None:
    good = write_parcels(tmp_path / "good.csv")
    for name in ("flights.csv", "parcels.parquet", "agreement.yaml"):
        put(inbox, "records", name, good)
    go(inbox)
    for name in ("flights.csv", "parcels.parquet", "agreement.yaml"):
        assert "arrived-for-another" == refusal(inbox, "records", name)
    assert deal.agreement.id == "parcels"


def test_links_and_strange_names_are_not_followed(inbox: Inbox, deal: Workspace, made: Path, tmp_path: Path) -> None:
    folder = inbox.folder / "parcels" / "evidence"
    folder.mkdir(parents=True)
    (folder / "link.json").symlink_to(made / "evidence" / "period-01.P1.json")
    os.mkfifo(folder / "pipe.json")
    (folder / "-rf").write_bytes(b"{}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (inbox.folder / "other").symlink_to(elsewhere)
    go(inbox)
    assert {"link.json", "pipe.json", "-rf"} == {path.name for path in folder.iterdir()}
    assert not bundle_of(deal, 1).exists()


def test_what_is_for_no_agreement_here_stays_where_it_is(inbox: Inbox, made: Path) -> None:
    path = put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json", agreement="others")
    go(inbox)
    assert path.exists()


def test_late_and_out_of_order_evidence_is_kept_like_any_other(inbox: Inbox, deal: Workspace, made: Path) -> None:
    for period in (2, 1):
        put(inbox, "evidence", f"{period}.json", made / "evidence" / f"period-{period:02d}.P1.json")
        go(inbox)
    assert bundle_of(deal, 1).exists()
    assert bundle_of(deal, 2).exists()


FULL = OSError(28, "No space left on device")


def fail(error: Exception) -> Callable[..., NoReturn]:
    """Something that always fails like this."""

    def failing(*_: object, **__: object) -> NoReturn:
        raise error

    return failing


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("evidence", "pyoutcome.evidence.storage.FolderStorage._write_part"),
        ("reports", "pyoutcome.service.arriving.os.fsync"),
        ("records", "pyoutcome.service.arriving.shutil.copyfile"),
        ("evidence", "pyoutcome.service.inbox.Inbox._free_name"),
    ],
)
def test_on_a_full_disk_nothing_is_refused_and_all_is_taken_when_there_is_room(
    inbox: Inbox, deal: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch, kind: str, broken: str
) -> None:
    names = {"evidence": "period-01.P1.json", "reports": "period-01.V1.json", "records": "parcels.csv"}
    source = deal.files.records / "parcels.csv" if kind == "records" else made / kind / names[kind]
    kept = deal.files.folder / kind / names[kind]
    path = put(inbox, kind, names[kind], source)
    kept.unlink(missing_ok=True)
    with monkeypatch.context() as full:
        full.setattr(broken, fail(FULL))
        go(inbox)
    assert path.exists()
    assert not (inbox.folder / "parcels" / "refused").exists()
    sent = path.read_bytes()
    go(inbox)
    assert not path.exists()
    assert sent == kept.read_bytes()


@pytest.mark.parametrize("code", ["bad-network-answer", "file-missing"])
def test_a_workspace_that_cannot_be_opened_refuses_nothing(
    inbox: Inbox, deal: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    path = put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json")
    with monkeypatch.context() as away:
        away.setattr(inbox, "_open_desk", fail(ChainError(code, "Why.", "Fix.")))
        go(inbox)
    assert path.exists()
    go(inbox)
    assert bundle_of(deal, 1).exists()


def test_a_file_that_is_refused_on_a_full_disk_stays_until_the_reason_can_be_written(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(inbox, "evidence", "bad.json", b"{}")
    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", fail(FULL))
        go(inbox)
    assert path.exists()
    go(inbox)
    assert not path.exists()
    assert "bundle-malformed" == refusal(inbox, "evidence", "bad.json")


def test_evidence_of_another_agreement_is_refused_though_the_same_provider_signed_it(
    inbox: Inbox, deal: Workspace, tmp_path: Path
) -> None:
    with make_deal(tmp_path / "other", "embedded", name="other", periods=1) as other:
        other.measure("P1", [1])
        assert deal.parties.addresses["P1"] == other.parties.addresses["P1"]
        put(inbox, "evidence", "other.json", bundle_of(other, 1))
    go(inbox)
    assert "arrived-for-another" == refusal(inbox, "evidence", "other.json")
    assert not bundle_of(deal, 1).exists()
