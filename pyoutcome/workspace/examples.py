"""The agreements that come with pyoutcome and can be named instead of a file."""

from __future__ import annotations

from pathlib import Path

from pyoutcome.errors import WorkspaceError, did_you_mean
from pyoutcome.workspace.ready import list_ready


def example_names() -> list[str]:
    """The examples that can be named instead of a file."""
    return [each.name for each in list_ready()]


def find_example(agreement: str) -> tuple[Path, dict[str, Path]]:
    """The file of an agreement and, for an example, its records by source name.

    ``agreement`` is a path or an example's name. WorkspaceError ``no-such-agreement``, ``example-records-missing``.
    """
    given = Path(agreement)
    if given.is_file():
        return given, {}
    ready = next((each for each in list_ready() if each.name == agreement), None)
    if ready is None:
        raise WorkspaceError(
            "no-such-agreement",
            f"{agreement} is neither a file nor an example.",
            f"{did_you_mean(agreement, example_names())} Or give the path of an agreement file.",
        )
    return ready.file, ready.records
