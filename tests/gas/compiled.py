"""The contracts as the sources stand: those that the package carries if they are made of them, else compiled here."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

from pyoutcome.chain.artifact import Artifact, load_artifact
from pyoutcome.chain.compiler import SETTINGS
from tests import compiling

FLOORS: Final = Path(__file__).parent / "floor"
_NAMES: Final = (
    "EscrowFactory", "EscrowBatch", "EscrowChanges", "EscrowDisputes", "EscrowExits", "EscrowRulings", "EscrowSettling",
    "EscrowViews", "TestToken",
)  # fmt: skip


def compiled() -> dict[str, Artifact]:
    """Artifacts by name."""
    carried = {name: load_artifact(name) for name in _NAMES}
    if all(map(compiling.is_current, carried.values())):
        return carried
    return compiling.compiled(*(f"contracts/{name}.sol" for name in _NAMES))


def compile_floors(texts: dict[str, tuple[str, dict[str, str]]]) -> dict[str, bytes]:
    """Creation code of floor contracts: by name, the file each is made of and what stands in its braces."""
    sources = {
        name: Template((FLOORS / f"{file}.yul").read_text(encoding="utf-8")).substitute(words)
        for name, (file, words) in texts.items()
    }
    inputs = [
        {
            "language": "Yul",
            "sources": {"floor": {"content": text}},
            "settings": {
                "evmVersion": SETTINGS["evmVersion"],
                "optimizer": {"enabled": True, "runs": 1_000_000, "details": {"yul": True}},
                "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
            },
        }
        for text in sources.values()
    ]
    outputs = json.loads(_run_compiler(json.dumps(inputs)))
    made = {name: output["contracts"]["floor"]["Floor"] for name, output in zip(sources, outputs, strict=True)}
    return {name: bytes.fromhex(floor["evm"]["bytecode"]["object"]) for name, floor in made.items()}


@cache
def _run_compiler(inputs: str) -> str:
    """All at once: starting it takes longer than such a file."""
    solc = [str(compiling.ROOT / "scripts" / "solc"), "--standard-json"]
    return subprocess.run(solc, input=inputs, capture_output=True, text=True, check=True).stdout
