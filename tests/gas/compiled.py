"""The contracts as the sources stand: those that the package carries if they are made of them, else compiled here."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import subprocess
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

from eth_utils.crypto import keccak

from pyoutcome.chain.compiler import SETTINGS, SOLC_VERSION, Artifact, compile_sources, load_artifact

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ROOT / "build" / "gas"
"""What was compiled before."""
FLOORS: Final = Path(__file__).parent / "floor"
_NAMES: Final = (
    "EscrowFactory", "EscrowBatch", "EscrowChanges", "EscrowDisputes", "EscrowExits", "EscrowRulings", "EscrowSettling",
    "EscrowViews", "TestToken",
)  # fmt: skip
_IMPORT: Final = re.compile(r'^import\b[^;"]*"([^"]+)"', re.MULTILINE)


def compiled() -> dict[str, Artifact]:
    """Artifacts by name. What has to be compiled is kept under ``build`` until a source or the settings change."""
    carried = {name: load_artifact(name) for name in _NAMES}
    if all(is_current(artifact) for artifact in carried.values()):
        return carried
    sources = sorted(path for path in (ROOT / "contracts").rglob("*.sol") if "test" not in path.parts)
    state = hashlib.sha256(repr(SETTINGS).encode())
    for path in sources:
        state.update(path.as_posix().encode() + b"\0" + path.read_bytes())
    folder = KEPT / state.hexdigest()[:16]
    if not folder.is_dir():
        artifacts = compile_sources(ROOT, (ROOT / "contracts" / f"{name}.sol" for name in _NAMES))
        folder.mkdir(parents=True)
        for name, artifact in artifacts.items():
            (folder / f"{name}.json").write_text(artifact.to_json(), encoding="utf-8")
    return {name: Artifact.from_json((folder / f"{name}.json").read_text(encoding="utf-8")) for name in _NAMES}


def is_current(artifact: Artifact) -> bool:
    """Whether the sources, the settings and the compiler are those it was made with."""
    texts: dict[str, bytes] = {}
    _take(artifact.source, texts)
    hashes = {unit: f"0x{keccak(text).hex()}" for unit, text in texts.items()}
    now = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
    made_by = artifact.compiler.partition("+")[0]
    return (artifact.source_hash, artifact.settings, made_by) == (now, SETTINGS, SOLC_VERSION)


def _take(unit: str, texts: dict[str, bytes]) -> None:
    """A source and all it imports, by the names the compiler gives them."""
    if unit in texts:
        return
    texts[unit] = (ROOT / unit).read_bytes()
    for named in _IMPORT.findall(texts[unit].decode()):
        if named.startswith("."):
            _take(posixpath.normpath(posixpath.join(posixpath.dirname(unit), named)), texts)
            continue
        for remapping in SETTINGS["remappings"]:
            short, _, long = remapping.partition("=")
            if named.startswith(short):
                _take(long + named.removeprefix(short), texts)


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
    solc = [str(ROOT / "scripts" / "solc"), "--standard-json"]
    return subprocess.run(solc, input=inputs, capture_output=True, text=True, check=True).stdout
