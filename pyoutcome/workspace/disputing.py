"""Contesting a period: values of one's own, challenge, ruling, and agreement by signatures that travel as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyoutcome.chain.escrow import CLIENT
from pyoutcome.errors import WorkspaceError, did_you_mean
from pyoutcome.protocol import MISSING, messages
from pyoutcome.workspace.acts import Act, collect, sign_act
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.foretelling import say_choice, say_decision, say_settlement


@dataclass(frozen=True)
class Step:
    """What an act on the escrow came to."""

    did: str
    transaction: str | None
    """None while signatures are missing."""
    missing: tuple[str, ...] = ()
    """Who still has to sign."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {"did": self.did, "transaction": self.transaction, "missing": list(self.missing)}


def read_own_values(desk: Desk, period: int, given: Iterable[str]) -> tuple[int, ...]:
    """``NAME=VALUE`` texts over the values that were reported or proposed; ``missing`` marks one as missing.

    WorkspaceError ``bad-own-value``, ``nothing-proposed`` where a value is left out and nothing was reported.
    """
    own: dict[str, int] = {}
    kpis = {kpi.name: kpi for kpi in desk.under(desk.agreement.period(period).number).agreement.kpis}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or name not in kpis:
            raise WorkspaceError(
                "bad-own-value",
                f"{each[:60]!r} gives no value to a KPI of the agreement.",
                "Write NAME=VALUE, such as on_time.UA=93.5%." if not equals else did_you_mean(name, kpis),
            )
        own[name] = MISSING if text == "missing" else kpis[name].read(text)
    versions = desk.escrow.versions(period) if len(own) < len(kpis) else ()
    if len(own) < len(kpis) and not versions:
        raise WorkspaceError(
            "nothing-proposed",
            f"Nothing is reported for period {period} now, so every KPI needs a value.",
            f"Give values for {', '.join(name for name in kpis if name not in own)} as well.",
            period=period,
        )
    return tuple(own.get(name, versions[0].values[at] if versions else MISSING) for at, name in enumerate(kpis))


def challenge(desk: Desk, period: int, values: Sequence[int], by: str) -> Step:
    """Puts a party's own values beside the report or default, with the stake that the terms ask for."""
    desk.agreement.period(period)
    stake = desk.escrow.stake_of(period, values)
    desk.let_draw(by, stake)
    does, moves = f"challenges period {period}", f"{desk.money(stake)} as its stake"
    done = desk.perform(by, does, moves, lambda e, key: e.challenge(key, period, values))
    return Step(f"{by} {does}", done.transaction)


def rule(desk: Desk, period: int, values: Sequence[int], by: str) -> Step:
    """The arbitrator's values for a disputed period; it settles on them."""
    does, moves = f"rules period {period}", say_decision(desk, period, values)
    done = desk.perform(by, does, moves, lambda e, key: e.rule(key, period, values))
    return Step(f"{by} {does}", done.transaction)


def choose(desk: Desk, period: int, choice: int | None, by: str) -> Step:
    """The choice of a version by an arbitrator that chooses; None lets the report stand."""
    does = (
        f"chooses version {choice} of period {period}" if choice is not None else f"refuses to decide period {period}"
    )
    moves = say_choice(desk, period, choice)
    done = desk.perform(by, does, moves, lambda e, key: e.choose(key, period, choice))
    return Step(f"{by} {does}", done.transaction)


def agree(desk: Desk, period: int, values: Sequence[int] | None, by: str, *, submit: bool) -> Step:
    """Signs, or with ``submit`` hands in, values on which the client and the period's payees settle it.

    The first signature fixes the values; who signs later signs the same. WorkspaceError ``act-differs``.
    """
    desk.agreement.period(period)
    escrow = desk.escrow
    nonce = escrow.period_state(period).agreements
    name = f"agree-{period:02d}-{nonce}"
    stored = desk.files.act(name)
    if values is None and stored.exists():
        values = [int(value) for value in desk.files.load(stored, Act).values]
    if values is None:
        values = read_own_values(desk, period, ())
    told = tuple(values)
    message = messages.Agreed(escrow.address, escrow.terms_hash_of(period), period, nonce, told)
    tenures = sorted({escrow.holder_of(slot, period) for slot in range(len(desk.agreement.providers))})
    signing = [desk.party_of(CLIENT), *map(desk.party_of, tenures)]
    digest = message.digest(desk.factory.domain)
    act = Act(name=name, digest="0x" + digest.hex(), values=tuple(map(str, told)))
    if not submit:
        pays = say_settlement(desk, period, told)
        sign_act(desk, act, by, signing, f"signs that period {period} settles on values that pay {pays}")
        missing = collect(desk, act, signing)[1]
        return Step(f"{by} agrees on period {period}", None, missing)
    signatures, missing = collect(desk, act, signing)
    if missing:
        return Step(f"period {period} is not agreed yet", None, missing)
    does, moves = f"settles period {period} as agreed", f"{say_decision(desk, period, told)}, which all go back"
    done = desk.perform(by, does, moves, lambda e, key: e.agree(key, period, told, signatures))
    return Step(f"{by} {does}", done.transaction)
