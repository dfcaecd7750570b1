"""Random agreement files through every clause kind: evaluator against Python machine against the contracts."""

from __future__ import annotations

from random import Random
from typing import Final

from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms import Agreement
from tests.contracts.runner import Runner
from tests.fuzz.rules import Told, compare_rules
from tests.fuzz.tally import Tally
from tests.terms.rules import rule_of

_BATCH: Final = 12
_KPIS: Final = (
    ("x", "decimals: 2, range: [-1_000, 1_000]", "-7", "except: [3, -0.25]"),
    ("y", "decimals: 2, range: [0, 1_000], opening: 5", None, "except: [1_000]"),
    ("z", "decimals: 4, range: [0, 1]", "0.5", "except: [0]"),
    ("ok", "type: yes_no", "no", "except: [yes]"),
    ("tier", "choices: [gold, base]", "base", "except: [gold]"),
)
"""Name, shape, the opening value of one whose last value can stand in (None: it has one), and values it may exclude."""
_REQUIRED: Final = ("x < y + 900", "ok or z < 90%", "tier == gold or x > -500", "period < 4 or y > 1")
_NUMBERS: Final = ("x", "y", "z", "x + y", "y * z", "x / 3", "prev.y", "streak", "abs(x)", "y / (z + 1)", "fee")
_TRUTHS: Final = ("ok", "x > 0", "y >= 500", "tier == gold", "not ok and z < 50%", "period > 2")
_MODES: Final = ("down", "up", "half_up", "half_even", "floor", "ceil")


class _Writer:
    """Writes clauses; every choice comes from ``random``."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def number(self) -> str:
        return self.random.choice((*_NUMBERS, self.amount(), self.amount()))

    def truth(self) -> str:
        return self.random.choice(_TRUTHS)

    def amount(self, least: int = -300, most: int = 900) -> str:
        return str(self.random.randrange(least, most) / self.random.choice((1, 4, 100)))

    def positive(self) -> str:
        return self.amount(1, 400)

    def share(self) -> str:
        return f"{self.random.randrange(1, 100)}%"

    def rows(self) -> str:
        edges = sorted({self.random.randrange(-50, 900) for _ in range(self.random.randrange(1, 5))}, reverse=True)
        rows = [f"{self.random.choice(('at_least', 'above'))} {edge}: {self.share()}" for edge in edges]
        return "{" + ", ".join([*rows, f"otherwise: {self.share()}"]) + "}"

    def bands(self) -> str:
        edges = sorted({self.random.randrange(1, 900) for _ in range(self.random.randrange(1, 4))})
        return "{" + ", ".join([*(f"upto {edge}: {self.amount()}" for edge in edges), f"rest: {self.amount()}"]) + "}"

    def points(self) -> str:
        places = sorted(self.random.sample(range(-100, 900), self.random.randrange(2, 5)))
        return "[" + ", ".join(f"[{place}, {self.amount()}]" for place in places) + "]"

    def side(self) -> str:
        parts = [f"rate: {self.positive()}", f"per: {self.positive()}"]
        parts += self.maybe(f"deadband: {self.positive()}", f"limit: {self.positive()}")
        return "{" + ", ".join([*parts, *self.maybe("mode: cliff")]) + "}"

    def kpis(self) -> str:
        """Each KPI, sometimes with its last value standing in for a missing one, sometimes without some values."""
        told = []
        for name, shape, opening, excluded in _KPIS:
            lasting = ["if_missing: last", *([f"opening: {opening}"] if opening else [])]
            more = [
                *(lasting if self.random.random() < 0.12 else []),
                *([excluded] if self.random.random() < 0.15 else []),
            ]
            told.append(f"{name}: {{{', '.join([shape, *more])}}}\n")
        return "".join(told)

    def maybe(self, *parts: str) -> list[str]:
        return [part for part in parts if self.random.random() < 0.4]

    def clause(self, kind: str) -> str:
        parts = [f"kind: {kind}", *self.fields(kind)]
        parts += self.maybe(f"when: {self.truth()}", "pays: client", f"then: [{self.then()}]")
        return "{" + ", ".join(parts) + "}"

    def then(self) -> str:
        entries = {
            "at_most": self.amount, "at_least": self.amount, "times": self.share, "plus": self.amount,
            "less": self.amount, "offset": self.positive, "round": self.rounding,
        }  # fmt: skip
        chosen = self.random.sample(sorted(entries), self.random.randrange(1, 4))
        return ", ".join(f"{name}: {entries[name]()}" for name in chosen)

    def rounding(self) -> str:
        return f"{self.random.choice(('0.01', '5', '0.25'))} {self.random.choice(_MODES)}"

    def fields(self, kind: str) -> list[str]:  # noqa: C901 - one case per clause kind
        r = self.random
        match kind:
            case "fixed_fee":
                years = ", ".join(self.amount() for _ in range(3))
                return [r.choice((f"amount: '{self.number()}'", f"by_year: [{years}]"))]
            case "unit_price":
                price = r.choice((f"price: {self.amount()}", f"tiers: {self.rows()}", f"bands: {self.bands()}"))
                plain = self.maybe(f"allowance: {self.positive()}", f"max_quantity: {self.positive()}")
                return [f"quantity: '{self.number()}'", price, *plain, *self.maybe("blocks: 10 up", "cumulative: yes")]
            case "factor":
                more = self.maybe("range: [0.9, 1.1]", "pays_change: yes")
                return [f"of: '{self.number()}'", f"factor: '{self.number()}'", *more]
            case "pool_share":
                return [f"pool: {self.positive()}", f"own: '{self.number()}'", f"all: '{self.number()}'"]
            case "milestone":
                stages = ", ".join(
                    f"{{when: '{self.truth()}', amount: {self.positive()}}}" for _ in range(r.randrange(1, 4))
                )
                return [f"stages: [{stages}]", *self.maybe("mode: first")]
            case "service_credit":
                rate = f"rate: {{under: {self.positive()}, credit: {self.share()}, per: {self.positive()}}}"
                more = self.maybe(f"at_risk: {self.share()}", f"rolling: {{share: {self.share()}, periods: 3}}")
                more += self.maybe(f"minimum: above {self.positive()}")
                return [f"measure: '{self.number()}'", "charges: y", r.choice((rate, f"levels: {self.rows()}")), *more]
            case "curve":
                return [f"of: '{self.number()}'", f"points: {self.points()}", *self.maybe(f"times: {self.amount()}")]
            case "step":
                return [f"of: '{self.number()}'", f"rows: {self.rows()}", *self.maybe(f"times: {self.amount()}")]
            case "bonus_malus":
                better = r.choice(("higher", "lower"))
                sides = [f"bonus: {self.side()}", *self.maybe(f"malus: {self.side()}")]
                return [f"of: '{self.number()}'", f"target: {self.amount()}", f"better: {better}", *sides]
            case "scorecard":
                items = (
                    f"{{weight: 40%, of: x, points: {self.points()}}}, {{weight: 60%, of: y, levels: {self.rows()}}}"
                )
                gate = f"gates: [{{when: '{self.truth()}', else: 2}}]"
                return [
                    f"items: [{items}]",
                    *self.maybe(gate, "round: 5 up", f"times: {self.amount()}", "combine: min"),
                ]
            case "gainshare":
                share = r.choice((f"share: {self.share()}", f"bands: {self.bands()}"))
                more = self.maybe(f"minimum: {self.positive()}", f"limit: {self.positive()}")
                more += self.maybe(f"overrun: {{share: {self.share()}}}")
                return [f"saving: '{self.number()}'", share, *more]
            case "incentive_fee":
                sharing = r.choice((self.share(), f"{{under: {self.share()}, over: {self.share()}}}"))
                more = self.maybe("fee_range: [2, 50]", f"ceiling: {self.positive()}", "pays_cost: no")
                fixed = ["actual_cost: y", f"target_cost: {self.positive()}", f"target_fee: {self.positive()}"]
                return [*fixed, f"provider_share: {sharing}", *more]
            case _:
                return [f"is: '{self.number()} if {self.truth()} else {self.number()}'"]


KINDS: Final = (
    "fixed_fee", "unit_price", "factor", "pool_share", "milestone", "service_credit", "curve", "step", "bonus_malus",
    "scorecard", "gainshare", "incentive_fee", "formula",
)  # fmt: skip


def write_agreement(random: Random) -> Agreement | None:
    """An agreement of one to four clauses; None if its words do not fit together."""
    writer = _Writer(random)
    kinds = [random.choice(KINDS) for _ in range(random.randrange(1, 5))]
    clauses = [f"line{at}: {writer.clause(kind)}" for at, kind in enumerate(kinds)]
    if len(kinds) > 1 and random.random() < 0.3:
        names = ", ".join(f"line{at}" for at in range(len(kinds)))
        clauses.append(f"cap: {{kind: joint_cap, lines: [{names}], at_most: {writer.positive()}, pays: client}}")
    limits = writer.maybe(f"at_most: {writer.positive()}", f"lifetime_at_most: {writer.positive()}", "round: 0.01 down")
    settlement = "settlement: [" + ", ".join(f"{{{each}}}" for each in limits) + "]\n"
    required = random.sample(_REQUIRED, random.randrange(1, 3)) if random.random() < 0.3 else []
    requirements = f"require: [{', '.join(required)}]\n"
    try:
        return rule_of(
            "\n".join(clauses),
            writer.kpis(),
            top=(settlement if limits else "") + (requirements if required else ""),
            terms=f"fee: {writer.amount()}",
            state="streak: {start: 0, next: prev.streak + 1 if ok else 0}",
        )
    except PyoutcomeError:
        return None


def search_agreements(runner: Runner, random: Random) -> Tally:
    """One batch."""
    told: list[Told] = []
    for _ in range(10 * _BATCH):
        agreement = write_agreement(random)
        if agreement is not None:
            # As an escrow runs it: with what holds reports to the agreement, and the values that no report can give.
            rule = agreement.enforced_rule()
            values = [
                tuple(
                    random.choice((kpi.low, kpi.high, random.randrange(kpi.low, kpi.high + 1, kpi.multiple)))
                    for kpi in rule.kpis
                )
                for _ in range(4)
            ]
            told.append(Told(rule, tuple(values), random.choice((0, 2, 6, 18))))
        if len(told) == _BATCH:
            break
    return compare_rules(runner, told, "agreements")
