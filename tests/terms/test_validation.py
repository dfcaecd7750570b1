"""Validation explains itself: each fault is told with its place, its own numbers, and what to do."""

from __future__ import annotations

import re

import pytest

from pyoutcome import Agreement
from pyoutcome.errors import AgreementError, FormulaError, PyoutcomeError
from pyoutcome.terms import Finding
from tests.terms.deals import deal

X = "x: {unit: pieces, range: [0, 100], if_missing: 0}"
SHARES = "".join(f"{name}: {{unit: share, decimals: 2, range: [0, 1], if_missing: 0}}\n" for name in "xy")
BETTER = "x: {unit: pieces, range: [0, 9], if_missing: 9, better: higher}"


def told(text: str, code: str) -> tuple[str, str, str, int]:
    """Path, why, fix and line of what is said under a code, as error or as warning."""
    found: PyoutcomeError | Finding
    try:
        found = {finding.code: finding for finding in Agreement.parse(text, "deal.yaml").check()}[code]
    except (AgreementError, FormulaError) as error:
        found = error
    assert code == found.code, str(found)
    where, why, fix = found.where, found.why, found.fix
    assert where is not None
    assert "deal.yaml" == where.file
    return where.path or "", why, fix, where.line or 0


@pytest.mark.parametrize(
    ("text", "code", "path", "why", "fix"),
    [
        pytest.param(
            deal("fee: {kind: unit_price, quantity: x, bands: {upto 200: 5, upto 100: 3, rest: 2}}", X),
            "table-order", "clauses.fee.bands", "100 stands after 200", "Order the rows",
            id="overlapping bands"),
        pytest.param(
            deal("fee: {kind: unit_price, quantity: x, bands: {upto 50: 5, upto 50.0: 3, rest: 2}}", X),
            "empty-band", "clauses.fee", "Two bands end at 50, so the rate 3", "Correct its end",
            id="band of no width"),
        pytest.param(
            deal("fee: {kind: unit_price, quantity: x, bands: {upto 10: 5, upto 20: 3}}", X),
            "bad-row", "clauses.fee.bands", "last row must be 'rest'", "for all that remains",
            id="gap after the bands"),
        pytest.param(
            deal("fee: {kind: step, of: x, rows: {at_least 99: 5, at_least 95: 3}}", X),
            "bad-row", "clauses.fee.rows", "last row must be 'otherwise'", "for all that remains",
            id="gap below the rows"),
        pytest.param(
            deal("fee: {kind: curve, of: x, points: [[10, 0], [5, 3], [20, 9]]}", X),
            "table-order", "clauses.fee.points", "5 stands after 10", "Order the rows",
            id="unsorted points"),
        pytest.param(
            deal("fee: {kind: curve, of: x, points: [[10, 0], [10, 3], [20, 9]]}", X),
            "table-order", "clauses.fee.points", "10 stands after 10", "each number once",
            id="a point twice"),
        pytest.param(
            deal("fee: {kind: scorecard, items: [{weight: 40%, level: x}, {weight: 50%, level: y}]}", SHARES),
            "weights-not-whole", "clauses.fee.items", "add up to 0.9", "Correct the weights",
            id="weights"),
        pytest.param(
            deal("fee: {kind: formula, is: 5 * x}", SHARES),
            "never-used", "kpis.y", "uses the KPI 'y'", "Use it or delete it",
            id="a KPI never used"),
        pytest.param(
            deal("fee: {kind: formula, is: 5 * x, then: [at_least: 100, at_most: 50]}", X),
            "cap-below-floor", "clauses.fee.then.1", "cap 50 is below the floor 100", "Correct one",
            id="cap below floor"),
        pytest.param(
            deal("fee: {kind: formula, is: 5 * x}", X, settlement="[at_least: 100, at_most: 50]"),
            "cap-below-floor", "settlement.1", "cap 50 is below the floor 100", "Correct one",
            id="collar upside down"),
        pytest.param(
            deal("fee: {kind: step, of: x, rows: {at_least 90: 5, at_least 95: 8, otherwise: 0}}", X),
            "row-never-wins", "clauses.fee.rows", "'at_least 95' can never win", "Reorder the rows",
            id="a dead row"),
        pytest.param(
            deal("fee: {kind: step, of: x, rows: {at_least 900: 5, at_least 50: 8, otherwise: 0}}", X),
            "row-outside-range", "clauses.fee", "No value of x, 0 to 100, meets 'at_least 900'", "Correct the row",
            id="a row out of range"),
        pytest.param(
            deal("fee: {kind: formula, is: 100 - 5 * x}", BETTER),
            "wrong-direction", "kpis.x.better", "A gets 45 TST less with x = 9 than with the worse 0", "'better'",
            id="wrong direction"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_place_numbers_and_remedy(text: str, code: str, path: str, why: str, fix: str) -> None:
    place, said, remedy, line = told(text, code)
    assert path == place
    assert why in said
    assert fix in remedy
    key = re.escape(path.split(".")[1]) if not path.startswith("settlement") else "settlement"
    assert re.search(rf"\b{key}\b", text.splitlines()[line - 1]), text.splitlines()[line - 1]
