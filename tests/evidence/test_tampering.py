"""Tampering: whatever single byte is changed, of a bundle or of a counted record, nobody takes it for the original."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundle import Bundle, make_bundle
from pyoutcome.evidence.manifest import parse_bundle
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.verification import verify
from tests.evidence.deal import ADDRESSES, KEYS, agree, write_records

HEXADECIMAL = b"0123456789abcdef"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records") / "in.csv", [{"delay": 9}, {"delay": 60, "carrier": "B6"}])


@pytest.fixture(scope="module")
def bundles(path: Path) -> list[Bundle]:
    measured = Recomputation.read(agree(), {"flights": path}).measured(1)
    return [make_bundle(agree(), measured, provider, KEYS[provider], bytes(32)) for provider in agree().providers]


def read(data: bytes) -> Bundle | None:
    """What a reader makes of a file; None if it is refused."""
    try:
        return parse_bundle(data)
    except EvidenceError:
        return None


def signer(bundle: Bundle) -> str | None:
    try:
        return bundle.signed_by()
    except EvidenceError:
        return None


def test_no_changed_byte_of_a_bundle_keeps_what_is_signed(bundles: list[Bundle]) -> None:
    original = bundles[0].to_json()
    assert bundles[0] == read(original)
    start = original.index(b'"signature":"0x') + len(b'"signature":"0x')
    places = [place for place in range(len(original)) if not start <= place < start + 130]
    readable = 0
    for place in places:
        for bit in (1, 2, 16):
            text = original[:place] + bytes([original[place] ^ bit]) + original[place + 1 :]
            found = read(text)
            if found is not None:
                readable += 1
                assert found.signing_digest() != bundles[0].signing_digest(), place
    assert readable > 1000  # many changes make another bundle, and only the signature tells it from the true one


def test_no_changed_digit_of_a_signature_is_the_suppliers(bundles: list[Bundle]) -> None:
    original = bundles[0].to_json()
    start = original.index(b'"signature":"0x') + len(b'"signature":"0x')
    assert KEYS["UA"].address == signer(bundles[0])
    for place in range(start, start + 130):
        digit = HEXADECIMAL[(HEXADECIMAL.index(original[place]) + 1 + place % 15) % 16]
        found = read(original[:place] + bytes([digit]) + original[place + 1 :])
        assert found is not None
        assert KEYS["UA"].address != signer(found), place


def test_a_few_changed_bytes_are_refused_by_who_verifies(bundles: list[Bundle], path: Path) -> None:
    own = Recomputation.read(agree(), {"flights": path})
    assert verify(agree(), bundles, own, signers=ADDRESSES).values
    original = bundles[0].to_json()
    refused = set()
    for place in range(0, len(original), 97):
        found = read(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
        if found is not None:
            with pytest.raises(EvidenceError) as caught:
                verify(agree(), [found, bundles[1]], own, signers=ADDRESSES)
            refused.add(caught.value.code)
    assert "bundle-wrong-signer" in refused


def test_no_changed_byte_of_a_counted_record_is_verified(bundles: list[Bundle], path: Path, tmp_path: Path) -> None:
    original = path.read_bytes()
    start = original.index(b"\n") + 1
    end = original.index(b"\n", start) + 1
    other = tmp_path / "in.csv"
    refused: dict[str, int] = {}
    for place in range(start, end):
        other.write_bytes(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
        with pytest.raises(EvidenceError) as caught:
            verify(agree(), bundles, {"flights": other}, {"flights": path}, signers=ADDRESSES)
        refused[caught.value.code] = refused.get(caught.value.code, 0) + 1
    # Some no longer are records; of the rest some move a value, and the others are told as other records.
    assert {"records-malformed-value", "evidence-value-differs", "evidence-records-differ"} <= set(refused)
