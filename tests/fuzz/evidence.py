"""Every byte of a small bundle and of small files of records, changed to every other value: none may be accepted."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from tests.evidence.deal import ADDRESSES
from tests.evidence.tampering import FORMATS, changes, digest_of, judge_bundle, judge_records, sign_bundles, write_small

THINGS: Final = ("bundle", *FORMATS)
VALUES: Final = {"bundle": 255, "csv": 255, "json": 255, "parquet": 16}
"""Other values tried for each byte; an engine must start for each Parquet file, forty times as long as for text."""
_PIECE: Final = 16
"""Places that a process tries at once."""


def search_evidence(things: list[str], values: int | None) -> int:
    """A table of what became of the changed bytes; 1 if any was not noticed."""
    accepted = 0
    workers = min(2, os.cpu_count() or 1)
    print(f"{'':10}{'bytes':>7}{'values':>8}{'changes':>10}{'accepted':>10}  refused as")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(workers) as pool:
        for thing in things:
            form = "csv" if thing == "bundle" else thing
            path = write_small(Path(folder), form)
            data = sign_bundles(form, path)[0].to_json() if thing == "bundle" else path.read_bytes()
            each = values or VALUES[thing]
            tasks = [(thing, data, start, each) for start in range(0, len(data), _PIECE)]
            found: Counter[str] = Counter()
            for done, part in enumerate(pool.map(judge, tasks), 1):
                found += part
                print(f"\r{thing}: {done * 100 // len(tasks)} %", end="", file=sys.stderr, flush=True)
            print("\r", end="", file=sys.stderr)
            accepted += found["accepted"]
            told = ", ".join(f"{code} {count:,}" for code, count in found.most_common() if code != "accepted")
            line = f"{thing:10}{len(data):7}{each:8}{found.total():10,}{found['accepted']:10,}  {told}"
            print(line, flush=True)
    return 1 if accepted else 0


def judge(task: tuple[str, bytes, int, int]) -> Counter[str]:
    """What becomes of the changes at some places."""
    thing, data, start, values = task
    found: Counter[str] = Counter()
    original = b"" if thing == "bundle" else digest_of(data, thing)
    for place in range(start, min(start + _PIECE, len(data))):
        for changed in changes(data, place, values):
            if thing == "bundle":
                found[judge_bundle(changed, ADDRESSES["UA"])] += 1
            else:
                found[judge_records(changed, thing, original)] += 1
    return found
