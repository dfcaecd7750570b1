"""``scripts/bench --paper`` compares what differs in one thing, and tells the slowest command there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome.legal.comparison import compare
from pyoutcome.terms import Agreement
from tests.bench import paper


def test_all_agreements_of_the_project_are_timed() -> None:
    assert 11 == len(paper.agreements())


@pytest.mark.parametrize("name", paper.agreements())
def test_the_two_changes_are_one_number_and_one_clause(name: str) -> None:
    text = paper.agreements()[name].read_text(encoding="utf-8")
    old = Agreement.parse(text)
    more = compare(old, Agreement.parse(paper.change_number(text)))
    assert 1 == len(more.rules)
    clause = compare(old, Agreement.parse(paper.add_clause(text)))
    assert {"clauses.further_fee"} == {change.key for change in clause.changes}


def test_a_command_is_timed_as_a_whole(tmp_path: Path) -> None:
    commands = paper.Commands(tmp_path)
    assert commands.run("--version") > 0.01
    found = {"one": {"document md": 1.0, "document pdf": 1.5, "compare number text": 0.2}}
    assert (1.5, "one: document pdf") == (
        paper.slowest("document_s", found, "document").value,
        paper.slowest("document_s", found, "document").of,
    )
