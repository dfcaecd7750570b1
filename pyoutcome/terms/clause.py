"""What every clause takes, whatever its kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import model_validator

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError
from pyoutcome.formula.syntax import If, Minus, Name, Node, Number, product
from pyoutcome.terms.adjustments import Adjustments, apply_all
from pyoutcome.terms.form import ZERO, Draft
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.rows import is_one
from pyoutcome.terms.scalars import Expression, Line, Word, YesNo

UNIT: Final = Number(ONE)
Side = Literal["provider", "client", "nobody"]


class ClauseFields(Part):
    """What every clause takes."""

    title: Line | None = None
    pays: Side = "provider"
    """Who receives a positive amount; ``nobody``: shown only."""
    to: Word | None = None
    """Whose account the line concerns; ``each`` is the same as ``per: provider``, ``prime`` is the prime contractor."""
    when: Expression | None = None
    """The line is 0 unless this holds."""
    then: Adjustments = ()
    restates: YesNo = False
    """The amount is what is due in all periods so far; the line is what earlier periods have not given yet."""

    @model_validator(mode="after")
    @refusing
    def _spans_once(self) -> ClauseFields:
        if self.is_restated and any(entry.spans_periods for entry in self.then):
            raise AgreementError(
                "bad-adjustment",
                "The clause's amount is what is due for all periods so far, so 'then' has no single period to add up.",
                "Write 'at_most', 'at_least' or 'offset', which here concern all periods together.",
            )
        return self

    @property
    def for_each(self) -> bool:
        """Has every provider its own line, read from its own KPIs?"""
        return self.to == "each"

    @property
    def is_restated(self) -> bool:
        """Does the line give what earlier periods have not given yet?"""
        return self.restates

    @abstractmethod
    def lower(self, draft: Draft) -> Node:
        """The formula of the amount, before ``then`` and ``when``; its parts go into the draft."""

    def draft(self, name: str, terms: Mapping[str, int]) -> tuple[Draft, Node]:
        """The clause under its name in the file, and its amount: after ``then``, before ``when`` and restating."""
        draft = Draft(name, terms)
        amount = draft.let("base", self.lower(draft))
        return draft, apply_all(amount, self.then, draft)

    def finish(self, name: str, amount: Node) -> Node:
        """The line: what is not given yet where the clause restates, and 0 where it does not apply."""
        if self.is_restated:
            amount = Minus(amount, Name(f"to_date.{name}"))
        return amount if self.when is None else If(self.when, amount, ZERO)


class ScopedClause(ClauseFields):
    """A clause written once for the agreement or once for every provider."""

    per: Literal["agreement", "provider"] = "agreement"

    @property
    def for_each(self) -> bool:
        """Has every provider its own line, read from its own KPIs?"""
        return self.per == "provider" or self.to == "each"


def times(amount: Node, factor: Node) -> Node:
    """``amount * factor``; the amount itself where the factor is 1."""
    return amount if is_one(factor) else product((amount, factor))


def below(divisor: Node) -> tuple[Node, ...]:
    """The divisors of a product: none where the divisor is 1."""
    return () if is_one(divisor) else (divisor,)


def is_zero(node: Node) -> bool:
    """Is it the constant 0, which adds nothing?"""
    return isinstance(node, Number) and node.value == 0
