"""The files of a workspace: where each lies, written whole or not at all, read with suspicion.

workspace.json              network, contracts and agreement of this workspace
agreement.yaml              the agreement, as it was when the workspace was made
parties.json                the address of every party
offer.json                  the deployed arguments, terms hash and escrow address
signatures/client.json      one party's signature over the terms
records/flights.csv         raw records, one file per source, or
records/flights/            a folder of them
records/flights.LICENCE.md  whose they are, if that lay beside them
evidence/period-01.UA.json  one provider's evidence bundle (or wherever the settings say that evidence lies)
reports/period-01.V1.json   one verifier's signed report
acts/agree-01-0.json        an act that several parties sign, such as an agreement on a period
acts/agree-01-0.UA.json     one party's signature over it
amendments/01.yaml          the agreement as an amendment has it, for later periods
amendments/01.json          from which period on, and the terms it makes
keys/client.json            an encrypted keystore (not on local chains)
chain.sqlite                the embedded chain, if that is the network
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pyoutcome.errors import WorkspaceError

MARK = "workspace.json"
"""The file that makes a folder a workspace."""
_LARGEST = 4 * 1024 * 1024
"""Characters a file of a workspace may have (records and the chain are not read through here)."""

M = TypeVar("M", bound=BaseModel)


class WorkspaceFiles:
    """Paths inside one workspace folder, and safe reading and writing of its small files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def settings(self) -> Path:
        return self.folder / MARK

    @property
    def agreement(self) -> Path:
        return self.folder / "agreement.yaml"

    @property
    def parties(self) -> Path:
        return self.folder / "parties.json"

    @property
    def offer(self) -> Path:
        return self.folder / "offer.json"

    @property
    def records(self) -> Path:
        return self.folder / "records"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def key(self, party: str) -> Path:
        return self.keys / f"{party}.json"

    def signature(self, party: str) -> Path:
        return self.folder / "signatures" / f"{party}.json"

    @property
    def evidence(self) -> Path:
        """Where bundles lie, unless the settings name another place."""
        return self.folder / "evidence"

    def evidence_place(self, named: str | None) -> Path | str:
        """Where bundles lie by what the settings name: an address, or a folder (from this one)."""
        if named is None:
            return self.evidence
        return named if "://" in named else self.folder / named

    def report(self, period: int, verifier: str) -> Path:
        return self.folder / "reports" / f"period-{period:02d}.{verifier}.json"

    def act(self, name: str, party: str | None = None) -> Path:
        return self.folder / "acts" / (f"{name}.json" if party is None else f"{name}.{party}.json")

    def amendment(self, number: int) -> Path:
        return self.folder / "amendments" / f"{number:02d}.yaml"

    def amendment_terms(self, number: int) -> Path:
        return self.folder / "amendments" / f"{number:02d}.json"

    def amendments(self) -> Iterator[int]:
        """Numbers of the stored amendments, accepted or not."""
        number = 1
        while self.amendment(number).exists():
            yield number
            number += 1

    def write(self, path: Path, text: str) -> None:
        """Replaces the file in one step: another process sees the old text or the new, never half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def save(self, path: Path, model: BaseModel) -> None:
        """Writes a model as JSON."""
        self.write(path, model.model_dump_json(indent=2) + "\n")

    def read(self, path: Path) -> str:
        """The text of a small file; WorkspaceError ``file-missing`` or ``file-unreadable``."""
        if not path.exists():
            raise WorkspaceError(
                "file-missing",
                f"{self.name(path)} is not in the workspace.",
                "Run the command that makes it first; `pyoutcome status` says what comes next.",
                file=self.name(path),
            )
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(_LARGEST + 1)
        except (OSError, ValueError) as error:
            raise self._unreadable(path, str(error)) from error
        if len(text) > _LARGEST:
            raise self._unreadable(path, f"it is longer than {_LARGEST} characters")
        return text

    def _unreadable(self, path: Path, reason: str) -> WorkspaceError:
        return WorkspaceError(
            "file-unreadable",
            f"{self.name(path)} cannot be read: {reason}.",
            "Put back the file as its author sent it, or make it anew.",
            file=self.name(path),
        )

    def load(self, path: Path, model: type[M]) -> M:
        """Reads a model from JSON; WorkspaceError ``file-missing``, ``file-unreadable`` or ``file-malformed``."""
        return self.parse(path, self.read(path), model)

    def parse(self, path: Path, text: str, model: type[M]) -> M:
        """The model in a file's text; WorkspaceError ``file-malformed``."""
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise WorkspaceError(
                "file-malformed",
                f"{self.name(path)} is not what pyoutcome writes: {place or 'the file'}: {first['msg']}.",
                "Put back the file as its author sent it, or make it anew.",
                file=self.name(path),
            ) from error

    def name(self, path: Path) -> str:
        """The path as a user of this workspace would call it."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)


def not_written(path: Path, error: OSError) -> WorkspaceError:
    """The error for a file that cannot be written."""
    return WorkspaceError(
        "file-not-written",
        f"{path} cannot be written: {error.strerror or error}.",
        "Name a file in a folder that exists and that you may write to.",
        path=str(path),
    )


def find_workspace(start: Path) -> Path:
    """The nearest workspace at or above a folder; WorkspaceError ``no-workspace``."""
    for folder in _upward(start.resolve()):
        if (folder / MARK).is_file():
            return folder
    raise WorkspaceError(
        "no-workspace",
        f"There is no pyoutcome workspace at {start} or above it.",
        "Make one with `pyoutcome init FOLDER --agreement FILE`, or name one with --workspace.",
    )


def licence_of(records: Path) -> Path | None:
    """What says whose records are, beside them, and goes with each copy: ``states.LICENCE.md`` for ``states.csv``."""
    beside = records.with_name(f"{records.stem}.LICENCE.md")
    return beside if beside.is_file() else None


def _upward(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents
