"""The nine figures: what an act costs in the steady state, beside the least that could do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.decimals import parse
from tests.gas.anvil import Sent
from tests.gas.floors import Floors
from tests.gas.packed import DAY
from tests.gas.profile import profile
from tests.gas.scene import UNIT, Running, Stage, call

ITEMS: Final = 100
"""Agreements of a batch."""
ALLOWANCE: Final = 400_000
"""Gas that each item of a batch may take."""
CURVE: Final = (parse("93%"),)
SCORES: Final = (parse("93%"), parse("99.7%"), parse("700"))
OTHER: Final = (parse("80%"),)
_VERSION: Final = "(int256,uint256,int256[],int256[])"
_CHALLENGING: Final = "(uint256,int256,uint256,int256[],bytes)"


@dataclass(frozen=True)
class Figure:
    """One measured act, which may take several transactions."""

    name: str
    parts: dict[str, Sent] = field(repr=False)
    floor: int
    share: int = 1
    """Items among which the transactions are divided."""

    @property
    def gas(self) -> int:
        return sum(sent.gas for sent in self.parts.values()) // self.share


def measure(stage: Stage) -> list[Figure]:
    """All figures and their floors, in one run on one chain."""
    floors = Floors(stage)
    acts: list[Callable[[Stage, Floors], list[Figure]]] = [settlements, _windowed, _creations, _batches, _dispute]
    return [figure for act in acts for figure in act(stage, floors)]


def profile_of(stage: Stage, figure: Figure) -> dict[str, dict[str, int]]:
    """Gas by kind of work, of each transaction."""
    anvil = stage.anvil
    return {
        name: profile(anvil.trace(sent), anvil.data_of(sent), sent.gas, stage.token)
        for name, sent in figure.parts.items()
    }


# --- what the project does --------------------------------------------------------------------------------------------


def settlements(stage: Stage, floors: Floors) -> list[Figure]:
    """Those in which no report can be challenged."""
    curve = Running(stage, stage.plan("curve", 4)).start()
    score = Running(stage, stage.plan("scorecard", 4, quorum=2, holdback=5 * 10**16)).start()
    rolling = Running(stage, stage.plan("rolling_cap", 15)).start()
    stage.anvil.advance_to(rolling.plan.deal.ends[-1])
    for period in (1, 2):
        curve.submit(period, CURVE)
        score.submit(period, SCORES)
    # From the thirteenth on, what leaves the twelve months is replaced.
    for period in range(1, 14):
        rolling.submit(period, CURVE)
    return [
        Figure("settle_curve", {"submit": curve.submit(3, CURVE)}, floors.settle("curve")),
        Figure("settle_scorecard", {"submit": score.submit(3, SCORES)}, floors.settle("quorum", signers=2)),
        Figure("settle_state12", {"submit": rolling.submit(14, CURVE)}, floors.settle("state")),
    ]


def _windowed(stage: Stage, floors: Floors) -> list[Figure]:
    running = Running(stage, stage.plan("curve", 7).with_disputes()).start()
    stage.anvil.advance_to(running.plan.deal.ends[-1])
    for period in range(1, 5):
        running.submit(period, CURVE)
    stage.wait(4 * DAY)
    for period in range(1, 5):
        running.settle(period, CURVE)
    reported = running.submit(5, CURVE)
    stage.wait(4 * DAY)
    return [Figure("settle_windowed", {"report": reported, "settle": running.settle(5, CURVE)}, floors.windowed())]


def _creations(stage: Stage, floors: Floors) -> list[Figure]:
    plan = stage.plan("scorecard", 12, quorum=2, holdback=5 * 10**16)
    stage.register(plan.program)
    made = []
    for name, of in (("create", plan), ("create_shared", replace(plan, registered=True))):
        Running(stage, of)
        kept = keccak(of.program) if of.registered else of.program
        floor = floors.create(kept + of.deal.pack())
        made.append(Figure(name, {"create": Running(stage, replace(of, nonce=1)).created}, floor))
    return made


def _batches(stage: Stage, floors: Floors) -> list[Figure]:
    made = []
    for name, distinct in (("batch_100_shared", False), ("batch_100_distinct", True)):
        plan = stage.plan("curve", 3)
        stage.register(plan.program)
        payees = [_payee(number) if distinct else None for number in range(ITEMS)]
        running = [
            Running(stage, replace(plan, registered=True, nonce=number, deal=replace(plan.deal, payout=payee))).start()
            for number, payee in enumerate(payees)
        ]
        stage.anvil.advance_to(plan.deal.ends[-1])
        data = call("submitMany()") + ALLOWANCE.to_bytes(4, "big")
        for one in running:
            one.submit(1, CURVE)
            report = one.packed(2, CURVE)
            data += bytes.fromhex(one.address[2:]) + len(report).to_bytes(2, "big") + report
        sent = stage.send(stage.batch, data)
        assert all(one.is_settled(2) for one in running)
        made.append(Figure(name, {"submitMany": sent}, floors.batch(payees), ITEMS))
    return made


def _payee(number: int) -> str:
    return to_checksum_address(keccak(text=f"gas payee {number}")[:20])


def _dispute(stage: Stage, floors: Floors) -> list[Figure]:
    running = Running(stage, stage.plan("curve", 4).with_disputes()).start()
    stage.send(stage.token, call("approve(address,uint256)", running.address, 2**256 - 1), "client")
    stage.anvil.advance_to(running.plan.deal.ends[-1])
    for period in (1, 2, 3):
        running.submit(period, CURVE)
    # Versions: party, stake, values, what they come to.
    report = (0, 0, CURVE, (260_000 * UNIT,))
    mine = (-1, 15_000 * UNIT, OTHER, (150_000 * UNIT,))
    types = [_CHALLENGING, f"{_VERSION}[]"]
    data = call(f"challenge({','.join(types)})", (3, *mine[:3], b""), [(*report[:3], ())], kinds=types)
    parts = {"challenge": stage.send(running.address, data, "client")}
    stage.wait(4 * DAY)
    for period in (1, 2):
        running.settle(period, CURVE)
    types = ["uint256", f"{_VERSION}[]", "int256[]", "bytes"]
    data = call(f"rule({','.join(types)})", 3, [report, mine], CURVE, b"", kinds=types)
    parts["rule"] = stage.send(running.address, data, "arbitrator")
    assert running.is_settled(3)
    return [Figure("dispute", parts, floors.dispute())]
