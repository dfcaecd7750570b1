"""A small deal between a client and two providers, with real contracts: each provider earns its KPI times its price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import ZERO_ADDRESS
from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.factory import Deal, FactoryClient, deploy_factory
from pyoutcome.chain.keys import KeySigner
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect, start_chain
from pyoutcome.chain.tokens import TokenClient, deploy_test_token
from pyoutcome.decimals import ONE
from pyoutcome.errors import ProtocolError
from pyoutcome.protocol import Arguments, Domain, Kpi, Provider, Report
from tests.anvil import STARTS_AT, running_anvil

DAY = 86_400
STARTS = 1_356_998_400
"""2013-01-01 00:00 UTC, the start of period 1."""
ENDS = (STARTS + 31 * DAY, STARTS + 59 * DAY, STARTS + 90 * DAY)
ACTIVATE_BY = STARTS + 5 * DAY
EVIDENCE_WINDOW = 10 * DAY
DEFAULT_WINDOW = 5 * DAY
RELEASE = ENDS[-1] + 30 * DAY
UNIT = 10**6
"""Base units of one whole token."""
RESERVE = 3_000 * UNIT
PRICES = (1_000 * ONE, 2_000 * ONE)
"""What one whole KPI is worth to each provider, tokens."""
EVIDENCE = keccak(b"evidence")
PROGRAM = bytes.fromhex(
    "0102020000000202"  # version 1, two KPIs, two parameters, no lines, two payees, stack of two
    "0001"  # payee i is paid local i
    "050006002209000501060122" + "0901"  # local i = KPI i x parameter i
)


@dataclass(frozen=True)
class Scene:
    """Everything an act of the story needs."""

    network: Network
    factory: FactoryClient
    token: TokenClient
    deal: Deal
    escrow: EscrowClient
    client: KeySigner
    providers: tuple[KeySigner, KeySigner]
    verifiers: tuple[KeySigner, KeySigner, KeySigner]
    outsider: KeySigner

    @property
    def domain(self) -> Domain:
        return self.factory.domain

    @property
    def terms_hash(self) -> bytes:
        return self.deal.terms.digest(self.domain)

    def party_signatures(self) -> list[bytes]:
        """The client's, then the providers'."""
        return [party.sign(self.terms_hash) for party in (self.client, *self.providers)]

    def signed(self, report: Report, by: Sequence[int] = (0, 1), domain: Domain | None = None) -> Mapping[int, bytes]:
        digest = report.digest(domain or self.domain)
        return {index: self.verifiers[index].sign(digest) for index in by}

    def values(self, *shares: str) -> tuple[int, ...]:
        """Shares with up to four decimals, as 18-decimal integers."""
        return tuple(round(float(share) * 10_000) * 10**14 for share in shares)

    def a_report(self, period: int, values: tuple[int, ...]) -> Report:
        return Report(self.escrow.address, self.terms_hash, period, 0, values, EVIDENCE)

    def fund(self, amount: int = 20_000 * UNIT) -> None:
        if self.deal.arguments.token != ZERO_ADDRESS:
            self.token.mint(self.outsider, self.client.address, amount)
        self.escrow.deposit(self.client, amount)

    def accept(self) -> None:
        """Signed by everybody."""
        self.escrow.accept(self.outsider, self.deal.agreement_digest, self.deal.nonce, self.party_signatures())

    def start(self) -> None:
        """Funded and activated, at the start of period 1."""
        self.fund()
        self.accept()
        self.escrow.activate(self.outsider)

    def settle(self, period: int, values: tuple[int, ...]) -> None:
        """Reported by two verifiers after the period's end."""
        if self.network.now() < ENDS[period - 1]:
            self.network.advance_to(ENDS[period - 1])
        report = self.a_report(period, values)
        self.escrow.report(self.outsider, period, values, EVIDENCE, self.signed(report))


def the_arguments(network: Network, token: str) -> Arguments:
    client, first, second, v1, v2, v3, arbitrator = [account.address for account in network.test_accounts()[:7]]
    native = token == ZERO_ADDRESS
    share = Kpi(decimals=4, may_be_missing=True, low=-2 * ONE, high=ONE, if_missing=0)
    return Arguments(
        client=client,
        token=token,
        unit_decimals=18 if native else 6,
        quorum=2,
        verifiers=(v1, v2, v3),
        arbitrator=arbitrator,
        providers=(Provider(first, first), Provider(second, second)),
        kpis=(share, replace(share, may_be_missing=False, if_missing=ONE // 4)),
        parameters=tuple(price // 10**3 for price in PRICES) if native else PRICES,
        activate_by=ACTIVATE_BY,
        start=STARTS,
        ends=ENDS,
        evidence_window=EVIDENCE_WINDOW,
        default_window=DEFAULT_WINDOW,
        holdback_rate=ONE // 20,
        holdback_delay=RELEASE - ENDS[-1],
        reserve=RESERVE,
    )


def deploy(network: Network, *, native: bool = False) -> Scene:
    """Factory, token, program and an escrow that is an offer."""
    client, first, second, v1, v2, v3, _, outsider = network.test_accounts()[:8]
    factory = deploy_factory(network, outsider)
    token = deploy_test_token(network, outsider, "Test Dollar", "TUSD")
    factory.register_program(outsider, PROGRAM)
    arguments = the_arguments(network, ZERO_ADDRESS if native else token.address)
    deal = Deal(arguments, keccak(b"agreement"), PROGRAM)
    escrow, _ = factory.create(outsider, deal)
    return Scene(network, factory, token, deal, escrow, client, (first, second), (v1, v2, v3), outsider)


@contextmanager
def fresh_network(kind: str, folder: Path) -> Iterator[Network]:
    """A local network of that kind, with nothing on it."""
    if kind == "embedded":
        start_chain(folder, STARTS_AT)
        with connect("embedded", folder) as found:
            yield found
    else:
        with running_anvil() as url, connect(url, folder) as found:
            yield found


@contextmanager
def scene_on(kind: str, folder: Path, *, native: bool = False) -> Iterator[Scene]:
    """A fresh scene on a fresh network of that kind."""
    with fresh_network(kind, folder) as network:
        yield deploy(network, native=native)


@contextmanager
def nothing_happens(scene: Scene, code: str) -> Iterator[pytest.ExceptionInfo[ProtocolError]]:
    """Expects a refusal with exactly this code, after which the chain is as before."""
    before = scene.network.head().number
    with pytest.raises(ProtocolError) as info:
        yield info
    assert code == info.value.code
    assert before == scene.network.head().number


def names(done: object) -> list[str]:
    return [type(located.event).__name__ for located in getattr(done, "events", ())]
