"""The order in which files are shared out names files that there are."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tests.cli.story import LOADED
from tests.sharing import LONG, TOGETHER, place, share_of

ROOT = Path(__file__).parents[1]


def test_every_file_that_is_named_is_there_once() -> None:
    named = [*LONG, *TOGETHER]
    assert len(set(named)) == len(named)
    assert [] == [name for name in {*named, *TOGETHER.values()} if not (ROOT / name).is_file()]
    assert set(TOGETHER.values()) <= set(LONG)


def test_files_that_belong_together_stand_together_and_the_long_ones_first() -> None:
    for file, other in TOGETHER.items():
        assert share_of(f"{other}::test_it[a::b]") == share_of(f"{file}::test_it")
    assert list(range(len(LONG))) == [place(f"{file}::test_it") for file in LONG]
    assert len(LONG) == place("tests/test_sharing.py::test_it")


def test_what_a_process_loads_beforehand_is_there() -> None:
    assert [] == [name for name in LOADED if find_spec(name) is None]
