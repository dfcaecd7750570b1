"""One folder with everything about one agreement, and the Python API over it."""

from pyoutcome.workspace.files import find_workspace
from pyoutcome.workspace.intent import Confirm, Intent
from pyoutcome.workspace.workspace import Workspace

__all__ = ["Confirm", "Intent", "Workspace", "find_workspace"]
