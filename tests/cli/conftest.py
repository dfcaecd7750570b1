"""The demo, run once: the real year of three airlines, 36 settlements on the embedded chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.story import pyoutcome


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder it ran in, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, pyoutcome("demo", cwd=folder)
