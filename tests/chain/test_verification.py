"""Before anyone signs or pays: what stands on the chain is compared with what it should be, byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from eth_abi.abi import decode, encode
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.artifact import load_artifact
from pyoutcome.chain.blocks import Call
from pyoutcome.chain.factory import FactoryClient
from pyoutcome.chain.parts import PARTS, PASSES_ON, SHARED, read_immutables
from tests.chain.conftest import refused
from tests.chain.scene import Scene, scene_on


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An honest offer; each test sees the chain through a liar's eyes."""
    with scene_on("embedded", tmp_path_factory.mktemp("chain")) as found:
        yield found


def fresh(scene: Scene) -> FactoryClient:
    """A client that remembers nothing."""
    return FactoryClient(scene.network, scene.factory.address)


def pretend_code(scene: Scene, patch: pytest.MonkeyPatch, address: str, code: bytes) -> None:
    """The network shows other code at the address."""
    honest = scene.network.code
    patch.setattr(scene.network, "code", lambda asked: code if asked == address else honest(asked))


def pretend_answer(scene: Scene, patch: pytest.MonkeyPatch, function: str, answer: bytes) -> None:
    """The network answers another thing to one function, whoever is asked."""
    honest = scene.network.call
    selector = {**scene.factory.interface.functions, **scene.escrow.interface.functions}[function].selector
    patch.setattr(
        scene.network, "call", lambda call, block=None: answer if call.data[:4] == selector else honest(call, block)
    )


def test_the_honest_deployment_passes(scene: Scene) -> None:
    assert scene.escrow.address == fresh(scene).verify_deployed(scene.deal).address


def test_a_factory_that_predicts_another_address_or_terms_hash_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Call(
        scene.outsider.address,
        scene.factory.address,
        scene.factory.interface.encode("predict", scene.deal.as_offer()),
    )
    escrow, terms_hash = decode(["address", "bytes32"], scene.network.call(call))
    for lie in ((scene.outsider.address, terms_hash), (escrow, keccak(b"other terms"))):
        with monkeypatch.context() as patch:
            pretend_answer(scene, patch, "predict", encode(["address", "bytes32"], lie))
            with refused("prediction-differs"):
                fresh(scene).predict(scene.deal)


def test_a_factory_with_one_other_byte_is_caught(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    code = bytearray(scene.network.code(scene.factory.address))
    code[-1] ^= 1
    pretend_code(scene, monkeypatch, scene.factory.address, bytes(code))
    with refused("foreign-code"):
        fresh(scene).verify()


def test_a_shared_implementation_with_one_other_byte_is_caught(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = scene.factory.implementation
    code = bytearray(scene.network.code(shared))
    code[100] ^= 1
    pretend_code(scene, monkeypatch, shared, bytes(code))
    with refused("foreign-code"):
        fresh(scene).verify_deployed(scene.deal)


def test_an_implementation_set_up_for_another_factory_is_caught(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code is ours; a value that its constructor fixed is not."""
    shared = scene.factory.implementation
    pretend_code(scene, monkeypatch, shared, with_value(scene, shared, "OutcomeEscrow", "factory"))
    with refused("foreign-code") as info:
        fresh(scene).verify()
    assert "another factory or chain" in info.value.why


def with_value(scene: Scene, address: str, artifact: str, name: str) -> bytes:
    """The code at an address with an outsider's address for one of its fixed values."""
    code = bytearray(scene.network.code(address))
    places = load_artifact(artifact).immutables[name]
    assert places
    for place in places:
        code[place : place + 32] = to_canonical_address(scene.outsider.address).rjust(32, b"\0")
    return bytes(code)


def part_addresses(scene: Scene) -> dict[str, str]:
    """Where the parts of the escrows' implementation are, by name."""
    found = {SHARED: scene.factory.implementation}
    for name, further in PASSES_ON.items():
        values = read_immutables(scene.network.code(found[name]), load_artifact(name))
        assert values is not None
        found.update({part: to_checksum_address(values[place][12:]) for place, part in further.items()})
    return found


@pytest.mark.parametrize("part", PARTS)
def test_a_part_with_one_other_byte_is_caught(scene: Scene, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    address = part_addresses(scene)[part]
    code = bytearray(scene.network.code(address))
    code[100] ^= 1
    pretend_code(scene, monkeypatch, address, bytes(code))
    with refused("foreign-code") as info:
        fresh(scene).verify_deployed(scene.deal)
    assert part in info.value.why


@pytest.mark.parametrize("part", [name for name, further in PASSES_ON.items() if further])
def test_a_part_that_passes_calls_on_elsewhere_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    address = part_addresses(scene)[part]
    for place in PASSES_ON[part]:
        with monkeypatch.context() as patch:
            pretend_code(scene, patch, address, with_value(scene, address, part, place))
            with refused("foreign-code"):
                fresh(scene).verify()


def test_a_value_that_is_not_the_same_everywhere_is_caught(scene: Scene) -> None:
    artifact = load_artifact(SHARED)
    first, *others = artifact.immutables["factory"]
    assert others
    code = bytearray(scene.network.code(scene.factory.implementation))
    assert read_immutables(bytes(code), artifact) is not None
    code[first + 31] ^= 1
    assert read_immutables(bytes(code), artifact) is None


def test_a_factory_for_another_chain_is_caught(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_answer(scene, monkeypatch, "domainSeparator", keccak(b"another chain"))
    with refused("foreign-code"):
        fresh(scene).verify()


def test_an_escrow_with_other_terms_in_its_code_is_caught(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    code = scene.network.code(scene.escrow.address)
    other = replace(scene.deal, nonce=5)
    for lie in (
        code[:-1] + b"\0",
        code + b"\0",
        code[:0x2D],
        other.clone_code(scene.factory.address, scene.factory.implementation, other.terms.digest(scene.domain)),
    ):
        assert lie != code
        with monkeypatch.context() as patch:
            pretend_code(scene, patch, scene.escrow.address, lie)
            with refused("foreign-code"):
                fresh(scene).verify_deployed(scene.deal)


@pytest.mark.parametrize("function", ["factory", "termsHash"])
def test_an_escrow_that_answers_for_another_deal_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    pretend_answer(scene, monkeypatch, function, bytes(12) + b"\1" * 20)
    with refused("foreign-code"):
        fresh(scene).verify_deployed(scene.deal)
