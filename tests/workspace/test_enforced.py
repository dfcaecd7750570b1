"""An escrow that holds reports to `require`, `except` and `if_missing: last`, from records to audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome.errors import AgreementError, ProtocolError, PyoutcomeError, WorkspaceError
from pyoutcome.protocol import Report
from pyoutcome.settlement.plan import Need
from pyoutcome.terms import Agreement
from pyoutcome.workspace import Workspace, inspect_escrow
from tests.workspace.conftest import AGREEMENT, AIRLINES, write_flights

CHANGES = (
    ("if_missing: 1\n", "if_missing: last\n    opening: 0.5\n    silence_may_pay: yes\n"),
    ("range: [0, 10000]\n", "range: [0, 10000]\n    except: [13]\n"),
    ("clauses:\n", "require: [on_time == 0 or arrivals > 0]\n\nclauses:\n"),
    ("settlement: [at_least: 180000, at_most: 520000]", "settlement: [at_most: 520000]"),
)


def changed(*changes: tuple[str, str]) -> str:
    text = AGREEMENT.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def strict(tmp_path: Path) -> Workspace:
    """UA does not fly in March; in April EV is late once more, which leaves it 13 arrivals."""
    flights = write_flights(tmp_path / "flights.csv")
    rows = [row for row in flights.read_text(encoding="utf-8").splitlines() if not row.startswith("2013,3,")]
    rows += [
        row for row in flights.read_text(encoding="utf-8").splitlines() if row[:7] == "2013,3," and ",UA," not in row
    ]
    rows = [
        row.replace(",900,5,", ",900,20,") if row.startswith("2013,4,6,EV,") else row for row in rows
    ]  # fmt: skip
    flights.write_text("\n".join(rows) + "\n", encoding="utf-8")
    file = tmp_path / "strict.yaml"
    file.write_text(changed(*CHANGES), encoding="utf-8")
    workspace = Workspace.create(tmp_path / "deal", file, records={"flights": flights})
    for party in ("client", *AIRLINES):
        workspace.sign(party)
    workspace.deploy()
    workspace.fund("18_720_000")
    return workspace


def evidence(workspace: Workspace, *periods: int) -> None:
    for airline in AIRLINES:
        workspace.measure(airline, periods)
    for verifier in ("V1", "V2"):
        workspace.verify(verifier, periods)


def test_the_escrow_pays_by_last_values_and_takes_no_report_that_breaks_a_rule(strict: Workspace) -> None:
    plain = Agreement.parse(changed(CHANGES[-1]))
    with strict as workspace:
        assert workspace.desk.deal.arguments.refuses
        assert workspace.agreement.program().sequential
        workspace.network.advance_to(workspace.agreement.period(4).end)
        refuse_by_hand(workspace)
        evidence(workspace, 1, 2, 3)
        assert Need.TURN is workspace.status().periods[2].need
        assert [None] * 3 == [outcome.error for outcome in workspace.settle([1, 2, 3])]

        # A month without flights has no cancelled share: February's stands in, 1 of 20. By the rule on paper:
        march = {kpi.name: None for kpi in plain.kpis} | {"cancelled.UA": "0.05"}
        stated = workspace.statement(3)
        assert plain.statement(3, march).of("UA").units == stated.rows["UA"].amount == 75_000 * 10**6
        assert "0.05" in str(stated.statement.to_dict())

        # April holds a value that the agreement excludes: nobody signs it, and the default goes on from March.
        for airline in AIRLINES:
            workspace.measure(airline, [4])
        with pytest.raises(AgreementError) as unsigned:
            workspace.verify("V1", [4])
        assert "bad-kpi-value" == unsigned.value.code
        workspace.network.advance_to(workspace.agreement.period(4).end + 11 * 86_400)
        workspace.propose_default(4)
        workspace.network.advance_to(workspace.agreement.period(4).end + 15 * 86_400)
        workspace.settle([4])
        by_default = dict.fromkeys((kpi.name for kpi in plain.kpis), None)
        by_default |= {f"cancelled.{airline}": "0.05" for airline in AIRLINES}
        expected = plain.statement(4, by_default)
        assert list(expected.amounts) == [row.amount for row in workspace.statement(4).rows.values()]

        audit = workspace.audit()
        assert (12, 3) == (audit.settled, len({row.provider for row in workspace.books.journal.rows}))
        assert 0 == audit.differences


def refuse_by_hand(workspace: Workspace) -> None:
    """What a quorum signs all the same is refused by the escrow itself."""
    desk = workspace.desk
    sound = {"on_time": 10**18 // 2, "cancelled": 10**18 // 10, "arrivals": 20 * 10**18}
    names = [kpi.name for kpi in workspace.agreement.kpis]
    for broken in ({"arrivals.UA": 13 * 10**18}, {"arrivals.B6": 0}):
        values = tuple(broken.get(name, sound[name.partition(".")[0]]) for name in names)
        message = Report(desk.escrow.address, desk.terms_hash, 1, 0, values, bytes(32))
        digest = message.digest(desk.factory.domain)
        signatures = {at: desk.parties.signer(f"V{at + 1}").sign(digest) for at in (0, 1)}
        with pytest.raises(ProtocolError) as refused:
            desk.escrow.report(desk.parties.signer("client"), 1, values, bytes(32), signatures)
        assert "program-failed" == refused.value.code


def test_it_reads_back_from_the_network_with_its_names(strict: Workspace) -> None:
    with strict as workspace:
        found = inspect_escrow(workspace.network, workspace.desk.escrow.address, agreement=workspace.agreement)
        assert () == found.differences
        formulas = dict(found.formulas)
        assert formulas["require.met"].startswith("1 / (1 if arrivals.UA != 13 and ")
        assert "prev.cancelled.UA if cancelled.given.UA < 0 else cancelled.given.UA" == formulas["next cancelled.UA"]
        own = workspace.agreement.bounds().providers
        assert found.bounds is not None
        assert [(min(0, each.least), each.most) for each in own] == [(each.least, each.most) for each in found.bounds]


def test_nobody_signs_what_a_period_without_evidence_breaks(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(changed(("clauses:\n", "require: [arrivals > 0]\n\nclauses:\n")), encoding="utf-8")
    with Workspace.create(tmp_path / "deal", file) as workspace, pytest.raises(PyoutcomeError) as refused:
        workspace.sign("client")
    assert not isinstance(refused.value, WorkspaceError)
    assert "missing-breaks-requirement" == refused.value.code
    assert not (tmp_path / "deal" / "offer.json").exists()
