"""The KPI library: every KPI loads in an agreement, says what it follows, and measures its sample to the value told."""

from __future__ import annotations

import csv
import io
import re

import pytest

from pyoutcome.decimals import parse
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.kpi_library import AREAS, LibraryKpi, find_kpi, read_library

LIBRARY = read_library()


def test_every_area_has_kpis_and_there_are_enough() -> None:
    assert set(AREAS) == {kpi.area for kpi in LIBRARY.values()}
    assert len(LIBRARY) >= 24
    kinds = {kpi.agreement().kpis[0].declared.measure.kind for kpi in LIBRARY.values()}  # type: ignore[union-attr]
    assert {
        "ratio", "count", "sum", "mean", "weighted_mean", "min", "max", "percentile", "distinct_count", "time_share"
    } == kinds  # fmt: skip


@pytest.mark.parametrize("kpi", LIBRARY.values(), ids=LIBRARY)
def test_a_sample_measures_to_the_value_told(kpi: LibraryKpi) -> None:
    assert parse(kpi.value) == kpi.measure()


@pytest.mark.parametrize("kpi", LIBRARY.values(), ids=LIBRARY)
def test_a_kpi_says_what_it_means_and_follows_in_one_line_each(kpi: LibraryKpi) -> None:
    assert re.fullmatch(r"[A-Z].{20,120}\.", kpi.meaning)
    assert kpi.standards
    known = re.compile(r"(ISO|ITIL 4,|GRI|SCOR 12.0,|DORA,|OpenSLO|EU |Directive |Net Promoter)")
    assert all(known.match(each) for each in kpi.standards)
    agreement = kpi.agreement()
    assert [kpi.name] == [each.kpi for each in agreement.kpis]
    assert f"\n  {kpi.name}:\n" in kpi.text
    assert agreement.words()
    assert agreement.kpis[0].declared.better in {"higher", "lower"}
    for source, declared in agreement.records.items():
        header, *rows = csv.reader(io.StringIO(kpi.sample[source]), strict=True)
        assert set(declared.columns) == set(header)
        assert len(rows) >= 2


def test_a_name_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(EvidenceError) as caught:
        find_kpi("net_promotor")
    assert ("kpi-unknown", "Did you mean 'net_promoter'?") == (caught.value.code, caught.value.fix)
