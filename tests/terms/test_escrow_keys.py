"""Disputes, bonds, breaches and ways out: what the file says of them, and that saying nothing changes nothing."""

from __future__ import annotations

import json
from typing import Final

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError
from pyoutcome.terms import Agreement
from tests.terms.deals import ESCROW, KPI, TWO, deal

DAY: Final = 86_400
UNIT: Final = 10**6
FEE: Final = "fee: {kind: fixed_fee, amount: 1, to: A}"
PARTIES: Final = TWO.replace("{name: Alpha Ltd}", "{name: Alpha Ltd, bond: 30.5, backup: {name: Gamma Ltd}}")
EXITS: Final = """escrow:
  evidence_within: 10 days
  default_window: 3 days
  reserve: 1000
  challenge: {within: 5 days, ruling_within: 21 days, stake: {fixed: 7, share: 12%}, arbitrator: chooses}
  breaches: 2
  cure_within: 9 days
  convenience: {by: all, notice: 60 days, fee: {B: 40}}
  restates: yes
"""
KPIS: Final = KPI + "z: {unit: pieces, per: provider, range: [0, 5], if_missing: 0}\n"


def full(*changes: tuple[str, str], kpis: str = KPIS) -> Agreement:
    text = deal(FEE, kpis, head=PARTIES, escrow=EXITS)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Agreement.parse(text)


def test_everything_is_handed_on_in_base_units_and_seconds() -> None:
    agreement = full()
    escrow = agreement.escrow

    assert (5 * DAY, 21 * DAY, 7 * UNIT, 12 * ONE // 100, True) == (
        escrow.challenge_window, escrow.ruling_window, escrow.stake_fixed, escrow.stake_share, escrow.chooses,
    )  # fmt: skip
    assert ((30_500_000, 0), (True, False)) == (escrow.bonds, escrow.backups)
    assert ("backup-A",) == agreement.backups
    assert (2, 9 * DAY, 60 * DAY) == (escrow.streak, escrow.cure_window, escrow.notice)
    assert (frozenset({"client", "provider"}), (0, 40 * UNIT)) == (escrow.convenience, escrow.convenience_fee)
    assert escrow.restates


def test_saying_nothing_gives_the_plain_escrow() -> None:
    escrow = Agreement.parse(deal(FEE, head=TWO)).escrow
    assert (0, 0, 0, 0, False) == (
        escrow.challenge_window, escrow.ruling_window, escrow.stake_fixed, escrow.stake_share, escrow.chooses,
    )  # fmt: skip
    assert ((0, 0), (False, False), 0, 0, 0) == (
        escrow.bonds, escrow.backups, escrow.streak, escrow.cure_window, escrow.notice,
    )  # fmt: skip
    assert (frozenset(), (0, 0)) == (escrow.convenience, escrow.convenience_fee)
    assert not escrow.restates


def test_a_no_is_as_if_nothing_were_said() -> None:
    said, silent = full(("restates: yes", "restates: no")), full(("  restates: yes\n", ""))
    assert silent.canonical() == said.canonical() != full().canonical()
    assert "settled anew" in full().words()
    assert "settled anew" not in said.words()


def test_saying_nothing_adds_nothing_to_what_is_signed() -> None:
    said = Agreement.parse(deal(FEE, head=TWO)).canonical()
    for key in (b"challenge", b"breaches", b"cure_within", b"convenience", b"bond", b"backup", b"supplied_by"):
        assert key not in said
    assert "restates" not in json.loads(said)["escrow"]


@pytest.mark.parametrize(
    ("written", "supplier"), [("", None), (", supplied_by: client", None), (", supplied_by: B", 1)]
)
def test_a_kpi_of_the_agreement_is_supplied_by_whom_the_file_says(written: str, supplier: int | None) -> None:
    kpis = f"x: {{unit: pieces, range: [0, 9], if_missing: 0{written}}}"
    assert (supplier,) == full(kpis=kpis).escrow.suppliers


@pytest.mark.parametrize(
    ("written", "suppliers"), [("", (0, 1)), (", supplied_by: client", (None, None)), (", supplied_by: A", (0, 0))]
)
def test_a_kpi_per_provider_is_supplied_by_its_provider_unless_the_file_says_otherwise(
    written: str, suppliers: tuple[int | None, ...]
) -> None:
    kpis = f"x: {{unit: pieces, per: provider, range: [0, 9], if_missing: 0{written}}}"
    assert suppliers == full(kpis=kpis).escrow.suppliers


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (("fee: {B: 40}", "fee: {C: 40}"), "unknown-party", "escrow.convenience.fee.C"),
        (("by: all", "by: providers"), "bad-exit", "escrow.convenience.fee"),
        (("by: all", "by: judge"), "unknown-word", "escrow.convenience.by"),
        (("  breaches: 2\n", ""), "missing-key", "parties.providers.A.backup"),
        (("breaches: 2", "breaches: 0"), "out-of-limits", "escrow.breaches"),
        (("breaches: 2", "breaches: 256"), "out-of-limits", "escrow.breaches"),
        (("ruling_within: 21 days", "ruling_within: 0 days"), "out-of-limits", "escrow.challenge.ruling_within"),
        (("fixed: 7", "fixed: -7"), "out-of-limits", "escrow.challenge.stake.fixed"),
        (("share: 12%", "share: 101%"), "out-of-limits", "escrow.challenge.stake.share"),
        (("bond: 30.5", "bond: [1]"), "wrong-shape", "parties.providers.A.bond"),
        (("per: provider, range", "per: provider, supplied_by: C, range"), "unknown-party", "kpis.z.supplied_by"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(change: tuple[str, str], code: str, path: str) -> None:
    with pytest.raises(AgreementError) as caught:
        full(change)
    assert (code, path) == (caught.value.code, caught.value.where and caught.value.where.path)


def test_the_words_say_what_each_key_means() -> None:
    words = full().words()
    for said in (
        "Backup of A (backup-A): Gamma Ltd.",
        "For 5 days a report can be challenged",
        "The arbitrator has 21 days for the rest; if it is silent, the report or default stands.",
        "it chooses one of the versions",
        "A challenger stakes 7 TST, or 12% of all differences",
        "A deposits a bond of 30.5 TST",
        "After 2 breaches in a row the client may end the agreement",
        "call backup-A, which takes the place of A",
        "missing for 9 days after it is recorded",
        "60 days later",
        "it pays B 40 TST at once",
    ):
        assert said in words


def test_the_words_say_what_holds_when_nothing_is_said() -> None:
    words = Agreement.parse(deal(FEE, head=TWO, escrow=ESCROW)).words()
    for said in (
        "pays at once. Only a proposed default can be challenged",
        "The arbitrator has 3 days for the rest",
        "A challenge costs no stake.",
        "Nobody may end the agreement early without a cause.",
        "If that is missing, once recorded, a provider may end the agreement",
    ):
        assert said in words
