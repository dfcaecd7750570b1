"""Compiled contracts as the package carries them; nobody needs a compiler to use them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pyoutcome.errors import ChainError, did_you_mean


@dataclass(frozen=True)
class Artifact:
    """One compiled contract."""

    name: str
    """The contract's name in Solidity."""
    source: str
    """Its file, relative to the checkout, with forward slashes."""
    abi: tuple[dict[str, Any], ...]
    """Its interface, as the contract ABI specification writes it in JSON."""
    creation: bytes
    """Bytecode that deploys it; constructor arguments are appended by the deployer."""
    runtime: bytes
    """Bytecode that stands on chain afterwards; immutable values are still zero in it."""
    immutables: dict[str, tuple[int, ...]]
    """Where in ``runtime`` the constructor puts the 32 bytes of each immutable value, by its name in Solidity."""
    compiler: str
    """Full version of the compiler, with its commit."""
    settings: dict[str, Any]
    """Compiler settings."""
    source_hash: str
    """SHA-256 over the names and hashes of every source it is made of, imports included."""

    def to_json(self) -> str:
        """The text of the artifact's file: keys sorted, one final newline, the same for the same input everywhere."""
        content = {
            "abi": list(self.abi),
            "compiler": {"settings": self.settings, "version": self.compiler},
            "creation": "0x" + self.creation.hex(),
            "immutables": {name: list(places) for name, places in self.immutables.items()},
            "name": self.name,
            "runtime": "0x" + self.runtime.hex(),
            "source": self.source,
            "sourceHash": self.source_hash,
        }
        return json.dumps(content, indent=1, sort_keys=True) + "\n"

    @staticmethod
    def from_json(text: str) -> Artifact:
        """The artifact whose ``to_json`` is the text."""
        content = json.loads(text)
        return Artifact(
            name=content["name"],
            source=content["source"],
            abi=tuple(content["abi"]),
            creation=bytes.fromhex(content["creation"][2:]),
            runtime=bytes.fromhex(content["runtime"][2:]),
            immutables={name: tuple(places) for name, places in content["immutables"].items()},
            compiler=content["compiler"]["version"],
            settings=content["compiler"]["settings"],
            source_hash=content["sourceHash"],
        )


@cache
def load_artifact(name: str) -> Artifact:
    """The carried artifact of the contract called ``name``; read once, so treat its lists as read-only.

    Raises ChainError ``unknown-artifact``.
    """
    folder = files("pyoutcome") / "chain" / "artifacts"
    known = {file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")}
    if name not in known:
        raise ChainError(
            "unknown-artifact",
            f"The package carries no compiled contract {name!r}.",
            did_you_mean(name, known),
            name=name,
        )
    return Artifact.from_json(folder.joinpath(f"{name}.json").read_text(encoding="utf-8"))
