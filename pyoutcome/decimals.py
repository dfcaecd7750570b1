"""Exact numbers: text and Decimal to and from signed integers with 18 decimals, never through a float.

Every value inside a formula is an integer ``n`` that stands for ``n / 10**18`` and fits an EVM ``int256``.
Each operation that can lose something names its direction: ``trunc`` is toward zero.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Final

from pyoutcome.errors import NumberError

DECIMALS: Final = 18
"""Decimals of every value inside a formula."""
ONE: Final = 10**DECIMALS
"""The number 1, scaled."""
INT256_MAX: Final = 2**255 - 1
INT256_MIN: Final = -(2**255)

_NUMBER = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]+(?:_[0-9]+)*)(?:\.(?P<part>[0-9]+))?(?P<percent>%?)")
_LONGEST = 120
"""Characters a number's text may have: far above any int256, far below what would cost time."""


class Rounding(StrEnum):
    """How ``round`` chooses between two multiples of its step."""

    DOWN = "down"
    """Toward zero."""
    UP = "up"
    """Away from zero."""
    HALF_UP = "half_up"
    """To the nearest, ties away from zero."""
    HALF_EVEN = "half_even"
    """To the nearest, ties to the even multiple."""
    FLOOR = "floor"
    """Toward minus infinity."""
    CEIL = "ceil"
    """Toward plus infinity."""


def parse(text: str) -> int:
    """The scaled integer a decimal text means: ``"99.95"``, ``"1_000"``, ``"-5"``, ``"10%"`` (0.10).

    Raises NumberError: ``not-a-number`` (also for ``.nan``, ``inf`` and exponents), ``too-many-decimals`` (more than 18
    after the percent sign is applied, even if they are zeros), ``number-too-large`` (outside int256).
    """
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        shown = text if len(text) <= 40 else text[:40] + "..."
        raise NumberError(
            "not-a-number",
            f"{shown!r} is not a plain decimal number.",
            "Write digits with an optional decimal point and percent sign, such as 1_250.50 or 12.5%; no exponents.",
            text=shown,
        )
    part = found["part"] or ""
    decimals = len(part) + (2 if found["percent"] else 0)
    if decimals > DECIMALS:
        raise NumberError(
            "too-many-decimals",
            f"{text} has {decimals} decimals; exact numbers here have at most {DECIMALS}.",
            f"Round it to {DECIMALS} decimals in the agreement, so that everybody rounds it alike.",
            text=text,
        )
    digits = int(found["whole"].replace("_", "") + part)
    scaled = digits * 10 ** (DECIMALS - decimals)
    return fit(-scaled if found["sign"] else scaled)


def from_decimal(value: Decimal) -> int:
    """The scaled integer of a Decimal; refuses what ``parse`` refuses."""
    if not value.is_finite():
        raise NumberError(
            "not-a-number", f"{value} is not a finite number.", "Give a finite decimal number.", text=str(value)
        )
    if abs(value.adjusted()) > _LONGEST:
        raise NumberError(
            "number-too-large",
            "The number has too many digits for an exact 256-bit value.",
            "Use a larger unit, so that the number becomes smaller.",
        )
    return parse(format(value, "f"))


def to_decimal(scaled: int) -> Decimal:
    """The exact Decimal behind a scaled integer, without trailing zeros."""
    return Decimal(show(scaled))


def show(scaled: int, decimals: int = 0) -> str:
    """Exact text of a scaled integer: no exponent, no trailing zeros beyond ``decimals``."""
    return show_units(scaled, DECIMALS, decimals)


def show_units(units: int, unit_decimals: int, decimals: int = 0) -> str:
    """Exact text of a whole number of token base units whose token has ``unit_decimals`` decimals."""
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), 10**unit_decimals)
    digits = f"{part:0{unit_decimals}d}".rstrip("0") if unit_decimals else ""
    digits = digits.ljust(decimals, "0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def show_money(units: int, unit_decimals: int) -> str:
    """Token base units as people read them: thousands separators, at least two decimals if the token has them."""
    return group_digits(show_units(units, unit_decimals, min(2, unit_decimals)))


def show_grouped(scaled: int, decimals: int = 0, *, percent: bool = False) -> str:
    """Exact text of a scaled integer for people, with thousands separators and, if asked for, as percent.

    No trailing zeros beyond ``decimals``, which count the places of the number itself: 0.05 with 4 is ``5.00%``.
    """
    if percent:
        return f"{group_digits(show(scaled * 100, max(0, decimals - 2)))}%"
    return group_digits(show(scaled, decimals))


def group_digits(text: str) -> str:
    """A plain decimal text with thousands separators: ``-1234.5`` becomes ``-1,234.5``."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, part = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{part}"


def fit(value: int) -> int:
    """The value itself if it fits int256; NumberError ``number-too-large`` otherwise."""
    if not INT256_MIN <= value <= INT256_MAX:
        raise NumberError(
            "number-too-large",
            "The number does not fit a signed 256-bit value.",
            "Use a larger unit, so that the number becomes smaller.",
        )
    return value


def divide_trunc(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` toward zero, on plain integers. The denominator must not be zero."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def round_to(value: int, step: int, mode: Rounding) -> int:
    """The multiple of ``step`` (> 0) that ``mode`` chooses for ``value``; both scaled alike."""
    below, rest = divmod(value, step)
    if rest == 0:
        return value
    match mode:
        case Rounding.FLOOR:
            up = False
        case Rounding.CEIL:
            up = True
        case Rounding.DOWN:
            up = value < 0
        case Rounding.UP:
            up = value > 0
        case Rounding.HALF_UP:
            up = 2 * rest > step or (2 * rest == step and value > 0)
        case Rounding.HALF_EVEN:
            up = 2 * rest > step or (2 * rest == step and below % 2 == 1)
    return (below + 1 if up else below) * step


def to_units_trunc(scaled: int, unit_decimals: int) -> int:
    """A scaled amount in token base units, truncated toward zero (once, at the very end of a calculation).

    ``unit_decimals`` is 0 to 18; what truncation leaves stays with the client.
    """
    return divide_trunc(scaled, 10 ** (DECIMALS - unit_decimals))


def from_units(units: int, unit_decimals: int) -> int:
    """Token base units as a scaled amount; exact."""
    return fit(units * 10 ** (DECIMALS - unit_decimals))
