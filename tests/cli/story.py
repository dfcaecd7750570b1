"""The command in processes of its own, as somebody at a terminal has it."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from pyoutcome.cli.app import main; main()"]

LOADED = [
    "pyoutcome.audit.auditor",
    "pyoutcome.chain.embedded",
    "pyoutcome.cli.app",
    "pyoutcome.evidence.engines.duckdb",
    "pyoutcome.evidence.recomputation",
    "pyoutcome.settlement.keeper",
    "pyoutcome.workspace.workspace",
]
"""What every process of ``pyoutcome_from_loaded`` has loaded when it begins."""
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(LOADED)


def pyoutcome(*arguments: str, cwd: Path) -> str:
    """One command in a process of its own."""
    done = start([*COMMAND, *arguments], cwd)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def start(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A process that finds this checkout's package."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def pyoutcome_from_loaded(*arguments: str, cwd: Path) -> str:
    """Like ``pyoutcome``; its process begins as a copy of one that has loaded the libraries and done nothing yet.

    It knows of earlier commands what the disk knows, as ever; what it saves is two seconds of loading for each.
    """
    with TemporaryDirectory() as folder:
        told = Path(folder) / "stdout", Path(folder) / "stderr"
        process = _PROCESSES.Process(target=_run, args=(arguments, cwd, *told))
        process.start()
        process.join()
        assert 0 == process.exitcode, told[1].read_text(encoding="utf-8")
        return told[0].read_text(encoding="utf-8")


def _run(arguments: tuple[str, ...], cwd: Path, stdout: Path, stderr: Path) -> None:
    for number, path in ((1, stdout), (2, stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    sys.argv = ["pyoutcome", *arguments]
    from pyoutcome.cli.app import main

    main()
