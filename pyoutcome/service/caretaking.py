"""A look at an agreement as a whole: money that waits for its owner, arrears that can be paid, funds that are short."""

from __future__ import annotations

from typing import Final

from pyoutcome.chain.escrow import CLIENT, EscrowClient, Stage
from pyoutcome.protocol.events import Claimed, ClientClaimed
from pyoutcome.service.alerts import FUNDS_SHORT, Herald
from pyoutcome.service.hands import Hands
from pyoutcome.settlement.patience import LONGEST
from pyoutcome.settlement.standing import AGREEMENT, Look, Standing

NEED: Final = "agreement"


def look_at_agreement(hands: Hands, herald: Herald, standing: Standing, again: int) -> Look:
    """What the agreement as a whole needs; at most one transaction is wanted for it."""
    desk = hands.desk
    if not desk.is_deployed():
        return Look(NEED, "The escrow does not exist yet.", again)
    escrow = desk.escrow
    escrow.foresee_money()
    stage = escrow.stage()
    if stage is Stage.OFFER:
        return Look(NEED, "The agreement is not active yet.", again)
    claimable = _claim(hands, escrow)
    if claimable:
        return Look(NEED, f"{claimable} has money to claim.", LONGEST)
    if stage is Stage.CLOSED:
        return Look(NEED, "The agreement is closed.", LONGEST, done=True)
    funds, cover, queued = escrow.funds(), escrow.required_cover(), escrow.queue_length()
    if hands.duties.pays and funds and queued:
        hands.want("pay arrears", AGREEMENT, hands.duties.pays, ("payArrears", (queued,)), f"{queued} {funds}")
        return Look(NEED, "Arrears can be paid.", LONGEST)
    if funds < cover:
        short = desk.money(cover - funds)
        herald.tell(FUNDS_SHORT, standing.agreement, None, f"The escrow lacks {short} for periods that have started.")
        return Look(NEED, f"The escrow lacks {short} for periods that have started.", LONGEST)
    return _close(hands, escrow, queued)


def _claim(hands: Hands, escrow: EscrowClient) -> str | None:
    """Wants the first claim of a party that this keeper signs for, if claiming is a duty; its name."""
    addresses = hands.desk.parties.addresses
    mine = {addresses[party]: party for party in hands.duties.sign if party in addresses}
    if not mine or not hands.duties.claims:
        return None
    client = escrow.arguments().client
    waiting = [(CLIENT, client)] if client in mine and escrow.client_claimable() else []
    for tenure in range(escrow.tenures()) if not waiting else ():
        account = escrow.account(tenure)
        if account.claimable and account.holder in mine:
            waiting.append((tenure, account.holder))
            break
    for whose, holder in waiting:
        # A claim takes all there is: while the next one is on its way, more that is added is in it.
        occasion = f"{'client' if whose == CLIENT else whose} {_claims(escrow, whose)}"
        hands.want("claim", AGREEMENT, mine[holder], ("claim", (whose, holder, False)), occasion)
        return mine[holder]
    return None


def _claims(escrow: EscrowClient, whose: int) -> int:
    """How often it was claimed before."""
    told = [located.event for located in escrow.history()]
    if whose == CLIENT:
        return sum(isinstance(event, ClientClaimed) for event in told)
    return sum(isinstance(event, Claimed) and event.provider == whose for event in told)


def _close(hands: Hands, escrow: EscrowClient, queued: int) -> Look:
    """Wants the agreement closed once all is settled, if that is a duty."""
    release = escrow.arguments().holdback_release
    last = escrow.last_period()
    if not all(hands.is_settled(number) for number in range(last, 0, -1)):
        return Look(NEED, "Periods are not settled yet.", LONGEST)
    if hands.desk.network.now() < release:
        return Look(NEED, "All periods are settled; the holdback date has not come.", LONGEST, chain_due=release)
    if hands.duties.close and hands.duties.pays:
        hands.want("close", AGREEMENT, hands.duties.pays, ("close", (max(1, queued),)), f"{last} {queued}")
    return Look(NEED, "All periods are settled; anyone can close the agreement.", LONGEST)
