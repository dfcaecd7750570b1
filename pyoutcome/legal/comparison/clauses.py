"""Clause by clause: what was changed, added and left out, in words and by keys, and what only reads differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pyoutcome.legal.comparison.rules import RuleChange, Thing, find_things
from pyoutcome.legal.comparison.wording import NumberChange, Stretch, compare_numbers, compare_words
from pyoutcome.terms.naming import plain_words

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.clauses import AnyClause
    from pyoutcome.terms.kpis import Kpi

Kind = Literal["changed", "added", "removed"]
_NAME: Final = "Name"
"""The heading of what stands above the legal text."""
_ENTRIES: Final = ("records", "windows", "kpis", "require", "terms", "define", "state", "clauses")
"""Parts of the words with one paragraph for each entry of the section of that name."""
_ESCROW: Final = ("evidence", "disputes", "cover", "breaches", "exits")
_PARTS: Final = {"money": "token"}
"""Parts of the words that the file calls otherwise."""
_WHOLE: Final = ("parties", "term", "settlement")
_CONSEQUENCES: Final = ("reading", "bounds", "precedence")
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
        none = (thing.section.capitalize(), "")
        new_heading, new = now.get(thing.new_key or "", none)
        old_heading, old = was.get(thing.old_key or "", (new_heading, ""))
        heading = old_heading if thing.new_key is None else new_heading
        title = _title(thing, before if thing.new_key is None else after)
        if thing.changes or thing.old_key is None or thing.new_key is None:
            kind: Kind = "added" if thing.old_key is None else "removed" if thing.new_key is None else "changed"
            changes.append(ThingChange(thing.key, heading, title, kind, old, new, thing.changes))
        elif old != new:
            rereadings.append(Rereading(thing.key, heading, title, old, new))
    order = [_NAME, *dict.fromkeys(heading for heading, _ in (*now.values(), *was.values()))]
    changes.sort(key=lambda each: order.index(each.heading) if each.heading in order else len(order))
    rereadings.sort(key=lambda each: order.index(each.heading) if each.heading in order else len(order))
    return tuple(changes), tuple(rereadings)


def _words(agreement: Agreement) -> Mapping[str, tuple[str, str]]:
    """Heading and words of each thing by its key."""
    found = {"agreement": (_NAME, agreement.id), "title": (_NAME, agreement.file.title or "")}
    for passage in agreement.passages():
        said = [" ".join(item).strip() for item in passage.items]
        if passage.key in _ENTRIES:
            entries = getattr(agreement.file, passage.key)
            names = entries if isinstance(entries, Mapping) else map(str, range(1, len(said) + 1))
            for name, text in zip(names, said, strict=True):
                found[f"{passage.key}.{name}"] = passage.heading, text
        elif passage.key in _ESCROW:
            found[f"escrow.{passage.key}"] = passage.heading, "\n".join(said)
        elif passage.key in _WHOLE or passage.key in _PARTS:
            found[_PARTS.get(passage.key, passage.key)] = passage.heading, "\n".join(said)
        elif passage.key not in _CONSEQUENCES:
            found[f"legal.{passage.key}"] = passage.heading, "\n".join(said)
    return found


def _title(thing: Thing, agreement: Agreement) -> str:
    """What the legal text calls it, or its key in words."""
    file, name = agreement.file, thing.name
    titled: Mapping[str, Kpi | AnyClause] = {}
    if thing.section in ("kpis", "clauses"):
        titled = file.kpis if thing.section == "kpis" else file.clauses
    entry = titled.get(name)
    if entry is not None and entry.title:
        return entry.title
    return plain_words(name or thing.section)
