"""The KPI library: measures ready to paste into an agreement, each with the standard it follows and a worked sample."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.loader import read_text

AREAS: Final[Mapping[str, str]] = {
    "availability": "Availability",
    "response": "Response time",
    "resolution": "Resolution time",
    "delivery": "Delivery",
    "quality": "Quality",
    "satisfaction": "Satisfaction",
    "efficiency": "Efficiency",
    "cost": "Cost",
    "esg": "Environment, people and governance",
}
"""What KPIs are about, in the order they are listed."""
_AGREEMENT: Final = """\
agreement: sample
parties:
  client: {name: Client}
  providers: {P: {name: Provider}}
  verifiers: {V: {name: Verifier}}
  quorum: 1
  arbitrator: {name: Arbitrator}
term: {zone: UTC, first: 2026-01-01, every: month, periods: 1}
token: {name: Money, symbol: MON, decimals: 6}
"""
_CLAUSES: Final = """\
clauses:
  fee: {kind: fixed_fee, to: P, amount: 1}
"""
_TOP: Final = re.compile(r"^(?=[a-z])", re.MULTILINE)


@dataclass(frozen=True)
class LibraryKpi:
    """One ready KPI."""

    name: str
    area: str
    """One of ``AREAS``."""
    meaning: str
    """In one line."""
    standards: tuple[str, ...]
    """What it follows, by number and clause or name."""
    text: str
    """``records`` and ``kpis`` as they go into an agreement file."""
    sample: Mapping[str, str]
    """CSV text by source of records."""
    value: str
    """What the sample gives, as people write it: ``60%``."""
    worked: str
    """The same by hand."""

    def to_dict(self) -> dict[str, object]:
        """What a list shows, for machines."""
        return {
            "name": self.name,
            "area": self.area,
            "meaning": self.meaning,
            "standards": list(self.standards),
            "value": self.value,
        }

    def paste(self) -> str:
        """The text for an agreement file; what it follows and a sample stand in comments."""
        said = [
            self.meaning,
            *(f"Follows {each}." for each in self.standards),
            "",
            f"Sample, which gives {self.value}:",
        ]
        said += [line for rows in self.sample.values() for line in rows.splitlines()]
        said.append(f"By hand: {self.worked}")
        return "".join(f"# {line}".rstrip() + "\n" for line in said) + self.text

    def agreement(self) -> Agreement:
        """A whole agreement around it: UTC, January 2026."""
        return Agreement.parse(_AGREEMENT + self.text + _CLAUSES)

    @property
    def title(self) -> str:
        """What people call it."""
        return self.agreement().kpis[0].title

    def measure(self) -> int | None:
        """The value of the sample, measured like any records."""
        from pyoutcome.evidence.recomputation import Recomputation

        with tempfile.TemporaryDirectory(prefix="pyoutcome-") as folder:
            files = {}
            for source, text in self.sample.items():
                files[source] = Path(folder) / f"{source}.csv"
                files[source].write_text(text, encoding="utf-8")
            [found] = Recomputation.read(self.agreement(), files).measured(1).values
            return found.value


@cache
def read_library() -> Mapping[str, LibraryKpi]:
    """All KPIs of the library by name, by area and then by name."""
    found = [
        _read(entry.name.removesuffix(".yaml"), entry.read_text(encoding="utf-8"))
        for entry in resources.files("pyoutcome.evidence").joinpath("library").iterdir()
        if entry.name.endswith(".yaml")
    ]
    order = list(AREAS)
    return {kpi.name: kpi for kpi in sorted(found, key=lambda kpi: (order.index(kpi.area), kpi.name))}


def find_kpi(name: str) -> LibraryKpi:
    """The KPI of that name. Raises EvidenceError ``kpi-unknown``."""
    library = read_library()
    if name not in library:
        raise EvidenceError(
            "kpi-unknown", f"The library has no KPI {name[:60]!r}.", did_you_mean(name, library), name=name
        )
    return library[name]


def list_kpis(area: str | None = None) -> tuple[LibraryKpi, ...]:
    """All KPIs, or those of one area. Raises EvidenceError ``kpi-area-unknown``."""
    if area is not None and area not in AREAS:
        raise EvidenceError(
            "kpi-area-unknown", f"The library has no area {area[:60]!r}.", did_you_mean(area, AREAS), area=area
        )
    return tuple(kpi for kpi in read_library().values() if area in (None, kpi.area))


def _read(name: str, text: str) -> LibraryKpi:
    plain = read_text(text, f"{name}.yaml").plain()
    # The library's own files; tests hold each to this shape.
    assert isinstance(plain, dict)  # noqa: S101
    parts = {part.partition(":")[0]: part for part in _TOP.split(text) if part}
    standards, sample = plain["standards"], plain["sample"]
    assert isinstance(standards, list)  # noqa: S101
    assert isinstance(sample, dict)  # noqa: S101
    return LibraryKpi(
        name=name,
        area=str(plain["area"]),
        meaning=str(plain["meaning"]),
        standards=tuple(str(each) for each in standards),
        text=parts["records"] + parts["kpis"],
        sample={source: str(rows) for source, rows in sample.items()},
        value=str(plain["value"]),
        worked=str(plain["worked"]),
    )
