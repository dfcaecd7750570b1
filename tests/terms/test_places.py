"""Every mistake in an agreement file is refused at its place, with what to do about it; all of them at once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pyoutcome import Agreement
from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms import problems_of
from tests.terms.deals import HEAD, TWO, deal

ROOT = Path(__file__).parents[2]
FEE = "fee: {kind: fixed_fee, amount: 10}"
EXAMPLE = (ROOT / "examples" / "punctual-arrivals" / "agreement.yaml").read_text(encoding="utf-8")


def refusal(text: str) -> PyoutcomeError:
    with pytest.raises(PyoutcomeError) as caught:
        Agreement.parse(text, "deal.yaml")
    return caught.value


def assert_refused(text: str, code: str, at: str, path: str) -> PyoutcomeError:
    """The error has this code and path and points at ``at``, which must be what stands there."""
    error = refusal(text)
    assert (code, path) == (error.code, error.where.path if error.where else None), error
    where = error.where
    assert where is not None
    assert where.line is not None
    assert where.column is not None
    assert text.splitlines()[where.line - 1][where.column - 1 :].startswith(at), error
    assert error.why
    assert error.fix
    return error


def altered(old: str, new: str, text: str = EXAMPLE) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "path"),
    [
        ("title: Punctual arrivals", "titel: Punctual arrivals", "unknown-key", "titel", "titel"),
        ("quorum: 2", "quorum: 4", "quorum-too-high", "4", "parties.quorum"),
        ("quorum: 2", "quorum: 0", "out-of-limits", "0", "parties.quorum"),
        ("quorum: 2", "quorum: two", "not-a-whole-number", "two", "parties.quorum"),
        ("    V1: {name", "    UA: {name", "party-twice", "{name: First", "parties.verifiers.UA"),
        ("    UA: {name", "    each: {name", "reserved-word", "{name: United", "parties.providers.each"),
        ("    UA: {name", "    U-A: {name", "bad-name", "U-A", "parties.providers.U-A"),
        ("name: Airport operator", "nmae: Airport operator", "unknown-key", "nmae", "parties.client.nmae"),
        ("{name: Airport operator}", "{}", "missing-key", "{}", "parties.client"),
        ("{name: Airport operator}", "Airport operator", "wrong-shape", "Airport", "parties.client"),
        ("{name: Airport operator}", "{name: }", "empty-value", "}", "parties.client.name"),
        ("{name: Airport operator}", "{name: [x]}", "wrong-shape", "[x]", "parties.client.name"),
        ("America/New_York", "America/NewYork", "unknown-zone", "America/NewYork", "term.zone"),
        ("2013-01-01", "2013-02-30", "not-a-date", "2013-02-30", "term.first"),
        ("every: month", "every: fortnight", "unknown-word", "fortnight", "term.every"),
        ("periods: 12", "periods: 2000", "out-of-limits", "2000", "term.periods"),
        ("every: month, periods: 12", "every: month", "term-incomplete", "{zone", "term"),
        ("periods: 12", "ends: [2013-01-01]", "term-incomplete", "{zone", "term"),
        ("every: month, periods: 12", "ends: [2013-01-01]", "periods-not-rising", "{zone", "term"),
        ("first: 2013-01-01", "first: 2299-01-01", "date-out-of-range", "{zone", "term"),
        ("decimals: 6}", "decimals: 19}", "out-of-limits", "19", "token.decimals"),
        ("format: csv", "format: xml", "unknown-word", "xml", "records.flights.format"),
        ("{type: decimal, digits: 4}", "{type: decimal}", "missing-key", "{type", "records.flights.columns.year"),
        ("carrier: {type: text}", "carrier: {type: text, digits: 3}", "bad-column", "{",
         "records.flights.columns.carrier"),
        ("digits: 4}", "digits: 4, scale: 5}", "bad-column", "5", "records.flights.columns.year.scale"),
        ("key: [year", "key: [yaer", "unknown-column", "yaer", "records.flights.key.0"),
        ("key: [year, month", "key: [year, year", "bad-column", "year, day", "records.flights.key.1"),
        ("late: counts", "late: counts\n    quality: {findings: {records-lat: fatal}}", "unknown-finding", "fatal",
         "records.flights.quality.findings.records-lat"),
        ("late: counts", "late: counts\n    quality: {findings: {records-late: bad}}", "unknown-word", "bad}",
         "records.flights.quality.findings.records-late"),
        ("late: counts", "late: counts\n    quality: {}", "nothing-expected", "{}", "records.flights.quality"),
        ("late: counts", "late: counts\n    quality: {gap: 0 days}", "out-of-limits", "0 d",
         "records.flights.quality.gap"),
        ("late: counts", "late: counts\n    quality: {order: yaer}", "unknown-column", "yaer",
         "records.flights.quality.order"),
        ("late: counts", "late: counts\n    quality: {order: carrier}", "bad-column", "carrier",
         "records.flights.quality.order"),
        ("format: csv", "format: table\n    quality: {order: time_hour}", "no-order-of-records", "time_hour",
         "records.flights.quality.order"),
        ("duplicates: refuse", "duplicates: first", "unknown-word", "first", "records.flights.duplicates"),
        ("range: [0, 1]", "range: [1, 0]", "bad-kpi", "[1, 0]", "kpis.on_time.range"),
        ("range: [0, 1]", "range: [0, 0.33333]", "bad-kpi", "[0, 0.3", "kpis.on_time.range"),
        ("range: [0, 1]", "range: [0, .nan]", "not-a-number", ".nan", "kpis.on_time.range.1"),
        ("range: [0, 1]", "range: [0, 1e400]", "not-a-number", "1e400", "kpis.on_time.range.1"),
        ("range: [0, 1]", "range: [0]", "missing-key", "[0]", "kpis.on_time.range"),
        ("range: [0, 10000]", "range: [0, 0.1234567890123456789]", "too-many-decimals", "0.12",
         "kpis.arrivals.range.1"),
        ("range: [0, 10000]", f"range: [0, {10**60}]", "number-too-large", "1000", "kpis.arrivals.range.1"),
        ("    range: [0, 10000]\n", "", "missing-range", "title", "kpis.arrivals"),
        ("if_missing: 1\n", "if_missing: 2\n", "bad-kpi-value", "2", "kpis.cancelled.if_missing"),
        ("if_missing: 1\n", "if_missing: 0.00001\n", "bad-kpi-value", "0.00001", "kpis.cancelled.if_missing"),
        ("if_missing: 1\n", "if_missing: last\n", "missing-key", "last", "kpis.cancelled.if_missing"),
        ("    if_missing: 1\n", "", "missing-key", "title", "kpis.cancelled"),
        ("shown_as: percent", "shown_as: percentage", "unknown-word", "percentage", "kpis.on_time.shown_as"),
        ("  on_time:\n", "  rest:\n", "reserved-word", "rest", "kpis.rest"),
        ("records: flights", "records: fligths", "unknown-records", "fligths", "kpis.on_time.measure.records"),
        ("anchor: time_hour", "anchor: carrier", "bad-measure", "carrier", "kpis.on_time.measure.anchor"),
        ("anchor: time_hour", "anchor: tiem_hour", "unknown-column", "tiem", "kpis.on_time.measure.anchor"),
        ("provider: carrier\n      numerator", "provider: dep_time\n      numerator", "bad-measure", "dep_time",
         "kpis.on_time.measure.provider"),
        ("      provider: carrier\n", "", "missing-key", "kind: ratio", "kpis.on_time.measure"),
        ("kind: ratio", "kind: mean", "unknown-key", "numerator", "kpis.on_time.measure.numerator"),
        ("kind: ratio", "kind: rato", "unknown-word", "rato", "kpis.on_time.measure.kind"),
        ("      kind: ratio\n", "", "missing-key", "records", "kpis.on_time.measure"),
        ("rounding: half_up", "rounding: halfup", "unknown-word", "halfup", "kpis.on_time.measure.rounding"),
        ("monthly_fee: 250000", "monthly_fee: yes", "not-a-number", "yes", "terms.monthly_fee"),
        ("monthly_fee: 250000", "monthly_fee: 1:30", "not-a-number", "1:30", "terms.monthly_fee"),
        ("monthly_fee: 250000", "on_time: 250000", "name-twice", "250000", "terms.on_time"),
        ("monthly_fee: 250000", "provider: 250000", "reserved-word", "provider", "terms.provider"),
        ("amount: monthly_fee", "amount: montly_fee", "unknown-name", "montly_fee", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: 2 * (3 + montly_fee)", "unknown-name", "montly_fee", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: 2 * * 3", "formula-syntax", "* 3", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: on_time == yes", "wrong-type", "title", "clauses.fee"),
        ("amount: monthly_fee", "amount: prev.fee", "unknown-name", "prev.fee", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: volume.charges", "unknown-name", "volume.c", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: sum_last(on_tiem, 3)", "unknown-name", "sum_last",
         "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: earned_before.XX", "unknown-name", "earned", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: to_date.on_time", "unknown-name", "to_date", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: prev.on_time", "unknown-name", "prev", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: total.monthly_fee", "unknown-name", "total.m", "clauses.fee.amount"),
        ("amount: monthly_fee", "amount: fee", "cycle", "title", "clauses.fee"),
        ("kind: fixed_fee", "kind: fixed_fees", "unknown-word", "fixed_fees", "clauses.fee.kind"),
        ("kind: fixed_fee", "kind: gain_share", "unknown-word", "gain_share", "clauses.fee.kind"),
        ("amount: monthly_fee", "by_year: []", "wrong-count", "[]", "clauses.fee.by_year"),
        ("pays: client", "pays: cleint", "unknown-word", "cleint", "clauses.cancellations.pays"),
        ("pays: client", "pays: client\n    to: XX", "unknown-party", "XX", "clauses.cancellations.to"),
        ("pays: client", "pays: client\n    to: UA", "unclear-payee", "UA", "clauses.cancellations.to"),
        ("pays: client", "pays: client\n    to: prime", "no-prime", "prime", "clauses.cancellations.to"),
        ("    kind: fixed_fee\n    per: provider", "    kind: fixed_fee", "unclear-payee", "title", "clauses.fee"),
        ("    kind: curve\n    per: provider", "    kind: curve\n    to: UA", "provider-needed", "on_time",
         "clauses.punctuality.of"),
        ("title: Fixed fee", "title: on-time SHARE", "title-twice", "title", "clauses.fee"),
        ("[70%, 0], [75%, 0]", "[75%, 0], [70%, 0]", "table-order", "[[55%", "clauses.punctuality.points"),
        ("[70%, 0]", "[70%]", "missing-key", "[70%]", "clauses.punctuality.points.1"),
        ("[[55%, -150000], [70%, 0], [75%, 0], [90%, 180000]]", "[[55%, 1]]", "wrong-count", "[[55%",
         "clauses.punctuality.points"),
        ("at_most 3%: 5%, at_most 5%", "at_most 5%: 5%, at_most 3%", "row-never-wins", "{at_most",
         "clauses.cancellations.levels"),
        ("at_most 3%: 5%", "at_most 0.010: 5%", "row-never-wins", "{at_most", "clauses.cancellations.levels"),
        ("at_most 3%: 5%", "upto 3%: 5%", "bad-row", "{at_most", "clauses.cancellations.levels"),
        ("at_most 3%: 5%", "atmost 3%: 5%", "bad-row", "atmost 3%", "clauses.cancellations.levels.atmost 3%"),
        ("at_most 3%: 5%", "at_most 3%: [5%]", "wrong-shape", "[5%]", "clauses.cancellations.levels.at_most 3%"),
        ("at_most 3%: 5%", "at_most thre: 5%", "unknown-name", "at_most thre",
         "clauses.cancellations.levels.at_most thre"),
        (", otherwise: 15%", "", "bad-row", "{at_most", "clauses.cancellations.levels"),
        ("upto 2500: 40, upto 3500: 30", "upto 3500: 40, upto 2500: 30", "table-order", "{upto",
         "clauses.volume.bands"),
        ("rest: 20", "remainder: 20", "bad-row", "{upto", "clauses.volume.bands"),
        ("rest: 20", "remainder 5: 20", "bad-row", "remainder 5", "clauses.volume.bands.remainder 5"),
        ("    bands: {", "    price: 3\n    bands: {", "one-key-needed", "title", "clauses.volume"),
        ("[at_least: 180000", "[at_least: 680000", "cap-below-floor", "at_most", "settlement.1"),
        ("[at_least: 180000", "[{at_least: 1, at_most: 2}", "bad-adjustment", "{at_least", "settlement.0"),
        ("[at_least: 180000", "[round: 0.01", "bad-rounding", "0.01", "settlement.0.round"),
        ("[at_least: 180000", "[round: 0.01 near", "bad-rounding", "0.01 near", "settlement.0.round"),
        ("[at_least: 180000", "[hold: 5%", "wrong-shape", "5%", "settlement.0.hold"),
        ("[at_least: 180000", "[at_last: 180000", "unknown-key", "at_last", "settlement.0.at_last"),
        ("[at_least: 180000", "[nothing_unless: upto 3", "bad-row", "upto 3", "settlement.0.nothing_unless"),
        ("evidence_within: 10 days", "evidence_within: ten days", "not-a-duration", "ten", "escrow.evidence_within"),
        ("evidence_within: 10 days", "evidence_within: 50000 days", "out-of-limits", "50000", "escrow.evidence_within"),
        ("share: 5%", "share: 105%", "out-of-limits", "105%", "escrow.holdback.share"),
        ("reserve: proven", "reserve: -5", "out-of-limits", "-5", "escrow.reserve"),
        ("reserve: proven", "reserve: [5]", "wrong-shape", "[5]", "escrow.reserve"),
        ("reserve: proven", "bond: 5", "unknown-key", "bond", "escrow.bond"),
        ("agreement: punctual-arrivals", "agreement: Punctual Arrivals", "bad-name", "Punctual", "agreement"),
        ("agreement: punctual-arrivals", "agreement: punctual-arrivals\nrequire: [fee > 0]", "requirement-looks-back",
         "fee > 0", "require.0"),
        ("agreement: punctual-arrivals", "agreement: punctual-arrivals\nrequire: [on_time + 1]", "wrong-type",
         "on_time", "require.0"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_at_its_place(old: str, new: str, code: str, at: str, path: str) -> None:
    assert_refused(altered(old, new), code, at, path)


def test_a_near_miss_is_told_what_was_meant() -> None:
    assert "Did you mean 'title'?" == refusal(altered("title: Punctual", "titel: Punctual")).fix
    assert "Did you mean 'monthly_fee'?" == refusal(altered("amount: monthly_fee", "amount: montly_fee")).fix
    assert "Did you mean 'America/New_York'?" == refusal(altered("New_York", "New_Yrok")).fix
    assert "Did you mean 'fixed_fee'?" == refusal(altered("kind: fixed_fee", "kind: fixed_fe")).fix


def test_all_problems_of_a_file_are_found_together_in_its_order() -> None:
    text = altered("quorum: 2", "quorum: 5")
    text = altered("amount: monthly_fee", "amount: montly_fee", text)
    text = altered("if_missing: 1\n", "if_missing: 2\n", text)

    found = problems_of(refusal(text))

    assert ["quorum-too-high", "bad-kpi-value", "unknown-name"] == [problem.code for problem in found]
    lines = [problem.where.line for problem in found if problem.where and problem.where.line]
    assert sorted(lines) == lines
    assert 3 == len(lines)


def test_wrong_shapes_all_over_are_found_together_too() -> None:
    text = altered("quorum: 2", "quorum: two")
    text = altered("decimals: 6}", "decimals: six}", text)
    assert ["not-a-whole-number"] * 2 == [problem.code for problem in problems_of(refusal(text))]


def test_a_problem_reads_as_place_reason_and_remedy() -> None:
    said = str(refusal(altered("periods: 12", "periods: many")))
    assert said.startswith("deal.yaml:")
    assert "(term.periods)" in said
    assert "[not-a-whole-number]" in said


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        (deal(FEE, "x: {unit: u, type: yes_no, range: [0, 1], if_missing: no}"), "bad-kpi", "kpis.x.range"),
        (deal(FEE, "x: {unit: u, type: yes_no, if_missing: maybe}"), "bad-kpi-value", "kpis.x.if_missing"),
        (deal(FEE, "x: {unit: u, choices: [a, a], if_missing: a}"), "bad-kpi", "kpis.x.choices"),
        (deal(FEE, "x: {unit: u, choices: [a, b], type: yes_no, if_missing: a}"), "bad-kpi", "kpis.x.choices"),
        (deal(FEE, "x: {unit: u, choices: [a, b], if_missing: c}"), "bad-kpi-value", "kpis.x.if_missing"),
        (deal(FEE, "x: {unit: u, choices: [fee, b], if_missing: b}"), "name-twice", "kpis.x.choices.0"),
        (deal("x: {kind: fixed_fee, amount: 10}"), "name-twice", "clauses.x"),
        (deal(FEE, define="d: d2 + 1\nd2: d"), "cycle", "define.d"),
        (deal(FEE, define="d: nothing"), "unknown-name", "define.d"),
        (deal("fee: {kind: bonus_malus, of: x, target: 1, better: higher}"), "missing-key", "clauses.fee"),
        (deal("fee: {kind: step, of: x, rows: {otherwise: 1}}"), "bad-row", "clauses.fee.rows"),
        (deal("fee: {kind: step, of: x, rows: {}}"), "wrong-count", "clauses.fee.rows"),
        (deal("fee: {kind: fixed_fee, amount: 10, then: [at_most: 5, at_least: 7]}"), "cap-below-floor",
         "clauses.fee.then.1"),
        (deal("fee: {kind: fixed_fee, amount: 10, then: [at_most: low, at_least: high]}", terms="low: 1\nhigh: 2"),
         "cap-below-floor", "clauses.fee.then.1"),
        (deal("fee: {kind: fixed_fee, amount: 10, title: '" + "x" * 1001 + "'}"), "text-too-long", "clauses.fee.title"),
        (deal("fee: {kind: fixed_fee, amount: y.A}"), "unknown-name", "clauses.fee.amount"),
        (deal(FEE, head=HEAD.replace("{V1: {name: First verifier}}", "{}")), "wrong-count", "parties.verifiers"),
        (deal("fee: {kind: fixed_fee, amount: 10}", ""), "escrow-without-kpi", "escrow"),
    ],
)  # fmt: skip
def test_small_mistakes(text: str, code: str, path: str) -> None:
    error = refusal(text)
    assert (code, path) == (error.code, error.where.path if error.where else None), error


@pytest.mark.parametrize("count", [33, 100])
def test_too_many_are_counted(count: int) -> None:
    providers = ", ".join(f"P{number}: {{name: Provider {number}}}" for number in range(count))
    error = refusal(deal(FEE, head=HEAD.replace("A: {name: Alpha Ltd}", providers)))
    assert ("wrong-count", "parties.providers") == (error.code, error.where.path if error.where else None)
    assert f"There are too many entries here: {count}." == error.why
    assert "The limit is 32." == error.fix


def test_a_report_carries_at_most_128_values() -> None:
    kpis = "\n".join(f"k{number}: {{unit: u, per: provider, range: [0, 1], if_missing: 0}}" for number in range(65))
    assert "wrong-count" == refusal(deal("fee: {kind: fixed_fee, amount: 1, per: provider}", kpis, head=TWO)).code
    assert Agreement.parse(deal(FEE, kpis)).kpis


def test_statements_refuse_values_that_no_report_could_carry() -> None:
    agreement = Agreement.parse(deal("fee: {kind: formula, is: x}"))
    for values, code in (
        ({"x": 0}, "missing-kpi-value"),
        ({"x": 0, "y": 0, "z": 0}, "unknown-kpi"),
        ({"x": -1, "y": 0}, "bad-kpi-value"),
        ({"x": 1, "y": 0}, "bad-kpi-value"),
        ({"x": "1e3", "y": 0}, "not-a-number"),
        ({"x": 0.5, "y": 0}, "bad-kpi-value"),
        ({"x": True, "y": 0}, "bad-kpi-value"),
    ):
        with pytest.raises(PyoutcomeError) as caught:
            agreement.statement(1, values)  # type: ignore[arg-type]
        assert code == caught.value.code
    for period in (0, 4, -1):
        with pytest.raises(PyoutcomeError) as caught:
            agreement.statement(period, {"x": 0, "y": 0})
        assert "no-such-period" == caught.value.code
    with pytest.raises(PyoutcomeError) as caught:
        agreement.value_of_missing("z")
    assert "unknown-kpi" == caught.value.code


def test_every_code_of_the_package_is_met_in_these_tests() -> None:
    raised: set[str] = set()
    for path in (ROOT / "pyoutcome" / "terms").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "AgreementError":
                assert isinstance(node.args[0], ast.Constant)
                raised.add(str(node.args[0].value))
    told = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))

    assert set() == {code for code in raised if f'"{code}"' not in told}
    assert {"unknown-key", "cap-below-floor"} <= raised
