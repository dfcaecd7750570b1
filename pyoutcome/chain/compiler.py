"""Solidity to artifacts: compiled once by developers, carried in the package, read by everybody else.

Users need no compiler: ``load_artifact`` reads what the package carries. ``write_artifacts`` makes those files from
``contracts/`` in a checkout, and ``check_artifacts`` compiles again and compares byte for byte, so that the carried
bytecode is always that of the published sources. Settings are those of ``foundry.toml``; the metadata hash is left
out of the bytecode, so that it depends on nothing but sources, settings and compiler version.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyoutcome.chain.artifact import Artifact, load_artifact
from pyoutcome.errors import ChainError

SOLC_VERSION: Final = "0.8.37"
"""The one compiler version whose bytecode the package carries."""
SOLC_VARIABLE: Final = "PYOUTCOME_SOLC"
"""Environment variable that names another Solidity compiler of that version, such as a native one."""
SETTINGS: Final[dict[str, Any]] = {
    "evmVersion": "prague",  # the compiler's default, osaka, does not run on py-evm
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 200},
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
    "viaIR": True,
}
"""Standard-JSON settings without the output selection."""

_OUTPUT: Final = ["abi", "metadata", "evm.bytecode", "evm.deployedBytecode"]
_CARRIED: Final = "pyoutcome/chain/artifacts"
"""Where a checkout keeps the artifacts; ``load_artifact`` finds them inside the package."""


@dataclass(frozen=True)
class Difference:
    """A carried artifact that is not what the sources compile to."""

    name: str
    """The contract's name."""
    problem: str
    """``missing`` (no file), ``stale`` (no such contract any more) or ``changed`` (other bytes)."""


def compile_contracts(root: Path) -> dict[str, Artifact]:
    """Compile every contract under ``root/contracts`` that can be deployed, tests left out, by name.

    ``root`` is a checkout with its npm packages installed. Raises what ``compile_sources`` raises.
    """
    contracts = root / "contracts"
    tests = contracts / "test"
    return compile_sources(root, (path for path in contracts.rglob("*.sol") if tests not in path.parents))


def compile_sources(root: Path, sources: Iterable[Path]) -> dict[str, Artifact]:
    """Compile these files of a checkout; artifacts of the contracts in them (not of their imports) by name.

    Interfaces, abstract contracts and libraries are not deployed and have no artifact.

    Raises ChainError: ``no-solidity-compiler``, ``wrong-solidity-compiler``, ``no-contracts``,
    ``solidity-does-not-compile``, ``contract-name-twice``, ``unlinked-library``.
    """
    root = root.resolve()
    texts = {path.resolve().relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(sources)}
    if not texts:
        raise ChainError(
            "no-contracts",
            f"There are no Solidity files in {root}.",
            "Run this in a checkout of pyoutcome.",
            root=str(root),
        )
    output = _run_compiler(root, texts)
    artifacts: dict[str, Artifact] = {}
    names = {node["id"]: node["name"] for unit in output["sources"].values() for node in _immutables(unit["ast"])}
    for source in texts:
        libraries = _libraries(output["sources"][source]["ast"])
        for name, compiled in output["contracts"].get(source, {}).items():
            if not compiled["evm"]["bytecode"]["object"] or name in libraries:
                continue
            if name in artifacts:
                raise ChainError(
                    "contract-name-twice",
                    f"{name} is defined in {artifacts[name].source} and in {source}.",
                    "Rename one: an artifact is found by its name alone.",
                    name=name,
                )
            artifacts[name] = _artifact(source, name, compiled, names)
    return artifacts


def write_artifacts(root: Path) -> tuple[Path, ...]:
    """Compile the contracts of a checkout and replace its artifacts; the files written, by name."""
    artifacts = compile_contracts(root)
    folder = root / _CARRIED
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.stem not in artifacts:
            path.unlink()
    written = []
    for name, artifact in sorted(artifacts.items()):
        path = folder / f"{name}.json"
        path.write_text(artifact.to_json(), encoding="utf-8", newline="\n")
        written.append(path)
    load_artifact.cache_clear()
    return tuple(written)


def check_artifacts(root: Path) -> tuple[Difference, ...]:
    """Compile the contracts of a checkout again and compare with its artifacts byte for byte; what differs, by name."""
    compiled = {name: artifact.to_json().encode() for name, artifact in compile_contracts(root).items()}
    carried = {path.stem: path.read_bytes() for path in (root / _CARRIED).glob("*.json")}
    differences = []
    for name in sorted(compiled.keys() | carried.keys()):
        if name not in carried:
            differences.append(Difference(name, "missing"))
        elif name not in compiled:
            differences.append(Difference(name, "stale"))
        elif carried[name] != compiled[name]:
            differences.append(Difference(name, "changed"))
    return tuple(differences)


def _find_compiler(root: Path) -> Path:
    """The compiler the environment names, or else the project's own."""
    wanted = os.environ.get(SOLC_VARIABLE)
    found = shutil.which(wanted or root / "scripts" / "solc")
    if found is None:
        raise ChainError(
            "no-solidity-compiler",
            f"There is no Solidity compiler at {wanted or root / 'scripts' / 'solc'}.",
            f"Run this in a checkout of pyoutcome, or set {SOLC_VARIABLE} to solc {SOLC_VERSION}.",
        )
    return Path(found)


def _run_compiler(root: Path, texts: dict[str, str]) -> dict[str, Any]:
    """The compiler's standard-JSON output for these sources, which are named by their path under ``root``."""
    # Late: it brings an HTTP client with it, and only developers of the contracts come here.
    import solcx
    from solcx.exceptions import SolcError
    from solcx.wrapper import get_solc_version

    compiler = _find_compiler(root)
    try:
        version = str(get_solc_version(compiler))
    except (OSError, SolcError, subprocess.CalledProcessError) as error:
        raise ChainError(
            "no-solidity-compiler",
            f"{compiler} does not run: {error}.",
            f"Run scripts/setup dev, or set {SOLC_VARIABLE} to solc {SOLC_VERSION}.",
        ) from error
    if version != SOLC_VERSION:
        raise ChainError(
            "wrong-solidity-compiler",
            f"{compiler} is solc {version}, whose bytecode may differ.",
            f"Use solc {SOLC_VERSION}.",
            version=version,
        )
    try:
        output: dict[str, Any] = solcx.compile_standard(
            {
                "language": "Solidity",
                "sources": {source: {"content": text} for source, text in texts.items()},
                "settings": {
                    **SETTINGS,
                    "outputSelection": {
                        "*": {"": ["ast"]},
                        **{source: {"": ["ast"], "*": _OUTPUT} for source in texts},
                    },
                },
            },
            base_path=root,
            allow_paths=root,
            solc_binary=compiler,
        )
    except SolcError as error:
        reason = error.message if error.error_dict else error.stderr_data or error.message
        raise ChainError(
            "solidity-does-not-compile",
            f"The contracts do not compile:\n{reason.strip()}",
            "Correct the Solidity source; forge build shows the same message.",
        ) from error
    return output


def _libraries(tree: dict[str, Any]) -> set[str]:
    """Names of the libraries a source unit defines."""
    return {node["name"] for node in tree["nodes"] if node.get("contractKind") == "library"}


def _immutables(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The immutable variables that a source unit declares."""
    members = (member for node in tree["nodes"] for member in node.get("nodes", ()))
    return (member for member in members if member.get("mutability") == "immutable")


def _artifact(source: str, name: str, compiled: dict[str, Any], names: dict[int, str]) -> Artifact:
    """The artifact of one contract of the compiler's output; ``names`` of immutable variables by their number."""
    creation = compiled["evm"]["bytecode"]
    if creation["linkReferences"]:
        raise ChainError(
            "unlinked-library",
            f"{name} calls a library that would have to be deployed beside it.",
            "Make the library's functions internal, so that they become part of the contract.",
            name=name,
        )
    metadata = json.loads(compiled["metadata"])
    deployed = compiled["evm"]["deployedBytecode"]
    places = {
        names[int(number)]: tuple(sorted(place["start"] for place in found))
        for number, found in deployed["immutableReferences"].items()
    }
    hashes = {unit: content["keccak256"] for unit, content in metadata["sources"].items()}
    return Artifact(
        name=name,
        source=source,
        abi=tuple(compiled["abi"]),
        creation=bytes.fromhex(creation["object"]),
        runtime=bytes.fromhex(deployed["object"]),
        immutables=dict(sorted(places.items())),
        compiler=metadata["compiler"]["version"],
        settings=SETTINGS,
        source_hash=hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest(),
    )
