"""Ready agreements: what each is for, that it checks, what can be set in it, and records that anybody can make anew."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.errors import AgreementError, PyoutcomeError, WorkspaceError
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.legal_prose import unsettled
from pyoutcome.terms.loader import read_text
from pyoutcome.terms.tree import Text
from pyoutcome.workspace.examples import example_names, find_example
from pyoutcome.workspace.filling import fill, write_new
from pyoutcome.workspace.ready import About, ReadyAgreement, find_ready, list_ready, read_about
from tests.ready.making import make

READY = list_ready()
KINDS = {
    *("fixed_fee", "unit_price", "factor", "pool_share", "milestone", "service_credit", "joint_cap", "curve", "step"),
    *("bonus_malus", "scorecard", "gainshare", "incentive_fee", "formula"),
}
SUPPORT = find_ready("customer-support")
LOGISTICS = find_ready("logistics")
every = pytest.mark.parametrize("ready", READY, ids=[each.name for each in READY])


@every
def test_it_says_what_it_is_for_and_checks_as_it_says(ready: ReadyAgreement) -> None:
    agreement = ready.agreement
    assert ready.name == agreement.id
    plan_measures(agreement)
    assert None not in [kpi.declared.measure for kpi in agreement.kpis]
    # Each warning that stays has its reason, and no reason stands for a warning that is none.
    assert {each.code for each in agreement.check() if each.severity == "warning"} == set(ready.about.accepts)
    assert set(agreement.records) == set(ready.about.records)


@every
def test_its_records_are_made_anew_to_the_byte(ready: ReadyAgreement) -> None:
    assert {each.name for each in ready.records.values()} == {
        path.name for path in (ready.folder / "records").iterdir()
    }
    assert {name for name, each in ready.about.records.items() if each.synthetic} == set(make(ready.name))
    maker = import_module(f"tests.ready.makers.{ready.name.replace('-', '_')}")
    for name, text in make(ready.name).items():
        assert text.encode() == ready.records[name].read_bytes()
        assert len(text) < 300_000
        assert maker.SEED == ready.about.records[name].seed


@every
def test_every_parameter_can_be_set_to_both_ends_of_its_range(ready: ReadyAgreement) -> None:
    parameters = ready.about.parameters
    [periods] = [name for name, each in parameters.items() if each.path == "term.periods"]
    shortest = (parameters[periods].range or ("",))[0]
    for name, parameter in parameters.items():
        default = ready.default(name)
        for value in parameter.range or ('A "name" with {braces}: and # signs',):
            tree = read_text(fill(ready, {name: value}), "")
            found = tree.find(parameter.steps)
            assert isinstance(found, Text)
            assert value == found.value
            assert Agreement.parse(tree.source).program().data
        if parameter.range is not None:
            low, high = parameter.range
            assert parameter.measure(low) <= parameter.measure(default) <= parameter.measure(high)
        for value in parameter.range if parameter.range and default.endswith("%") else ():
            # Levels and shares are what could come out of order; that nothing fails is proven from the bounds.
            assert Agreement.parse(fill(ready, {periods: shortest, name: value})).bounds().most_per_period > 0


@every
def test_setting_every_parameter_to_its_default_changes_no_character(ready: ReadyAgreement) -> None:
    given = {name: ready.default(name) for name, each in ready.about.parameters.items() if each.range}
    assert ready.file.read_text(encoding="utf-8") == fill(ready, given)


@every
def test_it_leaves_no_subject_of_governance_and_law_open(ready: ReadyAgreement) -> None:
    """And whose law, and which courts or seat, are for its user to name."""
    assert () == unsettled(ready.agreement.file.legal)
    paths = {each.path for each in ready.about.parameters.values() if each.path.startswith("legal.")}
    assert {"legal.law"} < paths <= {"legal.law", "legal.courts", "legal.arbitration.seat"}


def test_all_kinds_of_clauses_are_shown_in_some_ready_agreement() -> None:
    shown = {clause.kind for each in READY for clause in each.agreement.file.clauses.values()}
    assert KINDS == shown


def test_values_are_set_in_their_place_and_comments_stay() -> None:
    text = fill(SUPPORT, {"monthly_fee": "12_500", "client": 'Müller & "Co"', "first_day": "2027-03-01"})
    before, after = SUPPORT.file.read_text(encoding="utf-8").splitlines(), text.splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [
        ("  client: {name: Client}", '  client: {name: "Müller & \\"Co\\""}'),
        (
            "term: {zone: Europe/Berlin, first: 2026-01-01, every: month, periods: 5}",
            "term: {zone: Europe/Berlin, first: 2027-03-01, every: month, periods: 5}",
        ),
        (
            "  monthly_fee: 9_000                  # for `usual_tickets` a month; 30 a ticket",
            "  monthly_fee: 12_500                  # for `usual_tickets` a month; 30 a ticket",
        ),
    ] == changed
    assert 'Müller & "Co"' == Agreement.parse(text).parties.client.name


@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        ("monthly_fees", "9_000", "parameter-unknown"),
        ("monthly_fee", "999.99", "parameter-out-of-range"),
        ("monthly_fee", "1_000_000.01", "parameter-out-of-range"),
        ("monthly_fee", "9,000", "parameter-malformed"),
        ("monthly_fee", "at_risk", "parameter-malformed"),
        ("monthly_fee", "9_000}\n  more: {", "parameter-malformed"),
        ("months", "2", "parameter-out-of-range"),
        ("months", "6.5", "parameter-malformed"),
        ("months", "٦", "parameter-malformed"),
        ("first_day", "2026-02-30", "parameter-malformed"),
        ("first_day", "20260201", "parameter-malformed"),
        ("first_day", "2019-12-31", "parameter-out-of-range"),
        ("client", "", "parameter-malformed"),
        ("client", "Two\nlines", "parameter-malformed"),
        ("client", "hidden\u202eorder", "parameter-malformed"),
        ("client", "x" * 201, "parameter-malformed"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, parameter: str, value: str, code: str) -> None:
    with pytest.raises(WorkspaceError) as refused:
        write_new(SUPPORT, tmp_path / "mine.yaml", {parameter: value})
    assert code == refused.value.code
    assert [] == list(tmp_path.iterdir())


def test_values_that_do_not_go_together_are_refused_by_the_agreement_itself(tmp_path: Path) -> None:
    with pytest.raises(PyoutcomeError) as refused:
        write_new(LOGISTICS, tmp_path / "mine.yaml", {"malus_to": "96%", "bonus_from": "95%"})
    assert "possible-table-disorder" == refused.value.code
    assert [] == list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("mine", encoding="utf-8")
    for taken in (tmp_path / "mine.yaml", tmp_path / "records" / "tickets.csv"):
        taken.parent.mkdir(exist_ok=True)
        taken.write_text("mine", encoding="utf-8")
        with pytest.raises(WorkspaceError) as refused:
            write_new(SUPPORT, tmp_path / "mine.yaml", with_records=True)
        assert "file-exists" == refused.value.code
        assert "mine" == taken.read_text(encoding="utf-8")
        taken.unlink()
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WorkspaceError) as refused:
        write_new(SUPPORT, tmp_path / "file" / "mine.yaml")
    assert "file-not-written" == refused.value.code


ABOUT = """\
title: T
field: F
purpose: P
use_when: [U]
not_when: [N]
parameters:
  fee: {path: terms.fee, words: Fee, range: [1, 2]}
records:
  tickets: {words: W, synthetic: yes, seed: 1}
"""


def test_what_about_says_is_read_strictly() -> None:
    assert isinstance(read_about(read_text(ABOUT, "about.yaml")), About)
    for old, new, code in (
        ("range: [1, 2]", "range: [2, 1]", "bad-about"),
        (", range: [1, 2]", "", "bad-about"),
        ("range: [1, 2]", "kind: name, range: [1, 2]", "bad-about"),
        ("range: [1, 2]", "range: [one, 2]", "not-a-number"),
        ("range: [1, 2]", "kind: date, range: [2026-01-01, 2026-13-01]", "parameter-malformed"),
        (", seed: 1", "", "bad-about"),
        ("synthetic: yes, seed: 1", "source: Somewhere", "bad-about"),
        ("field: F\n", "", "missing-key"),
        ("field: F\n", "fields: F\n", "unknown-key"),
        ("use_when: [U]", "use_when: []", "wrong-count"),
    ):
        assert old in ABOUT
        with pytest.raises(PyoutcomeError) as refused:
            read_about(read_text(ABOUT.replace(old, new), "about.yaml"))
        assert code == refused.value.code, new
    assert issubclass(AgreementError, PyoutcomeError)


def test_a_path_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "agreement.yaml").write_text("terms: {fees: 1}\n", encoding="utf-8")
    (tmp_path / "about.yaml").write_text(ABOUT, encoding="utf-8")
    broken = ReadyAgreement("broken", tmp_path)
    with pytest.raises(AgreementError) as refused:
        broken.default("fee")
    assert "bad-about" == refused.value.code
    with pytest.raises(WorkspaceError) as unset:
        fill(broken, {"fee": "1.5"})
    assert "parameter-not-settable" == unset.value.code


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command in this process."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_the_list_names_all_and_says_when_to_use_them() -> None:
    status, out, _ = run("new", "--list", "--json")
    listed = json.loads(out)["agreements"]
    assert (0, [each.name for each in READY]) == (status, [each["name"] for each in listed])
    assert all(each["use_when"] and each["not_when"] and each["parameters"] and each["records"] for each in listed)
    _, table, _ = run("new", "--list")
    assert all(each.name in table for each in READY)


def test_one_is_told_without_a_file() -> None:
    _, out, _ = run("new", "logistics")
    for said in ("Chilled parcels by two carriers", "absence_charge", "2_500", "synthetic, seed 7103", "cliff"):
        assert said in out
    status, _, err = run("new", "logistics", "--with-records", "--json")
    assert (1, "no-file-named") == (status, json.loads(err)["error"]["code"])
    status, _, err = run("new", "logistic", "--json")
    assert (1, "no-such-ready-agreement") == (status, json.loads(err)["error"]["code"])
    assert "logistics" in json.loads(err)["error"]["fix"]


def test_one_is_written_with_its_records_and_says_what_comes_next(tmp_path: Path) -> None:
    mine = tmp_path / "deal" / "mine.yaml"
    status, out, _ = run("new", "logistics", "-o", str(mine), "--set", "first_price=8.50", "--with-records")
    assert 0 == status
    assert "set first_price" in out
    assert "8.50 (was 7.80)" in out
    assert f"--records parcels={mine.parent / 'records' / 'parcels.csv'}" in out
    assert "first_price: 8.50 " in mine.read_text(encoding="utf-8")
    assert LOGISTICS.records["parcels"].read_bytes() == (mine.parent / "records" / "parcels.csv").read_bytes()
    assert 0 == run("check", str(mine))[0]
    status, _, err = run("new", "logistics", "-o", str(mine), "--json")
    assert (1, "file-exists") == (status, json.loads(err)["error"]["code"])
    for wrong in (["--set", "first_price"], ["--set", "first_price=1", "--set", "first_price=2"]):
        status, _, err = run("new", "logistics", "-o", str(tmp_path / "x.yaml"), *wrong, "--json")
        assert (1, "bad-value-option") == (status, json.loads(err)["error"]["code"])


def test_examples_are_found_by_name_with_their_records() -> None:
    assert sorted(["punctual-arrivals", *(each.name for each in READY)]) == example_names()
    file, records = find_example("data-entry")
    assert "data-entry" == Agreement.load(file).id
    assert {"forms", "checks"} == set(records)
    with pytest.raises(WorkspaceError) as unknown:
        find_example("data-entries")
    assert "no-such-agreement" == unknown.value.code
    assert "data-entry" in unknown.value.fix
