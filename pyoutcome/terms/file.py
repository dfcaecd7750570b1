"""The agreement file as one model: every key, its place and what it may hold."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field, ValidationError

from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms.adjustments import Adjustments
from pyoutcome.terms.calendar import Term
from pyoutcome.terms.clauses import Clause
from pyoutcome.terms.kpis import MOST_KPIS, Kpi
from pyoutcome.terms.measures import RecordSource
from pyoutcome.terms.parties import Escrow, Parties, Token
from pyoutcome.terms.problems import raise_problems, translate
from pyoutcome.terms.scalars import Expression, Line, Name, Number, Part, Slug, Word
from pyoutcome.terms.tree import Tree

MOST_CLAUSES: Final = 100


class AgreementFile(Part):
    """A whole agreement as written."""

    LATER: ClassVar[dict[str, str]] = {
        "require": "Exclude the values by the KPIs' ranges, or guard the formula with 'if'.",
        "state": "Use values of this period only.",
    }

    agreement: Slug
    """Its short name."""
    title: Line | None = None
    parties: Parties
    term: Term
    token: Token
    records: Annotated[dict[Word, RecordSource], Field(default_factory=dict)]
    kpis: Annotated[dict[Name, Kpi], Field(default_factory=dict, max_length=MOST_KPIS)]
    """In the order of the program's KPIs."""
    terms: Annotated[dict[Name, Number], Field(default_factory=dict, max_length=255)]
    """Constants with names, such as prices."""
    define: Annotated[dict[Name, Expression], Field(default_factory=dict, max_length=100)]
    """Named intermediate values, never paid."""
    clauses: Annotated[dict[Name, Clause], Field(min_length=1, max_length=MOST_CLAUSES)]
    """In the order of the statement's lines."""
    settlement: Adjustments = ()
    """Applied to each provider's net amount of a period."""
    escrow: Escrow


def read_model(tree: Tree) -> AgreementFile:
    """The model of a loaded file. Raises the first problem; its detail ``further`` holds the others."""
    problems: list[PyoutcomeError]
    try:
        return AgreementFile.model_validate(tree.plain())
    except ValidationError as error:
        problems = translate(error, tree)
    return raise_problems(problems)
