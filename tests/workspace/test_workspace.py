"""The Python API from file to audit, and what it refuses on the way."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from pyoutcome.errors import ChainError, EvidenceError, ProtocolError, PyoutcomeError, WorkspaceError
from pyoutcome.ledger import balances
from pyoutcome.settlement.plan import Need
from pyoutcome.workspace import Intent, Workspace
from pyoutcome.workspace.evidencing import records_of
from pyoutcome.workspace.signing import signing_parties

JANUARY_END = 1_359_694_800  # 2013-02-01 00:00 in New York
UNIT = 10**6


def settle_january(workspace: Workspace) -> str:
    workspace.network.advance_to(JANUARY_END)
    return workspace.report(1)


def test_a_year_settles_closes_and_audits_to_the_base_unit(active: Workspace) -> None:
    outcomes = active.settle(move_clock=True)
    assert [Need.NOTHING] * 12 == [outcome.decision.need for outcome in outcomes]
    assert len({outcome.transaction for outcome in outcomes}) == 12
    active.network.advance_to(active.desk.deal.arguments.holdback_release)
    active.close_agreement()
    report = active.audit()
    assert (36, 0) == (report.settled, report.differences)
    status = active.status()
    assert ("closed", 0) == (status.stage, status.funds)
    assert all(account.held == 0 and account.paid == account.earned for account in status.accounts.values())


def test_january_pays_what_the_agreement_says_worked_out_by_hand(verified: Workspace) -> None:
    settle_january(verified)
    # 20 scheduled, 1 cancelled, 3 late: 16 on time. 80% lies a third of the way from 75% to 90% on the bonus line;
    # 5% cancelled costs 10% of the fee; 16 arrivals at 40.
    bonus = Fraction(180_000) * Fraction(80 - 75, 90 - 75)
    expected = int((250_000 + bonus - 25_000 + 16 * 40) * UNIT)
    row = verified.statement(1).rows["UA"]
    assert expected == row.amount
    assert expected * 5 // 100 == row.held
    assert expected - row.held == row.paid


def test_every_act_survives_into_the_next_process(verified: Workspace) -> None:
    transaction = settle_january(verified)
    folder = verified.files.folder
    verified.close()
    with Workspace.open(folder) as again:
        assert "settled on chain" == again.statement(1).basis
        assert "0x" + again.statement(1).rows["UA"].transaction.hex() == transaction
        assert 11 == sum(decision.need is not Need.NOTHING for decision in again.status().periods)


def test_settling_again_changes_nothing(active: Workspace) -> None:
    active.settle([1], move_clock=True)
    before = active.status()
    [outcome] = active.settle([1], move_clock=True)
    assert (Need.NOTHING, None, None) == (outcome.decision.need, outcome.transaction, outcome.error)
    assert before.accounts == active.status().accounts


def test_a_period_that_cannot_settle_does_not_stop_the_others(active: Workspace) -> None:
    for airline in ("UA", "B6", "EV"):
        active.measure(airline, [1, 2])
    broken = active.files.evidence / "period-01.B6.json"
    broken.write_text("{}", encoding="utf-8")
    first, second = active.settle([1, 2], move_clock=True)
    assert first.error is not None
    assert "bundle-malformed" == first.error.code
    assert (Need.NOTHING, None) == (second.decision.need, second.error)


def test_what_is_missing_is_said_in_order(fresh: Workspace) -> None:
    assert ("not offered", "the first signature") == (fresh.status().stage, fresh.status().waits_for)
    fresh.sign("client")
    assert "the signatures of UA, B6, EV" == fresh.status().waits_for
    with pytest.raises(WorkspaceError, match="UA, B6, EV") as refused:
        fresh.deploy()
    assert "signatures-missing" == refused.value.code
    for airline in ("UA", "B6", "EV"):
        fresh.sign(airline)
    assert "deployment" == fresh.status().waits_for
    fresh.deploy()
    status = fresh.status()
    assert "offer" == status.stage
    assert "1,560,000.00 TUSD more" in status.waits_for


def test_an_escrow_without_its_reserve_is_no_agreement_yet_and_says_so(fresh: Workspace) -> None:
    for party in signing_parties(fresh.agreement):
        fresh.sign(party)
    fresh.deploy()
    funding = fresh.fund("1_559_999.999999")
    assert not funding.activated
    assert "0.000001 TUSD more" in funding.waits_for
    fresh.measure("UA", [1])
    fresh.network.advance_to(JANUARY_END)
    assert {Need.ACTIVATION} == {decision.need for decision in fresh.status().periods}
    assert {Need.ACTIVATION} == {outcome.decision.need for outcome in fresh.settle()}


def test_an_escrow_that_runs_dry_owes_the_rest_and_pays_it_when_funded(fresh: Workspace) -> None:
    for party in signing_parties(fresh.agreement):
        fresh.sign(party)
    fresh.deploy()
    fresh.fund("1_560_000")
    fresh.settle([1, 2, 3], move_clock=True)
    status = fresh.status()
    owed = sum(account.arrears for account in status.accounts.values())
    assert owed > 0
    assert 0 == status.funds
    assert 0 == fresh.audit().differences
    fresh.fund("5_000_000")
    assert 0 == sum(account.arrears for account in fresh.status().accounts.values())
    assert 0 == fresh.audit().differences


def test_altered_records_are_named_record_by_record(active: Workspace, flights: Path, tmp_path: Path) -> None:
    altered = tmp_path / "altered.csv"
    altered.write_text(
        flights.read_text(encoding="utf-8").replace(
            "2013,1,1,UA,101,JFK,BOS,900,20,", "2013,1,1,UA,101,JFK,BOS,900,5,"
        ),
        encoding="utf-8",
    )
    for airline in ("B6", "EV"):
        active.measure(airline, [1])
    active.measure("UA", [1], {"flights": altered})
    with pytest.raises(EvidenceError) as refused:
        active.verify("V1", [1], supplier_records={"flights": altered})
    assert "evidence-value-differs" == refused.value.code
    for told in ("on_time.UA", "0.85", "0.8", "flight 101"):
        assert told in refused.value.why
    assert not active.files.report(1, "V1").exists()


@pytest.mark.parametrize("kept", [["V1"], []])
def test_too_few_signatures_settle_nothing(verified: Workspace, kept: list[str]) -> None:
    for verifier in ("V1", "V3"):
        if verifier not in kept:
            verified.files.report(1, verifier).unlink()
    verified.network.advance_to(JANUARY_END)
    with pytest.raises(WorkspaceError) as refused:
        verified.report(1)
    assert "too-few-reports" == refused.value.code
    assert Need.NOTHING is not verified.status().periods[0].need


def test_a_forged_report_is_refused_before_anything_is_sent(verified: Workspace) -> None:
    path = verified.files.report(1, "V3")
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["values"][0] = "0.9"
    path.write_text(json.dumps(stored), encoding="utf-8")
    verified.network.advance_to(JANUARY_END)
    with pytest.raises(WorkspaceError) as refused:
        verified.report(1)
    assert "report-differs" == refused.value.code


def test_a_third_report_makes_up_for_a_forged_one(verified: Workspace) -> None:
    verified.verify("V2", [1])
    path = verified.files.report(1, "V3")
    path.write_text("{}", encoding="utf-8")
    assert settle_january(verified)


def test_the_escrow_itself_refuses_wrong_signatures_values_and_counts(verified: Workspace) -> None:
    from pyoutcome.workspace.reports import agreeing_reports, message_of

    reports = agreeing_reports(verified.desk, 1).reports
    message = message_of(reports[0])
    one, three = (bytes.fromhex(report.signature[2:]) for report in reports)
    verified.network.advance_to(JANUARY_END)
    escrow, signer = verified.desk.escrow, verified.parties.signer("client")

    def refused(values: tuple[int, ...], signatures: dict[int, bytes]) -> str:
        with pytest.raises(ProtocolError) as error:
            escrow.report(signer, 1, values, message.evidence_digest, signatures)
        return error.value.code

    assert "bad-verifier-signature" == refused(message.values, {0: one, 1: three})
    assert "no-quorum" == refused(message.values, {0: one})
    assert "bad-value" == refused((11 * 10**17, *message.values[1:]), {0: one, 2: three})
    assert "bad-value" == refused((10**13, *message.values[1:]), {0: one, 2: three})
    assert "wrong-value-count" == refused(message.values[1:], {0: one, 2: three})
    escrow.report(signer, 1, message.values, message.evidence_digest, {0: one, 2: three})


def test_a_report_twice_or_before_the_end_is_refused(verified: Workspace) -> None:
    with pytest.raises(ProtocolError) as early:
        verified.report(1)
    assert "too-early" == early.value.code
    settle_january(verified)
    with pytest.raises(ProtocolError) as twice:
        verified.report(1)
    assert "already-settled" == twice.value.code


def test_a_report_for_another_agreement_is_worth_nothing(
    verified: Workspace, active_template: Path, tmp_path: Path
) -> None:
    other_folder = tmp_path / "other"
    shutil.copytree(active_template, other_folder)
    changed = (
        (other_folder / "agreement.yaml").read_text(encoding="utf-8").replace("monthly_fee: 250000", "monthly_fee: 1")
    )
    (other_folder / "agreement.yaml").write_text(changed, encoding="utf-8")
    with Workspace.open(other_folder) as other, pytest.raises(WorkspaceError) as altered:
        other.deploy()
    assert "offer-differs" == altered.value.code

    foreign = json.loads(verified.files.report(1, "V1").read_text(encoding="utf-8"))
    foreign["terms_hash"] = "0x" + "11" * 32
    verified.files.report(1, "V1").write_text(json.dumps(foreign), encoding="utf-8")
    verified.network.advance_to(JANUARY_END)
    with pytest.raises(WorkspaceError) as refused:
        verified.report(1)
    assert "report-differs" == refused.value.code
    assert "another agreement" in refused.value.why


def test_another_chain_than_the_recorded_one_is_refused(verified: Workspace) -> None:
    folder = verified.files.folder
    verified.close()
    settings = json.loads(verified.files.settings.read_text(encoding="utf-8"))
    verified.files.settings.write_text(json.dumps({**settings, "chain_id": 1}), encoding="utf-8")
    with pytest.raises(ChainError) as refused:
        Workspace.open(folder)
    assert "wrong-network" == refused.value.code


def test_only_parties_act_and_only_in_their_role(active: Workspace) -> None:
    for act, code in (
        (lambda: active.sign("V1"), "not-a-signing-party"),
        (lambda: active.sign("XX"), "no-such-party"),
        (lambda: active.measure("V1"), "wrong-role"),
        (lambda: active.verify("UA"), "wrong-role"),
        (lambda: active.measure("../UA"), "wrong-role"),
    ):
        with pytest.raises(WorkspaceError) as refused:
            act()
        assert code == refused.value.code


def test_a_step_can_be_refused_before_it_is_signed(active_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(active_template, folder)
    seen: list[Intent] = []

    class RefusedError(Exception):
        """The user said no."""

    def refuse(intent: Intent) -> None:
        seen.append(intent)
        raise RefusedError

    with Workspace.open(folder, confirm=refuse) as workspace:
        before = workspace.status()
        with pytest.raises(RefusedError):
            workspace.fund("10")
        assert before.funds == workspace.status().funds
    assert "10.00 TUSD" in str(seen[0])


def test_a_failed_making_leaves_nothing_behind(tmp_path: Path, flights: Path) -> None:
    agreement = Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"
    with pytest.raises(WorkspaceError) as refused:
        Workspace.create(tmp_path / "deal", agreement, records={"trains": flights})
    assert "no-such-records" == refused.value.code
    assert not (tmp_path / "deal").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(WorkspaceError) as full:
        Workspace.create(tmp_path / "full", agreement)
    assert "folder-not-empty" == full.value.code
    assert "keep" == (tmp_path / "full" / "mine.txt").read_text(encoding="utf-8")


def test_a_missing_report_settles_by_default_after_its_windows(active: Workspace) -> None:
    arguments = active.desk.deal.arguments
    active.network.advance_to(JANUARY_END + arguments.evidence_window - 5)
    with pytest.raises(ProtocolError) as early:
        active.propose_default(1)
    assert "too-early" == early.value.code
    active.network.advance_to(JANUARY_END + arguments.evidence_window)
    assert active.status().periods[0].overdue
    active.propose_default(1)
    assert Need.DEFAULT_WINDOW is active.status().periods[0].need
    active.network.advance_to(active.network.now() + arguments.default_window)
    for verifier in active.agreement.verifiers:
        active.files.report(1, verifier).unlink(missing_ok=True)
    [outcome] = active.settle([1])
    assert (Need.NOTHING, None) == (outcome.decision.need, outcome.error)
    # On time 0, cancelled 100 %, no arrivals: 250,000 - 150,000 - 37,500 lies below the floor of 180,000.
    assert {180_000 * UNIT} == {row.amount for row in active.statement(1).rows.values()}
    assert 0 == active.audit().differences


@pytest.mark.parametrize("amount", ["-1", "0.0000001", "x", "1e3"])
def test_an_amount_that_is_none_moves_nothing(active: Workspace, amount: str) -> None:
    before = active.status().funds
    with pytest.raises(PyoutcomeError):
        active.fund(amount)
    assert before == active.status().funds


def test_records_may_be_a_folder_of_files(active: Workspace, flights: Path, tmp_path: Path) -> None:
    [plain] = active.measure("UA", [1])
    header, *rows = flights.read_text(encoding="utf-8").splitlines(keepends=True)
    parts = tmp_path / "parts"
    parts.mkdir()
    for name, part in (("a.csv", rows[:7]), ("b.csv", rows[7:])):
        (parts / name).write_text(header + "".join(part), encoding="utf-8")
    with pytest.raises(EvidenceError, match="evidence-exists"):
        active.measure("UA", [1], records={"flights": parts})  # another bundle than the one that may be out already
    [given] = active.measure("UA", [1], records={"flights": parts}, replace=True)
    assert plain.values == given.values
    assert [("a.csv", 7), ("b.csv", len(rows) - 7)] == [(file.name, file.rows) for file in given.sources[0].files]
    own = tmp_path / "deal" / "records"
    (own / "flights.csv").unlink()
    shutil.copytree(parts, own / "flights")
    assert {"flights": own / "flights"} == records_of(active.desk)


def test_the_books_are_reconciled_after_any_block(verified: Workspace) -> None:
    network = verified.network
    verified.network.advance_to(verified.agreement.period(1).end)
    begun = network.head().number
    verified.report(1)
    settled = network.head().number
    reports = {block: verified.audit(block=block) for block in (begun, settled, None)}
    assert {begun: (0, 0), settled: (3, 0), None: (3, 0)} == {
        block: (report.settled, report.differences) for block, report in reports.items()
    }
    assert [begun, settled, settled] == [report.block for report in reports.values()]
    reconciled = [report.reconciliation for report in reports.values()]
    assert all(each is not None and each.compared > 15 for each in reconciled)
    funds = [report.journal and balances(report.journal)["client:funding"] for report in reports.values()]
    assert funds[0] != funds[1] == funds[2]
    with pytest.raises(ChainError, match="no-contract"):
        verified.audit(block=1)
    with pytest.raises(ChainError, match="block-unknown"):
        verified.audit(block=settled + 1)
