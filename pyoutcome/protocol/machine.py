"""The escrow's reference: ``apply`` carries out one act, or refuses it and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pyoutcome.protocol import actions, disputes, exits, money, parties, periods, tokens
from pyoutcome.protocol.actions import Action
from pyoutcome.protocol.events import Event
from pyoutcome.protocol.state import State
from pyoutcome.protocol.turn import Turn, World

ACTS: Final[dict[type[Action], Callable[[Turn, Any], None]]] = {
    actions.PostBond: exits.post_bond,
    actions.Activate: exits.activate,
    actions.Cancel: exits.cancel,
    actions.Deposit: tokens.deposit,
    actions.Sync: tokens.book_sync,
    actions.PayArrears: money.pay_arrears,
    actions.Claim: tokens.claim,
    actions.MovePayout: tokens.move_payout,
    actions.Withdraw: exits.withdraw,
    actions.PostDigest: periods.post_digest,
    actions.Report: periods.report,
    actions.ProposeDefault: periods.propose_default,
    actions.Settle: disputes.settle,
    actions.Agree: periods.agree,
    actions.Challenge: disputes.challenge,
    actions.Rule: disputes.rule,
    actions.Fallback: disputes.fallback,
    actions.Amend: parties.amend,
    actions.Assign: parties.assign,
    actions.StepIn: parties.step_in,
    actions.RecordUncovered: exits.record_uncovered,
    actions.TerminateMutually: exits.terminate_mutually,
    actions.TerminateForConvenience: exits.terminate_for_convenience,
    actions.TerminateForStreak: exits.terminate_for_streak,
    actions.TerminateForUncovered: exits.terminate_for_uncovered,
    actions.TerminateOnFinding: exits.terminate_on_finding,
    actions.Close: exits.close,
}
"""What carries out each act."""


def apply(state: State, action: Action, now: int, world: World) -> tuple[State, tuple[Event, ...]]:
    """The state after ``action`` at time ``now`` (unix seconds, never before an earlier act's), and what happened.

    Every act first compares the token balance in ``world`` with what the escrow tracks. Raises ProtocolError if the
    protocol refuses the act; then nothing has changed.
    """
    turn = Turn(state, now, world, world.balance)
    tokens.sync(turn)
    ACTS[type(action)](turn, action)
    # New client funding bears a loss not yet borne before it can serve anything else.
    tokens.sync(turn)
    tokens.refund_closed(turn)
    exits.note_cover(turn)
    return turn.state, tuple(turn.events)
