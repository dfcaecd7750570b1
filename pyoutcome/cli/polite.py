"""A command group that turns every pyoutcome error into a clear message and exit status 1."""

from __future__ import annotations

import sys
from typing import Any

from typer.core import TyperGroup

from pyoutcome.cli.output import complain
from pyoutcome.errors import PyoutcomeError


class PoliteGroup(TyperGroup):
    """Errors on purpose become messages; anything else is a defect and shows its traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        given = kwargs.get("args") or (args[0] if args else None) or sys.argv[1:]
        try:
            return super().main(*args, **kwargs)
        except PyoutcomeError as error:
            complain(error, as_json="--json" in given)
            raise SystemExit(1) from None
