"""How steadily records come and how they change: what each engine finds is what plain Python finds, sorting them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.terms.agreement import Agreement
from tests.engines.conftest import ENGINES
from tests.evidence.deal import head

EXAMPLES = 3 if "spark" in ENGINES else 40
TEXT = (
    head("steady", ("A",))
    + """
term: {zone: Europe/Berlin, first: 2024-02-01, every: month, periods: 4}
records:
  log:
    format: csv
    columns:
      id: {type: decimal, digits: 6}
      at: {type: instant}
      local: {type: wall}
      state: {type: text}
      size: {type: decimal, digits: 6}
    key: [id]
    duplicates: refuse
    late: counts
    quality: {order: ANCHOR, GAP}
kpis:
  x: {unit: share, decimals: 4, range: [0, 1], if_missing: 0, better: higher, measure: {kind: ratio, records: log,
    anchor: ANCHOR, where: "state in ('up', 'off')", numerator: state <> 'down' and size > 3,
    denominator: everything, rounding: half_up}}
clauses:
  fee: {kind: formula, to: each, is: 1}
"""
)
ZONE = ZoneInfo("Europe/Berlin")
STARTS = [datetime(2024, month, 1, tzinfo=ZONE).astimezone(UTC) for month in (2, 3, 4, 5, 6)]
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
WORDS = ("up", "down", "off")
RARE = ("Up", "é'", "up ", "gone")
Row = tuple[datetime, str | None, int | None]


def make_rows(seed: int, per_period: int) -> list[Row]:
    """Records with holes, words that come late, and a value that goes missing."""
    dice = random.Random(seed)
    rows: list[Row] = []
    for start, end in pairwise(STARTS):
        count = dice.choice([0, per_period, per_period, per_period * 2])
        times = [start + (end - start) * dice.random() for _ in range(count)]
        if dice.random() < 0.5:
            middle = start + (end - start) * dice.random()
            width = dice.choice([DAY, 5 * DAY, 12 * DAY])
            times = [time for time in times if abs(time - middle) > width]
        if dice.random() < 0.3:
            times += [start, end - TICK, start + DAY]
        lacking = dice.choice([0, 0.02, 0.1, 0.5])
        words = [*dice.sample(WORDS, dice.choice([2, 3, 3])), *dice.sample(RARE, dice.choice([0, 0, 1, 2]))]
        rows += [
            (
                time.replace(microsecond=0),
                dice.choice(words) if dice.random() > lacking else None,
                dice.randint(0, 9) if dice.random() > lacking else None,
            )
            for time in times
        ]
    rows += [(STARTS[0] - DAY, "early", None), (STARTS[-1], "later", 1)]
    rows.sort(key=lambda row: row[0])
    for _ in range(dice.choice([0, 0, 3])):
        place = dice.randrange(len(rows))
        rows.insert(dice.randrange(len(rows)), rows.pop(place))
    return rows


def write(folder: Path, rows: list[Row]) -> list[Path]:
    """The records in two files, named the other way round."""
    half = len(rows) // 2
    paths = []
    for name, part, first in (("b.csv", rows[:half], 0), ("a.csv", rows[half:], half)):
        lines = ["id,at,local,state,size"]
        for number, (time, state, size) in enumerate(part, first):
            local = time.astimezone(ZONE).replace(tzinfo=None).isoformat()
            word = "" if state is None else f'"{state}"'
            lines.append(f"{number},{time.isoformat()},{local},{word},{'' if size is None else size}")
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(folder / name)
    return paths


def clock(time: datetime, anchor: str) -> datetime:
    """A time as the anchor's column has it."""
    return time if anchor == "at" else time.astimezone(ZONE).replace(tzinfo=UTC)


def median(values: list[Fraction]) -> Fraction:
    ordered = sorted(values)
    return (ordered[len(ordered) // 2] + ordered[(len(ordered) - 1) // 2]) / 2


def expected(rows: list[Row], anchor: str, gap: timedelta | None) -> set[tuple[int, str, int, str]]:
    """Period, code, count and what the text must say; of the whole term period 0."""
    starts = [clock(each, anchor) for each in STARTS]
    timed = [(clock(time, anchor), state, size) for time, state, size in rows]
    half = len(rows) // 2
    disorder = sum(
        later < before for part in (timed[:half], timed[half:]) for (before, *_), (later, *_) in pairwise(part)
    )
    found = {(0, "records-out-of-order", disorder, anchor)} if disorder else set()
    periods = [[row for row in timed if start <= row[0] < end] for start, end in pairwise(starts)]
    stretch = gap or min(end - start for start, end in pairwise(starts)) // 500
    between: list[list[timedelta]] = []
    for number, held in enumerate(periods):
        times = [starts[number], *sorted(row[0] for row in held), starts[number + 1]]
        between.append([later - before for before, later in pairwise(times)])
        usual = number > 0 and median([Fraction(len(each)) for each in periods[:number]]) >= 10
        limit = gap or 2 * max([stretch, *(each for before in between[:-1] for each in before)])
        long = [each for each in between[-1] if each > limit]
        if held and long and (usual or gap):
            found.add((number + 1, "records-gap", len(long), anchor))
        before = [each for each in periods[:number] if len(each) >= 10]
        for place, column in ((1, "state"), (2, "size")):
            if before and len(held) >= 10:
                shares = [Fraction(sum(row[place] is None for row in each), len(each)) for each in before]
                lacking = sum(row[place] is None for row in held)
                now = Fraction(lacking, len(held))
                if now > 2 * median(shares) and now - median(shares) >= Fraction(1, 20):
                    found.add((number + 1, "missing-unusual", lacking, column))
        worded = [[row[1] for row in each if row[1] is not None] for each in periods]
        if number and median([Fraction(len(each)) for each in worded[:number]]) >= 10:
            old = {word for each in worded[:number] for word in each} | set(WORDS)
            for word in set(worded[number]) - old:
                shown = word if word.isascii() and "'" not in word else ascii(word)
                found.add((number + 1, "word-unseen", worded[number].count(word), f"state is {shown} in"))
    return found


@pytest.mark.parametrize("anchor", ["at", "local"])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), count=st.sampled_from([4, 12, 30]), hours=st.sampled_from([None, 30, 200]))
def test_every_engine_finds_what_plain_python_finds(
    engine_name: str, anchor: str, tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, hours: int | None
) -> None:
    rows = make_rows(seed, count)
    gap = "" if hours is None else f"gap: {hours} hours"
    agreement = Agreement.parse(TEXT.replace("ANCHOR", anchor).replace("GAP", gap))
    paths = write(tmp_path_factory.mktemp("log"), rows)
    own = Recomputation.read(agreement, {"log": paths}, engine=engine_name)
    codes = {"records-gap", "records-out-of-order", "missing-unusual", "word-unseen"}
    wanted = expected(rows, anchor, None if hours is None else timedelta(hours=hours))
    told = [
        (period, each)
        for period in range(5)
        for each in (own.findings if period == 0 else own.measured(period).findings)
        if each.code in codes and (period == 0) == (each in own.findings)
    ]
    assert sorted((period, code, number) for period, code, number, _ in wanted) == sorted(
        (period, each.code, each.count) for period, each in told
    )
    for period, code, number, says in wanted:
        assert any((period, code, number) == (at, each.code, each.count) and says in each.text for at, each in told)
