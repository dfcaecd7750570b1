"""The escrow's contracts on a chain, and agreements that run on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from eth_abi.abi import encode
from eth_keys.datatypes import PrivateKey
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.formula import Program, Rule
from pyoutcome.protocol.messages import Domain, Report, Terms
from pyoutcome.terms import Agreement
from tests.gas.anvil import Anvil, Sent
from tests.gas.compiled import compiled
from tests.gas.packed import DAY, PackedDeal, pack_report

AGREEMENTS: Final = Path(__file__).parent / "agreements"
START: Final = 1_356_998_400
"""2013-01-01 00:00 UTC."""
_MONTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
UNIT: Final = 10**6
FEE: Final = 250_000 * UNIT
_NAMES: Final = ("sender", "client", "provider", "verifier0", "verifier1", "verifier2", "arbitrator")
KEYS: Final = {name: PrivateKey(keccak(text=f"gas {name}")) for name in _NAMES}
WHO: Final = {name: key.public_key.to_checksum_address() for name, key in KEYS.items()}
SETTLED: Final = 4
"""The last of a period's stages."""
EVIDENCE: Final = keccak(b"evidence")
DIGEST: Final = keccak(b"agreement")


def call(signature: str, *values: object, kinds: Sequence[str] | None = None) -> bytes:
    """Call data; ``kinds`` are needed only where a type has commas of its own."""
    inside = signature[signature.index("(") + 1 : -1]
    types = kinds if kinds is not None else [kind for kind in inside.split(",") if kind]
    return function_signature_to_4byte_selector(signature) + encode(types, values)


def sign(who: str, digest: bytes) -> bytes:
    signed = KEYS[who].sign_msg_hash(digest).to_bytes()
    return bytes(signed[:64]) + bytes([27 + signed[64]])


def month_ends(start: int, count: int) -> tuple[int, ...]:
    """Ends of so many periods, each as long as a month."""
    moments, at = [], start
    for month in range(count):
        at += _MONTHS[month % 12] * DAY
        moments.append(at)
    return tuple(moments)


@dataclass(frozen=True)
class Priced:
    """What an agreement file compiles to."""

    rule: Rule
    program: Program


def priced(name: str) -> Priced:
    agreement = Agreement.load(AGREEMENTS / f"{name}.yaml")
    return Priced(agreement.rule(), agreement.program())


class Stage:
    """Factory, token and batch on a fresh chain."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil = anvil
        self.code = compiled()
        anvil.advance_to(START)
        self.token = self.deploy("TestToken", encode(["string", "string"], ["Test dollar", "TUSD"]))
        further = self.deploy("EscrowViews")
        for name in ("EscrowChanges", "EscrowExits"):
            further = self.deploy(name, encode(["address"], [further]))
        works = [
            self.deploy(name, encode(["address"], [further]))
            for name in ("EscrowSettling", "EscrowDisputes", "EscrowRulings")
        ]
        self.factory = self.deploy("EscrowFactory", encode(["address"] * 3, works))
        self.batch = self.deploy("EscrowBatch")
        self.domain = Domain(anvil.chain_id, self.factory)
        # Whoever is paid has been paid before, and the client has money left.
        for holder in ("client", "provider", "sender"):
            self.send(self.token, call("mint(address,uint256)", WHO[holder], 10**9 * UNIT))

    def deploy(self, name: str, arguments: bytes = b"") -> str:
        return self.deploy_code(self.code[name].creation + arguments)

    def deploy_code(self, creation: bytes) -> str:
        return to_checksum_address(self.anvil.send(WHO["sender"], None, creation).created)

    def send(self, to: str, data: bytes, who: str = "sender") -> Sent:
        return self.anvil.send(WHO[who], to, data)

    def now(self) -> int:
        return int(self.anvil.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def wait(self, seconds: int) -> None:
        self.anvil.advance_to(self.now() + seconds)

    def register(self, program: bytes) -> None:
        self.send(self.factory, call("registerProgram(bytes)", program))

    def plan(self, name: str, periods: int, quorum: int = 1, holdback: int = 0) -> Plan:
        """An agreement between the named actors, with one verifier or two of three."""
        made = priced(name)
        start = (self.now() // DAY + 1) * DAY
        deal = PackedDeal(
            client=WHO["client"],
            provider=WHO["provider"],
            token=self.token,
            start=start,
            ends=month_ends(start, periods),
            verifiers=tuple(WHO[f"verifier{index}"] for index in range(3 if quorum > 1 else 1)),
            quorum=quorum,
            arbitrator=WHO["arbitrator"],
            kpis=made.rule.kpis,
            parameters=tuple(word for _, word in made.rule.parameters),
            reserve=FEE + FEE // 10,
            holdback_rate=holdback,
        )
        return Plan(deal, made.program.data)


_OFFER: Final = "(bytes32,bytes32,bytes,bytes,uint256)"


@dataclass(frozen=True)
class Plan:
    """Terms that somebody may deploy."""

    deal: PackedDeal
    program: bytes
    registered: bool = False
    """The offer names the program's hash instead of having the program."""
    nonce: int = 0

    def registered_already(self) -> Plan:
        return replace(self, registered=True)

    def with_disputes(self) -> Plan:
        """Four days to challenge, six to rule, a stake of a tenth."""
        deal = replace(
            self.deal, challenge_window=4 * DAY, ruling_window=6 * DAY, stake_fixed=1000 * UNIT, stake_share=10**17
        )
        return replace(self, deal=deal)

    def terms_hash(self, domain: Domain) -> bytes:
        return Terms(DIGEST, keccak(self.program), keccak(self.deal.pack()), self.nonce).digest(domain)

    def offer(self) -> tuple[object, ...]:
        program = b"" if self.registered else self.program
        return (DIGEST, keccak(self.program) if self.registered else bytes(32), program, self.deal.pack(), self.nonce)


class Running:
    """An escrow that was created, accepted, funded and activated."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        self.stage = stage
        self.plan = plan
        self.terms_hash = plan.terms_hash(stage.domain)
        found = stage.anvil.read(stage.factory, call(f"predict({_OFFER})", plan.offer(), kinds=[_OFFER]))
        self.address = to_checksum_address(found[12:32])
        assert self.terms_hash == found[32:64]
        self.created = self._create()

    def _create(self) -> Sent:
        signatures = [sign(who, self.terms_hash) for who in ("client", "provider")]
        data = call(f"create({_OFFER},bytes[])", self.plan.offer(), signatures, kinds=[_OFFER, "bytes[]"])
        return self.stage.send(self.stage.factory, data)

    def start(self) -> Running:
        """Funds every period, and activates."""
        stage = self.stage
        amount = len(self.plan.deal.ends) * self.plan.deal.reserve
        stage.send(stage.token, call("approve(address,uint256)", self.address, 2**256 - 1), "client")
        stage.send(self.address, call("deposit(uint256)", amount), "client")
        stage.send(self.address, call("activate()"))
        return self

    def packed(self, period: int, values: tuple[int, ...]) -> bytes:
        """A report of the first verifiers."""
        report = Report(self.address, self.terms_hash, period, 0, values, EVIDENCE)
        digest = report.digest(self.stage.domain)
        signatures = {index: sign(f"verifier{index}", digest) for index in range(self.plan.deal.quorum)}
        return pack_report(period, EVIDENCE, self.plan.deal.kpis, values, signatures)

    def submit(self, period: int, values: tuple[int, ...]) -> Sent:
        return self.stage.send(self.address, call("submit()") + self.packed(period, values))

    def settle(self, period: int, values: tuple[int, ...]) -> Sent:
        return self.stage.send(self.address, call("settle(uint256,int256[])", period, values))

    def is_settled(self, period: int) -> bool:
        return self.stage.anvil.read(self.address, call("periodState(uint256)", period))[31] == SETTLED
