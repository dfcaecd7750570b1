"""From everybody's signatures to an active escrow: creation, funding and bonds."""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.chain.escrow import Stage
from pyoutcome.errors import WorkspaceError
from pyoutcome.formula.encode import Program
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.offering import collect_signatures, demand_signed, missing_signatures

PERMIT_WITHIN = 3600
"""Seconds in which a signed permit can be used."""


@dataclass(frozen=True)
class Deployment:
    """A created escrow."""

    escrow: str
    terms_hash: bytes
    transaction: str
    gas_used: int

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "escrow": self.escrow,
            "terms_hash": "0x" + self.terms_hash.hex(),
            "transaction": self.transaction,
            "gas_used": self.gas_used,
        }


@dataclass(frozen=True)
class Funding:
    """A deposit and where it leaves the agreement."""

    amount: int
    """What arrived, base units."""
    funds: int
    """Client funding now, base units."""
    activated: bool
    """Whether the agreement is active now."""
    waits_for: str
    """What activation still needs; empty if active."""
    transactions: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """For machines; money in base units."""
        return {
            "amount": str(self.amount),
            "funds": str(self.funds),
            "active": self.activated,
            "waits_for": self.waits_for,
            "transactions": list(self.transactions),
        }


def deploy_escrow(desk: Desk, by: str) -> Deployment:
    """Creates the escrow once every party has signed. WorkspaceError ``signatures-missing``."""
    demand_signed(desk)
    signer = desk.parties.signer(by)
    desk.factory.verify()
    register_program(desk, desk.agreement.program(), by)
    escrow = desk.undeployed_escrow.address
    signatures = list(collect_signatures(desk).values())
    offer = desk.deal.as_offer()
    desk.intend(by, f"creates the escrow {escrow}", "no money", desk.factory, "create", offer, signatures)
    _, done = desk.factory.create(signer, desk.deal, signatures)
    desk.factory.verify_deployed(desk.deal, desk.settings.first_block)
    return Deployment(escrow, desk.terms_hash, done.transaction, done.receipt.gas_used)


def register_program(desk: Desk, program: Program, by: str) -> None:
    """Stores a program with the factory, unless it is there already."""
    if not desk.factory.is_registered(program.hash):
        desk.intend(by, "registers the program", "no money", desk.factory, "registerProgram", program.data)
        desk.factory.register_program(desk.parties.signer(by), program.data)


def fund_escrow(desk: Desk, units: int, by: str, *, permit: bool = False) -> Funding:
    """Deposits client funding, starts the agreement once the first reserve is covered, and pays arrears.

    ``permit``: a signed permit in place of an approval, which saves a transaction. ChainError ``no-permit``.
    """
    escrow = desk.escrow
    transactions = []
    token = escrow.token()
    if units and permit and token is not None:
        deadline = desk.network.now() + PERMIT_WITHIN
        signed = token.sign_permit(desk.parties.signer(by), escrow.address, units, deadline)
        done = desk.perform(
            by, "funds the escrow with a permit", desk.money(units),
            lambda e, signer: e.deposit_with_permit(signer, units, deadline, signed),
        )  # fmt: skip
        transactions.append(done.transaction)
    elif units:
        transactions += desk.let_draw(by, units)
        done = desk.perform(by, "funds the escrow", desk.money(units), lambda e, signer: e.deposit(signer, units))
        transactions.append(done.transaction)
    transactions += start_agreement(desk, by)
    transactions += pay_arrears(desk, by)
    active = escrow.stage() is Stage.ACTIVE
    waits_for = "" if active else activation_waits_for(desk)
    return Funding(units, escrow.funds(), active, waits_for, tuple(transactions))


def post_bond(desk: Desk, provider: str, by: str) -> Funding:
    """Deposits what is missing of a provider's bond, and starts the agreement if that was all it waited for.

    WorkspaceError ``wrong-role``; ProtocolError ``bond-exceeded`` if nothing is missing.
    """
    if provider not in desk.agreement.providers:
        raise WorkspaceError(
            "wrong-role", f"{provider} deposits no bond.", f"Use one of: {', '.join(desk.agreement.providers)}."
        )
    escrow, slot = desk.escrow, desk.agreement.providers.index(provider)
    missing = desk.deal.arguments.providers[slot].bond - escrow.account(slot).bond
    transactions = desk.let_draw(by, missing)
    moves = f"{desk.money(missing)}, held as its bond"
    done = desk.perform(by, f"deposits the bond of {provider}", moves, lambda e, key: e.post_bond(key, slot, missing))
    transactions += [done.transaction, *start_agreement(desk, by)]
    active = escrow.stage() is Stage.ACTIVE
    waits_for = "" if active else activation_waits_for(desk)
    return Funding(missing, escrow.funds(), active, waits_for, tuple(transactions))


def start_agreement(desk: Desk, by: str) -> list[str]:
    """Accepts the terms and starts the agreement, as far as that is due and possible; the transactions' hashes."""
    escrow = desk.escrow
    if escrow.stage() is not Stage.OFFER or activation_waits_for(desk):
        return []
    transactions = []
    if not escrow.is_accepted():
        signatures, deal = list(collect_signatures(desk).values()), desk.deal
        done = desk.perform(
            by, "hands in everyone's signatures", "no money",
            lambda e, signer: e.accept(signer, deal.agreement_digest, deal.nonce, signatures),
        )  # fmt: skip
        transactions.append(done.transaction)
    done = desk.perform(by, "starts the agreement", "no money", lambda e, signer: e.activate(signer))
    return [*transactions, done.transaction]


def pay_arrears(desk: Desk, by: str) -> list[str]:
    """Pays what is owed to providers, oldest first, as far as the funds reach; the transactions' hashes."""
    escrow = desk.escrow
    queued = escrow.queue_length()
    if not queued or not escrow.funds():
        return []
    does, moves = "pays what is owed to providers", "arrears, oldest first"
    return [desk.perform(by, does, moves, lambda e, signer: e.pay_arrears(signer, queued)).transaction]


def activation_waits_for(desk: Desk) -> str:
    """What the agreement's start still needs, in words; empty if nothing."""
    escrow = desk.escrow
    missing = [] if escrow.is_accepted() else missing_signatures(desk)
    if missing:
        return f"the signatures of {', '.join(missing)}"
    deal = desk.deal.arguments
    for slot, (name, provider) in enumerate(zip(desk.agreement.providers, deal.providers, strict=True)):
        lacking = provider.bond - escrow.account(slot).bond if provider.bond else 0
        if lacking:
            return f"{desk.money(lacking)} more of the bond of {name}"
    short = deal.reserve - escrow.funds()
    if short > 0:
        return f"{desk.money(short)} more, to cover the first reserve of {desk.money(deal.reserve)}"
    return ""
