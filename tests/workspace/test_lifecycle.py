"""When things go wrong: challenge, dispute, ruling, agreement, another provider, an early end; audited each time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.errors import ProtocolError, WorkspaceError
from pyoutcome.settlement.plan import Need
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.settings import Offer
from tests.workspace.conftest import AGREEMENT, AIRLINES

DAY = 86_400
ADDED = """\
  challenge: {within: 5 days, ruling_within: 20 days, stake: {fixed: 1_000, share: 10%}}
  convenience: {by: client, notice: 40 days, fee: {UA: 2_000}}
"""
ALL_VALUES = [f"{kpi}.{airline}={value}" for kpi, value in (("on_time", "80%"), ("cancelled", "5%"), ("arrivals", "16"))
              for airline in AIRLINES]  # fmt: skip


@pytest.fixture(scope="session")
def contested_template(tmp_path_factory: pytest.TempPathFactory, flights: Path) -> Path:
    """January reported under an agreement with bonds and a challenge window."""
    folder = tmp_path_factory.mktemp("contested")
    text = AGREEMENT.read_text(encoding="utf-8") + ADDED
    text = text.replace("UA: {name: United Air Lines}", "UA: {name: United Air Lines, bond: 5_000}")
    (folder / "agreement.yaml").write_text(text, encoding="utf-8")
    with Workspace.create(folder / "deal", folder / "agreement.yaml", records={"flights": flights}) as workspace:
        for party in ("client", *AIRLINES):
            workspace.sign(party)
        workspace.deploy()
        assert "5,000.00 TUSD more of the bond of UA" == workspace.fund("18_720_000").waits_for
        assert workspace.bond("UA").activated
        for airline in AIRLINES:
            workspace.measure(airline, [1])
        for verifier in ("V1", "V3"):
            workspace.verify(verifier, [1])
        workspace.network.advance_to(workspace.agreement.period(1).end)
        workspace.report(1)
    return folder / "deal"


@pytest.fixture
def contested(contested_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "deal"
    shutil.copytree(contested_template, folder)
    with Workspace.open(folder) as workspace:
        yield workspace


def needs(workspace: Workspace) -> Need:
    return workspace.status().periods[0].need


def pass_time(workspace: Workspace, days: int) -> None:
    workspace.network.advance_to(workspace.network.now() + days * DAY)


def test_nobody_signs_an_offer_that_does_not_follow_from_the_agreement(fresh_template: Path, tmp_path: Path) -> None:
    """Who made the offer put another reserve into its arguments and worked out everything else anew."""
    shutil.copytree(fresh_template, tmp_path / "deal")
    with Workspace.open(tmp_path / "deal") as workspace:
        workspace.sign("client")
        desk = workspace.desk
        stored = desk.files.load(desk.files.offer, Offer)
        deal = replace(desk.deal, arguments=replace(desk.deal.arguments, reserve=1))
        prediction = desk.factory.predict(deal)
    forged = stored.model_copy(
        update={
            "arguments": "0x" + deal.arguments.pack().hex(),
            "terms_hash": "0x" + prediction.terms_hash.hex(),
            "escrow": prediction.escrow,
        }
    )
    desk.files.save(desk.files.offer, forged)
    with Workspace.open(tmp_path / "deal") as workspace, pytest.raises(WorkspaceError) as refused:
        workspace.sign("UA")
    assert "offer-differs" == refused.value.code
    assert "reserve" in refused.value.why


def test_an_unchallenged_report_settles_when_its_window_is_over(contested: Workspace) -> None:
    assert Need.CHALLENGE_WINDOW is needs(contested)
    pass_time(contested, 5)
    [outcome] = contested.settle([1])
    assert Need.NOTHING is outcome.decision.need
    assert (3, 0) == (contested.audit().settled, contested.audit().differences)


def test_a_ruling_settles_what_a_challenge_disputed(contested: Workspace) -> None:
    contested.challenge(1, ["on_time.UA=90%"], "UA")
    pass_time(contested, 5)
    contested.dispute(1)
    assert Need.RULING is needs(contested)
    assert 0 == contested.audit().differences
    contested.rule(1, ["on_time.UA=88%"])
    stated = contested.statement(1)
    assert ("settled on chain", 880_000_000_000_000_000) == (stated.basis, stated.statement.kpis[0].value)
    report = contested.audit()
    assert (["ruling"], 0) == ([period.basis for period in report.periods], report.differences)


def test_a_silent_arbitrator_lets_the_report_stand(contested: Workspace) -> None:
    contested.challenge(1, ["on_time.UA=90%"], "UA")
    pass_time(contested, 5)
    contested.dispute(1)
    pass_time(contested, 20)
    [outcome] = contested.settle([1])
    assert Need.NOTHING is outcome.decision.need
    assert 0 == contested.audit().differences


def test_client_and_providers_settle_on_values_of_their_own(contested: Workspace) -> None:
    step = contested.agree(1, "client", ["on_time.UA=85%"])
    assert (None, AIRLINES) == (step.transaction, step.missing)
    with pytest.raises(WorkspaceError) as refused:
        contested.agree(1, "UA", ["on_time.UA=86%"])
    assert "act-differs" == refused.value.code
    for airline in AIRLINES:
        contested.agree(1, airline)
    assert contested.agree(1, "B6", submit=True).transaction
    report = contested.audit()
    assert (["agreement"], 0) == ([period.basis for period in report.periods], report.differences)


def test_a_settled_period_is_agreed_anew_where_the_terms_say_so(tmp_path: Path, flights: Path) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_text(AGREEMENT.read_text(encoding="utf-8") + "  restates: yes\n", encoding="utf-8")
    with Workspace.create(tmp_path / "deal", file, records={"flights": flights}) as workspace:
        for party in ("client", *AIRLINES):
            workspace.sign(party)
        workspace.deploy()
        workspace.fund("18_720_000")
        workspace.settle([1], move_clock=True)
        before = workspace.books.statement(1).rows["UA"].amount
        better = [value.replace("80%", "85%") for value in ALL_VALUES]
        for party in ("client", *AIRLINES):
            workspace.agree(1, party, better)
        assert workspace.agree(1, "UA", submit=True).transaction
        assert 0 == workspace.audit().differences
        [*_, row] = [row for row in workspace.books.journal.rows if row.provider == "UA"]
        assert row.amount == workspace.statement(1).of("UA").units != before
        assert AIRLINES == workspace.agree(1, "client", ALL_VALUES).missing  # and once more


def test_nobody_else_signs_an_agreement(contested: Workspace) -> None:
    with pytest.raises(WorkspaceError) as refused:
        contested.agree(1, "V1")
    assert "not-a-signing-party" == refused.value.code


def test_a_challenge_says_which_values_it_means(contested: Workspace) -> None:
    with pytest.raises(WorkspaceError) as refused:
        contested.challenge(1, ["on_tim.UA=90%"], "UA")
    assert "bad-own-value" == refused.value.code
    with pytest.raises(WorkspaceError) as refused:
        contested.challenge(2, ["on_time.UA=90%"], "UA")
    assert "nothing-proposed" == refused.value.code


def test_a_successor_takes_the_place_of_a_provider(contested: Workspace) -> None:
    contested.parties.trust("successor-UA", contested.network.test_accounts()[9].address)
    for party in ("client", "UA", "successor-UA"):
        step = contested.assign("UA", party)
    assert () == step.missing
    contested.assign("UA", "successor-UA", submit=True)
    pass_time(contested, 5)
    contested.settle([1])
    assert "UA-2" in contested.status().accounts
    assert 5_000 * 10**6 == contested.status().accounts["UA-2"].bond
    assert 0 == contested.audit().differences


def test_notice_ends_the_agreement_and_pays_its_fee(contested: Workspace) -> None:
    contested.terminate("client")
    assert 3 == contested.desk.escrow.last_period()  # 40 days from the first of February: in March
    report = contested.audit()
    assert 0 == report.differences
    with pytest.raises(ProtocolError):
        contested.terminate("UA")


def test_the_verbs_say_what_they_move_before_they_sign(contested_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(contested_template, folder)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "-w", str(folder)])
        assert 0 == done.exit_code, done.output
        return " ".join(done.output.split())

    told = run("challenge", "-p", "1", "--as", "UA", "on_time.UA=90%")
    # 90% is worth 180,000 instead of 60,000; a tenth of the difference is staked.
    assert "UA challenges period 1: moves 12,000.00 TUSD as its stake, costs nothing on a local chain." in told
    run("clock", "--to", "2013-02-06T05:05")
    # By hand, 250,000 less 25,000 each: UA 60,000 and 16 arrivals at 40; B6 15 of them; EV 14.
    told = run("dispute", "-p", "1")
    assert (
        "client opens the dispute of period 1: moves what every version pays, 736,800.00 TUSD to the providers" in told
    )
    told = run("rule", "-p", "1", "on_time.UA=90%")
    assert "arbitrator rules period 1: moves 856,800.00 TUSD to the providers, holdback included, " in told
    assert "less what the dispute has paid, and stakes of 12,000.00 TUSD, costs nothing on a local chain." in told
    assert "still to sign UA, B6, EV" in run("agree", "-p", "1", "--as", "client", *ALL_VALUES)
    assert "0 differences" in run("audit")
