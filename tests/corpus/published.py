"""Published mechanisms as test data: ``agreements/`` as a user would write them, ``cases/`` with facts and figures.

A cases file says where the mechanism and its figures come from (``source``), what kind of figure it is (``figure``),
and for each case its ``basis``: ``published`` if the source prints the figure, ``derived`` if it follows from its
terms. ``periods`` holds the facts of successive periods; ``expect`` the figures of each, ``any`` where none is known.
Figures are exact, or printed ``rounded`` to the decimals shown, or true ``within`` a tolerance that the source states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pyoutcome.decimals import DECIMALS, Rounding, parse, round_to
from pyoutcome.terms import Agreement

FOLDER = Path(__file__).parent
MORE = FOLDER / "more"
"""Further mechanisms, written after the vocabulary was complete: what it lacked for them was added once, for all."""
NAMES = sorted(path.stem for path in (FOLDER / "agreements").glob("*.yaml"))
MORE_NAMES = sorted(path.stem for path in (MORE / "agreements").glob("*.yaml"))


@dataclass(frozen=True)
class Case:
    """One published scenario."""

    mechanism: str
    name: str
    basis: str
    periods: tuple[Mapping[str, str], ...]
    expect: Mapping[str, tuple[str, ...]]
    """Per figure the text of each period."""
    rounded: bool
    within: int
    """Scaled."""
    refused: str | None
    """Code of the error with which the facts are refused."""

    @property
    def label(self) -> str:
        return f"{self.mechanism}: {self.name}"

    def agrees(self, expected: str, actual: int) -> bool:
        """Is a figure what the source prints?"""
        if expected in ("yes", "no"):
            return actual == int(expected == "yes")
        wanted = parse(expected)
        if self.within:
            return abs(actual - wanted) <= self.within
        if self.rounded:
            decimals = len(expected.partition(".")[2])
            return wanted == round_to(actual, 10 ** (DECIMALS - decimals), Rounding.HALF_UP)
        return wanted == actual


def find_file(kind: str, mechanism: str) -> Path:
    """The file of a mechanism in ``agreements`` or ``cases``."""
    return (MORE if mechanism in MORE_NAMES else FOLDER) / kind / f"{mechanism}.yaml"


def load_agreement(mechanism: str) -> Agreement:
    """The agreement of a mechanism."""
    return Agreement.load(find_file("agreements", mechanism))


def load_source(mechanism: str) -> dict[str, Any]:
    """The cases file of a mechanism; every value a text."""
    text = find_file("cases", mechanism).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but texts
    return data


def load_cases(mechanism: str) -> list[Case]:
    """The cases of a mechanism."""
    return [
        Case(
            mechanism,
            each["name"],
            each["basis"],
            tuple(each["periods"]),
            {figure: tuple(values) for figure, values in each.get("expect", {}).items()},
            each.get("rounded", "no") == "yes",
            parse(each.get("within", "0")),
            each.get("refused"),
        )
        for each in load_source(mechanism)["cases"]
    ]


CASES = [case for mechanism in NAMES for case in load_cases(mechanism)]
MORE_CASES = [case for mechanism in MORE_NAMES for case in load_cases(mechanism)]
