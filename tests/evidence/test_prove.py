"""Proofs of single records: what they show, that they show nothing else, and that nothing about them can be changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.errors import EvidenceError, PyoutcomeError
from pyoutcome.evidence.bundles.bundle import Bundle, make_bundle
from pyoutcome.evidence.bundles.merkle import RecordTree, RecordTrees
from pyoutcome.evidence.proofs.checking import check_proof
from pyoutcome.evidence.proofs.leaves import Leaf
from pyoutcome.evidence.proofs.proof import Proof, parse_proof, proof_name, read_proof
from pyoutcome.evidence.proofs.proving import make_proof
from pyoutcome.evidence.proofs.record_trees import build_trees, follow_record
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.verification import verify
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import ADDRESSES, KEYS, MEASURE, TEXT, agree, write_records

SECRET = bytes(range(100, 132))
Rows = list[Mapping[str, object]]
ROWS: Rows = [
    {"delay": 7},
    {"delay": 60, "departed": 1111},
    {"carrier": "B6", "delay": 8, "departed": 2222},
    {"delay": "NA", "departed": 3333},
    {"at": "2013-03-10T12:00:00Z", "delay": 9, "departed": 4444},
    {"delay": 5678, "departed": 5555, "local": "2013-02-11T07:08:09.101112"},
]


def sign(agreement: Agreement, path: Path, supplier: str = "UA", period: int = 1, secret: bytes = SECRET) -> Bundle:
    """A provider's bundle with roots."""
    own = Recomputation.read(agreement, {"flights": path})
    trees = build_trees(own, {(period, supplier): secret})[period, supplier]
    return make_bundle(
        agreement, own.measured(period, [supplier]), supplier, KEYS[supplier], bytes(32), trees=trees, secret=secret
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records") / "in.csv", ROWS)


@pytest.fixture(scope="module")
def bundle(path: Path) -> Bundle:
    return sign(agree(), path)


@pytest.fixture(scope="module")
def proof(bundle: Bundle, path: Path) -> Proof:
    return make_proof(agree(), bundle, "flights", {"id": "2"}, path)


def refused(proof: Proof, agreement: Agreement | None = None, signer: str | None = None) -> str:
    with pytest.raises(EvidenceError) as caught:
        check_proof(proof, agreement, signer=signer)
    return caught.value.code


def resigned(proof: Proof, **changes: Any) -> Proof:
    """What a supplier could sign that does not keep to the agreement: a tree of this one leaf."""
    leaf = replace(proof.leaf, **changes)
    trees = RecordTrees(bytes(32), (RecordTree("flights", leaf.hashed(proof.salt), 1),))
    bundle = replace(proof.bundle, trees=trees)
    signed = replace(bundle, signature=KEYS["UA"].sign(bundle.signing_digest()))
    return replace(proof, bundle=signed, leaf=leaf, index=0, path=())


# What a proof shows


def test_a_proof_shows_one_record_and_what_it_was_counted_for(proof: Proof) -> None:
    for agreement in (None, agree()):
        shown = check_proof(proof, agreement, signer=ADDRESSES["UA"])
        assert (ADDRESSES["UA"], "UA", 1, "flights", 4) == (
            shown.signer, shown.supplier, shown.period, shown.source, shown.records,
        )  # fmt: skip
        assert ("2", "60", "1111") == (shown.record["id"], shown.record["delay"], shown.record["departed"])
        assert {"share.UA": ("denominator",)} == shown.counted
        assert (agreement is not None) == shown.by_agreement


def test_a_value_that_is_missing_is_told_as_missing(bundle: Bundle, path: Path) -> None:
    proof = make_proof(agree(), bundle, "flights", {"id": "4"}, path)
    assert proof.leaf.record["delay"] is None
    assert {"share.UA": ("denominator",)} == check_proof(proof, agree()).counted


def test_a_file_reads_back_as_the_same_proof(proof: Proof, tmp_path: Path) -> None:
    assert proof == parse_proof(proof.to_json())
    (tmp_path / "proof.json").write_bytes(proof.to_json())
    assert proof == read_proof(tmp_path / "proof.json")
    assert "period-01.UA.proof-flights-1.json" == proof_name(proof)
    with pytest.raises(EvidenceError, match="proof-unreadable"):
        read_proof(tmp_path / "absent.json")


def test_nothing_is_told_of_other_records(tmp_path: Path) -> None:
    """No value of theirs, not their key, no salt, and not the secret that salts come from."""
    marks = [f"2013-02-1{place}T01:02:03.{place}47{place}59" for place in range(8)]
    rows: Rows = [{"id": 8100 + place, "local": mark, "delay": 7000 + place} for place, mark in enumerate(marks)]
    records = write_records(tmp_path / "in.csv", rows)
    bundle = sign(agree(), records)
    proofs = [make_proof(agree(), bundle, "flights", {"id": str(row["id"])}, records) for row in rows]
    for own, (row, proof) in enumerate(zip(rows, proofs, strict=True)):
        text = proof.to_json().decode()
        told = [place for place, mark in enumerate(marks) if mark[10:] in text]
        assert [own] == told
        for name, quoted in (("id", '"id":"{}"'), ("delay", '"delay":"{}"')):
            assert [row[name]] == [other[name] for other in rows if quoted.format(other[name]) in text]
        assert [proof.salt.hex()] == [other.salt.hex() for other in proofs if other.salt.hex() in text]
        assert SECRET.hex() not in text
    assert len(rows) == len({proof.salt for proof in proofs})


def test_a_proof_grows_with_the_logarithm_of_the_records(tmp_path: Path) -> None:
    sizes, paths = [], []
    for count in (16, 256, 4096):
        records = write_records(tmp_path / f"{count}.csv", [{}] * count)
        proof = make_proof(agree(), sign(agree(), records), "flights", {"id": "3"}, records)
        assert count == check_proof(proof).records
        sizes.append(len(proof.to_json()))
        paths.append(len(proof.path))
    assert [4, 8, 12] == paths
    # Four hashes of 69 characters, and a few digits of counts.
    assert all(0 < later - before < 4 * 69 + 30 for before, later in pairwise(sizes))


def test_two_parties_with_the_same_records_in_any_order_get_one_root(tmp_path: Path, path: Path) -> None:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    (tmp_path / "a.csv").write_text("\n".join([header, *lines[:1:-1]]) + "\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("\n".join([header, *lines[:2]]) + "\n", encoding="utf-8")
    whole, _ = follow_record(agree(), 1, "UA", SECRET, "flights", ["1"], path)
    parts, _ = follow_record(agree(), 1, "UA", SECRET, "flights", ["1"], [tmp_path / "a.csv", tmp_path / "b.csv"])
    other, _ = follow_record(agree(), 1, "UA", bytes(32), "flights", ["1"], path)
    assert whole == parts
    assert whole.root != other.root


# Which records are looked at, and which count


@pytest.mark.parametrize(
    ("measure", "rows", "counted"),
    [
        (MEASURE, [{"at": "2013-02-01T04:59:59Z"}, {"at": "2013-02-01T05:00:00Z"}, {"at": "NA"}], {2: "nd"}),
        (MEASURE + ", where: departed > 5", [{"departed": 5}, {"departed": 6}, {"departed": "NA"}],
         {1: "", 2: "nd", 3: ""}),
        (MEASURE + ", denominator: delay > 0", [{"delay": 0}, {"delay": 1}, {"delay": 99}], {1: "", 2: "nd", 3: "d"}),
        (MEASURE + ", except: {flags: [done]}", [{"done": "true"}, {"done": "false"}, {"done": "NA"}],
         {1: "", 2: "nd", 3: "nd"}),
        # The latest of an item counts; its other records are looked at in their own periods.
        (MEASURE + ", grain: {item: [departed], version: latest, by: [at]}",
         [{"at": "2013-02-11T00:00:00Z"}, {"at": "2013-02-12T00:00:00Z"}, {"departed": 7, "at": "2013-02-12T00:00:00Z"},
          {"departed": 7, "at": "2013-03-12T00:00:00Z"}], {1: "", 2: "nd", 3: ""}),
    ],
)  # fmt: skip
def test_what_is_looked_at_and_what_counts(tmp_path: Path, measure: str, rows: Rows, counted: dict[int, str]) -> None:
    agreement = agree(measure)
    records = write_records(tmp_path / "in.csv", rows)
    bundle = sign(agreement, records)
    figures = {"": (), "d": ("denominator",), "nd": ("numerator", "denominator")}
    for record in range(1, len(rows) + 1):
        if record not in counted:
            with pytest.raises(EvidenceError, match="proof-record-unknown"):
                make_proof(agreement, bundle, "flights", {"id": str(record)}, records)
            continue
        shown = check_proof(make_proof(agreement, bundle, "flights", {"id": str(record)}, records), agreement)
        assert figures[counted[record]] == shown.counted.get("share.UA", ())
        assert (not counted[record]) == ("share.UA" in shown.not_counted)
        assert len(counted) == shown.records


STATES = "anchor: at, provider: carrier, item: [departed], state: delay < 15"


def test_of_states_the_one_that_reaches_into_the_period_is_looked_at(tmp_path: Path) -> None:
    agreement = Agreement.parse(written(f"{STATES}, rounding: half_up").replace("kind: ratio", "kind: time_share"))
    rows: Rows = [
        {"at": "2013-01-01T00:00:00Z"},  # over before the term
        {"at": "2013-01-02T00:00:00Z"},  # carries its state in
        {"at": "2013-02-10T00:00:00Z", "delay": 20},
        {"at": "2013-03-20T00:00:00Z"},
    ]
    records = write_records(tmp_path / "in.csv", rows)
    shown = {}
    bundle = sign(agreement, records)
    for record in (2, 3):
        proof = make_proof(agreement, bundle, "flights", {"id": str(record)}, records)
        shown[record] = check_proof(proof, agreement).counted["share.UA"]
    assert {2: ("numerator", "denominator"), 3: ("denominator",)} == shown
    for record in (1, 4):
        with pytest.raises(EvidenceError, match="proof-record-unknown"):
            make_proof(agreement, bundle, "flights", {"id": str(record)}, records)


def written(measure: str) -> str:
    """The agreement's file."""
    return TEXT.format(measure=measure, per="provider", to="per: provider, ", of="share")


def test_a_late_record_is_looked_at_and_does_not_count(tmp_path: Path) -> None:
    text = written(MEASURE + ", denominator: everything, rounding: half_up")
    late = Agreement.parse(text.replace("late: counts", "late: {column: local, within: 5 days}"))
    rows: Rows = [{"local": "2013-03-05T00:00:00"}, {"local": "2013-03-07T00:00:00"}, {"local": "NA"}]
    records = write_records(tmp_path / "in.csv", rows)
    bundle = sign(late, records)
    shown = [
        check_proof(make_proof(late, bundle, "flights", {"id": key}, records), late).counted.get("share.UA", ())
        for key in "123"
    ]
    assert [("numerator", "denominator"), (), ()] == shown


def test_what_is_left_out_takes_no_place_among_versions_or_states(tmp_path: Path) -> None:
    """A late version leaves the one before it the latest; a record that `where` passes over ends no state."""
    measure = (
        MEASURE + ", denominator: everything, rounding: half_up, grain: {item: [departed], version: latest, by: [at]}"
    )
    late = Agreement.parse(written(measure).replace("late: counts", "late: {column: local, within: 5 days}"))
    rows: Rows = [
        {"at": "2013-02-11T00:00:00Z"},
        {"at": "2013-02-12T00:00:00Z", "local": "2013-03-07T00:00:00"},
        {"at": "2013-02-13T00:00:00Z", "departed": "NA"},
    ]
    records = write_records(tmp_path / "versions.csv", rows)
    bundle = sign(late, records)
    proofs = [make_proof(late, bundle, "flights", {"id": key}, records) for key in "123"]
    assert [True, False, False] == ["share.UA" in check_proof(proof, late).counted for proof in proofs]
    states = written(f"{STATES}, where: done, rounding: half_up").replace("kind: ratio", "kind: time_share")
    agreement = Agreement.parse(states)
    rows = [{"at": "2013-02-11T00:00:00Z"}, {"at": "2013-02-28T00:00:00Z", "done": "false"}]
    records = write_records(tmp_path / "states.csv", rows)
    bundle = sign(agreement, records, period=2)
    proof = make_proof(agreement, bundle, "flights", {"id": "1"}, records)  # its state reaches into March
    assert ("numerator", "denominator") == check_proof(proof, agreement).counted["share.UA"]
    with pytest.raises(EvidenceError, match="proof-record-unknown"):
        make_proof(agreement, bundle, "flights", {"id": "2"}, records)


# Making one


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ({"id": "3"}, "proof-record-unknown"),  # another provider's
        ({"id": "5"}, "proof-record-unknown"),  # another period's
        ({"id": "99"}, "proof-record-unknown"),
        ({"id": "1.5"}, "proof-key"),
        ({"id": ""}, "proof-key"),
        ({}, "proof-key"),
        ({"id": "1", "carrier": "UA"}, "proof-key"),
        ({"idd": "1"}, "proof-key"),
    ],
)
def test_a_record_that_cannot_be_proven(bundle: Bundle, path: Path, key: dict[str, str], code: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        make_proof(agree(), bundle, "flights", key, path)
    assert code == caught.value.code


def test_a_key_may_be_written_as_in_the_records(bundle: Bundle, path: Path, proof: Proof) -> None:
    assert proof == make_proof(agree(), bundle, "flights", {"id": "002"}, path)


def test_a_bundle_that_does_not_serve(bundle: Bundle, path: Path, tmp_path: Path) -> None:
    plain = replace(bundle, trees=None, secret=b"")
    other = write_records(tmp_path / "in.csv", [*ROWS, {}])
    for held, records, code in (
        (plain, path, "bundle-without-tree"),
        (replace(bundle, secret=b""), path, "bundle-without-secret"),
        (bundle, other, "evidence-root-differs"),
        (replace(bundle, agreement_digest=bytes(32)), path, "bundle-for-another-agreement"),
    ):
        with pytest.raises(EvidenceError) as caught:
            make_proof(agree(), held, "flights", {"id": "1"}, records)
        assert code == caught.value.code


# Verification recomputes the roots


def both(path: Path) -> list[Bundle]:
    return [sign(agree(), path, supplier) for supplier in ("UA", "B6")]


def test_a_verifier_works_out_the_same_roots(path: Path) -> None:
    assert 1 == verify(agree(), both(path), {"flights": path}, signers=ADDRESSES).period


@pytest.mark.parametrize(
    "tree",
    [
        lambda tree: replace(tree, root=bytes(32)),
        lambda tree: replace(tree, leaves=tree.leaves + 1),
        lambda tree: replace(tree, source="other"),
        None,
    ],
)
def test_a_root_of_other_records_is_refused_although_values_and_files_agree(path: Path, tree: Any) -> None:
    united, jet = both(path)
    assert united.trees is not None
    [held] = united.trees.trees
    for trees in ((), (held, held)) if tree is None else ((tree(held),),):
        false = replace(united, trees=replace(united.trees, trees=trees))
        false = replace(false, signature=KEYS["UA"].sign(false.signing_digest()))
        with pytest.raises(EvidenceError, match="evidence-root-differs"):
            verify(agree(), [false, jet], {"flights": path}, signers=ADDRESSES)


def test_a_root_cannot_be_verified_without_its_secret(path: Path) -> None:
    united, jet = both(path)
    with pytest.raises(EvidenceError, match="bundle-without-secret"):
        verify(agree(), [replace(united, secret=b""), jet], {"flights": path}, signers=ADDRESSES)


def test_records_that_change_between_measuring_and_the_root_are_noticed(tmp_path: Path) -> None:
    records = write_records(tmp_path / "in.csv", ROWS)
    own = Recomputation.read(agree(), {"flights": records})
    write_records(records, [*ROWS, {}])
    with pytest.raises(EvidenceError, match="records-changed"):
        build_trees(own, {(1, "UA"): SECRET})


# Hostile proofs


def test_no_changed_byte_of_a_proof_is_accepted(proof: Proof) -> None:
    """Every byte, in three ways; what can still be read has another signer, or does not lead to the root."""
    original = proof.to_json()
    codes: dict[str, int] = {}
    for place in range(len(original)):
        for bit in (1, 2, 16):
            text = original[:place] + bytes([original[place] ^ bit]) + original[place + 1 :]
            with pytest.raises(PyoutcomeError) as caught:
                check_proof(parse_proof(text))
            codes[caught.value.code] = codes.get(caught.value.code, 0) + 1
    assert {"proof-malformed", "proof-not-canonical", "proof-signature", "proof-path"} <= set(codes)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_byte_is_added_taken_or_put_in_place_of_another(proof: Proof, data: st.DataObject) -> None:
    original = proof.to_json()
    place = data.draw(st.integers(0, len(original) - 1))
    inserted = data.draw(st.binary(max_size=3))
    text = original[:place] + inserted + original[place + data.draw(st.integers(0, 2)) :]
    if text != original:
        with pytest.raises(PyoutcomeError):
            check_proof(parse_proof(text))


def test_another_signer_than_the_one_expected(proof: Proof, bundle: Bundle) -> None:
    assert "proof-signature" == refused(proof, signer=ADDRESSES["B6"])
    assert "proof-signature" == refused(replace(proof, signer=ADDRESSES["B6"]), signer=ADDRESSES["UA"])
    stolen = replace(proof, bundle=replace(proof.bundle, signature=KEYS["B6"].sign(bundle.signing_digest())))
    assert "proof-signature" == refused(stolen)
    assert ADDRESSES["B6"] == check_proof(replace(stolen, signer=ADDRESSES["B6"])).signer  # who asks must know whom
    assert "proof-signature" == refused(replace(stolen, signer=ADDRESSES["B6"]), signer=ADDRESSES["UA"])


def test_another_place_record_or_figure_leads_nowhere(proof: Proof) -> None:
    leaf = proof.leaf
    for other in (
        replace(proof, index=proof.index + 1),
        replace(proof, index=10**18),
        replace(proof, path=proof.path[1:]),
        replace(proof, path=(*proof.path, bytes(32))),
        replace(proof, salt=bytes(32)),
        replace(proof, leaf=Leaf({**leaf.record, "delay": "6"}, leaf.counted)),
        replace(proof, leaf=Leaf(leaf.record, {"share.UA": ("numerator", "denominator")})),
        replace(proof, leaf=Leaf(leaf.record, {})),
    ):
        assert "proof-path" == refused(other)
    assert "bundle-without-tree" == refused(replace(proof, source="other"))
    rootless = replace(proof.bundle, trees=None)
    signed = replace(rootless, signature=KEYS["UA"].sign(rootless.signing_digest()))
    assert "bundle-without-tree" == refused(replace(proof, bundle=signed))


def test_a_supplier_cannot_sign_what_the_agreement_does_not_say(proof: Proof) -> None:
    record = dict(proof.leaf.record)
    assert check_proof(resigned(proof), agree()).by_agreement
    signed: tuple[dict[str, Any], ...] = (
        {"counted": {"share.UA": ("numerator", "denominator")}},
        {"counted": {}},
        {"counted": {"share.UA": ("denominator",), "share.B6": ("denominator",)}},
        {"record": {**record, "at": "2013-03-02T12:00:00.000000Z"}},
        {"record": {**record, "at": "2013-02-02T12:00:00Z"}},
        {"record": {**record, "at": "2013-02-30T12:00:00.000000Z"}},
        {"record": {**record, "carrier": "B6"}},
        {"record": {**record, "carrier": "NA"}},
        {"record": {**record, "carrier": ""}},
        {"record": {**record, "delay": "060"}},
        {"record": {**record, "delay": "6" * 50}},
        {"record": {**record, "delay": "60'"}},
        {"record": {**record, "done": "True"}},
        {"record": {**record, "more": "1"}},
        {"record": {name: text for name, text in record.items() if name != "local"}},
    )
    for changes in signed:
        held = resigned(proof, **changes)
        assert not check_proof(held).by_agreement  # signed, in the tree; only the agreement tells
        assert "proof-record" == refused(held, agree()), changes
    assert "bundle-for-another-agreement" == refused(proof, agree(MEASURE + ", where: delay > 0"))


def test_of_a_version_of_an_item_the_leaf_may_tell_less_than_the_record_alone_not_more(tmp_path: Path) -> None:
    agreement = agree(MEASURE + ", grain: {item: [departed], version: latest, by: [at]}")
    records = write_records(tmp_path / "in.csv", [{"delay": 60}, {"at": "2013-02-12T00:00:00Z"}])
    proof = make_proof(agreement, sign(agreement, records), "flights", {"id": "1"}, records)
    assert () == check_proof(proof, agreement).counted.get("share.UA", ())
    assert check_proof(resigned(proof, counted={"share.UA": ("denominator",)}), agreement).counted
    more = resigned(proof, counted={"share.UA": ("numerator", "denominator")})
    assert "proof-record" == refused(more, agreement)


def changed(proof: Proof, **values: Any) -> bytes:
    return rfc8785.dumps(json.loads(proof.to_json()) | values)


@pytest.mark.parametrize(
    "values",
    [
        {"extra": "1"},
        {"format": "pyoutcome-proof/2"},
        {"index": "01"},
        {"index": 1},
        {"salt": "0x00"},
        {"path": ["0x" + "00" * 32] * 65},
        {"record": {"id": 1}},
        {"record": {"../id": "1"}},
        {"record": {f"c{place}": "1" for place in range(501)}},
        {"counted": {"share.UA.x": []}},
        {"counted": {"share.UA": "numerator"}},
        {"signer": "0x" + "ab" * 20},
        {"bundle": {}},
        {"source": "../flights"},
    ],
)
def test_a_file_of_another_layout_is_refused(proof: Proof, values: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError, match="proof-malformed"):
        parse_proof(changed(proof, **values))


def test_a_proof_never_carries_the_secret(proof: Proof) -> None:
    inside = json.loads(proof.to_json())["bundle"] | {"secret": "0x" + SECRET.hex()}
    with pytest.raises(EvidenceError, match="gives away the secret"):
        parse_proof(changed(proof, bundle=inside))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"[" * 100_000, b'{"a":' * 50_000, b"\xff", b"NaN"])
def test_what_is_no_proof_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="proof-malformed"):
        parse_proof(data)


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyoutcome.evidence.proofs.proof.LARGEST", 1000)
    (tmp_path / "long.json").write_bytes(b" " * 100_000)
    with pytest.raises(EvidenceError, match="more than 1000 bytes"):
        read_proof(tmp_path / "long.json")
    with pytest.raises(EvidenceError, match="more than 1000 bytes"):
        parse_proof(b" " * 1001)
