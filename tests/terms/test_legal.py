"""Governance, confidence, data, rights, exit and law: every choice is said and signed, and nothing is said unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome import Agreement
from pyoutcome.errors import AgreementError, PyoutcomeError
from pyoutcome.terms import problems_of
from pyoutcome.terms.legal import Legal
from pyoutcome.terms.legal_prose import SUBJECTS, unsettled
from tests.terms.alterations import Alteration, alterations
from tests.terms.deals import deal
from tests.terms.every_field import FULL, MEASURES

EXAMPLE = Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"
FEE = "fee: {kind: fixed_fee, amount: 1}"
ALTERED = [(text, each) for text in (FULL, MEASURES) for each in alterations(text) if each.where.startswith("legal.")]


def with_legal(legal: str) -> Agreement:
    return Agreement.parse(f"{deal(FEE)}legal: {legal}\n")


def test_without_the_section_the_digest_is_what_it_was_before_there_was_one() -> None:
    assert "a62dd748bf2595b6bad0149e4844bcb11741d0c465aa79442ecfab2c8776140d" == Agreement.load(EXAMPLE).digest().hex()


def test_what_is_left_out_is_not_invented() -> None:
    words = Agreement.parse(deal(FEE)).words()
    for heading in ("Governance", "Change", "Exit", "Confidentiality", "Data protection", "Intellectual", "law"):
        assert heading not in words
    assert tuple(SUBJECTS.values()) == unsettled(None) == unsettled(Legal())


def test_what_is_settled_is_not_listed_as_open() -> None:
    settled = with_legal("{law: Spain, arbitration: {seat: Geneva, rules: Swiss Rules, language: English}}")
    legal = settled.file.legal
    assert set(SUBJECTS) - {"law", "courts"} == {key for key, said in SUBJECTS.items() if said in unsettled(legal)}
    assert () == unsettled(Agreement.parse(FULL).file.legal)


@pytest.mark.parametrize(("text", "alteration"), ALTERED, ids=lambda each: getattr(each, "where", "file"))
def test_every_choice_is_signed_and_said(text: str, alteration: Alteration) -> None:
    """Whatever changes under ``legal`` changes the digest and the words, or is refused."""
    original = Agreement.parse(text)
    try:
        altered = Agreement.parse(alteration.apply(text))
    except PyoutcomeError:
        return
    assert original.digest() != altered.digest()
    said, other = (
        [each for each in agreement.passages() if each.key not in ("precedence", "bounds")]
        for agreement in (original, altered)
    )
    assert said != other


@pytest.mark.parametrize(
    ("legal", "code", "where"),
    [
        ("{courts: Paris, arbitration: {seat: Geneva, rules: Swiss Rules, language: English}}", "bad-legal",
         "legal.arbitration"),
        ("{data_protection: {role: none, law: UK GDPR}}", "bad-legal", "legal.data_protection.role"),
        ("{data_protection: {role: none, breach_notice: 0 hours}}", "bad-legal", "legal.data_protection.role"),
        ("{data_protection: {role: joint}}", "missing-key", "legal.data_protection"),
        ("{escalation: []}", "wrong-count", "legal.escalation"),
        ("{security: {standards: [], incident_notice: 1 day}}", "wrong-count", "legal.security.standards"),
        ("{confidentiality: {years: 100}}", "out-of-limits", "legal.confidentiality.years"),
        ("{ip: {owner: everybody, on: payment, license: term}}", "unknown-word", "legal.ip.owner"),
        ("{ip: {owner: client, on: event, license: term}}", "bad-legal", "legal.ip"),
        ("{ip: {owner: client, on: payment, event: it is paid, license: term}}", "bad-legal", "legal.ip.event"),
        ("{liability: none}", "unknown-key", "legal.liability"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_its_place(legal: str, code: str, where: str) -> None:
    with pytest.raises(AgreementError) as caught:
        with_legal(legal)
    [problem] = problems_of(caught.value)
    assert code == problem.code
    assert problem.where is not None
    assert where == problem.where.path
