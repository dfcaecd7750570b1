"""How long the keeper waits before it looks at something again, and when it stops trying by itself. Milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECOND: Final = 1000
HOUR: Final = 3600 * SECOND
LONGEST: Final = HOUR
"""No wait is longer: a clock that was set wrong for a while costs an hour at most."""


@dataclass(frozen=True)
class Patience:
    """Waits that double from one second up to an hour; after ``attempts`` failures in a row it is parked."""

    attempts: int = 12
    """Failures in a row after which nothing is tried until something new arrives."""

    def wait(self, failures: int) -> int:
        """The wait after so many failures in a row, milliseconds: 1 s, 2 s, 4 s, ... at most an hour."""
        # Above 2**12 s the hour is reached; a shift by thousands would only make a huge number first.
        return int(min(LONGEST, SECOND << min(max(failures - 1, 0), 12)))

    def is_over(self, failures: int) -> bool:
        """Whether nothing is tried any more by itself."""
        return failures >= self.attempts
