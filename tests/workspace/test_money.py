"""Money between the periods: an offer that nobody activated, withdrawing, arrears, surplus, payout, shown evidence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.errors import ChainError, ProtocolError, WorkspaceError
from pyoutcome.protocol.events import DigestPosted
from pyoutcome.workspace import Workspace
from tests.workspace.conftest import AIRLINES

UNIT = 10**6
DAY = 86_400


def test_an_offer_that_nobody_activated_is_cancelled_and_gives_back(fresh: Workspace) -> None:
    for party in ("client", *AIRLINES):
        fresh.sign(party)
    fresh.deploy()
    fresh.fund("1_000")
    with pytest.raises(ProtocolError) as early:
        fresh.cancel("UA")
    assert "too-early" == early.value.code
    fresh.network.advance_to(fresh.desk.deal.arguments.activate_by)
    token = fresh.desk.escrow.token()
    assert token is not None
    client = fresh.parties.addresses["client"]
    before = token.balance(client)
    assert fresh.cancel("UA").transaction
    assert before + 1_000 * UNIT == token.balance(client)
    assert "closed" == fresh.status().stage
    assert 0 == fresh.audit().differences


def test_a_permit_funds_in_one_transaction(fresh: Workspace) -> None:
    for party in ("client", *AIRLINES):
        fresh.sign(party)
    fresh.deploy()
    assert 1 == len(fresh.fund("1_000", permit=True).transactions)
    assert 2 == len(fresh.fund("1_000").transactions)
    assert 2_000 * UNIT == fresh.status().funds
    token = fresh.desk.escrow.token()
    assert token is not None
    other = type(token)(token.network, fresh.desk.escrow.address)
    with pytest.raises(ChainError, match="no-permit"):
        other.sign_permit(fresh.parties.signer("client"), token.address, 1, 2**40)


def test_the_client_withdraws_only_what_no_period_needs(active: Workspace) -> None:
    """Nothing has started: of 18,720,000 one reserve of 1,560,000 has to stay."""
    with pytest.raises(ProtocolError) as refused:
        active.withdraw("17_160_000.000001")
    assert "short-of-funds" == refused.value.code
    with pytest.raises(ProtocolError) as refused:
        active.withdraw("1", by="UA")
    assert "not-client" == refused.value.code
    active.withdraw("17_160_000")
    assert 1_560_000 * UNIT == active.status().funds
    assert 0 == active.audit().differences


def test_what_is_owed_is_paid_from_money_that_came_by_itself(fresh: Workspace) -> None:
    for party in ("client", *AIRLINES):
        fresh.sign(party)
    fresh.deploy()
    fresh.fund("1_560_000")
    assert all(outcome.error is None for outcome in fresh.settle([1, 2, 3], move_clock=True))
    with pytest.raises(WorkspaceError) as refused:
        fresh.pay()
    assert "nothing-owed" == refused.value.code
    assert "no funds" in refused.value.why
    owed = sum(account.arrears for account in fresh.status().accounts.values())
    assert owed > 0
    escrow, token = fresh.desk.escrow, fresh.desk.escrow.token()
    assert token is not None
    token.mint(fresh.parties.signer("V1"), escrow.address, owed + 7)
    assert fresh.sync("V1").did.startswith("V1 books a surplus")
    assert fresh.pay("V1").transaction
    assert [0, 0, 0] == [account.arrears for account in fresh.status().accounts.values()]
    assert 7 == fresh.status().funds
    with pytest.raises(WorkspaceError, match="nothing-owed"):
        fresh.pay()
    with pytest.raises(ProtocolError, match="nothing-to-do"):
        fresh.sync()
    assert 0 == fresh.audit().differences


def test_a_provider_is_paid_where_it_says(verified: Workspace) -> None:
    target = "0x" + "11" * 20
    with pytest.raises(WorkspaceError, match="wrong-role"):
        verified.move_payout("V1", target)
    with pytest.raises(WorkspaceError, match="bad-address"):
        verified.move_payout("UA", target[:-1])
    verified.move_payout("UA", target)
    verified.network.advance_to(verified.agreement.period(1).end)
    verified.report(1)
    token = verified.desk.escrow.token()
    assert token is not None
    assert verified.statement(1).rows["UA"].paid == token.balance(target) > 0
    assert 0 == verified.audit().differences


def test_evidence_is_shown_between_the_period_s_end_and_its_due_date(verified: Workspace) -> None:
    with pytest.raises(ProtocolError, match="too-early"):
        verified.show_evidence("UA", 1)
    verified.network.advance_to(verified.agreement.period(1).end)
    verified.show_evidence("UA", 1)
    [posted] = [each.event for each in verified.books.events if isinstance(each.event, DigestPosted)]
    [bundle] = verified.measure("B6", [1])
    assert (1, 0) == (posted.period, posted.provider)
    verified.show_evidence("B6", 1)
    posted = [each.event for each in verified.books.events if isinstance(each.event, DigestPosted)][-1]
    assert (1, bundle.digest()) == (posted.provider, posted.digest)
    with pytest.raises(WorkspaceError, match="wrong-role"):
        verified.show_evidence("V1", 1)
    verified.network.advance_to(verified.network.now() + 10 * DAY)
    with pytest.raises(ProtocolError, match="too-late"):
        verified.show_evidence("EV", 1)


def test_the_verbs_say_what_they_move_before_they_sign(verified_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(verified_template, folder)

    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments, "-w", str(folder)])
        assert status == done.exit_code, done.output
        return " ".join(done.output.split())

    costs = "costs nothing on a local chain."
    assert f"client withdraws 5.50 TUSD: moves 5.50 TUSD to the client, {costs}" in run("withdraw", "5.5")
    target = "0x" + "11" * 20
    assert f"UA lets its payments go to {target}: moves no money now, {costs}" in run("payout", target, "--as", "UA")
    run("clock", "--to", "period:1")
    told = run("show-evidence", "-p", "1", "--as", "UA")
    assert f"UA shows that it has its evidence of period 1: moves no money, {costs}" in told
    assert "nothing-to-do" in run("sync", status=1)
    assert "nothing-owed" in run("pay", status=1)
    assert "wrong-stage" in run("cancel", status=1)
