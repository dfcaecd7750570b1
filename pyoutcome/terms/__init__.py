"""The agreement: its file, its checks, its payment rule, its words, its statements and its digest."""

from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.calendar import Period
from pyoutcome.terms.escrow import EscrowTerms
from pyoutcome.terms.exposure import AmountBounds, ProviderBounds
from pyoutcome.terms.finding import Finding
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.problems import problems_of
from pyoutcome.terms.prose import Passage
from pyoutcome.terms.statement import ProviderStatement, StatedKpi, StatedLine, StatedValue, Statement

__all__ = [
    "Agreement",
    "AgreementKpi",
    "AmountBounds",
    "EscrowTerms",
    "Finding",
    "Passage",
    "Period",
    "ProviderBounds",
    "ProviderStatement",
    "StatedKpi",
    "StatedLine",
    "StatedValue",
    "Statement",
    "problems_of",
]
