"""The values an agreement file may hold, each read exactly from its text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, InstanceOf, PlainSerializer

from pyoutcome.decimals import ONE, Rounding, parse, show
from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.syntax import Node
from pyoutcome.formula.tokens import RESERVED
from pyoutcome.terms import spelling
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.tables import read_formula

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SLUG: Final = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_DURATION: Final = re.compile(r"([0-9]{1,7}) (second|minute|hour|day|week)s?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
LONGEST_NAME: Final = 40
LONGEST_TEXT: Final = 1000


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise AgreementError(
            "wrong-shape",
            f"This is a {'map' if isinstance(value, dict) else 'list'}, but one text belongs here.",
            "Compare the place with the same key in an example.",
        )
    if not value.strip():
        raise AgreementError("empty-value", "The value is empty.", "Write a value, or delete the key.")
    return value


@refusing
def _line(value: object) -> str:
    text = " ".join(_text(value).split())
    if len(text) > LONGEST_TEXT:
        raise AgreementError(
            "text-too-long", f"The text has {len(text)} characters.", f"Use at most {LONGEST_TEXT} characters."
        )
    return text


@refusing
def _exact(value: object) -> str:
    text = _text(value).strip()
    if len(text) > LONGEST_TEXT * 5:
        raise AgreementError(
            "text-too-long", f"The text has {len(text)} characters.", f"Use at most {LONGEST_TEXT * 5} characters."
        )
    return text


@refusing
def _word(value: object) -> str:
    text = _text(value)
    if not _WORD.fullmatch(text) or len(text) > LONGEST_NAME:
        raise AgreementError(
            "bad-name",
            f"{text[:60]!r} is not a name.",
            f"Use a letter followed by letters, digits and underscores, at most {LONGEST_NAME} in all.",
        )
    return text


@refusing
def _name(value: object) -> str:
    text = _word(value)
    if text in RESERVED:
        raise AgreementError(
            "reserved-word", f"{text!r} is a word of the payment language.", "Choose another name for this."
        )
    return text


@refusing
def _slug(value: object) -> str:
    text = _text(value)
    if not _SLUG.fullmatch(text) or len(text) > LONGEST_NAME * 2:
        raise AgreementError(
            "bad-name",
            f"{text[:60]!r} is not an agreement name.",
            "Use small letters and digits, with single hyphens between, such as punctual-arrivals.",
        )
    return text


@refusing
def _number(value: object) -> int:
    return value if type(value) is int else parse(_text(value))


@refusing
def _share(value: object) -> int:
    number = _number(value)
    if not 0 <= number <= ONE:
        raise AgreementError(
            "out-of-limits", f"{show(number)} is not a share.", "Write a share from 0% to 100%, such as 5% or 0.05."
        )
    return number


@refusing
def _whole(value: object) -> int:
    text = _text(value)
    if not _WHOLE.fullmatch(text):
        raise AgreementError("not-a-whole-number", f"{text[:60]!r} is not a whole number.", "Write digits only.")
    return int(text)


@refusing
def _duration(value: object) -> int:
    text = _text(value)
    found = _DURATION.fullmatch(text)
    if found is None:
        raise AgreementError(
            "not-a-duration",
            f"{text[:60]!r} is not a length of time.",
            "Write a whole number and its unit: seconds, minutes, hours, days or weeks, such as '10 days'.",
        )
    seconds = int(found[1]) * SECONDS[found[2]]
    if seconds >= 2**32:
        raise AgreementError("out-of-limits", f"{text} is too long.", "The longest possible time is 49710 days.")
    return seconds


@refusing
def _day(value: object) -> date | datetime:
    text = _text(value)
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass  # right shape, but no such day: the same refusal as for a wrong shape
    raise AgreementError(
        "not-a-date",
        f"{text[:60]!r} is not a date.",
        "Write year-month-day, such as 2013-01-31, or an exact UTC time, such as 2013-02-01T05:00:00Z.",
    )


@refusing
def _moment(value: object) -> date | datetime:
    text = _text(value)
    if not _CLOCK.fullmatch(text):
        return _day(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _day(text)


@refusing
def _percent(value: object) -> int:
    if isinstance(value, str) and value.endswith("%"):
        raise AgreementError("out-of-limits", f"{value[:60]} is a share.", "Write the number alone, such as 95.")
    number = _number(value)
    if not 0 < number <= 100 * ONE or number % 10**12:
        raise AgreementError(
            "out-of-limits",
            f"{show(number)} is no percentile.",
            "Write a number above 0 and up to 100, such as 95, with at most 6 decimals.",
        )
    return number


@refusing
def _positive(value: object) -> int:
    number = _number(value)
    if number <= 0:
        raise AgreementError("out-of-limits", f"{show(number)} is not above 0.", "Write a number above 0.")
    return number


@refusing
def _missing(value: object) -> str | int:
    return value if value in ("skip", "refuse") and isinstance(value, str) else _number(value)


@refusing
def _yes_no(value: object) -> bool:
    text = _text(value)
    if text not in ("yes", "no"):
        raise AgreementError("unknown-word", f"{text[:60]!r} is not possible here.", "Write yes or no.")
    return text == "yes"


@refusing
def _rounding(value: object) -> Rounding:
    text = _text(value)
    if text not in list(Rounding):
        raise AgreementError(
            "unknown-word", f"{text[:60]!r} is not a rounding mode.", did_you_mean(text, list(Rounding))
        )
    return Rounding(text)


def show_day(value: date | datetime) -> str:
    """A date, an exact time in UTC, or a time by local clocks, as ISO 8601 text."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if getattr(value, "tzinfo", None) else value.isoformat()


def show_duration(seconds: int) -> str:
    """A length of time in the largest unit that fits it."""
    unit = next(name for name, size in sorted(SECONDS.items(), key=lambda item: -item[1]) if seconds % size == 0)
    if unit == "week":
        unit = "day"
    count = seconds // SECONDS[unit]
    return f"{count} {unit}" + ("" if count == 1 else "s")


Line = Annotated[str, BeforeValidator(_line), spelling.LINE]
"""Words for people; runs of white space count as one space."""
Exact = Annotated[str, BeforeValidator(_exact), spelling.EXACT]
"""A condition on records or a word in them; white space inside it means something and stays."""
Word = Annotated[str, BeforeValidator(_word), spelling.WORD]
"""A letter, then letters, digits and underscores."""
Name = Annotated[str, BeforeValidator(_name), spelling.NAME]
"""A word that formulas may use: not one of the language's own."""
Slug = Annotated[str, BeforeValidator(_slug), spelling.SLUG]
"""Small letters and digits with hyphens."""
Number = Annotated[int, BeforeValidator(_number), PlainSerializer(show, return_type=str), spelling.NUMBER]
"""An exact decimal, scaled by 10**18."""
Share = Annotated[int, BeforeValidator(_share), PlainSerializer(show, return_type=str), spelling.SHARE]
"""An exact decimal from 0 to 1, scaled by 10**18."""
Whole = Annotated[int, BeforeValidator(_whole), PlainSerializer(str, return_type=str), spelling.WHOLE]
"""A whole number, not scaled."""
Duration = Annotated[int, BeforeValidator(_duration), PlainSerializer(str, return_type=str), spelling.DURATION]
"""A length of time in seconds, below 2**32."""
Day = Annotated[date | datetime, BeforeValidator(_day), PlainSerializer(show_day, return_type=str), spelling.DAY]
"""A calendar date (in the agreement's zone) or an exact time in UTC."""
Moment = Annotated[
    date | datetime, BeforeValidator(_moment), PlainSerializer(show_day, return_type=str), spelling.MOMENT
]
"""A calendar date (its start in the agreement's zone), a time by the clocks of that zone, or an exact time in UTC."""
Percent = Annotated[int, BeforeValidator(_percent), PlainSerializer(show, return_type=str), spelling.PERCENT]
"""A number above 0 and up to 100 with at most 6 decimals, scaled by 10**18."""
Positive = Annotated[int, BeforeValidator(_positive), PlainSerializer(show, return_type=str), spelling.POSITIVE]
"""An exact decimal above 0, scaled by 10**18."""
Missing = Annotated[
    int | str,
    BeforeValidator(_missing),
    PlainSerializer(lambda value: show(value) if isinstance(value, int) else value, return_type=str),
    spelling.MISSING,
]
"""``skip``, ``refuse``, or the exact decimal that stands in, scaled by 10**18."""
YesNo = Annotated[
    bool, BeforeValidator(_yes_no), PlainSerializer(lambda value: "yes" if value else "no"), spelling.YES_NO
]
Expression = Annotated[
    InstanceOf[Node],
    BeforeValidator(refusing(read_formula)),
    PlainSerializer(to_text, return_type=str),
    spelling.EXPRESSION,
]
"""A formula of the payment language, as text or as a table."""
Mode = Annotated[Rounding, BeforeValidator(_rounding)]
"""How a number is rounded."""
