"""Which records a measure counts, as far as its text tells: sets of conditions that can be held against one another.

Conditions are compared as texts. Two measures of which the texts tell nothing are taken to have nothing in common.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.measures import EVERYTHING, Measure, Ratio, TimeShare

_TOKENS: Final = re.compile(r"'(?:[^']|'')*'|[()]|\band\b|\bor\b|\bbetween\b|\bcase\b|\bend\b|\s+|[^\s()']+")
_EQUAL: Final = re.compile(r"(\w+) = ('(?:[^']|'')*'|[0-9.]+)")
_NULL: Final = re.compile(r"(\w+) is null")
_NEEDS: Final = re.compile(r"(\w+) (?:is not null|(?:=|<>|!=|<|<=|>|>=) ([\w.]+))")


@dataclass(frozen=True)
class Population:
    """A set of records or items of one period; the more conditions, the fewer of them."""

    base: tuple[object, ...]
    """Records, time, grain and exclusions: sets with different ones have nothing to do with one another."""
    owner: str | None
    """The provider whose records they are; None: everybody's."""
    conditions: frozenset[str]

    def within(self, other: Population) -> bool:
        """Is each of these one of the others?"""
        return (
            self.base == other.base
            and other.owner in (None, self.owner)
            and self.conditions >= other.conditions
        )  # fmt: skip

    def apart(self, other: Population) -> bool:
        """Is none of these one of the others?"""
        if self.base != other.base:
            return False
        if None not in (self.owner, other.owner) and self.owner != other.owner:
            return True
        return any(_contradict(mine, theirs) for mine in self.conditions for theirs in other.conditions)

    def narrowed(self, condition: str | None) -> Population:
        """Those for which a condition holds too."""
        more = frozenset() if condition in (None, EVERYTHING) else split_condition(condition or "")
        return Population(self.base, self.owner, self.conditions | more)


def population_of(kpi: AgreementKpi) -> Population | None:
    """What a KPI is counted from, by its ``where``; None of one without a measure or that measures time."""
    measure = kpi.declared.measure
    if measure is None or isinstance(measure, TimeShare):
        return None
    return Population(_base(measure), kpi.provider, frozenset()).narrowed(measure.where)


def parts_of(ratio: Ratio, counted: Population) -> tuple[Population, Population]:
    """What stands below the line of a ratio, and what above it."""
    below = counted.narrowed(ratio.denominator)
    return below, below.narrowed(ratio.numerator)


def split_condition(text: str) -> frozenset[str]:
    """The conditions that have to hold together for one to hold: what ``and`` joins at its top, as plain texts."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in _TOKENS.findall(text):
        word = token.lower()
        depth += {"(": 1, "case": 1, ")": -1, "end": -1}.get(word, 0)
        if not depth and word == "or":
            return frozenset({" ".join(text.split())})  # of alternatives no part has to hold
        if word == "and" and not depth and not _is_in_between(parts[-1]):
            parts.append([])
        elif not token.isspace():
            parts[-1].append(token)
    return frozenset(" ".join(part) for part in parts if part)


def _is_in_between(part: list[str]) -> bool:
    """Does the ``and`` that comes next belong to ``between``?"""
    words = [token.lower() for token in part]
    return words.count("between") > words.count("and")


def _contradict(one: str, other: str) -> bool:
    if one in (f"not {other}", f"not ( {other} )") or other in (f"not {one}", f"not ( {one} )"):
        return True
    first, second = _EQUAL.fullmatch(one), _EQUAL.fullmatch(other)
    if first and second:
        return first[1] == second[1] and first[2] != second[2]
    return _lacks(one, other) or _lacks(other, one)


def _lacks(one: str, other: str) -> bool:
    """Does the one ask for a missing value of a column that the other needs?"""
    missing, needed = _NULL.fullmatch(one), _NEEDS.fullmatch(other)
    return missing is not None and needed is not None and missing[1] in needed.groups()


def pairwise_apart(populations: list[Population]) -> bool:
    """Do none of these share a record?"""
    return all(one.apart(other) for one, other in combinations(populations, 2))


def _base(measure: Measure) -> tuple[object, ...]:
    grain = None if isinstance(measure, TimeShare) else measure.grain
    versions = None if grain in (None, "record") else repr(grain)
    return (measure.records, measure.anchor, versions, repr(measure.except_))
