"""Recomputes everything an escrow did and reports each difference; needs nothing from those who settled."""

from pyoutcome.audit.auditor import audit
from pyoutcome.audit.findings import AuditedPeriod, AuditReport, Finding, Kind, Unit
from pyoutcome.audit.story import Story, sort_out
from pyoutcome.audit.subject import Amendment, ChainView, Evidence, Subject

__all__ = [
    "Amendment",
    "AuditReport",
    "AuditedPeriod",
    "ChainView",
    "Evidence",
    "Finding",
    "Kind",
    "Story",
    "Subject",
    "Unit",
    "audit",
    "sort_out",
]
