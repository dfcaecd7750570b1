"""The page on shape says what the code does."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "shape.md").read_text(encoding="utf-8")
PACKAGE = Path(__file__).parents[2] / "pyoutcome"


def test_the_example_prints_what_the_page_shows() -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    [printed] = re.findall(r"```\n(rises.*?)```", PAGE, re.DOTALL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(example, "docs/shape.md", "exec"), {})  # noqa: S102 -- our own page
    assert printed == out.getvalue()


def test_the_page_tells_every_finding_about_incentives() -> None:
    source = (PACKAGE / "terms" / "incentive_findings.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'self\.finding\(\s*"([a-z-]+)"', source)) - {"missing-breaks-requirement"}
    assert codes == set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE))


def test_the_page_names_every_setting() -> None:
    source = (PACKAGE / "terms" / "shaping.py").read_text(encoding="utf-8")
    names = re.findall(r'^        "([a-z ]+)": \[', source, re.MULTILINE)
    assert 6 == len(names)
    assert [] == [name for name in names if f"**{name}**" not in PAGE]
