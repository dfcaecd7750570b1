"""Every error the code can raise is in docs/errors.md with a why and a fix, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

from pyoutcome import errors

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "docs" / "errors.md"
FAMILIES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.PyoutcomeError) and value is not errors.PyoutcomeError
}
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def raised_codes() -> dict[str, list[str]]:
    """Places by code; a code that is no literal stands as its source text."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "pyoutcome").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            name = (
                called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
            )
            if name in FAMILIES:
                given = node.args[0] if node.args else None
                literal = isinstance(given, ast.Constant) and isinstance(given.value, str)
                code = given.value if literal else ast.unparse(node)  # type: ignore[union-attr]
                found[str(code)].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return dict(found)


def catalogue() -> list[tuple[str, str]]:
    """Heading and text of each entry, in order."""
    parts = re.split(r"^## (.+)$", CATALOGUE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return list(zip((heading.strip() for heading in parts[::2]), parts[1::2], strict=True))


def test_the_root_class_itself_is_never_raised() -> None:
    for path in sorted((ROOT / "pyoutcome").rglob("*.py")):
        assert not re.search(r"\bPyoutcomeError\(\s*\"", path.read_text(encoding="utf-8")), path


def test_every_code_is_a_literal_of_lower_case_words() -> None:
    assert {} == {code: places for code, places in raised_codes().items() if not CODE.fullmatch(code)}


def test_the_catalogue_lists_exactly_the_codes_that_are_raised() -> None:
    assert sorted(raised_codes()) == sorted(code for code, _ in catalogue())


def test_the_catalogue_is_in_order_and_names_each_code_once() -> None:
    codes = [code for code, _ in catalogue()]
    assert [] == [code for code, times in Counter(codes).items() if times > 1]
    assert sorted(codes) == codes


def test_every_entry_says_why_and_how_to_fix() -> None:
    entry = re.compile(r"\s*Why: \S.{10,}\s+Fix: \S.{10,}\s*", re.DOTALL)
    assert [] == [code for code, text in catalogue() if not entry.fullmatch(text)]
