"""The agreement: one file, checked whole, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.errors import AgreementError, Where
from pyoutcome.formula.encode import Program, encode
from pyoutcome.formula.influence import Influence
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.state import State
from pyoutcome.terms.calendar import Period, Term, compute_periods
from pyoutcome.terms.canonical import digest_of, write_canonical
from pyoutcome.terms.checks import find_problems
from pyoutcome.terms.defaults import find_broken_default
from pyoutcome.terms.escrow import EscrowTerms, write_escrow_terms
from pyoutcome.terms.exposure import AmountBounds, bound_amounts
from pyoutcome.terms.file import AgreementFile, read_model
from pyoutcome.terms.finding import Finding
from pyoutcome.terms.findings import find_warnings
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.loader import read_bytes, read_file, read_text
from pyoutcome.terms.lowering import Lowered, lower
from pyoutcome.terms.measures import RecordSource, Window
from pyoutcome.terms.parties import Parties, Token
from pyoutcome.terms.problems import raise_problems
from pyoutcome.terms.prose import Passage, write_passages, write_words
from pyoutcome.terms.requirements import refuse_broken
from pyoutcome.terms.shaping import PaymentShape, find_shape, find_shape_at
from pyoutcome.terms.statement import Statement
from pyoutcome.terms.stating import KpiValue, make_statement, read_values
from pyoutcome.terms.tree import Tree

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import ArrayLike

    from pyoutcome.formula.scenarios import Scenarios


class Agreement:
    """One deal. Made by ``load`` or ``parse``, which refuse a file that cannot be carried out; never changes.

    ``problems_of(error)`` lists all problems that were found together.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.file: AgreementFile = read_model(tree)
        """The file as written, read exactly."""
        problems = find_problems(self.file, tree)
        if problems:
            raise_problems(problems)
        self.periods: tuple[Period, ...] = compute_periods(self.file.term)
        """From first to last, each starting where the one before ends."""
        self._lowered: Lowered = lower(self.file, tree)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The agreement in a file.

        Raises AgreementError, NumberError or FormulaError with the place in the file; nothing else.
        """
        return cls(read_file(path))

    @classmethod
    def parse(cls, text: str | bytes, name: str = "agreement.yaml") -> Self:
        """The agreement in a text; ``name`` is what messages call it. Errors as in ``load``."""
        return cls(read_bytes(text, name) if isinstance(text, bytes) else read_text(text, name))

    def __repr__(self) -> str:
        return f"<Agreement {self.id}: {len(self.providers)} providers, {len(self.periods)} periods>"

    @property
    def id(self) -> str:
        """Its short name."""
        return self.file.agreement

    @property
    def title(self) -> str:
        """What people call it."""
        return self.file.title or self.file.agreement

    @property
    def parties(self) -> Parties:
        """Names of all parties."""
        return self.file.parties

    @property
    def providers(self) -> tuple[str, ...]:
        """Ids of the providers, in the order of the program's payees."""
        return tuple(self.file.parties.providers)

    @property
    def verifiers(self) -> tuple[str, ...]:
        """Ids of the verifiers, in the order of their index."""
        return tuple(self.file.parties.verifiers)

    @property
    def quorum(self) -> int:
        """Verifiers that must sign a report."""
        return self.file.parties.quorum

    @property
    def backups(self) -> tuple[str, ...]:
        """Ids of the backups, ``backup-`` before that of their provider, in the order of the providers."""
        return tuple(f"backup-{name}" for name, each in self.file.parties.providers.items() if each.backup is not None)

    @property
    def token(self) -> Token:
        """The money of the agreement."""
        return self.file.token

    @property
    def term(self) -> Term:
        """When it runs, as written."""
        return self.file.term

    @property
    def records(self) -> Mapping[str, RecordSource]:
        """Raw records by name."""
        return self.file.records

    @property
    def windows(self) -> Mapping[str, tuple[Window, ...]]:
        """Times by name that measures may leave out."""
        return self.file.windows or {}

    @property
    def kpis(self) -> tuple[AgreementKpi, ...]:
        """Every KPI value of a report, in the program's order."""
        return self._lowered.kpis

    def period(self, number: int) -> Period:
        """A period by number. AgreementError ``no-such-period``."""
        if not 1 <= number <= len(self.periods):
            raise AgreementError(
                "no-such-period",
                f"The agreement has no period {number}.",
                f"Its periods are 1 to {len(self.periods)}.",
                period=number,
            )
        return self.periods[number - 1]

    def value_of_missing(self, kpi: str) -> int:
        """The value that stands in for a missing one, by full KPI name. AgreementError ``unknown-kpi``."""
        own = {each.name: each.if_missing for each in self.kpis}
        if kpi not in own:
            read_values((), {kpi: None})
        return own[kpi]

    def values_of(
        self, values: Mapping[str, KpiValue], before: Mapping[str, KpiValue] | None = None
    ) -> tuple[int, ...]:
        """KPI values by full name as the program's vector, what stands in for None; errors as ``statement``."""
        return read_values(self.kpis, values, before)

    def rule(self) -> Rule:
        """The payment rule its clauses mean."""
        return self._lowered.rule

    def enforced_rule(self) -> Rule:
        """The same rule as an escrow runs it: with ``require``, ``except`` and ``if_missing: last`` worked into it.

        Without these it is the same object. Its state is what ``statement`` takes and leaves.
        """
        return self._lowered.enforced.rule

    @property
    def refuses(self) -> bool:
        """Are there values within the KPIs' ranges that no report may hold: does it use ``require`` or ``except``?"""
        return self._lowered.enforced.refuses

    def program(self) -> Program:
        """``enforced_rule`` encoded for the chain. FormulaError where a program cannot be so large."""
        return self._program

    @cached_property
    def _program(self) -> Program:
        return encode(self._lowered.enforced.rule)

    def bounds(self) -> AmountBounds:
        """The most and the least every provider can be owed, per period and in total, proven from the KPIs' ranges.

        FormulaError ``possible-overflow`` or ``possible-division-by-zero`` where that cannot be excluded.
        """
        return self._bounds

    @cached_property
    def _bounds(self) -> AmountBounds:
        return bound_amounts(self._lowered.rule, self.kpis, self.token.decimals, len(self.periods), self._tree)

    @property
    def deployable(self) -> bool:
        """Does the file say all that an escrow needs? Otherwise it is a rule only, settled on paper."""
        return self.file.escrow is not None

    @cached_property
    def escrow(self) -> EscrowTerms:
        """Windows, holdback and reserve; a ``proven`` one is what a period can cost.

        AgreementError ``rule-only``; FormulaError as in ``bounds``.
        """
        escrow = self.file.escrow
        if escrow is None:
            raise AgreementError(
                "rule-only",
                "The file is a rule without an escrow: it can be read, checked and settled on paper, not deployed.",
                "Add 'escrow', and with it all of 'parties', 'term' and 'token'.",
                where=Where(self._tree.file),
            )
        return write_escrow_terms(self, escrow)

    def demand_default(self) -> None:
        """Refuses an agreement that no escrow could settle a period without evidence by: the values that stand in are
        none that a report could hold. AgreementError ``missing-breaks-requirement``."""
        broken = find_broken_default(self._lowered, len(self.periods))
        if broken is not None:
            path, why = broken
            raise AgreementError(
                "missing-breaks-requirement",
                f"{why} The period would settle with nothing.",
                "Choose other values for 'if_missing', or a requirement that they meet.",
                where=self._tree.where(path),
            )

    def demand_reportable(self, period: int, values: Mapping[str, KpiValue]) -> None:
        """Refuses values that no report of the period may hold, before a verifier signs them.

        AgreementError as ``statement``; it does not look at earlier periods.
        """
        numbers = read_values(self.kpis, values)
        refuse_broken(self._lowered.checking, self._lowered.requirements, numbers, self.period(period).number)

    def check(self) -> list[Finding]:
        """Warnings and notes: what the agreement may say, but perhaps should not.

        Raises FormulaError where an amount cannot be bounded or the program cannot be encoded, AgreementError
        ``silence-pays`` where an escrow would pay more without evidence than with some.
        """
        self.program()
        return find_warnings(self.file, self._lowered, self.bounds(), self.shape(), self._tree)

    def shape(self) -> PaymentShape:
        """How every payment moves with every KPI: direction, cliffs, ranges in which nothing moves."""
        return self._shape

    def shape_at(self, values: Sequence[int]) -> tuple[Influence, ...]:
        """How every payment of the first period moves with each KPI while the others have these values.

        ``values`` are those of all KPIs in the program's order, as ``values_of`` gives them.
        """
        return find_shape_at(self._lowered, values)

    @cached_property
    def _shape(self) -> PaymentShape:
        return find_shape(self._lowered, self.token.decimals, len(self.periods))

    def words(self) -> str:
        """The whole deal in plain English; every number of the agreement is in it. FormulaError as in ``bounds``."""
        return write_words(self, self._tree)

    def passages(self) -> tuple[Passage, ...]:
        """The same, part by part, for those who set it in another way. FormulaError as in ``bounds``."""
        return write_passages(self, self._tree)

    def statement(
        self,
        period: int,
        values: Mapping[str, KpiValue],
        state: State | None = None,
        before: Mapping[str, KpiValue] | None = None,
    ) -> Statement:
        """One period's amounts and how they come about, from KPI values by full name; None is missing.

        ``state`` is what the statement of the period before left (its ``state``); where periods depend on earlier ones
        only period 1 goes without. ``before`` holds the KPI values of the period before, for ``if_missing: last`` where
        no state is given.

        Raises AgreementError ``no-such-period``, ``unknown-kpi``, ``missing-kpi-value``, ``bad-kpi-value``,
        ``requirement-broken``; NumberError; FormulaError ``state-needed``, and where the rule cannot be evaluated
        (which ``check`` excludes).
        """
        return make_statement(self.file, self._lowered, self.digest(), self.period(period), values, state, before)

    def statements(self, periods: Sequence[Mapping[str, KpiValue]]) -> tuple[Statement, ...]:
        """The statements of the first periods one after another, each from the state the one before left.

        Errors as ``statement``.
        """
        found: list[Statement] = []
        for number, values in enumerate(periods, 1):
            state = found[-1].state if found else None
            found.append(self.statement(number, values, state, periods[number - 2] if found else None))
        return tuple(found)

    def scenarios(
        self,
        values: Mapping[str, ArrayLike] | ArrayLike,
        parameters: Mapping[str, int] | None = None,
        first: int = 1,
        state: State | None = None,
        *,
        definitions: bool = False,
    ) -> Scenarios:
        """What many made-up periods come to, for simulation: floats in natural units, within 1e-9 of the exact amounts.

        ``values`` holds an array of numbers for every KPI, none missing; errors as ``formula.scenarios.evaluate_many``,
        which says the rest.
        """
        from pyoutcome.formula.scenarios import evaluate_many  # brings NumPy, which settling does not need

        return evaluate_many(
            self.rule(),
            values,
            parameters,
            first,
            state,
            unit_decimals=self.token.decimals,
            definitions=definitions,
        )

    def canonical(self) -> bytes:
        """Canonical JSON (RFC 8785): equal for files that say the same."""
        return self._canonical

    @cached_property
    def _canonical(self) -> bytes:
        return write_canonical(self.file, self.periods)

    def digest(self) -> bytes:
        """keccak256 of ``canonical()``, 32 bytes: what the parties sign."""
        return self._digest

    @cached_property
    def _digest(self) -> bytes:
        return digest_of(self._canonical)
