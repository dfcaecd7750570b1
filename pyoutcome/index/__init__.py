"""Copies of escrows' logs in a database, with books folded from them; made anew from the chain at any time."""

from pyoutcome.index.eventindex import EventIndex, Updated

__all__ = ["EventIndex", "Updated"]
