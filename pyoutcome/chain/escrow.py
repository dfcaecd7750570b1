"""The escrow of one agreement, as its parties use it. What every act means is fixed by docs/protocol.md.

Anyone may submit what needs no standing of its own: `activate`, `report`, `settle`, ... carry the signatures that
matter, and whoever submits pays the fee. Money is base units of the escrow's token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from pyoutcome.chain.deployed import Deployed, Done
from pyoutcome.chain.network import ZERO_ADDRESS
from pyoutcome.chain.tokens import TokenClient
from pyoutcome.errors import ChainError
from pyoutcome.formula.state import State, read_state
from pyoutcome.formula.verify import verify
from pyoutcome.protocol import Arguments, Kpi, Provider, Signer


class Stage(IntEnum):
    """Stage of the agreement."""

    OFFER = 0
    ACTIVE = 1
    CLOSED = 2


class PeriodStage(IntEnum):
    """Stage of one period."""

    NONE = 0
    DEFAULTED = 1
    SETTLED = 2


Staged = TypeVar("Staged", Stage, PeriodStage)


@dataclass(frozen=True)
class Account:
    """Money of one provider, base units."""

    earned: int
    """Sum of settled amounts, signed."""
    paid: int
    """Paid out or made claimable so far."""
    held: int
    """Kept until the holdback date."""
    debt: int
    """What the provider owes."""
    arrears: int
    """Credited but not yet covered by funds."""
    claimable: int
    """Paid money whose push failed."""
    payout: str
    """Where its money goes."""


class EscrowClient(Deployed):
    """One escrow."""

    artifact = "OutcomeEscrow"

    # --- acts ---------------------------------------------------------------------------------------------------------

    def deposit(self, signer: Signer, amount: int) -> Done:
        """Adds client funding; anyone may. With a token the escrow is first allowed to draw exactly ``amount``."""
        token = self.token()
        if token is None:
            return self.act(signer, "deposit", amount, value=amount)
        if token.allowance(signer.address, self.address) < amount:
            token.approve(signer, self.address, amount)
        return self.act(signer, "deposit", amount)

    def activate(self, signer: Signer, signatures: Sequence[bytes]) -> Done:
        """Starts the agreement with the parties' signatures over the terms: client first, then providers in order."""
        return self.act(signer, "activate", list(signatures))

    def cancel(self, signer: Signer) -> Done:
        """Ends an offer that was not activated in time; the client gets its money back."""
        return self.act(signer, "cancel")

    def report(
        self,
        signer: Signer,
        period: int,
        values: Sequence[int],
        evidence_digest: bytes,
        signatures: Mapping[int, bytes],
    ) -> Done:
        """Hands in verified values of a period and settles it.

        ``values`` has one 18-decimal value per KPI (``MISSING`` for a missing one), ``signatures`` the verifiers'
        signatures by their index.
        """
        indexes = sorted(signatures)
        ordered = [signatures[index] for index in indexes]
        return self.act(signer, "report", period, list(values), evidence_digest, indexes, ordered)

    def propose_default(self, signer: Signer, period: int) -> Done:
        """Proposes every KPI's stand-in for a period whose evidence is overdue."""
        return self.act(signer, "proposeDefault", period)

    def settle(self, signer: Signer, period: int) -> Done:
        """Settles a proposed default whose window is over."""
        return self.act(signer, "settle", period)

    def pay_arrears(self, signer: Signer, most: int) -> Done:
        """Pays up to ``most`` queued arrears entries, oldest first."""
        return self.act(signer, "payArrears", most)

    def sync(self, signer: Signer) -> Done:
        """Books a surplus or loss of the token balance."""
        return self.act(signer, "sync")

    def claim(self, signer: Signer, provider: int, to: str) -> Done:
        """The provider's signer fetches what a failed push left."""
        return self.act(signer, "claim", provider, to)

    def claim_early(self, signer: Signer, provider: int, to: str) -> Done:
        """While the balance is below what is tracked: fetches the covered share and gives up the rest."""
        return self.act(signer, "claimEarly", provider, to)

    def move_payout(self, signer: Signer, provider: int, to: str) -> Done:
        """The provider's signer moves its payout address."""
        return self.act(signer, "movePayout", provider, to)

    def withdraw(self, signer: Signer, amount: int) -> Done:
        """The client takes out funding above the required cover plus one reserve."""
        return self.act(signer, "withdraw", amount)

    def close(self, signer: Signer, most: int) -> Done:
        """Pays up to ``most`` arrears entries, releases holdback and, if nothing is owed, returns the rest."""
        return self.act(signer, "close", most)

    # --- views --------------------------------------------------------------------------------------------------------

    def token(self) -> TokenClient | None:
        """The escrow's token; None for the native coin."""
        address = self.arguments().token
        return None if address == ZERO_ADDRESS else TokenClient(self.network, address)

    def balance(self) -> int:
        """What the escrow really has, in base units: the token's or the chain's own figure."""
        token = self.token()
        return self.network.balance(self.address) if token is None else token.balance(self.address)

    def arguments(self) -> Arguments:
        """Every deployed argument."""
        client, token, decimals, quorum, verifiers, arbitrator, providers, kpis, *rest = self.read("arguments")
        return Arguments(
            client,
            token,
            decimals,
            quorum,
            verifiers,
            arbitrator,
            tuple(Provider(*provider) for provider in providers),
            tuple(Kpi(*kpi) for kpi in kpis),
            *rest,
        )

    def agreement_digest(self) -> bytes:
        """keccak256 of the agreement's canonical JSON."""
        return bytes(self.read("agreementDigest"))

    def program_hash(self) -> bytes:
        """keccak256 of the program."""
        return bytes(self.read("programHash"))

    def program(self) -> bytes:
        """The program that settles the periods."""
        return bytes(self.read("program"))

    def terms_hash(self) -> bytes:
        """The EIP-712 digest the parties signed."""
        return bytes(self.read("termsHash"))

    def nonce(self) -> int:
        """Tells identical deals apart."""
        return int(self.read("nonce"))

    def factory(self) -> str:
        """Checksum address of the factory."""
        return str(self.read("factory"))

    def stage(self) -> Stage:
        """Stage of the agreement."""
        return _known(Stage, self.read("stage"))

    def period_stage(self, period: int) -> tuple[PeriodStage, int]:
        """Stage of a period; for a proposed default the time from which it can be settled, else 0."""
        stage, settles_at = self.read("periodStage", period)
        return _known(PeriodStage, stage), int(settles_at)

    def evidence_due(self, period: int) -> int:
        """From when an unsettled period without evidence can be defaulted.

        Raises ProtocolError ``out-of-turn`` while a sequential program waits for an earlier period.
        """
        return int(self.read("evidenceDue", period))

    def carried_state(self) -> State:
        """What settled periods left to later ones: the state that the next run of the program starts from."""
        shape = verify(self.program())
        words = self.read("carriedState")
        depths = [row.depth for row in shape.header.histories]
        sums = len(shape.to_date), len(shape.earned)
        return read_state(words, len(shape.header.registers), depths, *sums, self.arguments().unit_decimals)

    def register(self, index: int) -> int:
        """A register after the last period run without error; 0 before the first. A number's is scaled by 10**18."""
        return int(self.read("register", index))

    def to_date(self, line: int) -> int:
        """What a line came to in all settled periods, scaled by 10**18; 0 for one whose sum no formula reads."""
        return int(self.read("toDate", line))

    def funds(self) -> int:
        """Client funding not owed to anyone."""
        return int(self.read("funds"))

    def tracked(self) -> int:
        """Everything the escrow accounts for."""
        return int(self.read("tracked"))

    def required_cover(self) -> int:
        """Reserve times the periods that have started and are not settled."""
        return int(self.read("requiredCover"))

    def account(self, provider: int) -> Account:
        """Money of one provider, counted from 0 in the order of the agreement."""
        return Account(*self.read("account", provider))

    def queue_length(self) -> int:
        """Number of arrears entries not yet paid in full."""
        return int(self.read("queueLength"))


def _known(kind: type[Staged], value: int) -> Staged:
    try:
        return kind(value)
    except ValueError:
        raise ChainError(
            "not-our-contract",
            f"The contract at that address answers with a stage ({value}) that no escrow has.",
            "Check the address and the network.",
        ) from None
