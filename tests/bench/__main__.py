"""``scripts/bench``: the figures of payment language, evidence and load, ratios and times measured in one run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from tests.bench import keeping, load, paper
from tests.bench.figures import FLOORS, Figure, measure
from tests.bench.measuring import ROWS, compare


def main(arguments: list[str] | None = None) -> int:
    """Measure and show; 1 if a limit is broken."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--markdown", action="store_true", help="the tables of docs/benchmarks.md")
    parser.add_argument("--rows", type=int, default=ROWS, help="records to measure")
    parser.add_argument("--load", action="store_true", help="instead: many agreements settled, indexed and audited")
    parser.add_argument("--paper", action="store_true", help="instead: `document` and `compare` as whole commands")
    parser.add_argument("--agreements", type=int, default=load.AGREEMENTS, help="with --load: how many")
    chosen = parser.parse_args(arguments)
    ratios: dict[str, tuple[float, float]] = {}
    commands: dict[str, dict[str, float]] = {}
    if chosen.load:
        figures = measure_load(chosen.agreements, lambda text: print(text, file=sys.stderr))
    elif chosen.paper:
        figures, commands = paper.measure(lambda text: print(text, file=sys.stderr))
    else:
        figures, ratios = measure()
        figures += [Figure(name, value, "flights in Parquet") for name, value in compare(chosen.rows).items()]
    if chosen.json:
        print(json.dumps(as_object(figures, ratios) | ({"seconds": commands} if commands else {})))
    else:
        show(figures, ratios, markdown=chosen.markdown)
    if commands and not chosen.json:
        heads = ("seconds", *paper.FORMATS, *(f"compare {form}" for form in paper.COMPARED))
        print_table(heads, paper.rows(commands), markdown=chosen.markdown)
    return 0 if all(figure.holds for figure in figures) else 1


def measure_load(agreements: int, say: Callable[[str], None]) -> list[Figure]:
    """Many agreements on a chain, then keepers over a tenth of as many and over as many."""
    found = load.measure(agreements, say=say)
    where = f"{agreements} agreements of {load.PERIODS} periods"
    few = max(1, agreements // 10)
    kept = keeping.measure(few, agreements, say=say)
    return [
        *(Figure(name, value, where) for name, value in asdict(found).items()),
        *(Figure(name, value, f"keepers of {few} and of {agreements}") for name, value in asdict(kept).items()),
    ]


def as_object(figures: list[Figure], ratios: dict[str, tuple[float, float]]) -> dict[str, object]:
    """Everything, for machines."""
    found: dict[str, object] = {figure.name: round(figure.value, 3) for figure in figures}
    found |= {f"{each.name}_median": round(each.median, 3) for each in figures if each.median is not None}
    found["ratios"] = {name: {"scalar": round(a, 3), "vector": round(b, 3)} for name, (a, b) in ratios.items()}
    return found


def show(figures: list[Figure], ratios: dict[str, tuple[float, float]], *, markdown: bool) -> None:
    """Two tables, for people."""
    rows = [
        (
            each.name,
            f"{each.value:.3g}",
            "" if each.median is None else f"{each.median:.3g}",
            _limit(each),
            each.of,
        )
        for each in figures
    ]
    print_table(("figure", "worst", "median", "limit", "where"), rows, markdown=markdown)
    if not ratios:
        return
    compared = [(name, f"{scalar:.2f}", f"{vector:.2f}") for name, (scalar, vector) in ratios.items()]
    print_table(("agreement", "one period", "many scenarios"), compared, markdown=markdown)


def _limit(figure: Figure) -> str:
    least = FLOORS.get(figure.name)
    if least is not None:
        return f"at least {least:g}"
    return "" if figure.limit is None else f"{figure.limit:g}"


def print_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, markdown: bool) -> None:
    """One table."""
    if markdown:
        print("\n".join(f"| {' | '.join(row)} |" for row in (heads, tuple("---" for _ in heads), *rows)), end="\n\n")
        return
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
