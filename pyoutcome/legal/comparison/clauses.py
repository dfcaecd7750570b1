"""Clause by clause: what was changed, added and left out, in words and by keys, and what only reads differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pyoutcome.legal.comparison.rules import RuleChange, Thing, find_things
from pyoutcome.legal.comparison.wording import NumberChange, Stretch, compare_numbers, compare_words

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.clauses import AnyClause
    from pyoutcome.terms.kpis import Kpi

Kind = Literal["changed", "added", "removed"]
_HEADINGS: Final = {
    "agreement": "Name",
    "title": "Name",
    "parties": "Parties",
    "term": "Term",
    "token": "Money",
    "records": "Records",
    "windows": "Excluded times",
    "kpis": "KPIs",
    "require": "Requirements",
    "terms": "Fixed terms",
    "define": "Definitions",
    "state": "Carried state",
    "clauses": "Clauses",
    "settlement": "Settlement of a period",
    "escrow": "Evidence, default and escrow",
}
_CONSEQUENCES: Final = ("bounds.", "digest")
"""What follows from the whole file and is told elsewhere in a comparison."""


@dataclass(frozen=True)
class ThingChange:
    """One thing of the agreement, such as a clause, that says something else than before."""

    key: str
    """Its place in the file, such as ``clauses.volume``."""
    heading: str
    """Under which heading of the legal text it stands."""
    title: str
    """What people call it."""
    kind: Kind
    before: str
    """Its words; empty where it is not there, or has no words of its own."""
    after: str
    rules: tuple[RuleChange, ...]
    """Every value of it that differs."""

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The words side by side."""
        return compare_words(self.before, self.after)

    @property
    def numbers(self) -> tuple[NumberChange, ...]:
        """The numbers of its words that differ, as people read them; of a thing added or left out, all of them."""
        return compare_numbers(self.before, self.after)

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "key": self.key,
            "heading": self.heading,
            "title": self.title,
            "kind": self.kind,
            "before": self.before or None,
            "after": self.after or None,
            "numbers": [each.to_dict() for each in self.numbers],
            "rules": [each.to_dict() for each in self.rules],
        }


@dataclass(frozen=True)
class Rereading:
    """One thing whose own rules are as they were, and whose words differ because of what they mention."""

    key: str
    heading: str
    title: str
    before: str
    after: str

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The words side by side."""
        return compare_words(self.before, self.after)

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "key": self.key,
            "heading": self.heading,
            "title": self.title,
            "before": self.before,
            "after": self.after,
        }


def compare_clauses(before: Agreement, after: Agreement) -> tuple[tuple[ThingChange, ...], tuple[Rereading, ...]]:
    """What changed, and what only reads differently; in the order of the legal text. FormulaError as in ``words``."""
    was, now = _words(before), _words(after)
    changes: list[ThingChange] = []
    rereadings: list[Rereading] = []
    for thing in find_things(before, after):
        old, new = was.get(thing.old_key or "", ""), now.get(thing.new_key or "", "")
        heading = _HEADINGS.get(_section(thing.key), _section(thing.key).capitalize())
        title = _title(thing, before, after)
        if thing.changes or thing.old_key is None or thing.new_key is None:
            kind: Kind = "added" if thing.old_key is None else "removed" if thing.new_key is None else "changed"
            changes.append(ThingChange(thing.key, heading, title, kind, old, new, thing.changes))
        elif old != new:
            rereadings.append(Rereading(thing.key, heading, title, old, new))
    order = list(_HEADINGS.values())
    changes.sort(key=lambda each: _place(each.heading, order))
    rereadings.sort(key=lambda each: _place(each.heading, order))
    return tuple(changes), tuple(rereadings)


def _place(heading: str, order: list[str]) -> int:
    return order.index(heading) if heading in order else len(order)


def _words(agreement: Agreement) -> Mapping[str, str]:
    """The words of each thing by its key."""
    found: dict[str, list[str]] = {}
    for section in agreement.sections():
        for passage in section.passages:
            if not passage.key.startswith(_CONSEQUENCES):
                found.setdefault(passage.key, []).append(passage.text)
    return {key: "\n".join(said) for key, said in found.items()}


def _section(key: str) -> str:
    return key.removeprefix("order of ").partition(".")[0]


def _title(thing: Thing, before: Agreement, after: Agreement) -> str:
    """What the legal text calls it, or its key."""
    section, _, name = thing.key.partition(".")
    file = (before if thing.new_key is None else after).file
    titled: Mapping[str, Kpi | AnyClause] = (
        file.kpis if section == "kpis" else file.clauses if section == "clauses" else {}
    )
    entry = titled.get(name)
    if entry is not None and entry.title:
        return entry.title
    words = (name or section).rpartition(".")[2] if section == "parties" else name or section
    return words if section in ("parties", "require") else words.replace("_", " ").capitalize()
