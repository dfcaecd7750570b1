"""The contracts that together are the escrow, and whether the code at their addresses is this version's.

OutcomeEscrow has what happens every period; each contract passes on what it does not know. The addresses are fixed in
their code, so one verified implementation verifies all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eth_utils.address import to_canonical_address, to_checksum_address

from pyoutcome.chain.artifact import Artifact, load_artifact
from pyoutcome.chain.deployed import create_contract
from pyoutcome.chain.network import Network
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Signer

SHARED: Final = "OutcomeEscrow"
PASSES_ON: Final[Mapping[str, Mapping[str, str]]] = {
    "OutcomeEscrow": {
        "_settling": "EscrowSettling",
        "_disputes": "EscrowDisputes",
        "_rulings": "EscrowRulings",
    },
    "EscrowSettling": {"_further": "EscrowExits"},
    "EscrowDisputes": {"_further": "EscrowExits"},
    "EscrowRulings": {"_further": "EscrowExits"},
    "EscrowExits": {"_further": "EscrowChanges"},
    "EscrowChanges": {"_further": "EscrowViews"},
    "EscrowViews": {},
}
"""Each contract, and by the name of its immutable value the contracts it passes calls on to."""
PARTS: Final = tuple(name for name in PASSES_ON if name != SHARED)


def deploy_parts(network: Network, signer: Signer) -> tuple[str, str, str]:
    """Deploys them, the last first; the addresses that a factory's constructor takes."""
    views, _ = create_contract(network, signer, "EscrowViews")
    changes, _ = create_contract(network, signer, "EscrowChanges", views)
    exits, _ = create_contract(network, signer, "EscrowExits", changes)
    settling, _ = create_contract(network, signer, "EscrowSettling", exits)
    disputes, _ = create_contract(network, signer, "EscrowDisputes", exits)
    rulings, _ = create_contract(network, signer, "EscrowRulings", exits)
    return settling, disputes, rulings


def verify_parts(network: Network, address: str, own: Mapping[str, bytes], name: str = SHARED) -> None:
    """Checks the code at ``address``, and of all it passes on to. ``own``: its further immutable values.

    Raises ChainError ``foreign-code``.
    """
    what = "the escrows' implementation" if name == SHARED else f"{name}, a part of the escrows' implementation,"
    values = read_immutables(network.code(address), load_artifact(name))
    if values is None:
        raise foreign(what, address, f"its code is not that of this version's {name}")
    further = PASSES_ON[name]
    expected = {**own, "_self": to_canonical_address(address).rjust(32, b"\0")}
    if any(values[place] != expected[place] for place in values.keys() - further.keys()):
        raise foreign(what, address, "it was set up for another factory or chain")
    for place, part in further.items():
        if any(values[place][:12]):
            raise foreign(what, address, "it passes calls on to something that is no address")
        verify_parts(network, to_checksum_address(values[place][12:]), {}, part)


def read_immutables(code: bytes, artifact: Artifact) -> dict[str, bytes] | None:
    """The 32-byte values that the constructor put into the code, by name; None if it differs from the compiled one
    elsewhere, or one value is not the same everywhere."""
    if len(code) != len(artifact.runtime):
        return None
    values: dict[str, bytes] = {}
    masked = bytearray(code)
    for name, places in artifact.immutables.items():
        for start in places:
            value = code[start : start + 32]
            if values.setdefault(name, value) != value:
                return None
            masked[start : start + 32] = artifact.runtime[start : start + 32]
    return values if bytes(masked) == artifact.runtime else None


def foreign(what: str, address: str, why: str) -> ChainError:
    """Code that must not be trusted."""
    return ChainError(
        "foreign-code",
        f"Do not trust {what} at {address}: {why}.",
        "Check the address with the other parties, and use a factory deployed by this version of pyoutcome.",
        address=address,
    )
