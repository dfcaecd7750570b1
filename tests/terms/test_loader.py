"""Reading files: YAML's layout only, every value as its text, every refusal with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome.errors import AgreementError
from pyoutcome.terms.loader import DEEPEST, LARGEST, read_bytes, read_file, read_text
from pyoutcome.terms.tree import Place, Table, Text


def refusal(text: str | bytes) -> AgreementError:
    with pytest.raises(AgreementError) as caught:
        read_bytes(text, "deal.yaml") if isinstance(text, bytes) else read_text(text, "deal.yaml")
    return caught.value


def place(error: AgreementError) -> tuple[str, int | None, int | None]:
    assert error.where is not None
    return error.code, error.where.line, error.where.column


@pytest.mark.parametrize(
    "written",
    [
        "yes",
        "no",
        "on",
        "~",
        "null",
        "1:30",
        "0x1F",
        "0o17",
        "017",
        "2013-01-01",
        ".nan",
        ".inf",
        "1e400",
        "1_000",
        "0.10",
    ],
)
def test_a_value_stays_the_text_it_is(written: str) -> None:
    assert {"a": written} == read_text(f"a: {written}\n", "deal.yaml").plain()


def test_values_know_their_places() -> None:
    tree = read_text("a: 1\nb:\n  - x\n  - {c: 'two words'}\n", "deal.yaml")

    found = tree.find(("b", 1, "c"))
    assert Text(Place(4, 9), "two words", style="'") == found
    where = tree.where(("b", 1, "c"))
    assert ("deal.yaml", 4, 9, "b.1.c") == (where.file, where.line, where.column, where.path)
    assert (4, 6) == (tree.where(("b", 1, "c"), key=True).line, tree.where(("b", 1, "c"), key=True).column)
    assert "deal.yaml:4:9 (b.1.c)" == str(where)
    assert "b" == tree.where(("b", 7, "nowhere")).path


def test_keys_keep_the_order_of_the_file() -> None:
    root = read_text("z: 1\na: 2\nm: 3\n", "deal.yaml").root
    assert isinstance(root, Table)
    assert ["z", "a", "m"] == list(root.values)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: &x 2\n", "yaml-feature-refused", 2, 4),
        ("a: *x\n", "yaml-feature-refused", 1, 4),
        ("a: !!int 4\n", "yaml-feature-refused", 1, 4),
        ("a: !secret 4\n", "yaml-feature-refused", 1, 4),
        ("a: 1\n<<: {b: 2}\n", "yaml-feature-refused", 2, 1),
        ("[a]: 1\n", "yaml-feature-refused", 1, 1),
        ("? {a: 1}\n: 2\n", "yaml-feature-refused", 1, 3),
        ("a: 1\n---\nb: 2\n", "yaml-feature-refused", 2, 1),
        ("%YAML 1.1\n---\na: 1\n", "yaml-feature-refused", 1, 1),
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1),
        ("a: {b: 1, b: 2}\n", "duplicate-key", 1, 11),
        ("a: [1\n", "file-not-yaml", 2, 1),
        ("a: 1\n b: 2\n", "file-not-yaml", 2, 3),
        ("\tx: 1\n", "file-not-yaml", 1, 1),
        ("a: 1\x07\n", "hidden-character", 1, 5),
        ("a: 1\nb: x\u202ey\n", "hidden-character", 2, 5),
        ("a: \u200b1\n", "hidden-character", 1, 4),
        ('a: "\\x07"\n', "hidden-character", 1, 4),
        ('a: "\\u202e"\n', "hidden-character", 1, 4),
        ("", "file-empty", None, None),
        ("# only a comment\n", "file-empty", None, None),
        (b"a: 1\nb: \xff\n", "file-not-utf-8", 2, None),
        ("a: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested-too-deep", 1, DEEPEST + 3),
        (b"#" * (LARGEST + 1), "file-too-large", None, None),
    ],
)
def test_what_is_refused_and_where(text: str | bytes, code: str, line: int | None, column: int | None) -> None:
    assert (code, line, column) == place(refusal(text))


def test_the_deepest_and_the_largest_allowed_are_read() -> None:
    assert read_text("a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1), "deal.yaml").plain()
    assert {"a": "1"} == read_bytes(b"a: 1\n".ljust(LARGEST - 1, b"#").replace(b"\n#", b"\n ##")[:LARGEST], "x").plain()


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert ("yaml-feature-refused", 1, 4) == place(refusal(bomb))


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    plain = {"a": "1", "b": "2"}
    assert plain == read_bytes(b"a: 1\nb: 2\n", "x").plain()
    assert plain == read_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "x").plain()


def test_names_in_other_scripts_are_text_like_any_other() -> None:
    assert {"a": "شرکت‌ها Ünïcode 東京"} == read_text("a: شرکت‌ها Ünïcode 東京\n", "x").plain()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "no.yaml"
    for path in (missing, tmp_path, "bad\0name"):
        with pytest.raises(AgreementError) as caught:
            read_file(path)
        assert "file-not-readable" == caught.value.code
    (tmp_path / "deal.yaml").write_bytes(b"a: 1")
    assert {"a": "1"} == read_file(tmp_path / "deal.yaml").plain()
