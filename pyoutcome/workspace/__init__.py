"""One folder with everything about one agreement, and the Python API over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyoutcome.workspace.batching import create_many, report_many, settle_many
    from pyoutcome.workspace.files import find_workspace
    from pyoutcome.workspace.inspecting import inspect_escrow
    from pyoutcome.workspace.inspection import Inspection
    from pyoutcome.workspace.intent import Confirm, Intent
    from pyoutcome.workspace.workspace import Workspace

__all__ = [
    "Confirm",
    "Inspection",
    "Intent",
    "Workspace",
    "create_many",
    "find_workspace",
    "inspect_escrow",
    "report_many",
    "settle_many",
]

_ROOMS = {
    "Workspace": "workspace",
    "create_many": "batching",
    "report_many": "batching",
    "settle_many": "batching",
    "find_workspace": "files",
    "Confirm": "intent",
    "Intent": "intent",
    "Inspection": "inspection",
    "inspect_escrow": "inspecting",
}


def __getattr__(name: str) -> Any:
    """Names are fetched when they are first used: a workspace brings chain and database libraries."""
    if name in _ROOMS:
        from importlib import import_module

        return getattr(import_module(f"pyoutcome.workspace.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'pyoutcome.workspace' has no attribute {name!r}")
