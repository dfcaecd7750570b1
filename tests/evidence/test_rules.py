"""What happens to records before anything is counted: copies, late ones, versions, and numbers that are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.measured import Measured
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import TEXT

HEADER = "id,carrier,delay,departed,at,local,done"
Rows = list[dict[str, Any]]
COUNT = "kind: count, records: flights, grain: record, anchor: at"
ROW = "{id},{carrier},{delay},{departed},{at},{local},true"


def agree(measure: str, *, key: str = "[id]", duplicates: str = "refuse", late: str = "counts") -> Agreement:
    text = TEXT.replace("{{", "{").replace("}}", "}").split("kpis:")[0]
    text = text.replace("key: [id]", f"key: {key}").replace("duplicates: refuse", f"duplicates: {duplicates}")
    text = text.replace("late: counts", f"late: {late}")
    return Agreement.parse(
        f"{text}kpis:\n  x: {{unit: things, decimals: 2, range: [-100000, 100000], if_missing: 0, better: higher, "
        f"measure: {{{measure}}}}}\nclauses:\n  fee: {{kind: fixed_fee, to: UA, amount: 10}}\n"
    )


def read(folder: Path, agreement: Agreement, rows: Rows, period: int = 1) -> Measured:
    default: dict[str, Any] = {
        "carrier": "UA",
        "delay": 0,
        "departed": 900,
        "at": "2013-02-10T12:00:00Z",
        "local": "2013-02-10T07:00:00",
    }
    path = folder / "flights.csv"
    path.write_text("\n".join([HEADER, *(ROW.format(**{**default, **row}) for row in rows)]) + "\n", encoding="utf-8")
    return Recomputation.read(agreement, {"flights": path}).measured(period)


def number(measured: Measured) -> int:
    [value] = measured.values
    return value.numerator


def refusal(folder: Path, agreement: Agreement, rows: Rows) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        read(folder, agreement, rows)
    return caught.value


def test_copies_count_once_where_the_agreement_says_so(tmp_path: Path) -> None:
    rows: Rows = [{"id": 1}, {"id": 2}, {"id": "01"}]  # the first and the third are equal in every column
    once = agree(COUNT, duplicates="collapse")
    found = read(tmp_path, once, rows)
    assert 2 == number(found)
    assert "FROM r_flights_once" in found.values[0].query
    assert "records-duplicate" == refusal(tmp_path, agree(COUNT), rows).code


def test_copies_that_differ_are_refused_all_the_same(tmp_path: Path) -> None:
    error = refusal(tmp_path, agree(COUNT, duplicates="collapse"), [{"id": 1}, {"id": 1, "delay": 5}])
    assert "records-duplicate" == error.code
    assert "record 1 and record 2" in error.why


def test_late_records_do_not_count_and_are_found(tmp_path: Path) -> None:
    late = agree(COUNT, late="{column: local, within: 5 days}")
    rows: Rows = [
        {"id": 1, "local": "2013-03-06T00:00:00"},  # five days after the end of February, to the second
        {"id": 2, "local": "2013-03-06T00:00:00.000001"},
        {"id": 3, "local": "NA"},
        {"id": 4, "at": "2013-03-10T12:00:00Z", "local": "2013-03-11T12:00:00"},
    ]
    february = read(tmp_path, late, rows)
    assert 1 == number(february)
    assert 1 == number(read(tmp_path, late, rows, period=2))
    assert {"records-late": 2} == {held.code: held.count for held in february.findings}


def test_two_latest_versions_are_refused_by_the_name_of_their_item(tmp_path: Path) -> None:
    items = "grain: {item: [carrier], version: latest, by: [departed]}"
    latest = agree(COUNT.replace("grain: record", items))
    error = refusal(tmp_path, latest, [{"id": 1, "departed": 5}, {"id": 2, "departed": 7}, {"id": 3, "departed": 7}])
    assert ("versions-tied", "carrier 'UA'" in error.why) == (error.code, True)
    apart: Rows = [{"id": 1, "departed": 5}, {"id": 2, "departed": 5}, {"id": 3, "departed": 7}]
    assert 1 == number(read(tmp_path, latest, apart))


def test_records_without_item_or_order_are_left_out_and_found(tmp_path: Path) -> None:
    items = "grain: {item: [carrier], version: latest, by: [departed]}"
    rows: Rows = [{"id": 1}, {"id": 2, "carrier": "NA"}, {"id": 3, "departed": "NA"}]
    found = read(tmp_path, agree(COUNT.replace("grain: record", items)), rows)
    assert 1 == number(found)
    assert {"records-without-item": 2} == {held.code: held.count for held in found.findings}


def test_a_missing_number_is_skipped_refused_or_stood_in_for(tmp_path: Path) -> None:
    mean = "kind: mean, records: flights, grain: record, anchor: at, value: delay, rounding: half_up, missing: "
    rows: Rows = [{"id": 1, "delay": 4}, {"id": 2, "delay": "NA"}]
    skipped = read(tmp_path, agree(f"{mean}skip"), rows)
    assert (4, 1) == (skipped.values[0].numerator, skipped.values[0].denominator)
    assert {"values-skipped": 1} == {held.code: held.count for held in skipped.findings}
    assert "values-lacking" == refusal(tmp_path, agree(f"{mean}refuse"), rows).code
    stood_in = read(tmp_path, agree(f"{mean}7"), rows)
    assert (11, 2) == (stood_in.values[0].numerator, stood_in.values[0].denominator)


def test_weights_below_zero_and_sums_too_wide_are_refused(tmp_path: Path) -> None:
    weighted = (
        "kind: weighted_mean, records: flights, grain: record, anchor: at, value: departed, weight: delay, "
        "missing: skip, rounding: half_up"
    )
    assert "weights-negative" == refusal(tmp_path, agree(weighted), [{"id": 1, "delay": -1}]).code
    wide = weighted.replace("weight: delay", "weight: delay * delay * delay * delay * delay")
    error = refusal(tmp_path, agree(wide), [{"id": 1}])
    assert ("measure-too-wide", "kpis.x" in error.why) == (error.code, True)


def test_states_at_one_time_are_refused_unless_a_column_orders_them(tmp_path: Path) -> None:
    states = "kind: time_share, records: flights, anchor: at, item: [carrier], state: delay = 0, rounding: half_up"
    rows: Rows = [{"id": 1, "delay": 1}, {"id": 2}]
    error = refusal(tmp_path, agree(states), rows)
    assert "states-tied" == error.code
    ordered = read(tmp_path, agree(f"{states}, ties: id"), rows)
    assert ordered.values[0].numerator == ordered.values[0].denominator
    other = read(tmp_path, agree(f"{states}, ties: delay"), rows)
    assert 0 == other.values[0].numerator
