"""Bundles in a storage: written under their usual names, read as hostile, found by agreement and period."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle, bundle_name
from pyoutcome.evidence.bundles.manifest import LARGEST, parse_bundle
from pyoutcome.evidence.bundles.storage import FolderStorage, Storage, locate

_NAME: Final = re.compile(r"period-([0-9]{2,9})\.[A-Za-z][A-Za-z0-9_]{0,79}\.json")


def keep_bundle(bundle: Bundle, storage: Storage, *, replace: bool = False) -> str:
    """Writes the bundle under its usual name and gives its place; ``replace``: another one there gives way.

    Raises EvidenceError ``evidence-exists`` if another bundle is there, and what ``Storage.put`` raises.
    """
    name = bundle_name(bundle.period, bundle.supplier)
    storage.put(name, bundle.to_json(), replace=replace)
    return storage.place(name)


def fetch_bundle(storage: Storage, period: int, supplier: str) -> Bundle | None:
    """The kept bundle of a provider and period; None if there is none. Raises what reading one raises."""
    name = bundle_name(period, supplier)
    data = storage.get(name, LARGEST)
    return None if data is None else parse_bundle(data, storage.place(name))


def find_bundles(storage: Storage, *, agreement: bytes | None = None, period: int | None = None) -> list[Bundle]:
    """The kept bundles, by name; of one agreement (its digest) or one period only, if that is given.

    Raises what reading one raises, for any that has the name of a bundle that is asked for.
    """
    found = []
    for name in storage.names():
        match = _NAME.fullmatch(name)
        if match is None or (period is not None and int(match[1]) != period):
            continue
        data = storage.get(name, LARGEST)
        if data is not None:  # else it went meanwhile
            bundle = parse_bundle(data, storage.place(name))
            if agreement is None or bundle.agreement_digest == agreement:
                found.append(bundle)
    return found


def write_bundle(bundle: Bundle, folder: Path, *, replace: bool = False) -> Path:
    """``keep_bundle`` in a folder; gives the path."""
    return Path(keep_bundle(bundle, FolderStorage(folder), replace=replace))


def read_bundle(file: str | Path) -> Bundle:
    """The bundle in a file, or at an address, that anybody may have written.

    Raises EvidenceError ``bundle-unreadable``, ``bundle-malformed``, ``bundle-not-canonical``, ``storage-too-large`` or
    ``storage-failed``. The signature is not checked here.
    """
    storage, name = locate(file)
    data = storage.get(name, LARGEST)
    if data is None:
        raise EvidenceError(
            "bundle-unreadable",
            f"There is no bundle at {storage.place(name)}.",
            "Give the path of a bundle that 'measure' has written.",
            file=storage.place(name),
        )
    return parse_bundle(data, storage.place(name))
