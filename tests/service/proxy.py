"""A bad line between a keeper and its node: requests and answers get lost, late, doubled or spoiled, by chance."""

from __future__ import annotations

import json
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any


class Fault(StrEnum):
    """What may happen to one request."""

    LOST_REQUEST = "lost request"
    """It does not reach the node, and the line is cut."""
    LOST_ANSWER = "lost answer"
    """The node did what was asked, and the line is cut before it says so."""
    LATE = "late answer"
    """The node did what was asked; the answer comes after the keeper has given up."""
    TWICE = "request twice"
    """The node gets it twice; the second answer is passed on."""
    STATUS_500 = "status 500"
    STATUS_429 = "status 429"
    NOT_JSON = "no JSON"
    """The node did what was asked; the answer is a page for people."""
    REFUSED = "refused before"
    """A JSON-RPC error, and the node was not asked."""
    REFUSED_AFTER = "refused after"
    """A JSON-RPC error, though the node did what was asked."""
    WRONG_ID = "wrong id"
    """The node did what was asked; the answer is said to be one to another question."""
    CUT = "answer cut"
    """The node did what was asked; half of the answer arrives, and the line is cut."""


_CUT_OFF = (Fault.LOST_REQUEST, Fault.LOST_ANSWER)
_NOT_ASKED = (Fault.LOST_REQUEST, Fault.STATUS_500, Fault.STATUS_429, Fault.REFUSED)


@dataclass
class BadLine:
    """What happens to the requests that pass; ``rate`` of them, 0 to 1, meet a fault."""

    node: str
    chance: random.Random
    rate: float = 0.0
    late: float = 3.0
    """Seconds that a late answer takes."""
    faults: tuple[Fault, ...] = tuple(Fault)
    methods: tuple[str, ...] = ()
    """Only requests of these methods meet faults, if any are named."""
    passed: int = 0
    """Requests that came, faulty or not."""
    counts: Counter[str] = field(default_factory=Counter)
    url: str = ""
    _lock: Lock = field(default_factory=Lock)

    def choose(self, body: bytes) -> Fault | None:
        """What happens to this request; counted."""
        with self._lock:
            self.passed += 1
            if self.chance.random() >= self.rate or not self._concerns(body):
                return None
            fault = self.chance.choice(self.faults)
            self.counts[fault] += 1
            return fault

    def _concerns(self, body: bytes) -> bool:
        if not self.methods:
            return True
        asked = json.loads(body)
        return any(each["method"] in self.methods for each in (asked if isinstance(asked, list) else [asked]))


class _Handler(BaseHTTPRequestHandler):
    """One connection from a keeper, and one of its own to the node."""

    protocol_version = "HTTP/1.1"
    line: BadLine
    _node: HTTPConnection | None = None

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def finish(self) -> None:
        if self._node is not None:
            self._node.close()
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):  # the keeper was killed
            super().handle()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.line.choose(body)
        try:
            answer = b"" if fault in _NOT_ASKED else self._ask(body)
            if fault is Fault.TWICE:
                answer = self._ask(body)
        except (OSError, HTTPException):
            self.close_connection = True
            return
        if fault is Fault.LATE:
            time.sleep(self.line.late)
        if fault in _CUT_OFF:
            self.close_connection = True
            return
        self._answer(fault, body, answer)

    def _ask(self, body: bytes) -> bytes:
        if self._node is None:
            self._node = HTTPConnection(self.line.node.removeprefix("http://"), timeout=60)
            self._node.connect()
            self._node.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._node.request("POST", "/", body, {"Content-Type": "application/json"})
        return self._node.getresponse().read()

    def _answer(self, fault: Fault | None, asked: bytes, answer: bytes) -> None:
        status = {Fault.STATUS_500: 500, Fault.STATUS_429: 429}.get(fault or Fault.TWICE, 200)
        match fault:
            case Fault.NOT_JSON | Fault.STATUS_500 | Fault.STATUS_429:
                answer = b"<html><body>Please come back later.</body></html>"
            case Fault.REFUSED | Fault.REFUSED_AFTER:
                answer = _each(asked, _refuse)
            case Fault.WRONG_ID:
                answer = _each(answer, lambda one: {**one, "id": "another"})
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if fault is Fault.CUT:
            answer = answer[: len(answer) // 2]
            self.close_connection = True
        self.wfile.write(answer)

    def log_message(self, *what: object) -> None:
        """Says nothing."""


def _refuse(asked: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32005, "message": "too many requests"}}


def _each(body: bytes, change: Any) -> bytes:
    """A JSON-RPC message or a list of them, changed one by one."""
    told = json.loads(body)
    return json.dumps([change(one) for one in told] if isinstance(told, list) else change(told)).encode()


@contextmanager
def bad_line(node: str, chance: random.Random) -> Iterator[BadLine]:
    """A line to a node, good until its ``rate`` is set."""
    line = BadLine(node, chance)
    handler = type("Handler", (_Handler,), {"line": line})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    line.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.05,), name="bad line", daemon=True)
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
