"""Networks to run one behaviour suite on: the embedded chain and anvil, each fresh for its test."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect, start_chain
from pyoutcome.errors import ChainError

ROOT = Path(__file__).parents[2]
STARTS_AT = 1_354_320_000
"""2012-12-01 00:00 UTC, a month before the story of these tests."""
KINDS = ("embedded", "anvil")


def anvil_path() -> Path:
    """The project's own anvil. PYOUTCOME_ANVIL names another one; without any the suite fails, it does not skip."""
    own = ROOT / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    path = Path(os.environ.get("PYOUTCOME_ANVIL") or own)
    assert path.is_file(), f"anvil is not at {path}: run scripts/setup dev, or set PYOUTCOME_ANVIL"
    return path


@contextmanager
def running_anvil(*options: str) -> Iterator[str]:
    """An anvil of its own on a free port, its clock set to ``STARTS_AT``; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(anvil_path()), "--port", str(port), "--timestamp", str(STARTS_AT), "--silent", *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            _await_port(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, f"anvil ended with status {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("anvil does not listen")


@pytest.fixture(params=KINDS)
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """A fresh local network of either kind."""
    with fresh_network(request.param, tmp_path) as found:
        yield found


@contextmanager
def fresh_network(kind: str, folder: Path) -> Iterator[Network]:
    """A local network of that kind, with nothing on it."""
    if kind == "embedded":
        start_chain(folder, STARTS_AT)
        with connect("embedded", folder) as found:
            yield found
    else:
        with running_anvil() as url, connect(url, folder) as found:
            yield found


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[ChainError]]:
    """Expects a ChainError with exactly this code."""
    with pytest.raises(ChainError) as info:
        yield info
    assert code == info.value.code
