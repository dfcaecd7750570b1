"""Memory of a process is its own, whatever the one that started it held."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.memory import most_memory


def test_memory_of_a_process_is_not_that_of_the_one_that_started_it() -> None:
    held = b"x" * 300_000_000
    told = subprocess.run([sys.executable, "-m", "tests.bench.memory"], stdout=subprocess.PIPE, check=True)
    assert most_memory() > len(held)
    assert int(told.stdout) < 100_000_000
