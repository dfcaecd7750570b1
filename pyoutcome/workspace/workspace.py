"""A workspace: one folder with an agreement, its evidence, keys and chain, and everything one can do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pyoutcome.audit import AuditReport
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import EMBEDDED
from pyoutcome.errors import WorkspaceError
from pyoutcome.settlement.keeper import Outcome, keep
from pyoutcome.settlement.progress import Progress, silent
from pyoutcome.workspace import evidencing, proving, reporting
from pyoutcome.workspace.acting import Acting
from pyoutcome.workspace.books import Books, StatedPeriod, Status
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.evidencing import Readings
from pyoutcome.workspace.intent import Confirm, agree_to_all
from pyoutcome.workspace.making import Plan, make_workspace, open_desk
from pyoutcome.workspace.parties import Password
from pyoutcome.workspace.proving import StoredProof
from pyoutcome.workspace.remote import Store
from pyoutcome.workspace.settings import SignedReport

if TYPE_CHECKING:
    from pyoutcome.evidence.bundles.bundle import Bundle
    from pyoutcome.evidence.recomputation import Recomputation
    from pyoutcome.evidence.staged import Given
    from pyoutcome.workspace.checking import Packed


def no_password(party: str) -> str:
    """For workspaces that need no password; WorkspaceError ``password-needed`` if one does."""
    raise WorkspaceError(
        "password-needed",
        f"The key of {party} is encrypted, and no password was given.",
        "Open the workspace with a `password` function.",
    )


class Workspace(Acting):
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
        super().__init__(desk)
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
        return cls(open_desk(Path(folder), network, password, confirm), progress, engine)

    def close(self) -> None:
        """Gives the network back."""
        self._desk.network.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def books(self) -> Books:
        """A fresh reading of the escrow's events."""
        return Books(self._desk)

    # --- acts ---------------------------------------------------------------------------------------------------------

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
