"""The contracts as the sources stand, compiled once per state of the sources."""

from __future__ import annotations

import hashlib
from pathlib import Path
from string import Template
from typing import Final

import solcx

from pyoutcome.chain.compiler import SETTINGS, Artifact, compile_sources

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ROOT / "build" / "gas"
"""What was compiled before."""
FLOORS: Final = Path(__file__).parent / "floor"
_NAMES: Final = (
    "EscrowFactory", "EscrowBatch", "EscrowChanges", "EscrowDisputes", "EscrowExits", "EscrowRulings", "EscrowSettling",
    "EscrowViews", "TestToken",
)  # fmt: skip


def compiled() -> dict[str, Artifact]:
    """Artifacts by name; kept under ``build`` until a source or the settings change."""
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


def compile_floors(texts: dict[str, tuple[str, dict[str, str]]]) -> dict[str, bytes]:
    """Creation code of floor contracts: by name, the file each is made of and what stands in its braces."""
    return {
        name: _compile_yul(Template((FLOORS / f"{file}.yul").read_text(encoding="utf-8")).substitute(words))
        for name, (file, words) in texts.items()
    }


def _compile_yul(text: str) -> bytes:
    kept = KEPT / f"floor-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if not kept.is_file():
        output = solcx.compile_standard(
            {
                "language": "Yul",
                "sources": {"floor": {"content": text}},
                "settings": {
                    "evmVersion": SETTINGS["evmVersion"],
                    "optimizer": {"enabled": True, "runs": 1_000_000, "details": {"yul": True}},
                    "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
                },
            },
            solc_binary=ROOT / "scripts" / "solc",
        )
        kept.write_text(output["contracts"]["floor"]["Floor"]["evm"]["bytecode"]["object"], encoding="utf-8")
    return bytes.fromhex(kept.read_text(encoding="utf-8"))
