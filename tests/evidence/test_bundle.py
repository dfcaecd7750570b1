"""Bundles: one spelling, one digest, and a signature that fits nothing else."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle, evidence_digest, make_bundle, measured_of
from pyoutcome.evidence.bundles.filing import read_bundle, write_bundle
from pyoutcome.evidence.bundles.manifest import parse_bundle
from pyoutcome.evidence.bundles.measured import Finding, Measured
from pyoutcome.evidence.bundles.merkle import RecordTree, RecordTrees, digest_of_secret
from pyoutcome.evidence.recomputation import measure
from pyoutcome.evidence.sources.records import SourceDigest
from tests.evidence.deal import KEYS, agree, write_records

SALT = bytes(range(32))
SECRET = bytes(range(100, 132))
TREES = RecordTrees(digest_of_secret(SECRET), (RecordTree("flights", bytes(32), 3),))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    path = tmp_path_factory.mktemp("records") / "in.csv"
    write_records(path, [{}, {"delay": 15}, {"delay": 14}, {"carrier": "AA"}])
    return measure(agree(), {"flights": path}, [1])[0]


@pytest.fixture(scope="module")
def bundle(measured: Measured) -> Bundle:
    return make_bundle(agree(), measured, "UA", KEYS["UA"], SALT)


def changed(bundle: Bundle, **values: Any) -> bytes:
    """The bundle's file with some keys replaced, written canonically."""
    data: dict[str, Any] = json.loads(bundle.to_json())
    data.update(values)
    return rfc8785.dumps(data)


def refusal(data: bytes) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        parse_bundle(data)
    assert caught.value.fix
    return caught.value


def test_a_bundle_says_what_was_measured_and_from_what(bundle: Bundle, measured: Measured) -> None:
    data = json.loads(bundle.to_json())
    assert "0x" + agree().digest().hex() == data["agreement"]
    assert ("1", "UA", "pyoutcome-evidence/1") == (data["period"], data["supplier"], data["format"])
    [value] = data["values"]
    assert ("share", "UA", "2", "3", "0.6667") == tuple(
        value[name] for name in ("kpi", "provider", "numerator", "denominator", "value")
    )
    assert [("numerator", "2"), ("denominator", "3")] == [(each["name"], each["figure"]) for each in value["figures"]]
    assert "0.6667" == value["raw"]
    assert measured.values[0].query == value["query"]
    [source] = data["sources"]
    assert ("flights", "4") == (source["name"], source["rows"])
    [file] = source["files"]
    assert ("in.csv", source["sha256"], "4", source["bytes"]) == tuple(
        file[name] for name in ("name", "sha256", "rows", "bytes")
    )
    assert [("records-of-others", "warning", None)] == [
        (held["code"], held["severity"], held["rule"]) for held in data["findings"]
    ]


def test_numbers_are_strings_everywhere(bundle: Bundle) -> None:
    def leaves(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for held in value.values() for leaf in leaves(held)]
        if isinstance(value, list):
            return [leaf for held in value for leaf in leaves(held)]
        return [value]

    assert {str} == {type(leaf) for leaf in leaves(json.loads(bundle.to_json())) if leaf is not None}


def test_a_file_reads_back_as_the_same_bundle(bundle: Bundle, tmp_path: Path) -> None:
    path = write_bundle(bundle, tmp_path / "evidence")
    assert "period-01.UA.json" == path.name
    assert [path] == list(path.parent.iterdir())
    assert bundle == read_bundle(path)
    assert bundle.sources[0].files == read_bundle(path).sources[0].files
    assert bundle.digest() == read_bundle(path).digest()


def test_a_missing_value_and_a_count_read_back_too(measured: Measured) -> None:
    empty = make_bundle(agree(), measured, "B6", KEYS["B6"])
    assert [None] == [held.value for held in empty.values]
    assert empty == parse_bundle(empty.to_json())
    count = replace(empty, values=tuple(replace(held, denominator=None) for held in empty.values))
    assert count == parse_bundle(count.to_json())


def test_the_supplier_signed_the_typed_data_any_wallet_would_show(bundle: Bundle) -> None:
    typed = {
        "types": {
            "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "version", "type": "string"}],
            "Bundle": [
                {"name": "agreementDigest", "type": "bytes32"},
                {"name": "period", "type": "uint32"},
                {"name": "supplier", "type": "string"},
                {"name": "contentDigest", "type": "bytes32"},
            ],
        },
        "primaryType": "Bundle",
        "domain": {"name": "pyoutcome", "version": "1"},
        "message": {
            "agreementDigest": bundle.agreement_digest,
            "period": 1,
            "supplier": "UA",
            "contentDigest": keccak(bundle.content()),
        },
    }
    found = Account.recover_message(encode_typed_data(full_message=typed), signature=bundle.signature)
    assert KEYS["UA"].address == found == bundle.signed_by()


def test_every_field_is_under_the_signature(bundle: Bundle) -> None:
    other: dict[str, Any] = {
        "agreement_digest": bytes(32),
        "period": 2,
        "supplier": "B6",
        "sources": (SourceDigest("flights", bytes(32), 4, 9),),
        "values": (replace(bundle.values[0], numerator=3),),
        "findings": (*bundle.findings, Finding("x", "flights", 0, "y")),
        "salt": bytes(32),
        "trees": TREES,
    }
    # The secret is not signed, so that a proof can leave it out; its digest is, among the trees.
    assert {*other, "signature", "secret"} == {field.name for field in fields(bundle)}
    for name, value in other.items():
        assert KEYS["UA"].address != replace(bundle, **{name: value}).signed_by(), name


@pytest.mark.parametrize("signature", [b"", b"\0" * 65, b"\1" * 64, b"\xff" * 65])
def test_what_is_no_signature_is_refused(bundle: Bundle, signature: bytes) -> None:
    with pytest.raises(EvidenceError, match="bundle-signature"):
        replace(bundle, signature=signature).signed_by()


def test_two_bundles_of_the_same_figures_have_different_digests(measured: Measured) -> None:
    first, second = (make_bundle(agree(), measured, "UA", KEYS["UA"]) for _ in range(2))
    assert first.digest() != second.digest()
    assert 32 == len(first.salt)


def test_a_supplier_vouches_for_its_own_kpis_only(measured: Measured) -> None:
    assert ["share.B6"] == [held.name for held in measured_of(measured, "B6").values]
    assert ["records-of-others", "nothing-to-count"] == [held.code for held in measured_of(measured, "B6").findings]
    assert ["records-of-others"] == [held.code for held in measured_of(measured, "UA").findings]
    with pytest.raises(EvidenceError, match="nothing-measured"):
        measured_of(measured, "EV")


def test_the_evidence_digest_is_the_bundles_in_the_order_of_providers(bundle: Bundle, measured: Measured) -> None:
    other = make_bundle(agree(), measured, "B6", KEYS["B6"])
    expected = keccak(
        b'{"agreement":"0x'
        + agree().digest().hex().encode()
        + b'","bundles":["0x'
        + bundle.digest().hex().encode()
        + b'","0x'
        + other.digest().hex().encode()
        + b'"],"period":"1"}'
    )
    assert expected == evidence_digest([bundle, other], ["UA", "B6"]) == evidence_digest([other, bundle], ["UA", "B6"])


def test_the_evidence_digest_needs_one_bundle_of_each_provider_for_one_period(
    bundle: Bundle, measured: Measured
) -> None:
    other = make_bundle(agree(), measured, "B6", KEYS["B6"])
    late, foreign = replace(other, period=2), replace(other, agreement_digest=bytes(32))
    for bundles in ([], [bundle], [bundle, bundle], [bundle, other, other], [bundle, late], [bundle, foreign]):
        with pytest.raises(EvidenceError, match="bundles-incomplete"):
            evidence_digest(bundles, ["UA", "B6"])


def test_a_file_spelled_in_any_other_way_is_refused(bundle: Bundle) -> None:
    data = bundle.to_json()
    spaced = json.dumps(json.loads(data)).encode()
    turned = json.dumps(dict(reversed(json.loads(data).items())), separators=(",", ":")).encode()
    twice = data.replace(b'"period":"1"', b'"period":"1","period":"1"')
    escaped = data.replace(b'"supplier":"UA"', b'"supplier":"\\u0055A"')
    for other in (spaced, turned, twice, escaped, data + b"\n"):
        assert other != data
        assert "bundle-not-canonical" == refusal(other).code


@pytest.mark.parametrize(
    "values",
    [
        {"extra": "1"},
        {"period": 1},
        {"period": "0"},
        {"period": "01"},
        {"period": "-1"},
        {"agreement": "0x00"},
        {"agreement": "0x" + "AB" * 32},
        {"salt": "0x"},
        {"supplier": "../UA"},
        {"supplier": None},
        {"format": "pyoutcome-evidence/2"},
        {"values": {}},
        {"values": [{"kpi": "share"}]},
        {"signature": "0x0"},
        {"sources": [{"name": "flights", "sha256": "0x" + "00" * 32, "rows": "1e3", "bytes": "1"}]},
        {"records": None},
        {"records": {}},
        {"secret": None},
        {"secret": "0x" + "00" * 32},
    ],
)
def test_a_file_of_another_layout_is_refused(bundle: Bundle, values: dict[str, Any]) -> None:
    assert "bundle-malformed" == refusal(changed(bundle, **values)).code


def test_roots_and_their_secret_read_back_and_belong_together(measured: Measured) -> None:
    provable = make_bundle(agree(), measured, "UA", KEYS["UA"], SALT, trees=TREES, secret=SECRET)
    assert provable == parse_bundle(provable.to_json())
    assert SECRET.hex() not in repr(provable)
    without = replace(provable, secret=b"")
    assert without == parse_bundle(without.to_json())
    assert SECRET.hex().encode() not in without.to_json()
    assert provable.digest() == without.digest()
    assert "bundle-malformed" == refusal(changed(provable, secret="0x" + bytes(32).hex())).code
    assert "bundle-malformed" == refusal(changed(provable, records=None)).code


def test_a_digest_that_is_not_that_of_its_files_is_refused(bundle: Bundle) -> None:
    [source] = json.loads(bundle.to_json())["sources"]
    [file] = source["files"]
    for files in ([{**file, "rows": "3"}], [file, file], [{**file, "sha256": "0x" + "00" * 32}]):
        assert "bundle-malformed" == refusal(changed(bundle, sources=[{**source, "files": files}])).code


def test_a_name_of_a_file_that_is_no_text_is_kept_in_words(bundle: Bundle) -> None:
    [source] = bundle.sources
    odd = replace(source, files=(replace(source.files[0], name="in\udcff.csv"),))
    assert "in\\udcff.csv" == parse_bundle(replace(bundle, sources=(odd,)).to_json()).sources[0].files[0].name


@pytest.mark.parametrize("value", ["1.10", "0.10", "01", "+1", "1e5", ".5", "5.", "0x1", "nan", "-", "1" * 61, 0.5, 1])
def test_a_number_in_another_spelling_is_refused(bundle: Bundle, value: object) -> None:
    [held] = json.loads(bundle.to_json())["values"]
    assert "bundle-malformed" == refusal(changed(bundle, values=[{**held, "value": value}])).code


def test_a_negative_zero_is_no_number(bundle: Bundle) -> None:
    [held] = json.loads(bundle.to_json())["values"]
    assert "bundle-malformed" == refusal(changed(bundle, values=[{**held, "value": "-0"}])).code


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"null", b"[]", b"{}", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5000, b"NaN", b'"\\ud800"'],
)
def test_what_is_no_bundle_at_all_is_refused(data: bytes) -> None:
    assert "bundle-malformed" == refusal(data).code


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyoutcome.evidence.bundles.filing.LARGEST", 1000)
    (tmp_path / "long.json").write_bytes(b" " * 100_000)
    with pytest.raises(EvidenceError, match="more than 1000 bytes"):
        read_bundle(tmp_path / "long.json")
    with pytest.raises(EvidenceError, match="bundle-unreadable"):
        read_bundle(tmp_path / "absent.json")


@given(st.data())
def test_a_changed_byte_never_yields_another_bundle_with_the_same_signer(bundle: Bundle, data: st.DataObject) -> None:
    original = bundle.to_json()
    place = data.draw(st.integers(0, len(original) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != original[place]))
    text = original[:place] + bytes([other]) + original[place + 1 :]
    assert not accepted(text)


def accepted(text: bytes) -> bool:
    try:
        return parse_bundle(text).signed_by() == KEYS["UA"].address
    except EvidenceError:
        return False


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_our_own_error(data: bytes) -> None:
    assert refusal(data).code.startswith("bundle-")
