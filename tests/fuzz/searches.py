"""What programs can be made from, and the search that compares them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from tests.contracts.runner import Runner
from tests.fuzz.agreements import search_agreements
from tests.fuzz.programs import search_programs
from tests.fuzz.rules import search_rules
from tests.fuzz.tally import Tally

SEARCHES: Final[dict[str, Callable[[Runner, Random], Tally]]] = {
    "bytes": search_programs,
    "rules": search_rules,
    "agreements": search_agreements,
}
