"""What must hold before a rule means anything: counts, names, order; types are in ``typecheck.py``."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NoReturn

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import FormulaError, did_you_mean
from pyoutcome.formula import syntax as s
from pyoutcome.formula.shapes import MOST_ITEMS, MOST_PAYEES, Item, KpiShape, KpiType
from pyoutcome.formula.tokens import STATE_WORDS, is_name
from pyoutcome.formula.typecheck import Types, refuse_type

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule


def check_rule(rule: Rule) -> dict[str, KpiType]:
    """The types of all names of a rule; refuses a rule that cannot be evaluated, see ``Rule`` for the codes."""
    _check_shape(rule)
    for item in _items(rule):
        s.refuse_depth(item.formula)
    types: dict[str, KpiType] = {kpi.full_name: kpi.type for kpi in rule.kpis}
    types |= {name: "number" for name, _ in rule.parameters}
    types |= dict.fromkeys((*rule.totals, "period"), "number")
    for item in rule.order:
        found = Types(item, types, rule.labels).of(item.formula)
        if found == "choice" or (found == "yes_no" and item.kind != "definition"):
            refuse_type(item, item.formula, "a number" if item.kind != "definition" else "a number or a yes/no", found)
        if item.kind != "payee":
            types[item.name] = found
    return types


def _items(rule: Rule) -> list[Item]:
    items = [Item("definition", i, each.name, each.formula) for i, each in enumerate(rule.definitions)]
    items += [Item("line", i, each.name, each.formula) for i, each in enumerate(rule.lines)]
    items += [Item("payee", i, f"amount of {each.name}", each.amount) for i, each in enumerate(rule.payees)]
    return items


def _check_shape(rule: Rule) -> None:
    for what, count, most in (
        ("KPIs", len(rule.kpis), MOST_ITEMS),
        ("parameters", len(rule.parameters), MOST_ITEMS),
        ("lines", len(rule.lines), MOST_ITEMS),
        ("payees", len(rule.payees), MOST_PAYEES),
        ("values", len(rule.definitions) + len(rule.lines) + len(rule.payees), MOST_ITEMS),
    ):
        if count > most:
            raise FormulaError(
                "rule-size", f"The rule has {count} {what}; {most} is the most.", "Split the agreement into several."
            )
    _check_names(rule)
    for kpi in rule.kpis:
        _check_kpi(kpi)
    for name, value in rule.parameters:
        if not INT256_MIN <= value <= INT256_MAX:
            raise FormulaError("rule-size", f"The term {name!r} does not fit a 256-bit value.", "Use a larger unit.")
    for line in rule.lines:
        known = line.payee is None or 0 <= line.payee < len(rule.payees)
        if not known or line.sign not in (-1, 0, 1) or (line.payee is None and line.sign):
            raise FormulaError(
                "rule-line",
                f"Line {line.name!r} has payee {line.payee} and sign {line.sign}.",
                "Give a line one of the payees and +1, -1 or 0; a line without payee has sign 0.",
                name=line.name,
            )


def _check_names(rule: Rule) -> None:
    own = [kpi.full_name for kpi in rule.kpis] + [name for name, _ in rule.parameters]
    own += [each.name for each in rule.definitions] + [each.name for each in rule.lines]
    seen: set[str] = set()
    for name in own:
        if not is_name(name) or name in seen:
            raise FormulaError(
                "rule-name",
                f"{name!r} is used twice." if name in seen else f"{name[:60]!r} is not a possible name.",
                "Use letters, digits and underscores, no word of the language, and each name once.",
                name=name,
            )
        seen.add(name)
    for kpi in rule.kpis:
        for label in kpi.labels:
            if label in seen:
                raise FormulaError(
                    "rule-name",
                    f"{label!r} is a label of KPI {kpi.full_name!r} and the name of something else.",
                    "Rename one of them, so that a formula can be read in one way only.",
                    name=label,
                )
    if len({payee.name for payee in rule.payees}) != len(rule.payees):
        raise FormulaError("rule-name", "Two payees have the same name.", "Give every provider its own name.")


def _check_kpi(kpi: KpiShape) -> None:
    fits = INT256_MIN <= kpi.low <= kpi.high <= INT256_MAX and 0 <= kpi.decimals <= 18
    fits = fits and kpi.low % kpi.multiple == 0 and kpi.high % kpi.multiple == 0
    if kpi.type == "choice":
        words = all(is_name(label) and "." not in label for label in kpi.labels)
        fits = fits and words and 1 <= len(set(kpi.labels)) == len(kpi.labels) <= 255
        fits = fits and (kpi.low, kpi.high, kpi.decimals) == (ONE, len(kpi.labels) * ONE, 0)
    else:
        fits = fits and not kpi.labels and (kpi.type == "number" or (kpi.low, kpi.high, kpi.decimals) == (0, 1, 18))
    if not fits:
        raise FormulaError(
            "rule-kpi",
            f"KPI {kpi.full_name!r} has an impossible range, number of decimals or list of labels.",
            "Give low <= high, both multiples of the decimals (0 to 18); labels only for a choice, each once.",
            kpi=kpi.full_name,
        )


def _refuse_name(rule: Rule, item: Item, name: str) -> NoReturn:
    first = name.split(".")[0]
    if first in STATE_WORDS and first != "total":
        raise FormulaError(
            "state-not-supported",
            f"{item.name} uses {name!r}; values carried from earlier periods are not supported yet.",
            "Use values of this period only.",
            name=name,
            item=item.name,
        )
    known = [kpi.full_name for kpi in rule.kpis] + [each for each, _ in rule.parameters]
    known += [each.name for each in rule.definitions] + [each.name for each in rule.lines] + ["period", *rule.totals]
    raise FormulaError(
        "unknown-name",
        f"{item.name} uses {name!r}, which the agreement does not define.",
        did_you_mean(name, known),
        name=name,
        item=item.name,
    )


def evaluation_order(rule: Rule) -> tuple[Item, ...]:
    """All items, each after those it mentions; of several possible ones the first definition, line, payee comes first.

    Raises FormulaError ``unknown-name``, ``state-not-supported``, ``cycle``.
    """
    items = _items(rule)
    by_name = {item.name: place for place, item in enumerate(items) if item.kind != "payee"}
    given = {kpi.full_name for kpi in rule.kpis} | {name for name, _ in rule.parameters}
    given |= {"period", *rule.totals} | {label for kpi in rule.kpis for label in kpi.labels}
    needs: list[set[int]] = []
    users: list[list[int]] = [[] for _ in items]
    for place, item in enumerate(items):
        mine: set[int] = set()
        for node in s.walk(item.formula):
            if isinstance(node, s.SumLast | s.Lag):
                _refuse_name(rule, item, "prev." + node.name)
            if isinstance(node, s.Name):
                if node.name in by_name:
                    mine.add(by_name[node.name])
                elif node.name not in given:
                    _refuse_name(rule, item, node.name)
        needs.append(mine)
        for other in mine:
            users[other].append(place)
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
            "Let one of them start from KPIs and terms only.",
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
