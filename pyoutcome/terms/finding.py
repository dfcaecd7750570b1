"""One thing that ``check`` tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyoutcome.errors import Where

Severity: TypeAlias = Literal["warning", "note"]
"""``warning``: perhaps not meant; ``note``: worth knowing. What is wrong is an error and refuses the agreement."""


@dataclass(frozen=True)
class Finding:
    """One warning or note."""

    code: str
    """Stable name, a heading in ``docs/agreement-file.md``."""
    why: str
    fix: str
    where: Where | None = None
    severity: Severity = "warning"

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.why} [{self.code}] {self.fix}"
