"""Trouble that is no period's and no file's own: nothing is parked or refused for it, all is tried again."""

from __future__ import annotations

from typing import Final

from pyoutcome.errors import PyoutcomeError, SettlementError

PASSING: Final = frozenset(
    {
        "bad-network-answer",
        "chain-busy",
        "chain-unsteady",
        "database-failed",
        "database-unreachable",
        "fee-above-limit",
        "machine-failed",
        "network-error",
        "network-refused",
        "network-timeout",
        "network-unreachable",
        "nonce-count-odd",
        "not-enough-coin",
        "storage-failed",
    }
)
"""Codes of what passes by itself, or when somebody mends the machine, the network or a place where evidence is kept, or
sends coin.
"""


def as_ours(error: PyoutcomeError | OSError) -> PyoutcomeError:
    """An error of the machine in our words: SettlementError ``machine-failed``."""
    if isinstance(error, PyoutcomeError):
        return error
    return SettlementError(
        "machine-failed",
        f"The machine did not carry out a step: {error.strerror or type(error).__name__}.",
        "Make room on the disk, or give the keeper the right to write there; it tries again by itself.",
    )
