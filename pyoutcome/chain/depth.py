"""Undoing what two libraries do to Python's recursion limit.

py-evm and py_ecc (which comes with eth-account and eth-keyfile) raise it to 100,000 when they are imported. With that,
deeply nested JSON read anywhere in the process no longer gives an error but overflows the C stack and kills it.
"""

from __future__ import annotations

import sys
from typing import Final

DEEPEST: Final = 10_000
"""Enough for contract calls nested as deep as gas allows (a test shows it), and safe for the C stack."""


def limit_depth() -> None:
    """Call this after importing one of those libraries."""
    sys.setrecursionlimit(min(DEEPEST, sys.getrecursionlimit()))
