"""Published mechanisms written as clauses give the published figures. Each says where its figure was printed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.terms.deals import agree, pays

PERCENT = "x: {unit: percent, decimals: 6, range: [0, 100], if_missing: 0}"
COUNT = "x: {unit: count, decimals: 2, range: [0, 1_000_000_000], if_missing: 0}"


@pytest.mark.parametrize(("uptime", "credit"), [("99.5", 200), ("94.8", 1000), ("99.9", 0), ("95", 500)])
def test_uptime_credit_tiers(uptime: str, credit: int) -> None:
    # Two worked months: https://pulseapi.tech/pt/blog/how-to-calculate-sla-penalties
    agreement = agree(
        "credit: {kind: service_credit, pays: client, measure: x, charges: fee, "
        "levels: {at_least 99.9: 0, at_least 99: 10%, at_least 95: 25%, otherwise: 50%}}",
        PERCENT,
        terms="fee: 2000",
    )
    assert -credit == pays(agreement, x=uptime)


@pytest.mark.parametrize(("availability", "credit"), [("100", "0"), ("99.7", "0.2"), ("97", "0.3")])
def test_availability_credit_of_the_accord_project(availability: str, credit: str) -> None:
    # Three scenarios: github.com/accordproject/cicero-template-library, src/servicelevelagreement/test/logic.feature
    agreement = agree(
        "credit: {kind: service_credit, pays: client, measure: x, charges: 10, "
        "levels: {at_least 99.8: 0, at_least 98: 2%, otherwise: 3%}, at_risk: 10%, then: [round: 0.01 half_up]}",
        PERCENT,
    )
    assert -Fraction(credit) == pays(agreement, x=availability)


@pytest.mark.parametrize(("volume", "fee"), [("400000", "12000"), ("1000000", "29000"), ("10000000", "280000")])
def test_volume_discount_of_the_accord_project(volume: str, fee: str) -> None:
    # Rate table and scenario: github.com/accordproject/cicero-template-library, src/volumediscount/test/logic.feature
    agreement = agree(
        "fee: {kind: unit_price, quantity: x, tiers: {below 1_000_000: 3%, below 10_000_000: 2.9%, otherwise: 2.8%}}",
        COUNT,
    )
    assert Fraction(fee) == pays(agreement, x=volume)


@pytest.mark.parametrize(("days", "amount"), [("7", 9000), ("17", 31000)])
def test_demurrage_that_grows_by_days(days: str, amount: int) -> None:
    # New York 7 days, Boston 17 days: https://vesonjira.atlassian.net/wiki/pages/diffpages.action?originalId=2216951859
    agreement = agree("late: {kind: unit_price, quantity: x, bands: {next 5: 1000, next 10: 2000, rest: 3000}}", COUNT)
    assert amount == pays(agreement, x=days)


@pytest.mark.parametrize(("used", "bonus"), [("17", 5_000_000), ("40", 2_000_000), ("60", 0)])
def test_daily_bonus_for_an_early_road(used: str, bonus: int) -> None:
    # 50 days allowed, 200,000 a day, at most 5 million, done in 17:
    # http://logtk.blogspot.com/2007/06/miracle-worker-highway-man-rides-bonus.html
    agreement = agree(
        "bonus: {kind: bonus_malus, of: x, target: 50, better: lower, bonus: {rate: 200_000}, "
        "then: [at_most: 5_000_000]}",
        COUNT,
    )
    assert bonus == pays(agreement, x=used)
    total = agree(
        "bid: {kind: fixed_fee, amount: 867_075}\n"
        "bonus: {kind: bonus_malus, of: x, target: 50, better: lower, bonus: {rate: 200_000, limit: 25}}",
        COUNT,
    )
    assert 867_075 + bonus == pays(total, x=used)


@pytest.mark.parametrize(("late", "damages"), [("30", 150_000), ("50", 200_000)])
def test_liquidated_damages_with_a_cap(late: str, damages: int) -> None:
    # https://tools.gera.services/contract-penalty-interest-calculator
    agreement = agree("ld: {kind: unit_price, pays: client, quantity: x, price: 5000, then: [at_most: 200_000]}", COUNT)
    assert -damages == pays(agreement, x=late)


@pytest.mark.parametrize(("rain", "cover"), [("300", 20_000), ("150", 40_000), ("400", 0), ("500", 0)])
def test_parametric_cover_between_trigger_and_exit(rain: str, cover: int) -> None:
    # https://legitlads.com/hub/tools/farming-hub/farm-finance/weather-index-insurance-calculator
    agreement = agree("cover: {kind: curve, of: x, points: [[200, 100%], [400, 0]], times: 40_000}", COUNT)
    assert cover == pays(agreement, x=rain)


@pytest.mark.parametrize(("own", "bench", "award"), [("0.50", "0.20", 135_000), ("-0.25", "-0.30", 105_300)])
def test_award_by_relative_return_rounded_then_capped(own: str, bench: str, award: int) -> None:
    # https://www.markettransfer.info/dictionary/payout-calculation
    kpis = "\n".join(
        f"{name}: {{unit: return, decimals: 4, range: [-1, 1], if_missing: 0}}" for name in ("own", "bench")
    )
    agreement = agree(
        "award: {kind: formula, is: '(own - bench) / abs(bench) + 1', when: bench != 0, "
        "then: [round: 0.01 half_up, at_most: 150%, times: 90_000]}",
        kpis,
    )
    assert award == pays(agreement, own=own, bench=bench)


@pytest.mark.parametrize(("bought", "rebate"), [("110000", 1000), ("100000", 1000), ("90000", 0)])
def test_lump_sum_rebate_at_a_target(bought: str, rebate: int) -> None:
    # https://pricefx.atlassian.net/wiki/spaces/ACC/pages/5933793826/Rebate+Types+Reference+Rebate+Management
    agreement = agree("rebate: {kind: step, of: x, rows: {at_least 100_000: 1000, otherwise: 0}}", COUNT)
    assert rebate == pays(agreement, x=bought)


@pytest.mark.parametrize(("cheese", "a_day"), [("1.25", "0.05"), ("2.00", "0.08")])
def test_milk_premium_by_somatic_cells(cheese: str, a_day: str) -> None:
    # 250 thousand cells, 80 pounds: http://milkprice.blogspot.com/2009/03/how-is-scc-premium-related-to-cheese.html
    kpis = COUNT + "\ncheese: {unit: price, decimals: 2, range: [0, 10], if_missing: 0}"
    agreement = agree(
        "premium: {kind: bonus_malus, of: x, target: 350, better: lower, bonus: {rate: 0.0005 * cheese}, "
        "malus: {rate: 0.0005 * cheese}, then: [times: 80 / 100]}",
        kpis,
    )
    exact = (350 - Decimal(250)) * Decimal("0.0005") * Decimal(cheese) * Decimal("0.8")
    assert Fraction(exact) == pays(agreement, x="250", cheese=cheese)
    assert Decimal(a_day) == exact.quantize(Decimal("0.01"))


@pytest.mark.parametrize(("uptime", "share"), [("99.8", "0.10"), ("99.7", "0.20")])
def test_hosting_credit_per_tenth_of_a_percent(uptime: str, share: str) -> None:
    # http://support.stablehost.com/en/articles/2086924-what-is-your-sla-policy
    agreement = agree(
        "credit: {kind: bonus_malus, of: x, target: 99.9, better: higher, malus: {rate: 10%, per: 0.1}}", PERCENT
    )
    assert -Fraction(share) == pays(agreement, x=uptime)


def test_attachment_job_outcome_and_sustainment_fees() -> None:
    # UK Work Programme, Table 3: https://publications.parliament.uk/pa/cm201314/cmselect/cmworpen/162/16208.htm
    kpis = """
        group: {unit: payment group, choices: [jsa_18_24, jsa_25, jsa_early], if_missing: jsa_18_24}
        stage: {unit: stages reached, range: [0, 3], if_missing: 0}
    """
    agreement = agree(
        "attachment: {kind: fixed_fee, amount: 400, when: stage >= 1}\n"
        "outcome: {kind: fixed_fee, amount: 1200, when: stage >= 2}\n"
        "sustained: {kind: formula, "
        "is: 'pick(group, [jsa_18_24 gives 2210, jsa_25 gives 2795, jsa_early gives 5000])', "
        "when: stage >= 3}",
        kpis,
    )
    for group, stage, total in (
        ("jsa_18_24", 3, 3810),
        ("jsa_25", 3, 4395),
        ("jsa_early", 3, 6600),
        ("jsa_25", 1, 400),
    ):
        paid = agreement.statement(1, {"group": group, "stage": Decimal(stage)}).of("A").units
        assert total * 10**6 == paid
