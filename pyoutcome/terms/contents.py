"""What an agreement file says and what follows from it for good: periods, KPIs, rule, bounds, escrow, digest."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.errors import AgreementError, Where
from pyoutcome.formula.encode import Program, encode
from pyoutcome.formula.rule import Rule
from pyoutcome.terms.calendar import Period, Term, compute_periods
from pyoutcome.terms.canonical import digest_of, write_canonical
from pyoutcome.terms.checks import find_problems
from pyoutcome.terms.escrow import EscrowTerms, units_up, write_escrow_terms
from pyoutcome.terms.exposure import AmountBounds, bound_amounts
from pyoutcome.terms.file import AgreementFile, read_model
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.loader import read_bytes, read_file, read_text
from pyoutcome.terms.lowering import Lowered, lower
from pyoutcome.terms.measures import RecordSource, Window
from pyoutcome.terms.parties import Parties, Token
from pyoutcome.terms.problems import raise_problems
from pyoutcome.terms.tree import Tree

if TYPE_CHECKING:
    from typing import Self


class Contents:
    """What an ``Agreement`` holds; the words written of it and the statements made of it come on top."""

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
        if escrow.reserve == "proven":
            reserve = self.bounds().most_per_period
        else:
            reserve = units_up(escrow.reserve, self.token.decimals)
        return write_escrow_terms(self.file, escrow, self.kpis, reserve)

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
