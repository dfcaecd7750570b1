"""Instants as constants of a column's type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.measures.conditions import Constant
from pyoutcome.terms.calendar import read_zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def constant_of(seconds: int, kind: Kind, zone: str) -> Constant:
    """Unix seconds as an instant in UTC, or as what clocks of the zone show at that instant."""
    moment = _EPOCH + timedelta(seconds=seconds)
    if kind is Kind.WALL:
        moment = moment.astimezone(read_zone(zone))
        return Constant(f"{moment:%Y-%m-%dT%H:%M:%S}.000000", ColumnType(kind))
    return Constant(f"{moment:%Y-%m-%dT%H:%M:%S}.000000+00:00", ColumnType(kind))


def micros_of(seconds: int, kind: Kind, zone: str) -> int:
    """Unix seconds as microseconds since 1970: in UTC, or as what clocks of the zone show at that instant."""
    moment = datetime.fromisoformat(constant_of(seconds, kind, zone).text)
    return (moment.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def show_micros(micros: int, kind: Kind) -> str:
    """Microseconds since 1970 as records write them: ``2013-01-31T23:59:59Z``; what a clock shows, without the Z."""
    text = (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat()
    return f"{text}Z" if kind is Kind.INSTANT else text
