"""Amending: other rules for later periods, proposed as a file, signed by everybody concerned, handed in by anyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pyoutcome.chain.deal import Deal
from pyoutcome.chain.escrow import PeriodStage
from pyoutcome.errors import WorkspaceError
from pyoutcome.formula.verify import Shape, verify
from pyoutcome.legal.comparison import Comparison, compare
from pyoutcome.protocol import Arguments, messages, refusals
from pyoutcome.protocol.events import Amended, BackupLapsed, SteppedIn
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.acts import Act, collect, sign_act
from pyoutcome.workspace.binding import bind, demand_bound, demand_signable
from pyoutcome.workspace.desk import AmendedDesk, Desk
from pyoutcome.workspace.disputing import Step
from pyoutcome.workspace.offer import register_program
from pyoutcome.workspace.parties import party_ids
from pyoutcome.workspace.settings import ANEW, Amendment

WITHIN: Final = 14 * 24 * 3600
"""Seconds in which an amendment can be handed in, if nobody says otherwise."""
_DEAL: Final = {
    "client": "the client", "token": "the token", "unit_decimals": "the token's decimals",
    "providers": "the providers, their bonds, backups and fees", "start": "the term", "ends": "the term",
    "holdback_rate": "the holdback", "holdback_delay": "the holdback's release", "cure_window": "the cure time",
    "notice": "the notice", "convenience": "who may give notice", "streak": "the breaches", "restates": "restating",
}  # fmt: skip
"""What no amendment changes, and its words."""


@dataclass(frozen=True)
class Amending(Step):
    """What was done about an amendment, and what it is."""

    first: int = 0
    deadline: int = 0
    comparison: Comparison | None = None
    """What it changes."""
    lapsing: tuple[str, ...] = ()
    """Backups that have not signed: they lapse when it is handed in."""

    def to_dict(self) -> dict[str, object]:
        """For machines; money in base units."""
        return {
            **super().to_dict(),
            "first": self.first,
            "deadline": self.deadline,
            "comparison": self.comparison and self.comparison.to_dict(),
            "lapsing": list(self.lapsing),
        }


def propose(
    desk: Desk, file: Path, first: int | None, *, anew: bool, within: int, arbitrator: str = "arbitrator"
) -> None:
    """Stores another agreement file as the next amendment, to be signed.

    ``first``: the period from which it governs; by default the next that has not started. ``anew``: what its program
    carries from period to period starts anew instead of going on. ``arbitrator``: the party that arbitrates then, such
    as ``successor-arbitrator``. WorkspaceError ``amendment-open``,
    ``amendment-changes-deal``, ``amendment-cannot-carry``, those of signing; ProtocolError ``bad-amendment``.
    """
    number = _next_number(desk)
    stored = desk.files.amendment_terms(number)
    agreement = Agreement.load(file)
    if stored.exists():
        if desk.amended(number).agreement.digest() == agreement.digest():
            return
        raise WorkspaceError(
            "amendment-open",
            f"{desk.files.name(desk.files.amendment(number))} is another amendment, which is neither accepted nor "
            "given up.",
            "Sign that one, or delete its two files and those of its act, and propose anew.",
        )
    chosen = first if first is not None else _started(desk) + 1
    _demand_untouched(desk, chosen)
    demand_signable(agreement)
    desk.parties.admit(party_ids(agreement))
    desk.parties.require(arbitrator)
    addresses, token, until = desk.parties.addresses, desk.settings.token, desk.deal.arguments.activate_by
    arguments = _keep_deal(desk, bind(agreement, addresses, token, until, arbitrator), agreement)
    carry = _carry(desk, agreement, chosen, anew=anew)
    program = agreement.program()
    deal = Deal(arguments, agreement.digest(), program.data, number)
    amendment = Amendment(
        first=chosen,
        deadline=desk.network.now() + within,
        carry=carry,
        arbitrator=arbitrator,
        previous="0x" + _latest(desk).hex(),
        arguments="0x" + arguments.pack().hex(),
        agreement_digest="0x" + deal.agreement_digest.hex(),
        program_hash="0x" + deal.program_hash.hex(),
        nonce=number,
        terms_hash="0x" + deal.terms.digest(desk.factory.domain).hex(),
    )
    desk.files.write(desk.files.amendment(number), file.read_text(encoding="utf-8"))
    desk.files.save(stored, amendment)


def sign(desk: Desk, by: str) -> Amending:
    """Signs the stored amendment as a party. WorkspaceError ``no-amendment``, ``not-a-signing-party``."""
    found = _pending(desk)
    act, required, backups = act_of(desk, found), required_signers(desk, found), _backups(desk)
    worst = found.agreement.bounds().most_per_period
    does = (
        f"signs that {desk.files.name(desk.files.amendment(found.number))} governs from period {found.amendment.first} "
        f"on, which can then cost {desk.money(worst)} at most"
    )
    sign_act(desk, act, by, [*required, *backups], does)
    missing, lapsing = collect(desk, act, required)[1], collect(desk, act, backups)[1]
    return _told(desk, found, f"{by} {does}", missing, lapsing)


def hand_in(desk: Desk, by: str) -> Amending:
    """Hands in everybody's signatures over the stored amendment; from then on it governs."""
    found = _pending(desk)
    act, required, backups = act_of(desk, found), required_signers(desk, found), _backups(desk)
    signatures, missing = collect(desk, act, required)
    lapsing = collect(desk, act, backups)[1]
    if missing:
        return _told(desk, found, "the amendment is not signed by everybody yet", missing, lapsing)
    for backup in backups:
        signatures += collect(desk, act, [backup])[0] or [b""]
    desk.factory.verify()
    register_program(desk, found.agreement.program(), by)
    amendment = found.amendment
    does, moves = f"amends the agreement from period {amendment.first} on", "no money"
    told = _told(desk, found, f"{by} {does}", (), lapsing)
    done = desk.perform(
        by, does, moves,
        lambda e, key: e.amend(key, found.deal, amendment.first, amendment.deadline, amendment.carry, signatures),
    )  # fmt: skip
    return replace(told, transaction=done.transaction)


def _keep_deal(desk: Desk, arguments: Arguments, agreement: Agreement) -> Arguments:
    original = desk.deal.arguments
    changed = [words for part, words in _DEAL.items() if getattr(arguments, part) != getattr(original, part)]
    if agreement.providers != desk.agreement.providers:
        changed.insert(0, "the providers' ids")
    if changed:
        raise WorkspaceError(
            "amendment-changes-deal",
            f"An amendment changes rules, not the deal itself; this one changes {', '.join(dict.fromkeys(changed))}.",
            "Leave that as it is, or end the agreement and make another one.",
            parts=changed,
        )
    return arguments


def _carry(desk: Desk, agreement: Agreement, first: int, *, anew: bool) -> tuple[int, ...]:
    """What becomes of each word that the new program carries."""
    new = verify(agreement.program().data)
    old = verify(desk.under(first - 1).agreement.program().data) if first > 1 else None
    words = 1 + len(new.header.registers) + sum(row.depth for row in new.header.histories) + len(new.to_date)
    if not new.sequential:
        return ()
    keeps = old is not None and not anew
    unknown = old is not None and set(new.earned) - set(old.earned)
    if unknown or (keeps and (old is None or not old.sequential or _carried(old) != _carried(new))):
        raise WorkspaceError(
            "amendment-cannot-carry",
            "The new rule does not carry the same figures from period to period as the one before.",
            "Propose it with --anew if they may start anew; a sum of earned amounts can only be read on if it was "
            "read before.",
        )
    return tuple(range(words)) if keeps else (ANEW,) * words


def _carried(shape: Shape) -> tuple[object, ...]:
    return len(shape.header.registers), tuple(row.depth for row in shape.header.histories), shape.to_date


def _demand_untouched(desk: Desk, first: int) -> None:
    escrow = desk.escrow
    last = escrow.last_period()
    if not 1 <= first <= last:
        raise refusals.bad_amendment("its first period does not exist")
    periods = range(first, min(last, _started(desk)) + 1)
    if any(escrow.period_state(period).stage is not PeriodStage.NONE for period in periods):
        raise refusals.bad_amendment("a period it would change has been reported or proposed")


def _pending(desk: Desk) -> AmendedDesk:
    """The stored amendment that is not accepted, checked against its agreement file and the parties known here."""
    number = _next_number(desk)
    if not desk.files.amendment_terms(number).exists():
        raise WorkspaceError(
            "no-amendment",
            "Nobody has proposed an amendment that is still open.",
            "Propose one: `pyoutcome amend FILE --from PERIOD --as PARTY`, or put its files into amendments/.",
        )
    found = desk.amended(number)
    desk.parties.admit(party_ids(found.agreement))
    demand_signable(found.agreement)
    _keep_deal(desk, found.deal.arguments, found.agreement)
    demand_bound(found, desk.files.name(desk.files.amendment_terms(number)))
    if found.amendment.previous != "0x" + _latest(desk).hex():
        raise refusals.bad_amendment("it replaces other terms than the latest")
    _demand_untouched(desk, found.amendment.first)
    if desk.network.now() >= found.amendment.deadline:
        raise refusals.too_late(found.amendment.deadline)
    return found


def message_of(desk: Desk, found: AmendedDesk) -> messages.Amendment:
    """What the parties sign of an amendment."""
    stored = found.amendment
    return messages.Amendment(
        desk.escrow.address,
        bytes.fromhex(stored.previous[2:]),
        found.terms_hash,
        stored.first,
        stored.carry,
        stored.deadline,
    )


def act_of(desk: Desk, found: AmendedDesk) -> Act:
    """The act of signing an amendment."""
    digest = message_of(desk, found).digest(desk.factory.domain)
    return Act(name=f"amend-{found.number:02d}", digest="0x" + digest.hex())


def required_signers(desk: Desk, found: AmendedDesk) -> list[str]:
    """The client, and everybody who holds a period that it governs, by rising number."""
    escrow, first = desk.escrow, found.amendment.first
    slots = range(len(desk.agreement.providers))
    later = range(len(slots), escrow.tenures())
    held = {escrow.holder_of(slot, first) for slot in slots}
    held |= {each for each in later if first < escrow.account(each).first <= escrow.last_period()}
    return ["client", *map(desk.party_of, sorted(held))]


def _backups(desk: Desk) -> list[str]:
    """The backups that can still be called, in the order of their places."""
    gone = {each.event.slot for each in desk.escrow.history() if isinstance(each.event, BackupLapsed | SteppedIn)}
    places = enumerate(desk.deal.arguments.providers)
    names = desk.agreement.providers
    return [f"backup-{names[at]}" for at, place in places if place.backup is not None and at not in gone]


def _told(desk: Desk, found: AmendedDesk, did: str, missing: tuple[str, ...], lapsing: tuple[str, ...]) -> Amending:
    before, amendment = desk.under(found.amendment.first).agreement, found.amendment
    comparison = compare(before, found.agreement)
    return Amending(did, None, missing, amendment.first, amendment.deadline, comparison, lapsing)


def _latest(desk: Desk) -> bytes:
    """The latest terms that were accepted."""
    return list_accepted(desk)[-1].terms_hash if list_accepted(desk) else desk.terms_hash


def _next_number(desk: Desk) -> int:
    return len(list_accepted(desk)) + 1


def list_accepted(desk: Desk) -> Sequence[Amended]:
    """The amendments that the escrow has accepted, in order."""
    return [each.event for each in desk.escrow.history() if isinstance(each.event, Amended)]


def _started(desk: Desk) -> int:
    now = desk.network.now()
    return sum(period.start <= now for period in desk.agreement.periods)
