"""The statement of one period: every line with its inputs and reason, the net amount and what is paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyoutcome.decimals import from_units, show, show_units
from pyoutcome.formula.state import State
from pyoutcome.terms.calendar import Period

Json: TypeAlias = "str | bool | list[Json] | dict[str, Json] | None"
"""JSON without numbers: numbers are texts, so that no reader makes floats of them."""


@dataclass(frozen=True)
class StatedKpi:
    """One KPI value of the period."""

    name: str
    """Full name, such as ``on_time.UA``."""
    title: str
    provider: str | None
    value: int
    """As the payment rule sees it: scaled by 10**18 (of yes/no 0 or 1)."""
    shown: str
    missing: bool
    """No value was reported; ``value`` is the agreement's ``if_missing``."""

    def to_dict(self) -> dict[str, Json]:
        """As JSON; ``value`` is the exact number (or yes, no), ``shown`` the same as people read it."""
        return {
            "name": self.name,
            "title": self.title,
            "provider": self.provider,
            "value": self.shown if self.shown in {"yes", "no"} else show(self.value),
            "shown": self.shown,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Input:
    """A value that a line read."""

    name: str
    shown: str


@dataclass(frozen=True)
class Reason:
    """One thing that decided a figure: a row, band, branch or limit, or a rounding."""

    kind: str
    """``branch``, ``row``, ``segment``, ``band``, ``choice``, ``limit``, ``rounded`` or ``truncated``."""
    formula: str
    """The part of the formula it is about."""
    sentence: str
    before: str
    """The exact value before: a decimal, or a fraction where no decimal is exact; empty where there is none."""
    after: str
    """The value used from then on; empty where there is none."""

    def to_dict(self) -> dict[str, Json]:
        """As JSON."""
        return {
            "kind": self.kind,
            "formula": self.formula,
            "sentence": self.sentence,
            "before": self.before or None,
            "after": self.after or None,
        }


@dataclass(frozen=True)
class StatedValue:
    """A named intermediate value; never paid."""

    name: str
    shown: str
    formula: str
    sentence: str
    reasons: tuple[Reason, ...]

    def to_dict(self) -> dict[str, Json]:
        """As JSON."""
        return {
            "name": self.name,
            "value": self.shown,
            "formula": self.formula,
            "sentence": self.sentence,
            "reasons": [each.to_dict() for each in self.reasons],
        }


@dataclass(frozen=True)
class StatedLine:
    """One clause's amount for one provider."""

    name: str
    """Full name, such as ``punctuality.UA``."""
    clause: str
    title: str
    pays: Literal["provider", "client", "nobody"]
    """Who receives a positive amount."""
    value: int
    """What the clause gives, scaled."""
    amount: int
    """What it adds to the provider's net amount, scaled: ``value``, ``-value``, or 0 if it is shown only."""
    formula: str
    inputs: tuple[Input, ...]
    sentence: str
    """Why it is this amount."""
    reasons: tuple[Reason, ...]
    """The same, one by one, with every value that was rounded or cut."""

    def to_dict(self) -> dict[str, Json]:
        """As JSON; amounts in token units as decimal texts."""
        return {
            "name": self.name,
            "clause": self.clause,
            "title": self.title,
            "pays": self.pays,
            "value": show(self.value),
            "amount": show(self.amount),
            "formula": self.formula,
            "inputs": {each.name: each.shown for each in self.inputs},
            "sentence": self.sentence,
            "reasons": [each.to_dict() for each in self.reasons],
        }


@dataclass(frozen=True)
class ProviderStatement:
    """One provider's part of a period."""

    provider: str
    name: str
    lines: tuple[StatedLine, ...]
    net: int
    """Sum of the lines' amounts, before the settlement's limits; scaled."""
    amount: int
    """After the settlement's limits; scaled. Negative: the provider owes it."""
    units: int
    """``amount`` in whole base units, truncated toward zero: what the escrow credits."""
    unit_decimals: int
    formula: str
    """How the amount comes from the lines."""
    sentence: str
    """How the amount came from the net amount."""
    reasons: tuple[Reason, ...]
    """The limits and roundings of the settlement, one by one."""

    @property
    def truncated(self) -> int:
        """What the truncation to whole base units took off the amount; scaled, with its sign."""
        return self.amount - from_units(self.units, self.unit_decimals)

    def to_dict(self) -> dict[str, Json]:
        """As JSON; ``units`` in base units, all else in token units."""
        return {
            "provider": self.provider,
            "name": self.name,
            "lines": [line.to_dict() for line in self.lines],
            "net": show(self.net),
            "amount": show(self.amount),
            "paid": show_units(self.units, self.unit_decimals),
            "units": str(self.units),
            "truncated": show(self.truncated),
            "formula": self.formula,
            "sentence": self.sentence,
            "reasons": [each.to_dict() for each in self.reasons],
        }


@dataclass(frozen=True)
class Statement:
    """The full explanation of one period's amounts."""

    agreement: str
    title: str
    digest: bytes
    """Digest of the agreement it was worked out from."""
    period: Period
    symbol: str
    kpis: tuple[StatedKpi, ...]
    values: tuple[StatedValue, ...]
    """Definitions, named parts of lines and carried values, in order of evaluation."""
    shown: tuple[StatedLine, ...]
    """Lines of no provider, shown only."""
    providers: tuple[ProviderStatement, ...]
    state: State | None = None
    """What the period leaves to the next one; None where no period depends on an earlier one."""

    @property
    def amounts(self) -> tuple[int, ...]:
        """Base units per provider, in the agreement's order: what the escrow's program must give."""
        return tuple(each.units for each in self.providers)

    def of(self, provider: str) -> ProviderStatement:
        """One provider's part. KeyError if there is no such provider."""
        return {each.provider: each for each in self.providers}[provider]

    def to_dict(self) -> dict[str, Json]:
        """As JSON; every number a text."""
        return {
            "agreement": self.agreement,
            "title": self.title,
            "digest": "0x" + self.digest.hex(),
            "period": str(self.period.number),
            "start": str(self.period.start),
            "end": str(self.period.end),
            "token": self.symbol,
            "kpis": [kpi.to_dict() for kpi in self.kpis],
            "values": [value.to_dict() for value in self.values],
            "shown": [line.to_dict() for line in self.shown],
            "providers": [each.to_dict() for each in self.providers],
        }

    def to_text(self) -> str:
        """For people, as plain text."""
        parts = [f"{self.title}, period {self.period.number}"]
        for each in self.providers:
            rows = [(line.title, show(line.amount, 2), line.sentence) for line in each.lines]
            rows.append(("Net", show(each.net, 2), ""))
            paid = show_units(each.units, each.unit_decimals, min(2, each.unit_decimals))
            rows.append(("Amount", paid, each.sentence))
            wide = max(len(title) for title, _, _ in rows)
            money = max(len(amount) for _, amount, _ in rows)
            parts += ["", f"{each.name} ({each.provider}), {self.symbol}"]
            parts += [f"  {title:<{wide}}  {amount:>{money}}  {said}".rstrip() for title, amount, said in rows]
        missing = [kpi.name for kpi in self.kpis if kpi.missing]
        if missing:
            parts += ["", f"Missing, so the agreement's own values stand in: {', '.join(missing)}."]
        return "\n".join(parts) + "\n"
