"""What a measure counts: grain, anchor, provider, denominator, missing values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pyoutcome.errors import AgreementError, EvidenceError
from pyoutcome.evidence.counting import open_records
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.recomputation import Recomputation, measure
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import HEADER, MEASURE, agree, write_records

Rows = list[Mapping[str, object]]
Counts = list[tuple[str, int, int | None]]


def counts(folder: Path, rows: Rows, agreement: Agreement | None = None, period: int = 1) -> Counts:
    path = write_records(folder / "in.csv", rows)
    [measured] = measure(agreement or agree(), {"flights": path}, [period])
    return [(value.name, value.numerator, value.denominator) for value in measured.values]


def refusal(folder: Path, rows: Rows, agreement: Agreement | None = None) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        counts(folder, rows, agreement)
    return caught.value


def test_each_provider_counts_its_own_records(tmp_path: Path) -> None:
    rows: Rows = [{}, {"delay": 15}, {"delay": 14}, {"carrier": "B6", "delay": 99}, {"carrier": "AA"}]
    assert [("share.UA", 2, 3), ("share.B6", 0, 1)] == counts(tmp_path, rows)


def test_a_missing_value_counts_in_everything_but_meets_no_condition(tmp_path: Path) -> None:
    rows: Rows = [{}, {"delay": "NA"}, {"delay": ""}]
    assert ("share.UA", 1, 3) == counts(tmp_path, rows)[0]


def test_the_denominator_decides_what_the_numerator_may_count(tmp_path: Path) -> None:
    rows: Rows = [{}, {"delay": 60}, {"departed": "NA"}, {"departed": "NA", "delay": "NA"}]
    flown = agree(f"{MEASURE}, denominator: departed is not null")
    assert ("share.UA", 2, 4) == counts(tmp_path, rows)[0]
    assert ("share.UA", 1, 2) == counts(tmp_path, rows, flown)[0]


def test_where_excludes_records_from_both_counts(tmp_path: Path) -> None:
    rows: Rows = [{}, {"delay": 60}, {"departed": 1}, {"departed": 2, "delay": 60}]
    late = agree(f"{MEASURE}, where: departed > 1, denominator: delay is not null")
    assert ("share.UA", 1, 3) == counts(tmp_path, rows, late)[0]


@pytest.mark.parametrize(
    ("at", "period"),
    [
        # February starts at midnight in New York, five hours after UTC; from 10 March the difference is four hours.
        ("2013-02-01T04:59:59.999999Z", 0),
        ("2013-02-01T05:00:00Z", 1),
        ("2013-02-01T00:00:00-05:00", 1),
        ("2013-03-01T04:59:59.999999Z", 1),
        ("2013-03-01T05:00:00Z", 2),
        ("2013-04-01T03:59:59.999999Z", 2),
        ("2013-04-01T04:00:00Z", 3),
        ("2013-05-01T03:59:59.999999Z", 3),
        ("2013-05-01T04:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 0),
        ("1000-01-01T00:00:00Z", 0),
    ],
)
def test_an_instant_belongs_to_the_period_that_holds_it(tmp_path: Path, at: str, period: int) -> None:
    path = write_records(tmp_path / "in.csv", [{"at": at}])
    found = [held.values[0].denominator for held in measure(agree(), {"flights": path})]
    assert [int(number == period) for number in (1, 2, 3)] == found


def test_the_query_of_a_value_gives_its_counts_also_at_the_boundaries(tmp_path: Path) -> None:
    stamps = ["2013-02-01T04:59:59Z", "2013-02-01T05:00:00Z", "2013-03-01T04:59:59Z", "2013-03-01T05:00:00Z"]
    path = write_records(tmp_path / "in.csv", [{"at": at, "delay": n * 10} for n, at in enumerate(stamps)])
    agreement = agree(f"{MEASURE}, denominator: delay > 0")
    [plan] = plan_measures(agreement)
    with open_records(plan, path) as (engine, *_):
        for held in measure(agreement, {"flights": path}):
            for value in held.values:
                assert [(value.numerator, value.denominator)] == engine.rows(value.query)


@pytest.mark.parametrize(
    ("local", "period"),
    [
        ("2013-01-31T23:59:59.999999", 0),
        ("2013-02-01T00:00:00", 1),
        ("2013-02-28 23:59:59", 1),
        ("2013-03-31T23:59:59", 2),
        ("2013-04-01T00:00:00", 3),
        ("2013-05-01T00:00:00", 0),
    ],
)
def test_a_wall_clock_time_is_read_in_the_agreements_zone(tmp_path: Path, local: str, period: int) -> None:
    path = write_records(tmp_path / "in.csv", [{"local": local, "at": "1999-01-01T00:00:00Z"}])
    walls = agree("anchor: local, provider: carrier, numerator: done")
    found = [held.values[0].denominator for held in measure(walls, {"flights": path})]
    assert [int(number == period) for number in (1, 2, 3)] == found


def test_the_order_of_records_changes_nothing(tmp_path: Path) -> None:
    rows: Rows = [{"id": n, "delay": n % 40, "carrier": ["UA", "B6"][n % 2]} for n in range(1, 60)]
    assert counts(tmp_path, rows) == counts(tmp_path, rows[::-1])


def test_a_kpi_of_the_whole_agreement_counts_all_records(tmp_path: Path) -> None:
    whole = agree("anchor: at, numerator: delay < 15", per="agreement")
    assert [("share", 2, 3)] == counts(tmp_path, [{}, {"carrier": "AA"}, {"delay": 15}], whole)


def test_nothing_to_count_is_a_missing_value_and_a_finding(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{}])
    [first, second, _] = measure(agree(), {"flights": path})
    assert [10**18, None] == [value.value for value in first.values]
    assert [None, None] == [value.value for value in second.values]
    assert ["share.B6"] == [held.subject for held in first.findings if held.code == "nothing-to-count"]


def test_findings_count_the_records_that_no_kpi_counts(tmp_path: Path) -> None:
    rows: Rows = [{}, {"at": "NA"}, {"at": "2012-02-10T12:00:00Z"}, {"at": "2014-02-10T12:00:00Z"}, {"carrier": "AA"}]
    path = write_records(tmp_path / "in.csv", rows)
    [measured] = measure(agree(), {"flights": path}, [1], ["UA"])
    found = {held.code: held.count for held in measured.findings}
    assert {"records-without-anchor": 1, "records-outside-term": 2, "records-of-others": 1} == found


def test_a_record_twice_is_refused_and_both_are_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, [{"id": 7}, {"id": 8}, {"id": "007", "delay": 99}])
    assert "records-duplicate" == error.code
    assert "record 1 and record 3" in error.why


def test_a_record_without_its_key_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, [{}, {"id": "NA"}])
    assert "records-without-key" == error.code
    assert "record 2" in error.why


def test_periods_and_providers_can_be_chosen_but_must_exist(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{}])
    whole = Recomputation.read(agree(), {"flights": path})
    assert ["share.B6"] == [value.name for value in whole.measured(2, ["B6"]).values]
    with pytest.raises(AgreementError, match="no-such-period"):
        whole.measured(4)
    with pytest.raises(EvidenceError, match="provider-not-in-agreement"):
        whole.measured(1, ["EV"])


def test_files_must_be_those_the_agreement_names(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{}])
    with pytest.raises(EvidenceError, match="records-not-given"):
        measure(agree(), {})
    with pytest.raises(EvidenceError, match="records-unknown"):
        measure(agree(), {"flights": path, "fligths": path})


def test_a_value_outside_its_range_cannot_be_reported(tmp_path: Path) -> None:
    text = Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"
    narrow = Agreement.parse(text.read_text("utf-8").replace("range: [0, 10000]", "range: [0, 2]"))
    header = "year,month,day,carrier,flight,origin,dest,dep_time,arr_delay,time_hour\n"
    rows = "".join(f"2013,1,{day},UA,1,EWR,IAH,900,0,2013-01-{day:02d}T12:00:00Z\n" for day in (1, 2, 3))
    (tmp_path / "in.csv").write_text(header + rows)
    with pytest.raises(EvidenceError) as caught:
        measure(narrow, {"flights": tmp_path / "in.csv"}, [1])
    assert "value-outside-range" == caught.value.code
    assert "arrivals.UA" == caught.value.details["kpi"]
    assert [None] * 6 + [0, 0, 0] == [
        value.value for value in measure(narrow, {"flights": tmp_path / "in.csv"}, [2])[0].values
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("anchor: at, provider: carrier, numerator: dealy < 15", "expression-unknown-column"),
        ("anchor: at, provider: carrier, numerator: read_csv('x') = 1", "expression-unknown-column"),
        ("anchor: at, provider: carrier, numerator: delay < 15, where: delay", "expression-type"),
        ("anchor: delay, provider: carrier, numerator: delay < 15", "bad-measure"),
        ("anchor: at, provider: delay, numerator: delay < 15", "bad-measure"),
    ],
)
def test_a_measure_that_cannot_be_carried_out_is_refused_before_any_records_are_read(fields: str, code: str) -> None:
    with pytest.raises((EvidenceError, AgreementError)) as caught:
        plan_measures(agree(fields))
    assert code == caught.value.code


def test_a_header_in_another_order_and_with_more_columns_is_fine(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{}, {"delay": 15}])
    lines = [line.split(",") for line in path.read_text().splitlines()]
    turned = "".join(",".join(["x", *reversed(line)]) + "\n" for line in lines)
    path.write_text(turned)
    assert turned.startswith("x," + ",".join(reversed(HEADER.split(","))))
    [measured] = measure(agree(), {"flights": path}, [1])
    assert (1, 2) == (measured.values[0].numerator, measured.values[0].denominator)
