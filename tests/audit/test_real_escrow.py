"""The contracts themselves, audited after every act of a story with shortage, debt, arrears and closing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pyoutcome.audit import AuditReport, ChainView, Kind, Subject, audit
from pyoutcome.chain.escrow import PeriodStage
from pyoutcome.decimals import ONE, to_units_trunc
from pyoutcome.ledger import AccountBalance, EscrowBalances
from pyoutcome.protocol import events
from tests.chain.scene import (
    DEFAULT_WINDOW,
    ENDS,
    EVIDENCE,
    EVIDENCE_WINDOW,
    PRICES,
    PROGRAM,
    RELEASE,
    UNIT,
    Scene,
    scene_on,
)

PROVIDERS = ("A", "B")


class KnownValues:
    """Evidence as a plain table."""

    def __init__(self) -> None:
        self.table: dict[int, tuple[int, ...]] = {}

    def values(self, period: int) -> Sequence[int | None]:
        return self.table[period]

    def digest(self, period: int) -> bytes | None:
        return EVIDENCE if period in self.table else None


def view(scene: Scene) -> ChainView:
    escrow = scene.escrow
    accounts = [escrow.account(index) for index in range(len(PROVIDERS))]
    return ChainView(
        chain_id=scene.network.chain_id,
        factory=escrow.factory(),
        nonce=scene.deal.nonce,
        agreement_digest=scene.factory.created(escrow.address).agreement_digest,
        program=escrow.program(),
        arguments=escrow.arguments(),
        terms_hash=escrow.terms_hash(),
        settled=frozenset(n for n in range(1, len(ENDS) + 1) if escrow.period_state(n).stage is PeriodStage.SETTLED),
        balances=EscrowBalances(
            token_balance=escrow.balance(),
            tracked=escrow.tracked(),
            funds=escrow.funds(),
            providers={
                name: AccountBalance(held=a.held, debt=a.debt, arrears=a.arrears, claimable=a.claimable)
                for name, a in zip(PROVIDERS, accounts, strict=True)
            },
        ),
        now=scene.network.now(),
    )


def subject_of(scene: Scene) -> Subject:
    def amounts(_period: int, values: Sequence[int | None]) -> tuple[int, ...]:
        """Each provider's KPI, or its stand-in, times its price, in base units."""
        told = zip(values, scene.deal.arguments.kpis, PRICES, strict=True)
        return tuple(
            to_units_trunc((kpi.if_missing if value is None else value) * price // ONE, 6) for value, kpi, price in told
        )

    return Subject(scene.deal.agreement_digest, PROGRAM, scene.deal.arguments, PROVIDERS, ("a", "b"), amounts)


def run(scene: Scene, evidence: KnownValues) -> AuditReport:
    return audit(subject_of(scene), scene.escrow.events(0), evidence, view(scene))


def test_the_contracts_keep_the_books_that_the_audit_recomputes(tmp_path: Path) -> None:
    evidence = KnownValues()
    with scene_on("embedded", tmp_path) as scene:

        def settle(period: int, *shares: str) -> None:
            evidence.table[period] = scene.values(*shares)
            scene.settle(period, evidence.table[period])

        def steps() -> list[AuditReport]:
            reports = []
            scene.fund(3_500 * UNIT)
            reports.append(run(scene, evidence))
            scene.accept()
            scene.escrow.activate(scene.outsider)
            settle(1, "0.3333", "0.7777")
            reports.append(run(scene, evidence))
            settle(2, "0.9999", "0.9999")
            reports.append(run(scene, evidence))
            scene.fund(300 * UNIT)
            scene.escrow.pay_arrears(scene.outsider, 1)
            reports.append(run(scene, evidence))
            settle(3, "-0.5555", "0.1234")
            reports.append(run(scene, evidence))
            scene.token.mint(scene.outsider, scene.escrow.address, 7)
            reports.append(run(scene, evidence))
            scene.fund(5_000 * UNIT)
            scene.network.advance_to(RELEASE)
            scene.escrow.close(scene.outsider, 1)
            reports.append(run(scene, evidence))
            scene.escrow.close(scene.outsider, 100)
            reports.append(run(scene, evidence))
            return reports

        reports = steps()
        happened = {type(located.event) for located in scene.escrow.events(0)}

    assert [()] * 8 == [report.findings for report in reports]
    assert [0, 2, 4, 4, 6, 6, 6, 6] == [report.settled for report in reports]
    assert [7] == [
        report.reconciliation.surplus for report in reports if report.reconciliation and report.reconciliation.surplus
    ]
    # The story was worth telling: it has been through every corner of the waterfall but a failed transfer.
    assert {
        events.ArrearsPaid,
        events.ArrearsHeld,
        events.ArrearsSetOff,
        events.HoldbackReleased,
        events.Synced,
    } <= happened


def test_a_default_on_chain_is_no_difference_and_other_records_are(tmp_path: Path) -> None:
    evidence = KnownValues()
    with scene_on("embedded", tmp_path) as scene:
        scene.start()
        evidence.table[1] = scene.values("0.5", "0.25")
        scene.settle(1, evidence.table[1])
        scene.network.advance_to(ENDS[1] + EVIDENCE_WINDOW)
        scene.escrow.propose_default(scene.outsider, 2)
        scene.network.advance_to(scene.network.now() + DEFAULT_WINDOW)
        scene.escrow.settle(scene.outsider, 2)
        honest = run(scene, evidence)
        evidence.table[1] = scene.values("0.5", "0.2499")
        altered = run(scene, evidence)
        promised = replace(subject_of(scene), arguments=replace(scene.deal.arguments, reserve=1))
        other = audit(promised, scene.escrow.events(0), evidence, view(scene))

    assert ((), ["report", "default"]) == (honest.findings, [period.basis for period in honest.periods])
    assert [
        (Kind.VALUE, "b", scene.values("0.2499")[0], scene.values("0.25")[0]),
        (Kind.RECORDS, "amount", 499_800_000, 500_000_000),
    ] == [(found.kind, found.what, found.expected, found.actual) for found in altered.findings]
    assert ["argument reserve", "terms hash"] == [found.what for found in other.findings if found.kind is Kind.TERMS]
