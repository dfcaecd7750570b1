"""Changing and ending: assignment, step-in, termination on every path, and fetching what could not be pushed."""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from pyoutcome.chain.escrow import CLIENT
from pyoutcome.errors import WorkspaceError
from pyoutcome.protocol import messages
from pyoutcome.workspace.acts import Act, collect, sign_act
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.disputing import Step


def place_of(desk: Desk, provider: str) -> int:
    """A provider's place, from 0. WorkspaceError ``wrong-role``."""
    providers = desk.agreement.providers
    if provider not in providers:
        raise WorkspaceError("wrong-role", f"{provider} has no place as provider.", f"Use: {', '.join(providers)}.")
    return providers.index(provider)


def assign(desk: Desk, provider: str, by: str, *, submit: bool) -> Step:
    """Signs, or with ``submit`` hands in, that ``successor-UA`` takes UA's place from the next unstarted period on."""
    slot, escrow = place_of(desk, provider), desk.escrow
    incoming = f"successor-{provider}"
    address = desk.parties.addresses.get(incoming)
    if address is None:
        raise WorkspaceError(
            "address-missing",
            f"The address of {incoming} is not known.",
            f"Ask it, and run `pyoutcome key trust {incoming} ADDRESS`, or `pyoutcome key new {incoming}` there.",
            party=incoming,
        )
    first = _started(desk) + 1
    nonce = escrow.occasions().assignments
    terms = escrow.terms_hash_of(first) if first <= escrow.last_period() else escrow.terms_hash()
    message = messages.Assignment(escrow.address, terms, slot, address, address, first, nonce)
    outgoing = desk.party_of(escrow.holder_of(slot, first))
    act = _act(desk, f"assign-{provider}-{nonce}", message)
    signing = ["client", outgoing, incoming]
    if not submit:
        does = f"signs that {incoming} follows {outgoing} from period {first}"
        sign_act(desk, act, by, signing, does)
        return Step(f"{by} {does}", None, _missing(desk, act, signing))
    signatures, missing = collect(desk, act, signing)
    if missing:
        return Step(f"the place of {provider} is not assigned yet", None, missing)
    bond = desk.deal.arguments.providers[slot].bond
    desk.let_draw(by, bond)
    does = f"gives the place of {provider} to {incoming} from period {first} on"
    moves = f"{desk.money(bond)}, its bond" if bond else "no money"
    done = desk.perform(by, does, moves, lambda e, key: e.assign(key, slot, address, address, first, signatures))
    return Step(f"{by} {does}", done.transaction)


def step_in(desk: Desk, provider: str, by: str) -> Step:
    """The client calls a provider's backup after too many breaches in a row."""
    slot = place_of(desk, provider)
    place = desk.deal.arguments.providers[slot]
    payout = place.backup or place.payout
    desk.let_draw(by, place.bond)
    does = f"calls the backup of {provider}"
    moves = f"{desk.money(place.bond)}, its bond" if place.bond else "no money"
    done = desk.perform(by, does, moves, lambda e, key: e.step_in(key, slot, payout))
    return Step(f"{by} {does}", done.transaction)


def terminate_together(desk: Desk, by: str, *, submit: bool) -> Step:
    """Signs, or with ``submit`` hands in, that the agreement ends after the current period."""
    escrow, last = desk.escrow, _started(desk)
    nonce = escrow.occasions().terminations
    terms = escrow.terms_hash_of(max(1, last))
    act = _act(desk, f"terminate-{last:02d}-{nonce}", messages.Termination(escrow.address, terms, last, nonce))
    count = len(desk.agreement.periods)
    current, coming = max(1, last), min(max(1, last) + 1, count)
    slots = range(len(desk.agreement.providers))
    tenures = sorted({escrow.holder_of(slot, period) for slot in slots for period in (current, coming)})
    signing = ["client", *map(desk.party_of, tenures)]
    if not submit:
        sign_act(desk, act, by, signing, f"signs that the agreement ends after period {last}")
        return Step(f"{by} agrees to end after period {last}", None, _missing(desk, act, signing))
    signatures, missing = collect(desk, act, signing)
    if missing:
        return Step("not everybody agreed to end it yet", None, missing)
    does = f"ends the agreement after period {last}"
    done = desk.perform(by, does, "no money", lambda e, key: e.terminate_mutually(key, last, signatures))
    return Step(f"{by} {does}", done.transaction)


def give_notice(desk: Desk, by: str) -> Step:
    """Ends the agreement without a cause, as the terms allow."""
    fees = sum(provider.fee for provider in desk.deal.arguments.providers) if by == "client" else 0
    moves = f"{desk.money(fees)} in fees to the providers" if fees else "no money"
    does = "gives notice"
    return Step(
        f"{by} {does}", desk.perform(by, does, moves, lambda e, key: e.terminate_for_convenience(key)).transaction
    )


def end_for_breaches(desk: Desk, provider: str, by: str) -> Step:
    """The client ends the agreement after a provider's breaches in a row."""
    slot, does = place_of(desk, provider), f"ends the agreement for breaches of {provider}"
    return Step(
        f"{by} {does}", desk.perform(by, does, "no money", lambda e, key: e.terminate_for_streak(key, slot)).transaction
    )


def end_for_want_of_cover(desk: Desk, by: str) -> Step:
    """A provider ends the agreement whose reserve stayed uncovered; the first call puts that on record."""
    if not desk.escrow.occasions().uncovered_since:
        does = "puts on record that the reserve is not covered"
        return Step(
            f"{by} {does}", desk.perform(by, does, "no money", lambda e, key: e.record_uncovered(key)).transaction
        )
    does = "ends the agreement for want of cover"
    return Step(
        f"{by} {does}", desk.perform(by, does, "no money", lambda e, key: e.terminate_for_uncovered(key)).transaction
    )


def end_on_finding(desk: Desk, words: str, against: str, by: str) -> Step:
    """The arbitrator finds a cause against a party, which ends the agreement."""
    desk.parties.require(against)
    escrow, cause = desk.escrow, keccak(text=words)
    party, nonce = desk.parties.addresses[against], desk.network.now()
    current = max(1, _started(desk))
    terms = escrow.terms_hash_of(current)
    finding = messages.Finding(escrow.address, terms, cause, party, nonce)
    signature = desk.parties.signer(desk.under(current).arbitrator).sign(finding.digest(desk.factory.domain))
    does = f"ends the agreement on the arbitrator's finding against {against}"
    done = desk.perform(
        by, does, "no money", lambda e, key: e.terminate_on_finding(key, cause, party, nonce, signature)
    )
    return Step(f"{by} {does}", done.transaction)


def claim(desk: Desk, by: str, to: str | None, *, early: bool) -> Step:
    """A party fetches what could not be pushed to it."""
    escrow = desk.escrow
    address = desk.parties.signer(by).address
    if by == "client":
        number, waiting = CLIENT, escrow.client_claimable()
    else:
        mine = [each for each in range(escrow.tenures()) if escrow.account(each).holder == address]
        number = next(
            (each for each in mine if escrow.account(each).claimable), mine[0] if mine else place_of(desk, by)
        )
        waiting = escrow.account(number).claimable
    target = to or address
    does = "claims early, giving up what is not covered" if early else "claims what could not be pushed"
    moves = f"{'at most ' if early else ''}{desk.money(waiting)} to {target}"
    done = desk.perform(by, does, moves, lambda e, key: e.claim(key, number, target, early=early))
    return Step(f"{by} {does}", done.transaction)


def _act(desk: Desk, name: str, message: messages.Message) -> Act:
    return Act(name=name, digest="0x" + message.digest(desk.factory.domain).hex())


def _missing(desk: Desk, act: Act, signing: Sequence[str]) -> tuple[str, ...]:
    return collect(desk, act, signing)[1]


def _started(desk: Desk) -> int:
    """How many periods have started by the chain's clock."""
    now = desk.network.now()
    return sum(period.start <= now for period in desk.agreement.periods)
