"""Contracts for tests, compiled once per state of their sources, whichever of several processes wants them first."""

from __future__ import annotations

import fcntl
import hashlib
import json
import posixpath
import re
from pathlib import Path
from typing import Final

from eth_utils.crypto import keccak

from pyoutcome.chain.artifact import Artifact
from pyoutcome.chain.compiler import SETTINGS, SOLC_VERSION, compile_sources

ROOT: Final = Path(__file__).resolve().parents[1]
_IMPORT: Final = re.compile(r'^import\b[^;"]*"([^"]+)"', re.MULTILINE)


def compiled(*units: str, root: Path = ROOT) -> dict[str, Artifact]:
    """Artifacts by name of the contracts in these files of a checkout.

    They are kept under its ``build`` until a source or the settings change.
    """
    state = json.dumps([units, hashes_of(root, *units), SETTINGS, SOLC_VERSION], sort_keys=True)
    kept = root / "build" / "compiled" / f"{hashlib.sha256(state.encode()).hexdigest()[:16]}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not kept.is_file():
            made = compile_sources(root, (root / unit for unit in units))
            kept.write_text(json.dumps({name: one.to_json() for name, one in made.items()}), encoding="utf-8")
    texts: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
    return {name: Artifact.from_json(text) for name, text in texts.items()}


def is_current(artifact: Artifact) -> bool:
    """Whether the sources, the settings and the compiler are those it was made with."""
    now = hashlib.sha256(json.dumps(hashes_of(ROOT, artifact.source), sort_keys=True).encode()).hexdigest()
    made_by = artifact.compiler.partition("+")[0]
    return (artifact.source_hash, artifact.settings, made_by) == (now, SETTINGS, SOLC_VERSION)


def hashes_of(root: Path, *units: str) -> dict[str, str]:
    """Hashes of these files and all that they import, by the names the compiler gives them."""
    found: dict[str, str] = {}
    for unit in units:
        _take(root, unit, found)
    return found


def _take(root: Path, unit: str, found: dict[str, str]) -> None:
    if unit in found:
        return
    text = (root / unit).read_bytes()
    found[unit] = f"0x{keccak(text).hex()}"
    for named in _IMPORT.findall(text.decode()):
        if named.startswith("."):
            _take(root, posixpath.normpath(posixpath.join(posixpath.dirname(unit), named)), found)
            continue
        for remapping in SETTINGS["remappings"]:
            short, _, long = remapping.partition("=")
            if named.startswith(short):
                _take(root, long + named.removeprefix(short), found)
