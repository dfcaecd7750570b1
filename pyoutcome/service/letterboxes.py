"""Opening a letterbox by where it lies."""

from __future__ import annotations

from pathlib import Path

from pyoutcome.service.letterbox import FolderLetterbox, Letterbox
from pyoutcome.service.object_letterbox import ObjectLetterbox


def open_letterbox(place: Path | str) -> Letterbox:
    """The letterbox in a folder (a path), which is made, or at an address (a text).

    OSError; EvidenceError ``remote-extra-missing``, ``storage-failed``.
    """
    if isinstance(place, str):
        return ObjectLetterbox(place)
    place.mkdir(parents=True, exist_ok=True)
    return FolderLetterbox(place)
