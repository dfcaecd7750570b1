"""Every formula of an agreement file with its place, and the names its formulas may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pydantic import BaseModel

from pyoutcome.errors import AgreementError, PyoutcomeError, did_you_mean
from pyoutcome.formula.syntax import Lag, Name, Node, SumLast, names, walk
from pyoutcome.formula.tokens import STATE_WORDS
from pyoutcome.terms.adjustments import Rounded
from pyoutcome.terms.clauses import UnitPrice
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.problems import Path, not_yet
from pyoutcome.terms.rows import Head, Row

_PARTS: Final = frozenset(
    [
        "base",
        "quantity",
        "price",
        "running",
        "factor",
        "share",
        "at_risk",
        "shortfall",
        "due",
        "together",
        "level",
        "bonus",
        "malus",
        "score",
        "saving",
        "gain",
        "pain",
        "gain_size",
        "pain_size",
        "overrun",
        "fee_before_limits",
        "fee",
        "profit",
        "pta",
    ]
)
"""Names that the language gives to parts of a line."""


@dataclass(frozen=True)
class Use:
    """A formula and where it stands."""

    path: Path
    formula: Node
    each: bool
    """Is it read once for every provider?"""
    key: bool = False
    """Does it stand before the colon?"""


def formulas_in(value: object, path: Path, each: bool) -> Iterator[Use]:
    """Every formula inside a part of the file."""
    match value:
        case Node():
            yield Use(path, value, each)
        case Rounded():
            yield Use(path, value.step, each)
        case Head(at=Node() as at):
            yield Use(path, at, each)
        case Row(head=head, value=formula):
            if head.at is not None:
                yield Use(path, head.at, each, key=True)
            yield Use(path, formula, each)
        case BaseModel():
            for name, field in type(value).model_fields.items():
                scope = isinstance(value, UnitPrice) and name == "per" and _is_scope(value)
                if not scope:
                    yield from formulas_in(getattr(value, name), (*path, field.alias or name), each)
        case tuple():
            for position, item in enumerate(value):
                yield from formulas_in(item, (*path, position), each)
        case _:
            pass  # words, numbers and missing fields hold no formula


def _is_scope(clause: UnitPrice) -> bool:
    return isinstance(clause.per, Name) and clause.per.name in ("provider", "agreement")


class Scope:
    """What names mean in the formulas of a file."""

    def __init__(self, file: AgreementFile) -> None:
        self.file = file
        self.providers: Final = tuple(file.parties.providers)
        self.labels: Final = frozenset(label for kpi in file.kpis.values() for label in kpi.choices or ())

    @cached_property
    def known(self) -> frozenset[str]:
        """Every name the file gives to something formulas can use."""
        file = self.file
        return frozenset((*file.kpis, *file.terms, *file.define, *file.clauses))

    @cached_property
    def per_provider(self) -> frozenset[str]:
        """Names that stand for one value for every provider. A definition does if it uses one that does."""
        file = self.file
        each = {name for name, kpi in file.kpis.items() if kpi.per == "provider"}
        each |= {name for name, clause in file.clauses.items() if clause.for_each}
        while True:
            more = {name for name, formula in file.define.items() if name not in each and each & set(names(formula))}
            if not more:
                return frozenset(each)
            each |= more

    def uses(self) -> Iterator[Use]:
        """Every formula of the file."""
        for name, formula in self.file.define.items():
            yield Use(("define", name), formula, name in self.per_provider)
        for name, clause in self.file.clauses.items():
            yield from formulas_in(clause, ("clauses", name), clause.for_each)
        yield from formulas_in(self.file.settlement, ("settlement",), each=True)

    def full_name(self, name: str, provider: str | None) -> str:
        """The name of the payment rule behind a name in the file, read for one provider or for none.

        Raises AgreementError ``unknown-name``, ``provider-needed``, ``not-in-this-version``.
        """
        first, _, rest = name.partition(".")
        if name == "period" or (name in self.labels and name not in self.known):
            return name
        if first == "total":
            return self._total(name, rest)
        if first in STATE_WORDS:
            raise not_yet(f"{name!r}, a value of earlier periods,", "Use values of this period only.")
        if first not in self.known:
            raise self._unknown(name)
        if not rest:
            if first not in self.per_provider:
                return first
            if provider is None:
                raise AgreementError(
                    "provider-needed",
                    f"{first!r} is another value for every provider, but this formula is read once for all.",
                    f"Write {first}.{self.providers[0]} for one provider, total.{first} for the sum of a KPI, or give "
                    "the clause 'per: provider'.",
                    name=name,
                )
            return f"{first}.{provider}"
        if first in self.per_provider and rest in self.providers:
            return name
        if rest.split(".")[-1].rstrip("0123456789") in (*_PARTS, "then", "met") and first in self.file.clauses:
            raise not_yet(f"{name!r}, a part of a line,", f"Define the part under 'define' and use it in {first!r}.")
        raise self._unknown(name)

    def _total(self, name: str, kpi: str) -> str:
        declared = self.file.kpis.get(kpi)
        if declared is None or declared.per != "provider" or declared.choices or declared.type != "number":
            known = [each for each, one in self.file.kpis.items() if one.per == "provider" and one.range]
            raise AgreementError(
                "unknown-name",
                f"{name!r} is not the sum of a KPI that every provider has.",
                did_you_mean(name, [f"total.{each}" for each in known]),
                name=name,
            )
        return name

    def _unknown(self, name: str) -> AgreementError:
        known = {*self.known, "period"}
        known |= {f"{each}.{provider}" for each in self.per_provider for provider in self.providers}
        return AgreementError(
            "unknown-name", f"The agreement defines nothing called {name!r}.", did_you_mean(name, known), name=name
        )

    def problems(self, use: Use) -> Iterator[PyoutcomeError]:
        """Names of a formula that mean nothing there."""
        provider = self.providers[0] if use.each else None
        seen: set[str] = set()
        for node in walk(use.formula):
            if isinstance(node, SumLast | Lag):
                yield not_yet("A value of earlier periods", "Use values of this period only.")
            if isinstance(node, Name) and node.name not in seen:
                seen.add(node.name)
                try:
                    self.full_name(node.name, provider)
                except AgreementError as error:
                    error.details["at"] = node.span[0]
                    yield error
