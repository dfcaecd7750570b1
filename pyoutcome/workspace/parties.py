"""Who is who: the address of each party, and the keys that lie in this workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyoutcome.errors import WorkspaceError, did_you_mean
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.settings import Parties

if TYPE_CHECKING:
    from pyoutcome.chain.keys import KeySigner
    from pyoutcome.chain.network import Network
    from pyoutcome.terms.agreement import Agreement

Password = Callable[[str], str]
"""Gives the password of a party's keystore; asked only when the key is needed."""


def party_ids(agreement: Agreement) -> tuple[str, ...]:
    """All party ids of an agreement."""
    return ("client", *agreement.providers, *agreement.backups, *agreement.verifiers, "arbitrator")


class PartyBook:
    """Addresses of all parties, and signers for those whose key is here.

    On a local chain a party without a keystore of its own acts with one of the chain's test accounts, whose keys
    everybody knows.
    """

    def __init__(self, ids: tuple[str, ...], files: WorkspaceFiles, network: Network, password: Password) -> None:
        self.ids = ids
        self.guests = tuple(f"successor-{party}" for party in ids)
        """Who may take a party's place later; has an address only when that is recorded."""
        self._files = files
        self._network = network
        self._password = password
        self._unlocked: dict[str, KeySigner] = {}

    @property
    def addresses(self) -> dict[str, str]:
        """The known addresses by party."""
        if not self._files.parties.exists():
            return {}
        return dict(self._files.load(self._files.parties, Parties).addresses)

    def require(self, party: str) -> None:
        """Refuses what is not a party of the agreement: WorkspaceError ``no-such-party``."""
        if party not in self.ids and party not in self.guests:
            raise WorkspaceError(
                "no-such-party",
                f"{party!r} is not a party of this agreement.",
                did_you_mean(party, self.ids),
                party=party,
            )

    def admit(self, ids: tuple[str, ...]) -> None:
        """Takes in the parties of an amendment; on a local chain new ones get a test account."""
        new = tuple(party for party in ids if party not in self.ids)
        if new:
            self.ids += new
            if self._network.local:
                self.use_test_accounts()

    def trust(self, party: str, address: str) -> None:
        """Records a party's address; one that is known is not changed (WorkspaceError ``address-known``)."""
        self.require(party)
        known = self.addresses
        if known.get(party, address) != address:
            raise _address_known(party, known[party])
        self._files.save(self._files.parties, Parties(addresses={**known, party: address}))

    def use_test_accounts(self) -> None:
        """Gives every party without an address a test account of the local chain, in order."""
        known = self.addresses
        free = [account.address for account in self._network.test_accounts() if account.address not in known.values()]
        missing = [party for party in self.ids if party not in known]
        if len(missing) > len(free):
            raise WorkspaceError(
                "too-few-test-accounts",
                f"{len(missing)} parties need a key, and the local chain has {len(free)} test accounts left.",
                "Make keys for the others with `pyoutcome key new PARTY`.",
            )
        self._files.save(self._files.parties, Parties(addresses={**known, **dict(zip(missing, free, strict=False))}))

    def has_key(self, party: str) -> bool:
        """Whether this workspace can sign for the party."""
        return self._files.key(party).exists() or self._test_account(party) is not None

    def create_key(self, party: str) -> str:
        """Makes an encrypted key for the party here and records its address."""
        from pyoutcome.chain.keys import create_key

        self.require(party)
        known = self.addresses.get(party)
        if known is not None:
            raise _address_known(party, known)
        signer = create_key(self._files.keys, party, self._password(party), light=self._network.local)
        self.trust(party, signer.address)
        return signer.address

    def signer(self, party: str) -> KeySigner:
        """The party's signer; WorkspaceError ``key-not-here`` or ``key-of-another``."""
        self.require(party)
        if party not in self._unlocked:
            self._unlocked[party] = self._unlock(party)
        return self._unlocked[party]

    def _unlock(self, party: str) -> KeySigner:
        if not self._files.key(party).exists():
            account = self._test_account(party)
            if account is not None:
                return account
            raise WorkspaceError(
                "key-not-here",
                f"The key of {party} is not in this workspace.",
                f"Run the command where {party} keeps its key, or make one with `pyoutcome key new {party}`.",
                party=party,
            )
        from pyoutcome.chain.keys import unlock

        signer = unlock(self._files.keys, party, self._password(party))
        known = self.addresses.get(party)
        if known != signer.address:
            raise WorkspaceError(
                "key-of-another",
                f"The key of {party} here is that of {signer.address}, but its recorded address is {known}.",
                "Put back the keystore that belongs to the recorded address.",
                party=party,
            )
        return signer

    def _test_account(self, party: str) -> KeySigner | None:
        if not self._network.local:
            return None
        address = self.addresses.get(party)
        return next((account for account in self._network.test_accounts() if account.address == address), None)


def _address_known(party: str, address: str) -> WorkspaceError:
    return WorkspaceError(
        "address-known",
        f"The address of {party} is recorded as {address}.",
        "Check which one is right with the party itself; to change it, make a new workspace.",
        party=party,
    )
