"""What must hold before a rule means anything: counts, names, ranges, types of items.

Types of formulas are in ``typecheck.py``, the order of evaluation in ``order.py``.
"""

from __future__ import annotations

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.carried import Carried
from pyoutcome.formula.order import list_items
from pyoutcome.formula.parts import Parts
from pyoutcome.formula.shapes import DEEPEST_HISTORY, MOST_HISTORY, MOST_ITEMS, MOST_PAYEES, Item, KpiShape, KpiType
from pyoutcome.formula.tokens import is_name
from pyoutcome.formula.typecheck import Types, refuse_type


def check_parts(rule: Parts) -> None:
    """Refuses parts that have no order of evaluation yet, or never will; see ``Rule`` for the codes."""
    _check_shape(rule)
    formulas = [part for each in rule.registers for part in (each.start, each.next)]
    formulas += [each.formula for each in rule.definitions] + [each.formula for each in rule.lines]
    formulas += [each.amount for each in rule.payees]
    for formula in formulas:
        s.refuse_depth(formula)
    if len(list_items(rule)) > MOST_ITEMS:
        raise FormulaError(
            "rule-size", f"The rule has more than {MOST_ITEMS} values.", "Split the agreement into several."
        )


def find_types(rule: Parts, order: tuple[Item, ...]) -> dict[str, KpiType]:
    """The types of all names of a rule; refuses formulas of a wrong type. ``order`` is its order of evaluation."""
    types: dict[str, KpiType] = {kpi.full_name: kpi.type for kpi in rule.kpis}
    types |= {f"prev.{kpi.full_name}": kpi.type for kpi in rule.kpis if kpi.opening is not None}
    types |= {name: "number" for name, _ in rule.parameters}
    types |= dict.fromkeys((*rule.totals, "period"), "number")
    types |= {name: "number" for name, reading in rule.readings.items() if reading.kind in ("to_date", "earned")}
    for item in order:
        _type_item(item, types, rule.labels)
    return types


def _type_item(item: Item, types: dict[str, KpiType], labels: dict[str, tuple[str, ...]]) -> None:
    """Find the type of an item and of the names that stand for it."""
    found = Types(item, types, labels).of(item.formula)
    may_be_truth = item.kind in ("definition", "start", "register", "opening")
    if found == "choice" or (found == "yes_no" and not may_be_truth):
        refuse_type(item, item.formula, "a number or a yes/no" if may_be_truth else "a number", found)
    if item.kind == "start":
        types[f"prev.{item.name.removeprefix('start of ')}"] = found
    elif item.kind == "register" and found != types[f"prev.{item.name}"]:
        started = "a number" if found == "yes_no" else "a yes/no"
        refuse_type(item, item.formula, f"{started}, as its start is,", found)
    elif item.kind not in ("payee", "opening"):
        types[item.name] = found


def check_histories(order: tuple[Item, ...], types: dict[str, KpiType], carried: Carried) -> None:
    """Sums and differences over periods are of numbers; what is kept is limited."""
    for item in order:
        for node in s.walk(item.formula):
            if isinstance(node, s.Lag | s.SumLast) and types[node.name] != "number":
                refuse_type(item, node, "the history of a number", types[node.name])
    depths = [history.depth for history in carried.histories]
    if max(depths, default=0) > DEEPEST_HISTORY or sum(depths) > MOST_HISTORY:
        raise FormulaError(
            "history-too-long",
            f"The rule looks back {max(depths)} periods, and {sum(depths)} over all values together.",
            f"Look back at most {DEEPEST_HISTORY} periods, {MOST_HISTORY} over all values together.",
        )


def _check_shape(rule: Parts) -> None:
    for what, count, most in (
        ("KPIs", len(rule.kpis), MOST_ITEMS),
        ("parameters", len(rule.parameters), MOST_ITEMS),
        ("lines", len(rule.lines), MOST_ITEMS),
        ("payees", len(rule.payees), MOST_PAYEES),
        ("registers", len(rule.registers), MOST_ITEMS),
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
    if rule.periods_per_year is not None and not 1 <= rule.periods_per_year <= 366:
        raise FormulaError(
            "rule-size",
            f"A contract year of {rule.periods_per_year} periods is impossible.",
            "Give a year 1 to 366 periods.",
        )
    for line in rule.lines:
        known = line.payee is None or 0 <= line.payee < len(rule.payees)
        if not known or line.sign not in (-1, 0, 1) or (line.payee is None and line.sign):
            raise FormulaError(
                "rule-line",
                f"Line {line.name!r} has payee {line.payee} and sign {line.sign}.",
                "Give a line one of the payees and +1, -1 or 0; a line without payee has sign 0.",
                name=line.name,
            )


def _check_names(rule: Parts) -> None:
    own = [kpi.full_name for kpi in rule.kpis] + [name for name, _ in rule.parameters]
    own += [each.name for each in rule.definitions] + [each.name for each in rule.registers]
    own += [each.name for each in rule.lines]
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
    if kpi.opening is not None:
        fits = fits and kpi.low <= kpi.opening <= kpi.high and kpi.opening % kpi.multiple == 0
    if not fits:
        raise FormulaError(
            "rule-kpi",
            f"KPI {kpi.full_name!r} has an impossible range, number of decimals, list of labels or opening value.",
            "Give low <= high, both multiples of the decimals (0 to 18), and an opening value that could be reported; "
            "labels only for a choice, each once.",
            kpi=kpi.full_name,
        )
