"""What happens to a period between report and settlement: challenge, dispute, ruling, fallback, agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pyoutcome.chain.deployed import Done
from pyoutcome.chain.readings import CLIENT, PeriodStage
from pyoutcome.chain.versions import Version, collect_versions
from pyoutcome.chain.views import EscrowViews
from pyoutcome.decimals import ONE
from pyoutcome.protocol import Signer, refusals
from pyoutcome.protocol.reports import pack_report

Form = tuple[str, tuple[object, ...]]
"""A function of the escrow and its arguments: for those who do not send at once."""

REFUSE = 2**256 - 1
"""What an arbitrator that chooses says to refuse."""


class PeriodActs(EscrowViews):
    """Acts on one period. The versions that the escrow wants to see come from its events."""

    def versions(self, period: int) -> tuple[Version, ...]:
        """The versions of a period in a window or dispute: the report or default first; none of any other period."""
        versions = self._unpriced(period)
        if not versions:
            return ()
        # The events do not say the amounts of a report; while it waits they stay what they are.
        report, *others = versions
        return (replace(report, amounts=self.price(period, [report.values])[0].amounts), *others)

    def is_contested(self, period: int) -> bool:
        """Has a period in a window or dispute a version beside its report or default?"""
        return len(self._unpriced(period)) > 1

    def _unpriced(self, period: int) -> Sequence[Version]:
        kpis = len(self.arguments_of(period).kpis)
        return collect_versions((located.event for located in self.history()), period, kpis)

    def _shown(self, period: int) -> list[tuple[object, ...]]:
        return [version.as_tuple() for version in self.versions(period)]

    def bring(self, signer: Signer, amount: int) -> int:
        """Lets the escrow draw ``amount`` from the signer; returns the native coin to send along."""
        token = self.token()
        if token is None:
            return amount
        if amount and token.allowance(signer.address, self.address) < amount:
            token.approve(signer, self.address, amount)
        return 0

    # --- report -------------------------------------------------------------------------------------------------------

    def pack_report(
        self, period: int, values: Sequence[int], evidence_digest: bytes, signatures: Mapping[int, bytes]
    ) -> bytes:
        """A report as the escrow and the batch take it; ``signatures`` by the verifiers' index."""
        return pack_report(period, values, evidence_digest, signatures, self.arguments_of(period).kpis)

    def report(
        self,
        signer: Signer,
        period: int,
        values: Sequence[int],
        evidence_digest: bytes,
        signatures: Mapping[int, bytes],
    ) -> Done:
        """Hands in verified values of a period; without a challenge window that settles it.

        ``values`` has one 18-decimal value per KPI (``MISSING`` for a missing one), ``signatures`` the verifiers'
        signatures by their index. In place of a challenged default the stakes of its challengers go back.
        """
        function, arguments = self.form_report(period, values, evidence_digest, signatures)
        return self.act(signer, function, *arguments)

    def form_report(
        self, period: int, values: Sequence[int], evidence_digest: bytes, signatures: Mapping[int, bytes]
    ) -> Form:
        """How ``report`` calls the escrow."""
        packed = self.pack_report(period, values, evidence_digest, signatures)
        if 1 <= period <= self.last_period() and self.period_state(period).stage is PeriodStage.DEFAULTED:
            shown = self._shown(period)
            if len(shown) > 1:
                return "replace", (packed, shown)
        return "report", (packed,)

    def propose_default(self, signer: Signer, period: int) -> Done:
        """Proposes every KPI's stand-in for a period whose evidence is overdue."""
        return self.act(signer, "proposeDefault", period)

    def post_digest(self, signer: Signer, period: int, digest: bytes) -> Done:
        """A supplier shows in time that it has its evidence."""
        return self.act(signer, "postDigest", period, digest)

    def settle(self, signer: Signer, period: int) -> Done:
        """Settles a report or default that nobody challenged, after its window."""
        function, arguments = self.form_settle(period)
        return self.act(signer, function, *arguments)

    def form_settle(self, period: int) -> Form:
        """How ``settle`` calls the escrow."""
        versions = self._proposed(period)
        return "settle", (period, list(versions[0].values) if versions else [])

    def pack_settlement(self, period: int) -> bytes:
        """What ``settle`` calls the escrow with, as the batch takes it."""
        function, arguments = self.form_settle(period)
        return self.interface.encode(function, *arguments)[4:]

    def _proposed(self, period: int) -> tuple[Version, ...]:
        """The versions, or none of a period that does not exist: then the escrow says why it refuses."""
        return self.versions(period) if 1 <= period <= len(self.arguments().ends) else ()

    # --- disputes -----------------------------------------------------------------------------------------------------

    def party_of(self, period: int, address: str) -> int:
        """The number of a party of a period: -1 for the client, else its tenure.

        Raises ProtocolError ``not-a-party``.
        """
        arguments = self.arguments()
        if address == arguments.client:
            return CLIENT
        for slot in range(len(arguments.providers)):
            tenure = self.holder_of(slot, period)
            if self.account(tenure).holder == address:
                return tenure
        raise refusals.not_a_party(address)

    def stake_of(self, period: int, values: Sequence[int]) -> int:
        """What a challenge with these values has to stake, base units.

        Raises ProtocolError ``not-proposed``, ``program-failed``.
        """
        versions = self.versions(period)
        if not versions:
            raise refusals.not_proposed(period)
        report, mine = self.price(period, [versions[0].values, values])
        if mine.error:
            raise refusals.program_failed(mine.error)
        apart = sum(abs(one - other) for one, other in zip(report.amounts, mine.amounts, strict=True))
        terms = self.arguments_of(period)
        return max(terms.stake_fixed, -(-terms.stake_share * apart // ONE))

    def challenge(
        self, signer: Signer, period: int, values: Sequence[int], *, party: int | None = None, signature: bytes = b""
    ) -> Done:
        """Puts a party's own values beside a report or default; the signer pays the stake.

        Without ``signature`` the signer is the party; with one over ``messages.Challenge`` anyone may hand it in for
        ``party`` (-1 the client, else a tenure). Raises what ``stake_of`` and ``party_of`` raise.
        """
        number = self.party_of(period, signer.address) if party is None else party
        stake = self.stake_of(period, values)
        value = self.bring(signer, stake)
        challenging = (period, number, stake, list(values), signature)
        return self.act(signer, "challenge", challenging, self._shown(period), value=value)

    def dispute(self, signer: Signer, period: int) -> Done:
        """Opens the dispute of a challenged period after its window: the undisputed part is credited."""
        function, arguments = self.form_dispute(period)
        return self.act(signer, function, *arguments)

    def form_dispute(self, period: int) -> Form:
        """How ``dispute`` calls the escrow."""
        return "dispute", (period, self._shown(period))

    def rule(self, signer: Signer, period: int, values: Sequence[int], signature: bytes = b"") -> Done:
        """A direct arbitrator's values, handed in by itself or by anyone with its signature of ``messages.Ruling``."""
        return self.act(signer, "rule", period, self._shown(period), list(values), signature)

    def choose(self, signer: Signer, period: int, choice: int | None) -> Done:
        """The choice of a version by its number, by an arbitrator that chooses; None refuses: the report stands."""
        return self.act(signer, "choose", period, self._shown(period), REFUSE if choice is None else choice)

    def fall_back(self, signer: Signer, period: int) -> Done:
        """The report stands when the arbitrator was silent until its deadline."""
        function, arguments = self.form_fall_back(period)
        return self.act(signer, function, *arguments)

    def form_fall_back(self, period: int) -> Form:
        """How ``fall_back`` calls the escrow."""
        return "fallBack", (period, self._shown(period))

    def agree(self, signer: Signer, period: int, values: Sequence[int], signatures: Sequence[bytes]) -> Done:
        """Settles an ended period on values that the client and its payees signed over ``messages.Agreed``: client
        first, then the holders by rising number."""
        return self.act(signer, "agree", period, self._shown(period), list(values), list(signatures))
