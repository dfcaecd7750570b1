"""Many at once: reports, settlements or offers of several workspaces in one transaction; a bad one fails alone, with
its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pyoutcome.chain.batch import BatchClient, Together, deploy_batch
from pyoutcome.chain.deal import Deal
from pyoutcome.chain.networks import EMBEDDED
from pyoutcome.errors import PyoutcomeError, WorkspaceError
from pyoutcome.protocol.events import Refused
from pyoutcome.settlement.plan import Need, decide
from pyoutcome.workspace.addresses import read_address
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.offer import register_program
from pyoutcome.workspace.offering import collect_signatures, demand_signed
from pyoutcome.workspace.reporting import PeriodDesk, collect_report


@dataclass(frozen=True)
class Item:
    """One of many, and what became of it."""

    workspace: str
    """The workspace's folder."""
    agreement: str
    period: int | None
    """None where it is an offer."""
    escrow: str | None
    error: PyoutcomeError | None = None
    """Why it was left out or refused."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        error = self.error
        return {
            "workspace": self.workspace,
            "agreement": self.agreement,
            "period": self.period,
            "escrow": self.escrow,
            "error": error and {"code": error.code, "why": error.why, "fix": error.fix},
        }


@dataclass(frozen=True)
class Batch:
    """What one transaction did."""

    transaction: str | None
    """None if nothing was left to hand in."""
    gas_used: int
    items: tuple[Item, ...]

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "transaction": self.transaction,
            "gas_used": self.gas_used,
            "items": [item.to_dict() for item in self.items],
        }


def report_many(desks: Sequence[Desk], periods: Iterable[int] | None, by: str, contract: str | None = None) -> Batch:
    """Hands in the reports of several workspaces on one network; ``by``, a party of the first, pays.

    ``periods``: by default all that have ended and that a quorum has signed. ``contract``: address of the network's
    batch, which the first workspace then remembers. WorkspaceError ``other-network``; ChainError ``foreign-code``.
    """
    return _hand_in(desks, periods, by, contract, _REPORTS)


def settle_many(desks: Sequence[Desk], periods: Iterable[int] | None, by: str, contract: str | None = None) -> Batch:
    """Settles periods of several workspaces whose challenge or default window is over; the rest as ``report_many``.

    ``periods``: by default all that can be settled so.
    """
    return _hand_in(desks, periods, by, contract, _SETTLEMENTS)


@dataclass(frozen=True)
class _Errand:
    """What is done to many periods at once."""

    act: Together
    needs: frozenset[Need]
    """What a period waits for that it is done to."""
    does: Callable[[int, int], str]
    """What is told, by the numbers of items and of escrows."""
    pack: Callable[[Desk, int], bytes]
    """A period's item."""
    ask: Callable[[Desk, int, bytes, str], object]
    """The same for one period alone, by an address, to learn why it was refused."""
    verb: str
    """Does it to one period."""


def _pack_report(desk: Desk, period: int) -> bytes:
    message, signatures = collect_report(desk, period)
    return desk.escrow.pack_report(period, message.values, message.evidence_digest, signatures)


def _ask_to_settle(desk: Desk, period: int, _: bytes, address: str) -> object:
    function, arguments = desk.escrow.form_settle(period)
    return desk.escrow.preview(address, function, *arguments)


_REPORTS: Final = _Errand(
    "submitMany",
    frozenset((Need.REPORT,)),
    lambda items, escrows: f"hands in {_count(items, 'report')} to {_count(escrows, 'escrow')} in one transaction",
    _pack_report,
    lambda desk, _, packed, address: desk.escrow.preview(address, "report", packed),
    "Hand it in by itself with `pyoutcome report`.",
)
_SETTLEMENTS: Final = _Errand(
    "settleMany",
    frozenset((Need.SETTLE_REPORT, Need.SETTLE_DEFAULT)),
    lambda items, escrows: f"settles {_count(items, 'period')} of {_count(escrows, 'escrow')} in one transaction",
    lambda desk, period: desk.escrow.pack_settlement(period),
    _ask_to_settle,
    "Settle it by itself with `pyoutcome settle`.",
)


def _hand_in(
    desks: Sequence[Desk], periods: Iterable[int] | None, by: str, contract: str | None, errand: _Errand
) -> Batch:
    payer = _demand_one_network(desks)
    wanted = None if periods is None else list(periods)
    items = [_item(desk, period) for desk in desks for period in _ready(desk, wanted, errand.needs)]
    homes = {str(desk.files.folder): desk for desk in desks}
    packed: dict[int, bytes] = {}
    for at, item in enumerate(items):
        try:
            packed[at] = errand.pack(homes[item.workspace], item.period or 0)
        except PyoutcomeError as error:
            items[at] = replace(item, error=error)
    if not packed:
        return Batch(None, 0, tuple(items))
    batch = _find_batch(payer, by, contract)
    given = [(homes[items[at].workspace].escrow.address, data) for at, data in packed.items()]
    signer = payer.parties.signer(by)
    does = errand.does(len(given), len({escrow for escrow, _ in given}))
    payer.ask(by, does, "what their programs pay", lambda: batch.preview_many(signer.address, given, act=errand.act))
    done = batch.submit_many(signer, given, act=errand.act)
    refused = {each.event.offset for each in done.events if isinstance(each.event, Refused)}
    offset = 8
    for at, data in packed.items():
        if offset in refused:
            ask = partial(errand.ask, homes[items[at].workspace], items[at].period or 0, data, signer.address)
            items[at] = replace(items[at], error=_reason(ask, errand.verb))
        offset += 22 + len(data)
    return Batch(done.transaction, done.receipt.gas_used, tuple(items))


def create_many(desks: Sequence[Desk], by: str) -> Batch:
    """Creates the escrows of several workspaces with one factory; ``by``, a party of the first, pays.

    WorkspaceError ``other-network``, ``other-factory``.
    """
    payer = _demand_one_network(desks)
    for desk in desks:
        if desk.settings.factory != payer.settings.factory:
            raise WorkspaceError(
                "other-factory",
                f"{desk.files.folder} uses the factory {desk.settings.factory}, and the first workspace another.",
                "Create them in one transaction for each factory.",
            )
    payer.factory.verify()
    items = [_item(desk, None) for desk in desks]
    chosen: list[int] = []
    for at, desk in enumerate(desks):
        try:
            demand_signed(desk)
            _demand_new(desk)
            register_program(payer, desk.agreement.program(), by)
            chosen.append(at)
        except PyoutcomeError as error:
            items[at] = replace(items[at], error=error)
    if not chosen:
        return Batch(None, 0, tuple(items))
    signer, factory = payer.parties.signer(by), payer.factory
    deals = [desks[at].deal for at in chosen]
    signatures = [list(collect_signatures(desks[at]).values()) for at in chosen]
    does = f"creates {_count(len(deals), 'escrow')} in one transaction"
    payer.ask(by, does, "no money", lambda: factory.preview_create_many(signer.address, deals, signatures))
    made, done = factory.create_many(signer, deals, signatures)
    for at, deal, signed, escrow in zip(chosen, deals, signatures, made, strict=True):
        if escrow is None:
            ask = _asking_to_create(payer, signer.address, (deal, signed))
            items[at] = replace(items[at], error=_reason(ask, "Create it by itself with `pyoutcome deploy`."))
        else:
            factory.verify_deployed(deal, desks[at].settings.first_block)
            items[at] = replace(items[at], escrow=escrow.address)
    return Batch(done.transaction, done.receipt.gas_used, tuple(items))


def _asking_to_create(payer: Desk, address: str, offered: tuple[Deal, list[bytes]]) -> Callable[[], object]:
    return lambda: payer.factory.preview_create(address, *offered)


def _reason(ask: Callable[[], object], fix: str) -> PyoutcomeError:
    """Why it was refused, as the contract says when it is asked for that one alone."""
    try:
        ask()
    except PyoutcomeError as error:
        return error
    return WorkspaceError("refused-in-batch", "It was refused among the others, and would be accepted now.", fix)


def _demand_one_network(desks: Sequence[Desk]) -> Desk:
    first, *others = desks
    for other in others:
        local = EMBEDDED in (first.settings.network, other.settings.network)
        if local or other.network.identity() != first.network.identity():
            raise WorkspaceError(
                "other-network",
                f"{other.files.folder} is on another network than {first.files.folder}; an embedded chain belongs to "
                "one workspace.",
                "Name workspaces that live on the same network.",
            )
    return first


def _demand_new(desk: Desk) -> None:
    if desk.is_deployed():
        raise WorkspaceError(
            "already-deployed",
            f"The escrow {desk.undeployed_escrow.address} exists already.",
            "Nothing is left to do; `pyoutcome status` says what comes next.",
        )


def _ready(desk: Desk, wanted: Sequence[int] | None, needs: frozenset[Need]) -> list[int]:
    """The wanted periods, or those that wait for it now."""
    if wanted is not None:
        return [desk.agreement.period(number).number for number in wanted]
    keeper = PeriodDesk(desk, by="client", progress=lambda *_: None)
    numbers = [period.number for period in desk.agreement.periods]
    return [number for number in numbers if decide(keeper.facts(number)).need in needs]


def _item(desk: Desk, period: int | None) -> Item:
    escrow = desk.undeployed_escrow.address if desk.is_deployed() else None
    return Item(str(desk.files.folder), desk.agreement.id, period, escrow)


def _find_batch(desk: Desk, by: str, contract: str | None) -> BatchClient:
    """The batch contract that is named or known here, or a new one. ChainError ``foreign-code`` if it is not ours."""
    address = desk.settings.batch if contract is None else read_address(contract)
    if address is not None:
        found = BatchClient(desk.network, address)
        found.verify()
        _remember(desk, address)
        return found
    signer = desk.parties.signer(by)
    does = "deploys the contract that does many acts at once, which everybody can use from then on"
    desk.ask(by, does, "no money", lambda: BatchClient.preview_deployment(desk.network, signer.address))
    made = deploy_batch(desk.network, signer)
    _remember(desk, made.address)
    return made


def _remember(desk: Desk, batch: str) -> None:
    if desk.settings.batch != batch:
        desk.files.save(desk.files.settings, desk.settings.model_copy(update={"batch": batch}))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
