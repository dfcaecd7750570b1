"""What is printed of signed typed data, read as another library takes it: EIP-712 by eth-account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from eth_account.messages import SignableMessage, encode_typed_data

HEX: Final = r"0x[0-9a-fA-F]+"


def value_of(page: str, name: str, kind: str = HEX) -> str:
    """The value that a page prints behind a name."""
    found = re.search(rf"(?<![A-Za-z]){name} ({kind})", page)
    assert found is not None, name
    return found[1]


def message_of(page: str, struct: str, values: Mapping[str, object], told: str | None = None) -> SignableMessage:
    """A message of the domain that a page prints; ``told`` is the part of it that prints the struct's type."""
    fields = re.search(rf"Type {struct}\((.*?)\)", page if told is None else told)
    assert fields is not None
    types = [dict(zip(("type", "name"), each.split(), strict=True)) for each in fields[1].split(",")]
    return encode_typed_data(
        domain_data={
            "name": value_of(page, "Domain name", r"\S+"),
            "version": value_of(page, "Domain version", r"\S+"),
            "chainId": int(value_of(page, "Chain id", r"\d+")),
            "verifyingContract": value_of(page, "Verifying contract"),
        },
        message_types={struct: types},
        message_data=dict(values),
    )


def terms_message(page: str) -> SignableMessage:
    """The terms that a page prints."""
    hashes = {name: value_of(page, name) for name in ("agreementDigest", "programHash", "argsHash")}
    return message_of(page, "Terms", {**hashes, "nonce": int(value_of(page, "nonce", r"\d+"))})
