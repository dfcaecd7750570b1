"""Contracts that pay for results and can prove it.

>>> from pyoutcome import Agreement
>>> Agreement.load("examples/punctual-arrivals/agreement.yaml").title
'Punctual arrivals at New York'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyoutcome.terms import Agreement
    from pyoutcome.workspace import Workspace

__all__ = ["Agreement", "Workspace", "__version__"]


def __getattr__(name: str) -> Any:
    """Names are fetched when they are first used, so that starting a command costs nothing it does not need."""
    if name == "Agreement":
        from pyoutcome.terms import Agreement

        return Agreement
    if name == "Workspace":
        from pyoutcome.workspace import Workspace

        return Workspace
    if name == "__version__":
        from importlib.metadata import version

        return version("pyoutcome")
    raise AttributeError(f"module 'pyoutcome' has no attribute {name!r}")
