"""The index of a workspace's escrow: a database for readers with SQL. The workspace itself goes on asking the chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyoutcome.database import open_database
from pyoutcome.index import EventIndex
from pyoutcome.workspace.desk import Desk

FILE: Final = "index.sqlite"
"""Its name in the workspace folder, if no other database is named."""


@dataclass(frozen=True)
class Indexed:
    """What an index holds of one escrow after an update."""

    database: str
    escrow: str
    block: int
    """Everything up to this block is in it."""
    logs: int
    """How many logs of the escrow there are."""
    grown: bool
    """Whether some are new."""
    lost: bool
    """Whether some were lost by a reorganisation."""
    problem: str | None
    """Why events and postings end before the logs do."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "database": self.database,
            "escrow": self.escrow,
            "block": self.block,
            "logs": self.logs,
            "grown": self.grown,
            "lost": self.lost,
            "problem": self.problem,
        }


def index_escrow(desk: Desk, database: str | None = None, *, rebuild: bool = False) -> Indexed:
    """Brings the index of the workspace's escrow up to date, or makes it anew. StoreError, ChainError."""
    escrow = desk.escrow
    place: str | Path = desk.files.folder / FILE if database is None else database
    engine = open_database(place)
    try:
        index = EventIndex(engine, desk.network)
        index.watch(escrow.address, desk.settings.first_block, desk.agreement.providers)
        if rebuild:
            index.rebuild()
        updated = index.update()
        return Indexed(
            database=engine.url.render_as_string(hide_password=True),
            escrow=escrow.address,
            block=updated.block,
            logs=len(index.logs(escrow.address)),
            grown=rebuild or escrow.address in updated.grown,
            lost=escrow.address in updated.lost,
            problem=index.problems().get(escrow.address),
        )
    finally:
        engine.dispose()
