"""The agreement as canonical bytes (RFC 8785) and their digest: what the parties sign.

Comments, the order of keys where it means nothing, and the spelling of numbers (10% or 0.10) leave the bytes alone. The
UTC instants of the periods are part of them, so that a party whose time zone data differ gets another digest. Rendered
text, addresses and the version of the time zone data are not.
"""

from __future__ import annotations

from typing import Any, Final

import rfc8785

from pyoutcome.hashing import keccak
from pyoutcome.terms.calendar import Period, read_moment
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import show_value

LISTED: Final = (("parties", "providers"), ("parties", "verifiers"), ("kpis",), ("clauses",))
"""Maps of the file that are lists here, each entry with its ``id``, because their order is the program's."""
FORMAT: Final = "pyoutcome agreement 1"
"""Names this canonical form and the meaning of everything in it; changes when either does."""


def write_canonical(file: AgreementFile, periods: tuple[Period, ...]) -> bytes:
    """The canonical JSON. Every number is a text; every default is written out; maps whose order counts are lists."""
    data: dict[str, Any] = file.model_dump(mode="json", by_alias=True, exclude_none=True)
    for name, kpi in file.kpis.items():
        if kpi.stands_in:  # 'refuse' and 'last' are rules of their own, whatever a period without evidence settles with
            data["kpis"][name]["if_missing"] = show_value(kpi.shape(name, None), kpi.value_of_missing(name))
    for *way, section in LISTED:
        place = data
        for name in way:
            place = place[name]
        place[section] = [{"id": key, **value} for key, value in place[section].items()]
    for source in data["records"].values():
        source["null_words"] = sorted(source["null_words"])
    for name, windows in (file.windows or {}).items():
        for window, place in zip(windows, data["windows"][name], strict=True):
            place["starts"] = str(read_moment(window.from_, file.term.zone))
            place["ends"] = str(read_moment(window.to, file.term.zone))
    data["format"] = FORMAT
    data["starts"] = str(periods[0].start)
    data["ends"] = [str(period.end) for period in periods]
    return rfc8785.dumps(data)


def digest_of(canonical: bytes) -> bytes:
    """keccak256 of the canonical bytes."""
    return keccak(canonical)
