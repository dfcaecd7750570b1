"""The agreement file as one model: every key, its place and what it may hold."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, model_validator

from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms.adjustments import SettlementEntries
from pyoutcome.terms.calendar import Term
from pyoutcome.terms.carrying import CarriedState
from pyoutcome.terms.clauses import Clause
from pyoutcome.terms.kpis import MOST_KPIS, Kpi
from pyoutcome.terms.legal import Legal
from pyoutcome.terms.measures import RecordSource, Window
from pyoutcome.terms.part import Part
from pyoutcome.terms.parties import Escrow, Parties, Token
from pyoutcome.terms.problems import raise_problems, translate
from pyoutcome.terms.scalars import Expression, Line, Name, Number, Slug, Word
from pyoutcome.terms.tree import Tree

MOST_CLAUSES: Final = 100
_PARTIES: Final = {
    "client": {"name": "Client"},
    "providers": {"Provider": {"name": "Provider"}},
    "verifiers": {"V1": {"name": "Verifier"}},
    "quorum": "1",
    "arbitrator": {"name": "Arbitrator"},
}
_TERM: Final = {"zone": "UTC", "first": "2000-01-01"}
_EVERY: Final = {"every": "month", "periods": "1"}
_TOKEN: Final = {"name": "Money", "symbol": "MONEY", "decimals": "18"}
_KPI: Final = {"unit": "units", "if_missing": "refuse"}
RULE_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "parties": _PARTIES,
    "term": _TERM | _EVERY,
    "token": _TOKEN,
    "kpis": _KPI,
}
"""What a file without ``escrow`` may leave out, by section; of ``kpis`` in each."""


class AgreementFile(Part):
    """A whole agreement as written."""

    agreement: Slug
    """Its short name."""
    title: Line | None = None
    parties: Parties
    term: Term
    token: Token
    records: Annotated[dict[Word, RecordSource], Field(default_factory=dict)]
    windows: Annotated[
        dict[Word, Annotated[tuple[Window, ...], Field(min_length=1, max_length=1000)]] | None, Field(max_length=50)
    ] = None
    """Times by name that a measure may leave out, such as agreed maintenance."""
    kpis: Annotated[dict[Name, Kpi], Field(default_factory=dict, max_length=MOST_KPIS)]
    """In the order of the program's KPIs."""
    require: Annotated[tuple[Expression, ...], Field(max_length=50)] = ()
    """Relations between KPIs without which no verifier signs a report."""
    terms: Annotated[dict[Name, Number], Field(default_factory=dict, max_length=255)]
    """Constants with names, such as prices."""
    define: Annotated[dict[Name, Expression], Field(default_factory=dict, max_length=100)]
    """Named intermediate values, never paid."""
    state: Annotated[dict[Name, CarriedState], Field(default_factory=dict, max_length=50)]
    """Named values that one period leaves to the next, never paid."""
    clauses: Annotated[dict[Name, Clause], Field(min_length=1, max_length=MOST_CLAUSES)]
    """In the order of the statement's lines."""
    settlement: SettlementEntries = ()
    """Applied to each provider's net amount of a period."""
    escrow: Escrow | None = None
    """Without it the file is a rule only: it can be read, checked and settled on paper, but not deployed."""
    legal: Legal | None = None
    """What moves no payment: governance, confidence, data, rights, law."""

    @model_validator(mode="before")
    @classmethod
    def _fill_rule_file(cls, data: Any) -> Any:
        """A file without escrow may leave out who takes part, when, in what money, and the words for KPIs."""
        if not isinstance(data, dict) or "escrow" in data:
            return data
        term = _filled(data.get("term", {}), _TERM)
        if isinstance(term, dict) and "ends" not in term:
            term = _EVERY | term
        kpis = data.get("kpis", {})
        return {
            **data,
            "parties": _filled(data.get("parties", {}), _PARTIES),
            "term": term,
            "token": _filled(data.get("token", {}), _TOKEN),
            "kpis": {name: _filled(kpi, _KPI) for name, kpi in kpis.items()} if isinstance(kpis, dict) else kpis,
        }


def _filled(given: Any, defaults: dict[str, Any]) -> Any:
    return defaults | given if isinstance(given, dict) else given


def read_model(tree: Tree) -> AgreementFile:
    """The model of a loaded file. Raises the first problem; its detail ``further`` holds the others."""
    problems: list[PyoutcomeError]
    try:
        return AgreementFile.model_validate(tree.plain())
    except ValidationError as error:
        problems = translate(error, tree)
    return raise_problems(problems)
