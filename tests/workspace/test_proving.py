"""Evidence of a workspace: bundles with roots, proofs from them, and where both are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec  # type: ignore[import-untyped,unused-ignore]
import pytest

from pyoutcome.errors import EvidenceError, PyoutcomeError
from pyoutcome.evidence.proofs.checking import check_proof
from pyoutcome.evidence.proofs.proof import read_proof
from pyoutcome.settlement.plan import Need
from pyoutcome.workspace import Workspace
from tests.workspace.conftest import AGREEMENT, AIRLINES

KEY = {
    "year": "2013", "month": "1", "day": "3", "carrier": "UA", "flight": "103", "origin": "JFK", "dest": "BOS",
    "time_hour": "2013-01-03T14:00:00Z",
}  # fmt: skip


def own_key(workspace: Workspace) -> dict[str, str]:
    return {name: KEY[name] for name in workspace.agreement.records["flights"].key}


def test_a_year_with_roots_is_verified_settled_and_proven(active: Workspace, tmp_path: Path) -> None:
    for airline in AIRLINES:
        active.measure(airline, [1, 2], provable=True)
    for verifier in ("V1", "V3"):
        active.verify(verifier, [1, 2])
    assert {Need.NOTHING} == {each.decision.need for each in active.settle([1, 2], move_clock=True)}
    stored = active.prove("UA", 1, own_key(active), out=tmp_path / "proof.json")
    shown = check_proof(read_proof(tmp_path / "proof.json"), active.agreement, signer=active.parties.addresses["UA"])
    assert (str(tmp_path / "proof.json"), 20) == (stored.place, shown.records)
    assert ("denominator",) == shown.counted["on_time.UA"]  # one of the three that came late
    assert 0 == active.audit().differences


def test_to_measure_again_makes_the_same_bundle_again(active: Workspace) -> None:
    [first] = active.measure("UA", [1], provable=True)
    assert [first] == active.measure("UA", [1], provable=True)
    assert [first] == active.measure("UA", [1])  # what could be proven can still be
    [plain] = active.measure("B6", [1])
    assert [plain] == active.measure("B6", [1])
    with pytest.raises(EvidenceError, match="evidence-exists"):
        active.measure("B6", [1], provable=True)
    [other] = active.measure("B6", [1], provable=True, replace=True)
    assert plain.values == other.values
    assert (None, True) == (plain.trees, other.trees is not None)
    assert plain.salt != other.salt


def test_a_file_that_is_no_bundle_of_ones_own_is_not_written_over(active: Workspace) -> None:
    [bundle] = active.measure("UA", [1])
    path = active.files.evidence / "period-01.UA.json"
    for text in (b"{}", bundle.to_json().replace(b'"period":"1"', b'"period":"2"')):
        path.write_bytes(text)
        with pytest.raises(EvidenceError, match="evidence-exists"):
            active.measure("UA", [1])
        assert text == path.read_bytes()
    active.measure("UA", [1], replace=True)
    assert text != path.read_bytes()


def test_a_root_that_a_verifier_does_not_have_is_not_signed(active: Workspace) -> None:
    for airline in AIRLINES:
        active.measure(airline, [1], provable=True)
    path = active.files.evidence / "period-01.UA.json"
    document = json.loads(path.read_bytes())
    del document["secret"]
    path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
    with pytest.raises(EvidenceError, match="bundle-without-secret"):
        active.verify("V1", [1])
    assert not active.files.report(1, "V1").exists()


def test_what_cannot_be_proven_is_told(active: Workspace) -> None:
    key = own_key(active)

    def refused(code: str, provider: str = "UA", source: str | None = None, **changes: str) -> None:
        with pytest.raises(PyoutcomeError) as caught:
            active.prove(provider, 1, key | changes, source)
        assert code == caught.value.code

    refused("bundles-missing")
    refused("wrong-role", "V1")
    active.measure("UA", [1])
    refused("bundle-without-tree")
    active.measure("UA", [1], provable=True, replace=True)
    refused("proof-record-unknown", month="2")
    refused("proof-source", source="trains")
    refused("proof-key", colour="red")
    stored = active.prove("UA", 1, key)
    assert Path(stored.place).is_file()
    assert stored == active.prove("UA", 1, key, "flights")


@pytest.fixture
def address() -> Iterator[str]:
    yield "memory://bucket/deals/punctual"
    store = fsspec.filesystem("memory")
    if store.exists("/bucket"):
        store.rm("/bucket", recursive=True)


def test_evidence_may_lie_in_an_object_store(active_template: Path, tmp_path: Path, address: str) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(active_template, folder)
    settings = json.loads((folder / "workspace.json").read_text(encoding="utf-8"))
    (folder / "workspace.json").write_text(json.dumps(settings | {"evidence": address}), encoding="utf-8")
    with Workspace.open(folder) as workspace:
        for airline in AIRLINES:
            workspace.measure(airline, [1], provable=True)
        assert [f"period-01.{airline}.json" for airline in sorted(AIRLINES)] == workspace.desk.evidence.names()
        assert {Need.NOTHING} == {each.decision.need for each in workspace.settle([1], move_clock=True)}
        place = workspace.prove("UA", 1, own_key(workspace)).place
        assert place.startswith(f"{address}/period-01.UA.proof-flights-")
        assert "UA" == check_proof(read_proof(place), workspace.agreement).supplier
        assert f"{address}/my.json" == workspace.prove("UA", 1, own_key(workspace), out=f"{address}/my.json").place
        assert 0 == workspace.audit().differences
    assert not (folder / "evidence").exists()


def test_the_place_is_chosen_when_the_workspace_is_made(tmp_path: Path, flights: Path, address: str) -> None:
    for name, evidence, where in (
        ("a", None, tmp_path / "a" / "evidence"),
        ("b", "proofs", tmp_path / "b" / "proofs"),
        ("c", str(tmp_path / "shared"), tmp_path / "shared"),
        ("d", address, address),
    ):
        records = {"flights": flights}
        with Workspace.create(tmp_path / name, AGREEMENT, records=records, evidence=evidence) as workspace:
            assert str(where) == workspace.desk.evidence.where
    with pytest.raises(EvidenceError, match="storage-address"):
        Workspace.create(tmp_path / "e", AGREEMENT, evidence="ftp://host/path")
    assert not (tmp_path / "e").exists()
