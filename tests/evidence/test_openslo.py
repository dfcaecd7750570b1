"""OpenSLO v1: what both sides can say survives the way there and back; everything else is listed with its place."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.errors import AgreementError, EvidenceError
from pyoutcome.evidence.kpi_library import read_library
from pyoutcome.evidence.openslo import Imported, export_openslo, import_openslo
from pyoutcome.evidence.openslo.documents import write_yaml
from pyoutcome.terms.agreement import Agreement

HEAD = """\
agreement: sample
parties:
  client: {name: Client}
  providers: {P: {name: Provider}}
  verifiers: {V: {name: Verifier}}
  quorum: 1
  arbitrator: {name: Arbitrator}
token: {name: Money, symbol: MON, decimals: 6}
clauses:
  fee: {kind: fixed_fee, to: P, amount: 1}
"""
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: shop-latency, displayName: Latency}}
spec:
  description: quick answers, per sample
  indicator:
    metadata: {{name: latency}}
    spec:
      {metric}
  timeWindow:
    - {window}
  budgetingMethod: {method}
  objectives:
    - {objective}
"""
THRESHOLD = "thresholdMetric: {metricSource: {type: Prometheus}}"
RATIO = "ratioMetric: {good: {metricSource: {type: Prometheus}}, total: {metricSource: {type: Prometheus}}}"
MONTH = "{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}, isRolling: false}"
QUICK = "{op: lte, value: 0.25, target: 0.99}"


def slo(metric: str = THRESHOLD, window: str = MONTH, method: str = "Occurrences", objective: str = QUICK) -> str:
    return SLO.format(metric=metric, window=window, method=method, objective=objective)


def load(imported: Imported) -> Agreement:
    """The sections as part of a whole agreement; the file says nothing about how many periods there are."""
    sections = dict(imported.sections)
    term = {"zone": "UTC", "first": "2026-01-01", "every": "month"} | dict(sections.get("term", {}))
    return Agreement.parse(HEAD + write_yaml(sections | {"term": term | {"periods": "3"}}))


def reasons(imported: Imported) -> list[str]:
    return [str(each) for each in imported.unexpressed]


def test_a_threshold_becomes_the_share_of_samples_that_meet_it() -> None:
    imported = import_openslo(slo())
    assert [] == reasons(imported)
    agreement = load(imported)
    [kpi] = agreement.file.kpis.values()
    assert ("Latency", "quick answers, per sample") == (kpi.title, kpi.unit)
    measure = kpi.measure
    assert measure is not None
    assert measure.kind == "ratio"
    assert ("value <= 0.25", "value is not null") == (measure.numerator, measure.denominator)
    assert {"shop_latency_target": 99 * 10**16} == agreement.file.terms
    assert ("Europe/Berlin", "month") == (agreement.term.zone, agreement.term.every)
    assert "prometheus" == agreement.records["shop_latency_samples"].format


@pytest.mark.parametrize(
    ("window", "slice_", "step"), [("5", 300, "5 minutes"), ("5m", 300, ""), ("2h", 7200, ""), ("1d", 86_400, "")]
)
def test_slices_are_samples_a_slice_apart(window: str, slice_: int, step: str) -> None:
    objective = f"{{op: gt, value: -1.5, target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: {window}}}"
    imported = import_openslo(slo(method="Timeslices", objective=objective))
    assert [] == reasons(imported)
    agreement = load(imported)
    assert slice_ == agreement.records["shop_latency_samples"].step
    assert step in {"", imported.sections["records"]["shop_latency_samples"]["step"]}
    assert "value > 0 - 1.5" == imported.sections["kpis"]["shop_latency"]["measure"]["numerator"]


def test_good_in_total_becomes_two_sums_and_their_quotient() -> None:
    imported = import_openslo(slo(RATIO, objective="{targetPercent: 99.95}"))
    assert {"shop_latency_good", "shop_latency_total"} == set(imported.sections["kpis"])
    assert {
        "shop_latency": "shop_latency_good / shop_latency_total if shop_latency_total > 0 else 1"
    } == imported.sections["define"]
    assert {"shop_latency_target": "0.9995"} == imported.sections["terms"]
    assert ("shop_latency_good", "shop_latency_total") == tuple(kpi.name for kpi in load(imported).kpis)
    worse = import_openslo(slo(RATIO.replace("good", "bad"), objective="{target: 0.9}"))
    assert "(shop_latency_total - shop_latency_bad) / " in worse.sections["define"]["shop_latency"]
    assert ("shop_latency_bad", "shop_latency_total") == tuple(kpi.name for kpi in load(worse).kpis)


def test_every_objective_gives_a_target() -> None:
    imported = import_openslo(slo(RATIO, objective="{target: 0.9}\n    - {targetPercent: 99}"))
    assert {"shop_latency_target": "0.9", "shop_latency_target_2": "0.99"} == imported.sections["terms"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (slo(window="{duration: 4w, isRolling: true}"), "spec.timeWindow[0]: a rolling window"),
        (slo(window=MONTH.replace("1M", "2M")), "spec.timeWindow[0]: periods are one day"),
        (slo(window=MONTH.replace("00:00:00", "12:30:00")), "spec.timeWindow[0]: periods are one day"),
        (slo(method="RatioTimeslices"), "SLO shop-latency: the budgeting method RatioTimeslices"),
        (slo(RATIO, method="Timeslices"), "SLO shop-latency: slices of a ratio"),
        (slo("ratioMetric: {rawType: success, raw: {metricSource: {type: X}}}"), "stored as a metric ('raw')"),
        (slo(RATIO.replace("{good", "{counter: true, good")), "query the increase of a counter"),
        (slo(THRESHOLD.replace("Prometheus", "P, spec: {query: secret-query}")), "metricSource.spec: records hold"),
        (slo(objective=QUICK.replace("lte", "eq")), "none of lte, lt, gte and gt"),
        (slo(objective=QUICK.replace("0.25", "soon")), "with a plain number"),
        (slo(objective=QUICK.replace("0.99", "high")), "objectives[0]: its target is no plain number"),
        (slo(method="Timeslices", objective="{op: lt, value: 1, target: 0.9, timeSliceWindow: 1M}"), "its time slice"),
        (slo() + "  alertPolicies: [{alertPolicyRef: page}]\n", "spec.alertPolicies: an agreement has no alerts"),
        (slo() + "  service: shop\n", "spec.service: an agreement is about one deal"),
        (slo().replace("Latency}", "Latency, labels: {a: b}}"), "metadata.labels: an agreement has no labels"),
        (slo() + "  extra: {deep: [1]}\n", "spec.extra: an agreement has no place for it"),
        ("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\n", "Service shop: an agreement has nothing"),
        ("apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: i}\nspec: {" + THRESHOLD + "}\n", "no SLO says"),
        (
            "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: d}\nspec: {connectionDetails: hunter2}\n",
            "DataSource d: pyoutcome connects to nothing",
        ),
        (slo().replace("  indicator:\n", "  indicatorRef: other\n  left:\n"), "'other' that it refers to is not"),
    ],
)
def test_what_cannot_be_expressed_is_listed_with_its_place(text: str, said: str) -> None:
    imported = import_openslo(text, "slo.yaml")
    [found] = [each for each in reasons(imported) if said in each]
    assert found.startswith("slo.yaml:")
    assert "secret-query" not in imported.text()
    assert "hunter2" not in imported.text()


def test_a_file_of_several_documents_names_lines_of_the_whole_file() -> None:
    text = "# ours\n---\n" + slo() + "---\n" + slo(method="RatioTimeslices").replace("shop-latency", "other")
    [found] = import_openslo(text, "slo.yaml").unexpressed
    assert f"slo.yaml:{text.splitlines().index('---', 3) + 2}: SLO other" == found.where


def test_an_indicator_may_stand_by_itself() -> None:
    apart = slo().replace(
        "  indicator:\n    metadata: {name: latency}\n    spec:\n      " + THRESHOLD, "  indicatorRef: l"
    )
    sli = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: l}\nspec:\n  " + THRESHOLD + "\n"
    assert import_openslo(slo()).sections == import_openslo(apart + "---\n" + sli).sections


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("apiVersion: openslo/v2alpha1\nkind: SLO\nmetadata: {name: x}\n", "openslo-version"),
        ("kind: SLO\n", "openslo-version"),
        (slo("other: {}"), "openslo-lacks"),
        (slo().replace("  indicator:\n", "  left:\n"), "openslo-lacks"),
        (slo(objective="{target: 0.9}"), "openslo-lacks"),
        (slo("ratioMetric: {good: {metricSource: {type: P}}}"), "openslo-lacks"),
        ("x" * 1_048_577, "openslo-too-large"),
        ("---\n" * 2001, "openslo-too-large"),
    ],
)
def test_what_is_no_openslo_v1_is_refused(text: str, code: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        import_openslo(text)
    assert code == caught.value.code


@pytest.mark.parametrize(
    "text", ["a: &x 1\n", "a: !!python/object:os.system 1\n", "a: [", "a: 1\na: 2\n", "\u202e: 1\n"]
)
def test_hostile_yaml_is_refused_as_in_an_agreement(text: str) -> None:
    with pytest.raises(AgreementError):
        import_openslo(text)


def comparable(agreement: Agreement) -> tuple[Any, ...]:
    file = agreement.file
    return file.records, file.kpis, file.terms, (file.term.zone, file.term.first, file.term.every)


LIBRARY = list(read_library().values())
TERM = "term: {{zone: {zone}, first: {first}, every: {every}, periods: 3}}\n"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(LIBRARY), min_size=1, max_size=3, unique_by=lambda kpi: next(iter(kpi.sample))),
    st.lists(st.none() | st.decimals("0.01", "0.99", places=4), min_size=3, max_size=3),
    st.sampled_from(["UTC", "America/New_York", "Europe/Berlin"]),
    st.dates(date(1990, 1, 1), date(2090, 1, 1)).map(lambda day: day.replace(day=min(day.day, 28))),
    st.sampled_from(["day", "week", "month", "quarter", "year"]),
)
def test_there_and_back_again(kpis: list[Any], targets: list[Any], zone: str, first: Any, every: str) -> None:
    sections: dict[str, str] = {"records": "", "kpis": ""}
    for kpi in kpis:
        records, _, own = kpi.text.partition("kpis:\n")
        sections["records"] += records.partition("\n")[2]
        sections["kpis"] += own
    ratios = [kpi.name for kpi in kpis if kpi.agreement().kpis[0].declared.measure.kind == "ratio"]
    given_ = {
        f"{name}_target": str(target) for name, target in zip(ratios, targets, strict=False) if target is not None
    }
    text = HEAD + TERM.format(zone=zone, first=first, every=every)
    text += f"records:\n{sections['records']}kpis:\n{sections['kpis']}"
    if given_:
        text += "terms:\n" + "".join(f"  {name}: {target}\n" for name, target in given_.items())
    agreement = Agreement.parse(text)
    exported = export_openslo(agreement)
    back = import_openslo(exported.text)
    assert () == back.unexpressed
    again = load(back)
    expected = comparable(agreement)
    assert expected[:3] == comparable(again)[:3]
    if given_:
        assert expected[3] == comparable(again)[3]
    missing = {each.where for each in exported.unexpressed}
    assert {f"kpis.{kpi.name}" for kpi in kpis if f"{kpi.name}_target" not in given_} == {
        where for where in missing if where.startswith("kpis.")
    }
    assert {"parties", "token", "clauses", "term.periods"} <= missing


def test_other_readers_find_numbers_and_booleans() -> None:
    kpi = read_library()["perfect_order"]
    agreement = Agreement.parse(
        HEAD
        + TERM.format(zone="UTC", first="2026-01-01", every="month")
        + kpi.text
        + "terms:\n  perfect_order_target: 95%\n"
    )
    source, objective = yaml.safe_load_all(export_openslo(agreement).text)
    assert ("DataSource", "SLO") == (source["kind"], objective["kind"])
    assert [{"target": 0.95}] == objective["spec"]["objectives"]
    assert objective["spec"]["timeWindow"][0]["isRolling"] is False
    assert objective["spec"]["indicator"]["spec"]["ratioMetric"]["counter"] is False


def test_numerator_and_denominator_must_be_of_the_same_records() -> None:
    kpi = read_library()["perfect_order"]
    text = export_openslo(kpi.agreement()).text
    with pytest.raises(EvidenceError, match="openslo-differs"):
        import_openslo(text.replace("anchor: promised", "anchor: ordered", 1))
    with pytest.raises(EvidenceError, match="openslo-lacks"):
        import_openslo(text.replace("condition: everything", "where: complete", 1))


@pytest.mark.parametrize("kept", ["{", "[]", "{}", '{"unit": true}', '{"unit": "x", "measure": "y"}', "[" * 9999])
def test_an_annotation_that_is_no_kpi_is_refused(kept: str) -> None:
    text = slo().replace(
        "metadata: {name: latency}", f"metadata: {{name: latency, annotations: {{pyoutcome/kpi: '{kept}'}}}}"
    )
    with pytest.raises(EvidenceError, match="openslo-differs"):
        import_openslo(text)


def test_names_become_words_of_the_payment_language() -> None:
    def named(name: str) -> str:
        [kpi] = import_openslo(slo().replace("shop-latency", name)).sections["kpis"]
        return str(kpi)

    assert ("a_b_c", "slo_9", "slo_if", "slo") == (named("a-b.c"), named("9"), named("if"), named("'///'"))
    twice = slo() + "---\n" + slo()
    assert ["shop_latency", "shop_latency_2"] == list(import_openslo(twice).sections["kpis"])


def test_an_agreement_has_one_term() -> None:
    other = slo(window=MONTH.replace("1M", "1Q")).replace("shop-latency", "other")
    imported = import_openslo(slo() + "---\n" + slo().replace("shop-latency", "same") + "---\n" + other)
    assert ["timeWindow[0]: an agreement has one term, and another SLO has given it"] == [
        each.partition("spec.")[2] for each in reasons(imported)
    ]
    assert "month" == imported.sections["term"]["every"]


def test_a_target_of_one_is_no_objective() -> None:
    kpi = read_library()["perfect_order"]
    text = HEAD + TERM.format(zone="UTC", first="2026-01-01", every="month") + kpi.text
    exported = export_openslo(Agreement.parse(text + "terms:\n  perfect_order_target: 100%\n"))
    assert "kind: SLI" in exported.text
    [said] = [each.why for each in exported.unexpressed if each.where == "kpis.perfect_order"]
    assert "below 1, and perfect_order_target asks for 1" in said
