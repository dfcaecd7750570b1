"""Random stories on the deployed escrow and on the reference machine: same events, same refusals, same books."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_keys.datatypes import PrivateKey
from eth_typing import Address
from eth_utils.abi import event_abi_to_log_topic, function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pyoutcome.chain.compiler import compile_sources, load_artifact
from pyoutcome.errors import ProtocolError
from pyoutcome.formula import KpiShape, Payee, Rule, parse
from pyoutcome.formula import encode as encode_rule
from pyoutcome.protocol import actions as act
from pyoutcome.protocol import events
from pyoutcome.protocol.arguments import ABI_TYPE, Arguments, Kpi, Provider
from pyoutcome.protocol.deployed import deployed_deal
from pyoutcome.protocol.events import Event
from pyoutcome.protocol.machine import apply
from pyoutcome.protocol.messages import MISSING, Domain, Report, Terms
from pyoutcome.protocol.state import PeriodStage, offer
from pyoutcome.protocol.turn import World
from tests.contracts.bare_evm import ANYONE, BareEvm, Reply
from tests.contracts.runner import ROOT

DEEP = 20 if os.environ.get("PYOUTCOME_HYPOTHESIS") == "deep" else 1
ACTS = 80
"""Random acts of a story, before it is brought to its end."""
BEGIN: Final = 1_700_000_000
DAY: Final = 86_400
PERIODS: Final = 6
UNIT: Final = 10**12
_NAMES: Final = ("client", "p0", "p1", "p2", "v0", "v1", "v2")
KEYS: Final = {name: PrivateKey(bytes([at + 1]) * 32) for at, name in enumerate(_NAMES)}
WHO: Final = {name: key.public_key.to_checksum_address() for name, key in KEYS.items()}
# The program that pays each provider the value of its KPI, and one that adds a tenth of what it earned before.
PROGRAM: Final = bytes.fromhex("0103000000000301" + "000102" + "05000900" + "05010901" + "05020902")
IN_TURN: Final = encode_rule(
    Rule(
        kpis=tuple(KpiShape(f"k{at}", -(10**40), 10**40, 6) for at in range(3)),
        parameters=(),
        definitions=(),
        lines=(),
        payees=tuple(Payee(f"p{at}", parse(f"k{at} + 0.1 * earned_before.p{at}")) for at in range(3)),
    )
).data


def payout(at: int) -> str:
    return to_checksum_address((0xBA40 + at).to_bytes(20, "big"))


def call(signature: str, *values: object) -> bytes:
    """Call data."""
    kinds = _split(signature[signature.index("(") + 1 : -1])
    return function_signature_to_4byte_selector(signature) + encode(kinds, values)


def _split(kinds: str) -> list[str]:
    """Types of an argument list, tuples whole."""
    found, depth, begun = [], 0, 0
    for at, letter in enumerate(kinds):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            found.append(kinds[begun:at])
            begun = at + 1
    return [*found, kinds[begun:]] if kinds else []


@dataclass
class Ground:
    """The chain on which all stories play: factory and token."""

    evm: BareEvm
    factory: Address
    token: Address
    abi: tuple[dict[str, Any], ...]
    stories: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    """How often each event and refusal came up."""


@cache
def ground() -> Ground:
    doubles = compile_sources(ROOT, [ROOT / "contracts" / "test" / "Doubles.sol"])
    evm = BareEvm(BEGIN)
    factory = evm.deploy(load_artifact("EscrowFactory").creation)
    for program in (PROGRAM, IN_TURN):
        assert evm.call(factory, call("registerProgram(bytes)", program)).good
    return Ground(evm, factory, evm.deploy(doubles["WildToken"].creation), load_artifact("OutcomeEscrow").abi)


class Story:
    """One escrow on both stages."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.program = random.choice((PROGRAM, PROGRAM, IN_TURN))
        self.ground = ground()
        self.evm = self.ground.evm
        self.evm.now = BEGIN
        self.ground.stories += 1
        self.arguments = Arguments(
            client=WHO["client"],
            token=to_checksum_address(self.ground.token),
            unit_decimals=6,
            quorum=2,
            verifiers=(WHO["v0"], WHO["v1"], WHO["v2"]),
            arbitrator=to_checksum_address(b"\xaa" * 20),
            providers=tuple(Provider(WHO[f"p{at}"], payout(at)) for at in range(3)),
            kpis=tuple(Kpi(6, at == 0, -(10**40), 10**40, at * 70 * UNIT) for at in range(3)),
            parameters=(),
            activate_by=BEGIN + 5 * DAY,
            start=BEGIN,
            ends=tuple(BEGIN + 10 * DAY * at for at in range(1, PERIODS + 1)),
            evidence_window=3 * DAY,
            default_window=2 * DAY,
            holdback_rate=random.choice((0, 10**17, 333_333_333_333_333_333, 10**18)),
            holdback_release=BEGIN + 10 * DAY * PERIODS + 20 * DAY,
            reserve=random.choice((0, 500)),
        )
        self.domain = Domain(self.evm.chain_id, to_checksum_address(self.ground.factory))
        deal = (self.arguments.as_tuple(), bytes(32), self._program_hash(), self.ground.stories)
        made = self.evm.call(self.ground.factory, call(f"create({ABI_TYPE},bytes32,bytes32,uint256)", *deal))
        self.escrow = Address(made.output[12:])
        terms = Terms(bytes(32), self._program_hash(), self.arguments.hash(), self.ground.stories)
        self.terms_hash = terms.digest(self.domain)
        self.state = offer(deployed_deal(self.arguments, self.program, self.terms_hash))
        self.refusing: set[str] = set()
        for address in (*map(payout, range(8)),):
            self.refuse(address, False)

    def _program_hash(self) -> bytes:
        from eth_utils.crypto import keccak

        return bytes(keccak(self.program))

    # --- the world --------------------------------------------------------------------------------------------------

    def balance(self) -> int:
        reply = self.evm.call(self.ground.token, call("balanceOf(address)", self.escrow))
        return int.from_bytes(reply.output)

    def tamper(self, signature: str, *values: object) -> None:
        assert self.evm.call(self.ground.token, call(signature, *values)).good

    def refuse(self, address: str, refused: bool) -> None:
        """The token refuses transfers to an address, or accepts them again."""
        self.tamper("refuse(address,bool)", address, refused)
        (self.refusing.add if refused else self.refusing.discard)(address)

    # --- acts on both stages ----------------------------------------------------------------------------------------

    def act(self, action: act.Action, data: bytes, by: str | None = None) -> None:
        """Carries out one act on both and compares what it came to."""
        world = World(self.balance(), frozenset(self.refusing))
        sender = ANYONE if by is None else Address(bytes.fromhex(by[2:]))
        reply = self.evm.call(self.escrow, data, sender)
        refusal = None
        try:
            state, expected = apply(self.state, action, self.evm.now, world)
        except ProtocolError as error:
            refusal = error.code
        if refusal is not None:
            assert not reply.good, f"{action}: the machine refuses it with {refusal}"
            assert refusal == self.refusal_of(reply), action
            self.ground.reached[refusal] += 1
            return
        assert reply.good, f"{action}: the escrow refuses it with {self.refusal_of(reply)}"
        self.state = state
        assert [plain(event) for event in expected] == [plain(event) for event in self.events_of(reply)], action
        self.ground.reached.update(type(event).__name__ for event in expected)
        self.compare_books()

    def refusal_of(self, reply: Reply) -> str:
        for entry in self.ground.abi:
            if entry["type"] == "error":
                kinds = ",".join(item["type"] for item in entry["inputs"])
                if function_signature_to_4byte_selector(f"{entry['name']}({kinds})") == reply.output[:4]:
                    return spelled(entry["name"])
        raise AssertionError(reply.output.hex())

    def events_of(self, reply: Reply) -> list[Event]:
        """The escrow's events as the protocol's, by name and order of fields."""
        found = []
        known = {event_abi_to_log_topic(entry): entry for entry in self.ground.abi if entry["type"] == "event"}  # type: ignore[arg-type]
        for address, topics, data in reply.logs:
            if address != self.escrow:
                continue
            entry = known[topics[0].to_bytes(32, "big")]
            indexed = iter(topics[1:])
            rest = iter(decode([item["type"] for item in entry["inputs"] if not item["indexed"]], data))
            values = [
                decode([item["type"]], next(indexed).to_bytes(32, "big"))[0] if item["indexed"] else next(rest)
                for item in entry["inputs"]
            ]
            shown = [
                to_checksum_address(value) if item["type"] == "address" else value
                for item, value in zip(entry["inputs"], values, strict=True)
            ]
            found.append(getattr(events, entry["name"])(*shown))
        return found

    def view(self, signature: str, kinds: Sequence[str], *values: object) -> tuple[Any, ...]:
        return tuple(decode(list(kinds), self.evm.call(self.escrow, call(signature, *values)).output))

    def compare_books(self) -> None:
        assert (self.state.funds,) == self.view("funds()", ["uint256"])
        assert (self.state.tracked(),) == self.view("tracked()", ["uint256"])
        assert (len(self.state.queue),) == self.view("queueLength()", ["uint256"])
        assert (self.state.required_cover(self.evm.now),) == self.view("requiredCover()", ["uint256"])
        for at, tenure in enumerate(self.state.tenures):
            ((*books, to),) = self.view(
                "account(uint8)", ["(int256,uint256,uint256,uint256,uint256,uint256,address)"], at
            )
            expected = [tenure.earned, tenure.paid, tenure.held, tenure.debt, tenure.arrears, tenure.claimable]
            assert expected == books
            assert tenure.payout == to_checksum_address(to)

    # --- what the actors do -----------------------------------------------------------------------------------------

    def deposit(self, amount: int) -> None:
        client = Address(bytes.fromhex(WHO["client"][2:]))
        self.tamper("mint(address,uint256)", WHO["client"], amount)
        assert self.evm.call(self.ground.token, call("approve(address,uint256)", self.escrow, amount), client).good
        self.act(act.Deposit(WHO["client"], amount), call("deposit(uint256)", amount), WHO["client"])

    def begin(self) -> None:
        self.deposit(self.random.randrange(500, 3000))
        signers = ["client", "p0", "p1", "p2"]
        signatures = [sign(name, self.terms_hash) for name in signers]
        self.act(act.Activate(frozenset(WHO[name] for name in signers)), call("activate(bytes[])", signatures))

    def any_period(self, *stages: PeriodStage) -> int:
        """Mostly an ended period in one of these stages, sometimes any."""
        ended = [at for at, end in enumerate(self.arguments.ends, 1) if end <= self.evm.now]
        fitting = [at for at in ended if self.state.period(at).stage in stages]
        if fitting and self.random.random() < 0.85:
            return self.random.choice(fitting)
        return self.random.randrange(1, PERIODS + 1)

    def report(self) -> None:
        period = self.any_period(PeriodStage.NONE, PeriodStage.DEFAULTED)
        values = tuple(self.random.choice((0, -200, 3, 150, 499, 2000, -1)) * UNIT for _ in range(3))
        if self.random.random() < 0.1:
            values = (MISSING, *values[1:]) if self.random.random() < 0.7 else (*values[:2], MISSING)
        verifiers = self.random.choice(((0, 1), (1, 2), (0, 2), (0, 1, 2), (0, 1), (1, 2), (2, 0), (0,)))
        if MISSING in values[1:]:
            verifiers = (0, 1)  # one mistake at a time: which of two is named is nobody's business
        message = Report(to_checksum_address(self.escrow), self.terms_hash, period, 0, values, bytes(32))
        signatures = [sign(f"v{at}", message.digest(self.domain)) for at in verifiers]
        signature = "report(uint32,int256[],bytes32,uint8[],bytes[])"
        self.act(
            act.Report(period, values, verifiers), call(signature, period, values, bytes(32), verifiers, signatures)
        )

    def propose(self) -> None:
        period = self.any_period(PeriodStage.NONE)
        self.act(act.ProposeDefault(period), call("proposeDefault(uint32)", period))

    def settle(self) -> None:
        period = self.any_period(PeriodStage.DEFAULTED)
        self.act(act.Settle(period), call("settle(uint32)", period))

    def pay_arrears(self) -> None:
        most = self.random.choice((0, 1, 1, 2, 3))
        self.act(act.PayArrears(most), call("payArrears(uint256)", most))

    def withdraw(self) -> None:
        amount, by = self.random.choice((0, 1, 200, 1000)), self.random.choice(("client", "client", "p0"))
        self.act(act.Withdraw(WHO[by], amount), call("withdraw(uint256)", amount), WHO[by])

    def claim(self) -> None:
        owed = [at for at, tenure in enumerate(self.state.tenures) if tenure.claimable]
        provider = self.random.choice(owed or range(3))
        early = self.random.random() < 0.5
        by = self.random.choice((provider, provider, 0))
        data = call(f"{'claimEarly' if early else 'claim'}(uint8,address)", provider, payout(9))
        self.act(act.Claim(WHO[f"p{by}"], provider, payout(9), early), data, WHO[f"p{by}"])

    def move(self) -> None:
        provider, to = self.random.randrange(3), payout(self.random.randrange(8))
        data = call("movePayout(uint8,address)", provider, to)
        self.act(act.MovePayout(WHO[f"p{provider}"], provider, to), data, WHO[f"p{provider}"])

    def sync(self) -> None:
        self.act(act.Sync(), call("sync()"))

    def close(self) -> None:
        most = self.random.randrange(0, 5)
        self.act(act.Close(most), call("close(uint256)", most))

    def change_mood(self) -> None:
        self.refuse(self.state.tenures[self.random.randrange(3)].payout, self.random.random() < 0.6)

    def tilt(self) -> None:
        """The balance moves by itself: a gift, or a loss."""
        if self.random.random() < 0.5:
            self.tamper("mint(address,uint256)", self.escrow, self.random.randrange(1, 200))
        else:
            lost = self.random.choice((1, 50, self.state.funds, self.state.funds + 30))
            self.tamper("burn(address,uint256)", self.escrow, min(lost, self.balance()))

    def pass_time(self) -> None:
        self.evm.now += self.random.choice((DAY, 5 * DAY, 10 * DAY, 2 * DAY - 1))

    def play(self) -> None:
        """A random story, then its end by an outsider alone."""
        self.begin()
        moves = [self.report] * 7 + [self.pass_time] * 4 + [self.pay_arrears] * 3 + [self.propose] * 2
        moves += [self.settle] * 2 + [self.claim] * 3 + [self.change_mood] * 3 + [self.tilt] * 2
        moves += [self.withdraw, self.move, self.sync, self.close]
        moves += [lambda: self.deposit(self.random.randrange(1, 1500))]
        for _ in range(ACTS):
            if self.state.stage != "closed":
                self.random.choice(moves)()
        self.evm.now = max(self.evm.now, self.arguments.holdback_release)
        for period in range(1, PERIODS + 1):
            if self.state.settled(period):
                continue
            if self.state.period(period).stage == "none":
                self.evm.now += 3 * DAY  # its evidence is due this long after its turn
                self.act(act.ProposeDefault(period), call("proposeDefault(uint32)", period))
            self.evm.now += 2 * DAY
            self.act(act.Settle(period), call("settle(uint32)", period))
        for _ in range(60):
            if self.state.stage != "closed":
                self.act(act.Close(3), call("close(uint256)", 3))
        assert self.state.stage == "closed"


def sign(name: str, digest: bytes) -> bytes:
    raw = KEYS[name].sign_msg_hash(digest).to_bytes()
    return raw[:64] + bytes([raw[64] + 27])


def plain(event: Event) -> Event:
    """Without the name under which the machine keeps the terms hash."""
    return events.Activated(b"") if isinstance(event, events.Activated) else event


@settings(
    deadline=None,
    max_examples=12 * DEEP,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.integers(0, 2**64))
def test_the_escrow_does_what_the_machine_does(seed: int) -> None:
    Story(Random(seed)).play()


def test_stories_reach_every_event_and_refusal() -> None:
    for seed in range(30):
        Story(Random(seed)).play()

    told = {spelled(entry["name"]) for entry in ground().abi if entry["type"] in ("event", "error")}
    reached = {spelled(name) for name in ground().reached}
    assert set() == told - reached - UNTOLD


def spelled(name: str) -> str:
    """A name of Solidity as the protocol's codes spell it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


UNTOLD: Final = {
    # Told by contracts/test: they need an actor or a mistake that these stories have not.
    "cancelled", "bad-party-signature", "bad-verifier-signature", "no-such-period", "no-such-provider", "wrong-stage",
    "wrong-value", "wrong-value-count", "push-refused", "too-little-gas",
    # Of the libraries: they say that the code itself is wrong, or a token.
    "reentrancy-guard-reentrant-call", "safe-cast-overflowed-int-downcast", "safe-cast-overflowed-uint-downcast",
    "safe-e-r-c20-failed-operation",
}  # fmt: skip
