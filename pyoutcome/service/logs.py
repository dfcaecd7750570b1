"""The keeper's log: one JSON object a line, and no secret in it, whatever a message or a library brings along."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import IO, Final

logger: Final = logging.getLogger("pyoutcome.keeper")
HIDDEN: Final = "[hidden]"
_ADDRESS: Final = re.compile(r"\b([a-z][a-z0-9+.-]*)://([^\s\"'\\]+)")
SHORTEST: Final = 4
"""Characters a secret has at least: shorter ones would be found in every other word."""


class Redactor:
    """Takes secrets out of texts: those it was told of, and all of an address but scheme, host and port."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def hide(self, secret: str) -> None:
        """From now on this text appears nowhere."""
        if len(secret) >= SHORTEST and secret not in self._secrets:
            # As it stands in JSON too; the longer ones first, since one may hold another.
            forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
            self._secrets = sorted({*self._secrets, *forms}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _ADDRESS.sub(_without_path, text)


def _without_path(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}"


class Lines(logging.Formatter):
    """Formats a record as one JSON object; ``extra={"facts": {...}}`` brings its fields."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts = getattr(record, "facts", {})
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **{str(name): value for name, value in facts.items() if value is not None},
        }
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        # Cleaned value by value, so that what is left is JSON still, and then as a whole.
        cleaned = {name: self._clean(value) for name, value in document.items()}
        return json.dumps(cleaned, default=lambda value: self._redactor.clean(str(value)))

    def _clean(self, value: object) -> object:
        match value:
            case str():
                return self._redactor.clean(value)
            case dict():
                return {self._redactor.clean(str(name)): self._clean(each) for name, each in value.items()}
            case list() | tuple():
                return [self._clean(each) for each in value]
            case _:
                return value


class Words(logging.Formatter):
    """The same for people at a terminal: time, what happened, and its facts."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts = getattr(record, "facts", {})
        told = "  ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        text = f"{time}  {record.levelname.lower():<7} {record.getMessage():<24} {told}".rstrip()
        return self._redactor.clean(text + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""))


def start_log(redactor: Redactor, stream: IO[str] | None = None, *, lines: bool = True) -> logging.Handler:
    """Sends the keeper's log, and warnings of the libraries it uses, to a stream (stderr)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Lines(redactor) if lines else Words(redactor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
    return handler


def say(event: str, level: int = logging.INFO, **facts: object) -> None:
    """Logs what happened, with its facts."""
    logger.log(level, event, extra={"facts": facts})
