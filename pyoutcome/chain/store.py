"""The file of an embedded chain: key-value pairs in SQLite, written one block at a time.

A block is collected in memory and lands in one SQLite transaction, so a process that dies at any instruction leaves
the chain as it was before or after that block, never between. The connection locks the file for as long as it is open.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pyoutcome.errors import ChainError

FORMAT = b"1"
"""Version of the file's layout."""
WAIT_SECONDS = 10.0
"""How long to wait for another process that has the chain open."""


class ChainStore:
    """Bytes by key, with the writes of one block held back until ``commit``."""

    def __init__(self, path: Path, *, create: bool = False, wait: float = WAIT_SECONDS) -> None:
        """Opens the file, or makes it if ``create``, and locks it.

        Raises ChainError: ``chain-busy`` if another process keeps it open longer than ``wait`` seconds,
        ``chain-file-damaged`` if it is not the file of an embedded chain.
        """
        self.path = path
        self._pending: dict[bytes, bytes | None] = {}
        self._open = True
        try:
            self._connection = sqlite3.connect(path, timeout=wait, isolation_level=None)
            self._prepare(create)
        except sqlite3.Error as error:
            self._open = False
            if hasattr(self, "_connection"):
                self._connection.close()
            raise self._unreadable(error) from error

    def _prepare(self, create: bool) -> None:
        run = self._connection.execute
        # The lock is SQLite's own: taken by the first statement, kept until the connection closes, and gone with the
        # process however it ends. WAL keeps a block's commit to one append; it is folded into the file on closing.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("BEGIN EXCLUSIVE")
        if create and not run("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            run("CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
            run("CREATE TABLE pairs (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
            run("INSERT INTO facts VALUES ('format', ?)", (FORMAT,))
        if self.fact("format") != FORMAT:
            raise sqlite3.DatabaseError("it has another format")
        run("COMMIT")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")

    def _unreadable(self, error: sqlite3.Error) -> ChainError:
        if getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return ChainError(
                "chain-busy",
                f"Another process is using the chain in {self.path.parent}.",
                "Wait until it is done, or end it, and run the command again.",
                path=str(self.path),
            )
        return ChainError(
            "chain-file-damaged",
            f"{self.path} is not the readable file of an embedded chain ({error}).",
            "Restore the file from a copy, or start a new workspace.",
            path=str(self.path),
        )

    def fact(self, name: str) -> bytes | None:
        """A fact about the chain as a whole, or None."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def read(self, key: bytes) -> bytes | None:
        """The value of a key, writes of the present block included, or None."""
        if key in self._pending:
            return self._pending[key]
        try:
            row = self._connection.execute("SELECT value FROM pairs WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        return None if row is None else bytes(row[0])

    def write(self, key: bytes, value: bytes | None) -> None:
        """Sets a key (None removes it) as part of the present block."""
        self._pending[key] = value

    def commit(self, **facts: bytes) -> None:
        """Writes the present block, and facts about the chain with it: all or nothing."""
        kept = [(key, value) for key, value in self._pending.items() if value is not None]
        removed = [(key,) for key, value in self._pending.items() if value is None]
        run = self._connection
        try:
            run.execute("BEGIN IMMEDIATE")
            run.executemany("INSERT OR REPLACE INTO pairs VALUES (?, ?)", kept)
            run.executemany("DELETE FROM pairs WHERE key = ?", removed)
            run.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(facts.items()))
            run.execute("COMMIT")
        except BaseException as error:
            if run.in_transaction:
                run.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._unwritable(error) from error
            raise
        self._pending.clear()

    def _unwritable(self, error: sqlite3.Error) -> ChainError:
        return ChainError(
            "chain-file-unwritable",
            f"The block could not be written to {self.path} ({error}); the chain stands as before.",
            "See that the disk has room and the folder may be written to, and do the step again.",
            path=str(self.path),
        )

    def discard(self) -> None:
        """Forgets the present block."""
        self._pending.clear()

    def close(self) -> None:
        """Releases the file."""
        if self._open:
            self._open = False
            self._connection.close()
