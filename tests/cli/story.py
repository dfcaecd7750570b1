"""The command in processes of its own, as somebody at a terminal has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from pyoutcome.cli.app import main; main()"]


def pyoutcome(*arguments: str, cwd: Path) -> str:
    """One command in a process of its own."""
    done = start([*COMMAND, *arguments], cwd)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def start(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A process that finds this checkout's package."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
