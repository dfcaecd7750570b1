"""Warnings: each is found where it is meant, and not found where it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyoutcome import Agreement
from pyoutcome.errors import AgreementError
from tests.terms.deals import ESCROW, HEAD, TWO, deal

DOCS = Path(__file__).parents[2] / "docs" / "agreement-file.md"
RECORDS = (
    "records:\n  log: {format: csv, columns: {at: {type: instant}, good: {type: boolean}}, key: [at], "
    "duplicates: refuse, late: counts}\n"
)
MEASURED = (
    "x: {unit: share, decimals: 2, range: [0, 1], if_missing: 0, "
    "measure: {kind: ratio, records: log, anchor: at, numerator: good, denominator: everything, rounding: half_up}}"
)

BETTER = MEASURED.replace("if_missing: 0", "if_missing: 0.4, better: higher, silence_may_pay: yes")
WITH_Y = "\ny: {unit: pieces, range: [0, 9], if_missing: 0}"


def codes(text: str) -> list[str]:
    return [finding.code for finding in Agreement.parse(text).check()]


def quiet(clauses: str = "fee: {kind: formula, is: 100 * x}", **parts: str) -> str:
    """An agreement without warnings but those a test adds."""
    return deal(clauses, parts.pop("kpis", MEASURED), **parts) + RECORDS


def test_a_sound_agreement_has_none() -> None:
    assert [] == codes(quiet())


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        (quiet(escrow=ESCROW.replace("3 days", "23 hours")), "short-window", "escrow.default_window"),
        (quiet(escrow=ESCROW.replace("10 days", "1 hour")), "short-window", "escrow.evidence_within"),
        (quiet(head=HEAD.replace("{V1: {name: First verifier}}", "{V1: {name: V}, V2: {name: V}}")),
         "quorum-below-majority", "parties.quorum"),
        (quiet(kpis="x: {unit: u, range: [0, 9], if_missing: 0}"), "kpi-without-measure", "kpis.x"),
        (quiet(terms="spare: 5"), "never-used", "terms.spare"),
        (quiet(define="spare: x + 1"), "never-used", "define.spare"),
        (quiet("fee: {kind: fixed_fee, amount: 5 * period}"), "never-used", "kpis.x"),
        (quiet("fee: {kind: step, of: x, rows: {at_least 101%: 9, otherwise: 0}, then: [plus: x]}"),
         "row-outside-range", "clauses.fee"),
        (quiet("fee: {kind: step, of: x, rows: {at_least 0: 9, otherwise: 0}, then: [plus: x]}"),
         "row-outside-range", "clauses.fee"),
        (quiet("fee: {kind: step, of: x, rows: {at_least 90%: 9, otherwise: 0}}"), "cliff", "clauses.fee"),
        (quiet("fee: {kind: formula, is: 9 if x > 50% else 0}"), "cliff", "clauses.fee"),
        (quiet(kpis=MEASURED.replace("if_missing: 0", "if_missing: 0, better: lower")),
         "wrong-direction", "kpis.x.better"),
        (quiet("fee: {kind: curve, of: x, points: [[0, 9], [0.4, 0], [1, 90]]}", kpis=BETTER),
         "worse-pays-more", "kpis.x"),
        (quiet("fee: {kind: curve, of: x, points: [[0.2, 0], [1, 90]]}", kpis=BETTER), "worse-costs-nothing", "kpis.x"),
        (quiet("fee: {kind: formula, is: 100 * x}\nextra: {kind: formula, is: y * (x - x)}", kpis=MEASURED + WITH_Y),
         "moves-nothing", "kpis.y"),
        (quiet("fee: {kind: formula, is: 100 * x}", settlement="[at_least: 100]"),
         "amount-never-changes", "settlement"),
        (quiet("fee: {kind: scorecard, items: [{weight: 40%, level: x}, {weight: 50%, level: x}]}"),
         "weights-not-whole", "clauses.fee.items"),
    ],
)  # fmt: skip
def test_what_is_warned_of_and_where(text: str, code: str, path: str) -> None:
    findings = {finding.code: finding for finding in Agreement.parse(text, "deal.yaml").check()}
    assert code in findings, findings
    where = findings[code].where
    assert where is not None
    assert path == where.path
    assert where.line is not None
    assert findings[code].fix in str(findings[code])


@pytest.mark.parametrize(
    "text",
    [
        quiet("fee: {kind: curve, of: x, points: [[0, 0], [1, 100]]}"),
        quiet("fee: {kind: step, of: x, rows: {at_least 90%: 9, otherwise: 9}, then: [plus: x]}"),
        quiet("fee: {kind: formula, is: x - 0.5 if x > 50% else x - 0.5}"),
    ],
)
def test_no_cliff_is_seen_where_nothing_jumps(text: str) -> None:
    assert "cliff" not in codes(text)


def refused(text: str) -> AgreementError:
    with pytest.raises(AgreementError) as caught:
        Agreement.parse(text, "deal.yaml").check()
    return caught.value


def test_silence_that_pays_is_refused_with_the_gain_the_place_and_both_remedies() -> None:
    error = refused(quiet(kpis=MEASURED.replace("if_missing: 0", "if_missing: 0.25")))
    assert "silence-pays" == error.code
    assert "gets 25 TST more than with x = 0.00" in error.why
    assert "kpis.x.if_missing" == (error.where.path if error.where else None)
    assert "worst value" in error.fix
    assert "silence_may_pay: yes" in error.fix


def test_a_penalty_kpi_is_silent_at_its_worst_value() -> None:
    late = MEASURED.replace("if_missing: 0", "if_missing: 1")
    assert [] == codes(quiet("fee: {kind: formula, is: 100 - 90 * x}", kpis=late))
    assert "silence-pays" == refused(quiet("fee: {kind: formula, is: 100 - 90 * x}")).code


def test_the_parties_can_accept_in_so_many_words_that_silence_pays() -> None:
    accepted = quiet(kpis=MEASURED.replace("if_missing: 0", "if_missing: 0.25, silence_may_pay: yes"))
    assert [] == codes(accepted)
    said = "accept that a provider may get more when the value is missing than it would get with its worst value."
    assert said in Agreement.parse(accepted).words().replace("\n", " ")
    plain = quiet(kpis=MEASURED.replace("if_missing: 0", "if_missing: 0.25"))
    assert said not in Agreement.parse(plain).words().replace("\n", " ")
    assert Agreement.parse(plain).digest() != Agreement.parse(accepted).digest()


def test_a_rule_on_paper_is_only_warned_of_silence_that_pays() -> None:
    paper = deal("fee: {kind: formula, is: 100 * x}", "x: {unit: u, range: [0, 9], if_missing: 2}", escrow="")
    assert "silence-pays" in codes(paper)


def test_silence_that_pays_a_period_later_is_refused_too() -> None:
    kpis = MEASURED.replace("if_missing: 0", "if_missing: 0.5")
    state = "state:\n  best: {start: 0, next: x}\n"
    later = quiet("fee: {kind: formula, is: 100 * prev.best}", kpis=kpis) + state
    error = refused(later)
    assert "silence-pays" == error.code
    assert "gets 50 TST more in this period and the next together than with x = 0.00" in error.why


def test_a_kpi_used_for_one_provider_only_is_used() -> None:
    kpis = MEASURED.replace("unit: share", "unit: share, per: provider").replace(
        "anchor: at", "anchor: at, provider: who"
    )
    records = RECORDS.replace("good:", "who: {type: text}, good:")
    text = deal(
        "fee: {kind: formula, is: x.A, to: A}\nother: {kind: formula, is: 100 * total.x, to: B}", kpis, head=TWO
    )
    assert [] == codes(text + records)


def test_every_warning_is_in_the_reference() -> None:
    folder = Path(__file__).parents[2] / "pyoutcome" / "terms"
    source = "".join((folder / name).read_text(encoding="utf-8") for name in ("findings.py", "incentive_findings.py"))
    raised = set(re.findall(r'self\.finding\(\s*"([a-z-]+)"', source))
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert raised <= documented
    assert 15 == len(raised)
