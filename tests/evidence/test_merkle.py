"""The tree of hashes over records, beside figures of others and a second, recursive reading of the standard."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.evidence.bundles.merkle import SIZE, hash_leaf, hash_plain, leads_to, path_of, root_of, salt_of

ENTRIES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
ENTRIES.append(bytes(range(0x60, 0x70)))
# Roots over the first 1, 2, 3, 5, 7 and 8 of these entries, as the test data of Certificate Transparency have them.
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
hashes = st.binary(min_size=SIZE, max_size=SIZE)
many = st.lists(hashes, min_size=1, max_size=70)


def standard(leaves: list[bytes]) -> bytes:
    """Merkle Tree Hash, word for word after RFC 9162, section 2.1.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = max(2**power for power in range(10) if 2**power < len(leaves))
    return hashlib.sha256(b"\x01" + standard(leaves[:split]) + standard(leaves[split:])).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_of_the_standards_own_test_data(size: int) -> None:
    assert ROOTS[size] == root_of(hash_plain(entry) for entry in ENTRIES[:size]).hex()


def test_no_records_have_the_hash_of_nothing() -> None:
    assert "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == root_of([]).hex()


@given(st.lists(hashes, max_size=70))
def test_root_is_that_of_the_standard(leaves: list[bytes]) -> None:
    assert standard(leaves) == root_of(iter(leaves))


@given(many, st.data())
def test_every_record_is_shown_by_its_path(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = path_of(leaves, index)
    assert leads_to(root_of(leaves), leaves[index], index, len(leaves), path)
    assert len(path) <= max(1, len(leaves) - 1).bit_length()


@given(many, hashes, st.data())
def test_nothing_else_is(leaves: list[bytes], other: bytes, data: st.DataObject) -> None:
    """Another record, place, number of records, root or path, and a path that is cut or grows."""
    index, size, root = data.draw(st.integers(0, len(leaves) - 1)), len(leaves), root_of(leaves)
    leaf, path = leaves[index], path_of(leaves, index)
    elsewhere = data.draw(st.integers(-1, size + 1))
    assert leads_to(root, other, index, size, path) == (other == leaf)
    assert not leads_to(other, leaf, index, size, path) or other == root
    assert not leads_to(root, leaf, elsewhere, size, path) or leaves[elsewhere] == leaf
    assert not leads_to(root, leaf, index, size, (*path, other))
    assert not path or not leads_to(root, leaf, index, size, path[1:])
    for at in range(len(path)):
        changed = (*path[:at], other, *path[at + 1 :])
        assert leads_to(root, leaf, index, size, changed) == (changed == path)


def test_a_node_is_no_record() -> None:
    leaves = [hash_plain(entry) for entry in ENTRIES[:4]]
    node = root_of(leaves[:2])
    assert hash_plain(leaves[0] + leaves[1]) != node
    assert not leads_to(root_of(leaves), node, 0, 4, (root_of(leaves[2:]),))


@pytest.mark.parametrize("index", [-1, 3])
def test_no_path_for_a_record_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError, match="No leaf is followed"):
        path_of([bytes(SIZE)] * 3, index)


@given(hashes, hashes, st.binary(max_size=40), st.binary(max_size=40))
def test_salts_tell_nothing_of_one_another(secret: bytes, other: bytes, key: bytes, another: bytes) -> None:
    assert SIZE == len(salt_of(secret, key))
    assert (salt_of(secret, key) == salt_of(other, key)) == (secret == other)
    assert (salt_of(secret, key) == salt_of(secret, another)) == (key == another)
    assert (hash_leaf(salt_of(secret, key), b"1") == hash_leaf(salt_of(secret, another), b"1")) == (key == another)
