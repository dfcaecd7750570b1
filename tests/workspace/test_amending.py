"""Other rules for later periods: proposed as a file, compared, signed by everybody concerned, settled and audited."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.errors import ProtocolError, PyoutcomeError, WorkspaceError
from pyoutcome.settlement.plan import Need
from pyoutcome.workspace import Workspace
from tests.workspace.conftest import AGREEMENT, AIRLINES

UNIT = 10**6
DAY = 86_400
TEXT = AGREEMENT.read_text(encoding="utf-8")


def amended(folder: Path, *changes: tuple[str, str], of: str = TEXT) -> Path:
    """The agreement's text with some words replaced, as a file."""
    for old, new in changes:
        assert old in of, old
        of = of.replace(old, new)
    file = folder / "amended.yaml"
    file.write_text(of, encoding="utf-8")
    return file


DEARER = ("monthly_fee: 250000", "monthly_fee: 300000")


def refusal(error: pytest.ExceptionInfo[PyoutcomeError]) -> str:
    return error.value.code


def everybody_signs(workspace: Workspace, by: str = "client") -> None:
    for party in ("client", *AIRLINES):
        workspace.amend(party)
    assert workspace.amend(by, submit=True).transaction


def test_it_governs_from_its_period_on_and_everything_is_audited(active: Workspace, tmp_path: Path) -> None:
    """From March on a higher fee, and one of two verifiers, of whom one is new, suffices."""
    file = amended(
        tmp_path, DEARER, ("    V1: {name: First verifier}\n", ""), ("V3: {", "V4: {"), ("quorum: 2", "quorum: 1")
    )
    told = active.amend("client", file, 3)
    assert (3, None, AIRLINES) == (told.first, told.transaction, told.missing)
    assert told.comparison is not None
    changes = {rule.path: (rule.before, rule.after) for rule in told.comparison.rules}
    assert ("250000", "300000") == changes["terms.monthly_fee"]
    assert {"terms.monthly_fee", "parties.quorum", "parties.verifiers.V1", "parties.verifiers.V4"} <= {
        path.removesuffix(".name") for path in changes
    }
    assert all(each.same for each in told.comparison.extremes)
    everybody_signs(active, "EV")
    outcomes = active.settle([1, 2, 3, 4], move_clock=True)
    assert [Need.NOTHING] * 4 == [outcome.decision.need for outcome in outcomes]
    # By hand: 16 of 20 on time: a third of 180,000; 5 % cancelled costs a tenth of the fee; 16 arrivals at 40.
    fees = {1: 250_000, 2: 250_000, 3: 300_000, 4: 300_000}
    for number, fee in fees.items():
        [row] = [row for row in active.books.journal.rows if (row.period, row.provider) == (number, "UA")]
        assert (fee + 60_000 - fee // 10 + 16 * 40) * UNIT == row.amount
        assert row.amount == active.statement(number).of("UA").units
    report = active.audit()
    assert ([], 12) == ([finding.to_dict() for finding in report.findings], report.settled)


def test_a_period_is_contested_by_the_terms_that_govern_it(active: Workspace, tmp_path: Path) -> None:
    """From February on the fee is higher and reports can be challenged."""
    text = TEXT + "  challenge: {within: 5 days, ruling_within: 20 days, stake: {fixed: 1_000, share: 10%}}\n"
    active.amend("client", amended(tmp_path, DEARER, of=text), 2)
    everybody_signs(active)
    active.settle([1, 2], move_clock=False)
    active.network.advance_to(active.agreement.period(2).end)
    assert [Need.NOTHING, Need.CHALLENGE_WINDOW] == [each.decision.need for each in active.settle([1, 2])]
    active.challenge(2, ["on_time.UA=90%"], "UA")
    active.network.advance_to(active.network.now() + 5 * DAY)
    active.dispute(2)
    assert 0 == active.audit().differences
    active.rule(2, ["on_time.UA=85%"])
    report = active.audit()
    assert (["report", "ruling"], 0) == ([period.basis for period in report.periods], report.differences)
    # 300,000 less a tenth, two thirds of 180,000, 16 arrivals at 40.
    assert (270_000 + 120_000 + 640) * UNIT == active.statement(2).of("UA").units


def test_an_audit_without_the_amendment_says_so(active: Workspace, tmp_path: Path) -> None:
    active.amend("client", amended(tmp_path, DEARER), 2)
    everybody_signs(active)
    shutil.rmtree(active.files.folder / "amendments")
    report = active.audit()
    assert [("amendment 1", "none", "from period 2 on")] == [
        (finding.what, finding.expected, finding.actual) for finding in report.findings
    ]
    active.measure("UA", [1])
    with pytest.raises(WorkspaceError) as refused:
        active.measure("UA", [2])
    assert "amendment-missing" == refusal(refused)


def test_a_second_amendment_prevails_from_its_period_on(active: Workspace, tmp_path: Path) -> None:
    active.amend("client", amended(tmp_path, DEARER), 2)
    everybody_signs(active)
    active.amend("client", amended(tmp_path, ("monthly_fee: 250000", "monthly_fee: 200000")), 3)
    everybody_signs(active)
    active.settle([1, 2, 3], move_clock=True)
    rows = [row.amount for row in active.books.journal.rows if row.provider == "UA"]
    assert [285_640 * UNIT, 330_640 * UNIT, 240_640 * UNIT] == rows
    assert 0 == active.audit().differences


def test_what_is_carried_goes_on_or_starts_anew(tmp_path: Path, flights: Path) -> None:
    """Volume over the whole year: 4,000 for each of the first 40 arrivals, then 1,000; and a cap on all there is."""
    yearly = amended(
        tmp_path,
        ("bands: {upto 2500: 40, upto 3500: 30, rest: 20}", "cumulative: yes\n    bands: {upto 40: 4000, rest: 1000}"),
        ("settlement: [at_least: 180000, at_most: 520000]", "settlement: [lifetime_at_most: 2000000]"),
        ("reserve: proven", "reserve: 2000000"),
    )
    text = yearly.read_text(encoding="utf-8")
    with Workspace.create(tmp_path / "deal", yearly, records={"flights": flights}) as workspace:
        for party in ("client", *AIRLINES):
            workspace.sign(party)
        workspace.deploy()
        workspace.fund("20_000_000")
        workspace.settle([1], move_clock=True)
        workspace.amend("client", amended(tmp_path, DEARER, of=text), 3)
        everybody_signs(workspace)
        workspace.amend("client", amended(tmp_path, DEARER, ("rest: 1000}", "rest: 500}"), of=text), 5, anew=True)
        everybody_signs(workspace)
        assert all(outcome.error is None for outcome in workspace.settle(range(1, 7), move_clock=True))
        rows = [row.amount // UNIT for row in workspace.books.journal.rows if row.provider == "UA"]
        report = workspace.audit()
    assert ([], 18) == ([finding.to_dict() for finding in report.findings], report.settled)

    def volume(count: int, rest: int) -> int:
        return 4_000 * min(count, 40) + rest * max(0, count - 40)

    paid = 0
    for month, amount in enumerate(rows, 1):
        fee = 250_000 if month < 3 else 300_000
        since, rest = (0, 1_000) if month < 5 else (4, 500)
        counts = [16 * (number - since) for number in (month - 1, month)]
        own = fee + 60_000 - fee // 10 + volume(counts[1], rest) - volume(counts[0], rest)
        assert min(own, 2_000_000 - paid) == amount, month
        paid += amount
    assert 2_000_000 == paid


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("share: 5%", "share: 6%", "the holdback"),
        ("JetBlue Airways}", "JetBlue Airways, bond: 5}", "the providers, their bonds, backups and fees"),
        ("every: month, periods: 12", "every: month, periods: 11", "the term"),
    ],
)
def test_the_deal_itself_is_no_rule(active: Workspace, tmp_path: Path, old: str, new: str, told: str) -> None:
    file = amended(tmp_path, (old, new))
    with pytest.raises(WorkspaceError) as refused:
        active.amend("client", file)
    assert "amendment-changes-deal" == refusal(refused)
    assert told in refused.value.why
    assert not active.files.amendment(1).exists()


def test_it_changes_no_period_that_is_reported_or_is_none(verified: Workspace, tmp_path: Path) -> None:
    verified.network.advance_to(verified.agreement.period(1).end)
    verified.report(1)
    file = amended(tmp_path, DEARER)
    for first in (1, 13):
        with pytest.raises(ProtocolError) as refused:
            verified.amend("client", file, first)
        assert "bad-amendment" == refusal(refused)
    assert 3 == verified.amend("client", file).first  # February has begun


def test_it_needs_everybody_and_its_time(active: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as refused:
        active.amend("client")
    assert "no-amendment" == refusal(refused)
    active.amend("client", amended(tmp_path, DEARER), within=5 * DAY)
    with pytest.raises(WorkspaceError) as refused:
        active.amend("V1")
    assert "not-a-signing-party" == refusal(refused)
    with pytest.raises(WorkspaceError) as refused:
        active.amend("client", amended(tmp_path, ("monthly_fee: 250000", "monthly_fee: 1")))
    assert "amendment-open" == refusal(refused)
    told = active.amend("client", submit=True)
    assert (None, AIRLINES) == (told.transaction, told.missing)
    active.network.advance_to(active.network.now() + 5 * DAY)
    with pytest.raises(ProtocolError) as late:
        active.amend("UA")
    assert "too-late" == refusal(late)


def test_nobody_signs_arguments_that_do_not_follow_from_the_agreement(active: Workspace, tmp_path: Path) -> None:
    """The files came from another party, which lowered the reserve and worked out everything else anew."""
    active.amend("client", amended(tmp_path, DEARER), 2)
    low = amended(tmp_path, DEARER, ("reserve: proven", "reserve: 1"))
    path = active.files.amendment_terms(1)
    honest, stored = active.files.amendment(1).read_text(encoding="utf-8"), path.read_text(encoding="utf-8")
    for each in active.files.folder.glob("a*/*"):
        if each.parent.name in ("acts", "amendments"):
            each.unlink()
    active.amend("client", low, 2)
    forged = json.loads(path.read_text(encoding="utf-8"))
    told = json.loads(stored)
    assert told["arguments"] != forged["arguments"]
    desk = active.desk.amended(1)
    deal = replace(desk.deal, agreement_digest=bytes.fromhex(told["agreement_digest"][2:]))
    forged["agreement_digest"] = told["agreement_digest"]
    forged["terms_hash"] = "0x" + deal.terms.digest(active.desk.factory.domain).hex()
    path.write_text(json.dumps(forged), encoding="utf-8")
    active.files.amendment(1).write_text(honest, encoding="utf-8")
    with pytest.raises(WorkspaceError) as refused:
        active.amend("UA")
    assert "offer-differs" == refusal(refused)
    assert "reserve" in refused.value.why


def test_another_arbitrator_finds_the_cause_that_ends_it(active: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as refused:
        active.amend("client", amended(tmp_path), 1, arbitrator="successor-arbitrator")
    assert "address-missing" == refusal(refused)
    active.parties.trust("successor-arbitrator", active.network.test_accounts()[9].address)
    active.amend("client", amended(tmp_path), 1, arbitrator="successor-arbitrator")
    everybody_signs(active)
    active.network.advance_to(active.agreement.period(1).start)
    active.terminate("V1", finding="fraud", against="EV")
    assert 1 == active.desk.escrow.last_period()
    active.settle([1], move_clock=True)
    assert (3, 0) == (active.audit().settled, active.audit().differences)


BACKED = """\
  breaches: 2
"""


@pytest.fixture
def backed(tmp_path: Path, flights: Path) -> Iterator[Workspace]:
    file = amended(tmp_path, ("UA: {name: United Air Lines}", "UA: {name: United Air Lines, backup: {name: Delta}}"))
    file.write_text(file.read_text(encoding="utf-8") + BACKED, encoding="utf-8")
    with Workspace.create(tmp_path / "deal", file, records={"flights": flights}) as workspace:
        for party in ("client", *AIRLINES, "backup-UA"):
            workspace.sign(party)
        workspace.deploy()
        workspace.fund("18_720_000")
        yield workspace


@pytest.mark.parametrize("signs", [True, False])
def test_a_backup_signs_as_well_or_lapses(backed: Workspace, tmp_path: Path, signs: bool) -> None:
    text = backed.files.agreement.read_text(encoding="utf-8")
    told = backed.amend("client", amended(tmp_path, DEARER, of=text))
    assert ("backup-UA",) == told.lapsing
    if signs:
        assert () == backed.amend("backup-UA").lapsing
    everybody_signs(backed)
    again = backed.amend("client", amended(tmp_path, of=text), 3)
    assert (("backup-UA",) if signs else ()) == again.lapsing


def test_the_verb_shows_changes_and_worst_cases_and_says_what_it_signs(active_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(active_template, folder)
    file = amended(tmp_path, ("at_most: 520000", "at_most: 600000"))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "-w", str(folder)])
        assert 0 == done.exit_code, done.output
        return " ".join(done.output.split())

    told = run("amend", str(file), "--from", "4", "--as", "client")
    assert (
        "client signs that amendments/01.yaml governs from period 4 on, which can then cost 1,800,000.00 TUSD at most: "
        "moves no money, costs nothing: it is a signature." in told
    )
    assert "settlement.2.at_most [-520000-] {+600000+}" in told
    assert "UA a period 180,000.00 180,000.00 520,000.00 600,000.00" in told
    assert "still to sign UA, B6, EV" in told
    for airline in AIRLINES:
        told = run("amend", "--as", airline)
    assert "everybody has signed: hand it in with --submit" in told
    assert "UA amends the agreement from period 4 on: moves no money" in run("amend", "--as", "UA", "--submit")
    assert "0 differences" in run("audit")
    address = json.loads((folder / "offer.json").read_text(encoding="utf-8"))["escrow"]
    assert "amendment 1 other terms from period 4 on, hash 0x" in run("inspect", address)
    assert ["4"] == [each["first"] for each in json.loads(run("inspect", address, "--json"))["amendments"]]
