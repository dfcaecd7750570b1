"""Plausible acts: for any state, an act that has a fair chance to be accepted, and moments that matter.

One generator serves two drivers: Hypothesis (which shrinks what it finds) and long seeded walks (which reach far).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol, TypeVar

from pyoutcome.decimals import ONE
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.actions import Action
from pyoutcome.protocol.messages import MISSING
from pyoutcome.protocol.state import CLIENT as CLIENT_OWNER
from pyoutcome.protocol.state import PeriodStage, Stage
from tests.protocol.theatre import ARBITRATOR, CLIENT, OUTSIDER, Linear, Rising, Theatre, rules

T = TypeVar("T")


class Chance(Protocol):
    """Where choices come from."""

    def pick(self, options: Sequence[T]) -> T: ...

    def whole(self, least: int, most: int) -> int: ...


class Seeded:
    """Choices of a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        return options[self._random.randrange(len(options))]

    def whole(self, least: int, most: int) -> int:
        return self._random.randint(least, most)


def values_of(theatre: Theatre, chance: Chance) -> tuple[int, ...]:
    """Values for a report: mostly sound, sometimes missing, fine, or out of range."""
    odd = chance.whole(0, 30)
    pool = [MISSING, *(n * ONE for n in range(11)), ONE // 10 * 33]
    count = len(theatre.deal.slots) + (odd == 1)
    drawn = [chance.pick(pool) for _ in range(count)]
    if odd == 2:
        drawn[0] = ONE // 1000
    return tuple(drawn)


def number_of(theatre: Theatre, chance: Chance, *stages: PeriodStage) -> int:
    """A period, preferably in one of the stages."""
    everyone = range(1, len(theatre.state.periods) + 1)
    fitting = [n for n in everyone if theatre.state.period(n).stage in stages and n <= theatre.state.last]
    return chance.pick(fitting[:2] or list(everyone)) if chance.whole(0, 9) else chance.pick(everyone)


def somebody(theatre: Theatre, chance: Chance) -> str:
    holders = [tenure.holder for tenure in theatre.state.tenures]
    return chance.pick([CLIENT, *holders, OUTSIDER])


def everybody(theatre: Theatre, chance: Chance, *more: str) -> frozenset[str]:
    """All signatures, now and then all but one."""
    backups = [slot.backup for slot in theatre.deal.slots if slot.backup]
    signers = [CLIENT, *(tenure.holder for tenure in theatre.state.tenures), *backups, *more]
    if chance.whole(0, 9) == 0:
        signers.remove(chance.pick(signers))
    return frozenset(signers)


def post_bond(theatre: Theatre, chance: Chance) -> Action:
    slot = chance.whole(0, len(theatre.deal.slots) - 1)
    missing = theatre.deal.slots[slot].bond - theatre.state.tenures[slot].bond
    return act.PostBond(slot, chance.pick([missing, missing, missing + 1, missing // 2]))


def activate(theatre: Theatre, chance: Chance) -> Action:
    return act.Activate(everybody(theatre, chance))


def cancel(_theatre: Theatre, _chance: Chance) -> Action:
    return act.Cancel()


def deposit(theatre: Theatre, chance: Chance) -> Action:
    reserve = theatre.deal.rules.reserve
    return act.Deposit(somebody(theatre, chance), chance.pick([1, 97, reserve, reserve, 2 * reserve, 0]))


def sync(_theatre: Theatre, _chance: Chance) -> Action:
    return act.Sync()


def pay_arrears(_theatre: Theatre, chance: Chance) -> Action:
    return act.PayArrears(chance.whole(0, 3))


def claim(theatre: Theatre, chance: Chance) -> Action:
    tenures = theatre.state.tenures
    waiting = [i for i, tenure in enumerate(tenures) if tenure.claimable]
    owner = chance.pick([*waiting, CLIENT_OWNER])
    by = CLIENT if owner == CLIENT_OWNER else tenures[owner].holder
    return act.Claim(
        chance.pick([by, by, OUTSIDER]), owner, chance.pick(["vault", f"{by}$"]), chance.pick([True, False])
    )


def move_payout(theatre: Theatre, chance: Chance) -> Action:
    tenure = chance.whole(0, len(theatre.state.tenures) - 1)
    holder = theatre.state.tenures[tenure].holder
    return act.MovePayout(chance.pick([holder, OUTSIDER]), tenure, chance.pick([f"{holder}$", f"{holder}$$"]))


def withdraw(theatre: Theatre, chance: Chance) -> Action:
    state = theatre.state
    spare = state.funds - state.required_cover(theatre.now) - state.deal.rules.reserve
    return act.Withdraw(chance.pick([CLIENT, CLIENT, OUTSIDER]), chance.pick([spare, spare + 1, spare // 2, 1]))


def post_digest(theatre: Theatre, chance: Chance) -> Action:
    stages = chance.pick([[PeriodStage.NONE], list(PeriodStage)])
    return act.PostDigest(somebody(theatre, chance), number_of(theatre, chance, *stages))


def report(theatre: Theatre, chance: Chance) -> Action:
    number = number_of(theatre, chance, PeriodStage.NONE, PeriodStage.DEFAULTED)
    verifiers = chance.pick([(0, 1), (1, 2), (0, 1, 2), (0, 2), (2,), (1, 0), (1, 3), (1, 1)])
    return act.Report(number, values_of(theatre, chance), verifiers)


def default(theatre: Theatre, chance: Chance) -> Action:
    return act.ProposeDefault(number_of(theatre, chance, PeriodStage.NONE))


def challenge(theatre: Theatre, chance: Chance) -> Action:
    number = number_of(theatre, chance, PeriodStage.REPORTED, PeriodStage.DEFAULTED)
    nonce = theatre.state.period(number).proposals - (chance.whole(0, 9) == 0)
    values = values_of(theatre, chance)
    return act.Challenge(somebody(theatre, chance), number, nonce, values, chance.pick([300, 300, 301, 4]))


def settle(theatre: Theatre, chance: Chance) -> Action:
    return act.Settle(number_of(theatre, chance, PeriodStage.REPORTED, PeriodStage.DEFAULTED))


def rule(theatre: Theatre, chance: Chance) -> Action:
    number = number_of(theatre, chance, PeriodStage.DISPUTED)
    period, by = theatre.state.period(number), chance.pick([ARBITRATOR, ARBITRATOR, ARBITRATOR, CLIENT])
    if chance.pick([theatre.state.rules_of(number).chooses] * 9 + [False]):
        return act.Rule(by, number, period.proposals, choice=chance.pick([None, 0, 1, 1, 2]))
    versions = [version.values for version in period.versions]
    mixed = tuple(chance.pick(column) for column in zip(*versions, strict=True)) if versions else ()
    values = chance.pick([mixed, *versions, values_of(theatre, chance)])
    return act.Rule(by, number, period.proposals - (chance.whole(0, 9) == 0), values=values)


def fallback(theatre: Theatre, chance: Chance) -> Action:
    return act.Fallback(number_of(theatre, chance, PeriodStage.DISPUTED))


def agree(theatre: Theatre, chance: Chance) -> Action:
    number = number_of(theatre, chance, *PeriodStage)
    nonce = theatre.state.period(number).agreements - (chance.whole(0, 9) == 0)
    return act.Agree(number, values_of(theatre, chance), nonce, everybody(theatre, chance))


def amend(theatre: Theatre, chance: Chance) -> Action:
    state, slots = theatre.state, len(theatre.deal.slots)
    present = state.accepted[-1].rules
    sequential = chance.pick([True, False])
    pricing = Rising(slots, cap=900) if sequential else Linear(slots, bonus=chance.pick([0, 50]))
    new = rules(
        pricing,
        terms=f"terms-{len(state.accepted) + chance.pick([1, 1, 1, 0])}",
        reserve=pricing.most(),
        slots=slots,
        challenge_window=chance.pick([0, 15]),
        chooses=chance.pick([True, False]),
    )
    carry = (chance.pick([0, None, 1]), None) if sequential else ()
    first = chance.whole(1, len(state.periods))
    deadline = theatre.now + chance.pick([0, 1, 50])
    return act.Amend(present.terms, first, new, carry, deadline, everybody(theatre, chance))


def assign(theatre: Theatre, chance: Chance) -> Action:
    slot = chance.whole(0, len(theatre.deal.slots) - 1)
    incoming = chance.pick([f"N{len(theatre.state.tenures)}", "P0"])
    bond = theatre.deal.slots[slot].bond
    nonce = theatre.state.assignments - (chance.whole(0, 9) == 0)
    signers = everybody(theatre, chance, incoming)
    first = theatre.deal.started(theatre.now) + 1
    return act.Assign(slot, incoming, f"{incoming}$", first, nonce, chance.pick([bond, bond, bond - 1]), signers)


def step_in(theatre: Theatre, chance: Chance) -> Action:
    return act.StepIn(chance.pick([CLIENT, OUTSIDER]), 0, "B0$", theatre.deal.slots[0].bond)


def record_uncovered(_theatre: Theatre, _chance: Chance) -> Action:
    return act.RecordUncovered()


def terminate(theatre: Theatre, chance: Chance) -> Action:
    if chance.whole(0, 2):  # stories that end early show less
        return act.Sync()
    state, by = theatre.state, somebody(theatre, chance)
    nonce = state.terminations - (chance.whole(0, 9) == 0)
    return chance.pick(
        [
            act.TerminateMutually(state.started(theatre.now), nonce, everybody(theatre, chance)),
            act.TerminateForConvenience(by),
            act.TerminateOnFinding(chance.pick([ARBITRATOR, OUTSIDER]), b"fraud", by, chance.whole(0, 3)),
        ]
    )


def terminate_for_cause(theatre: Theatre, chance: Chance) -> Action:
    slot = chance.whole(0, len(theatre.deal.slots) - 1)
    by = somebody(theatre, chance)
    return chance.pick([act.TerminateForStreak(CLIENT, slot), act.TerminateForUncovered(by)])


def close(_theatre: Theatre, chance: Chance) -> Action:
    return act.Close(chance.whole(0, 3))


MAKERS: dict[str, tuple[int, Callable[[Theatre, Chance], Action]]] = {
    "activate": (4, activate), "agree": (3, agree), "amend": (1, amend), "assign": (1, assign), "cancel": (1, cancel),
    "challenge": (9, challenge), "claim": (3, claim), "close": (3, close), "default": (4, default),
    "deposit": (2, deposit), "fallback": (4, fallback), "move_payout": (1, move_payout),
    "pay_arrears": (3, pay_arrears), "post_bond": (4, post_bond), "post_digest": (3, post_digest),
    "record_uncovered": (2, record_uncovered), "report": (9, report), "rule": (6, rule), "settle": (7, settle),
    "step_in": (3, step_in), "sync": (1, sync), "terminate": (1, terminate),
    "terminate_for_cause": (3, terminate_for_cause), "withdraw": (2, withdraw),
}  # fmt: skip
"""Every kind of act with its weight."""


IN_OFFER = ("activate", "activate", "cancel", "deposit", "move_payout", "post_bond", "sync", "withdraw")
WEIGHTED = {
    "offer": IN_OFFER,
    "active": tuple(
        name
        for name, (weight, _) in MAKERS.items()
        for _ in range(weight)
        if name not in {"activate", "cancel", "post_bond"} or name == "cancel"
    ),
    "closed": ("claim", "deposit", "move_payout", "pay_arrears", "sync", *MAKERS),
}
"""What is tried in each stage; each also tries some acts that it must refuse."""


def moments(theatre: Theatre) -> list[int]:
    """The deadlines still to come: one second before each, the second itself, one after."""
    state = theatre.state
    edges = {state.deal.activate_by, state.release_date()}
    for number in range(1, state.last + 1):
        period, end = state.period(number), state.deal.end_of(number)
        due = state.due_of(number)
        edges |= {end, period.window_end, period.deadline} | ({due} if due is not None else set())
    if state.uncovered_since is not None:
        edges.add(state.uncovered_since + state.deal.cure_window)
    nearest = sorted(edge for edge in edges if edge >= theatre.now)[:3]
    return sorted({edge + off for edge in nearest for off in (-1, 0, 1) if edge + off > theatre.now})


def misfortune(theatre: Theatre, chance: Chance) -> None:
    """What happens to the token: a payee refuses or accepts again, money turns up or vanishes."""
    match chance.whole(0, 5):
        case 0 | 1:
            payouts = [CLIENT, *(tenure.payout for tenure in theatre.state.tenures), "vault"]
            theatre.refusing ^= {chance.pick(payouts)}
        case 2:
            theatre.balance += chance.pick([1, 50, 5_000])
        case 3:
            theatre.balance -= min(theatre.balance, chance.pick([1, 50, 3_000, 50_000]))
            theatre.covered = False
        case _:
            theatre.refusing = frozenset()


def walk(theatre: Theatre, seed: int, steps: int, *, unlucky: bool) -> None:
    """A seeded story of ``steps`` tries."""
    chance = Seeded(seed)
    after_closing = 15
    for _ in range(steps):
        closed = theatre.state.stage is Stage.CLOSED
        after_closing -= closed
        if after_closing == 0:
            return
        weighted = WEIGHTED["closed" if closed and chance.whole(0, 3) else theatre.state.stage.value]
        dice = chance.whole(0, 99)
        later = moments(theatre) if dice < 15 and not closed else []
        if later:
            theatre.wait(chance.pick(later))
        elif dice < 17 and unlucky:
            misfortune(theatre, chance)
        else:
            theatre.tries(MAKERS[chance.pick(weighted)][1](theatre, chance))
