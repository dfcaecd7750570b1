"""A small agreement and small files of records for it; two providers, three months in New York time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from eth_keys.datatypes import PrivateKey

from pyoutcome.terms.agreement import Agreement

HEADER = "id,carrier,delay,departed,at,local,done"

TEXT = """
agreement: small
parties:
  client: {{name: Client}}
  providers: {{UA: {{name: United}}, B6: {{name: JetBlue}}}}
  verifiers: {{V1: {{name: Verifier}}}}
  quorum: 1
  arbitrator: {{name: Arbitrator}}
term: {{zone: America/New_York, first: 2013-02-01, every: month, periods: 3}}
token: {{name: Dollar, symbol: USD, decimals: 6}}
records:
  flights:
    format: csv
    null_words: [NA]
    columns:
      id: {{type: decimal, digits: 6}}
      carrier: {{type: text}}
      delay: {{type: decimal, digits: 5}}
      departed: {{type: decimal, digits: 4}}
      at: {{type: instant}}
      local: {{type: wall}}
      done: {{type: boolean}}
    key: [id]
    duplicates: refuse
    late: counts
kpis:
  share:
    unit: share
    per: {per}
    better: higher
    decimals: 4
    range: [0, 1]
    if_missing: 0
    measure: {{kind: ratio, records: flights, {measure}}}
clauses:
  fee: {{kind: fixed_fee, {to}amount: 10}}
  bonus: {{kind: curve, {to}of: {of}, points: [[0, 0], [1, 10]]}}
escrow: {{evidence_within: 10 days, default_window: 3 days}}
"""


def head(agreement: str, providers: Iterable[str]) -> str:
    """How a file of an agreement begins: its name, its parties, called by their ids, and its money."""
    named = ", ".join(f"{each}: {{name: {each}}}" for each in providers)
    return f"""
agreement: {agreement}
parties:
  client: {{name: Client}}
  providers: {{{named}}}
  verifiers: {{V: {{name: V}}}}
  quorum: 1
  arbitrator: {{name: Judge}}
token: {{name: Dollar, symbol: USD, decimals: 6}}
"""


def flight_records(more: Mapping[str, str]) -> str:
    """The real flights of 2013 as records of an agreement; ``more``: columns beside those that all look at."""
    columns = {
        "year": "decimal, digits: 4",
        "month": "decimal, digits: 2",
        "day": "decimal, digits: 2",
        "carrier": "text",
        "flight": "decimal, digits: 5",
        "origin": "text",
        "arr_delay": "decimal, digits: 5",
        "time_hour": "instant",
        **more,
    }
    listed = "\n".join(f"      {name}: {{type: {type_}}}" for name, type_ in columns.items())
    return f"""
term: {{zone: America/New_York, first: 2013-01-01, every: month, periods: 12}}
records:
  flights:
    format: csv
    null_words: [NA]
    columns:
{listed}
    key: [year, month, day, carrier, flight, origin, time_hour]
    duplicates: refuse
    late: counts
"""


MEASURE = "anchor: at, provider: carrier, numerator: delay < 15"


def agree(measure: str = MEASURE, *, per: str = "provider", form: str = "csv") -> Agreement:
    """The agreement with one ratio, ``share``, measured as told; of everything and half up unless told otherwise."""
    provider = per == "provider"
    measure += "" if "denominator:" in measure else ", denominator: everything"
    measure += "" if "rounding:" in measure else ", rounding: half_up"
    text = TEXT.format(
        measure=measure,
        per=per,
        to="per: provider, " if provider else "to: UA, ",
        of="share",
    )
    return Agreement.parse(text.replace("format: csv", f"format: {form}"))


def write_records(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """A file of records; what a row leaves out is filled in, ``id`` counting from 1."""
    lines = [HEADER]
    for number, row in enumerate(rows, 1):
        full: dict[str, object] = {
            "id": number,
            "carrier": "UA",
            "delay": 0,
            "departed": 900,
            "at": "2013-02-10T12:00:00Z",
            "local": "2013-02-10T07:00:00",
            "done": "true",
            **row,
        }
        lines.append(",".join(_field(str(full[name])) for name in HEADER.split(",")))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def quote(text: str) -> str:
    """A text constant of SQL."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _field(text: str) -> str:
    return f'"{text}"' if "," in text or "\n" in text else text


class Key:
    """A signer with a throw-away key."""

    def __init__(self, number: int) -> None:
        self._key = PrivateKey(number.to_bytes(32))

    @property
    def address(self) -> str:
        return self._key.public_key.to_checksum_address()

    def sign(self, digest: bytes) -> bytes:
        raw = self._key.sign_msg_hash(digest).to_bytes()
        return raw[:64] + bytes([raw[64] + 27])


KEYS = {"UA": Key(1), "B6": Key(2), "EV": Key(3)}
ADDRESSES = {name: key.address for name, key in KEYS.items()}
