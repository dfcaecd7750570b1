"""The parts a rule is made of; data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pyoutcome.decimals import DECIMALS, ONE
from pyoutcome.formula.syntax import Formula

KpiType: TypeAlias = Literal["number", "yes_no", "choice"]
ItemKind: TypeAlias = Literal["start", "opening", "calendar", "definition", "register", "line", "payee"]
"""``start``: of a register; ``opening``: of a KPI read before the first period; ``calendar``: year, period_of_year."""

MOST_ITEMS: Final = 255
"""KPIs, parameters, lines, and values a program can store."""
MOST_PAYEES: Final = 63
DEEPEST_HISTORY: Final = 127
"""Earlier periods a formula can look back on."""
MOST_HISTORY: Final = 1_024
"""Values of earlier periods that all histories of a program may hold together."""


@dataclass(frozen=True, slots=True)
class KpiShape:
    """What a rule knows of a KPI. Of a per-provider KPI there is one for each provider."""

    name: str
    low: int
    """Least value, scaled by 10**18. Of a yes/no KPI 0, of a choice ``ONE``."""
    high: int
    """Greatest value, scaled by 10**18. Of a yes/no KPI 1 (unscaled), of a choice the number of labels x ``ONE``."""
    decimals: int
    """A value is a multiple of 10**(18 - decimals). Of a yes/no KPI 18, of a choice 0."""
    provider: str | None = None
    type: KpiType = "number"
    labels: tuple[str, ...] = ()
    """Of a choice: its labels in order; a value is the position of its label from 1, scaled."""
    opening: int | None = None
    """What counts as its value before the first period; None: ``prev`` of it is refused, ``lag`` gives 0."""

    @property
    def full_name(self) -> str:
        """The name formulas use: ``on_time``, or ``on_time.UA`` where each provider has its own."""
        return self.name if self.provider is None else f"{self.name}.{self.provider}"

    @property
    def multiple(self) -> int:
        """The scaled distance between two neighbouring values."""
        return int(10 ** (DECIMALS - self.decimals))

    @classmethod
    def yes_no(cls, name: str, provider: str | None = None) -> KpiShape:
        """A KPI that is yes (1) or no (0)."""
        return cls(name, 0, 1, DECIMALS, provider, "yes_no")

    @classmethod
    def choice(cls, name: str, labels: tuple[str, ...], provider: str | None = None) -> KpiShape:
        """A KPI that is one of ``labels``."""
        return cls(name, ONE, len(labels) * ONE, 0, provider, "choice", labels)


@dataclass(frozen=True, slots=True)
class Definition:
    """A named intermediate value, a number or a yes/no; never paid."""

    name: str
    formula: Formula


@dataclass(frozen=True, slots=True)
class Register:
    """A value carried from period to period: ``prev.name`` is the one after the period before, ``name`` after this."""

    name: str
    start: Formula
    """Its value before the first period, over terms and constants only; a number or a yes/no."""
    next: Formula
    """Its value after a period, from previous values and this period's."""


@dataclass(frozen=True, slots=True)
class Line:
    """One pricing rule's amount in a period."""

    name: str
    payee: int | None
    """Index of the provider the line concerns; None for a line that is shown only."""
    sign: int
    """+1 owed to the provider, -1 owed to the client, 0 shown only."""
    formula: Formula
    title: str = ""


@dataclass(frozen=True, slots=True)
class Payee:
    """A provider and the formula of its signed amount, usually over line names."""

    name: str
    amount: Formula


@dataclass(frozen=True, slots=True)
class Item:
    """A definition, register, line, payee amount or other stored value in its place in the order of evaluation."""

    kind: ItemKind
    index: int
    """Its place among its kind."""
    name: str
    """What formulas call it; ``amount of <payee>``, ``start of <register>``, ``opening of <kpi>`` none can say."""
    formula: Formula
