"""A workspace: one folder with an agreement, its evidence, keys and chain, and everything one can do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pyoutcome.audit import AuditReport
from pyoutcome.chain.escrow import PeriodStage
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import EMBEDDED, connect
from pyoutcome.decimals import from_units, parse, to_units_trunc
from pyoutcome.errors import WorkspaceError
from pyoutcome.settlement.keeper import Outcome, keep
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace import amending, disputing, evidencing, leaving, money, offer, offering, proving, reporting
from pyoutcome.workspace.amending import Amending
from pyoutcome.workspace.books import Books, StatedPeriod, Status
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.disputing import Step
from pyoutcome.workspace.evidencing import Progress, Readings
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.inspecting import read_address
from pyoutcome.workspace.intent import Confirm, agree_to_all
from pyoutcome.workspace.making import Plan, make_workspace
from pyoutcome.workspace.offer import Deployment, Funding
from pyoutcome.workspace.parties import PartyBook, Password, party_ids
from pyoutcome.workspace.proving import StoredProof
from pyoutcome.workspace.remote import Store
from pyoutcome.workspace.settings import Offer, Settings, SignedReport, TermsSignature

if TYPE_CHECKING:
    from pyoutcome.evidence.bundles.bundle import Bundle
    from pyoutcome.evidence.recomputation import Recomputation
    from pyoutcome.evidence.staged import Given
    from pyoutcome.workspace.checking import Packed


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def no_password(party: str) -> str:
    """For workspaces that need no password; WorkspaceError ``password-needed`` if one does."""
    raise WorkspaceError(
        "password-needed",
        f"The key of {party} is encrypted, and no password was given.",
        "Open the workspace with a `password` function.",
    )


class Workspace:
    """An open workspace. Use it in ``with``, or close it: the embedded chain is locked meanwhile.

    >>> with Workspace.create("deal", "agreement.yaml") as workspace:    # doctest: +SKIP
    ...     for party in ("client", "UA", "B6", "EV"):
    ...         workspace.sign(party)
    ...     workspace.deploy()
    ...     workspace.fund("18_720_000")
    ...     workspace.settle(move_clock=True)
    ...     workspace.audit().differences
    0
    """

    def __init__(self, desk: Desk, progress: Progress = silent, engine: str | None = None) -> None:
        self._desk = desk
        self._progress = progress
        self._engine = engine
        self._readings = Readings(progress, engine)

    # --- making and opening -------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        folder: str | Path,
        agreement: str | Path,
        *,
        network: str = EMBEDDED,
        factory: str | None = None,
        token: str | None = None,
        records: Mapping[str, str | Path] | None = None,
        evidence: str | None = None,
        password: Password = no_password,
        confirm: Confirm = agree_to_all,
        progress: Progress = silent,
    ) -> Self:
        """Makes a workspace in a new or empty folder.

        ``network``: ``embedded``, a JSON-RPC URL, or ``env:NAME``. On a local chain a factory and a test token are
        deployed and every party gets a test account; elsewhere name both addresses. ``records``: files to copy, by
        source name. ``evidence``: a folder or address (``s3://bucket/path``) for bundles and proofs.

        Raises WorkspaceError ``folder-not-empty``, ``addresses-needed``; what loading the agreement and connecting
        raise. Nothing is left behind on failure.
        """
        copied = {name: Path(path) for name, path in (records or {}).items()}
        plan = Plan(network, factory, token, copied, evidence)
        desk = make_workspace(Path(folder), Path(agreement), plan, password, confirm, progress)
        return cls(desk, progress)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        password: Password = no_password,
        confirm: Confirm = agree_to_all,
        progress: Progress = silent,
        engine: str | None = None,
        network: Network | None = None,
    ) -> Self:
        """Opens a workspace. ``engine``: where records are counted (``duckdb``, ``postgresql://...``, ``spark``).

        ``network``: an open connection that several workspaces share; closing the workspace closes it.
        WorkspaceError ``no-workspace``, ``file-malformed``; ChainError ``wrong-network``.
        """
        files = WorkspaceFiles(Path(folder))
        if not files.settings.is_file():
            raise WorkspaceError(
                "no-workspace",
                f"There is no pyoutcome workspace in {folder}.",
                "Make one with `pyoutcome init FOLDER --agreement FILE`, or name one with --workspace.",
            )
        settings = files.load(files.settings, Settings)
        agreement = Agreement.load(files.agreement)
        if network is None:
            network = connect(settings.url, files.folder, recorded=settings.identity)
        else:
            network.require(settings.identity)
        amended = (Agreement.load(files.amendment(number)) for number in files.amendments())
        ids = dict.fromkeys(party for each in (agreement, *amended) for party in party_ids(each))
        book = PartyBook(tuple(ids), files, network, password)
        return cls(Desk(files, settings, agreement, network, book, confirm), progress, engine)

    def close(self) -> None:
        """Gives the network back."""
        self._desk.network.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what is in it ------------------------------------------------------------------------------------------------

    @property
    def agreement(self) -> Agreement:
        """The agreement of this workspace."""
        return self._desk.agreement

    @property
    def network(self) -> Network:
        """The network it lives on."""
        return self._desk.network

    @property
    def parties(self) -> PartyBook:
        """Addresses and keys."""
        return self._desk.parties

    @property
    def files(self) -> WorkspaceFiles:
        """Where everything lies."""
        return self._desk.files

    @property
    def desk(self) -> Desk:
        """The contracts and the signed deal."""
        return self._desk

    @property
    def books(self) -> Books:
        """A fresh reading of the escrow's events."""
        return Books(self._desk)

    # --- acts ---------------------------------------------------------------------------------------------------------

    def sign(self, party: str) -> TermsSignature:
        """Signs the terms as the client or a provider."""
        return offering.sign_terms(self._desk, party)

    def offer(self, out: str | Path | None = None) -> Offer:
        """The offer that everybody signs, made if there is none; ``out``: a file for those who sign elsewhere."""
        made = offering.make_offer(self._desk)
        if out is not None:
            self.files.save(Path(out), made)
        return made

    def take_offer(self, file: str | Path) -> Offer:
        """Stores the offer in a file that another party sent."""
        return offering.take_offer(self._desk, Path(file))

    def take_signatures(self, files: Iterable[str | Path]) -> tuple[TermsSignature, ...]:
        """Stores signatures that other parties sent as files: all of them, or none if one does not fit."""
        return offering.take_signatures(self._desk, [Path(each) for each in files])

    def missing_signatures(self) -> tuple[str, ...]:
        """Who has not signed the terms yet; every stored signature is checked."""
        return tuple(offering.missing_signatures(self._desk))

    def deploy(self, by: str = "client") -> Deployment:
        """Creates the escrow that everybody signed."""
        return offer.deploy_escrow(self._desk, by)

    def fund(self, amount: str | int, by: str = "client", *, permit: bool = False) -> Funding:
        """Deposits money (text in token units, or whole base units) and starts the agreement once it is covered.

        ``permit``: by a signed permit of the token (ERC-2612), without an approval before. On a local chain a client
        without enough test tokens is given them.
        """
        units = read_money(amount, self.agreement.token.decimals)
        if self.network.local:
            self._grant(by, units)
        return offer.fund_escrow(self._desk, units, by, permit=permit)

    def measure(
        self,
        provider: str,
        periods: Iterable[int] | None = None,
        records: Mapping[str, Given] | None = None,
        *,
        provable: bool = False,
        replace: bool = False,
    ) -> list[Bundle]:
        """Measures a provider's KPIs from the raw records and stores a signed bundle for each period.

        ``provable``: with roots over the records, so that ``prove`` can show single ones; ``replace``: write over
        another bundle that is stored for the period.
        """
        numbers = reporting.all_periods(self._desk, periods)
        read = self._reader(provider, records)
        return evidencing.measure_periods(
            self._desk, read, provider, numbers, self._progress, provable=provable, replace=replace
        )

    def prove(
        self,
        provider: str,
        period: int,
        key: Mapping[str, str],
        source: str | None = None,
        records: Mapping[str, Given] | None = None,
        out: str | Path | None = None,
    ) -> StoredProof:
        """Proves that one record was looked at, and for what it was counted, without showing the others.

        ``key``: the values of its key's columns; ``out``: a file (by default beside the bundles).
        """
        return proving.prove(self._desk, provider, period, key, source, records, out, self._engine)

    def verify(
        self,
        verifier: str,
        periods: Iterable[int] | None = None,
        records: Mapping[str, Given] | None = None,
        supplier_records: Mapping[str, Given] | None = None,
    ) -> list[SignedReport]:
        """Recomputes the periods from the verifier's own records, compares with the bundles, and signs reports."""
        numbers = reporting.all_periods(self._desk, periods)
        read = self._reader(verifier, records)
        return evidencing.verify_periods(self._desk, read, verifier, numbers, self._progress, supplier_records)

    def report(self, period: int, by: str = "client") -> str:
        """Submits a period's verified report, which settles it; the transaction's hash."""
        return reporting.submit_report(self._desk, period, by)

    def propose_default(self, period: int, by: str = "client") -> str:
        """Proposes the default of an overdue period; the transaction's hash."""
        return reporting.propose_default(self._desk, period, by)

    def settle(
        self, periods: Iterable[int] | None = None, by: str = "client", *, move_clock: bool = False
    ) -> list[Outcome]:
        """Moves periods as far as the keys, records and signatures here allow.

        ``move_clock``: on a local chain, go to each period's end instead of waiting for it.
        """
        if move_clock:
            self.network.require_local_clock()
        keeper = reporting.PeriodDesk(self._desk, by, self._progress, move_clock=move_clock)
        return keep(keeper, reporting.all_periods(self._desk, periods), self._progress)

    def close_agreement(self, by: str = "client") -> str:
        """Closes the agreement: holdback to the providers, the rest to the client; the transaction's hash."""
        return reporting.close_escrow(self._desk, by)

    def bond(self, provider: str, by: str | None = None) -> Funding:
        """Deposits what is missing of a provider's bond."""
        payer = by or provider
        self._grant_bond(provider, payer)
        return offer.post_bond(self._desk, provider, payer)

    def challenge(self, period: int, values: Iterable[str], by: str) -> Step:
        """Contests a report or default with values of one's own (``NAME=VALUE``), for a stake."""
        own = disputing.read_own_values(self._desk, period, values)
        if self.network.local:
            self._grant(by, self._desk.escrow.stake_of(period, own))
        return disputing.challenge(self._desk, period, own, by)

    def dispute(self, period: int, by: str = "client") -> Step:
        """Opens the dispute of a challenged period, or has the report stand once the arbitrator's time is over."""
        if self._desk.escrow.period_state(period).stage is PeriodStage.DISPUTED:
            return Step(f"the report of period {period} stands", reporting.fall_back(self._desk, period, by))
        return Step(f"period {period} is disputed", reporting.open_dispute(self._desk, period, by))

    def rule(self, period: int, values: Iterable[str], by: str = "arbitrator") -> Step:
        """The arbitrator's values for a disputed period; those not named are the report's."""
        return disputing.rule(self._desk, period, disputing.read_own_values(self._desk, period, values), by)

    def choose(self, period: int, choice: int | None, by: str = "arbitrator") -> Step:
        """The choice of a version by an arbitrator that chooses; None lets the report stand."""
        return disputing.choose(self._desk, period, choice, by)

    def agree(self, period: int, by: str, values: Iterable[str] = (), *, submit: bool = False) -> Step:
        """Signs values on which client and payees settle a period, or hands in everybody's signatures."""
        given = list(values)
        own = disputing.read_own_values(self._desk, period, given) if given else None
        return disputing.agree(self._desk, period, own, by, submit=submit)

    def assign(self, provider: str, by: str, *, submit: bool = False) -> Step:
        """Signs, or hands in, that ``successor-UA`` takes UA's place from the next period on."""
        if submit:
            self._grant_bond(provider, by)
        return leaving.assign(self._desk, provider, by, submit=submit)

    def step_in(self, provider: str, by: str = "client") -> Step:
        """Calls a provider's backup after too many breaches in a row."""
        self._grant_bond(provider, by)
        return leaving.step_in(self._desk, provider, by)

    def terminate(
        self,
        by: str,
        *,
        mutual: bool = False,
        submit: bool = False,
        breaches_of: str | None = None,
        uncovered: bool = False,
        finding: str | None = None,
        against: str | None = None,
    ) -> Step:
        """Ends the agreement early: by notice unless one of the other paths is named."""
        if mutual or submit:
            return leaving.terminate_together(self._desk, by, submit=submit)
        if breaches_of is not None:
            return leaving.end_for_breaches(self._desk, breaches_of, by)
        if uncovered:
            return leaving.end_for_want_of_cover(self._desk, by)
        if finding is not None:
            return leaving.end_on_finding(self._desk, finding, against or "client", by)
        return leaving.give_notice(self._desk, by)

    def claim(self, by: str, to: str | None = None, *, early: bool = False) -> Step:
        """Fetches what could not be pushed to a party."""
        return leaving.claim(self._desk, by, None if to is None else read_address(to), early=early)

    def amend(
        self,
        by: str,
        file: str | Path | None = None,
        first: int | None = None,
        *,
        anew: bool = False,
        within: int = amending.WITHIN,
        arbitrator: str = "arbitrator",
        submit: bool = False,
    ) -> Amending:
        """Signs, or hands in, other rules for later periods.

        ``file`` proposes them, from period ``first`` on (by default the next that has not started), to be handed in
        within so many seconds; without it the open proposal is meant. ``arbitrator``: the party that arbitrates then,
        such as ``successor-arbitrator``.
        """
        if file is not None:
            amending.propose(self._desk, Path(file), first, anew=anew, within=within, arbitrator=arbitrator)
        return amending.hand_in(self._desk, by) if submit else amending.sign(self._desk, by)

    def cancel(self, by: str = "client") -> Step:
        """Ends an offer that was not activated in time; everybody gets its own back."""
        return money.cancel(self._desk, by)

    def withdraw(self, amount: str | int, by: str = "client") -> Step:
        """Takes out client funding that no started period and not the next one needs."""
        return money.withdraw(self._desk, read_money(amount, self.agreement.token.decimals), by)

    def pay(self, by: str = "client") -> Step:
        """Pays what is owed to providers, as far as the funds reach."""
        return money.pay_owed(self._desk, by)

    def sync(self, by: str = "client") -> Step:
        """Books money that came or went without an act of the escrow."""
        return money.sync(self._desk, by)

    def move_payout(self, by: str, to: str) -> Step:
        """Lets a provider's later payments go to another address."""
        return money.move_payout(self._desk, by, read_address(to))

    def show_evidence(self, provider: str, period: int) -> Step:
        """Posts the digest of a provider's stored evidence bundle while its evidence is not overdue."""
        transaction = reporting.show_evidence(self._desk, period, provider)
        return Step(f"{provider} shows that it has its evidence of period {period}", transaction)

    # --- questions ----------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """Where the agreement stands, and what each period waits for."""
        return self.books.status(self._progress)

    def statement(self, period: int) -> StatedPeriod:
        """What a period pays and why, from the best values there are."""
        return self.books.statement(period)

    def audit(self, records: Mapping[str, Given] | None = None, block: int | None = None) -> AuditReport:
        """Recomputes every settlement from agreement, raw records and chain, as all stood after a block."""
        return self.books.audit(records, self._progress, self._engine, block)

    def pack(self, target: str | Path, records: Mapping[str, Given] | None = None, block: int | None = None) -> Packed:
        """The same, with all of it written into an archive from which anybody repeats the audit without a network."""
        from pyoutcome.workspace.checking import make_pack

        desk, folder = self._desk, self.files.folder / "amendments"
        store = Store(
            agreement=desk.agreement,
            evidence=self.files.folder,
            records=records or {},
            amendments=folder if folder.is_dir() else None,
            kept=desk.evidence,
            parties=desk.parties.addresses,
        )
        place = desk.settings.first_block
        return make_pack(
            desk.network,
            desk.escrow.address,
            store,
            self.files.agreement,
            Path(target),
            factory=desk.settings.factory,
            first_block=place,
            block=block,
            engine=self._engine,
            progress=lambda done, total: self._progress("auditing periods", done, total),
        )

    def _reader(self, party: str, records: Mapping[str, Given] | None) -> Callable[[Desk], Recomputation]:
        """Each party reads the records itself, once per process and agreement."""
        if records is not None:
            self._readings.forget(party)
        return partial(self._readings.of, party=party, records=records)

    def _grant_bond(self, provider: str, by: str) -> None:
        if self.network.local and provider in self.agreement.providers:
            self._grant(by, self.agreement.escrow.bonds[self.agreement.providers.index(provider)])

    def _grant(self, by: str, units: int) -> None:
        token = self._desk.escrow.token()
        if token is None:
            return
        signer = self.parties.signer(by)
        short = units - token.balance(signer.address)
        if short > 0:
            token.mint(signer, signer.address, short)


def read_money(amount: str | int, decimals: int) -> int:
    """Base units of an amount in token units (text) or base units (int).

    WorkspaceError ``bad-amount`` for a negative amount or more decimals than the token has; NumberError.
    """
    if isinstance(amount, int):
        units, exact = amount, True
    else:
        scaled = parse(amount)
        units = to_units_trunc(scaled, decimals)
        exact = from_units(units, decimals) == scaled
    if units < 0 or not exact:
        raise WorkspaceError(
            "bad-amount",
            f"{amount} is no amount of a token with {decimals} decimals.",
            f"Give a positive amount with at most {decimals} decimals.",
        )
    return units
