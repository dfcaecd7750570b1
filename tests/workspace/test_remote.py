"""An audit from an address, a network, the agreement file and stored evidence alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from pyoutcome.audit import Kind
from pyoutcome.cli.app import app
from pyoutcome.database import open_database, transaction
from pyoutcome.errors import WorkspaceError
from pyoutcome.index.tables import postings
from pyoutcome.terms import Agreement
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.auditing import audit_case
from pyoutcome.workspace.remote import Store, open_remote
from tests.anvil import running_anvil
from tests.workspace.conftest import AGREEMENT, AIRLINES
from tests.workspace.test_amending import amended, everybody_signs


def settle(workspace: Workspace, *periods: int) -> None:
    for airline in AIRLINES:
        workspace.measure(airline, periods)
    for verifier in ("V1", "V3"):
        workspace.verify(verifier, periods)
    for period in periods:
        workspace.network.advance_to(workspace.agreement.period(period).end)
        workspace.report(period)


def store_of(workspace: Workspace) -> Store:
    return Store(workspace.agreement, workspace.files.folder)


def test_it_finds_what_the_workspace_finds(active: Workspace) -> None:
    settle(active, 1, 2)
    own, escrow = active.audit(), active.desk.escrow.address
    remote = audit_case(open_remote(active.network, escrow, store_of(active)))
    assert (6, 0) == (remote.settled, remote.differences)
    assert own == remote
    before = own.block - 1 if own.block else 0
    past = audit_case(open_remote(active.network, escrow, store_of(active), block=before))
    assert (3, 0, before) == (past.settled, past.differences, past.block)


def test_evidence_and_parties_of_one_s_own_are_held_against_the_escrow(
    active: Workspace, flights: Path, tmp_path: Path
) -> None:
    settle(active, 1)
    escrow = active.desk.escrow.address
    folder = tmp_path / "bundles"
    shutil.copytree(active.files.folder / "evidence", folder)
    (folder / "period-01.EV.json").unlink()
    known = {"client": active.parties.addresses["V2"]}
    store = Store(active.agreement, folder, {"flights": flights}, parties=known)
    found = audit_case(open_remote(active.network, escrow, store))
    assert {(Kind.TERMS, "argument client"), (Kind.TERMS, "terms hash"), (Kind.EVIDENCE, "evidence digest")} == {
        (each.kind, each.what) for each in found.findings
    }
    altered = tmp_path / "flights.csv"
    altered.write_text(flights.read_text(encoding="utf-8").replace(",900,20,", ",900,5,", 1), encoding="utf-8")
    changed = audit_case(open_remote(active.network, escrow, replace(store_of(active), records={"flights": altered})))
    assert {Kind.VALUE, Kind.RECORDS} >= {each.kind for each in changed.findings} >= {Kind.VALUE}
    with pytest.raises(WorkspaceError) as missing:
        audit_case(open_remote(active.network, escrow, replace(store, records={})))
    assert "records-missing" == missing.value.code


def test_amendments_are_read_from_the_files_that_the_parties_exchange(active: Workspace, tmp_path: Path) -> None:
    active.network.advance_to(active.agreement.period(1).start)
    active.amend("client", amended(tmp_path, ("monthly_fee: 250000", "monthly_fee: 300000")))
    everybody_signs(active)
    settle(active, 1, 2)
    escrow = active.desk.escrow.address
    store = store_of(active)
    without = audit_case(open_remote(active.network, escrow, store))
    assert "amendment 1" in {each.what for each in without.findings}
    found = audit_case(
        open_remote(active.network, escrow, replace(store, amendments=active.files.folder / "amendments"))
    )
    assert (6, 0) == (found.settled, found.differences)
    assert active.audit() == found


def test_an_escrow_with_other_parties_is_told(verified: Workspace, tmp_path: Path) -> None:
    text = AGREEMENT.read_text(encoding="utf-8")
    old = "    V3:"
    assert old in text
    file = tmp_path / "other.yaml"
    file.write_text(text.replace(old, "    V4: {name: Fourth verifier}\n    V3:"), encoding="utf-8")
    with pytest.raises(WorkspaceError) as refused:
        open_remote(verified.network, verified.desk.escrow.address, Store(Agreement.load(file), tmp_path))
    assert "escrow-of-another-agreement" == refused.value.code


def test_the_command_needs_an_address_a_network_and_the_files(
    tmp_path: Path, flights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments))
        return done.exit_code, done.output

    with running_anvil() as url:
        with Workspace.create(tmp_path / "deal", AGREEMENT, network=url, records={"flights": flights}) as workspace:
            for party in ("client", *AIRLINES):
                workspace.sign(party)
            workspace.deploy()
            workspace.fund("18_720_000")
            settle(workspace, 1)
            escrow = workspace.desk.escrow.address
        folder = tmp_path / "deal"
        status, out = run("index", "--workspace", str(folder), "--json")
        assert (0, escrow, None) == (status, json.loads(out)["escrow"], json.loads(out)["problem"])
        engine = open_database(folder / "index.sqlite")
        with transaction(engine) as connection:
            names = set(connection.execute(select(postings.c.account)).scalars())
        engine.dispose()
        assert "provider:UA:held" in names
        shutil.move(folder / "evidence", tmp_path / "store" / "evidence")
        shutil.rmtree(folder)
        monkeypatch.chdir(tmp_path)
        place = ("--escrow", escrow, "--network", url, "--agreement", str(AGREEMENT), "--evidence", "store")
        status, out = run("audit", *place, "--records", f"flights={flights}", "--party", f"client={escrow}", "--json")
        assert (1, 3) == (status, json.loads(out)["settled"])
        assert {"argument client", "terms hash"} == {each["what"] for each in json.loads(out)["findings"]}
        status, out = run("audit", *place, "--records", f"flights={flights}")
        assert (0, True) == (status, "0 differences" in out)
        for arguments, code in ((place[:2], "audit-needs"), ((*place, "--party", "nobody=1"), "bad-party-option")):
            assert code in CliRunner().invoke(app, ["audit", *arguments]).stderr
