"""Every deployed argument of an escrow, encoded exactly as Solidity encodes it.

``argsHash`` = keccak256(abi.encode(Arguments)); the parties sign it inside the terms (docs/protocol.md, section 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from eth_abi.abi import encode
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.decimals import DECIMALS, INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import ProtocolError

ABI_TYPE: Final = (
    "(address,address,uint8,uint8,address[],address,(address,address)[],(uint8,bool,int256,int256,int256)[],int256[],"
    "uint40,uint40,uint40[],uint32,uint32,uint64,uint40,uint128)"
)
"""ABI type of the Solidity struct ``IOutcomeEscrow.Arguments``."""
ZERO_ADDRESS: Final = "0x" + "00" * 20
MOST_VERIFIERS: Final = 32
MOST_PROVIDERS: Final = 32
MOST_KPIS: Final = 128
MOST_PARAMETERS: Final = 256
MOST_PERIODS: Final = 1024
MOST_ENCODED: Final = 24_416
"""A clone's code has at most 24,576 bytes (EIP-170): the proxy, three words and the encoded arguments."""


@dataclass(frozen=True)
class Provider:
    """One provider: who signs for it and where its money goes."""

    signer: str
    """Checksum address that signs the terms and moves ``payout``; may be a contract (EIP-1271)."""
    payout: str
    """Checksum address of the first payout."""


@dataclass(frozen=True)
class Kpi:
    """What a reported KPI value must satisfy."""

    decimals: int
    """A value is a multiple of 10**(18 - decimals); 0 to 18."""
    may_be_missing: bool
    """Whether a report may mark it missing; ``if_missing`` then stands in its place."""
    low: int
    """Least value, 18 decimals."""
    high: int
    """Greatest value, 18 decimals."""
    if_missing: int
    """The value used for a missing value and in a default, 18 decimals."""

    def accepts(self, value: int) -> bool:
        """Whether ``value`` (18 decimals) is in range and a multiple of the KPI's decimals."""
        return self.low <= value <= self.high and value % 10 ** (DECIMALS - self.decimals) == 0


@dataclass(frozen=True)
class Arguments:
    """The deployed arguments, in Solidity's order. Addresses are checksum texts, times unix seconds, money base units.

    Construction refuses arguments that break a numbered rule of docs/protocol.md section 1 (``bad-arguments``), the
    same rules by the same numbers as the factory's ``BadArguments(uint8 rule)``. Rules 12 and 13 need the program and
    the chain; the factory alone checks them.
    """

    client: str
    token: str
    """ERC-20 address, or the zero address for the native coin."""
    unit_decimals: int
    quorum: int
    verifiers: tuple[str, ...]
    arbitrator: str
    providers: tuple[Provider, ...]
    kpis: tuple[Kpi, ...]
    parameters: tuple[int, ...]
    """The program's parameter vector, 18 decimals."""
    activate_by: int
    """Activation is possible before, cancellation from this time on."""
    start: int
    """Start of period 1."""
    ends: tuple[int, ...]
    """End of each period, rising; a period starts where the one before it ends."""
    evidence_window: int
    """Seconds after which missing evidence allows a default."""
    default_window: int
    """Seconds in which a report can replace a proposed default."""
    holdback_rate: int
    """Share of each credit that is held back, 18 decimals, at most 1."""
    holdback_release: int
    """From this time on holdback is released by closing."""
    reserve: int
    """Cover of one period, base units."""

    def __post_init__(self) -> None:
        for rule, why in chain(self._broken_of_parties(), self._broken_of_numbers()):
            raise ProtocolError(
                "bad-arguments",
                f"The escrow's arguments break rule {rule} of the protocol: {why}.",
                "Correct the agreement or the addresses, and prepare the escrow again.",
                rule=rule,
            )

    def _broken_of_parties(self) -> Iterator[tuple[int, str]]:
        """The rules on who takes part, in the order in which the factory checks them."""
        if not all(is_checksum_address(address) for address in self._addresses()):
            yield 1, "every address is a checksum address"
        if self.client == ZERO_ADDRESS or self.arbitrator == ZERO_ADDRESS or self.client == self.arbitrator:
            yield 1, "client and arbitrator exist and differ"
        if not 0 <= self.unit_decimals <= DECIMALS:
            yield 2, "the token has 0 to 18 decimals"
        if not 1 <= len(self.verifiers) <= MOST_VERIFIERS or not _distinct(self.verifiers):
            yield 3, f"there are 1 to {MOST_VERIFIERS} verifiers, all different"
        if not 1 <= self.quorum <= len(self.verifiers):
            yield 4, "the quorum is between 1 and the number of verifiers"
        signers = tuple(provider.signer for provider in self.providers)
        if not 1 <= len(signers) <= MOST_PROVIDERS or not _distinct(signers):
            yield 5, f"there are 1 to {MOST_PROVIDERS} providers, all with different signers"
        if any(provider.payout == ZERO_ADDRESS for provider in self.providers):
            yield 5, "every provider has a payout address"

    def _broken_of_numbers(self) -> Iterator[tuple[int, str]]:
        """The rules on values, times and money, in the order in which the factory checks them."""
        if not 1 <= len(self.kpis) <= MOST_KPIS or not all(map(_sound, self.kpis)):
            yield 6, f"there are 1 to {MOST_KPIS} KPIs, each with 0 to 18 decimals and a stand-in within its range"
        if len(self.parameters) > MOST_PARAMETERS or not all(map(_is_int256, self.parameters)):
            yield 7, f"there are at most {MOST_PARAMETERS} parameters, each a signed 256-bit number"
        starts = (self.start, *self.ends[:-1])
        if not 1 <= len(self.ends) <= MOST_PERIODS or not all(map(int.__lt__, starts, self.ends)):
            yield 8, f"there are 1 to {MOST_PERIODS} periods, each ending after it starts"
        times = (self.activate_by, self.start, *self.ends, self.holdback_release)
        if not all(0 < time < 2**40 for time in times):
            yield 8, "every time is a unix second that fits 40 bits"
        if not (0 < self.evidence_window < 2**32 and 0 < self.default_window < 2**32):
            yield 9, "the evidence window and the default window last at least a second"
        if not 0 <= self.holdback_rate <= ONE:
            yield 10, "the holdback rate is between 0 and 1"
        if self.ends and self.holdback_release < self.ends[-1]:
            yield 10, "holdback is not released before the last period ends"
        if not 0 <= self.reserve < 2**128:
            yield 11, "the reserve is a number of base units that fits 128 bits"
        elif len(self.encode()) > MOST_ENCODED:
            yield 14, f"the encoded arguments are at most {MOST_ENCODED} bytes, what an escrow's code can hold"

    def _addresses(self) -> Iterator[str]:
        yield from (self.client, self.token, self.arbitrator, *self.verifiers)
        for provider in self.providers:
            yield from (provider.signer, provider.payout)

    def encode(self) -> bytes:
        """``abi.encode(Arguments)``."""
        return encode([ABI_TYPE], [self.as_tuple()])

    def hash(self) -> bytes:
        """``argsHash``: keccak256 of ``encode()``, 32 bytes."""
        return keccak(self.encode())

    def as_tuple(self) -> tuple[object, ...]:
        """The nested tuple an ABI encoder (or web3) takes for the struct, in Solidity's order."""
        providers = [(provider.signer, provider.payout) for provider in self.providers]
        kpis = [(kpi.decimals, kpi.may_be_missing, kpi.low, kpi.high, kpi.if_missing) for kpi in self.kpis]
        return (
            self.client, self.token, self.unit_decimals, self.quorum, list(self.verifiers), self.arbitrator, providers,
            kpis, list(self.parameters), self.activate_by, self.start, list(self.ends), self.evidence_window,
            self.default_window, self.holdback_rate, self.holdback_release, self.reserve,
        )  # fmt: skip


def _distinct(addresses: tuple[str, ...]) -> bool:
    return len(set(addresses)) == len(addresses) and ZERO_ADDRESS not in addresses


def _sound(kpi: Kpi) -> bool:
    # The least int256 marks a missing value in a report, so no KPI may reach it.
    in_reach = kpi.low > INT256_MIN and kpi.high <= INT256_MAX
    return 0 <= kpi.decimals <= DECIMALS and in_reach and kpi.accepts(kpi.if_missing)


def _is_int256(value: int) -> bool:
    return INT256_MIN <= value <= INT256_MAX
