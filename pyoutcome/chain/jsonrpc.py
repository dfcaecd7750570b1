"""Questions and answers over JSON-RPC; every failure becomes a ChainError.

A node may be broken, overloaded or hostile: answers are bounded in time and length and read strictly. Its address may
hold an access key, so no message shows more of it than scheme, host and port.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

from requests import RequestException, Session, Timeout
from requests.adapters import HTTPAdapter
from requests.utils import get_netrc_auth
from urllib3 import Retry
from urllib3.exceptions import HTTPError, ReadTimeoutError

from pyoutcome.chain.answers import Answer, BadAnswer, read_bytes, read_list, read_object
from pyoutcome.chain.blocks import Reverted
from pyoutcome.chain.depth import limit_depth
from pyoutcome.errors import ChainError

SECONDS: Final = 20.0
"""How long one answer may take."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Longest answer that is read."""
AT_ONCE: Final = 100
"""Questions in one request; nodes bear that many."""
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
        self._numbers = count(1)
        self._session = _session_for(url)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=RETRY))

    def ask(self, method: str, params: list[Any], read: Callable[[Any], Answer]) -> Answer:
        """The answer to one question, as ``read`` reads it.

        Raises Reverted for a simulated call that a contract refused, and ChainError: ``network-timeout``,
        ``network-unreachable``, ``network-refused``, ``network-error``, ``bad-network-answer``.
        """
        answer = self._ask_alone(method, params, read)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask_many(
        self, method: str, questions: Sequence[list[Any]], read: Callable[[Any], Answer]
    ) -> list[Answer | Reverted | ChainError]:
        """The answers to many questions in few requests, in their order; a refused one is in the list as its error.

        Raises ChainError as ``ask`` does where a whole request fails. A node that takes no lists is asked one by one.
        """
        answers: list[Answer | Reverted | ChainError] = []
        for start in range(0, len(questions), AT_ONCE):
            part = questions[start : start + AT_ONCE]
            together = self._ask_together(method, part, read) if len(part) > 1 else None
            answers += together or [self._ask_alone(method, params, read) for params in part]
        return answers

    def _ask_alone(
        self, method: str, params: list[Any], read: Callable[[Any], Answer]
    ) -> Answer | Reverted | ChainError:
        number = next(self._numbers)

        def read_one(answer: object) -> Answer | Reverted | ChainError:
            # A line that mixes answers up would have one taken for another. Of what a node cannot read it knows no id.
            content = read_object(answer)
            unread = content.get("id") is None and content.get("error") is not None
            if not unread and str(content.get("id")) != str(number):
                raise BadAnswer("an answer to another question")
            return self._read(method, answer, read)

        return self._exchange(method, _question(method, params, number), read_one)

    def _ask_together(
        self, method: str, questions: Sequence[list[Any]], read: Callable[[Any], Answer]
    ) -> list[Answer | Reverted | ChainError] | None:
        """All answers, from one request; None from a node that takes no lists."""

        def read_all(reply: object) -> list[Answer | Reverted | ChainError] | None:
            if isinstance(reply, dict) and reply.get("error") is not None:
                return None
            by_place = {str(read_object(answer).get("id")): answer for answer in read_list(reply)}
            if len(read_list(reply)) != len(places) or by_place.keys() != set(places):
                raise BadAnswer("other answers than were asked for")
            return [self._read(method, by_place[place], read) for place in places]

        numbers = [next(self._numbers) for _ in questions]
        places = [str(number) for number in numbers]
        body = [_question(method, params, number) for number, params in zip(numbers, questions, strict=True)]
        return self._exchange(method, body, read_all)

    def _read(self, method: str, answer: object, read: Callable[[Any], Answer]) -> Answer | Reverted | ChainError:
        """What one answer says; a refusal is handed back, a bad answer raises BadAnswer."""
        content = read_object(answer)
        if content.get("error") is None:
            return read(content.get("result"))
        return self._refusal(method, read_object(content["error"]))

    def _exchange(self, method: str, body: Any, read: Callable[[Any], Answer]) -> Answer:
        try:
            return read(json.loads(self._post(body)))
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

    def _post(self, question: Any) -> bytes:
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

    def _refusal(self, method: str, error: dict[str, Any]) -> Reverted | ChainError:
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


def _session_for(url: str) -> Session:
    """A session that has read the environment (proxies, certificates, ``.netrc``) once, not with every question."""
    session = Session()
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
    session.auth = get_netrc_auth(url)
    session.trust_env = False
    return session


def _question(method: str, params: list[Any], number: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


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
