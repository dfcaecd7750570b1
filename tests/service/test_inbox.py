"""What arrives: checked, kept where the workspace keeps it and never in the place of something else, or refused."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import fsspec  # type: ignore[import-untyped,unused-ignore]
import pytest

from pyoutcome.database import open_database
from pyoutcome.errors import ChainError
from pyoutcome.service import arriving
from pyoutcome.service.alerts import Herald
from pyoutcome.service.arriving import MOST, TAKE, take_evidence
from pyoutcome.service.configuration import Setup
from pyoutcome.service.inbox import Inbox
from pyoutcome.service.letterbox import FolderLetterbox, Letterbox
from pyoutcome.service.letterboxes import open_letterbox
from pyoutcome.service.troubles import PASSING
from pyoutcome.settlement.outgoing import Outgoing
from pyoutcome.settlement.patience import Patience
from pyoutcome.settlement.state import KeeperState
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.desk import Desk
from tests.service.deals import ENDS, make_deal, write_keeper, write_parcels


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


@dataclass
class Arriving:
    """An inbox, and what its senders write and look with: a library that knows nothing of inboxes."""

    box: Letterbox
    inbox: Inbox
    store: Any
    root: str

    def names(self, *inside: str) -> set[str]:
        """Names of the files in a folder of the agreement and below it."""
        return {each.rpartition("/")[2] for each in self.store.find("/".join((self.root, "parcels", *inside)))}


@pytest.fixture(params=["folder", "address of a folder", "object store"])
def inbox(request: pytest.FixtureRequest, deal: Workspace, tmp_path: Path) -> Iterator[Arriving]:
    given, store, root = {
        "folder": (str(tmp_path / "inbox"), fsspec.filesystem("file", auto_mkdir=True), str(tmp_path / "inbox")),
        "address of a folder": (f"file://{tmp_path}/in", fsspec.filesystem("file", auto_mkdir=True), f"{tmp_path}/in"),
        "object store": ("memory://bucket/in[box/", fsspec.filesystem("memory"), "/bucket/in[box"),
    }[request.param]
    place = Setup.load(write_keeper(tmp_path / "keeper", {"inbox": given})).inbox
    assert place is not None
    engine = open_database(tmp_path / "keeper.sqlite")
    state = KeeperState(engine, "me")
    box = open_letterbox(place)
    box.steady = 0
    made = Inbox(box, state, Herald(Outgoing(state), ["log"]), lambda _: deal.desk, lambda: ["parcels"], Patience(3))
    yield Arriving(box, made, store, root)
    engine.dispose()
    if request.param == "object store" and store.exists("/bucket"):
        store.rm("/bucket", recursive=True)


def bundle_of(deal: Workspace, period: int) -> Path:
    """Where P1's bundle is kept."""
    return deal.files.evidence / f"period-{period:02d}.P1.json"


def put(inbox: Arriving, kind: str, name: str, source: Path | bytes, agreement: str = "parcels") -> str:
    path = f"{inbox.root}/{agreement}/{kind}/{name}"
    inbox.store.pipe_file(path, source if isinstance(source, bytes) else source.read_bytes())
    return path


def go(inbox: Arriving) -> None:
    """Two rounds: the first sees a file, the second that it no longer grows."""
    inbox.inbox.round()
    inbox.inbox.round()


def refusal(inbox: Arriving, kind: str, name: str) -> str:
    found = json.loads(inbox.store.cat_file(f"{inbox.root}/parcels/refused/{kind}/{name}.reason.json"))
    return str(found["code"])


def test_a_bundle_and_a_report_are_kept_where_the_workspace_looks_for_them(
    inbox: Arriving, deal: Workspace, made: Path
) -> None:
    put(inbox, "evidence", "from-the-courier.json", made / "evidence" / "period-01.P1.json")
    put(inbox, "reports", "anything.json", made / "reports" / "period-01.V1.json")
    go(inbox)
    for kept, sent in ((bundle_of(deal, 1), "evidence"), (deal.files.report(1, "V1"), "reports")):
        assert (made / sent / kept.name).read_bytes() == kept.read_bytes()
    assert {"from-the-courier.json", "anything.json"} == inbox.names("taken") == inbox.names()


def test_a_file_is_left_alone_while_it_grows_is_hidden_or_called_part(
    inbox: Arriving, deal: Workspace, made: Path
) -> None:
    whole = (made / "evidence" / "period-01.P1.json").read_bytes()
    for name in ("a.json.part", ".hidden.json"):
        put(inbox, "evidence", name, whole)
    put(inbox, "evidence", "growing.json", whole[:100])
    inbox.inbox.round()
    put(inbox, "evidence", "growing.json", whole)
    inbox.inbox.round()
    assert not bundle_of(deal, 1).exists()
    inbox.inbox.round()
    assert bundle_of(deal, 1).exists()
    assert {"a.json.part", ".hidden.json"} == inbox.names("evidence")


def test_the_same_again_is_taken_and_another_one_is_not(inbox: Arriving, deal: Workspace, made: Path) -> None:
    put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json")
    go(inbox)
    before = bundle_of(deal, 1).read_bytes()
    put(inbox, "evidence", "one.json", before)
    go(inbox)
    assert {"one.json", "one.1.json"} == inbox.names("taken", "evidence")
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
    inbox: Arriving, deal: Workspace, made: Path, kind: str, change: Callable[[str], str], code: str
) -> None:
    name = {"evidence": "period-01.P1.json", "reports": "period-01.V1.json"}[kind]
    text = (made / kind / name).read_text("utf-8")
    assert text != change(text)
    put(inbox, kind, "changed.json", change(text).encode())
    go(inbox)
    assert code == refusal(inbox, kind, "changed.json")
    assert not bundle_of(deal, 1).exists()
    assert not deal.files.report(1, "V1").exists()


def test_bytes_of_any_kind_are_refused_and_nothing_stops(inbox: Arriving, deal: Workspace) -> None:
    for number, data in enumerate((b"", b"\0" * 1000, b"[" * 100_000, b"\xff\xfe", b"{}", b"x" * (5 << 20))):
        put(inbox, "evidence", f"{number}.json", data)
        put(inbox, "reports", f"{number}.json", data)
    go(inbox)
    refused = inbox.store.find(f"{inbox.root}/parcels/refused")
    assert 12 == len([path for path in refused if path.endswith(".reason.json")])
    assert deal.status().periods


def test_records_are_read_whole_before_they_are_kept(inbox: Arriving, deal: Workspace, tmp_path: Path) -> None:
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


def test_records_of_a_folder_come_month_by_month(inbox: Arriving, deal: Workspace, tmp_path: Path) -> None:
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


def test_records_of_other_names_formats_and_places_are_refused(
    inbox: Arriving, deal: Workspace, tmp_path: Path
) -> None:
    good = write_parcels(tmp_path / "good.csv")
    for name in ("flights.csv", "parcels.parquet", "agreement.yaml"):
        put(inbox, "records", name, good)
    go(inbox)
    for name in ("flights.csv", "parcels.parquet", "agreement.yaml"):
        assert "arrived-for-another" == refusal(inbox, "records", name)
    assert deal.agreement.id == "parcels"


@pytest.mark.parametrize("inbox", ["folder", "address of a folder"], indirect=True)
def test_links_and_strange_names_are_not_followed(inbox: Arriving, deal: Workspace, made: Path, tmp_path: Path) -> None:
    folder = Path(inbox.root) / "parcels" / "evidence"
    folder.mkdir(parents=True)
    (folder / "link.json").symlink_to(made / "evidence" / "period-01.P1.json")
    os.mkfifo(folder / "pipe.json")
    (folder / "-rf").write_bytes(b"{}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (Path(inbox.root) / "other").symlink_to(elsewhere)
    go(inbox)
    assert {"link.json", "pipe.json", "-rf"} == {path.name for path in folder.iterdir()}
    assert not bundle_of(deal, 1).exists()


def test_names_that_are_no_plain_names_are_left_alone(inbox: Arriving, deal: Workspace, made: Path) -> None:
    whole = made / "evidence" / "period-01.P1.json"
    names = {"-rf", "a b.json", "a*.json", "x" * 101 + ".json", "über.json"}
    for name in names:
        put(inbox, "evidence", name, whole)
    go(inbox)
    assert names == inbox.names("evidence")
    assert not bundle_of(deal, 1).exists()


def test_a_file_that_was_replaced_while_it_was_taken_is_not_moved_away(
    inbox: Arriving, deal: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (made / "evidence" / "period-01.P1.json").read_bytes()
    put(inbox, "evidence", "one.json", whole)

    def take_and_replace(desk: Desk, path: Path) -> Path:
        kept = take_evidence(desk, path)
        put(inbox, "evidence", "one.json", b"another")
        return kept

    monkeypatch.setitem(TAKE, "evidence", take_and_replace)
    go(inbox)
    assert (set(), {"one.json"}) == (inbox.names("taken"), inbox.names("evidence"))
    monkeypatch.undo()
    go(inbox)
    assert "bundle-malformed" == refusal(inbox, "evidence", "one.json")
    assert whole == bundle_of(deal, 1).read_bytes()


def test_no_more_is_fetched_than_a_file_of_its_kind_may_have(
    inbox: Arriving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(MOST, "records", 100)
    monkeypatch.setattr(arriving, "MOST_RECORDS", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    put(inbox, "records", "parcels.csv", b"x" * 1000)
    with inbox.box.open("parcels/records/parcels.csv", 100) as copy:
        assert copy.stat().st_size == (1000 if isinstance(inbox.box, FolderLetterbox) else 101)
    go(inbox)
    assert "arrived-too-long" == refusal(inbox, "records", "parcels.csv")
    assert {"parcels.csv", "parcels.csv.reason.json"} == inbox.names("refused")
    assert [] == list(tmp_path.glob("pyoutcome-*"))


@pytest.mark.parametrize("inbox", ["object store"], indirect=True)
def test_a_store_that_does_not_answer_is_asked_again_after_a_while_and_that_is_told(
    inbox: Arriving, deal: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json")
    now, asked = [10**12], [0]

    def refuse(*_: object, **__: object) -> None:
        asked[0] += 1
        raise PermissionError("the secret of the address")

    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    with monkeypatch.context() as broken:
        broken.setattr(type(inbox.store), "ls", refuse)
        for seconds in (0, 1, 2, 4):
            assert not inbox.inbox.round()
            assert not inbox.inbox.round()
            now[0] += seconds * 10**9
            now[0] += 1
    assert 3 == asked[0]
    told = [record.getMessage() for record in caplog.records]
    assert (3, 1) == (told.count("inbox-not-reached"), told.count("alert"))
    assert "the secret of the address" not in caplog.text
    now[0] += 4 * 10**9
    go(inbox)
    now[0] += 1
    go(inbox)
    assert bundle_of(deal, 1).exists()


def test_what_is_for_no_agreement_here_stays_where_it_is(inbox: Arriving, made: Path) -> None:
    path = put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json", agreement="others")
    go(inbox)
    assert inbox.store.exists(path)


def test_late_and_out_of_order_evidence_is_kept_like_any_other(inbox: Arriving, deal: Workspace, made: Path) -> None:
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
        ("evidence", "pyoutcome.evidence.bundles.storage.FolderStorage._write_part"),
        ("reports", "pyoutcome.service.arriving.os.fsync"),
        ("records", "pyoutcome.service.arriving.shutil.copyfile"),
        ("evidence", "pyoutcome.service.letterbox.FolderLetterbox.free"),
        ("evidence", "pyoutcome.service.letterbox.FolderLetterbox.move"),
        ("evidence", "pyoutcome.service.object_letterbox.tempfile.TemporaryDirectory"),
    ],
)
def test_on_a_full_disk_nothing_is_refused_and_all_is_taken_when_there_is_room(
    inbox: Arriving, deal: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch, kind: str, broken: str
) -> None:
    names = {"evidence": "period-01.P1.json", "reports": "period-01.V1.json", "records": "parcels.csv"}
    source = deal.files.records / "parcels.csv" if kind == "records" else made / kind / names[kind]
    kept, sent = deal.files.folder / kind / names[kind], source.read_bytes()
    put(inbox, kind, names[kind], sent)
    kept.unlink(missing_ok=True)
    of_folder = isinstance(inbox.box, FolderLetterbox)
    concerned = "object_letterbox" not in broken if of_folder else ".letterbox" not in broken
    with monkeypatch.context() as full:
        full.setattr(broken, fail(FULL))
        go(inbox)
    assert ({names[kind]} if concerned else set()) == inbox.names(kind)
    assert set() == inbox.names("refused")
    go(inbox)
    assert (set(), {names[kind]}) == (inbox.names(kind), inbox.names("taken"))
    assert sent == kept.read_bytes()


@pytest.mark.parametrize("code", ["bad-network-answer", "file-missing"])
def test_a_workspace_that_cannot_be_opened_refuses_nothing(
    inbox: Arriving, deal: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    path = put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json")
    with monkeypatch.context() as away:
        away.setattr(inbox.inbox, "_open_desk", fail(ChainError(code, "Why.", "Fix.")))
        go(inbox)
    assert inbox.store.exists(path)
    go(inbox)
    assert bundle_of(deal, 1).exists()


@pytest.mark.parametrize("code", sorted(PASSING))
def test_what_passes_by_itself_refuses_nothing_and_is_logged(
    inbox: Arriving,
    deal: Workspace,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    path = put(inbox, "evidence", "one.json", made / "evidence" / "period-01.P1.json")
    with monkeypatch.context() as away:
        away.setitem(TAKE, "evidence", fail(ChainError(code, "Why.", "Fix.")))
        go(inbox)
    assert inbox.store.exists(path)
    assert ["arrival-put-off"] == [record.getMessage() for record in caplog.records]
    go(inbox)
    assert bundle_of(deal, 1).exists()


def test_a_file_that_cannot_be_read_stops_no_other(
    inbox: Arriving, deal: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = made / "evidence" / "period-01.P1.json"
    for name in ("a.json", "b.json"):
        put(inbox, "evidence", name, whole)

    def read(desk: Desk, path: Path) -> Path:
        if path.name == "a.json":
            raise PermissionError(13, "Permission denied")
        return take_evidence(desk, path)

    monkeypatch.setitem(TAKE, "evidence", read)
    go(inbox)
    assert ({"a.json"}, {"b.json"}) == (inbox.names("evidence"), inbox.names("taken"))
    assert bundle_of(deal, 1).exists()
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["arrival-put-off"] == warned


@pytest.mark.parametrize("broken", ["reason", "move"])
def test_a_file_that_is_refused_on_a_full_disk_stays_until_the_reason_can_be_written(
    inbox: Arriving, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = put(inbox, "evidence", "bad.json", b"{}")
    writing = "write_text" if broken == "reason" else "rename"
    with monkeypatch.context() as full:
        full.setattr(Path, writing, fail(FULL))
        store = type(inbox.store)
        full.setattr(store, "pipe_file" if broken == "reason" else "cp_file", fail(FULL))
        go(inbox)
        assert inbox.store.exists(path)
        assert (broken == "move") == ("bad.json.reason.json" in inbox.names("refused"))
    inbox.inbox._again = 0  # a store is asked again after a second
    go(inbox)
    assert not inbox.store.exists(path)
    assert "bundle-malformed" == refusal(inbox, "evidence", "bad.json")
    assert {"bad.json", "bad.json.reason.json"} == inbox.names("refused")


def test_evidence_of_another_agreement_is_refused_though_the_same_provider_signed_it(
    inbox: Arriving, deal: Workspace, tmp_path: Path
) -> None:
    with make_deal(tmp_path / "other", "embedded", name="other", periods=1) as other:
        other.measure("P1", [1])
        assert deal.parties.addresses["P1"] == other.parties.addresses["P1"]
        put(inbox, "evidence", "other.json", bundle_of(other, 1))
    go(inbox)
    assert "arrived-for-another" == refusal(inbox, "evidence", "other.json")
    assert not bundle_of(deal, 1).exists()
