"""A local Ethereum node of one's own for as long as a test or a search needs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

STARTS_AT = 1_354_320_000
"""2012-12-01 00:00 UTC, a month before the story of most tests: what its clock is set to."""
_OWN = Path(__file__).parents[1] / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"


def anvil_path() -> Path:
    """The project's own anvil. PYOUTCOME_ANVIL names another one; without any the suite fails, it does not skip."""
    path = Path(os.environ.get("PYOUTCOME_ANVIL") or _OWN)
    assert path.is_file(), f"anvil is not at {path}: run scripts/setup dev, or set PYOUTCOME_ANVIL"
    return path


@contextmanager
def running_anvil(*options: str) -> Iterator[str]:
    """An anvil on a port that it finds free by itself; gives its address, and ends it afterwards."""
    command = [str(anvil_path()), "--port", "0", "--timestamp", str(STARTS_AT), *options]
    with (
        # Old states go to disk, by default into the user's home, where they would stay when it is killed.
        tempfile.TemporaryDirectory(prefix="pyoutcome-anvil-", ignore_cleanup_errors=True) as states,
        subprocess.Popen(
            [*command, "--cache-path", states], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        # It tells of every request, and would wait for somebody to read that.
        reader = Thread(target=deque, args=(process.stdout, 0), daemon=True)
        try:
            said = (line.split() for line in process.stdout)
            port = next((words[-1] for words in said if words[:2] == ["Listening", "on"]), None)
            assert port is not None, f"anvil ended with status {process.wait()}"
            reader.start()
            yield f"http://{port}"
        finally:
            process.kill()
            if reader.is_alive():
                reader.join()  # the output is closed next, and must not be closed under it


class Line:
    """An open connection to a node: a question takes a third of a millisecond."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def ask(self, method: str, *parameters: object) -> Any:
        """What a method answers that does not fail."""
        answer = self.post(request(method, *parameters))
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def post(self, body: object) -> Any:
        """The answer to a request, or the answers to a list of them in any order."""
        self._connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(self._connection.getresponse().read())


def request(method: str, *parameters: object, number: int = 0) -> dict[str, object]:
    """As JSON-RPC writes it."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}


@contextmanager
def connected(url: str) -> Iterator[Line]:
    """A line to a node of this machine, by its address."""
    host, port = url.removeprefix("http://").split(":")
    with closing(HTTPConnection(host, int(port), timeout=120)) as connection:
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Line(connection)
