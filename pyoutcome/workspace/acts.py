"""Acts that several parties sign: what is signed, and each signature, as files that travel like the offer's."""

from __future__ import annotations

from collections.abc import Sequence

from pyoutcome.errors import ProtocolError, WorkspaceError
from pyoutcome.protocol import signer_of
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.settings import Address, Bytes, Hash, Stored


class Act(Stored):
    """What the parties sign."""

    name: str
    """Names the occasion, such as ``agree-03-0``."""
    digest: Hash
    """The EIP-712 digest over exactly this act."""
    values: tuple[str, ...] = ()
    """KPI values in program order, 18 decimals, or other figures of the act."""


class ActSignature(Stored):
    """One party's signature over an act."""

    party: str
    signer: Address
    digest: Hash
    signature: Bytes


def sign_act(desk: Desk, act: Act, party: str, signing: Sequence[str], does: str) -> None:
    """Signs an act as a party, after saying what that does, and stores the signature; the first stores the act.

    WorkspaceError ``not-a-signing-party``, ``act-differs`` if others signed something else.
    """
    if party not in signing:
        raise WorkspaceError(
            "not-a-signing-party",
            f"{party} does not sign this.",
            f"It is signed by {', '.join(signing)}.",
            party=party,
        )
    _demand_same(desk, act)
    desk.announce(party, does)
    signer = desk.parties.signer(party)
    desk.files.save(desk.files.act(act.name), act)
    signature = "0x" + signer.sign(bytes.fromhex(act.digest[2:])).hex()
    stored = ActSignature(party=party, signer=signer.address, digest=act.digest, signature=signature)
    desk.files.save(desk.files.act(act.name, party), stored)


def collect(desk: Desk, act: Act, signing: Sequence[str]) -> tuple[list[bytes], tuple[str, ...]]:
    """The signatures in order, and who has not signed. WorkspaceError ``signature-differs``, ``act-differs``."""
    _demand_same(desk, act)
    found, missing = [], []
    for party in signing:
        path = desk.files.act(act.name, party)
        if not path.exists():
            missing.append(party)
            continue
        stored = desk.files.load(path, ActSignature)
        signature = bytes.fromhex(stored.signature[2:])
        try:
            signer = signer_of(bytes.fromhex(act.digest[2:]), signature)
        except ProtocolError:
            signer = None  # a malformed signature covers nothing
        if signer != desk.parties.addresses.get(party):
            raise WorkspaceError(
                "signature-differs",
                f"The signature of {party} does not cover this act.",
                f"Let {party} sign again: it signed another version, or with another key.",
                party=party,
            )
        found.append(signature)
    return found, tuple(missing)


def _demand_same(desk: Desk, act: Act) -> None:
    path = desk.files.act(act.name)
    if path.exists() and desk.files.load(path, Act).digest != act.digest:
        raise WorkspaceError(
            "act-differs",
            f"{desk.files.name(path)} says something else than what was to be signed.",
            "Sign what the others signed, or delete that file and its signatures and let everybody sign anew.",
        )
