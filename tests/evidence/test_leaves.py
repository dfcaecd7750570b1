"""A leaf of a record: canonical JSON, and one text for each value."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.proofs.leaves import Leaf, read_text, show_cell

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True)


@given(
    st.dictionaries(WORDS, st.none() | TEXTS, max_size=6),
    st.dictionaries(WORDS, st.lists(WORDS, max_size=3), max_size=3),
)
def test_a_leaf_is_canonical_json(record: dict[str, str | None], counted: dict[str, list[str]]) -> None:
    leaf = Leaf(record, {kpi: tuple(figures) for kpi, figures in counted.items()})
    assert rfc8785.dumps({"record": record, "counted": counted}) == leaf.content()


@pytest.mark.parametrize(
    ("type_", "text", "shown"),
    [
        (ColumnType(Kind.DECIMAL, 5, 2), "1.5", "1.50"),
        (ColumnType(Kind.DECIMAL, 5, 2), "-0.00", "0.00"),
        (ColumnType(Kind.DECIMAL, 5, 2), "-001", "-1.00"),
        (ColumnType(Kind.DECIMAL, 2, 2), "-0.05", "-0.05"),
        (ColumnType(Kind.DECIMAL, 5), "007", "7"),
        (ColumnType(Kind.DECIMAL, 5, 2), "1.555", None),
        (ColumnType(Kind.BOOLEAN), "TRUE", "true"),
        (ColumnType(Kind.TEXT), " Ünü ", " Ünü "),
        (ColumnType(Kind.WALL), "2013-01-31 23:59:59", "2013-01-31T23:59:59.000000"),
        (ColumnType(Kind.WALL), "2013-02-30T00:00:00", None),
        (ColumnType(Kind.INSTANT), "2013-01-31T23:59:59.1-05:00", "2013-02-01T04:59:59.100000Z"),
        (ColumnType(Kind.INSTANT), "1000-01-01T00:00:00+14:00", "1000-01-01T00:00:00.000000+14:00"),
        (ColumnType(Kind.INSTANT), "9999-12-31T23:59:59.999999-10:30", "9999-12-31T20:29:59.999999-14:00"),
    ],
)
def test_a_value_has_one_text(type_: ColumnType, text: str, shown: str | None) -> None:
    assert shown == read_text(text, type_)
    if shown is not None:
        assert shown == read_text(shown, type_)


def test_what_an_engine_may_not_answer() -> None:
    for cell, type_ in (
        (1.5, ColumnType(Kind.DECIMAL, 5, 2)),
        (True, ColumnType(Kind.DECIMAL, 5, 2)),
        (1, ColumnType(Kind.BOOLEAN)),
        (b"x", ColumnType(Kind.TEXT)),
        ("2013-01-01", ColumnType(Kind.WALL)),
    ):
        with pytest.raises(EvidenceError, match="engine-not-exact"):
            show_cell(cell, type_)
