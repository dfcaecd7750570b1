"""What is changed in evidence, and what becomes of it: small files of each format, and a small bundle.

``tests/evidence/test_tampering.py`` tries some values at every place, ``scripts/fuzz evidence`` all 255.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle, make_bundle
from pyoutcome.evidence.bundles.manifest import parse_bundle
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.sources.records import stage_records
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import HEADER, KEYS, agree, write_records

FORMATS: Final = ("csv", "json", "parquet")
_TYPES: Final = {
    "id": "INTEGER", "carrier": "VARCHAR", "delay": "INTEGER", "departed": "INTEGER", "at": "TIMESTAMPTZ",
    "local": "TIMESTAMP", "done": "BOOLEAN",
}  # fmt: skip


@cache
def agree_on(form: str) -> Agreement:
    """The small agreement over records of a format."""
    return agree(form=form)


def write_small(folder: Path, form: str) -> Path:
    """One record of each provider."""
    path = write_records(folder / "in.csv", [{"delay": 9}, {"delay": 60, "carrier": "B6"}])
    target = path.with_suffix(f".{form}")
    if form == "json":
        lines = [line.split(",") for line in path.read_text().splitlines()[1:]]
        rows = [dict(zip(HEADER.split(","), fields, strict=True)) for fields in lines]
        whole = [
            row | {"id": int(row["id"]), "delay": int(row["delay"]), "departed": 900, "done": True} for row in rows
        ]
        target.write_text("\n".join(json.dumps(row, separators=(",", ":")) for row in whole) + "\n")
    elif form == "parquet":
        import duckdb

        columns = ", ".join(f'CAST("{name}" AS {type_}) AS "{name}"' for name, type_ in _TYPES.items())
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"COPY (SELECT {columns} FROM read_csv('{path}', all_varchar = true)) TO '{target}' (FORMAT parquet)"
            )
    return target


def sign_bundles(form: str, path: Path) -> list[Bundle]:
    """Each provider's bundle of period 1."""
    agreement = agree_on(form)
    january = Recomputation.read(agreement, {"flights": path}).measured(1)
    return [make_bundle(agreement, january, provider, KEYS[provider], bytes(32)) for provider in agreement.providers]


def changes(data: bytes, place: int, values: int = 255) -> Iterator[bytes]:
    """The data with another byte at a place; fewer than all 255 are spread over them, differently at each place."""
    for number in range(values):
        step = 1 + (number * 255 // values + place * 97) % 255
        yield data[:place] + bytes([data[place] ^ step]) + data[place + 1 :]


def judge_bundle(data: bytes, expected: str) -> str:
    """What a verifier makes of a bundle that ``expected`` should have signed: the error's code, or ``accepted``."""
    try:
        found = parse_bundle(data).signed_by()
    except EvidenceError as error:
        return error.code
    return "accepted" if found == expected else "bundle-wrong-signer"


def judge_records(data: bytes, form: str, original: bytes) -> str:
    """What reading makes of records: the error's code, ``other-digest``, or ``accepted`` if they pass as those with
    the digest ``original``."""
    try:
        found = digest_of(data, form)
    except EvidenceError as error:
        return error.code
    return "accepted" if found == original else "other-digest"


def digest_of(data: bytes, form: str) -> bytes:
    """The digest of a file of records, read as evidence is. Raises EvidenceError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"in.{form}"
        path.write_bytes(data)
        target = Path(folder) / "copy"
        target.mkdir()
        return stage_records("flights", path, target, agree_on(form).records["flights"]).digest.sha256
