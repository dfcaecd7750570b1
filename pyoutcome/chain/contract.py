"""A contract's interface: encoding calls, decoding what they return, and the errors and events it declares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import abi_to_signature
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.artifact import load_artifact
from pyoutcome.chain.blocks import Log
from pyoutcome.errors import ChainError

NOT_DECODED = (DecodingError, ValueError, OverflowError, MemoryError)
"""What eth-abi raises on bytes that are no encoding of the types, absurd lengths included."""


@dataclass(frozen=True)
class Function:
    """How one function is called."""

    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class EventForm:
    """How one event is logged."""

    name: str
    indexed: tuple[tuple[str, str], ...]
    """Name and type of each indexed field, in topic order."""
    plain: tuple[tuple[str, str], ...]
    """Name and type of each other field."""
    order: tuple[str, ...]
    """All names as declared."""


@dataclass(frozen=True)
class ErrorForm:
    """How one error is encoded."""

    name: str
    inputs: tuple[str, ...]


class Contract:
    """The interface of one compiled contract, by its artifact's name; or of several that are one at one address."""

    def __init__(self, name: str, *parts: str) -> None:
        """``parts``: the contracts that it passes calls on to. Raises ChainError ``unknown-artifact``."""
        self.name = name
        self.functions: dict[str, Function] = {}
        self.events: dict[bytes, EventForm] = {}
        """By first topic."""
        self.errors: dict[bytes, ErrorForm] = {}
        """By selector."""
        self._constructor: tuple[str, ...] = ()
        for part in (*parts, name):
            for entry in load_artifact(part).abi:
                self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        types = tuple(_type_of(field) for field in entry.get("inputs", ()))
        match entry["type"]:
            case "function":
                outputs = tuple(_type_of(field) for field in entry["outputs"])
                self.functions[entry["name"]] = Function(_hash_of(entry)[:4], types, outputs)
            case "event":
                self.events[_hash_of(entry)] = _event_form(entry, types)
            case "error":
                self.errors[_hash_of(entry)[:4]] = ErrorForm(entry["name"], types)
            case "constructor":
                self._constructor = types

    def creation(self, *arguments: object) -> bytes:
        """Code that creates the contract, constructor arguments appended."""
        return load_artifact(self.name).creation + encode(self._constructor, arguments)

    def encode(self, function: str, *arguments: object) -> bytes:
        """Selector and arguments of a call."""
        form = self.functions[function]
        return form.selector + encode(form.inputs, arguments)

    def decode(self, function: str, data: bytes) -> Any:
        """What the function returned: one value, or a tuple; addresses as checksum texts.

        Raises ChainError ``not-our-contract`` if the answer cannot come from this function.
        """
        form = self.functions[function]
        try:
            values = decode(form.outputs, data)
        except NOT_DECODED:
            raise ChainError(
                "not-our-contract",
                f"The contract at that address does not answer {function} as {self.name} does.",
                "Check the address and the network.",
                function=function,
            ) from None
        shaped = tuple(_shape(kind, value) for kind, value in zip(form.outputs, values, strict=True))
        return shaped[0] if len(shaped) == 1 else shaped

    def read_event(self, log: Log) -> tuple[str, dict[str, Any]] | None:
        """Name and fields of a logged event, in declared order; None if the contract declares no such event.

        Raises ChainError ``bad-log`` if the log does not fit its event.
        """
        form = self.events.get(log.topics[0]) if log.topics else None
        if form is None:
            return None
        try:
            return form.name, _read_fields(form, log)
        except NOT_DECODED:  # or more or fewer topics than indexed fields
            raise ChainError(
                "bad-log",
                f"A log of transaction 0x{log.transaction.hex()} is not a well-formed {form.name} event.",
                "Use another node.",
                event=form.name,
            ) from None


@cache
def contract(name: str, *parts: str) -> Contract:
    """The interface of a carried contract, read once."""
    return Contract(name, *parts)


def _event_form(entry: dict[str, Any], types: tuple[str, ...]) -> EventForm:
    fields = [(field["name"], kind, field["indexed"]) for field, kind in zip(entry["inputs"], types, strict=True)]
    return EventForm(
        entry["name"],
        tuple((name, kind) for name, kind, indexed in fields if indexed),
        tuple((name, kind) for name, kind, indexed in fields if not indexed),
        tuple(name for name, _, _ in fields),
    )


def _read_fields(form: EventForm, log: Log) -> dict[str, Any]:
    topics = zip(form.indexed, log.topics[1:], strict=True)
    fields = {name: _shape(kind, decode([kind], topic)[0]) for (name, kind), topic in topics}
    values = decode([kind for _, kind in form.plain], log.data)
    fields |= {name: _shape(kind, value) for (name, kind), value in zip(form.plain, values, strict=True)}
    return {name: fields[name] for name in form.order}


def _hash_of(entry: dict[str, Any]) -> bytes:
    return keccak(text=abi_to_signature(entry))  # type: ignore[arg-type]  # a plain dict is what it takes


def _type_of(field: dict[str, Any]) -> str:
    kind: str = field["type"]
    if not kind.startswith("tuple"):
        return kind
    inside = ",".join(_type_of(component) for component in field["components"])
    return f"({inside}){kind.removeprefix('tuple')}"


def _shape(kind: str, value: Any) -> Any:
    """A decoded value as the rest of the project has it: checksum addresses, tuples."""
    if kind.endswith("]"):
        item = kind[: kind.rindex("[")]
        return tuple(_shape(item, one) for one in value)
    if kind.startswith("("):
        return tuple(_shape(part, one) for part, one in zip(_parts_of(kind), value, strict=True))
    return to_checksum_address(value) if kind == "address" else value


@cache
def _parts_of(kind: str) -> tuple[str, ...]:
    """The types inside a tuple type."""
    parts: list[str] = [""]
    depth = 0
    for sign in kind[1:-1]:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return tuple(parts)
