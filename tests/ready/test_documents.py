"""Ready agreements on paper, offered to be signed: every number of the file is on the pages, and the right hash."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pypdf
import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.deal import Deal
from pyoutcome.decimals import parse
from pyoutcome.legal.document import FORMATS, SignedTerms, TermsSignatureLine, make_document, render_document
from pyoutcome.protocol import Domain
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.calendar import read_zone
from pyoutcome.terms.loader import read_text
from pyoutcome.workspace.binding import bind
from pyoutcome.workspace.parties import party_ids
from pyoutcome.workspace.ready import ReadyAgreement, list_ready
from tests.legal.reading import numbers_in, squeezed, text_of, texts_of
from tests.legal.typed_data import terms_message

TABLES = ("parties", "term", "bounds")
"""What the document tells in tables, in place of the sentences."""
CHAIN, UNTIL = 31_337, 1_800_000_000


def address(name: str) -> str:
    """An address that nobody has a key to."""
    return to_checksum_address(keccak(text=name)[:20])


def offer(agreement: Agreement) -> SignedTerms:
    """What the parties would sign between made-up addresses."""
    parties = {party: address(party) for party in party_ids(agreement)}
    deal = Deal(bind(agreement, parties, address("token"), UNTIL), agreement.digest(), agreement.program().data, 7)
    signing = ("client", *agreement.providers, *agreement.backups)
    return SignedTerms(
        chain_id=CHAIN,
        factory=address("factory"),
        escrow=address("escrow"),
        program_hash=deal.program_hash,
        arguments=deal.arguments,
        nonce=deal.nonce,
        terms_hash=deal.terms.digest(Domain(CHAIN, address("factory"))),
        signatures=tuple(TermsSignatureLine(party, parties[party], None) for party in signing),
    )


def numbers_of(text: str, zone: str = "UTC") -> set[int]:
    """Every number that stands in a value of an agreement file, scaled; comments and names are none.

    Hours that are whole days count as those days, and local times as those of UTC, as the words tell them.
    """

    def in_days(found: re.Match[str]) -> str:
        days, rest = divmod(int(found[1]), 24)
        return found[0] if rest else f"{days} days"

    def in_utc(found: re.Match[str]) -> str:
        return (
            datetime.fromisoformat(found[0])
            .replace(tzinfo=read_zone(zone))
            .astimezone(UTC)
            .strftime("%Y-%m-%d %H:%M:%S")
        )

    def scalars(plain: object) -> Iterator[str]:
        if isinstance(plain, dict):
            plain = list(plain.values())
        if isinstance(plain, list | tuple):
            for each in plain:
                yield from scalars(each)
        else:
            told = re.sub(r"\b([0-9]+) hours\b", in_days, str(plain))
            yield re.sub(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\b", in_utc, told)

    found = (
        re.findall(r"(?<![A-Za-z_0-9])[0-9][0-9_]*(?:\.[0-9]+)?%?", each)
        for each in scalars(read_text(text, "").plain())
    )
    return {parse(number.replace("_", "")) for numbers in found for number in numbers}


def hash_of(page: str) -> str:
    """The terms hash as another library works it out from what is printed."""

    message = terms_message(page)
    return "0x" + keccak(b"\x19" + message.version + message.header + message.body).hex()


@pytest.mark.parametrize("ready", list_ready(), ids=lambda ready: ready.name)
def test_every_number_and_the_terms_hash_are_on_the_pages(ready: ReadyAgreement) -> None:
    agreement = ready.agreement
    signed = offer(agreement)
    made = make_document(agreement, signed)
    wanted, terms = (
        numbers_of(ready.file.read_text(encoding="utf-8"), agreement.file.term.zone),
        f"0x{signed.terms_hash.hex()}",
    )
    assert len(wanted) > 15
    rules = "\n".join(texts_of(made))
    for passage in agreement.passages():
        if passage.key not in TABLES:
            assert [] == [each for item in passage.items for each in item if each.replace("`", "") not in rules]
    for file_format in FORMATS:
        data = render_document(made, file_format)
        page = text_of(file_format, data)
        assert set() == wanted - numbers_in(page)
        close = squeezed(page)
        assert [] == [text for text in texts_of(made) if squeezed(text) not in close]
        assert f"Termshash{terms}" in close
        if file_format == "md":
            assert terms == hash_of(page)
        if file_format == "pdf":
            for each in pypdf.PdfReader(io.BytesIO(data)).pages:
                assert f"Terms hash {terms}" in each.extract_text()


def test_numbers_are_taken_from_values_alone() -> None:
    text = "a1: 1_000 # 3\nb2: [4.5%, {c6: x7 8 days}, 36 hours, 48 hours]\n"
    assert {parse(each) for each in ("1000", "4.5%", "8", "36", "2")} == numbers_of(text)
