"""Which process of pytest-xdist runs which tests: whole files, those that take longest first.

A file's tests share what they set up, so one process makes it once. The long ones come first, because one that begins
when little is left keeps one core busy and the others idle.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {"tests/cli/test_readers_check.py": "tests/cli/test_story.py"}
"""Files for the process of another one, whose fixture of the session they ask for as well: the demo takes 20 s."""

LONG = (
    "tests/cli/test_story.py",
    "tests/service/test_processes.py",
    "tests/workspace/test_amending.py",
    "tests/engines/test_leaves.py",
    "tests/workspace/test_exports.py",
    "tests/ready/test_ready.py",
    "tests/corpus/test_more.py",
    "tests/workspace/test_networks.py",
    "tests/cli/test_json.py",
    "tests/formula/test_scenarios.py",
    "tests/evidence/test_prove.py",
    "tests/formula/test_compiled.py",
    "tests/engines/test_differences.py",
    "tests/engines/test_kinds.py",
    "tests/evidence/test_parquet.py",
)
"""Files that take more than 12 s of a core, the longest first."""


def share_of(nodeid: str) -> str:
    """The file whose process runs a test."""
    file = nodeid.partition("::")[0]
    return TOGETHER.get(file, file)


def place(nodeid: str) -> int:
    """Where a test's file stands in line; all that are not long stand last, as they were."""
    file = share_of(nodeid)
    return LONG.index(file) if file in LONG else len(LONG)


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out files in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Sharing | None:
    """Unless the command line says how to share."""
    return Sharing(config, log) if config.getoption("dist") == "load" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts the tests of a process among several as they are to be handed out."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.nodeid))
