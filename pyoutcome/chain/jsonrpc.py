"""Questions and answers over JSON-RPC; every failure becomes a ChainError.

A node may be broken, overloaded or hostile: answers are bounded in time and length and read strictly. Its address may
hold an access key, so no message shows more of it than scheme, host and port.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from requests import RequestException, Session, Timeout
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import HTTPError, ReadTimeoutError

from pyoutcome.chain.answers import Answer, BadAnswer, read_bytes, read_object
from pyoutcome.chain.depth import limit_depth
from pyoutcome.chain.network import Reverted
from pyoutcome.errors import ChainError

SECONDS: Final = 20.0
"""How long one answer may take."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Longest answer that is read."""
REVERT_CODE: Final = 3
"""JSON-RPC error code for a call that a contract refused."""
SIMULATIONS: Final = ("eth_call", "eth_estimateGas")
RETRY: Final = Retry(
    total=3,
    read=False,  # an answer that never came may have done its work
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=None,  # JSON-RPC only posts; a signed transaction may be handed in twice, for it lands once
    backoff_factor=0.1,
    respect_retry_after_header=False,  # the node would decide how long we sleep
    raise_on_status=False,
)


class Node:
    """One JSON-RPC address."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        """Connects to nothing yet. Raises ChainError ``bad-network-address``."""
        self.name = _public_name(url)
        """Scheme, host and port."""
        self.url = url
        """The whole address; may hold an access key."""
        self._seconds = seconds
        self._session = Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=RETRY))

    def ask(self, method: str, params: list[Any], read: Callable[[Any], Answer]) -> Answer:
        """The answer to one question, as ``read`` reads it.

        Raises Reverted for a simulated call that a contract refused, and ChainError: ``network-timeout``,
        ``network-unreachable``, ``network-refused``, ``network-error``, ``bad-network-answer``.
        """
        try:
            response = read_object(json.loads(self._post(method, params)))
            if response.get("error") is None:
                return read(response.get("result"))
            refusal = self._refusal(method, read_object(response["error"]))
        except (Timeout, ReadTimeoutError):
            raise ChainError(
                "network-timeout",
                f"{self.name} did not answer {method} within {self._seconds:g} seconds.",
                "Try again; a transaction that was sent may still arrive.",
                method=method,
            ) from None
        except (RequestException, HTTPError):
            raise ChainError(
                "network-unreachable",
                f"There is no connection to {self.name}.",
                "Start the node, or check the address.",
            ) from None
        except BadAnswer as error:
            raise self.bad_answer(method, str(error)) from None
        except (ValueError, RecursionError):
            raise self.bad_answer(method, "something that is not JSON-RPC") from None
        raise refusal

    def _post(self, method: str, params: list[Any]) -> bytes:
        question: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        deadline = time.monotonic() + self._seconds
        with self._session.post(
            self.url, json=question, timeout=self._seconds, stream=True, allow_redirects=False
        ) as response:
            if response.status_code != 200:
                raise ChainError(
                    "network-refused",
                    f"{self.name} refused the request (HTTP status {response.status_code}).",
                    "Check the address and your access to the node.",
                    status=response.status_code,
                )
            content = bytearray()
            while piece := response.raw.read1(decode_content=True):
                content += piece
                if len(content) > MOST_BYTES:
                    raise BadAnswer("an answer without end")
                if time.monotonic() > deadline:
                    raise Timeout
        limit_depth()  # whoever imported what: deep nesting must end in an error, not in a crash
        return bytes(content)

    def bad_answer(self, method: str, what: str) -> ChainError:
        """The error for an answer that cannot be right."""
        return ChainError(
            "bad-network-answer",
            f"{self.name} answered {method} with {what}.",
            "Use another node; nothing was concluded from the answer.",
            method=method,
        )

    def _refusal(self, method: str, error: dict[str, Any]) -> Exception:
        message = str(error.get("message", ""))[:200]
        data = error.get("data")
        if isinstance(data, dict):  # some nodes wrap it
            data = data.get("data")
        refused = error.get("code") == REVERT_CODE or "revert" in message.lower()
        if method in SIMULATIONS and refused:
            return Reverted(read_bytes(data) if isinstance(data, str) else b"", message)
        return ChainError(
            "network-error",
            f"{self.name} refused {method}: {message or 'no reason given'}.",
            "Read the reason; if it is the node's own trouble, try again later or use another node.",
            method=method,
            message=message,
        )

    def close(self) -> None:
        """Ends the HTTP session."""
        self._session.close()


def _public_name(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in ("http", "https"):
        raise ChainError(
            "bad-network-address",
            "A network is named 'embedded', or by an address that begins with http:// or https://.",
            "Check the address of the network.",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
