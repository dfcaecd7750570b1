"""Further published mechanisms, each a file of fewer than 25 lines: what the vocabulary must be able to say next.

They are of other families than the first forty: profit commissions, draws, catch-ups, make-up banks, earn-backs,
repeated failures, guarantees by year. Each settles on the evaluator, on the program and on the escrow's own machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.formula import decode, encode
from pyoutcome.formula.decode import Names
from pyoutcome.formula.encode import program_hash
from pyoutcome.formula.syntax import Number, walk
from pyoutcome.terms import Agreement
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.stating import KpiValue
from tests.corpus.published import (
    MORE,
    MORE_CASES,
    MORE_NAMES,
    Case,
    find_file,
    load_agreement,
    load_cases,
    load_source,
)
from tests.corpus.runners import RUNNERS, figures
from tests.terms.test_words import numbers_in


@cache
def agreement_of(mechanism: str) -> Agreement:
    return load_agreement(mechanism)


def facts(agreement: Agreement, period: Mapping[str, str]) -> dict[str, KpiValue]:
    """A value or None for every KPI of the agreement."""
    return {kpi.name: period.get(kpi.name) for kpi in agreement.kpis}


def test_there_are_more_than_forty_with_a_source_each() -> None:
    assert 40 < len(MORE_NAMES)
    assert MORE_NAMES == sorted(path.stem for path in (MORE / "cases").glob("*.yaml"))
    for name in MORE_NAMES:
        source = load_source(name)
        assert name == agreement_of(name).id
        assert all(each["url"].startswith("http") and each["place"] for each in source["source"]), name
        assert source["figure"] in (
            "worked example", "settled", "published table", "terms only", "exercise",
        ), name  # fmt: skip
        assert {"published", "derived"} >= {case.basis for case in load_cases(name)}, name
    published = {case.mechanism for case in MORE_CASES if case.basis == "published"}
    assert len(MORE_NAMES) // 2 < len(published)


@pytest.mark.parametrize("case", MORE_CASES, ids=lambda case: case.label)
def test_a_case_gives_its_figures_on_every_machine_and_the_statement_pays_it(case: Case) -> None:
    agreement = agreement_of(case.mechanism)
    told = [facts(agreement, period) for period in case.periods]
    values = [agreement.values_of(each) for each in told]

    stored, *others = [run(agreement, values) for run in RUNNERS.values()]

    assert all(stored == other for other in others)
    assert case.expect
    for figure, expected in case.expect.items():
        found = [figures(agreement, each)[figure] for each in stored]
        assert len(expected) == len(found)
        for wanted, actual in zip(expected, found, strict=True):
            assert wanted == "any" or case.agrees(wanted, actual), (figure, wanted, actual)
    statements = agreement.statements(told)
    assert [figures(agreement, each)["paid"] for each in stored] == [each.providers[0].amount for each in statements]
    assert all(line.sentence for statement in statements for line in statement.providers[0].lines)
    bounds = agreement.bounds().providers[0]
    assert all(bounds.least <= statement.amounts[0] <= bounds.most for statement in statements)


@pytest.mark.parametrize("name", MORE_NAMES)
def test_an_agreement_is_short_its_words_whole_and_its_program_read_back(name: str) -> None:
    assert 25 > len(find_file("agreements", name).read_text(encoding="utf-8").splitlines())
    agreement = agreement_of(name)
    program, rule, words = agreement.program(), agreement.enforced_rule(), agreement.words()
    again = encode(decode(program.data, Names.of(rule)))
    assert program_hash(program.data) == program_hash(again.data)
    assert 200 > len(program.data)
    for clause_name, clause in agreement.file.clauses.items():
        title = clause.title or clause_name.replace("_", " ").capitalize()
        assert f'"{title}"' in words
    used = {
        node.value for use in Scope(agreement.file).uses() for node in walk(use.formula) if isinstance(node, Number)
    }
    used |= set(agreement.file.terms.values())
    assert set() == used - numbers_in(words) - {0, ONE}  # the defaults of fields that nobody wrote
    agreement.check()
