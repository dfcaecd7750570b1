"""What differs between two agreements."""

from pyoutcome.legal.comparison.clauses import Rereading, ThingChange
from pyoutcome.legal.comparison.comparing import Comparison, Version, compare
from pyoutcome.legal.comparison.extremes import Extremes, PeriodSpans, Span, SpanChange
from pyoutcome.legal.comparison.payments import ClausePayment, Payment, Payments, Refused, Values
from pyoutcome.legal.comparison.rules import RuleChange
from pyoutcome.legal.comparison.shapes import FindingChange, ShapeChange
from pyoutcome.legal.comparison.wording import NumberChange, Stretch

__all__ = [
    "ClausePayment",
    "Comparison",
    "Extremes",
    "FindingChange",
    "NumberChange",
    "Payment",
    "Payments",
    "PeriodSpans",
    "Refused",
    "Rereading",
    "RuleChange",
    "ShapeChange",
    "Span",
    "SpanChange",
    "Stretch",
    "ThingChange",
    "Values",
    "Version",
    "compare",
]
