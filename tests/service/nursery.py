"""Keepers born ready: forked from a process that has loaded everything, so that thousands can be killed in an hour.

What is killed is a process like any other; only the second it takes to load the libraries is saved. A nursery can bring
up keepers that wait for a node less long, and whose machine has a clock that somebody sets.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
CLOCK = "clock"
"""File beside a configuration: by how many seconds its keeper's clock is wrong."""


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

    def end(self, number: int, how: signal.Signals = signal.SIGKILL) -> bool:
        """Ends a keeper, and waits until it is gone; whether it was there still."""
        try:
            os.kill(number, how)
        except ProcessLookupError:
            return False
        while is_there(number):
            time.sleep(0.01)
        return True


@contextmanager
def nursery(answers_within: float = 0) -> Iterator[Nursery]:
    """A nursery for as long as the block; whatever was born in it is gone afterwards.

    ``answers_within``: how long its keepers wait for an answer of a node, seconds; 0: as long as others do.
    """
    command = [sys.executable, "-m", "tests.service.nursery", str(answers_within)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield Nursery(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def is_there(number: int) -> bool:
    """Whether a process with that number is there."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def set_clock(config: Path, seconds: int) -> None:
    """From now on the clock of the machine of that configuration's keeper is wrong by so much."""
    draft = config.parent / f"{CLOCK}.new"
    draft.write_text(str(seconds), encoding="ascii")
    draft.replace(config.parent / CLOCK)


def _live_by(clock: Path) -> None:
    """The clock of this process is the machine's, but for what the file says."""
    true_ns = time.time_ns

    def time_ns() -> int:
        try:
            wrong = int(clock.read_text(encoding="ascii"))
        except FileNotFoundError:
            wrong = 0
        return true_ns() + wrong * 1_000_000_000

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


def _live(config: Path, log: IO[str]) -> None:
    from pyoutcome.service.configuration import Setup
    from pyoutcome.service.logs import Redactor, start_log
    from pyoutcome.service.running import run_keeper

    _live_by(config.parent / CLOCK)
    start_log(Redactor(), log)
    run_keeper(Setup.load(config), lambda party: "")


def main() -> None:
    """Forks a keeper for each configuration that is named on standard input."""
    import duckdb  # noqa: F401 - loaded once for all
    import sqlglot  # noqa: F401

    from pyoutcome.chain import rpc
    from pyoutcome.chain.jsonrpc import Node
    from pyoutcome.evidence import recomputation, verification  # noqa: F401
    from pyoutcome.service import running, web  # noqa: F401

    if seconds := float(sys.argv[1]):
        setattr(rpc, "Node", partial(Node, seconds=seconds))  # noqa: B010 - it is a name there, not an attribute
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ended is gone at once
    for line in sys.stdin:
        config = Path(line.strip())
        number = os.fork()
        if number == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _be_born(config)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def _be_born(config: Path) -> None:
    """The life of one keeper, in a process of its own; what ends it stands at the end of its log."""
    status = 1
    try:
        with (config.parent / "log.jsonl").open("a", encoding="utf-8") as log:
            os.dup2(log.fileno(), 2)
            _live(config, log)
            status = 0
    except Exception as error:  # noqa: BLE001 - the nursery must not go on as a second nursery
        with suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
