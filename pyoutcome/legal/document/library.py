"""Libraries that only some formats need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pyoutcome.errors import DocumentError


def load(name: str) -> Any:
    """A library of the extra ``documents``. DocumentError ``library-missing``."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise DocumentError(
            "library-missing",
            f"This format needs the library {name}, which is not installed.",
            "Install it with `pip install 'pyoutcome[documents]'`, or write Markdown (.md).",
            library=name,
        ) from error
