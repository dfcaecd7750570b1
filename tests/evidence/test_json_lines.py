"""Records as JSON: numbers stay as they are written, and what readers take two ways is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources import files, json_lines
from pyoutcome.evidence.sources.rows import plain_number
from tests.evidence.sources import declare, refusal, rows_of, stage_text

SOURCE = declare("json", "a", "b")
LONG = "12345678901234567890.12345678901234567890"
SLOW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', [("1", "x"), ("2", "y")]),
        ('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', [("1", "x"), ("2", "y")]),
        ('{"a": 1, "b": "x"}\r\n{"a": 2, "b": "y"}', [("1", "x"), ("2", "y")]),
        ('{\n "a": 1,\n "b": "x"\n}', [("1", "x")]),
        ("[]", []),
        (" [\n] \n", []),
        ('\ufeff{"a":1}', [("1", None)]),
        ('{"a": null, "b": ""}\n{}', [(None, None), (None, None)]),
        ('{"a": true, "b": false}', [("true", "false")]),
        ('{"b": "say \\"yes\\", or\\nno", "a": "\\u00e9\\ud83d\\ude00"}', [("é😀", 'say "yes", or\nno')]),
        (f'{{"a": {LONG}, "b": 0.1}}', [(LONG, "0.1")]),
        ('{"a": 1e3, "b": -1.50E-2}', [("1000", "-0.015")]),
        ('{"a": 1.0, "b": -0}', [("1.0", "-0")]),
        ('{"a": 1, "b": "x", "c": {"d": [1, {"e": null}]}}', [("1", "x")]),
    ],
)  # fmt: skip
def test_objects_become_records(tmp_path: Path, text: str, expected: list[Any]) -> None:
    assert expected == rows_of(stage_text(tmp_path, SOURCE, text))


def test_a_path_reaches_into_objects(tmp_path: Path) -> None:
    source = declare("json", "id", city="address.city", zip="address.post.zip")
    text = '{"id": 1, "address": {"city": "Bonn", "post": {"zip": "53113"}}}\n{"id": 2, "address": null}\n{"id": 3}'
    assert [("Bonn", "53113", "1"), (None, None, "2"), (None, None, "3")] == rows_of(stage_text(tmp_path, source, text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("  \n", "it is empty"),
        ("5", "an object must stand here"),
        ("[1]", "an object must stand here"),
        ("[[]]", "an object must stand here"),
        ("null", "an object must stand here"),
        ('[{"a": 1}', "a comma or the closing bracket is missing"),
        ('[{"a": 1},]', "an object must stand here"),
        ('[{"a": 1} {"a": 2}]', "a comma or the closing bracket is missing"),
        ('[{"a": 1}] x', "something follows the closing bracket"),
        ('[{"a": 1}] [{"a": 2}]', "something follows the closing bracket"),
        ('{"a": 1} {"a": 2}', "lines of their own"),
        ('{"a": 1},\n{"a": 2}', "lines of their own"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ('{"a": 1, "x": {"b": 1, "b": 1}}', "'b' stands twice"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": 01}', "expecting ',' delimiter"),
        ('{"a": .5}', "expecting value"),
        ('{"a": +1}', "expecting value"),
        ('{"a": 1', "expecting ',' delimiter"),
        ('{"a": "x', "unterminated string"),
        ('{"a": "x\ty"}', "invalid control character"),
        ('{"a": "\\x"}', "invalid \\escape"),
        ("{'a': 1}", "expecting property name"),
        ('{"a": 1} // x', "lines of their own"),
        ('{"a": [1]}', "a is a list"),
        ('{"a": {"x": 1}}', "a is an object"),
    ],
)
def test_what_readers_take_two_ways_is_refused(tmp_path: Path, text: str, why: str) -> None:
    error = refusal(tmp_path, SOURCE, text)
    assert "records-malformed-json" == error.code
    assert why in error.why
    assert "0.json" in error.why


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"a": "\xff"}', "records-not-utf8"),
        (b'{"a": "\xed\xa0\x80"}', "records-not-utf8"),
        ('{"a": 1}'.encode("utf-16"), "records-not-utf8"),
        (b'{"a": "\\u0000"}', "records-not-text"),
        (b'{"a": "\\ud800"}', "records-not-text"),
        (b'{"a": "x\\\\\\"y"}', "records-not-text"),
        (b'{"a": "x,\\\\"}', "records-not-text"),
    ],
)
def test_texts_that_engines_read_differently_are_refused(tmp_path: Path, text: bytes, code: str) -> None:
    assert code == refusal(tmp_path, SOURCE, text).code


def test_the_place_of_a_fault_is_said(tmp_path: Path) -> None:
    error = refusal(tmp_path, SOURCE, '{"a": 1}\n\n{"a": 2}\n{"a": 3, "a": 4}')
    assert (4, 3) == (error.details["line"], error.details["record"])


def test_a_path_through_something_else_is_refused(tmp_path: Path) -> None:
    source = declare("json", "id", city="address.city")
    for held in ('"Bonn"', "5", "[]", "true"):
        error = refusal(tmp_path, source, f'{{"id": 1, "address": {held}}}')
        assert "address is not an object" in error.why


def test_brackets_without_end_and_records_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nested too deep, over 64" in refusal(tmp_path, SOURCE, '{"a": ' + "[" * 100_000).why
    assert "nested too deep" in refusal(tmp_path, SOURCE, '{"a": 1, "b": ' + "[" * 64 + "]" * 64 + "}").why
    # A text is no bracket, an escaped quote does not end it, and what is closed does not count.
    brackets = ("[" * 200).join(('"', '\\""'))
    nested = "[" * 63 + "]" * 63
    inside = refusal(tmp_path, SOURCE, f'{{"a": {brackets}, "b": {nested}, "c": {nested}, "d": nothing}}')
    assert "nested" not in inside.why
    assert "expecting value" in inside.why
    monkeypatch.setattr(json_lines, "LONGEST_RECORD", 100)
    assert "longer than 100" in refusal(tmp_path, SOURCE, '{"a": "' + "x" * 500 + '"}').why
    assert "longer than 100" in refusal(tmp_path, SOURCE, '{"a": 1, ' + " " * 500 + '"b": 2}').why


def test_two_columns_of_one_place_and_paths_without_keys_are_refused(tmp_path: Path) -> None:
    for source in (
        declare("json", "a", b="a"),
        declare("json", a="x..y"),
        declare("json", "a", keys={"step": "1 second"}),
    ):
        assert "records-declaration" == refusal(tmp_path, source, "[]").code


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
    | st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs"]), max_size=6)
)


def text_of(value: object) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case Decimal():
            return plain_number(str(value).lower())
        case _:
            return str(value)


def dumps(value: object) -> str:
    return str(value).lower() if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


@SLOW
@given(st.lists(st.tuples(VALUES, VALUES), max_size=5), st.booleans(), st.integers(1, 9) | st.just(4 << 20))
def test_whatever_is_written_is_read_back_however_the_file_is_cut(
    tmp_path: Path, rows: list[tuple[object, object]], array: bool, piece: int
) -> None:
    objects = [f'{{"a": {dumps(a)}, "b":{dumps(b)}}}' for a, b in rows]
    text = "[" + ", ".join(objects) + "]" if array or not rows else "\n".join(objects)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK", piece)
        found = rows_of(stage_text(tmp_path, SOURCE, text))
    assert [tuple(map(text_of, row)) for row in rows] == found


@SLOW
@example(b'{"a":1}\n{')
@given(
    st.lists(
        st.sampled_from([*b'{ } [ ] "a" "b" : , 1 1e999999999 null \\ \xff "'.split(b" "), b"\n", b" "]), max_size=14
    ).map(b"".join)
)
def test_any_bytes_are_refused_or_read_as_python_reads_them(tmp_path: Path, data: bytes) -> None:
    try:
        found = rows_of(stage_text(tmp_path, SOURCE, data))
    except EvidenceError as error:
        assert error.code in {"records-malformed-json", "records-not-utf8", "records-not-text"}  # noqa: PT017
        return
    text = data.decode()
    told = json.loads(text, parse_int=str, parse_float=str) if text.strip().startswith("[") else [
        json.loads(line, parse_int=str, parse_float=str) for line in _objects(text)
    ]  # fmt: skip
    assert [
        tuple(None if row.get(key) in (None, "") else plain_number(row[key]) for key in "ab") for row in told
    ] == found


def _objects(text: str) -> list[str]:
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        _, end = decoder.raw_decode(text, at)
        found.append(text[at:end])
        at = end
    return found


@given(st.integers(-(10**20), 10**20), st.integers(-300, 300))
def test_an_exponent_is_written_out_exactly(digits: int, exponent: int) -> None:
    written = f"{digits}e{exponent}"
    assert Decimal(written) == Decimal(plain_number(written))
    assert "e" not in plain_number(written)


def test_an_exponent_beyond_reason_is_left_for_the_column_to_refuse() -> None:
    assert "1e9999" == plain_number("1e9999")


def test_a_lone_column_may_be_empty(tmp_path: Path) -> None:
    staged = stage_text(tmp_path, declare("json", "a"), '{"a": 1}\n{"a": ""}\n{}')
    assert [("1",), (None,), (None,)] == rows_of(staged)
    assert staged.quoted
