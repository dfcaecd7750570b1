"""The keeper over HTTP: files arrive with a key, status and metrics are read. What is posted goes into the inbox.

A key is compared in constant time, names the agreements and kinds it is good for, and is never logged. FastAPI and
uvicorn come with the extra ``service``.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import AI_PASSIVE, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, getaddrinfo, socket
from threading import Thread
from typing import Final, Protocol

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from pyoutcome.errors import EvidenceError, SettlementError
from pyoutcome.service.configuration import Http, Setup
from pyoutcome.service.letterbox import Letterbox, is_name
from pyoutcome.service.logs import say
from pyoutcome.service.metrics import CONTENT_TYPE

ALL: Final = "all"
START_SECONDS: Final = 10


@dataclass(frozen=True)
class Holder:
    """Who holds a key, and what it is good for."""

    name: str
    digest: bytes
    """SHA-256 of the key: of equal length for all, so that a comparison tells nothing."""
    agreements: tuple[str, ...]
    may: tuple[str, ...]

    def allows(self, what: str, agreement: str | None) -> bool:
        """Whether the key is good for something, of one agreement or at all."""
        return what in self.may and (agreement is None or ALL in self.agreements or agreement in self.agreements)


class Told(Protocol):
    """What may be told of a keeper."""

    def agreements(self) -> Collection[str]:
        """The names of those it keeps."""
        ...

    def status(self) -> list[dict[str, object]]:
        """Where each period stands."""
        ...

    def metrics(self) -> bytes:
        """Figures as OpenMetrics text."""
        ...


class Keys:
    """The keys of the configuration."""

    def __init__(self, holders: tuple[Holder, ...]) -> None:
        self._holders = holders

    @classmethod
    def read(cls, setup: Setup, http: Http) -> Keys:
        """Reads every key. SettlementError ``secret-missing``."""
        return cls(
            tuple(
                Holder(name, _digest(setup.secret(key.key)), key.agreements, key.may) for name, key in http.keys.items()
            )
        )

    def holder(self, authorization: str) -> Holder | None:
        """Whose key a header ``Bearer KEY`` brings. Every key is compared, whichever fits."""
        scheme, _, key = authorization.partition(" ")
        digest = _digest(key.strip())
        fitting = [each for each in self._holders if hmac.compare_digest(each.digest, digest)]
        return fitting[0] if fitting and scheme.lower() == "bearer" else None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


class Door:
    """What is answered to whom."""

    def __init__(self, inbox: Letterbox | None, keys: Keys, most_bytes: int, keeper: Told) -> None:
        """``keeper``: what may be told of it."""
        self._inbox = inbox
        self._keys = keys
        self._most = most_bytes
        self._keeper = keeper

    def app(self) -> FastAPI:
        """The application."""
        app = FastAPI(title="pyoutcome keeper", docs_url=None, redoc_url=None, openapi_url=None)
        app.add_api_route("/health", self.health, methods=["GET"])
        app.add_api_route("/status", self.status, methods=["GET"])
        app.add_api_route("/metrics", self.metrics, methods=["GET"])
        app.add_api_route("/agreements/{agreement}/evidence", self.evidence, methods=["POST"])
        app.add_api_route("/agreements/{agreement}/reports", self.reports, methods=["POST"])
        app.add_api_route("/agreements/{agreement}/records/{file}", self.records, methods=["POST"])
        return app

    def health(self) -> dict[str, str]:
        """That it runs; for everybody."""
        return {"status": "up"}

    def status(self, request: Request) -> list[dict[str, object]]:
        """Where each period of the key's agreements stands."""
        holder = self._admit(request, "read", None)
        return [each for each in self._keeper.status() if holder.allows("read", str(each["agreement"]))]

    def metrics(self, request: Request) -> Response:
        """The figures for operators."""
        self._admit(request, "read", None)
        return Response(self._keeper.metrics(), media_type=CONTENT_TYPE)

    async def evidence(self, request: Request, agreement: str) -> Response:
        """Takes a bundle."""
        return await self._receive(request, "evidence", agreement, "", "{digest}.json")

    async def reports(self, request: Request, agreement: str) -> Response:
        """Takes a report."""
        return await self._receive(request, "reports", agreement, "", "{digest}.json")

    async def records(self, request: Request, agreement: str, file: str, source: str = "") -> Response:
        """Takes records: the file ``SOURCE.FORMAT``, or one of the folder that ``source`` names."""
        if not is_name(file) or not (source == "" or is_name(source)):
            raise HTTPException(422, "A file is called SOURCE.FORMAT; a part of a folder names its ?source=.")
        return await self._receive(request, "records", agreement, source, file)

    def _admit(self, request: Request, what: str, agreement: str | None) -> Holder:
        holder = self._keys.holder(request.headers.get("Authorization", ""))
        if holder is None:
            raise HTTPException(401, "A key is needed: Authorization: Bearer KEY.", {"WWW-Authenticate": "Bearer"})
        # Whoever may not see an agreement is not told whether it exists.
        if not holder.allows(what, agreement) or (agreement is not None and agreement not in self._keeper.agreements()):
            raise HTTPException(403, "This key is not good for that.")
        return holder

    async def _receive(self, request: Request, kind: str, agreement: str, folder: str, file: str) -> Response:
        holder = self._admit(request, kind, agreement)
        if self._inbox is None:
            raise HTTPException(404, "This keeper has no inbox.")
        home = "/".join(each for each in (agreement, kind, folder) if each)
        try:
            size, digest = await _store(request.stream(), self._inbox, home, file, self._most)
        except (OSError, EvidenceError) as error:
            why = error.why if isinstance(error, EvidenceError) else error.strerror
            code = error.code if isinstance(error, EvidenceError) else None
            say("not-stored", logging.ERROR, agreement=agreement, kind=kind, code=code, why=why)
            raise HTTPException(507, "The file could not be kept; send it again later.") from None
        except _StillThereError:
            raise HTTPException(409, "Another file of that name is not taken yet; send it again later.") from None
        if size is None:
            raise HTTPException(413, f"At most {self._most} bytes are taken.")
        say("posted", agreement=agreement, kind=kind, by=holder.name, bytes=size)
        return JSONResponse({"received": size, "sha256": digest}, 202)


class _StillThereError(Exception):
    """What was posted before under that name, and differs, is not taken yet."""


async def _store(
    stream: AsyncIterator[bytes], box: Letterbox, home: str, name: str, most: int
) -> tuple[int | None, str]:
    """Puts what is posted into the inbox under its name once it is whole; its bytes (None if too many) and SHA-256."""
    size, digest = 0, hashlib.sha256()
    with box.draft(home) as draft:
        with draft.open("xb") as file:
            async for piece in stream:
                size += len(piece)
                if size > most:
                    return None, ""
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if not await run_in_threadpool(box.put, draft, home, name.format(digest=digest.hexdigest()[:32])):
            raise _StillThereError
    return size, digest.hexdigest()


@contextmanager
def serving(app: FastAPI, http: Http) -> Iterator[int]:
    """Serves the application in a thread of its own; gives the port. SettlementError ``address-taken``."""
    config = uvicorn.Config(
        app, host=http.host, port=http.port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=5, limit_concurrency=64,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with _listen(http) as listener:
        thread = Thread(target=server.run, args=([listener],), name="http", daemon=True)
        thread.start()
        try:
            port: int = listener.getsockname()[1]
            say("listening", host=http.host, port=port)
            yield port
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)


def _listen(http: Http) -> socket:
    try:
        family, kind, _, _, address = getaddrinfo(http.host, http.port, type=SOCK_STREAM, flags=AI_PASSIVE)[0]
        listener = socket(family, kind)
        try:
            listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()  # from here on callers wait for an answer instead of being refused
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise SettlementError(
            "address-taken",
            f"The keeper cannot listen on {http.host}, port {http.port}: {error.strerror}.",
            "Give another port under http, or stop what listens there.",
        ) from error
    return listener
