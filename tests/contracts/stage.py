"""One escrow on two stages: the deployed contracts on a node, and the reference machine.

``Stage.act`` carries out an act on both and demands the same refusal, or the same events and books. Stories play with
every kind of money that the machine has a meaning for: what arrives, what is refused, what the balance says by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from random import Random
from typing import Final

from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import ZERO_ADDRESS, Log, Reverted
from pyoutcome.chain.contract import Contract, contract
from pyoutcome.chain.deal import Deal
from pyoutcome.chain.parts import PARTS, PASSES_ON, SHARED
from pyoutcome.chain.reverts import explain
from pyoutcome.chain.unfolding import Moment, unfold
from pyoutcome.errors import ProtocolError
from pyoutcome.formula import KpiShape, Payee, Rule, parse
from pyoutcome.formula import encode as encode_rule
from pyoutcome.protocol import actions as act
from pyoutcome.protocol import events
from pyoutcome.protocol.arguments import Arguments, Kpi, Provider
from pyoutcome.protocol.deployed import deployed_deal
from pyoutcome.protocol.events import Event
from pyoutcome.protocol.machine import apply
from pyoutcome.protocol.messages import Domain
from pyoutcome.protocol.state import PeriodStage, offer
from pyoutcome.protocol.state import Stage as AgreementStage
from pyoutcome.protocol.turn import World
from tests.compiling import compiled
from tests.contracts.node import ANYONE, RICH, Node, Reply

BEGIN: Final = 1_700_000_000
DAY: Final = 86_400
PERIODS: Final = 6
UNIT: Final = 10**12
NAMES: Final = ("client", "p0", "p1", "p2", "v0", "v1", "v2", "arbitrator", "b0", *(f"n{at}" for at in range(12)))
KEYS: Final = {name: PrivateKey(bytes([at + 1]) * 32) for at, name in enumerate(NAMES)}
WHO: Final = {name: key.public_key.to_checksum_address() for name, key in KEYS.items()}
KEY_OF: Final[dict[str, PrivateKey]] = {WHO[name]: key for name, key in KEYS.items()}
# The program that pays each provider the value of its KPI; and one that adds a tenth of what it earned before, and
# fails if the last value is 0.
PROGRAM: Final = bytes.fromhex("0103000000000301" + "000102" + "05000900" + "05010901" + "05020902")
IN_TURN: Final = encode_rule(
    Rule(
        kpis=tuple(KpiShape(f"k{at}", -(10**40), 10**40, 6) for at in range(3)),
        parameters=(),
        definitions=(),
        lines=(),
        payees=(
            Payee("p0", parse("k0 + 0.1 * earned_before.p0")),
            Payee("p1", parse("k1 + 0.1 * earned_before.p1")),
            Payee("p2", parse("k2 * k2 / k2 + lag(k1, 2)")),
        ),
    )
).data
PROGRAMS: Final = {False: PROGRAM, True: IN_TURN}
"""By whether it is sequential."""
ESCROW: Final[Contract] = contract(SHARED, *PARTS)
DIGEST: Final = bytes(32)
"""The agreement's."""
PERIOD_STAGES: Final = tuple(PeriodStage)
FEE: Final = 3
"""Hundredths that a token with a fee keeps of each transfer."""


class Money(Enum):
    """What an escrow is paid with."""

    TOKEN = "a token that reverts where it refuses"
    NATIVE = "the native coin"
    FEE = "a token that keeps a fee of what is sent"
    QUIET = "a token that answers false where it refuses"


def payout(at: int) -> str:
    return to_checksum_address((0xBA40 + at).to_bytes(20, "big"))


def sign(who: str, digest: bytes) -> bytes:
    """The signature of an address of ours."""
    raw = KEY_OF[who].sign_msg_hash(digest).to_bytes()
    return raw[:64] + bytes([raw[64] + 27])


@dataclass
class Ground:
    """The chain on which all stories play: factory and token. Each begins where all others began."""

    node: Node
    factory: str
    token: str
    wild: Contract
    stories: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    """How often each event and refusal came up."""
    done: set[type[act.Action]] = field(default_factory=set)
    """Acts that were carried out."""


def prepare_ground(node: Node) -> Ground:
    """Puts the shipped contracts and the tests' token on a fresh node."""
    made: dict[str, str] = {}
    for name in reversed(list(PASSES_ON)):
        if name != SHARED:
            further = [made[part] for part in PASSES_ON[name].values()]
            made[name] = to_checksum_address(node.deploy(contract(name).creation(*further)))
    factory = node.deploy(contract("EscrowFactory").creation(*(made[part] for part in PASSES_ON[SHARED].values())))
    for program in PROGRAMS.values():
        assert node.call(factory, contract("EscrowFactory").encode("registerProgram", program)).good
    token = node.deploy(compiled("contracts/test/Doubles.sol")["WildToken"].creation)
    for who in WHO.values():
        node.set_coin(who, RICH)
    node.keep()
    return Ground(node, to_checksum_address(factory), to_checksum_address(token), WildToken())


_WILD: Final = {
    "refuse": ("address", "bool"),
    "burn": ("address", "uint256"),
    "setFee": ("uint256",),
    "setQuiet": ("bool",),
}


class WildToken(Contract):
    """The functions of the tests' token that stories call."""

    def __init__(self) -> None:
        super().__init__("TestToken")
        for name, kinds in _WILD.items():
            selector = keccak(text=f"{name}({','.join(kinds)})")[:4]
            self.functions[name] = replace(self.functions["mint"], selector=selector, inputs=kinds)


class Stage:
    """One escrow on both stages."""

    def __init__(self, ground: Ground, random: Random, money: Money = Money.TOKEN) -> None:
        self.random = random
        self.ground = ground
        self.money = money
        self.node = ground.node
        self.node.start_over(BEGIN)
        self.ground.stories += 1
        self.deal = Deal(self.draw_arguments(), DIGEST, PROGRAMS[random.random() < 0.35], self.ground.stories)
        self.domain = Domain(self.node.chain_id, self.ground.factory)
        made = self.node.call(self.ground.factory, contract("EscrowFactory").encode("create", self.deal.as_offer(), []))
        assert made.good
        self.address = to_checksum_address(made.output[12:])
        self.terms_hash = self.deal.terms.digest(self.domain)
        self.state = offer(deployed_deal(self.deal.arguments, self.deal.program, self.terms_hash))
        self.refusing: set[str] = set()
        if money is Money.FEE:
            self.tamper("setFee", FEE)
        if money is Money.QUIET:
            self.tamper("setQuiet", True)

    def draw_arguments(self) -> Arguments:
        chance = self.random
        bonds = chance.choice(((0, 0, 0), (100, 0, 50)))
        disputes = chance.random() < 0.6
        return Arguments(
            client=WHO["client"],
            token=ZERO_ADDRESS if self.money is Money.NATIVE else self.ground.token,
            unit_decimals=6,
            quorum=2,
            verifiers=(WHO["v0"], WHO["v1"], WHO["v2"]),
            arbitrator=WHO["arbitrator"],
            providers=tuple(
                Provider(WHO[f"p{at}"], payout(at), bonds[at], WHO["b0"] if at == 0 else None, (30, 0, 10)[at])
                for at in range(3)
            ),
            kpis=tuple(Kpi(6, at != 1, -(10**40), 10**40, at * 70 * UNIT, (0, 1, None)[at]) for at in range(3)),
            parameters=(),
            activate_by=BEGIN + 5 * DAY,
            start=BEGIN,
            ends=tuple(BEGIN + 10 * DAY * at for at in range(1, PERIODS + 1)),
            evidence_window=3 * DAY,
            default_window=2 * DAY,
            holdback_rate=chance.choice((0, 10**17, 333_333_333_333_333_333, 10**18)),
            holdback_delay=20 * DAY,
            reserve=chance.choice((0, 500)),
            restates=chance.random() < 0.5,
            challenge_window=4 * DAY if disputes else 0,
            ruling_window=6 * DAY if disputes else 0,
            chooses=chance.random() < 0.3,
            refuses=self.ground.stories % 5 < 2,
            stake_fixed=20,
            stake_share=10**17,
            cure_window=5 * DAY,
            notice=10 * DAY,
            convenience=frozenset({"client", "provider"}),
            streak=2,
        )

    # --- the world --------------------------------------------------------------------------------------------------

    def balance(self) -> int:
        if self.money is Money.NATIVE:
            return self.node.coin_of(self.address)
        return int.from_bytes(
            self.node.read(self.ground.token, [self.ground.wild.encode("balanceOf", self.address)])[0]
        )

    def tamper(self, function: str, *values: object) -> None:
        assert self.node.call(self.ground.token, self.ground.wild.encode(function, *values)).good

    def shift(self, amount: int) -> None:
        """The escrow's balance moves by itself; the books do not ask why. It does not fall below zero."""
        if self.money is Money.NATIVE:
            self.node.set_coin(self.address, max(0, self.balance() + amount))
        elif amount > 0:
            self.tamper("mint", self.address, amount)
        else:
            self.tamper("burn", self.address, min(-amount, self.balance()))

    def refuse(self, address: str, refused: bool) -> None:
        """Transfers to an address fail from now on, or succeed again."""
        if self.money is Money.NATIVE:
            self.node.refuse_coin(address, refused)
        else:
            self.tamper("refuse", address, refused)
        (self.refusing.add if refused else self.refusing.discard)(address)

    def arrives(self, sent: int) -> int:
        """What the escrow has more of when somebody sends so much."""
        return sent - sent * FEE // 100 if self.money is Money.FEE else sent

    def gross(self, wanted: int) -> int:
        """The least to send so that so much arrives."""
        return next(sent for sent in range(wanted, 2 * wanted + 1) if self.arrives(sent) == wanted)

    def bring(self, who: str, amount: int) -> int:
        """Lets the escrow draw tokens that it gives somebody; the coin to send along."""
        if self.money is Money.NATIVE:
            return amount
        if amount:
            self.tamper("mint", who, amount)
            data = self.ground.wild.encode("approve", self.address, amount)
            assert self.node.call(self.ground.token, data, who).good
        return 0

    # --- acts on both stages ----------------------------------------------------------------------------------------

    def call(self, by: str | None, function: str, *values: object, value: int = 0) -> Reply:
        return self.node.call(self.address, ESCROW.encode(function, *values), by or ANYONE, value)

    def act(self, action: act.Action, by: str | None, function: str, *values: object, brings: int = 0) -> None:
        """Carries out one act, to which somebody may bring money, on both and compares what it came to."""
        value = self.bring(by, brings) if by else 0
        world = World(self.balance(), frozenset(self.refusing))
        refusal, state = None, self.state
        expected: tuple[Event, ...] = ()
        try:
            state, expected = apply(self.state, action, self.node.now, world)
        except ProtocolError as error:
            refusal = error.code
        reply = self.call(by, function, *values, value=value)
        if refusal is not None:
            assert not reply.good, f"{action}: the machine refuses it with {refusal}"
            assert refusal == explain(Reverted(reply.output)).code, action
            self.ground.reached[refusal] += 1
            return
        assert reply.good, f"{action}: the escrow refuses it with {explain(Reverted(reply.output))}"
        assert [plain(event) for event in expected] == [plain(event) for event in self.events_of(reply)], action
        self.state = state
        self.ground.done.add(type(action))
        self.ground.reached.update(spelled(type(event).__name__) for event in expected)
        self.compare_books()

    def events_of(self, reply: Reply) -> list[Event]:
        """The escrow's events as the protocol's."""
        logs = [
            Log(self.address, topics, data, 1, at, bytes(32), self.node.now, bytes(32))
            for at, (address, topics, data) in enumerate(reply.logs)
            if to_checksum_address(address) == self.address
        ]
        return [located.event for located in unfold(logs, ESCROW, Before(self))]

    def compare_books(self) -> None:
        state, tenures = self.state, self.state.tenures
        expected: dict[tuple[str, *tuple[int, ...]], object] = {
            ("funds",): state.funds,
            ("tracked",): state.tracked(),
            ("queueLength",): len(state.queue),
            ("clientClaimable",): state.client_claimable,
            ("requiredCover",): state.required_cover(self.node.now),
            ("stage",): list(AgreementStage).index(state.stage),
            ("lastPeriod",): state.last,
            ("occasions",): (state.assignments, state.terminations, state.uncovered_since or 0),
            ("tenures",): len(tenures),
        }
        for at, one in enumerate(tenures):
            books = (one.held, one.debt, one.arrears, one.claimable, one.bond)
            expected["account", at] = (*books, one.holder, one.payout, one.slot, one.first, one.released)
        number = self.random.randrange(1, state.last + 1) if state.last else 0
        if number:
            expected["periodState", number] = self.period_state(number)
            expected["termsHashOf", number] = bytes.fromhex(state.rules_of(number).terms)
        answers = self.node.read(self.address, [ESCROW.encode(*question) for question in expected])
        found = {asked: ESCROW.decode(asked[0], answer) for asked, answer in zip(expected, answers, strict=True)}
        if number and state.period(number).stage is PeriodStage.SETTLED:
            stage, ends, _, agreements = found["periodState", number]  # a settled one's proposals count no more
            found["periodState", number] = (stage, ends, state.period(number).proposals, agreements)
        assert expected == found

    def period_state(self, number: int) -> tuple[int, int, int, int]:
        period = self.state.period(number)
        until = {
            PeriodStage.DEFAULTED: period.window_end,
            PeriodStage.REPORTED: period.window_end,
            PeriodStage.DISPUTED: period.deadline,
        }.get(period.stage, 0)
        return PERIOD_STAGES.index(period.stage), until, period.proposals, period.agreements

    def versions(self, number: int) -> list[tuple[int, int, Sequence[int], Sequence[int]]]:
        """As the escrow wants to see them."""
        rows = self.state.period(number).versions
        return [(0 if one.by is None else one.by, one.stake, one.values, one.amounts) for one in rows]


class Before(Moment):
    """The escrow before the act, as the machine knows it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def holdback_rate(self) -> int:
        return self._stage.deal.arguments.holdback_rate

    def kpis_of(self, period: int) -> Sequence[Kpi]:
        return self._stage.state.rules_of(period).kpis

    def payout_of(self, provider: int) -> str:
        return self._stage.state.tenures[provider].payout

    def take(self, event: Event) -> None:
        pass


def plain(event: Event) -> Event:
    """Without what only a chain has, and terms hashes in one form."""
    if isinstance(event, events.Activated):
        return events.Activated(_hash(event.terms_hash))
    if isinstance(event, events.Amended):
        return events.Amended(event.first, _hash(event.terms_hash), "")
    return event


def _hash(name: bytes) -> bytes:
    """The machine names terms by the hash's digits."""
    return name if len(name) == 32 else bytes.fromhex(name.decode())


def spelled(name: str) -> str:
    """A name of Solidity as the protocol's codes spell it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
