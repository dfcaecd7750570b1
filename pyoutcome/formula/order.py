"""The one order of evaluation: every item after those it needs; what needs itself is refused."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NoReturn

from pyoutcome.decimals import ONE, Rounding
from pyoutcome.errors import FormulaError, did_you_mean
from pyoutcome.formula import syntax as s
from pyoutcome.formula.carried import past_reads
from pyoutcome.formula.parts import Parts
from pyoutcome.formula.shapes import Item

_CALENDAR = ("year", "period_of_year")


def list_items(rule: Parts) -> list[Item]:
    """Everything a rule works out each period, by kind: of several that are ready the first in this list goes first."""
    plain = [Item("definition", i, each.name, each.formula) for i, each in enumerate(rule.definitions)]
    plain += [Item("register", i, each.name, each.next) for i, each in enumerate(rule.registers)]
    plain += [Item("line", i, each.name, each.formula) for i, each in enumerate(rule.lines)]
    plain += [Item("payee", i, f"amount of {each.name}", each.amount) for i, each in enumerate(rule.payees)]
    items = [Item("start", i, f"start of {each.name}", each.start) for i, each in enumerate(rule.registers)]
    opened = {name for item in plain for name, _, alone in past_reads(rule, item.formula) if alone}
    for at, kpi in enumerate(rule.kpis):
        if kpi.opening is not None and kpi.full_name in opened:
            value: s.Node = s.Truth(bool(kpi.opening)) if kpi.type == "yes_no" else s.Number(kpi.opening)
            items.append(Item("opening", at, f"opening of {kpi.full_name}", value))
    return items + list(_calendar(rule, plain)) + plain


def _calendar(rule: Parts, items: list[Item]) -> Iterator[Item]:
    """``year`` and ``period_of_year``, as far as formulas mention them: every year has the same number of periods."""
    if rule.periods_per_year is None:
        return
    mentioned = {name for item in items for name in s.names(item.formula) if name in _CALENDAR}
    count = s.Number(rule.periods_per_year * ONE)
    if mentioned:
        # period / count has 18 decimals, far more than a year has periods, so that rounding it up is exact
        quotient = s.product((s.Name("period"),), (count,))
        yield Item("calendar", 0, "year", s.Round(quotient, s.Number(ONE), Rounding.CEIL))
    if "period_of_year" in mentioned:
        earlier = s.product((s.Minus(s.Name("year"), s.Number(ONE)), count))
        yield Item("calendar", 1, "period_of_year", s.Minus(s.Name("period"), earlier))


def evaluation_order(rule: Parts) -> tuple[Item, ...]:
    """All items, each after those it mentions; of several possible ones the first of ``list_items`` comes first.

    Raises FormulaError ``unknown-name``, ``cycle``, ``register-start``, ``no-opening``, ``no-calendar``,
    ``payee-needed``, ``no-history``.
    """
    items = list_items(rule)
    by_name = {item.name: place for place, item in enumerate(items) if item.kind != "payee"}
    given = {kpi.full_name for kpi in rule.kpis} | {name for name, _ in rule.parameters} | rule.readings.keys()
    given |= {"period", *rule.totals} | {label for kpi in rule.kpis for label in kpi.labels}
    pasts = {kpi.full_name for kpi in rule.kpis}
    pasts |= {item.name for item in items if item.kind in ("definition", "register", "line")}
    needs: list[set[int]] = []
    users: list[list[int]] = [[] for _ in items]
    for place, item in enumerate(items):
        mine: set[int] = set()
        for node in s.walk(item.formula):
            if item.kind == "start":
                _check_start(rule, item, node)
            if isinstance(node, s.SumLast | s.Lag) and node.name not in pasts:
                _refuse_history(rule, item, node.name, pasts)
            if isinstance(node, s.Name):
                if node.name in by_name:
                    mine.add(by_name[node.name])
                elif node.name not in given:
                    _refuse_name(rule, item, node.name)
        needs.append(mine)
        for other in mine:
            users[other].append(place)
    return _sorted(items, needs, users)


def _sorted(items: list[Item], needs: list[set[int]], users: list[list[int]]) -> tuple[Item, ...]:
    ready = [place for place, mine in enumerate(needs) if not mine]
    ordered: list[Item] = []
    while ready:
        place = heapq.heappop(ready)
        ordered.append(items[place])
        for user in users[place]:
            needs[user].discard(place)
            if not needs[user]:
                heapq.heappush(ready, user)
    if len(ordered) < len(items):
        stuck = _ring(items, needs)
        raise FormulaError(
            "cycle",
            f"These values need one another: {', '.join(stuck[:6])}.",
            "Let one of them start from KPIs, terms and values of earlier periods only.",
            names=tuple(stuck),
        )
    return tuple(ordered)


def _ring(items: list[Item], needs: list[set[int]]) -> list[str]:
    """The names on the cycles themselves: what is stuck only because it uses them is left out."""
    left = {place: mine for place, mine in enumerate(needs) if mine}
    while True:
        used = set().union(*left.values())
        if used >= left.keys():
            return [items[place].name for place in sorted(left)]
        left = {place: mine for place, mine in left.items() if place in used}


def _check_start(rule: Parts, item: Item, node: s.Node) -> None:
    """A start value is known when the agreement is signed."""
    if isinstance(node, s.Name | s.Lag | s.SumLast) and node.name not in dict(rule.parameters):
        register = item.name.removeprefix("start of ")
        raise FormulaError(
            "register-start",
            f"The start of {register!r} uses {node.name!r}, which is not known when the agreement is signed.",
            "Start a register from terms and constants only.",
            name=node.name,
            item=register,
        )


def _refuse_history(rule: Parts, item: Item, name: str, pasts: set[str]) -> NoReturn:
    if name not in dict(rule.parameters):
        _refuse_name(rule, item, name, pasts)
    raise FormulaError(
        "no-history",
        f"{item.name} looks back on {name!r}, which is the same in every period.",
        "Use its value as it is.",
        name=name,
        item=item.name,
    )


def _refuse_name(rule: Parts, item: Item, name: str, known: set[str] | None = None) -> NoReturn:
    first, _, rest = name.partition(".")
    if first == "prev" and any(kpi.full_name == rest for kpi in rule.kpis):
        raise FormulaError(
            "no-opening",
            f"{item.name} uses {name!r}, and KPI {rest!r} has no value for the time before the first period.",
            f"Give the KPI an opening value, or write lag({rest}, 1), which counts as 0 then.",
            name=name,
            item=item.name,
        )
    if name in _CALENDAR:
        raise FormulaError(
            "no-calendar",
            f"{item.name} uses {name!r}, but how many periods a year has is not known.",
            "Use periods that divide a year evenly, or count by 'period'.",
            name=name,
            item=item.name,
        )
    if name == "earned_before":
        raise FormulaError(
            "payee-needed",
            f"{item.name} uses 'earned_before', but several providers earn.",
            f"Say whose: {', '.join(f'earned_before.{payee.name}' for payee in rule.payees[:4])}.",
            name=name,
            item=item.name,
        )
    if known is None:
        known = {kpi.full_name for kpi in rule.kpis} | {each for each, _ in rule.parameters} | {"period"}
        known |= {item.name for item in list_items(rule) if item.kind in ("definition", "register", "line")}
        known |= rule.totals.keys() | rule.readings.keys()
    raise FormulaError(
        "unknown-name",
        f"{item.name} uses {name!r}, which the agreement does not define.",
        did_you_mean(name, sorted(known)),
        name=name,
        item=item.name,
    )
