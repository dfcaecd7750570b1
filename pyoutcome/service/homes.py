"""The workspaces and networks of a keeper: networks stay open, workspaces only as long as they are often used."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pyoutcome.chain.glance import Glance
from pyoutcome.chain.networks import EMBEDDED, connect
from pyoutcome.service.configuration import KeptAgreement
from pyoutcome.settlement.standing import Known
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.parties import Password
from pyoutcome.workspace.settings import Parties, Settings

if TYPE_CHECKING:
    from pyoutcome.chain.blocks import Identity
    from pyoutcome.chain.network import Network
    from pyoutcome.protocol import Signer
    from pyoutcome.workspace.desk import Desk


def chain_key(identity: Identity) -> str:
    """A chain's number and first block as one word."""
    genesis = "" if identity.genesis is None else identity.genesis.hex()
    return f"{identity.chain_id}:{genesis}"


class Homes:
    """Opens workspaces by name."""

    def __init__(self, password: Password, most: int) -> None:
        """``most``: workspaces kept open at once."""
        self._password = password
        self._most = most
        self._open: OrderedDict[str, tuple[Workspace, int]] = OrderedDict()
        self._networks: dict[str, Network] = {}
        self._glances: dict[str, Glance] = {}
        self._addresses: dict[str, str] = {}
        self._signers: dict[str, Signer] = {}
        self._parties: dict[str, tuple[str, str]] = {}
        self.kept: dict[str, KeptAgreement] = {}

    def open(self, name: str) -> Workspace:
        """The workspace of an agreement, which sees its chain anew, and then the same until somebody opens one again.

        Errors as ``Workspace.open`` raises.
        """
        files = WorkspaceFiles(self.kept[name].folder)
        address = self._address_of(name)
        glance = self._glances.get(address)
        if glance is None:
            glance = self._glances[address] = Glance(self.network_of(name))
        glance.look_again()
        amendments = sum(1 for _ in files.amendments())
        opened, had = self._open.get(name, (None, amendments))
        if opened is not None and had == amendments:
            self._open.move_to_end(name)
            return opened
        # An amendment may bring new parties, whom a workspace knows from when it was opened.
        workspace = Workspace.open(files.folder, password=self._password, network=glance)
        self._open[name] = workspace, amendments
        while len(self._open) > self._most:
            self._open.popitem(last=False)  # its network stays open for the others
        return workspace

    def desk_of(self, name: str) -> Desk:
        """The desk of an agreement."""
        return self.open(name).desk

    def network_of(self, name: str) -> Network:
        """The network of an agreement, connected once for all that share its address."""
        address = self._address_of(name)
        if address not in self._networks:
            files = WorkspaceFiles(self.kept[name].folder)
            settings = files.load(files.settings, Settings)
            self._networks[address] = connect(settings.url, files.folder, recorded=settings.identity)
        return self._networks[address]

    def _address_of(self, name: str) -> str:
        """What tells an agreement's network from others; read once, because a workspace stays where it was made."""
        if name not in self._addresses:
            folder = self.kept[name].folder
            files = WorkspaceFiles(folder)
            settings = files.load(files.settings, Settings)
            self._addresses[name] = f"{EMBEDDED} {folder}" if settings.network == EMBEDDED else settings.url
        return self._addresses[name]

    def describe(self, name: str) -> tuple[Known, tuple[int, ...], tuple[str, ...]] | None:
        """What is remembered of an agreement, its periods' ends and its providers; None while it is not offered."""
        desk = self.open(name).desk
        if not desk.files.offer.exists():
            return None
        for party in self._acting(name):
            desk.parties.require(party)
        settings = desk.settings
        known = Known(
            name=name,
            folder=str(self.kept[name].folder.resolve()),
            chain=chain_key(settings.identity),
            escrow=desk.undeployed_escrow.address,
            first_block=settings.first_block,
        )
        return known, tuple(desk.deal.arguments.ends), tuple(desk.agreement.providers)

    def recall(self, name: str) -> None:
        """Notes which addresses an agreement's parties sign with, for ``signer_of``; without opening its workspace."""
        files = WorkspaceFiles(self.kept[name].folder)
        addresses = files.load(files.parties, Parties).addresses if files.parties.exists() else {}
        for party in self._acting(name):
            if party in addresses:
                self._parties.setdefault(addresses[party], (name, party))

    def _acting(self, name: str) -> set[str]:
        duties = self.kept[name].duties
        return {*duties.sign, *([duties.pays] if duties.pays else [])}

    def signer(self, name: str, party: str) -> Signer:
        """The signer of a party of an agreement, unlocked once. Errors as ``PartyBook.signer``."""
        signer = self.open(name).parties.signer(party)
        self._signers[signer.address] = signer
        return signer

    def signer_of(self, address: str) -> Signer | None:
        """The signer of an address that some agreement's party here signs with; None if there is none."""
        if address not in self._signers and address in self._parties:
            self.signer(*self._parties[address])
        return self._signers.get(address)

    def close(self) -> None:
        """Gives everything back."""
        self._open.clear()
        for network in self._networks.values():
            network.close()
        self._networks.clear()
        self._glances.clear()
