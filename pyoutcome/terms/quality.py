"""What the parties expect of records: how steadily they come, and what becomes of what measuring finds in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from pyoutcome.terms.part import Part
from pyoutcome.terms.scalars import Duration, Slug, Word
from pyoutcome.terms.spelling import Json

FINDINGS: Final[Mapping[str, str]] = {
    "answers-with-warnings": "answers that came with a warning and may not be complete",
    "count-unusual": "far more or fewer things than in the periods before",
    "missing-unusual": "far more missing values than in the periods before",
    "nothing-to-count": "a value for which nothing counts",
    "received-before-anchor": "records received before they happened",
    "records-absent": "a period without any record",
    "records-collapsed": "copies that count once",
    "records-columns-differ": "files with different columns",
    "records-gap": "a time without records that is too long",
    "records-late": "records received too late",
    "records-of-others": "records of no provider of this agreement",
    "records-out-of-order": "records whose time is before that of the record before them in the file",
    "records-outside-term": "records outside the term",
    "records-without-anchor": "records without the time that puts them into a period",
    "records-without-item": "records that lack what tells or orders items",
    "samples-lacking": "samples that are lacking",
    "samples-not-numbers": "samples that are no numbers",
    "stamps-truncated": "times finer than microseconds",
    "value-clamped": "a value outside its range that counts as the nearer end",
    "value-dropped": "a value outside its range that counts as missing",
    "value-near-threshold": "a value next to one at which a payment turns",
    "values-skipped": "things that a measure leaves out because they lack its number",
    "word-unseen": "a word that no earlier period has and no condition names",
}
"""What measuring can find and bring to people's notice, by its code, in words."""

Severity = Literal["fatal", "warning", "accepted"]
"""``fatal``: nothing is measured until it is put right; ``warning``: people are told; ``accepted``: so are they, and it
is agreed that it changes nothing."""


class Quality(Part):
    """What is expected of the records of one source."""

    SHAPE: ClassVar[Json] = {"minProperties": 1}

    gap: Annotated[Duration, Field(ge=1)] | None = None
    """The longest time within a period without a record's anchor; a longer one is a finding. Without it one is that is
    more than twice as long as the longest of all earlier periods."""
    order: Word | None = None
    """A column of times: a record of a file whose time is before that of the record before it is a finding."""
    findings: Annotated[dict[Slug, Severity], Field(default_factory=dict)]
    """What becomes of a finding on these records, or on a value counted from them, by its code."""
