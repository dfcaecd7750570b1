"""What an audit says: differences, each with what should be and what is, and the periods it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyoutcome.ledger import Journal, Reconciliation


class Kind(StrEnum):
    """What a difference is about."""

    TERMS = "terms"
    """What is deployed is not what the agreement says."""
    EVENTS = "events"
    """The events do not make books; the books' checks say why."""
    PERIOD = "period"
    """A period settled that does not exist, or not settled though it should be."""
    TIME = "time"
    """Something happened before it was allowed."""
    QUORUM = "quorum"
    """Fewer verifiers than agreed, or ones that do not exist, stand behind a report."""
    EVIDENCE = "evidence"
    """The report's evidence digest is not that of the stored bundles."""
    VALUE = "value"
    """A reported KPI value is not what the raw records give."""
    AMOUNT = "amount"
    """A settled amount is not what the agreement gives for the reported values."""
    RECORDS = "records"
    """A settled amount is not what the agreement gives for the raw records."""
    DISPUTE = "dispute"
    """A version's amounts, a stake or a ruling is not what the rules of a dispute give."""
    SPLIT = "split"
    """An amount was set off, held, paid or owed otherwise than the rules say."""
    BALANCE = "balance"
    """The books and the chain disagree about a balance."""


class Unit(StrEnum):
    """How to read ``expected`` and ``actual``."""

    BASE_UNITS = "base units"
    VALUE = "18 decimals"
    """A KPI value x 10**18."""
    TEXT = "text"


@dataclass(frozen=True)
class Finding:
    """One difference."""

    kind: Kind
    what: str
    """What differs: ``paid``, ``on_time.UA``, ``holdback_rate``."""
    expected: int | str
    """What the agreement, the records and the rules give."""
    actual: int | str
    """What is on chain."""
    unit: Unit = Unit.BASE_UNITS
    period: int | None = None
    provider: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON: numbers as texts."""
        return {
            "kind": self.kind.value,
            "what": self.what,
            "period": self.period,
            "provider": self.provider,
            "expected": str(self.expected),
            "actual": str(self.actual),
            "unit": self.unit.value,
        }


@dataclass(frozen=True)
class AuditedPeriod:
    """One settled period as the audit saw it. Values have 18 decimals, amounts are base units."""

    period: int
    basis: str
    """What it settled on: ``report``, ``default``, ``ruling`` or ``agreement``."""
    reported: tuple[int | None, ...]
    """Values it settled on, all None for a default; None is missing."""
    recomputed: tuple[int | None, ...] | None
    """Values from the raw records; None where it did not settle on a report, and no records decide."""
    expected: tuple[int, ...]
    """Amount per provider that the agreement gives for the recomputed (or default) values."""
    settled: tuple[int, ...]
    """Amount per provider on chain."""
    transaction: bytes

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON: numbers as texts."""
        return {
            "period": self.period,
            "basis": self.basis,
            "defaulted": self.basis == "default",
            "reported": _texts(self.reported),
            "recomputed": None if self.recomputed is None else _texts(self.recomputed),
            "expected": _texts(self.expected),
            "settled": _texts(self.settled),
            "transaction": "0x" + self.transaction.hex(),
        }


@dataclass(frozen=True)
class AuditReport:
    """Everything an audit found."""

    findings: tuple[Finding, ...]
    periods: tuple[AuditedPeriod, ...]
    """Settled periods, by number."""
    pending: tuple[int, ...]
    """Periods that are not settled and need not be yet."""
    providers: tuple[str, ...]
    kpis: tuple[str, ...]
    """Full names, in the order of all values."""
    compared: int
    """How many single figures were held against their recomputation."""
    journal: Journal | None
    """The books, or None if the events do not make any (a finding says why)."""
    reconciliation: Reconciliation | None
    """Books against chain, or None without books."""
    block: int | None = None
    """The block after which everything was looked at."""

    @property
    def differences(self) -> int:
        """How many differences were found; 0 is what everybody wants."""
        return len(self.findings)

    @property
    def settled(self) -> int:
        """How many provider-periods were audited."""
        return len(self.periods) * len(self.providers)

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON: numbers as texts, the journal left out."""
        return {
            "block": self.block,
            "differences": self.differences,
            "settled": self.settled,
            "compared": self.compared,
            "providers": list(self.providers),
            "kpis": list(self.kpis),
            "findings": [finding.to_dict() for finding in self.findings],
            "periods": [period.to_dict() for period in self.periods],
            "pending": list(self.pending),
            "surplus": str(self.reconciliation.surplus) if self.reconciliation else None,
        }


def _texts(numbers: tuple[int | None, ...]) -> list[str | None]:
    return [None if number is None else str(number) for number in numbers]
