"""The most memory a process held."""

from __future__ import annotations

from pathlib import Path


def most_memory() -> int:
    """Bytes that this process had resident at most, since its program began (VmHWM of proc(5)).

    Not ``ru_maxrss`` of getrusage(2): a process starts with that of the one which started it.
    """
    status = Path("/proc/self/status").read_text("utf-8")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(most_memory())
