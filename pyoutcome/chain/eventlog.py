"""From raw logs to the events of the protocol."""

from __future__ import annotations

import re
from functools import cache

from pyoutcome.chain.blocks import Log
from pyoutcome.chain.contract import Contract
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Event, Located, events

_UPPER = re.compile(r"(?<!^)(?=[A-Z])")


def locate(log: Log, interface: Contract) -> Located:
    """The event a log stands for, with its place. ``unfold`` reads the few that stand for several.

    Raises ChainError ``unknown-log`` for a log that the contract's interface does not declare: what moved money must
    not be passed over.
    """
    found = interface.read_event(log)
    kind = event_class(found[0]) if found else None
    if found is None or kind is None:
        raise unknown_log(log, interface)
    return place(kind(**{field_name(name): value for name, value in found[1].items()}), log)


def place(event: Event, log: Log) -> Located:
    """An event at the place of the log that says it."""
    return Located(event, log.block, log.index, log.transaction, log.timestamp)


def unknown_log(log: Log, interface: Contract) -> ChainError:
    """A log that cannot come from that contract."""
    return ChainError(
        "unknown-log",
        f"Transaction 0x{log.transaction.hex()} logged something at {log.address} that {interface.name} does not.",
        "Check the address, and that this version of pyoutcome fits the contract.",
        address=log.address,
    )


@cache
def event_class(name: str) -> type[Event] | None:
    """The class of an event, by its Solidity name."""
    kind = getattr(events, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Event) else None


@cache
def field_name(name: str) -> str:
    """``setOff`` is ``set_off``; ``from``, a word of Python, is ``from_``."""
    snake = _UPPER.sub("_", name).lower()
    return f"{snake}_" if snake == "from" else snake
