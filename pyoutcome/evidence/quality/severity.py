"""What the agreement says becomes of a finding: it stops the measurement, is a warning, or is accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.measures.plan import SourcePlan


def judge(findings: Iterable[Finding], plan: SourcePlan) -> list[Finding]:
    """Findings on the records of a source, or on values counted from them, as the agreement takes them.

    Raises EvidenceError ``finding-fatal`` for the first that stops the measurement.
    """
    rules = {} if plan.source.quality is None else plan.source.quality.findings
    judged = []
    for finding in findings:
        severity = rules.get(finding.code)
        rule = f"records.{plan.name}.quality.findings.{finding.code}: {severity}"
        if severity == "fatal":
            raise EvidenceError(
                "finding-fatal",
                f"{finding.text} The agreement stops the measurement then ({rule}).",
                "Put the records right; if they are right, the parties must amend the agreement.",
                finding=finding.code,
                subject=finding.subject,
                count=finding.count,
            )
        if severity is not None:
            judged.append(replace(finding, severity=severity, rule=rule if severity == "accepted" else None))
        else:
            judged.append(finding)
    return judged
