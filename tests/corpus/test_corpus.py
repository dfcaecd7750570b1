"""Forty published payment mechanisms, each an ordinary agreement file, give the figures their sources print."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError
from pyoutcome.formula import decode, encode
from pyoutcome.formula.decode import Names
from pyoutcome.formula.encode import program_hash
from pyoutcome.formula.syntax import Number, walk
from pyoutcome.terms import Agreement
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.stating import KpiValue
from tests.corpus.published import CASES, FOLDER, NAMES, Case, load_agreement, load_cases, load_source
from tests.corpus.runners import RUNNERS, Values, figures
from tests.terms.test_words import numbers_in

AGREEMENTS = {name: load_agreement(name) for name in NAMES}
SETTLED = [case for case in CASES if case.refused is None]
REFUSED = [case for case in CASES if case.refused is not None]


def facts(agreement: Agreement, period: Mapping[str, str]) -> dict[str, KpiValue]:
    """A value or None for every KPI of the agreement."""
    found: dict[str, KpiValue] = {kpi.name: None for kpi in agreement.kpis}
    found.update(period)
    return found


def vectors(agreement: Agreement, case: Case) -> list[Values]:
    return [agreement.values_of(facts(agreement, period)) for period in case.periods]


def test_there_are_forty_mechanisms_with_a_source_each() -> None:
    assert 40 == len(NAMES)
    assert NAMES == sorted(path.stem for path in (FOLDER / "cases").glob("*.yaml"))
    for name in NAMES:
        assert all(each["url"].startswith("http") and each["place"] for each in load_source(name)["source"]), name
        assert load_cases(name), name
        assert {"published", "derived"} >= {case.basis for case in load_cases(name)}, name


@pytest.mark.parametrize("name", NAMES)
def test_an_agreement_is_short(name: str) -> None:
    lines = (FOLDER / "agreements" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert 25 > len(lines)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("case", SETTLED, ids=lambda case: case.label)
def test_a_case_gives_the_printed_figures(case: Case, runner: str) -> None:
    agreement = AGREEMENTS[case.mechanism]

    stored = RUNNERS[runner](agreement, vectors(agreement, case))

    assert case.expect
    for figure, expected in case.expect.items():
        found = [figures(agreement, values)[figure] for values in stored]
        assert len(expected) == len(found)
        for wanted, actual in zip(expected, found, strict=True):
            assert wanted == "any" or case.agrees(wanted, actual), (figure, wanted, actual)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.label)
def test_facts_that_the_source_rejects_are_refused(case: Case) -> None:
    agreement = AGREEMENTS[case.mechanism]
    with pytest.raises(AgreementError) as caught:
        agreement.statements([facts(agreement, period) for period in case.periods])
    assert case.refused == caught.value.code


@pytest.mark.parametrize("case", SETTLED, ids=lambda case: case.label)
def test_all_ways_of_settling_store_the_same_and_the_statement_pays_it(case: Case) -> None:
    agreement = AGREEMENTS[case.mechanism]
    values = vectors(agreement, case)
    results = [run(agreement, values) for run in RUNNERS.values()]
    assert all(result == results[0] for result in results)
    statements = agreement.statements([facts(agreement, period) for period in case.periods])
    paid = [figures(agreement, stored)["paid"] for stored in results[0]]
    assert paid == [statement.providers[0].amount for statement in statements]
    assert all(line.sentence for statement in statements for line in statement.providers[0].lines)


@pytest.mark.parametrize("name", NAMES)
def test_the_program_is_read_back_and_the_words_hold_every_clause(name: str) -> None:
    agreement = AGREEMENTS[name]
    program = agreement.program()
    rule = agreement.enforced_rule()
    again = encode(decode(program.data, Names.of(rule)))
    assert program_hash(program.data) == program_hash(again.data)
    words = agreement.words()
    assert all(
        f'"{clause.title or clause_name.replace("_", " ").capitalize()}"' in words
        for clause_name, clause in agreement.file.clauses.items()
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_an_agreement_is_in_its_words(name: str) -> None:
    agreement = AGREEMENTS[name]
    used = {
        node.value for use in Scope(agreement.file).uses() for node in walk(use.formula) if isinstance(node, Number)
    }
    used |= set(agreement.file.terms.values())
    assert set() == used - numbers_in(agreement.words()) - {0, ONE}  # the defaults of fields that nobody wrote


def test_programs_stay_small() -> None:
    sizes = sorted(len(agreement.program().data) for agreement in AGREEMENTS.values())
    assert sizes[len(sizes) // 2] <= 60
    assert sizes[-1] <= 200


@pytest.mark.parametrize("name", NAMES)
def test_every_amount_of_the_cases_lies_in_the_proven_bounds(name: str) -> None:
    agreement = AGREEMENTS[name]
    bounds = agreement.bounds().providers[0]
    for case in load_cases(name):
        if case.refused is None:
            told = [facts(agreement, period) for period in case.periods]
            amounts = [statement.amounts[0] for statement in agreement.statements(told)]
            assert all(bounds.least <= amount <= bounds.most for amount in amounts)
            assert bounds.least_in_total <= sum(amounts) <= bounds.most_in_total or len(told) < len(agreement.periods)
