"""Every error pyoutcome raises on purpose.

    PyoutcomeError
    |-- NumberError       a number that is not exact, too fine or too large
    |-- FormulaError      a formula that cannot be read, typed, encoded or evaluated
    |-- AgreementError    an agreement file that says something impossible
    |-- ProtocolError     an action the escrow protocol refuses
    |-- EvidenceError     records, measures or bundles that do not hold
    |-- ChainError        a network, key or transaction that does not do what it should
    |-- StoreError        a database that cannot be opened or fails
    |-- LedgerError       events that do not add up
    |-- DocumentError     a document that cannot be written
    |-- SettlementError   a period that cannot be moved on
    `-- WorkspaceError    a folder that is not a workspace, or lacks what the command needs

An error carries a stable ``code`` (lower-case words joined by hyphens), ``why`` it was refused and
``fix``: what to do about it. ``docs/errors.md`` lists every code; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Where:
    """A place in a file that a person wrote."""

    file: str
    """The file as the user named it."""
    line: int | None = None
    """Line, counted from 1."""
    column: int | None = None
    """Column, counted from 1."""
    path: str = ""
    """Path of keys inside the file, joined by dots: ``clauses.fee.amount``."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place} ({self.path})" if self.path else place


class PyoutcomeError(Exception):
    """Root of all errors of this package."""

    def __init__(self, code: str, why: str, fix: str, *, where: Where | None = None, **details: object) -> None:
        super().__init__(why)
        self.code = code
        """Stable name of the error, the heading of its entry in ``docs/errors.md``."""
        self.why = why
        """One sentence: what is wrong."""
        self.fix = fix
        """One sentence: what to do about it."""
        self.where = where
        """The place in the user's file, where there is one."""
        self.details = details
        """The typed values behind the text, for machines."""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.why} [{self.code}] {self.fix}"


class NumberError(PyoutcomeError):
    """A number that is not exact, too fine or too large."""


class FormulaError(PyoutcomeError):
    """A formula that cannot be read, typed, encoded or evaluated."""


class AgreementError(PyoutcomeError):
    """An agreement file that says something impossible."""


class ProtocolError(PyoutcomeError):
    """An action the escrow protocol refuses; nothing has changed."""


class EvidenceError(PyoutcomeError):
    """Records, measures or bundles that do not hold."""


class ChainError(PyoutcomeError):
    """A network, key or transaction that does not do what it should."""


class StoreError(PyoutcomeError):
    """A database that cannot be opened, was made by another release, or fails."""


class LedgerError(PyoutcomeError):
    """Events that do not add up."""


class DocumentError(PyoutcomeError):
    """A document that cannot be written."""


class SettlementError(PyoutcomeError):
    """A period that cannot be moved on."""


class WorkspaceError(PyoutcomeError):
    """A folder that is not a workspace, or lacks what the command needs."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A remedy that names the nearest known word, or else all of them."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1) or [name for name in names if name.lower() == word.lower()]
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Use one of: {', '.join(names)}." if names else "None is possible here."
