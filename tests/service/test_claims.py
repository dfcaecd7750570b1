"""What a token refused to pay is claimed by the keeper of its owner: once, exactly, and only if that is a duty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.tokens import TokenClient
from pyoutcome.ledger import book_balances, party_book, provider_balances
from pyoutcome.protocol.events import Claimed, Deferred
from pyoutcome.workspace import Workspace
from tests.anvil import connected
from tests.compiling import compiled
from tests.service.deals import ENDS, make_deal, write_keeper
from tests.service.keeping import alerts, keep, rows
from tests.service.processes import wait_for

UNIT = 10**6
FEE = 10_000 * UNIT
"""What a month gives: the fee, and no deduction."""


@dataclass
class Blocking:
    """An agreement in a token that can refuse a recipient."""

    deal: Workspace
    url: str
    token: str

    def refuse(self, refused: bool) -> None:
        """Has the token refuse the provider, or not any more."""
        call = keccak(b"refuse(address,bool)")[:4] + encode(["address", "bool"], [self.provider, refused])
        send(self.url, self.deal.parties.addresses["client"], {"to": self.token, "data": "0x" + call.hex()})

    @property
    def provider(self) -> str:
        return self.deal.parties.addresses["P1"]

    def balance(self) -> int:
        return TokenClient(self.deal.network, self.token).balance(self.provider)

    def sent(self) -> int:
        """Transactions that the provider's account has sent."""
        return self.deal.network.nonce(self.provider)

    def told(self, kind: type[Claimed | Deferred]) -> list[int]:
        """The amounts of all events of a kind."""
        events = [located.event for located in self.deal.desk.escrow.history()]
        return [event.amount for event in events if isinstance(event, kind)]


def send(url: str, sender: str, transaction: dict[str, str]) -> dict[str, str]:
    with connected(url) as line:
        wanted = {"from": sender, "gas": hex(5_000_000), **transaction}
        number = line.ask("eth_sendTransaction", wanted)
        wait_for(lambda: line.ask("eth_getTransactionReceipt", number) is not None, "its block")
        receipt: dict[str, str] = line.ask("eth_getTransactionReceipt", number)
    assert "0x1" == receipt["status"]
    return receipt


@pytest.fixture
def blocking(tmp_path: Path, url: str) -> Iterator[Blocking]:
    with connected(url) as line:
        somebody = line.ask("eth_accounts")[0]
    creation = compiled("contracts/test/Doubles.sol")["WildToken"].creation
    token = to_checksum_address(send(url, somebody, {"data": "0x" + creation.hex()})["contractAddress"])
    with make_deal(tmp_path / "deal", url, periods=3, token=token) as deal:
        made = Blocking(deal, url, token)
        made.refuse(True)
        yield made


def configure(folder: Path, name: str, **duties: object) -> Path:
    given = {"agreements": {"parcels": {"workspace": "../deal", **duties}}, "poll": "1 second", "attempts": 3}
    return write_keeper(folder / name, given)


def test_money_that_could_not_be_paid_is_claimed_once_exactly_and_is_in_the_books(
    tmp_path: Path, blocking: Blocking
) -> None:
    deal = blocking.deal
    settler = configure(tmp_path, "settler", **{"as": ["P1", "V1", "V2"], "pays": "client", "claims": False})
    provider = configure(tmp_path, "provider", **{"as": ["P1"]})
    deal.network.advance_to(ENDS[1])
    keep(settler)
    assert ([FEE, FEE], 0, 0) == (blocking.told(Deferred), blocking.balance(), blocking.sent())
    assert 2 * FEE == deal.desk.escrow.account(0).claimable == provider_balances(deal.books.journal)["P1"].claimable

    # While the token refuses, nothing is sent, and that is not tried for ever.
    wait_for(lambda: keep(provider) > 0 and rows(provider)[0].standing.parked, "the end of trying")
    assert [("parked", None)] == [told for told in alerts(provider) if told[0] != "settled"]
    assert ([], 0) == (blocking.told(Claimed), blocking.sent())
    assert "push-refused" == rows(provider)[0].standing.error

    blocking.refuse(False)
    for _ in range(3):
        keep(provider, wake=True)
        keep(settler, wake=True)
    assert ([2 * FEE], 2 * FEE, 1) == (blocking.told(Claimed), blocking.balance(), blocking.sent())

    # A second time is another claim, of what came since.
    blocking.refuse(True)
    deal.network.advance_to(ENDS[2])
    keep(settler)
    blocking.refuse(False)
    keep(provider, wake=True)
    assert ([2 * FEE, FEE], 3 * FEE, 2) == (blocking.told(Claimed), blocking.balance(), blocking.sent())

    own = book_balances(party_book(deal.books.journal, "P1"))
    assert (3 * FEE, 0) == (own["assets:cash"], own["assets:escrow:claimable"])
    report = deal.audit()
    assert (3, 0) == (report.settled, report.differences)


@pytest.mark.parametrize("duties", [{"as": ["P1"], "claims": False}, {"as": ["V1"]}, {"as": ["V1"], "pays": "P1"}])
def test_nothing_is_claimed_unless_it_is_a_duty_of_whose_it_is(
    tmp_path: Path, blocking: Blocking, duties: dict[str, object]
) -> None:
    blocking.deal.network.advance_to(ENDS[0])
    keep(configure(tmp_path, "settler", **{"as": ["P1", "V1", "V2"], "pays": "client", "claims": False}))
    blocking.refuse(False)
    keep(configure(tmp_path, "other", **duties))
    assert ([FEE], [], 0) == (blocking.told(Deferred), blocking.told(Claimed), blocking.sent())
