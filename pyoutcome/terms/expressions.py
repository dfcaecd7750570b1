"""Every formula of an agreement file with its place, and the names its formulas may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pydantic import BaseModel

from pyoutcome.errors import AgreementError, PyoutcomeError, did_you_mean
from pyoutcome.formula.syntax import Lag, Name, Node, Plus, SumLast, names, walk
from pyoutcome.terms.adjustments import Rounded
from pyoutcome.terms.by_provider import PROVIDER, provider_problems
from pyoutcome.terms.clauses import UnitPrice
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.form import Draft
from pyoutcome.terms.problems import Path
from pyoutcome.terms.rows import Row
from pyoutcome.terms.tables import Head

CALENDAR: Final = ("period", "year", "period_of_year")
EARNED: Final = "earned_before"
_EARLIER: Final = ("prev", "to_date")


@dataclass(frozen=True)
class Use:
    """A formula and where it stands."""

    path: Path
    formula: Node
    each: bool
    """Is it read once for every provider?"""
    key: bool = False
    """Does it stand before the colon?"""
    account: str | None = None
    """The one provider whose account it concerns."""


def formulas_in(value: object, path: Path, each: bool, account: str | None = None) -> Iterator[Use]:
    """Every formula inside a part of the file."""
    match value:
        case Node():
            yield Use(path, value, each, account=account)
        case Rounded():
            yield Use(path, value.step, each, account=account)
        case Head(at=Node() as at):
            yield Use(path, at, each, account=account)
        case Row(head=head, value=formula):
            if head.at is not None:
                yield Use(path, head.at, each, key=True, account=account)
            yield Use(path, formula, each, account=account)
        case BaseModel():
            for name, field in type(value).model_fields.items():
                scope = isinstance(value, UnitPrice) and name == "per" and _is_scope(value)
                if not scope:
                    yield from formulas_in(getattr(value, name), (*path, field.alias or name), each, account)
        case tuple():
            for position, item in enumerate(value):
                yield from formulas_in(item, (*path, position), each, account)
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
    def drafts(self) -> dict[str, tuple[Draft, Node]]:
        """Every clause as it writes itself, and its amount."""
        return {name: clause.draft(name, self.file.terms) for name, clause in self.file.clauses.items()}

    @cached_property
    def known(self) -> frozenset[str]:
        """Every name the file gives to something formulas can use."""
        file = self.file
        return frozenset((*file.kpis, *file.terms, *file.define, *file.state, *file.clauses))

    @cached_property
    def parts(self) -> frozenset[str]:
        """Every part of a line that formulas may mention, such as ``fee.base``."""
        named = {part for draft, _ in self.drafts.values() for part in draft.part_names}
        return frozenset(named | self._state_parts)

    @cached_property
    def _state_parts(self) -> frozenset[str]:
        """What carried values are made of, such as ``misses.now``."""
        forms = [state.form(name) for name, state in self.file.state.items()]
        named = {part for form in forms for part, _ in form.values} | {
            row[0] for form in forms for row in form.registers
        }
        return frozenset(named - self.file.state.keys())

    @cached_property
    def rewritten(self) -> dict[str, Node]:
        """Names that stand for something the payment rule has no name for."""
        found: dict[str, Node] = {}
        for name, state in self.file.state.items():
            if not state.is_register:
                owned = [f"{name}.{provider}" for provider in self.providers]
                found |= {f"prev.{each}": Lag(each, 1) for each in (name, *owned)}
        for name in self.per_provider:
            if self._is_kpi(name):
                continue  # the payment rule knows the sums of KPIs itself
            first, *others = [Name(f"{name}.{provider}") for provider in self.providers]
            total: Node = first
            for other in others:
                total = Plus(total, other)
            found[f"total.{name}"] = total
        return found

    def _is_kpi(self, name: str) -> bool:
        return name in self.file.kpis

    @cached_property
    def per_provider(self) -> frozenset[str]:
        """Names that stand for one value for every provider. A definition or state does if it uses one that does."""
        file = self.file
        each = {name for name, kpi in file.kpis.items() if kpi.per == "provider"}
        each |= {name for name, clause in file.clauses.items() if clause.for_each}
        formulas = {**file.define, **{name: state.of for name, state in file.state.items()}}
        while True:
            known = frozenset(each)
            more = {name for name, formula in formulas.items() if name not in each and self._differs(formula, known)}
            if not more:
                return known
            each |= more

    def _differs(self, formula: Node, each: frozenset[str]) -> bool:
        """Does a formula read a value that every provider has, without saying whose?"""
        for name in names(formula):
            if name == PROVIDER or (name == EARNED and len(self.providers) > 1):
                return True
            first, *rest = name.removeprefix("prev.").removeprefix("to_date.").split(".")
            if first in each and rest[:1] not in [[provider] for provider in self.providers]:
                return True
        return False

    def differs(self, formula: Node) -> bool:
        """Must the formula be read once for every provider?"""
        return self._differs(formula, self.per_provider)

    def uses(self) -> Iterator[Use]:
        """Every formula of the file."""
        file = self.file
        for name, formula in file.define.items():
            yield Use(("define", name), formula, name in self.per_provider)
        for name, state in file.state.items():
            yield from formulas_in(state, ("state", name), name in self.per_provider)
        for position, formula in enumerate(file.require):
            yield Use(("require", position), formula, self.differs(formula))
        for name, clause in file.clauses.items():
            yield from formulas_in(clause, ("clauses", name), clause.for_each, self.account_of(name))
        yield from formulas_in(file.settlement, ("settlement",), each=True)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The parts of lines that formulas mention, such as ``fee.base``."""
        found: set[str] = set()
        for use in self.uses():
            for name in names(use.formula):
                first, *rest = name.removeprefix("prev.").removeprefix("to_date.").split(".")
                part = f"{first}.{rest[-1]}" if rest else ""
                if part in self.parts:
                    found.add(part)
        return frozenset(found)

    def account_of(self, clause: str) -> str | None:
        """The provider whose account a clause concerns that is not written for each; None if it is shown only."""
        to = self.file.clauses[clause].to
        if self.file.clauses[clause].for_each:
            return None
        if to == "prime":
            return self.file.parties.prime_provider
        if to is not None:
            return to
        return self.providers[0] if len(self.providers) == 1 else None

    def full_name(self, name: str, provider: str | None, account: str | None = None) -> str:
        """The name of the payment rule behind a name in the file, read for one provider or for none.

        ``account`` is the provider whose account the formula concerns though it is read only once.

        Raises AgreementError ``unknown-name``, ``provider-needed``.
        """
        first, _, rest = name.partition(".")
        if name in CALENDAR or (name in self.labels and name not in self.known):
            return name
        if name == PROVIDER or (name in self.providers and name not in self.known):
            return name  # chosen, or refused, before the payment rule
        if first == "total":
            return self._total(name, rest)
        if first == EARNED:
            return self._earned(name, rest, provider or account)
        if first in _EARLIER and rest:
            self._refuse_without_past(first, name, rest)
            return f"{first}.{self._own(name, rest, provider)}"
        return self._own(name, name, provider)

    def _own(self, said: str, name: str, provider: str | None) -> str:
        """The full name of something the file defines, or of a part of a line."""
        first, *rest = name.split(".")
        if first not in self.known:
            raise self._unknown(said)
        full = first
        if first in self.per_provider:
            if rest and rest[0] in self.providers:
                provider = rest.pop(0)
            if provider is None:
                raise AgreementError(
                    "provider-needed",
                    f"{first!r} is another value for every provider, but this formula is read once for all.",
                    f"Write {first}.{self.providers[0]} for one provider, total.{first} for the sum, or give "
                    "the clause 'per: provider'.",
                    name=said,
                )
            full = f"{first}.{provider}"
        if not rest:
            return full
        if len(rest) > 1 or f"{first}.{rest[0]}" not in self.parts:
            raise self._unknown(said)
        return f"{full}.{rest[0]}"

    def _refuse_without_past(self, word: str, said: str, name: str) -> None:
        """``prev`` needs something carried, ``to_date`` a line; AgreementError ``unknown-name``."""
        first, *rest = name.split(".")
        if word == "to_date":
            fits = first in self.file.clauses and rest in ([], *([provider] for provider in self.providers))
            fix = "Write 'to_date.' and the name of a clause."
        elif first in self.file.clauses:
            draft, _ = self.drafts[first]
            fits = bool(rest) and draft.carries(f"{first}.{rest[-1]}")
            fix = f"Write lag({first}, 1) for the amount of the period before."
        else:
            kpi = self.file.kpis.get(first)
            fits = first in self.file.state or (kpi is not None and kpi.opening is not None)
            fix = (
                "Give the KPI an 'opening' value."
                if kpi is not None
                else "Write 'prev.' and a name of 'state', or lag(..., 1)."
            )
        if first in self.known and not fits and name not in self._state_parts:
            raise AgreementError("unknown-name", f"Nothing is carried on as {said!r}.", fix, name=said)

    def _earned(self, name: str, rest: str, provider: str | None) -> str:
        if rest and rest not in self.providers:
            raise self._unknown(name)
        owner = rest or provider or (self.providers[0] if len(self.providers) == 1 else None)
        if owner is None:
            raise AgreementError(
                "provider-needed",
                f"{name!r} is another value for every provider, but this formula is read once for all.",
                f"Write {EARNED}.{self.providers[0]} for one provider, or give the clause 'per: provider'.",
                name=name,
            )
        return f"{EARNED}.{owner}"

    def _total(self, name: str, kpi: str) -> str:
        declared = self.file.kpis.get(kpi)
        if kpi not in self.per_provider or (declared is not None and declared.range is None):
            known = [each for each in sorted(self.per_provider) if each not in self.file.kpis]
            known += [each for each, one in self.file.kpis.items() if one.per == "provider" and one.range]
            raise AgreementError(
                "unknown-name",
                f"{name!r} is not the sum of a number that every provider has.",
                did_you_mean(name, [f"total.{each}" for each in known]),
                name=name,
            )
        return name

    def _unknown(self, name: str) -> AgreementError:
        known = {*self.known, *CALENDAR, EARNED, *self.parts}
        known |= {f"{each}.{provider}" for each in self.per_provider for provider in self.providers}
        known |= {f"prev.{state}" for state in self.file.state} | {f"to_date.{each}" for each in self.file.clauses}
        return AgreementError(
            "unknown-name", f"The agreement defines nothing called {name!r}.", did_you_mean(name, known), name=name
        )

    def problems(self, use: Use) -> Iterator[PyoutcomeError]:
        """Names of a formula that mean nothing there."""
        provider = self.providers[0] if use.each else None
        yield from provider_problems(use.formula, self.providers, provider or use.account)
        seen: set[str] = set()
        for node in walk(use.formula):
            if isinstance(node, Name | SumLast | Lag) and node.name not in seen:
                seen.add(node.name)
                try:
                    self.full_name(node.name, provider, use.account)
                except AgreementError as error:
                    error.details["at"] = node.span[0]
                    yield error
