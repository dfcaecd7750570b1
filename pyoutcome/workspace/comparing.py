"""Two agreements side by side: every rule that differs, and what each provider can be paid before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement


@dataclass(frozen=True)
class Change:
    """One rule that differs."""

    path: str
    """Where it stands in the agreement file, such as ``clauses.volume.bands``."""
    before: str | None
    """As the canonical form writes it; None where there is none."""
    after: str | None

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {"path": self.path, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Worst:
    """What one provider can be owed for a period, base units, proven from the KPIs' ranges."""

    provider: str
    least_before: int
    most_before: int
    least_after: int
    most_after: int

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "provider": self.provider,
            "before": [str(self.least_before), str(self.most_before)],
            "after": [str(self.least_after), str(self.most_after)],
        }


def compare(before: Agreement, after: Agreement) -> tuple[Change, ...]:
    """Every difference between the canonical forms, in the order of their paths."""
    old, new = dict(_leaves(json.loads(before.canonical()))), dict(_leaves(json.loads(after.canonical())))
    return tuple(
        Change(path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )


def worst_cases(before: Agreement, after: Agreement) -> tuple[Worst, ...]:
    """Per provider, in the order of the agreement. FormulaError as in ``Agreement.bounds``."""
    pairs = zip(before.bounds().providers, after.bounds().providers, strict=True)
    return tuple(Worst(old.provider, old.least, old.most, new.least, new.most) for old, new in pairs)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document with its place; items that have an id stand under it."""
    if isinstance(value, dict):
        for key, each in value.items():
            if not (key == "id" and path):
                yield from _leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, dict) and "id" in each for each in value):
        for each in value:
            yield from _leaves(each, f"{path}.{each['id']}")
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for at, each in enumerate(value, 1):
            yield from _leaves(each, f"{path}.{at}")
    else:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
