"""Tampering: whatever single byte is changed, of a bundle or of a counted record, nobody takes it for the original.

Here some values at every place, in turn others; ``scripts/fuzz evidence`` tries all 255 at each.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle
from pyoutcome.evidence.bundles.manifest import parse_bundle
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.verification import verify
from tests.evidence.deal import ADDRESSES
from tests.evidence.tampering import (
    FORMATS,
    agree_on,
    changes,
    digest_of,
    judge_bundle,
    judge_records,
    sign_bundles,
    write_small,
)

HEXADECIMAL = b"0123456789abcdef"
VERIFIED = 8
"""Changed files of each format that are verified whole; each needs an engine."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {form: write_small(tmp_path_factory.mktemp(form), form) for form in FORMATS}


@pytest.fixture(scope="module")
def bundles(files: dict[str, Path]) -> list[Bundle]:
    return sign_bundles("csv", files["csv"])


def test_changes_are_all_the_other_values_of_one_byte() -> None:
    found = list(changes(b"abc", 1))
    assert {data[1] for data in found} == set(range(256)) - {ord("b")}
    assert {(data[:1], data[2:]) for data in found} == {(b"a", b"c")}
    assert 5 == len({data[0] for data in changes(b"a", 0, 5)})


def test_no_changed_byte_of_a_bundle_keeps_what_is_signed(bundles: list[Bundle]) -> None:
    original = bundles[0].to_json()
    signer = ADDRESSES["UA"]
    assert bundles[0] == parse_bundle(original)
    assert "accepted" == judge_bundle(original, signer)
    found = Counter(
        judge_bundle(data, signer) for place in range(len(original)) for data in changes(original, place, 8)
    )
    assert 8 * len(original) == found.total()
    assert 0 == found["accepted"]
    # Many changes make another bundle, and only the signature tells it from the true one.
    assert found["bundle-wrong-signer"] > 500
    assert {"bundle-malformed", "bundle-wrong-signer"} <= set(found)


def test_no_changed_digit_of_a_signature_is_the_suppliers(bundles: list[Bundle]) -> None:
    original = bundles[0].to_json()
    start = original.index(b'"signature":"0x') + len(b'"signature":"0x')
    for place in range(start, start + 130):
        digit = HEXADECIMAL[(HEXADECIMAL.index(original[place]) + 1 + place % 15) % 16]
        changed = original[:place] + bytes([digit]) + original[place + 1 :]
        assert judge_bundle(changed, ADDRESSES["UA"]) in {"bundle-signature", "bundle-wrong-signer"}


def test_a_few_changed_bytes_are_refused_by_who_verifies(bundles: list[Bundle], files: dict[str, Path]) -> None:
    agreement = agree_on("csv")
    own = Recomputation.read(agreement, {"flights": files["csv"]})
    assert verify(agreement, bundles, own, signers=ADDRESSES).values
    original = bundles[0].to_json()
    refused = set()
    for place in range(0, len(original), 97):
        for changed in changes(original, place, 40):
            try:
                found = parse_bundle(changed)
            except EvidenceError:
                continue
            with pytest.raises(EvidenceError) as caught:
                verify(agreement, [found, bundles[1]], own, signers=ADDRESSES)
            refused.add(caught.value.code)
    assert "bundle-wrong-signer" in refused


@pytest.mark.parametrize(("form", "values"), [("csv", 4), ("json", 4), ("parquet", 1)])
def test_no_changed_byte_of_a_counted_record_keeps_the_digest(files: dict[str, Path], form: str, values: int) -> None:
    original = files[form].read_bytes()
    digest = digest_of(original, form)
    assert "accepted" == judge_records(original, form, digest)
    places = range(0, len(original), 19 if form == "parquet" else 1)
    found = Counter(judge_records(data, form, digest) for at in places for data in changes(original, at, values))
    assert 0 == found["accepted"]
    assert found["other-digest"] > 10


@pytest.mark.parametrize("form", FORMATS)
def test_no_changed_byte_of_a_counted_record_is_verified(files: dict[str, Path], tmp_path: Path, form: str) -> None:
    agreement, path = agree_on(form), files[form]
    bundles, original = sign_bundles(form, path), path.read_bytes()
    assert verify(agreement, bundles, {"flights": path}, signers=ADDRESSES).values
    digest = digest_of(original, form)
    readable = [
        data
        for place in range(3, len(original), len(original) // 40)
        for data in changes(original, place, 1 if form == "parquet" else 4)
        if judge_records(data, form, digest) == "other-digest"
    ]
    other = tmp_path / path.name
    for data in readable[:: max(len(readable) // VERIFIED, 1)]:
        other.write_bytes(data)
        with pytest.raises(EvidenceError):
            verify(agreement, bundles, {"flights": other}, signers=ADDRESSES)


def test_what_no_value_shows_is_told_as_other_records(files: dict[str, Path], tmp_path: Path) -> None:
    bundles, path = sign_bundles("csv", files["csv"]), files["csv"]
    other = tmp_path / "in.csv"
    for old, new, code in (
        (b",9,", b",8,", "evidence-records-differ"),
        (b",9,", b",19,", "evidence-value-differs"),
        (b",9,", b",x,", "records-malformed-value"),
    ):
        other.write_bytes(path.read_bytes().replace(old, new))
        with pytest.raises(EvidenceError) as caught:
            verify(agree_on("csv"), bundles, {"flights": other}, {"flights": path}, signers=ADDRESSES)
        assert code == caught.value.code
