"""Keepers as processes of their own, started, killed and stopped by a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from pyoutcome.cli.app import main; main()", "run", "--json", "--config")
PATIENCE = 120
"""Seconds after which a test no longer waits for what must come."""


def start(config: Path, *options: str, **environment: str) -> subprocess.Popen[bytes]:
    """A keeper with its log in a file beside its configuration."""
    with (config.parent / "log.jsonl").open("ab") as log:
        return subprocess.Popen(
            [*COMMAND, str(config), *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )


@contextmanager
def running(config: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A keeper that is ended with the block, whatever happens."""
    process = start(config, *options, **environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def stop(process: subprocess.Popen[bytes]) -> int:
    """Asks a keeper to stop; its exit status."""
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def log_of(config: Path) -> list[Mapping[str, object]]:
    """What a keeper said, one object a line; the line it was killed in is left out."""
    lines = (config.parent / "log.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def wait_for(condition: Callable[[], bool], what: str, seconds: int = PATIENCE) -> None:
    """Waits until something is so, and fails if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)
