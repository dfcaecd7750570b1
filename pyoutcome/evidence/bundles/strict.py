"""Reading files that anybody may have written: complete, nothing unknown, and exactly the canonical bytes (RFC 8785).

So that one content has one spelling and one digest. Whoever reads says in its own words what is wrong with its file.
"""

from __future__ import annotations

from typing import TypeVar

import rfc8785
from pydantic import BaseModel, ConfigDict, ValidationError


class Strict(BaseModel):
    """Base of layouts: nothing unknown, nothing converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_Layout = TypeVar("_Layout", bound=Strict)


class ShapeError(Exception):
    """Bytes that are not in the layout; its text says where and why, and nothing of it is anybody's raw text."""


class SpellingError(Exception):
    """Bytes that are in the layout, and not its canonical spelling."""


def read_canonical(layout: type[_Layout], data: bytes, most: int) -> _Layout:
    """What the bytes, of which there may be ``most``, say in a layout. Raises ShapeError, SpellingError."""
    if len(data) > most:
        raise ShapeError(f"it has more than {most} bytes")
    try:
        # pydantic's own parser: its depth is bounded, where the standard library's follows the recursion limit, which
        # other packages raise until the stack overflows.
        found = layout.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part)[:40] for part in fault["loc"])
        raise ShapeError(f"{ascii(place) if place else 'the whole'}: {fault['msg'][:200]!a}") from error
    if rfc8785.dumps(found.model_dump(exclude_unset=True)) != data:
        raise SpellingError
    return found
