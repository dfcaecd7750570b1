"""Libraries that only some formats need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pyoutcome.errors import LedgerError


def load(name: str) -> Any:
    """A library of the extra ``exports``. LedgerError ``library-missing``."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise LedgerError(
            "library-missing",
            f"This format needs the library {name}, which is not installed.",
            "Install it with `pip install 'pyoutcome[exports]'`, or choose another format.",
            library=name,
        ) from error
