"""Addresses as people give them."""

from __future__ import annotations

from eth_utils.address import is_checksum_address, is_checksum_formatted_address, is_hex_address, to_checksum_address

from pyoutcome.errors import WorkspaceError


def read_address(text: str) -> str:
    """An address as checksum text. WorkspaceError ``bad-address``, also where the checksum is wrong."""
    if is_hex_address(text) and text.startswith("0x"):
        if not is_checksum_formatted_address(text) or is_checksum_address(text):
            return to_checksum_address(text)
        why = f"{text} has a wrong checksum: at least one character is not as it was."
    else:
        why = f"{text[:60]!r} is not an address."
    raise WorkspaceError("bad-address", why, "Copy the address again: 0x and 40 digits and letters from a to f.")
