"""Evidence on a console: KPIs, bundles, records and what was found in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from pyoutcome.cli import show

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.evidence.bundles.bundle import Bundle
    from pyoutcome.evidence.findings import Finding
    from pyoutcome.evidence.kpi_library import LibraryKpi
    from pyoutcome.terms.agreement import Agreement


def library(console: Console, kpis: Sequence[LibraryKpi]) -> None:
    """The KPI library: one line each, by area."""
    made = show.table("Ready KPIs", "area", "name", "meaning", "follows")
    for kpi in kpis:
        made.add_row(kpi.area, kpi.name, escape(kpi.meaning), escape("; ".join(kpi.standards)))
    console.print(made)
    console.print("Show one ready to paste: pyoutcome kpis NAME", soft_wrap=True)


def bundles(console: Console, agreement: Agreement, party: str, made: Sequence[Bundle]) -> None:
    """Measured values, a row per period."""
    own = [kpi for kpi in agreement.kpis if kpi.provider in (None, party)]
    names = [kpi.title for kpi in own]
    found = show.table(f"Evidence of {party}, signed", "period", *names, "counts", "digest", right=("period", *names))
    for bundle in made:
        values = {value.name: value for value in bundle.values}
        shown = [_shown(kpi.show, values[kpi.name].value) for kpi in own]
        counts = ", ".join(
            str(value.numerator) if value.denominator is None else f"{value.numerator}/{value.denominator}"
            for value in bundle.values
        )
        found.add_row(str(bundle.period), *shown, counts, "0x" + bundle.digest().hex()[:12] + "...")
    console.print(found)
    _findings(console, [finding for bundle in made for finding in bundle.findings])


def roots(held: Bundle) -> dict[str, str]:
    """The root over the records of each source; none if single records of it cannot be proven."""
    return {} if held.trees is None else {tree.source: "0x" + tree.root.hex() for tree in held.trees.trees}


def bundle(console: Console, held: Bundle, signer: str) -> None:
    """One bundle as its file has it."""
    whose = f"Evidence of {held.supplier} for period {held.period}"
    pairs = {"agreement": "0x" + held.agreement_digest.hex(), "digest": "0x" + held.digest().hex(), "signed by": signer}
    pairs |= {f"root of {source}": root for source, root in roots(held).items()}
    show.facts(console, whose, pairs)
    values = show.table("Values", "KPI", "value", "measured as", "made of", right=("value", "measured as"))
    for value in held.values:
        made = ", ".join(f"{name} {'missing' if figure is None else figure}" for name, figure in value.figures)
        values.add_row(value.name, show.exact(value.value) or "missing", show.exact(value.raw) or "missing", made)
    console.print(values)
    sources = show.table("Records", "source", "file", "records", "bytes", "SHA-256", right=("records", "bytes"))
    for source in held.sources:
        for file in source.files or (source,):
            sources.add_row(
                source.name, escape(ascii(file.name)[1:-1]), str(file.rows), str(file.bytes), file.sha256.hex()
            )
    console.print(sources)
    _findings(console, held.findings)


def _findings(console: Console, found: Sequence[Finding]) -> None:
    for each in dict.fromkeys(found):
        rule = "" if each.rule is None else f" ({each.rule})"
        console.print(escape(f"{each.severity}: {each.text}{rule}"))


def _shown(show: object, value: int | None) -> str:
    return "missing" if value is None or not callable(show) else str(show(value))
