"""Every deployed argument of an escrow, packed exactly as the contracts read it.

``argsHash`` = keccak256 of the packed bytes; the parties sign it inside the terms. Section 12 of docs/protocol.md fixes
the bytes. Of the several forms that a contract would read alike this module writes one, and reads back no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.decimals import DECIMALS, INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import ProtocolError
from pyoutcome.protocol.bytewise import address_bytes, bits_of, short_amount, short_time, signed_bytes, width_of

ZERO_ADDRESS: Final = "0x" + "00" * 20
MOST_VERIFIERS: Final = 32
MOST_PROVIDERS: Final = 32
MOST_KPIS: Final = 128
MOST_PARAMETERS: Final = 255
MOST_PERIODS: Final = 1024
MOST_PACKED: Final = 24_477
"""A clone's code has at most 24,576 bytes (EIP-170): the proxy, program, arguments, terms hash, size and kind."""
MOST_KPI_BYTES: Final = 24
MOST_EXPONENT: Final = 36
MONEY_BYTES: Final = 13
CLIENT_SUPPLIES: Final = 255

PAYOUTS, BONDS, BACKUPS, EXITS, RESTATES, HOLDBACK = 1, 2, 4, 8, 16, 32
"""Flags of the deal: which parts of it are there."""
CHOOSES, DISPUTES, REFUSES = 1, 2, 4
"""Flags of the rules."""
MAY_BE_MISSING, FROM_ZERO, SUPPLIED = 128, 64, 32
"""Flags of a KPI, beside its decimals."""
CONVENIENCE: Final = {"client": 1, "provider": 2}
MOST_DRIFT_BITS: Final = 32
UNITS: Final = (86_400, 3_600, 60, 1)
"""Seconds in which a schedule counts: the longest that fits."""


@dataclass(frozen=True)
class Provider:
    """One provider's place: who signs for it, where its money goes, what it deposits."""

    signer: str
    """Checksum address that signs the terms and moves ``payout``; may be a contract (EIP-1271)."""
    payout: str
    """Checksum address of the first payout."""
    bond: int = 0
    """What every holder of the place deposits, base units."""
    backup: str | None = None
    """Checksum address of who may step in."""
    fee: int = 0
    """What a client's notice pays, base units."""


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
    """The value used for a missing value and in a default, 18 decimals; or the one a step below the least, which no
    report can give: then the program finds the value itself."""
    supplier: int | None = None
    """Which provider supplies its evidence, from 0; None is the client."""

    @property
    def step(self) -> int:
        """The least difference of two values, 18 decimals."""
        return int(10 ** (DECIMALS - self.decimals))

    def accepts(self, value: int) -> bool:
        """Whether ``value`` (18 decimals) is in range and a multiple of the KPI's decimals."""
        return self.low <= value <= self.high and value % self.step == 0


@dataclass(frozen=True)
class Arguments:
    """The deployed arguments. Addresses are checksum texts, times unix seconds, money base units.

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
    """Acceptance and activation are possible before, cancellation from this time on."""
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
    holdback_delay: int
    """Seconds from the end of the last period to the release of holdback by closing."""
    reserve: int
    """Cover of one period, base units."""
    restates: bool = False
    """Whether a settled period can be settled anew by an agreement of client and payees."""
    challenge_window: int = 0
    """Seconds in which a report can be challenged; 0: it settles at once."""
    ruling_window: int = 0
    """Seconds the arbitrator has; 0 is turned into ``default_window``."""
    chooses: bool = False
    """Whether the arbitrator chooses one of the versions; otherwise it rules values."""
    refuses: bool = False
    """Whether a report on which the program fails is refused; otherwise it settles zero."""
    stake_fixed: int = 0
    """Least stake of a challenge, base units."""
    stake_share: int = 0
    """Share of the sum of absolute differences to stake, 18 decimals, at most 1."""
    cure_window: int = 0
    """Seconds an uncovered reserve may stay so before a provider may end the agreement."""
    notice: int = 0
    """Seconds between a notice for convenience and the moment whose period is the last."""
    convenience: frozenset[str] = frozenset()
    """Who may end it for convenience: ``client``, ``provider``."""
    streak: int = 0
    """Breaches in a row that are cause for step-in and termination; 0 is never."""

    def __post_init__(self) -> None:
        if self.ruling_window == 0:
            object.__setattr__(self, "ruling_window", self.default_window)
        for rule, why in self._broken():
            raise broken(rule, why)

    @property
    def holdback_release(self) -> int:
        """From this time on closing releases holdback, unless termination shortens the agreement."""
        return self.ends[-1] + self.holdback_delay

    # --- rules --------------------------------------------------------------------------------------------------------

    def _broken(self) -> Iterator[tuple[int, str]]:
        """The rules that do not hold, in the order in which the factory checks them."""
        if not all(is_checksum_address(address) for address in self._addresses()):
            yield 1, "every address is a checksum address"
        signers = tuple(provider.signer for provider in self.providers)
        if not 1 <= len(signers) <= MOST_PROVIDERS or not _distinct(signers):
            yield 5, f"there are 1 to {MOST_PROVIDERS} providers, all with different signers"
        if any(ZERO_ADDRESS in (provider.payout, provider.backup) for provider in self.providers):
            yield 5, "every provider has a payout address, and no backup is the zero address"
        if not 0 <= self.unit_decimals <= DECIMALS:
            yield 2, "the token has 0 to 18 decimals"
        yield from self._broken_of_times()
        if self.client == ZERO_ADDRESS or self.arbitrator == ZERO_ADDRESS or self.client == self.arbitrator:
            yield 1, "client and arbitrator exist and differ"
        if not 1 <= len(self.verifiers) <= MOST_VERIFIERS or not _distinct(self.verifiers):
            yield 3, f"there are 1 to {MOST_VERIFIERS} verifiers, all different"
        if not 1 <= self.quorum <= len(self.verifiers):
            yield 4, "the quorum is between 1 and the number of verifiers"
        yield from self._broken_of_numbers()

    def _broken_of_times(self) -> Iterator[tuple[int, str]]:
        starts = (self.start, *self.ends[:-1])
        if not 1 <= len(self.ends) <= MOST_PERIODS or not all(map(int.__lt__, starts, self.ends)):
            yield 8, f"there are 1 to {MOST_PERIODS} periods, each ending after it starts"
        if not all(0 < time < 2**40 for time in (self.activate_by, self.start, *self.ends)):
            yield 8, "every time is a unix second that fits 40 bits"
        length, width, _ = self._pack_schedule()
        if length >= 2**32 or width > MOST_DRIFT_BITS:
            yield 8, "the schedule counts at most 2^32 days, hours, minutes or seconds"
        if not 0 <= self.holdback_rate <= ONE:
            yield 10, "the holdback rate is between 0 and 1"
        if not 0 <= self.holdback_delay < 2**32:
            yield 10, "holdback is released at most 136 years after the last period, and not before its end"

    def _broken_of_numbers(self) -> Iterator[tuple[int, str]]:
        if not all(0 < window < 2**32 for window in (self.evidence_window, self.default_window, self.ruling_window)):
            yield 9, "the evidence, default and ruling windows last at least a second and fit 32 bits"
        if not all(0 <= time < 2**32 for time in (self.challenge_window, self.cure_window, self.notice)):
            yield 9, "the challenge window, the cure window and the notice fit 32 bits"
        if not 0 <= self.streak < 2**8 or not self.convenience <= set(CONVENIENCE):
            yield 9, "a breach streak is at most 255, and client and provider may end for convenience"
        if not 0 <= self.stake_share <= ONE:
            yield 16, "the stake is between 0 and 1 of the difference"
        if not 1 <= len(self.kpis) <= MOST_KPIS or not all(_sound(kpi, len(self.providers)) for kpi in self.kpis):
            yield (
                6,
                (
                    f"there are 1 to {MOST_KPIS} KPIs, each with 0 to 18 decimals, bounds of at most that many, a "
                    "stand-in between them or one step below, and a supplier that exists"
                ),
            )
        if len(self.parameters) > MOST_PARAMETERS or not all(map(_is_int256, self.parameters)):
            yield 7, f"there are at most {MOST_PARAMETERS} parameters, each a signed 256-bit number"
        own = (amount for provider in self.providers for amount in (provider.bond, provider.fee))
        if not all(0 <= amount < 2 ** (8 * MONEY_BYTES) for amount in (self.reserve, self.stake_fixed, *own)):
            yield 11, "the reserve, bonds, fees and the least stake are numbers of base units that fit 104 bits"
        elif len(self.pack()) > MOST_PACKED:
            yield 14, f"the packed arguments are at most {MOST_PACKED} bytes, what an escrow's code can hold"

    def _addresses(self) -> Iterator[str]:
        yield from (self.client, self.token, self.arbitrator, *self.verifiers)
        for provider in self.providers:
            yield from (provider.signer, provider.payout, *([provider.backup] if provider.backup is not None else []))

    # --- bytes --------------------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The packed bytes: first what no amendment changes, then what one may replace."""
        deal = self._pack_deal()
        return (len(deal) + 2).to_bytes(2) + deal + self._pack_rules()

    def hash(self) -> bytes:
        """``argsHash``: keccak256 of ``pack()``, 32 bytes."""
        return keccak(self.pack())

    @property
    def deal_hash(self) -> bytes:
        """keccak256 of the part that an amendment leaves as it is, 32 bytes."""
        deal = self._pack_deal()
        return keccak((len(deal) + 2).to_bytes(2) + deal)

    def _flags(self) -> int:
        exits = self.cure_window or self.notice or self.convenience or self.streak
        return (
            PAYOUTS * any(provider.payout != provider.signer for provider in self.providers)
            | BONDS * any(provider.bond for provider in self.providers)
            | BACKUPS * any(provider.backup is not None for provider in self.providers)
            | EXITS * (bool(exits) or any(provider.fee for provider in self.providers))
            | RESTATES * self.restates
            | HOLDBACK * bool(self.holdback_rate)
        )

    def _unit(self) -> int:
        return next(unit for unit in UNITS if all((end - self.start) % unit == 0 for end in self.ends))

    def _counts(self) -> list[int]:
        """The ends in units since the start."""
        unit = self._unit()
        return [(end - self.start) // unit for end in self.ends]

    def _pack_deal(self) -> bytes:
        flags = self._flags()
        length, width, drifts = self._pack_schedule()
        parts = [
            address_bytes(self.client), address_bytes(self.token), self.unit_decimals.to_bytes(1),
            self.activate_by.to_bytes(5), self.start.to_bytes(5), len(self.ends).to_bytes(2),
            self._unit().to_bytes(3), width.to_bytes(1), flags.to_bytes(1), len(self.providers).to_bytes(1),
        ]  # fmt: skip
        for provider in self.providers:
            parts.append(address_bytes(provider.signer))
            if flags & PAYOUTS:
                parts.append(address_bytes(provider.payout))
            if flags & BONDS:
                parts.append(provider.bond.to_bytes(MONEY_BYTES))
            if flags & BACKUPS:
                parts.append(address_bytes(provider.backup or ZERO_ADDRESS))
        parts += [length.to_bytes(4), drifts]
        if flags & EXITS:
            allowed = sum(CONVENIENCE[party] for party in self.convenience)
            parts += [self.cure_window.to_bytes(4), self.notice.to_bytes(4), allowed.to_bytes(1)]
            parts += [self.streak.to_bytes(1), *(provider.fee.to_bytes(MONEY_BYTES) for provider in self.providers)]
        parts.append(short_time(self.holdback_delay))
        if flags & HOLDBACK:
            parts.append(short_amount(self.holdback_rate))
        return b"".join(parts)

    def _pack_schedule(self) -> tuple[int, int, bytes]:
        """The length in units that all periods would have if they were alike; bits of each end's distance from that;
        and the distances, in two's complement."""
        counts = self._counts()
        length = counts[-1] // len(counts)
        drifts = [count - number * length for number, count in enumerate(counts, 1)]
        width = max(map(bits_of, drifts))
        bits = 0
        for drift in drifts:
            bits = bits << width | drift & ((1 << width) - 1)
        size = (width * len(drifts) + 7) // 8
        return length, width, (bits << (8 * size - width * len(drifts))).to_bytes(size)

    def _pack_rules(self) -> bytes:
        plain = self.ruling_window == self.default_window
        disputes = bool(self.challenge_window or self.stake_fixed or self.stake_share) or not plain
        flags = CHOOSES * self.chooses | DISPUTES * disputes | REFUSES * self.refuses
        counts = (flags, self.quorum, len(self.verifiers), len(self.kpis), len(self.parameters))
        parts = [
            bytes(counts), address_bytes(self.arbitrator), *map(address_bytes, self.verifiers),
        ]  # fmt: skip
        if disputes:
            parts += [self.challenge_window.to_bytes(4), self.ruling_window.to_bytes(4)]
            parts += [self.stake_fixed.to_bytes(MONEY_BYTES), self.stake_share.to_bytes(8)]
        parts += [*map(_pack_kpi, self.kpis), *map(_pack_parameter, self.parameters)]
        parts += [short_time(self.default_window), short_time(self.evidence_window), short_amount(self.reserve)]
        return b"".join(parts)


def broken(rule: int, why: str) -> ProtocolError:
    """The refusal of arguments that break a rule."""
    return ProtocolError(
        "bad-arguments",
        f"The escrow's arguments break rule {rule} of the protocol: {why}.",
        "Correct the agreement or the addresses, and prepare the escrow again.",
        rule=rule,
    )


def _pack_kpi(kpi: Kpi) -> bytes:
    supplier = CLIENT_SUPPLIES if kpi.supplier is None else kpi.supplier
    from_zero = kpi.low == kpi.if_missing == 0
    said = (kpi.high,) if from_zero else (kpi.high, kpi.low, kpi.if_missing)
    numbers = [number // kpi.step for number in said]
    width = max(1, *map(width_of, numbers))
    flags = MAY_BE_MISSING * kpi.may_be_missing | FROM_ZERO * from_zero | SUPPLIED * bool(supplier)
    parts = [bytes((kpi.decimals | flags, width)), *(signed_bytes(number, width) for number in numbers)]
    return b"".join(parts) + (bytes([supplier]) if supplier else b"")


def _pack_parameter(value: int) -> bytes:
    exponent = 0
    while value and exponent < MOST_EXPONENT and value % 10 == 0:
        value, exponent = value // 10, exponent + 1
    width = max(1, width_of(value))
    return bytes((width, exponent)) + signed_bytes(value, width)


def _distinct(addresses: tuple[str, ...]) -> bool:
    return len(set(addresses)) == len(addresses) and ZERO_ADDRESS not in addresses


def _sound(kpi: Kpi, providers: int) -> bool:
    if not 0 <= kpi.decimals <= DECIMALS or not (kpi.supplier is None or 0 <= kpi.supplier < providers):
        return False
    numbers = (kpi.low, kpi.high, kpi.if_missing)
    narrow = all(number % kpi.step == 0 and width_of(number // kpi.step) <= MOST_KPI_BYTES for number in numbers)
    return narrow and (kpi.accepts(kpi.if_missing) or (kpi.low <= kpi.high and kpi.if_missing == kpi.low - kpi.step))


def _is_int256(value: int) -> bool:
    return INT256_MIN <= value <= INT256_MAX
