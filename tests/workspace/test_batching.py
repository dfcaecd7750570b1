"""Many reports and many offers in one transaction: a bad one fails alone and says why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.errors import ChainError, WorkspaceError
from pyoutcome.workspace import Intent, Workspace, create_many, report_many, settle_many
from pyoutcome.workspace.batching import Batch
from tests.anvil import running_anvil
from tests.workspace.conftest import AGREEMENT, AIRLINES

TEXT = AGREEMENT.read_text(encoding="utf-8")


def codes(batch: Batch) -> list[tuple[int | None, str | None]]:
    return [(item.period, item.error.code if item.error else None) for item in batch.items]


def prepare(workspace: Workspace, *periods: int) -> None:
    for airline in AIRLINES:
        workspace.measure(airline, periods)
    for verifier in ("V1", "V2"):
        workspace.verify(verifier, periods)


def test_several_periods_of_one_agreement_at_once(active: Workspace) -> None:
    prepare(active, 1, 2, 3)
    active.network.advance_to(active.agreement.period(3).end)
    active.report(2)
    batch = report_many([active.desk], [1, 2, 3, 4], "client")
    # The escrow refused 2; for 4 nobody has signed anything, so it was not handed in.
    assert [(1, None), (2, "already-settled"), (3, None), (4, "too-few-reports")] == codes(batch)
    assert (9, 0) == (active.audit().settled, active.audit().differences)
    assert active.desk.files.load(active.files.settings, type(active.desk.settings)).batch
    assert () == report_many([active.desk], None, "client").items


def test_what_is_ready_is_found(verified: Workspace) -> None:
    assert () == report_many([verified.desk], None, "client").items
    verified.network.advance_to(verified.agreement.period(2).end)
    batch = report_many([verified.desk], None, "client")
    assert [(1, None)] == codes(batch)
    assert batch.transaction is not None
    assert batch.gas_used > 100_000


def test_windows_that_are_over_settle_together(tmp_path: Path, flights: Path) -> None:
    file = tmp_path / "windowed.yaml"
    window = "  challenge: {within: 5 days, ruling_within: 20 days, stake: {fixed: 1_000, share: 10%}}\n"
    file.write_text(TEXT + window, encoding="utf-8")
    with Workspace.create(tmp_path / "deal", file, records={"flights": flights}) as workspace:
        for party in ("client", *AIRLINES):
            workspace.sign(party)
        workspace.deploy()
        workspace.fund("18_720_000")
        prepare(workspace, 1, 2)
        month = workspace.agreement.period
        workspace.network.advance_to(month(2).end)
        for period in (1, 2):
            workspace.report(period)
        assert () == settle_many([workspace.desk], None, "client").items
        # Nobody reports March: its default settles with the others.
        workspace.network.advance_to(month(3).end + 11 * 86_400)
        workspace.propose_default(3)
        workspace.network.advance_to(month(3).end + 15 * 86_400)
        alone = workspace.settle([1])
        assert [None] == [each.error for each in alone]
        done = settle_many([workspace.desk], [1, 2, 3, 4], "client")
        assert [(1, "already-settled"), (2, None), (3, None), (4, "not-proposed")] == codes(done)
        assert (9, 0) == (workspace.audit().settled, workspace.audit().differences)
        assert () == settle_many([workspace.desk], None, "client").items


def test_the_verb_settles_what_is_ready(verified_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(verified_template, folder)
    for arguments, status, told in (
        (["--settle"], 0, "Nothing is ready"),
        (["--settle", "--create"], 2, "one of both"),
    ):
        done = CliRunner().invoke(app, ["batch", *arguments, "-w", str(folder)])
        assert (status, True) == (done.exit_code, told in done.output), done.output


def test_one_refused_for_its_turn_could_be_handed_in_now(tmp_path: Path, flights: Path) -> None:
    """The second report of a pair in the wrong order is settled; the first was asked too early."""
    file = tmp_path / "capped.yaml"
    old, new = "settlement: [at_least: 180000, at_most: 520000]", "settlement: [lifetime_at_most: 3000000]"
    assert old in TEXT
    file.write_text(TEXT.replace(old, new).replace("reserve: proven", "reserve: 2000000"), encoding="utf-8")
    with Workspace.create(tmp_path / "deal", file, records={"flights": flights}) as workspace:
        for party in ("client", *AIRLINES):
            workspace.sign(party)
        workspace.deploy()
        workspace.fund("18_720_000")
        prepare(workspace, 1, 2)
        workspace.network.advance_to(workspace.agreement.period(2).end)
        assert [(2, "refused-in-batch"), (1, None)] == codes(report_many([workspace.desk], [2, 1], "client"))
        assert [(2, None)] == codes(report_many([workspace.desk], None, "client"))


def test_embedded_chains_belong_to_one_workspace(active: Workspace, fresh_template: Path, tmp_path: Path) -> None:
    shutil.copytree(fresh_template, tmp_path / "other")
    with Workspace.open(tmp_path / "other") as other, pytest.raises(WorkspaceError) as refused:
        report_many([active.desk, other.desk], None, "client")
    assert "other-network" == refused.value.code


def test_another_contract_is_no_batch(verified: Workspace) -> None:
    verified.network.advance_to(verified.agreement.period(1).end)
    with pytest.raises(ChainError) as refused:
        report_many([verified.desk], [1], "client", verified.desk.settings.token)
    assert "foreign-code" == refused.value.code
    assert not verified.desk.files.load(verified.files.settings, type(verified.desk.settings)).batch


@pytest.fixture
def pair(tmp_path: Path, flights: Path) -> Iterator[tuple[list[Workspace], list[Intent]]]:
    """Two deals and a third, all signed but one, on one node with one factory and token."""
    intents: list[Intent] = []
    with running_anvil() as url, ExitStack() as stack:
        made: list[Workspace] = []
        for name in ("north", "south", "west"):
            file = tmp_path / f"{name}.yaml"
            file.write_text(TEXT.replace("agreement: punctual-arrivals", f"agreement: {name}"), encoding="utf-8")
            shared = made[0].desk.settings if made else None
            workspace = Workspace.create(
                tmp_path / name,
                file,
                network=url,
                records={"flights": flights},
                confirm=intents.append,
                factory=shared.factory if shared else None,
                token=shared.token if shared else None,
            )
            made.append(stack.enter_context(workspace))
            for party in ("client", *AIRLINES)[: 3 if name == "west" else 4]:
                workspace.sign(party)
        yield made, intents


def test_offers_and_reports_of_several_workspaces_at_once(pair: tuple[list[Workspace], list[Intent]]) -> None:
    workspaces, intents = pair
    desks = [workspace.desk for workspace in workspaces]
    made = create_many(desks, "client")
    assert [None, None, "signatures-missing"] == [item.error and item.error.code for item in made.items]
    assert [desk.escrow.address for desk in desks[:2]] == [item.escrow for item in made.items[:2]]
    assert "creates 2 escrows in one transaction" == intents[-1].does
    again = create_many(desks, "client")
    assert ["already-deployed"] * 2 == [item.error and item.error.code for item in again.items[:2]]
    assert again.transaction is None

    for workspace in workspaces[:2]:
        workspace.fund("18_720_000")
        prepare(workspace, 1)
    workspaces[0].network.advance_to(workspaces[0].agreement.period(1).end)
    workspaces[1].report(1)
    done = report_many(desks[:2], [1], "client")
    assert [(1, None), (1, "already-settled")] == codes(done)
    assert "hands in 2 reports to 2 escrows in one transaction" == intents[-1].does
    assert [0, 0] == [workspace.audit().differences for workspace in workspaces[:2]]


def test_the_verb_names_what_was_refused_and_exits_with_1(verified_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(verified_template, folder)

    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments, "-w", str(folder)])
        assert status == done.exit_code, done.output
        return done.output

    assert "Nothing is ready" in run("batch")
    run("clock", "--to", "period:1")
    document = run("batch", "-p", "1", "-p", "2", "--json", status=1)
    items = json.loads(document)["items"]
    assert [None, "too-few-reports"] == [item["error"] and item["error"]["code"] for item in items]
    told = " ".join(run("batch", "-p", "1", status=1).split())
    assert "client hands in 1 report to 1 escrow in one transaction: moves what their programs pay" in told
    assert "[already-settled]" in told
    assert "already-deployed" in run("batch", "--create", status=1)
