"""The records that a bundle looks at, and what each adds to: on every engine the same leaves, so the same root."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import rfc8785
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.counting import open_records
from pyoutcome.evidence.measures.columns import TEXT, ColumnType, Kind
from pyoutcome.evidence.measures.plan import CountIf, DistinctOf
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.proofs.leaves import Leaf, kpis_of, query_of, read_leaves
from pyoutcome.evidence.proofs.record_trees import build_trees
from pyoutcome.evidence.queries.building import Frame
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.terms.agreement import Agreement
from tests.engines import test_real_records as real
from tests.engines.conftest import ENGINES, loaded, plan_of
from tests.engines.random_measures import PROVIDERS, ROWS, Written, agree, passes, write
from tests.engines.test_real_records import flights  # noqa: F401 (a fixture)
from tests.evidence.reference import Told

SECRET = bytes(range(32))
EXAMPLES = 6 if "spark" in ENGINES else 60
"""Spark takes seconds for each, however few records it has."""
PHASES = [Phase.explicit, Phase.generate] if "spark" in ENGINES else list(Phase)


def leaves_of(agreement: Agreement, path: Path, engine: str, period: int, supplier: str) -> list[Leaf]:
    [plan] = plan_measures(agreement)
    with open_records(plan, path, engine=engine) as (opened, settled, _):
        frame = Frame(opened.dialect, agreement.periods, agreement.providers)
        query = query_of(frame, settled, agreement, period, supplier)
        assert query is not None
        return list(read_leaves(opened, settled, query, kpis_of(agreement, supplier)))


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(passes(1), ROWS, st.booleans(), st.tuples(st.integers(1, 3), st.sampled_from(PROVIDERS)))
def test_leaves_add_up_to_the_figures(
    engine_name: str,
    tmp_path: Path,
    drawn: list[tuple[Written, Told]],
    rows: list[dict[str, Any]],
    late: bool,
    place: tuple[int, str],
) -> None:
    """As many as were counted; other figures are missing where nothing adds to them. And one root on all engines."""
    agreement = agree([drawn[0][0]], "{column: got, within: 5 days}" if late else "counts")
    path = write(tmp_path / "log.csv", rows)
    [plan] = plan_measures(agreement)
    [measure] = plan.scans[0].measures
    period, supplier = place
    [name] = kpis_of(agreement, supplier).values()
    try:
        whole = Recomputation.read(agreement, {"log": path}, engine=engine_name)
        [figures] = [dict(held.figures) for held in whole.measured(period, [supplier]).values if held.name == name]
    except EvidenceError:  # of versions or states that nothing orders, and of values that may not be missing
        return
    leaves = leaves_of(agreement, path, engine_name, period, supplier)
    for figure, aggregate in measure.aggregates.items():
        adding = [leaf for leaf in leaves if figure in leaf.counted.get(name, ())]
        if isinstance(aggregate, CountIf):
            assert figures[figure] == len(adding)
        elif isinstance(aggregate, DistinctOf):
            assert figures[figure] == len({leaf.record[aggregate.column.name] for leaf in adding})
        else:
            assert (figures[figure] is None) == (not adding)
    if engine_name != "duckdb":
        assert leaves_of(agreement, path, "duckdb", period, supplier) == leaves


def test_an_answer_comes_in_pieces_in_its_order_and_through_the_gate(engine_name: str, tmp_path: Path) -> None:
    plan = plan_of({"id": ColumnType(Kind.DECIMAL, 4), "name": TEXT})
    data = "id,name\n" + "".join(f"{number * 37 % 50},n{number}\n" for number in range(50))
    with loaded(engine_name, tmp_path, plan, data.encode()) as engine:
        query = exp.select("c_id", "c_name").from_(plan.table).order_by("c_id")
        pieces = list(engine.pieces(query, 8))
        assert [8] * 6 + [2] == [len(piece) for piece in pieces]
        assert engine.rows(query) == [row for piece in pieces for row in piece]
        assert list(range(50)) == [int(str(number)) for piece in pieces for number, _ in piece]
        assert [] == list(engine.pieces(exp.select("c_id").from_(plan.table).where("c_id < 0")))
        with pytest.raises(EvidenceError, match="engine-query-refused"):
            engine.pieces(exp.select("a").from_("elsewhere"))
        assert [(50,)] == engine.integers(exp.select("count(*)").from_(plan.table))  # and goes on afterwards


def test_the_root_of_one_carriers_month_is_that_of_a_plain_loop(engine_name: str, flights: Path) -> None:  # noqa: F811
    """Real records: UA in March, by months of New York; hashed here by the standard, word for word."""
    own_kpis = real.FLIGHTS.partition("\n  on_time_9E")[0]
    agreement = real.agree(own_kpis, ["UA", "B6"])
    declared = {
        "year": int, "month": int, "day": int, "carrier": str, "flight": int, "origin": str, "arr_delay": int,
        "distance": int, "tailnum": str, "time_hour": str,
    }  # fmt: skip
    zone, leaves = ZoneInfo("America/New_York"), []
    for row in real.rows_of(flights):
        moment = datetime.fromisoformat(row["time_hour"])
        if row["carrier"] != "UA" or moment.astimezone(zone).month != 3:
            continue
        record = {name: None if row[name] == "NA" else str(read(row[name])) for name, read in declared.items()}
        record["time_hour"] = f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z"
        counted = {"on_time.UA": ["denominator"]}
        if record["arr_delay"] is None:
            counted |= {"late95.UA": ["lacking"], "delay_by_mile.UA": ["lacking"]}
        else:
            counted |= {"late95.UA": ["value"], "delay_by_mile.UA": ["numerator", "denominator"]}
            if int(record["arr_delay"]) < 15:
                counted["on_time.UA"] = ["numerator", "denominator"]
        if record["tailnum"] is not None:
            counted["planes.UA"] = ["numerator"]
        key = ["year", "month", "day", "carrier", "flight", "origin", "time_hour"]
        order = tuple(declared[name](record[name]) for name in key)
        salt = hmac.new(SECRET, rfc8785.dumps(["flights", *(record[name] for name in key)]), "sha256").digest()
        content = rfc8785.dumps({"record": record, "counted": counted})
        leaves.append((order, hashlib.sha256(b"\0" + salt + content).digest()))
    assert len(leaves) > 4000
    own = Recomputation.read(agreement, {"flights": flights}, engine=engine_name)
    [tree] = build_trees(own, {(3, "UA"): SECRET})[3, "UA"].trees
    assert (len(leaves), standard([leaf for _, leaf in sorted(leaves)])) == (tree.leaves, tree.root)


def standard(leaves: list[bytes]) -> bytes:
    """Merkle Tree Hash after RFC 9162, section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + standard(leaves[:split]) + standard(leaves[split:])).digest()
