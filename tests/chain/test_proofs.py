"""A block's header and receipts prove what was logged in it, on the embedded chain and on a node."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.chain.proofs import Proof, make_proof, read_proof
from pyoutcome.errors import ChainError
from tests.chain.conftest import refused
from tests.chain.scene import Scene


def test_every_block_of_a_story_is_proven(active: Scene) -> None:
    active.settle(1, active.values("0.5", "0.25"))
    network, address = active.network, active.escrow.address
    logs = network.logs((address,), 0, network.head().number)
    assert len(logs) > 3
    for number in range(network.head().number + 1):
        proof = network.proof(number)
        assert proof is not None
        found = read_proof(proof)
        block = network.require_block(number)
        assert (block.number, block.hash, block.timestamp) == (found.number, found.hash, found.timestamp)
        own = [log for log in logs if log.block == number]
        assert found.agrees(own, address)
        if own:
            assert not found.agrees(own[1:], address)
            assert not found.agrees([replace(own[0], data=own[0].data + b"\0"), *own[1:]], address)
            assert not found.agrees([replace(own[0], timestamp=0), *own[1:]], address)
            with refused("bad-proof"):
                read_proof(Proof(proof.header, ()))
            cut = bytes([*proof.receipts[0][:-1], proof.receipts[0][-1] ^ 1])
            with refused("bad-proof"):
                read_proof(Proof(proof.header, (cut, *proof.receipts[1:])))
            other = read_proof(Proof(proof.header[:-1] + bytes([proof.header[-1] ^ 1]), proof.receipts))
            assert block.hash != other.hash
            assert not other.agrees(own, address)


def test_a_header_that_does_not_hash_to_its_block_proves_nothing() -> None:
    zero = "0x" + "00" * 32
    block = {"hash": zero, "receiptsRoot": zero, "number": "0x1"}
    assert make_proof(block, []) is None


@given(st.binary(max_size=700), st.lists(st.binary(max_size=50), max_size=3))
def test_bytes_of_anybody_end_in_an_error_of_our_own(header: bytes, receipts: list[bytes]) -> None:
    with pytest.raises(ChainError, match="bad-proof"):
        read_proof(Proof(header, tuple(receipts)))
