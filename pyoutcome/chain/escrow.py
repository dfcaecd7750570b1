"""The escrow of one agreement, as its parties use it. What every act means is fixed by docs/protocol.md.

Anyone may submit what needs no standing of its own: `accept`, `report`, `settle`, ... carry the signatures that
matter, and whoever submits pays the fee. Money is base units of the escrow's token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyoutcome.chain.deployed import Done
from pyoutcome.chain.disputing import PeriodActs
from pyoutcome.chain.readings import CLIENT, Account, PeriodStage, PeriodState, Stage
from pyoutcome.protocol import Signer

if TYPE_CHECKING:
    from pyoutcome.chain.deal import Deal

__all__ = ["CLIENT", "Account", "EscrowClient", "PeriodStage", "PeriodState", "Stage"]


class EscrowClient(PeriodActs):
    """One escrow."""

    # --- offer --------------------------------------------------------------------------------------------------------

    def deposit(self, signer: Signer, amount: int) -> Done:
        """Adds client funding; anyone may. With a token the escrow is first allowed to draw exactly ``amount``."""
        value = self.bring(signer, amount)
        return self.act(signer, "deposit", amount, value=value)

    def deposit_with_permit(self, signer: Signer, amount: int, deadline: int, permit: bytes) -> Done:
        """The same in one transaction, with the signer's ERC-2612 permit: 65 bytes r, s, v."""
        return self.act(signer, "depositWithPermit", amount, deadline, permit[64], permit[:32], permit[32:64])

    def post_bond(self, signer: Signer, slot: int, amount: int) -> Done:
        """Brings a part of a slot's bond, never more than is missing; anyone may."""
        value = self.bring(signer, amount)
        return self.act(signer, "postBond", slot, amount, value=value)

    def accept(self, signer: Signer, agreement_digest: bytes, nonce: int, signatures: Sequence[bytes]) -> Done:
        """Stores the acceptance of the terms, with everyone's signatures over the terms hash: client, providers in
        order, backups in the order of their slots."""
        return self.act(signer, "accept", agreement_digest, nonce, list(signatures))

    def activate(self, signer: Signer) -> Done:
        """Starts an accepted agreement whose bonds and first reserve are present."""
        return self.act(signer, "activate")

    def cancel(self, signer: Signer) -> Done:
        """Ends an offer that was not activated in time; everybody gets its own back."""
        return self.act(signer, "cancel")

    # --- money --------------------------------------------------------------------------------------------------------

    def pay_arrears(self, signer: Signer, most: int) -> Done:
        """Pays up to ``most`` queued arrears entries, oldest first."""
        return self.act(signer, "payArrears", most)

    def sync(self, signer: Signer) -> Done:
        """Books a surplus or loss of the token balance."""
        return self.act(signer, "sync")

    def claim(self, signer: Signer, provider: int, to: str, *, early: bool = False) -> Done:
        """A holder, or for -1 the client, fetches what a failed push left.

        While the balance is below what is tracked only an ``early`` claim does: it takes the covered share and gives up
        the rest.
        """
        return self.act(signer, "claim", provider, to, early)

    def move_payout(self, signer: Signer, provider: int, to: str) -> Done:
        """A holder moves its tenure's payout address."""
        return self.act(signer, "movePayout", provider, to)

    def withdraw(self, signer: Signer, amount: int) -> Done:
        """The client takes out funding above the required cover plus one reserve."""
        return self.act(signer, "withdraw", amount)

    def record_uncovered(self, signer: Signer) -> Done:
        """Puts on record that the reserve is not covered; the cure window runs."""
        return self.act(signer, "recordUncovered")

    # --- change and exit ----------------------------------------------------------------------------------------------

    def amend(
        self, signer: Signer, deal: Deal, first: int, deadline: int, carry: Sequence[int], signatures: Sequence[bytes]
    ) -> Done:
        """Has the terms of ``deal`` govern from period ``first`` on. ``carry``: per word that its program carries, the
        word's own number to keep it or 255 to start anew.

        ``signatures`` over ``messages.Amendment``: client, everyone who holds a period from ``first`` on by rising
        number, then for each slot whose backup has not lapsed the backup's, or empty: then it lapses.
        """
        amending = (*deal.as_offer(), first, deadline, list(carry))
        return self.act(signer, "amend", amending, list(signatures))

    def assign(
        self, signer: Signer, slot: int, incoming: str, payout: str, first: int, signatures: Sequence[bytes]
    ) -> Done:
        """Gives a slot to another holder from ``first``, the next unstarted period; the signer pays its bond.

        ``signatures`` over ``messages.Assignment``: client, outgoing, incoming.
        """
        value = self.bring(signer, self.arguments().providers[slot].bond)
        return self.act(signer, "assign", slot, incoming, payout, first, list(signatures), value=value)

    def step_in(self, signer: Signer, slot: int, payout: str) -> Done:
        """The client calls the slot's backup after a breach streak, and pays its bond."""
        value = self.bring(signer, self.arguments().providers[slot].bond)
        return self.act(signer, "stepIn", slot, payout, value=value)

    def terminate_mutually(self, signer: Signer, last: int, signatures: Sequence[bytes]) -> Done:
        """Ends the agreement after ``last``, the current period. ``signatures`` over ``messages.Termination``: client,
        then the holders of this and the next period by rising number."""
        return self.act(signer, "terminateMutually", last, list(signatures))

    def terminate_for_convenience(self, signer: Signer) -> Done:
        """Notice by a party that the terms let end it."""
        return self.act(signer, "terminateForConvenience")

    def terminate_for_streak(self, signer: Signer, slot: int) -> Done:
        """The client ends the agreement after a slot's breach streak."""
        return self.act(signer, "terminateForStreak", slot)

    def terminate_for_uncovered(self, signer: Signer) -> Done:
        """A provider ends an agreement whose reserve stayed uncovered beyond the cure window."""
        return self.act(signer, "terminateForUncovered")

    def terminate_on_finding(self, signer: Signer, cause: bytes, party: str, nonce: int, signature: bytes) -> Done:
        """Hands in the present arbitrator's signature over ``messages.Finding``; anyone may."""
        return self.act(signer, "terminateOnFinding", cause, party, nonce, signature)

    def close(self, signer: Signer, most: int) -> Done:
        """Pays up to ``most`` arrears entries; if nothing is owed then, releases all and returns the rest."""
        return self.act(signer, "close", most)
