"""Verification: what agrees passes, and what differs is told apart and named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.errors import AgreementError, EvidenceError
from pyoutcome.evidence import recomputation as recomputing
from pyoutcome.evidence.bundles.bundle import Bundle, evidence_digest, make_bundle
from pyoutcome.evidence.bundles.measured import Finding
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.quality.differences import RecordDifference, compare_records
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.verification import Verified, verify
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import ADDRESSES, KEYS, agree, write_records

ROWS: list[dict[str, object]] = [
    {"delay": 0},
    {"delay": 20},
    {"delay": 40, "carrier": "B6"},
    {"delay": 60, "at": "2013-03-10T12:00:00Z"},
    {"delay": "NA", "departed": "NA"},
    {"carrier": "AA"},
]


def alter(**changes: object) -> list[dict[str, object]]:
    """The rows with some values of the second changed: a late flight of UA in February."""
    return [row if place != 1 else {**row, **changes} for place, row in enumerate(ROWS)]


def submit(agreement: Agreement, path: Path, period: int = 1) -> list[Bundle]:
    """What all providers sign when they measure from ``path``."""
    own = Recomputation.read(agreement, {"flights": path}).measured(period)
    return [make_bundle(agreement, own, provider, KEYS[provider]) for provider in agreement.providers]


def sign(bundle: Bundle, **changes: object) -> Bundle:
    """A changed bundle, signed anew by its supplier."""
    other: Bundle = replace(bundle, **changes)  # type: ignore[arg-type]
    return replace(other, signature=KEYS[other.supplier].sign(other.signing_digest()))


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return agree()


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("mine") / "flights.csv", ROWS)


@pytest.fixture(scope="module")
def own(agreement: Agreement, mine: Path) -> Recomputation:
    return Recomputation.read(agreement, {"flights": mine})


@pytest.fixture(scope="module")
def honest(agreement: Agreement, mine: Path) -> list[Bundle]:
    return submit(agreement, mine)


def refusal(
    own: Recomputation,
    bundles: list[Bundle],
    theirs: Path | None = None,
    signers: Mapping[str, str] | None = ADDRESSES,
) -> EvidenceError:
    files = None if theirs is None else {"flights": theirs}
    with pytest.raises(EvidenceError) as caught:
        verify(own.agreement, bundles, own, files, signers=signers)
    assert caught.value.fix
    return caught.value


def test_honest_evidence_gives_the_values_and_digest_of_a_report(
    agreement: Agreement, honest: list[Bundle], mine: Path
) -> None:
    found = verify(agreement, honest[::-1], {"flights": mine}, signers=ADDRESSES)
    assert (1, (333300000000000000, 0)) == (found.period, found.values)
    assert evidence_digest(honest, agreement.providers) == found.evidence_digest
    assert {"UA": ADDRESSES["UA"], "B6": ADDRESSES["B6"]} == found.signed_by


def test_three_verifiers_agree_to_the_bit(agreement: Agreement, honest: list[Bundle], mine: Path) -> None:
    first, *others = (verify(agreement, honest, {"flights": mine}) for _ in range(3))
    assert [first, first] == others


def test_a_missing_value_is_verified_as_missing(agreement: Agreement, own: Recomputation, mine: Path) -> None:
    assert (0, None) == verify(agreement, submit(agreement, mine, 2), own).values


def test_all_periods_are_verified_from_one_reading(
    agreement: Agreement, own: Recomputation, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = [submit(agreement, mine, period) for period in (1, 2, 3)]
    monkeypatch.delattr(recomputing, "open_records")
    found: list[Verified] = [verify(agreement, bundles, own) for bundles in submitted]
    assert [1, 2, 3] == [held.period for held in found]


def test_altered_records_name_the_kpi_both_values_and_the_record(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    theirs = write_records(tmp_path / "theirs.csv", alter(delay=5))
    error = refusal(own, submit(agreement, theirs), theirs)
    assert "evidence-value-differs" == error.code
    assert "share.UA in period 1 is 0.6667 (2 of 3) in the evidence of UA, and 0.3333 (1 of 3)" in error.why
    assert "record (id 2): delay is 20 in your records and 5 in the supplier's" in error.why
    assert ("share.UA", 333300000000000000, 666700000000000000) == (
        error.details["kpi"],
        error.details["recomputed"],
        error.details["claimed"],
    )
    assert (RecordDifference((("id", "2"),), {"delay": "20"}, {"delay": "5"}),) == error.details["records"]


def test_without_the_suppliers_file_both_digests_and_counts_are_told(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    bundles = submit(agreement, write_records(tmp_path / "theirs.csv", alter(delay=5)))
    error = refusal(own, bundles)
    assert "evidence-value-differs" == error.code
    assert own.sources[0].sha256.hex() in error.why
    assert bundles[0].sources[0].sha256.hex() in error.why
    assert ((2, 3), (1, 3)) == (error.details["claimed_counts"], error.details["recomputed_counts"])
    assert "cannot be named" in error.why


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{**row, "id": n} for n, row in enumerate(ROWS, 1) if n != 2], "record (id 2) is in your records only"),
        ([*ROWS, {"id": 99}], "record (id 99) is in the supplier's records only"),
        (
            alter(at="2013-03-10T12:00:00Z"),
            "at is 2013-02-10T12:00:00Z in your records and 2013-03-10T12:00:00Z in the supplier's",
        ),
        (alter(carrier="B6"), "carrier is UA in your records and B6 in the supplier's"),
        (alter(carrier="B6, the\n2nd"), "carrier is UA in your records and 'B6, the\\n2nd' in the supplier's"),
    ],
)
def test_records_left_out_added_or_moved_are_named(
    agreement: Agreement, own: Recomputation, tmp_path: Path, rows: list[dict[str, object]], told: str
) -> None:
    theirs = write_records(tmp_path / "theirs.csv", rows)
    error = refusal(own, submit(agreement, theirs), theirs)
    assert "evidence-value-differs" == error.code
    assert told in error.why


def test_a_value_taken_away_without_effect_is_told_as_missing(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    theirs = write_records(tmp_path / "theirs.csv", alter(delay="NA"))
    error = refusal(own, submit(agreement, theirs), theirs)
    assert "evidence-records-differ" == error.code
    assert "delay is 20 in your records and missing in the supplier's" in error.why


def test_records_that_move_the_value_are_named_before_others(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    rows = alter(delay=5)
    rows[0] = {**rows[0], "carrier": "UA", "departed": 901}
    rows[5] = {**rows[5], "delay": 77}
    rows[3] = {**rows[3], "delay": 78}
    theirs = write_records(tmp_path / "theirs.csv", rows)
    error = refusal(own, submit(agreement, theirs), theirs)
    assert "4 records differ, 2 of them of its period and provider" in error.why
    assert "first: record (id 1): departed is 900 in your records and 901" in error.why
    assert "; record (id 2): delay is 20 in your records and 5" in error.why


def test_altered_records_that_change_no_value_are_another_error(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    theirs = write_records(tmp_path / "theirs.csv", alter(delay=21))
    error = refusal(own, submit(agreement, theirs), theirs)
    assert "evidence-records-differ" == error.code
    assert "delay is 20 in your records and 21 in the supplier's" in error.why


def test_the_same_records_spelled_otherwise_are_told_as_that(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    theirs = write_records(tmp_path / "theirs.csv", alter(delay="020"))
    error = refusal(own, submit(agreement, theirs), theirs)
    assert "evidence-records-differ" == error.code
    assert "only in spelling" in error.why


def test_another_file_than_the_one_measured_is_noticed(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    bundles = submit(agreement, write_records(tmp_path / "theirs.csv", alter(delay=5)))
    other = write_records(tmp_path / "other.csv", alter(delay=6))
    assert "not the one the supplier measured from" in refusal(own, bundles, other).why


def test_a_suppliers_file_that_cannot_be_read_hides_nothing(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    theirs = write_records(tmp_path / "theirs.csv", alter(delay=5))
    bundles = submit(agreement, theirs)
    for content in (b"\xff", b"id\n1\n", theirs.read_bytes() + b"1,UA,0,900,,,true\n"):
        theirs.write_bytes(content)
        error = refusal(own, bundles, theirs)
        assert "evidence-value-differs" == error.code
        assert "cannot be compared" in error.why


def test_a_hostile_value_cannot_write_into_the_message(
    agreement: Agreement, own: Recomputation, tmp_path: Path
) -> None:
    theirs = write_records(tmp_path / "theirs.csv", alter(carrier="\x1b[2JUA\u202e"))
    error = refusal(own, submit(agreement, theirs), theirs)
    assert "\\x1b[2JUA\\u202e" in error.why
    assert error.why.isascii()
    assert "\x1b" not in error.why


@pytest.mark.parametrize(
    "change",
    [
        {"numerator": 2},
        {"denominator": 4},
        {"value": 10**17},
        {"value": None},
        {"raw": 10**17},
        {"figures": (("numerator", 1), ("denominator", 4))},
        {"figures": ()},
    ],
)
def test_a_false_figure_over_true_records_is_found(
    own: Recomputation, honest: list[Bundle], change: dict[str, object]
) -> None:
    false = sign(honest[0], values=(replace(honest[0].values[0], **change),))  # type: ignore[arg-type]
    error = refusal(own, [false, honest[1]])
    assert "evidence-value-differs" == error.code
    assert "the same file" in error.why


def test_a_bundle_changed_after_signing_no_longer_fits_its_signature(own: Recomputation, honest: list[Bundle]) -> None:
    assert "bundle-wrong-signer" == refusal(own, [replace(honest[0], salt=bytes(32)), honest[1]]).code


def test_a_bundle_signed_by_somebody_else_is_refused(own: Recomputation, honest: list[Bundle]) -> None:
    foreign = replace(honest[0], signature=KEYS["EV"].sign(honest[0].signing_digest()))
    error = refusal(own, [foreign, honest[1]])
    assert "bundle-wrong-signer" == error.code
    assert ADDRESSES["EV"] in error.why
    assert "bundle-wrong-signer" == refusal(own, honest, signers={"UA": ADDRESSES["UA"]}).code


def test_a_bundle_without_signature_is_refused(own: Recomputation, honest: list[Bundle]) -> None:
    assert "bundle-signature" == refusal(own, [replace(honest[0], signature=b""), honest[1]], signers=None).code


def test_bundles_of_another_agreement_period_or_provider_are_refused(
    agreement: Agreement, own: Recomputation, honest: list[Bundle], mine: Path
) -> None:
    later = submit(agreement, mine, 2)
    cases = {
        "bundle-for-another-agreement": [sign(honest[0], agreement_digest=bytes(32)), honest[1]],
        "bundles-incomplete": [later[0], honest[1]],
        "bundle-values-incomplete": [sign(honest[0], values=()), honest[1]],
    }
    assert list(cases) == [refusal(own, bundles).code for bundles in cases.values()]
    for bundles in ([], honest[:1], [*honest, honest[0]]):
        assert "bundles-incomplete" == refusal(own, bundles).code
    with pytest.raises(AgreementError, match="no-such-period"):
        verify(agreement, [sign(held, period=99) for held in honest], own)


def test_values_of_another_provider_do_not_count_as_ones_own(own: Recomputation, honest: list[Bundle]) -> None:
    ua, b6 = honest
    error = refusal(own, [sign(ua, values=b6.values), sign(b6, values=ua.values)])
    assert "bundle-values-incomplete" == error.code


def test_records_must_be_counted_for_the_agreement_verified(own: Recomputation, mine: Path) -> None:
    other = agree("anchor: at, provider: carrier, numerator: delay < 16")
    with pytest.raises(EvidenceError, match="recomputation-of-another-agreement"):
        verify(other, submit(other, mine), own)


def test_false_row_counts_queries_and_findings_are_found(own: Recomputation, honest: list[Bundle]) -> None:
    ua, b6 = honest
    rows = sign(ua, sources=(replace(ua.sources[0], rows=7),))
    query = sign(ua, values=(replace(ua.values[0], query="SELECT 1"),))
    file = ua.sources[0].files[0]
    apart = sign(ua, sources=(replace(ua.sources[0], files=(replace(file, rows=5),)),))
    renamed = sign(ua, sources=(replace(ua.sources[0], files=(replace(file, name="theirs.csv"),)),))
    assert verify(own.agreement, [renamed, b6], own).values
    silent = sign(ua, findings=())
    rule = sign(ua, findings=tuple(replace(held, severity="accepted", rule="none") for held in ua.findings))
    loud = sign(ua, findings=(*ua.findings, Finding("all-well", "flights", 0, "Nothing to see.")))
    expected = [*["evidence-records-differ"] * 2, *["bundle-text-differs"] * 4]
    assert expected == [refusal(own, [bundle, b6]).code for bundle in (rows, apart, query, silent, loud, rule)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["delay", "carrier", "departed", "done"]), st.integers(0, 5), st.integers(0, 3)),
        max_size=4,
    )
)
def test_a_comparison_names_exactly_the_records_that_were_changed(
    agreement: Agreement, mine: Path, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, int]]
) -> None:
    rows = [dict(row) for row in ROWS]
    others: dict[str, list[object]] = {
        "delay": [0, 15, -3, "NA"],
        "carrier": ["UA", "B6", "AA", "NA"],
        "departed": [900, 1, 2, "NA"],
        "done": ["true", "false", "TRUE", "NA"],
    }
    for column, place, choice in changes:
        rows[place][column] = others[column][choice]
    theirs = write_records(tmp_path_factory.mktemp("theirs") / "flights.csv", rows)
    default: dict[str, object] = {"delay": 0, "carrier": "UA", "departed": 900, "done": "true", "at": 0}
    meant = [[str({**default, **row}[column]).replace("TRUE", "true") for column in default] for row in (*ROWS, *rows)]
    changed = [place for place in range(len(ROWS)) if meant[place] != meant[place + len(ROWS)]]
    [plan] = plan_measures(agreement)
    found = compare_records(plan, mine, theirs, limit=10)
    assert [str(place + 1) for place in changed] == [held.key[0][1] for held in found.first]
    assert len(changed) == found.count


def test_one_altered_flight_among_336_776_is_named(
    arrivals: Agreement, recomputation: Recomputation, flights_csv: Path, tmp_path: Path
) -> None:
    lines = flights_csv.read_bytes().split(b"\n")
    header = lines[0].split(b",")
    late, carrier = header.index(b"arr_delay"), header.index(b"carrier")
    place = next(
        place
        for place, line in enumerate(lines[1:], 1)
        if (fields := line.split(b","))[carrier] == b"UA" and fields[late] == b"15" and fields[:2] == [b"2013", b"1"]
    )
    fields = lines[place].split(b",")
    told = dict(zip(header, fields, strict=True))
    fields[late] = b"14"
    theirs = tmp_path / "theirs.csv"
    theirs.write_bytes(b"\n".join([*lines[:place], b",".join(fields), *lines[place + 1 :]]))
    supplier = Recomputation.read(arrivals, {"flights": theirs}).measured(1)
    bundles = [make_bundle(arrivals, supplier, provider, KEYS[provider]) for provider in arrivals.providers]
    error = refusal(recomputation, bundles, theirs)
    assert "evidence-value-differs" == error.code
    assert "on_time.UA in period 1 is 0.7736 (3587 of 4637)" in error.why
    assert "0.7733 (3586 of 4637) from your records" in error.why
    assert f"flight {told[b'flight'].decode()}, origin {told[b'origin'].decode()}" in error.why
    assert "1 records differ, the first: record (year 2013, month 1" in error.why
    assert "arr_delay is 15 in your records and 14 in the supplier's" in error.why


def lay(folder: Path, **files: list[dict[str, object]]) -> Path:
    """A folder of records with some files."""
    folder.mkdir()
    for name, rows in files.items():
        write_records(folder / f"{name}.csv", rows)
    return folder


FEBRUARY: list[dict[str, object]] = [{"id": 1}, {"id": 2, "delay": 20}, {"id": 3, "carrier": "B6"}]
MARCH: list[dict[str, object]] = [{"id": 4, "at": "2013-03-10T12:00:00Z", "delay": 50}]


def test_files_that_came_after_the_supplier_measured_do_not_matter(agreement: Agreement, tmp_path: Path) -> None:
    bundles = submit(agreement, lay(tmp_path / "then", february=FEBRUARY))
    now = Recomputation.read(agreement, {"flights": lay(tmp_path / "now", february=FEBRUARY, march=MARCH)})
    found = verify(agreement, bundles, now, signers=ADDRESSES)
    assert (5 * 10**17, 10**18) == found.values
    assert evidence_digest(bundles, agreement.providers) == found.evidence_digest


def test_a_later_file_with_records_of_the_period_is_no_less_than_the_others(
    agreement: Agreement, tmp_path: Path
) -> None:
    """A supplier cannot leave out the file that speaks against it."""
    bundles = submit(agreement, lay(tmp_path / "theirs", february=FEBRUARY))
    more = lay(tmp_path / "mine", february=FEBRUARY, march=[*MARCH, {"id": 5, "delay": 90}])
    error = refusal(Recomputation.read(agreement, {"flights": more}), bundles)
    assert "evidence-value-differs" == error.code


def test_files_that_the_verifier_lacks_are_no_earlier_ones(agreement: Agreement, tmp_path: Path) -> None:
    april: list[dict[str, object]] = [{"id": 6, "at": "2013-04-10T12:00:00Z"}]
    bundles = submit(agreement, lay(tmp_path / "theirs", february=FEBRUARY, april=april))
    mine = lay(tmp_path / "mine", february=FEBRUARY, march=MARCH)
    assert "evidence-records-differ" == refusal(Recomputation.read(agreement, {"flights": mine}), bundles).code


def test_what_a_supplier_says_of_its_own_files_is_held_against_these(agreement: Agreement, tmp_path: Path) -> None:
    bundles = submit(agreement, lay(tmp_path / "then", february=FEBRUARY))
    false = [sign(bundles[0], findings=(Finding("all-well", "flights", 0, "Nothing to see."),)), bundles[1]]
    now = Recomputation.read(agreement, {"flights": lay(tmp_path / "now", february=FEBRUARY, march=MARCH)})
    assert "bundle-text-differs" == refusal(now, false).code
