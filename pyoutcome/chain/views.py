"""Reading an escrow: its terms, stages, money and events. What they mean is fixed by docs/protocol.md."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pyoutcome.chain.blocks import ZERO_ADDRESS, Log
from pyoutcome.chain.deployed import Deployed
from pyoutcome.chain.eventlog import locate
from pyoutcome.chain.network import Network
from pyoutcome.chain.parts import PARTS, SHARED
from pyoutcome.chain.readings import Account, Occasions, PeriodStage, PeriodState, Priced, Reading, Stage, known_stage
from pyoutcome.chain.terms_in_code import CodedTerms, read_terms
from pyoutcome.chain.tokens import TokenClient
from pyoutcome.chain.unfolding import Moment, unfold
from pyoutcome.errors import ChainError
from pyoutcome.formula.state import State, read_state
from pyoutcome.formula.verify import verify
from pyoutcome.protocol import Arguments, Event, Kpi, Located, unpack_arguments
from pyoutcome.protocol.events import Amended, PayoutMoved


class EscrowViews(Deployed):
    """One escrow, as anyone can read it. Providers' tenures are counted from 0: first the slots in order."""

    artifact = SHARED
    parts = PARTS

    def __init__(self, network: Network, address: str, first_block: int = 0) -> None:
        """``first_block``: any block up to that of its creation, from which its events are read."""
        super().__init__(network, address)
        self.first_block = first_block

    # --- terms --------------------------------------------------------------------------------------------------------

    @cached_property
    def _arguments(self) -> Arguments:
        return unpack_arguments(bytes(self.read("arguments")))

    def arguments(self) -> Arguments:
        """Every deployed argument, as signed at the start."""
        return self._arguments

    def program_hash(self) -> bytes:
        """keccak256 of the program."""
        return bytes(self.read("programHash"))

    def program(self) -> bytes:
        """The program that settles the periods, as signed at the start."""
        return bytes(self.read("program"))

    def terms_hash(self) -> bytes:
        """The EIP-712 digest the parties signed at the start."""
        return bytes(self.read("termsHash"))

    def terms_hash_of(self, period: int) -> bytes:
        """The terms hash that governs a period."""
        return bytes(self.read("termsHashOf", period))

    def arguments_of(self, period: int) -> Arguments:
        """The arguments that govern a period."""
        terms_hash = self.terms_hash_of(period)
        if terms_hash == self.terms_hash():
            return self._arguments
        stores = [e.event.store for e in self.history() if isinstance(e.event, Amended)]
        for terms in map(self.amended_terms, stores):
            if terms.terms_hash == terms_hash:
                return terms.arguments
        raise ChainError(
            "not-our-contract",
            f"The escrow names terms for period {period} that none of its events has.",
            "Use another node, or check the address.",
            period=period,
        )

    def amended_terms(self, store: str) -> CodedTerms:
        """The terms that an amendment put into the code at ``store``."""
        return read_terms(self.network.code(store)[1:])

    def factory(self) -> str:
        """Checksum address of the factory."""
        return str(self.read("factory"))

    def token(self) -> TokenClient | None:
        """The escrow's token; None for the native coin."""
        address = self._arguments.token
        return None if address == ZERO_ADDRESS else TokenClient(self.network, address).at(self.block)

    # --- stages -------------------------------------------------------------------------------------------------------

    def stage(self) -> Stage:
        """Stage of the agreement."""
        return known_stage(Stage, self.read("stage"))

    def is_accepted(self) -> bool:
        """Whether everyone whose signature the terms need has signed them."""
        return bool(self.read("isAccepted"))

    def last_period(self) -> int:
        """Number of the last period; termination lowers it."""
        return int(self.read("lastPeriod"))

    def period_state(self, period: int) -> PeriodState:
        """Where a period stands. Raises ProtocolError ``no-such-period``."""
        stage, until, proposals, agreements = self.read("periodState", period)
        return PeriodState(known_stage(PeriodStage, stage), int(until), int(proposals), int(agreements))

    def evidence_due(self, period: int) -> int:
        """From when an unsettled period without evidence can be defaulted.

        Raises ProtocolError ``out-of-turn`` while a sequential program waits for an earlier period.
        """
        return int(self.read("evidenceDue", period))

    def occasions(self) -> Occasions:
        """Nonces of assignments and terminations, and since when the reserve is uncovered."""
        return Occasions(*map(int, self.read("occasions")))

    def carried_state(self) -> State:
        """What settled periods left to later ones: the state that the next run of the first program starts from."""
        shape = verify(self.program())
        words = self.read("carriedState")
        depths = [row.depth for row in shape.header.histories]
        sums = len(shape.to_date), len(shape.earned)
        return read_state(words, len(shape.header.registers), depths, *sums, self._arguments.unit_decimals)

    def price(self, period: int, rows: Sequence[Sequence[int]]) -> tuple[Priced, ...]:
        """What the program makes of several rows of values for a period, as things stand."""
        found = self.read("price", period, [list(row) for row in rows])
        return tuple(Priced(*one) for one in found)

    def foresee(self, *questions: tuple[str, tuple[object, ...]]) -> None:
        """Asks several things in one request, so that a network that remembers (``Glance``) need not be asked for each.

        What is refused is told when it is really asked.
        """
        self.network.call_many([self._question(*question) for question in questions], self.block)

    def foresee_period(self, period: int) -> None:
        """The same for what a look at a period asks."""
        self.foresee(
            ("stage", ()), ("lastPeriod", ()), ("termsHashOf", (period,)), ("periodState", (period,)), ("termsHash", ())
        )

    def foresee_money(self) -> None:
        """The same for what a look at the agreement as a whole asks."""
        plain = ("stage", "clientClaimable", "tenures", "funds", "requiredCover", "queueLength", "lastPeriod")
        self.foresee(*((name, ()) for name in plain), ("account", (0,)))

    def reading(self, holders: int) -> Reading:
        """All that an audit asks, together: with the accounts of so many tenures."""
        plain = ("factory", "program", "termsHash", "lastPeriod", "tracked", "funds", "clientClaimable")
        questions: list[tuple[str, tuple[object, ...]]] = [(name, ()) for name in plain]
        answers = self.read_many([*questions, *(("account", (number,)) for number in range(holders))])
        factory, program, terms_hash, last, tracked, funds, claimable = answers[: len(plain)]
        # After an early end it does not know the later ones.
        periods = range(1, min(int(last), len(self._arguments.ends)) + 1)
        states = self.read_many([("periodState", (number,)) for number in periods])
        stages = [known_stage(PeriodStage, state[0]) for state in states]
        return Reading(
            factory=str(factory),
            program=bytes(program),
            terms_hash=bytes(terms_hash),
            settled=frozenset(n for n, stage in zip(periods, stages, strict=True) if stage is PeriodStage.SETTLED),
            tracked=int(tracked),
            funds=int(funds),
            client_claimable=int(claimable),
            accounts=tuple(Account(*each) for each in answers[len(plain) :]),
        )

    # --- money --------------------------------------------------------------------------------------------------------

    def balance(self) -> int:
        """What the escrow really has, in base units: the token's or the chain's own figure."""
        token = self.token()
        return self.network.balance(self.address, self.block) if token is None else token.balance(self.address)

    def funds(self) -> int:
        """Client funding not owed to anyone."""
        return int(self.read("funds"))

    def tracked(self) -> int:
        """Everything the escrow accounts for."""
        return int(self.read("tracked"))

    def client_claimable(self) -> int:
        """The client's money whose push failed."""
        return int(self.read("clientClaimable"))

    def required_cover(self) -> int:
        """Reserve of the periods that have started and are not settled."""
        return int(self.read("requiredCover"))

    def tenures(self) -> int:
        """How many tenures there have been: the slots, and every later holder."""
        return int(self.read("tenures"))

    def holder_of(self, slot: int, period: int) -> int:
        """Number of the tenure that holds a slot's period."""
        return int(self.read("holderOf", slot, period))

    def account(self, provider: int) -> Account:
        """Money of one tenure."""
        return Account(*self.read("account", provider))

    def queue_length(self) -> int:
        """Number of arrears entries not yet paid in full."""
        return int(self.read("queueLength"))

    # --- events -------------------------------------------------------------------------------------------------------

    def history(self) -> list[Located]:
        """All events so far, in order."""
        return self.events(self.first_block)

    def events(self, from_block: int = 0, to_block: int | None = None) -> list[Located]:
        """All events in these blocks (both included; up to the newest by default), in order."""
        last = self.network.head().number if to_block is None else to_block
        return list(unfold(self._logs(from_block, last), self.interface, _Told(self, from_block)))

    def told(self) -> Moment:
        """What its events tell of it, before the first: given to ``unfold`` with all its logs, in one go or several."""
        return _Told(self, self.first_block)

    def _logs(self, first: int, last: int) -> list[Log]:
        return self.network.logs((self.address,), first, last)

    def _changes_before(self, block: int) -> list[Event]:
        """What earlier blocks say of payout addresses and terms; not even looked up if there are none."""
        logs = self._logs(self.first_block, block - 1) if block > self.first_block else []
        topics = {topic for topic, form in self.interface.events.items() if form.name in ("PayoutMoved", "Amended")}
        return [locate(log, self.interface).event for log in logs if log.topics[0] in topics]

    def _read_logs(self, logs: Sequence[Log]) -> list[Located]:
        """Events of one transaction just made; whoever needs more than to tell them reads them by ``events``."""
        return list(unfold(logs, self.interface, _Present(self)))


class _Told(Moment):
    """An escrow as its events tell it; those before ``first`` are read when the first question comes."""

    def __init__(self, escrow: EscrowViews, first: int) -> None:
        self._escrow = escrow
        self._first: int | None = first
        self._changes: list[Event] = []
        self._payouts: dict[int, str] = {}
        self._amendments: list[tuple[int, Arguments]] = []

    def _catch_up(self) -> None:
        """Applies the changes so far: a question is about the moment it is asked."""
        if self._first is not None:
            self._changes = [*self._escrow._changes_before(self._first), *self._changes]
            self._first = None
        for event in self._changes:
            match event:
                case PayoutMoved():
                    self._payouts[event.provider] = event.to
                case Amended():
                    self._amendments.append((event.first, self._escrow.amended_terms(event.store).arguments))
        self._changes.clear()

    @property
    def holdback_rate(self) -> int:
        return self._escrow.arguments().holdback_rate

    def kpis_of(self, period: int) -> Sequence[Kpi]:
        self._catch_up()
        reached = [arguments for first, arguments in self._amendments if first <= period]
        return (reached[-1] if reached else self._escrow.arguments()).kpis

    def payout_of(self, provider: int) -> str:
        self._catch_up()
        return self._payouts.get(provider) or self._escrow.arguments().providers[provider].payout

    def take(self, event: Event) -> None:
        if isinstance(event, PayoutMoved | Amended):
            self._changes.append(event)


class _Present(Moment):
    """An escrow as it stands now."""

    def __init__(self, escrow: EscrowViews) -> None:
        self._escrow = escrow

    @property
    def holdback_rate(self) -> int:
        return self._escrow.arguments().holdback_rate

    def kpis_of(self, period: int) -> Sequence[Kpi]:
        return self._escrow.arguments_of(period).kpis

    def payout_of(self, provider: int) -> str:
        return self._escrow.account(provider).payout

    def take(self, event: Event) -> None:
        pass
