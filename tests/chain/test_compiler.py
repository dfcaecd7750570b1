"""What the compiler promises: deployable contracts only, the same bytes everywhere, every difference noticed."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.chain import compiler
from pyoutcome.chain.artifact import Artifact, load_artifact
from pyoutcome.chain.compiler import (
    SETTINGS,
    SOLC_VARIABLE,
    SOLC_VERSION,
    Difference,
    check_artifacts,
    compile_contracts,
    compile_sources,
    write_artifacts,
)
from pyoutcome.chain.parts import PARTS, SHARED
from pyoutcome.errors import ChainError

ROOT = Path(__file__).parents[2]
HEAD = f"// SPDX-License-Identifier: Apache-2.0\npragma solidity {SOLC_VERSION};\n"
SOURCES = {
    "contracts/Counter.sol": """
        import {Base} from "@openzeppelin/Base.sol";
        import {Sums} from "./lib/Sums.sol";
        contract Counter is Base {
            uint256 public count;
            error TooMany(uint256 asked);
            function add(uint256 n) external { if (n > 9) revert TooMany(n); count = Sums.sum(count, n); }
        }
    """,
    "contracts/Purse.sol": "contract Purse { receive() external payable {} }",
    "contracts/interfaces/ICounter.sol": "interface ICounter { function add(uint256 n) external; }",
    "contracts/lib/Sums.sol": """
        library Sums { function sum(uint256 a, uint256 b) internal pure returns (uint256) { return a + b; } }
    """,
    "contracts/test/Counter.t.sol": "contract CounterTest { function testNothing() external {} }",
    "node_modules/@openzeppelin/Base.sol": """
        abstract contract Base { function kind() external virtual returns (uint8) {} }
        contract Ready { uint8 public ready; }
    """,
}


@pytest.fixture(autouse=True)
def project_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOLC_VARIABLE, str(ROOT / "scripts" / "solc"))


def make_checkout(root: Path) -> Path:
    for name, text in SOURCES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text)
    return root


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path)


@pytest.fixture
def fake_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def install(body: str) -> None:
        path = tmp_path / "fake-solc"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        monkeypatch.setenv(SOLC_VARIABLE, str(path))

    return install


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SOLC_VARIABLE, str(ROOT / "scripts" / "solc"))
        return compile_contracts(make_checkout(tmp_path_factory.mktemp("one")))


def refused(code: str, root: Path, *names: str) -> ChainError:
    with pytest.raises(ChainError) as caught:
        compile_sources(root, [root / name for name in names])
    assert code == caught.value.code
    return caught.value


def test_only_deployable_production_contracts_become_artifacts(compiled: dict[str, Artifact]) -> None:
    assert {"Counter": "contracts/Counter.sol", "Purse": "contracts/Purse.sol"} == {
        name: artifact.source for name, artifact in compiled.items()
    }


def test_an_artifact_has_the_whole_interface_with_inherited_functions_and_errors(compiled: dict[str, Artifact]) -> None:
    assert {("function", "add"), ("function", "count"), ("function", "kind"), ("error", "TooMany")} == {
        (entry["type"], entry["name"]) for entry in compiled["Counter"].abi
    }


def test_creation_code_ends_in_the_runtime_code_it_leaves(compiled: dict[str, Artifact]) -> None:
    for artifact in compiled.values():
        assert artifact.runtime
        assert artifact.creation.endswith(artifact.runtime)
        assert len(artifact.runtime) < len(artifact.creation)


def test_the_folder_of_the_checkout_changes_no_byte(compiled: dict[str, Artifact], checkout: Path) -> None:
    assert compiled == compile_contracts(checkout)


def test_a_comment_in_an_import_changes_the_source_hash_and_no_bytecode(
    compiled: dict[str, Artifact], checkout: Path
) -> None:
    with (checkout / "contracts/lib/Sums.sol").open("a") as file:
        file.write("// said differently\n")
    again = compile_contracts(checkout)
    assert compiled["Purse"] == again["Purse"]
    assert compiled["Counter"].creation == again["Counter"].creation
    assert compiled["Counter"].source_hash != again["Counter"].source_hash


def test_what_was_written_checks_and_every_kind_of_difference_is_named(checkout: Path) -> None:
    written = write_artifacts(checkout)
    assert ["Counter.json", "Purse.json"] == [path.name for path in written]
    assert () == check_artifacts(checkout)

    counter, purse = written
    counter.write_bytes(counter.read_bytes().replace(b'"name": "count"', b'"name": "tally"'))
    purse.rename(purse.with_name("Wallet.json"))
    assert (
        Difference("Counter", "changed"),
        Difference("Purse", "missing"),
        Difference("Wallet", "stale"),
    ) == check_artifacts(checkout)

    assert written == write_artifacts(checkout)
    assert list(written) == sorted(counter.parent.iterdir())


@given(
    st.builds(
        Artifact,
        name=st.text(min_size=1),
        source=st.text(),
        abi=st.lists(st.dictionaries(st.text(), st.booleans() | st.text())).map(tuple),
        creation=st.binary(),
        runtime=st.binary(),
        compiler=st.text(),
        settings=st.dictionaries(st.text(), st.integers()),
        source_hash=st.text(),
    )
)
def test_an_artifact_is_what_its_file_says(artifact: Artifact) -> None:
    assert artifact == Artifact.from_json(artifact.to_json())


def test_forge_compiles_with_the_same_settings_but_for_the_quick_build_of_its_tests() -> None:
    forge = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    assert {
        "evmVersion": forge["evm_version"],
        "metadata": {"appendCBOR": forge["cbor_metadata"], "bytecodeHash": forge["bytecode_hash"]},
        "optimizer": {"enabled": forge["optimizer"], "runs": forge["optimizer_runs"]},
        "remappings": forge["remappings"],
        "viaIR": True,
    } == SETTINGS
    assert forge["via_ir"] is False
    assert "scripts/solc" == forge["solc"]


def test_the_package_carries_contracts_that_fit_on_chain() -> None:
    names = sorted(path.stem for path in (ROOT / "pyoutcome/chain/artifacts").glob("*.json"))
    assert names
    assert {"EscrowBatch", "EscrowFactory", "TestToken", SHARED, *PARTS} <= set(names)
    for name in names:
        artifact = load_artifact(name)
        print(f"{name}: {24_576 - len(artifact.runtime):,} bytes below the limit of 24,576")
        assert name == artifact.name
        assert SETTINGS == artifact.settings
        assert artifact.compiler.startswith(SOLC_VERSION + "+commit.")
        assert 0 < len(artifact.runtime) <= 24_576, f"{name} is larger than EIP-170 allows"
        assert len(artifact.creation) <= 49_152, f"{name} is larger than EIP-3860 allows"


def test_an_unknown_artifact_is_refused_with_the_nearest_name() -> None:
    known = next((ROOT / "pyoutcome/chain/artifacts").glob("*.json")).stem
    with pytest.raises(ChainError) as caught:
        load_artifact(known + "x")
    assert "unknown-artifact" == caught.value.code
    assert f"Did you mean {known!r}?" == caught.value.fix


@pytest.mark.parametrize("name", ["../../etc/passwd", "", ".", "artifacts/x"])
def test_an_artifact_name_is_no_path(name: str) -> None:
    with pytest.raises(ChainError, match="unknown-artifact"):
        load_artifact(name)


def test_solidity_that_does_not_compile_is_shown_with_its_place(checkout: Path) -> None:
    (checkout / "contracts/Purse.sol").write_text(HEAD + "contract Purse { uint256 x = true; }")
    error = refused("solidity-does-not-compile", checkout, "contracts/Purse.sol")
    assert "contracts/Purse.sol:3:" in error.why


def test_imports_stay_inside_the_checkout(checkout: Path) -> None:
    outside = checkout.parent / "Outside.sol"
    outside.write_text(HEAD + "contract Outside { uint8 public x; }")
    (checkout / "Purse.sol").symlink_to(outside)
    (checkout / "contracts/Purse.sol").write_text(HEAD + 'import "Purse.sol"; contract Purse { uint8 public x; }')
    error = refused("solidity-does-not-compile", checkout, "contracts/Purse.sol")
    assert "outside" in error.why


def test_two_contracts_of_one_name_are_refused(checkout: Path) -> None:
    (checkout / "contracts/Other.sol").write_text(HEAD + "contract Purse { uint8 public x; }")
    refused("contract-name-twice", checkout, "contracts/Other.sol", "contracts/Purse.sol")


def test_a_library_that_would_have_to_be_deployed_is_refused(checkout: Path) -> None:
    (checkout / "contracts/Purse.sol").write_text(
        HEAD + "library L { function f() external {} } contract Purse { function g() external { L.f(); } }"
    )
    refused("unlinked-library", checkout, "contracts/Purse.sol")


def test_a_folder_without_contracts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="no-contracts"):
        compile_contracts(tmp_path)


def test_another_compiler_version_is_refused(checkout: Path, fake_compiler: Callable[[str], None]) -> None:
    fake_compiler("echo Version: 0.8.30+commit.73712a01.Linux.g++")
    error = refused("wrong-solidity-compiler", checkout, "contracts/Purse.sol")
    assert {"version": "0.8.30"} == error.details


@pytest.mark.parametrize("body", ["exit 127", "echo what?", "kill -9 $$"])
def test_a_compiler_that_does_not_answer_is_refused(
    body: str, checkout: Path, fake_compiler: Callable[[str], None]
) -> None:
    fake_compiler(body)
    refused("no-solidity-compiler", checkout, "contracts/Purse.sol")


def test_a_compiler_that_breaks_off_is_an_error_with_its_words(
    checkout: Path, fake_compiler: Callable[[str], None]
) -> None:
    fake_compiler(
        f'[ "$1" = --version ] && echo Version: {SOLC_VERSION}+commit.f401782d && exit 0\n'
        'echo "no memory left" >&2; exit 1'
    )
    error = refused("solidity-does-not-compile", checkout, "contracts/Purse.sol")
    assert "no memory left" in error.why


def test_a_missing_compiler_is_refused(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOLC_VARIABLE, str(checkout / "solc"))
    refused("no-solidity-compiler", checkout, "contracts/Purse.sol")
    monkeypatch.delenv(SOLC_VARIABLE)
    error = refused("no-solidity-compiler", checkout, "contracts/Purse.sol")
    assert str(checkout / "scripts" / "solc") in error.why


def test_the_projects_own_compiler_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOLC_VARIABLE)
    assert os.access(compiler._find_compiler(ROOT), os.X_OK)
