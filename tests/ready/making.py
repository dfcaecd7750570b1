"""Writes the sample records of ready agreements anew: ``python -m tests.ready.making NAME...``, all without a name."""

from __future__ import annotations

import sys
from importlib import import_module

from pyoutcome.workspace.ready import find_ready, list_ready


def make(name: str) -> dict[str, str]:
    """The sample records of a ready agreement that are made up, by source."""
    if not any(each.synthetic for each in find_ready(name).about.records.values()):
        return {}
    made: dict[str, str] = import_module(f"tests.ready.makers.{name.replace('-', '_')}").make()
    return made


def write(names: list[str]) -> None:
    """Writes them where they belong."""
    for ready in [find_ready(name) for name in names] or list_ready():
        for source, text in make(ready.name).items():
            (ready.folder / "records").mkdir(exist_ok=True)
            (ready.folder / "records" / f"{source}.csv").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(sys.argv[1:])
