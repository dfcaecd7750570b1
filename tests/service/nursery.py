"""Keepers born ready: forked from a process that has loaded everything, so that thousands can be killed in an hour.

What is killed is a process like any other; only the second it takes to load the libraries is saved.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


class Nursery:
    """Starts keepers, and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, config: Path) -> int:
        """The process number of a new keeper."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{config}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self, number: int, how: signal.Signals = signal.SIGKILL) -> None:
        """Ends a keeper, and waits until it is gone."""
        os.kill(number, how)
        while _is_there(number):
            time.sleep(0.01)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery for as long as the block; whatever was born in it is gone afterwards."""
    command = [sys.executable, "-m", "tests.service.nursery"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield Nursery(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _is_there(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def _live(config: Path, log: IO[str]) -> None:
    from pyoutcome.service.configuration import Setup
    from pyoutcome.service.logs import Redactor, start_log
    from pyoutcome.service.running import run_keeper

    start_log(Redactor(), log)
    run_keeper(Setup.load(config), lambda party: "")


def main() -> None:
    """Forks a keeper for each configuration that is named on standard input."""
    import duckdb  # noqa: F401 - loaded once for all
    import sqlglot  # noqa: F401

    from pyoutcome.chain import rpc  # noqa: F401
    from pyoutcome.evidence import recomputation, verification  # noqa: F401
    from pyoutcome.service import running  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ended is gone at once
    for line in sys.stdin:
        config = Path(line.strip())
        number = os.fork()
        if number == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with (config.parent / "log.jsonl").open("a", encoding="utf-8") as log:
                _live(config, log)
            os._exit(0)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
