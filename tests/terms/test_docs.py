"""The reference of the file is true: every example in it loads and checks, every key of the models is in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from pyoutcome import Agreement
from pyoutcome.terms import legal, measures, parties
from pyoutcome.terms.adjustments import Adjustment, Hold, Interest, SettlementEntry
from pyoutcome.terms.calendar import Term
from pyoutcome.terms.carrying import CarriedState
from pyoutcome.terms.clauses import AnyClause, CreditRate, EarnBack, Gate, Item, Rate, Rolling, Sharing, Sides, Stage
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi
from pyoutcome.terms.part import Part
from pyoutcome.terms.parties import Challenge, Convenience, Escrow, Holdback, Parties, Provider, Token

TEXT = (Path(__file__).parents[2] / "docs" / "agreement-file.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
WHOLE, PIECES = BLOCKS[0], BLOCKS[1:]


def sections(text: str) -> dict[str, str]:
    """Top-level keys with their text."""
    found = re.split(r"^(?=\w+:)", text, flags=re.MULTILINE)
    return {piece.split(":")[0]: piece for piece in found if piece.strip()}


def test_the_whole_example_loads_and_checks() -> None:
    agreement = Agreement.parse(WHOLE)
    assert ["worse-costs-nothing"] == [finding.code for finding in agreement.check()]  # its curve ends at 80%
    # 12,000 less 3,000; 12,000 plus 2,000 and half of 5,000, but at most 15,000
    assert (9_000 * 10**6, 15_000 * 10**6) == (
        agreement.bounds().providers[0].least,
        agreement.bounds().providers[0].most,
    )


@pytest.mark.parametrize("piece", PIECES, ids=range(len(PIECES)))
def test_each_piece_loads_in_its_place_in_the_whole_example(piece: str) -> None:
    parts = sections(piece) if "agreement" in sections(piece) else sections(WHOLE) | sections(piece)
    # The pieces show clauses: what the KPIs' stand-ins are worth under each of them is not their subject.
    whole = "".join(parts.values()).replace("    if_missing: 0\n", "    if_missing: 0\n    silence_may_pay: yes\n")
    agreement = Agreement.parse(whole)
    agreement.check()
    assert agreement.words()


@pytest.mark.parametrize(
    "model",
    [
        AgreementFile, Parties, Term, Token, Provider, Escrow, Holdback, Challenge, parties.Stake, Convenience,
        measures.RecordSource, measures.Column, measures.LateRule, measures.Versions, measures.Exclusions,
        measures.Window, *get_args(get_args(measures.Measure)[0]), Kpi, Adjustment,
        *get_args(AnyClause), Rate, CreditRate, Rolling, EarnBack, Item, Gate, Sharing, Sides, Stage, Interest, Hold,
        SettlementEntry, CarriedState, legal.Legal, legal.Arbitration, legal.ReviewMeetings, legal.EscalationStep,
        legal.Notices, legal.Confidentiality, legal.Security, legal.DataProtection, legal.IntellectualProperty,
        legal.Change, legal.Exit,
    ],
)  # fmt: skip
def test_every_key_is_told(model: type[Part]) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert set() == {key for key in keys if not re.search(rf"\b{key}\b", TEXT)}
