"""What ISO 20022 messages share: elements in their order, texts within their limits, amounts that fit, references."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from pyoutcome.decimals import show_units
from pyoutcome.errors import LedgerError
from pyoutcome.ledger.book import Book
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.tables import read_table, table_malformed

NO_CURRENCY: Final = "X" * 3
"""The code of ISO 4217 for no currency. Amounts are then whole tokens."""
_FRACTION: Final = 5
_DIGITS: Final = 18
_NOT_IN_XML: Final = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}")
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
ACCOUNT_COLUMNS: Final = ("party", "iban", "bic")
ADDRESS_COLUMNS: Final = (*ACCOUNT_COLUMNS, "street", "building", "postcode", "town", "country")


@dataclass(frozen=True)
class PostalAddress:
    """Where a party is, in the fields that banks ask for; town and country at least."""

    town: str
    country: str
    """Two letters of ISO 3166."""
    street: str = ""
    building: str = ""
    postcode: str = ""


@dataclass(frozen=True)
class BankAccount:
    """Where a party is paid in the book currency."""

    iban: str
    bic: str
    """Empty if it is not known."""
    address: PostalAddress | None = None


def read_accounts(text: str, name: str = "accounts.csv") -> dict[str, BankAccount]:
    """Bank accounts by party from CSV text with the columns ``party,iban,bic``; a BIC may be empty.

    With the columns ``street,building,postcode,town,country`` after them each may have an address: with town and
    country, or all of it empty. LedgerError ``table-malformed``, also for an IBAN whose check digits are wrong.
    """
    found: dict[str, BankAccount] = {}
    head = text.removeprefix("\ufeff").partition("\n")[0].strip()
    columns = ADDRESS_COLUMNS if head == ",".join(ADDRESS_COLUMNS) else ACCOUNT_COLUMNS
    for line, row in read_table(text, columns, name):
        iban, bic = row["iban"].replace(" ", ""), row["bic"]
        if row["party"] in found or not _is_iban(iban) or (bic and not _BIC.fullmatch(bic)):
            raise table_malformed(name, line, "the IBAN or BIC is mistyped, or the party occurs twice")
        found[row["party"]] = BankAccount(iban, bic, _read_address(row, name, line))
    return found


def _read_address(row: Mapping[str, str], name: str, line: int) -> PostalAddress | None:
    given = {column: row.get(column, "") for column in ADDRESS_COLUMNS[len(ACCOUNT_COLUMNS) :]}
    if not any(given.values()):
        return None
    if not given["town"] or not _COUNTRY.fullmatch(given["country"]):
        raise table_malformed(name, line, "an address needs a town and its country's two capital letters")
    return PostalAddress(**given)


def _is_iban(iban: str) -> bool:
    """ISO 13616: letters as numbers from 10, the first four places last, the remainder by 97 is 1."""
    return bool(_IBAN.fullmatch(iban)) and int("".join(str(int(each, 36)) for each in iban[4:] + iban[:4])) % 97 == 1


def add(parent: ET.Element, path: str, text: str | None = None, **attributes: str) -> ET.Element:
    """A new element below ``parent``, with those between; the last one holds the text."""
    found = parent
    for name in path.split("/"):
        found = ET.SubElement(found, name)
    found.attrib.update(attributes)
    found.text = None if text is None else _NOT_IN_XML.sub(" ", text)
    return found


def limited(text: str, most: int) -> str:
    """A text that fits its type; ISO 20022 has no empty texts."""
    plain = _NOT_IN_XML.sub(" ", text).strip()
    return plain[:most].strip() or "-"


def write_message(root: ET.Element, path: Path) -> None:
    """One message per file, indented, the same bytes for the same message."""
    ET.indent(root, " ")
    path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def message(kind: str, name: str) -> tuple[ET.Element, ET.Element]:
    """The document of a message and the message in it."""
    document = ET.Element("Document", xmlns=f"urn:iso:std:iso:20022:tech:xsd:{kind}")
    return document, ET.SubElement(document, name)


def reference(*parts: object) -> str:
    """A reference of 35 places that follows from its parts."""
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()
    return f"PYO{digest[:32]}"


def amount_text(number: int, book: Book, about: About) -> tuple[str, str]:
    """Text and currency of an amount: in cents of the book currency, or base units where there is none.

    LedgerError ``amount-does-not-fit`` for what is finer or longer than a message can say.
    """
    if book.table is not None:
        text, currency = show_units(abs(number), book.cents, book.cents), book.table.currency
    else:
        text, currency = show_units(abs(number), about.decimals), NO_CURRENCY
    whole, _, part = text.partition(".")
    if len(part) > _FRACTION or len(whole.lstrip("0")) + len(part) > _DIGITS:
        raise LedgerError(
            "amount-does-not-fit",
            f"{text} {about.token} has more than {_FRACTION} decimals or {_DIGITS} digits, too many for a bank.",
            "Value the books in a currency with --currency and --rates.",
            amount=text,
        )
    return text, currency


def add_amount(parent: ET.Element, name: str, number: int, book: Book, about: About) -> None:
    """An amount with its currency."""
    text, currency = amount_text(number, book, about)
    add(parent, name, text, Ccy=currency)


def address_of(owner: str, about: About) -> str:
    """Where an owner is paid on chain; empty if that is not known."""
    return about.escrow if owner == "escrow" else about.addresses.get(owner, "")


def add_account(
    parent: ET.Element, name: str, owner: str, address: str, book: Book, about: About, bank: BankAccount | None = None
) -> ET.Element:
    """An account: its IBAN where it is known, else the address on chain (CAIP-10) under the name of the agreement.

    An address has 42 places and an account's identification 34, so it stands where messages have room for it.
    """
    account = add(parent, name)
    if bank is not None:
        add(account, "Id/IBAN", bank.iban)
    else:
        other = add(account, "Id/Othr")
        add(other, "Id", limited(f"{owner}@{about.agreement}", 34))
        add(other, "SchmeNm/Prtry", "agreement")
    add(account, "Ccy", book.currency or NO_CURRENCY)
    add(account, "Nm", limited(f"{about.name_of(owner)}: {about.title}", 70))
    if bank is None and address:
        proxy = add(account, "Prxy")
        add(proxy, "Tp/Prtry", "CAIP-10")
        add(proxy, "Id", f"eip155:{about.chain_id}:{address}")
    return account


def add_party(parent: ET.Element, name: str, owner: str, about: About, bank: BankAccount | None) -> None:
    """A party with its name and, where it is known, its address."""
    party = add(parent, name)
    add(party, "Nm", limited(about.name_of(owner), 140))
    address = bank.address if bank else None
    if address is not None:
        fields = (
            ("StrtNm", address.street, 70), ("BldgNb", address.building, 16), ("PstCd", address.postcode, 16),
            ("TwnNm", address.town, 35), ("Ctry", address.country, 2),
        )  # fmt: skip
        postal = add(party, "PstlAdr")
        for field, text, most in fields:
            if text:
                add(postal, field, limited(text, most))


def add_agent(parent: ET.Element, name: str, owner: str, banks: Mapping[str, BankAccount]) -> None:
    """The bank of an account, or that it is not known."""
    bank = banks.get(owner)
    if bank is not None and bank.bic:
        add(parent, f"{name}/FinInstnId/BICFI", bank.bic)
    else:
        add(parent, f"{name}/FinInstnId/Othr/Id", "NOTPROVIDED")
