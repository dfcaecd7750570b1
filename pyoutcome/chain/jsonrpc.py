"""Questions and answers over JSON-RPC. web3.py carries them; every failure becomes a ChainError.

A node may be broken, overloaded or hostile: answers are bounded in time and length and read strictly. Its address may
hold an access key, so no message shows more of it than scheme, host and port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from eth_utils.exceptions import ValidationError
from requests import ConnectionError as NoConnection
from requests import HTTPError, RequestException, Response, Session, Timeout
from web3.exceptions import TimeExhausted
from web3.providers.rpc import HTTPProvider
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint

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

limit_depth()


class BoundedSession(Session):
    """HTTP that stops reading an answer without end, and follows nobody elsewhere."""

    def post(self, url: str | bytes, *args: Any, **kwargs: Any) -> Response:
        """Like requests', streamed."""
        response = super().post(url, *args, **{**kwargs, "stream": True, "allow_redirects": False})
        pieces = response.iter_content

        def bounded(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            size = 0
            for piece in pieces(*args, **kwargs):
                size += len(piece)
                if size > MOST_BYTES:
                    raise BadAnswer("an answer without end")
                yield piece

        response.iter_content = bounded  # type: ignore[method-assign]
        return response


class Node:
    """One JSON-RPC address."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        """Connects to nothing yet. Raises ChainError ``bad-network-address``."""
        self.name = _public_name(url)
        """Scheme, host and port."""
        self._seconds = seconds
        self._session = BoundedSession()
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": seconds, "stream": True},
            session=self._session,
            # A signed transaction may be handed in twice: it lands once.
            exception_retry_configuration=ExceptionRetryConfiguration(
                errors=(NoConnection, HTTPError), retries=3, backoff_factor=0.1
            ),
        )

    def ask(self, method: str, params: list[Any], read: Callable[[Any], Answer]) -> Answer:
        """The answer to one question, as ``read`` reads it.

        Raises Reverted for a simulated call that a contract refused, and ChainError: ``network-timeout``,
        ``network-unreachable``, ``network-refused``, ``network-error``, ``bad-network-answer``.
        """
        try:
            response = read_object(self._provider.make_request(RPCEndpoint(method), params))
            if response.get("error") is None:
                return read(response.get("result"))
            refusal = self._refusal(method, read_object(response["error"]))
        except (Timeout, TimeExhausted):
            raise ChainError(
                "network-timeout",
                f"{self.name} did not answer {method} within {self._seconds:g} seconds.",
                "Try again; a transaction that was sent may still arrive.",
                method=method,
            ) from None
        except HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            raise ChainError(
                "network-refused",
                f"{self.name} refused the request (HTTP status {status}).",
                "Check the address and your access to the node.",
                status=status,
            ) from None
        except RequestException:
            raise ChainError(
                "network-unreachable",
                f"There is no connection to {self.name}.",
                "Start the node, or check the address.",
            ) from None
        except BadAnswer as error:
            raise self.bad_answer(method, str(error)) from None
        except (ValueError, TypeError, ValidationError, RecursionError):
            raise self.bad_answer(method, "something that is not JSON-RPC") from None
        raise refusal

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
