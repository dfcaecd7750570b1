"""Instants as constants of a column's type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyoutcome.evidence.columns import ColumnType, Kind
from pyoutcome.evidence.conditions import Constant
from pyoutcome.terms.calendar import read_zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def constant_of(seconds: int, kind: Kind, zone: str) -> Constant:
    """Unix seconds as an instant in UTC, or as what clocks of the zone show at that instant."""
    moment = _EPOCH + timedelta(seconds=seconds)
    if kind is Kind.WALL:
        moment = moment.astimezone(read_zone(zone))
        return Constant(f"{moment:%Y-%m-%dT%H:%M:%S}.000000", ColumnType(kind))
    return Constant(f"{moment:%Y-%m-%dT%H:%M:%S}.000000+00:00", ColumnType(kind))
