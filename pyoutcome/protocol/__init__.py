"""The escrow's reference: what is signed, what can happen and what every act does to whose money."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyoutcome.protocol.arguments import Arguments, Kpi, Provider
    from pyoutcome.protocol.events import Event, Located
    from pyoutcome.protocol.messages import MISSING, Domain, Report, Signer, Terms, domain, signer_of
    from pyoutcome.protocol.unpacking import unpack_arguments

__all__ = [
    "MISSING",
    "Arguments",
    "Domain",
    "Event",
    "Kpi",
    "Located",
    "Provider",
    "Report",
    "Signer",
    "Terms",
    "domain",
    "signer_of",
    "unpack_arguments",
]
_ROOMS = ("arguments", "events", "messages", "unpacking")


def __getattr__(name: str) -> Any:
    """Names are fetched when they are first used: who only quotes what is signed needs no packages for signing it."""
    if name in __all__:
        for room in _ROOMS:
            module = import_module(f"{__name__}.{room}")
            if name in vars(module) and not name.startswith("_"):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
