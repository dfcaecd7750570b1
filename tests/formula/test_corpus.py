"""Published payment mechanisms, as plain formulas, against the figures their sources print.

Where a source prints no figure for a case, the figure follows from its formula and the case says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pyoutcome.decimals import INT256_MAX, show
from pyoutcome.decimals import parse as n
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Rule, decode, encode, evaluate, names, parse, run
from pyoutcome.formula.decode import Names


@dataclass(frozen=True)
class Case:
    source: str
    values: dict[str, str]
    expected: dict[str, str]
    define: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()


FPIF = (("fee", "10% * 100_000 + 20% * (100_000 - cost)"), ("price", "min(cost + fee, 120_000)"))
CEILING = (
    ("seller", "40% * (cost - 150_000)"),
    ("price", "min(cost + 30_000 - seller, 200_000)"),
    ("profit", "price - cost"),
    ("pta", "round((200_000 - 180_000) / 60% + 150_000, 0.01, half_up)"),
)
LAYTIME = (
    *(
        (name, text)
        for port, allowed in (("load", 36), ("discharge", 60))
        for name, text in (
            (f"demurrage.{port}", f"round(max(0, used.{port} - {allowed}) / 24 * 12_000, 0.01, half_up)"),
            (f"despatch.{port}", f"round(max(0, {allowed} - used.{port}) / 24 * 12_000 * 50%, 0.01, half_up)"),
        )
    ),
    ("net", "demurrage.load + demurrage.discharge - despatch.load - despatch.discharge"),
)
TIERS_OF_UPTIME = "[at_least 99.9 gives 0, at_least 99 gives 10%, at_least 95 gives 25%, otherwise 50%]"
UPTIME = (("credit", f"2_000 * step(uptime, {TIERS_OF_UPTIME})"),)
TIERS = (("credit", "charge * step(availability, [at_least 99.8 gives 0, at_least 98 gives 2%, otherwise 3%])"),)
DEMURRAGE = (("owed", "bands(days, [next 5 at 1_000, next 10 at 2_000, rest at 3_000])"),)
RETURNS = (("percent", "round((own - bench) / abs(bench) + 1, 1%, half_up)"), ("award", "min(percent, 150%) * 90_000"))
RECYCLE = (
    ("share", "654_596_383 * presented / 115_942_339"),
    ("recycle", "round(share, 0.01, half_up)"),
    ("paid", "round(share, 1, down)"),
)
SUSTAINED = "pick(group, [jsa_young gives 2_210, jsa_25 gives 2_795, jsa_early gives 5_000])"
WORK = (
    ("started", "(400 if stages >= 1 else 0) + (1_200 if stages >= 2 else 0)"),
    ("paid", f"started + ({SUSTAINED} if stages >= 3 else 0)"),
)
PARTS = ("density", "voids", "binder", "fine", "p8")
PAVEMENT = (
    *((f"pay.{part}", f"(55 + 0.5 * pwl.{part}) / 100") for part in PARTS),
    ("cpf", "35% * pay.density + 25% * pay.voids + 25% * pay.binder + 10% * pay.fine + 5% * pay.p8"),
)
GROUPS = (("group", ("jsa_young", "jsa_25", "jsa_early")),)

CASES = {
    "fixed-price incentive, overrun": Case(
        "https://www.mnccertified.com/what-is-the-final-value-of-this-procurement-2/",
        {"cost": "110_000"},
        {"fee": "8000", "price": "118000"},
        FPIF,
    ),
    "fixed-price incentive, ceiling binds (profit and point of total assumption derived)": Case(
        "http://community.simplilearn.com/threads/how-to-calculate-the-ceiling-price.24831/",
        {"cost": "210_000"},
        {"seller": "24000", "price": "200000", "profit": "-10000", "pta": "183333.33"},
        CEILING,
    ),
    "cost-plus incentive fee, underrun": Case(
        "http://pmpexamforfree.com/pmp-exam-set-d-q35/",
        {"cost": "450_000"},
        {"price": "510000"},
        (("price", "cost + 10% * 500_000 + 20% * (500_000 - cost)"),),
    ),
    "voyage charter, net demurrage": Case(
        "https://laytimecalculator.com/?p=60",
        {"used.load": "50", "used.discharge": "54"},
        {"demurrage.load": "7000", "despatch.discharge": "1500", "net": "5500"},
        LAYTIME,
    ),
    "escalating demurrage, New York": Case(
        "https://vesonjira.atlassian.net/wiki/pages/diffpages.action?originalId=2216951859&pageId=2543092188",
        {"days": "7"},
        {"owed": "9000"},
        DEMURRAGE,
    ),
    "escalating demurrage, Boston": Case(
        "https://vesonjira.atlassian.net/wiki/pages/diffpages.action?originalId=2216951859&pageId=2543092188",
        {"days": "17"},
        {"owed": "31000"},
        DEMURRAGE,
    ),
    "uptime tiers, March": Case(
        "https://pulseapi.tech/pt/blog/how-to-calculate-sla-penalties", {"uptime": "99.5"}, {"credit": "200"}, UPTIME
    ),
    "uptime tiers, bad month": Case(
        "https://pulseapi.tech/pt/blog/how-to-calculate-sla-penalties", {"uptime": "94.8"}, {"credit": "1000"}, UPTIME
    ),
    "two credit tiers": Case(
        "github:accordproject/cicero-template-library src/servicelevelagreement",
        {"availability": "99.7", "charge": "10"},
        {"credit": "0.2"},
        TIERS,
    ),
    "credit per tenth of a percent": Case(
        "http://support.stablehost.com/en/articles/2086924-what-is-your-sla-policy",
        {"uptime": "99.7"},
        {"percent": "20"},
        (("percent", "10 * (99.9 - uptime) / 0.1"),),
    ),
    "parametric cover": Case(
        "https://legitlads.com/hub/tools/farming-hub/farm-finance/weather-index-insurance-calculator",
        {"rain": "300"},
        {"pay": "20000"},
        (("pay", "40_000 * curve(rain, [200 gives 1, 400 gives 0])"),),
    ),
    "gain share of a graduated target contract": Case(
        "https://reachback.builtintelligence.com/18505/nec-ecs-is-there-generally-a-pain-gain-cap-in-option-c",
        {"spent": "200_000"},
        {"share": "25000"},
        (("share", "bands(500_000 - spent, [upto 100_000 at 25%, rest at 0])"),),
    ),
    "relative return, capped": Case(
        "https://www.markettransfer.info/dictionary/payout-calculation",
        {"own": "50%", "bench": "20%"},
        {"percent": "2.5", "award": "135000"},
        RETURNS,
    ),
    "relative return, rounded": Case(
        "https://www.markettransfer.info/dictionary/payout-calculation",
        {"own": "-25%", "bench": "-30%"},
        {"percent": "1.17", "award": "105300"},
        RETURNS,
    ),
    "liquidated damages, capped": Case(
        "https://tools.gera.services/contract-penalty-interest-calculator",
        {"late": "50"},
        {"damages": "200000"},
        (("damages", "min(5_000 * late, 200_000)"),),
    ),
    "threshold rebate": Case(
        "https://pricefx.atlassian.net/wiki/spaces/ACC/pages/5933793826/Rebate+Types+Reference+Rebate+Management",
        {"base": "110_000"},
        {"rebate": "1000"},
        (("rebate", "1_000 if base >= 100_000 else 0"),),
    ),
    "recycled certificates, value of one": Case(
        "https://www.ofgem.gov.uk/publications/renewables-obligation-late-payment-distribution-2019-2020",
        {"presented": "1"},
        {"recycle": "5.65", "paid": "5"},
        RECYCLE,
    ),
    "buy-out of a shortfall": Case(
        "github:richardjlyon/uk-subsidy-tracker ro_annual_report_data_2019-20.xlsx, table A2.1, EDF",
        {"obligation": "21_188_084", "presented": "19_313_621"},
        {"payment": "91436305.14"},
        (("payment", "(obligation - presented) * 48.78"),),
    ),
    "royalty on two bases": Case(
        "github:accordproject/cicero-template-library src/ip-payment",
        {"net": "1_550", "sub": "225"},
        {"pay": "81.45"},
        (("pay", "4.5% * net + 5.2% * sub"),),
    ),
    "volume price at the edge (derived)": Case(
        "github:accordproject/cicero-template-library src/volumediscount",
        {"volume": "1_000_000"},
        {"rate": "2.9"},
        (("rate", "step(volume, [below 1_000_000 gives 3.0, below 10_000_000 gives 2.9, otherwise 2.8])"),),
    ),
    "outperformance, thousands": Case(
        "https://ourperformance.wessexwater.co.uk/Resilience/Water_supply_interruption/",
        {"minutes": "7.6"},
        {"thousands": "28"},
        (("thousands", "round(6_400 * clamp(12 - minutes, 0, 4.5) / 1_000, 1, half_up)"),),
    ),
    "work programme, all stages": Case(
        "https://publications.parliament.uk/pa/cm201314/cmselect/cmworpen/162/16208.htm",
        {"stages": "3", "group": "2"},
        {"paid": "4395"},
        WORK,
        GROUPS,
    ),
    "pavement, weighted pay factor (derived)": Case(
        "http://docucentre.sibfl.net/WebLink/0/doc/65685/Page75.aspx",
        {"pwl.density": "92", "pwl.voids": "85", "pwl.binder": "78", "pwl.fine": "100", "pwl.p8": "96"},
        {"cpf": "0.98875"},
        PAVEMENT,
    ),
}


def rule_of(case: Case) -> Rule:
    labels = dict(case.choices)
    kpis = tuple(
        KpiShape.choice(name, labels[name]) if name in labels else KpiShape(name, -INT256_MAX, INT256_MAX, 18)
        for name in case.values
    )
    definitions = tuple(Definition(name, parse(text)) for name, text in case.define)
    last = case.define[-1][0]
    assert set(case.values) <= {name for each in definitions for name in names(each.formula)}
    return Rule(kpis, (), definitions, (Line("result", 0, 1, parse(last)),), (Payee("provider", parse("result")),))


@pytest.mark.parametrize("title", CASES)
def test_the_published_figure_comes_out(title: str) -> None:
    case = CASES[title]
    rule = rule_of(case)
    values = [n(value) for value in case.values.values()]
    outcome = evaluate(rule, values)
    found = {each.name: show(value) for each, value in zip(rule.definitions, outcome.definitions, strict=True)}
    assert case.expected == {name: found[name] for name in case.expected}


@pytest.mark.parametrize("title", CASES)
def test_its_program_says_the_same(title: str) -> None:
    case = CASES[title]
    rule = rule_of(case)
    values = [n(value) for value in case.values.values()]
    program = encode(rule)
    assert evaluate(rule, values).amounts == run(program.data, values).amounts
    assert evaluate(rule, values).amounts == evaluate(decode(program.data, Names.of(rule)), values).amounts
    assert len(program.data) < 200
