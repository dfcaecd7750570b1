"""A contract small enough to read as bytes: it logs and returns its call data, or refuses with it if sent coin."""

from __future__ import annotations

RUNTIME = bytes.fromhex(
    "365f5f37"  # copy the call data to memory
    "34601057"  # with value: jump to the refusal
    "6001365fa1"  # log it under topic 1
    "365ff3"  # return it
    "5b365ffd"  # refuse with it
)
CREATION = b"\x73" + RUNTIME + bytes.fromhex("5f526014600cf3")
