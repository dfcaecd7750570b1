"""What two agreements say differently, key by key, from their canonical forms: whatever moves the digest is here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

_OF_TERM: Final = ("starts", "ends")
"""Derived keys that belong to the term."""
_WHOLE: Final = ("parties", "term", "token", "settlement")
"""Sections that are one thing."""
_NUMBERED: Final = ("require",)
"""Lists whose entries are things of their own, without a name."""
_GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "escrow": {
        "evidence_within": "evidence",
        "default_window": "evidence",
        "challenge": "disputes",
        "restates": "disputes",
        "holdback": "cover",
        "reserve": "cover",
        "cure_within": "cover",
        "convenience": "exits",
    },
    "legal": {
        "review_meetings": "governance",
        "escalation": "governance",
        "courts": "law",
        "arbitration": "law",
        "notices": "law",
    },
}
"""Keys that are one thing together, because the words say them together; each other key is a thing by itself."""


@dataclass(frozen=True)
class RuleChange:
    """One value that differs."""

    path: str
    """Where it stands in the agreement file, such as ``clauses.volume.bands.1.value``; entries of a list count from 1,
    in the new file, or in the old one where they are left out."""
    before: str | None
    """As the canonical form writes it: numbers without separators, shares as decimals, times in seconds; None where
    there is none."""
    after: str | None

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {"path": self.path, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Thing:
    """One thing of either agreement, such as a clause; at least one of the two says it."""

    old_key: str | None
    new_key: str | None
    changes: tuple[RuleChange, ...]

    @property
    def key(self) -> str:
        """Its place in the file: the new one, or the old one where it is left out."""
        return self.new_key or self.old_key or ""

    @property
    def section(self) -> str:
        """The top-level key it stands under."""
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        """Its name there; empty of a section that is one thing."""
        return self.key.partition(".")[2]


def find_things(before: Agreement, after: Agreement) -> tuple[Thing, ...]:
    """Everything that either agreement says, in the order of the new one, and then what only the old one says."""
    old, new = json.loads(before.canonical()), json.loads(after.canonical())
    return (*_named(old, new), *_numbered(old, new), *_orders(old, new))


def _named(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Thing]:
    was, now = dict(_things(old)), dict(_things(new))
    for key in [*now, *(each for each in was if each not in now)]:
        (old_at, before), (new_at, after) = was.get(key, ("", None)), now.get(key, ("", None))
        changes = tuple(_differences(before, after, new_at or old_at))
        yield Thing(key if key in was else None, key if key in now else None, changes)


def _things(data: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Things by key, each with its path and what is there. The order of named entries is told by itself."""
    for name, value in data.items():
        if name in _NUMBERED or name in _OF_TERM:
            continue
        if name in _GROUPS:
            groups: dict[str, dict[str, Any]] = {}
            for each, inner in value.items():
                groups.setdefault(_GROUPS[name].get(each, each), {})[each] = inner
            yield from ((f"{name}.{group}", (name, inner)) for group, inner in groups.items())
        elif name in _WHOLE:
            yield name, (name, {**value, **_derived(value, data)} if name == "term" else value)
        elif isinstance(value, dict):
            yield from ((f"{name}.{each}", (f"{name}.{each}", inner)) for each, inner in value.items())
        elif _is_named(value):
            yield from ((f"{name}.{each['id']}", (f"{name}.{each['id']}", _without_id(each))) for each in value)
        elif value != []:
            yield name, (name, value)


def _derived(term: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What is derived from the term; beside dates that the file names itself it has a name of its own."""
    return {f"{each}_in_utc" if each in term else each: data[each] for each in _OF_TERM}


def _numbered(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Thing]:
    """Entries of nameless lists: those that stayed find each other, wherever they stand."""
    for name in _NUMBERED:
        for was, now, at_old, at_new in _pairs(old.get(name, []), new.get(name, [])):
            old_key = None if at_old is None else f"{name}.{at_old + 1}"
            new_key = None if at_new is None else f"{name}.{at_new + 1}"
            yield Thing(old_key, new_key, tuple(_differences(was, now, new_key or old_key or name)))


def _orders(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Thing]:
    """Lists of named entries whose common entries stand in another order, which means something."""
    for name in new:
        order = _reordered(old.get(name), new[name], name)
        if order is not None:
            yield Thing(order.path, order.path, (order,))


def _reordered(old: Any, new: Any, path: str) -> RuleChange | None:
    if not (_is_named(old) and _is_named(new)):
        return None
    was, now = ([str(each["id"]) for each in entries] for entries in (old, new))
    if [each for each in was if each in now] == [each for each in now if each in was]:
        return None
    return RuleChange(f"order of {path}", ", ".join(was), ", ".join(now))


def _differences(old: Any, new: Any, path: str) -> Iterator[RuleChange]:
    old, new = (None if each == [] else each for each in (old, new))
    if old == new:
        return
    kinds = {_kind(each) for each in (old, new) if each is not None}
    if len(kinds) > 1:  # a value became a table, or the other way round
        yield from _differences(old, None, path)
        yield from _differences(None, new, path)
    elif kinds == {"map"} and (old or new):
        was, now = old or {}, new or {}
        for key in [*now, *(each for each in was if each not in now)]:
            yield from _differences(was.get(key), now.get(key), f"{path}.{key}")
    elif kinds == {"named"}:
        was, now = ({each["id"]: _without_id(each) for each in entries or []} for entries in (old, new))
        yield from _differences(was, now, path)
        order = _reordered(old, new, path)
        if order is not None:
            yield order
    elif kinds == {"list"}:
        for was, now, at_old, at_new in _pairs(old or [], new or []):
            at = at_new if at_new is not None else at_old
            yield from _differences(was, now, f"{path}.{(at or 0) + 1}")
    else:
        yield RuleChange(path, _text(old), _text(new))


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "map"
    if _is_named(value):
        return "named"
    listed = isinstance(value, list) and any(isinstance(each, dict | list) for each in value)
    return "list" if listed else "text"


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[Any, Any, int | None, int | None]]:
    """Entries of two lists side by side with their places; None for one that the other list does not have."""
    was, now = [json.dumps(each) for each in old], [json.dumps(each) for each in new]
    for _, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        both = min(b - a, d - c)
        yield from ((old[a + at], new[c + at], a + at, c + at) for at in range(both))
        yield from ((old[at], None, at, None) for at in range(a + both, b))
        yield from ((None, new[at], None, at) for at in range(c + both, d))


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "id" in each for each in value)


def _without_id(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "id"}


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return None if value is None else str(value or "nothing")
