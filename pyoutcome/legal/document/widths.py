"""How wide the columns of a table are, where the pages do not find out by themselves."""

from __future__ import annotations

from typing import Final

from pyoutcome.legal.document.tree import Table, plain_text

ROOM: Final = 96
"""Characters of a table's type that stand side by side between the margins."""
_MOST: Final = 64
"""A cell may want more, and is given no more for it."""
_GAP: Final = 3
"""Between two columns."""
_LONGEST: Final = 24
"""A word longer than this may be broken."""


def share_room(table: Table) -> tuple[int, ...] | None:
    """The width of each column in characters; None if every cell fits on one line without more ado.

    A column gets its longest word at least; columns of figures get their longest cell, which is never broken; what is
    left goes to those with the most to say.
    """
    natural, most, least = 0, [], []
    for at, column in enumerate(table.columns):
        cells = [plain_text(row[at]) for row in table.rows]
        longest = max(map(_length, (*cells, column.title)))
        natural += longest
        words = max((_length(word) for text in (*cells, column.title) for word in text.split()), default=1)
        if column.align == "right":
            title = max((len(word) for word in column.title.split()), default=1)
            least.append(max(title, *map(len, cells)) if cells else title)
        else:
            least.append(max(4, min(words + 1, _LONGEST)))
        most.append(max(least[-1], min(longest, _MOST)))
    room = ROOM - _GAP * len(table.columns)
    if natural <= room:
        return None
    wanted, left = sum(most) - sum(least), max(0, room - sum(least))
    return tuple(low + (high - low) * left // wanted if wanted else low for low, high in zip(least, most, strict=True))


def spread(table: Table, whole: int) -> tuple[int, ...]:
    """The width of each column in parts of ``whole``, the width between the margins; together at most that."""
    shared = share_room(table)
    if shared is None:
        cells = [
            [column.title, *(plain_text(row[at]) for row in table.rows)] for at, column in enumerate(table.columns)
        ]
        shared = tuple(max(5, *map(_length, texts)) for texts in cells)
        used = sum(shared) + _GAP * len(shared)
        wide = sum(column.wide for column in table.columns)
        if wide:
            rest = max(0, ROOM - used) // wide
            shared = tuple(each + rest * column.wide for each, column in zip(shared, table.columns, strict=True))
    widths = [(each + _GAP) * whole // ROOM for each in shared]
    over = sum(widths)
    return tuple(width * whole // over for width in widths) if over > whole else tuple(widths)


def _length(text: str) -> int:
    """Characters of usual width; capitals are wider."""
    return len(text) + 2 * sum(map(str.isupper, text)) // 5
