"""A toy escrow that pays by the rules of docs/protocol.md, written a second time and plainly.

It emits what the contract emits, so that an audit of it must find nothing; tests then spoil its story. The agreement
is a toy too: each provider's score, in thousandths, times 1,000 base units, less 500,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from pyoutcome.audit import ChainView, Subject
from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.ledger import AccountBalance, EscrowBalances
from pyoutcome.protocol import events
from pyoutcome.protocol.arguments import ZERO_ADDRESS, Arguments, Kpi, Provider
from pyoutcome.protocol.events import Event, Located
from pyoutcome.protocol.messages import MISSING, Terms, domain

PROVIDERS = ("A", "B", "C")
KPIS = ("score.A", "score.B", "score.C")
DAY = 86_400
START = 1_356_998_400
ENDS = tuple(START + 30 * DAY * number for number in range(1, 5))
RELEASE = ENDS[-1] + 30 * DAY
FACTORY = "0x" + "ff" * 20
CHAIN_ID = 31_337
DIGEST = b"\xa0" * 32
PROGRAM = b"the program"
FAILS = 777 * ONE // 1000
"""A score on which the toy program fails."""


def _address(number: int) -> str:
    return "0x" + f"{number:02d}" * 20


ARGUMENTS = Arguments(
    client=_address(10),
    token=ZERO_ADDRESS,
    unit_decimals=6,
    quorum=2,
    verifiers=(_address(21), _address(22), _address(23)),
    arbitrator=_address(30),
    providers=tuple(Provider(_address(40 + i), _address(50 + i)) for i in range(len(PROVIDERS))),
    kpis=tuple(Kpi(decimals=3, may_be_missing=True, low=0, high=ONE, if_missing=0) for _ in KPIS),
    parameters=(),
    activate_by=START + DAY,
    start=START,
    ends=ENDS,
    evidence_window=10 * DAY,
    default_window=3 * DAY,
    holdback_rate=ONE // 20,
    holdback_delay=RELEASE - ENDS[-1],
    reserve=1_500_000,
)


def amounts(period: int, values: Sequence[int | None]) -> tuple[int, ...]:
    """The toy agreement: base units per provider. It does not depend on the period."""
    if FAILS in values:
        raise FormulaError("overflow", f"Period {period} fails.", "Change the agreement.")
    return tuple((value or 0) * 10**6 // ONE - 500_000 for value in values)


SUBJECT = Subject(DIGEST, PROGRAM, ARGUMENTS, PROVIDERS, KPIS, amounts)
TERMS_HASH = Terms(DIGEST, keccak(PROGRAM), ARGUMENTS.hash(), 1).digest(domain(CHAIN_ID, FACTORY))


@dataclass
class Account:
    """One provider's money."""

    earned: int = 0
    paid: int = 0
    held: int = 0
    debt: int = 0
    claimable: int = 0


@dataclass
class ToyEscrow:
    """The escrow and everything it said; also serves as the evidence of its own reports."""

    located: list[Located] = field(default_factory=list)
    funds: int = 0
    accounts: list[Account] = field(default_factory=lambda: [Account() for _ in PROVIDERS])
    queue: list[tuple[int, int, int]] = field(default_factory=list)
    """Period, provider and amount, oldest first."""
    funded: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """What of a period's credit there was money for, and what of that is held."""
    refusing: set[int] = field(default_factory=set)
    """Providers to which a transfer fails."""
    settled: set[int] = field(default_factory=set)
    records: dict[int, tuple[int | None, ...]] = field(default_factory=dict)
    released: bool = False
    now: int = START
    block: int = 0
    _said: list[Event] = field(default_factory=list)

    # --- evidence ---

    def values(self, period: int) -> tuple[int | None, ...]:
        return self.records[period]

    def digest(self, period: int) -> bytes | None:
        return period.to_bytes(32, "big")

    # --- acts, one transaction each ---

    def begin(self, funding: int) -> None:
        self.deposit(funding)
        self._said.append(events.Activated(TERMS_HASH))
        self._mine()

    def deposit(self, amount: int) -> None:
        self.funds += amount
        self._said.append(events.Deposited(ARGUMENTS.client, amount))
        self._mine()

    def report(self, period: int, values: tuple[int | None, ...]) -> None:
        self.records[period] = values
        self.now = max(self.now, ENDS[period - 1])
        told = tuple(MISSING if value is None else value for value in values)
        self._said.append(events.Reported(period, self.digest(period) or b"", told, 0b101))
        self._settle(period, values)
        self._mine()

    def propose_default(self, period: int) -> None:
        self.now = max(self.now, ENDS[period - 1] + ARGUMENTS.evidence_window)
        self._said.append(events.DefaultProposed(period, self.now + ARGUMENTS.default_window))
        self._mine()

    def settle_default(self, period: int) -> None:
        self.now += ARGUMENTS.default_window
        self._settle(period, (None,) * len(KPIS))
        self._mine()

    def pay_arrears(self, most: int) -> None:
        self._serve(most)
        self._mine()

    def claim(self, provider: int) -> None:
        account = self.accounts[provider]
        if account.claimable:
            self._said.append(events.Claimed(provider, ARGUMENTS.client, account.claimable))
            account.claimable = 0
            self._mine()

    def close(self, most: int = 100) -> bool:
        """Closes, or pays up to ``most`` arrears and says that it could not close yet."""
        self.now = max(self.now, RELEASE)
        for provider, account in enumerate(self.accounts):
            off = min(account.debt, account.held)
            account.debt, account.held, self.funds = account.debt - off, account.held - off, self.funds + off
            if off:
                self._said.append(events.HoldbackReleased(provider, off, off, 0))
        self._serve(most)
        if self.queue and self.funds:
            self._mine()
            return False
        self.released = True
        for provider, account in enumerate(self.accounts):
            amount, account.held = account.held, 0
            if amount:
                self._said.append(events.HoldbackReleased(provider, amount, 0, amount))
                self._push(provider, amount)
        for provider, account in enumerate(self.accounts):
            owed = sum(entry[2] for entry in self.queue if entry[1] == provider) - account.debt
            if owed:
                self._said.append(events.ClaimRecorded(provider, owed))
        self._said.append(events.Closed(self.funds))
        self.funds = 0
        self._mine()
        return True

    # --- what the chain would show ---

    def view(self) -> ChainView:
        tracked = self.funds + sum(account.held + account.claimable for account in self.accounts)
        balances = EscrowBalances(
            token_balance=tracked,
            tracked=tracked,
            funds=self.funds,
            providers={
                name: AccountBalance(
                    held=account.held, debt=account.debt, claimable=account.claimable,
                    arrears=sum(entry[2] for entry in self.queue if entry[1] == index),
                )
                for index, (name, account) in enumerate(zip(PROVIDERS, self.accounts, strict=True))
            },
        )  # fmt: skip
        return ChainView(
            chain_id=CHAIN_ID, factory=FACTORY, nonce=1, agreement_digest=DIGEST, program=PROGRAM, arguments=ARGUMENTS,
            terms_hash=TERMS_HASH, settled=frozenset(self.settled), balances=balances, now=self.now,
        )  # fmt: skip

    # --- the waterfall ---

    def _settle(self, period: int, values: tuple[int | None, ...]) -> None:
        failed = FAILS in values
        given = (0,) * len(PROVIDERS) if failed else amounts(period, values)
        self.settled.add(period)
        self._said.append(events.Settled(period, given, 3 if failed else 0))
        for provider, amount in enumerate(given):
            self.accounts[provider].earned += amount
            if amount < 0:
                self.accounts[provider].debt -= amount
                self._said.append(events.Credited(period, provider, amount, 0, 0, 0, 0))
                self._cancel(provider)
        offs = [min(account.debt, max(0, amount)) for account, amount in zip(self.accounts, given, strict=True)]
        due = [max(0, amount) - off for amount, off in zip(given, offs, strict=True)]
        granted = self._share([0] * len(due) if self.queue else due, due)
        payments = [0] * len(due)
        for provider, amount in enumerate(given):
            if amount <= 0:
                continue
            self.accounts[provider].debt -= offs[provider]
            held = self._hold(period, provider, granted[provider])
            payments[provider] = granted[provider] - held
            owed = due[provider] - granted[provider]
            if owed:
                self.queue.append((period, provider, owed))
            self._said.append(events.Credited(period, provider, amount, offs[provider], held, payments[provider], owed))
        for provider, payment in enumerate(payments):
            self._push(provider, payment)

    def _share(self, wanted: list[int], due: list[int]) -> list[int]:
        total, available = sum(wanted), min(self.funds, sum(wanted))
        self.funds -= available
        if not total:
            return [0] * len(due)
        sums = [sum(wanted[:i]) for i in range(len(wanted) + 1)]
        return [available * sums[i + 1] // total - available * sums[i] // total for i in range(len(wanted))]

    def _hold(self, period: int, provider: int, amount: int) -> int:
        funded, had = self.funded.get((period, provider), (0, 0))
        share = 0 if self.released else (funded + amount) * ARGUMENTS.holdback_rate // ONE - had
        self.funded[period, provider] = (funded + amount, had + share)
        self.accounts[provider].held += share
        return share

    def _cancel(self, provider: int) -> None:
        account, kept = self.accounts[provider], []
        for period, owner, amount in self.queue:
            off = min(account.debt, amount) if owner == provider else 0
            if off:
                account.debt -= off
                self._said.append(events.ArrearsSetOff(period, provider, off))
            if amount > off:
                kept.append((period, owner, amount - off))
        self.queue = kept

    def _serve(self, most: int) -> None:
        for _ in range(most):
            if not self.queue or not self.funds:
                return
            period, provider, owed = self.queue.pop(0)
            amount = min(owed, self.funds)
            self.funds -= amount
            if owed > amount:
                self.queue.insert(0, (period, provider, owed - amount))
            held = self._hold(period, provider, amount)
            if held:
                self._said.append(events.ArrearsHeld(period, provider, held))
            self._said.append(events.ArrearsPaid(period, provider, amount - held))
            self._push(provider, amount - held)

    def _push(self, provider: int, amount: int) -> None:
        if not amount:
            return
        self.accounts[provider].paid += amount
        if provider in self.refusing:
            self.accounts[provider].claimable += amount
            self._said.append(events.Deferred(provider, amount))
        else:
            self._said.append(events.Paid(provider, ARGUMENTS.providers[provider].payout, amount))

    def _mine(self) -> None:
        self.block += 1
        self.now += 60
        for index, event in enumerate(self._said):
            self.located.append(Located(event, self.block, index, self.block.to_bytes(32, "big"), self.now))
        self._said = []
