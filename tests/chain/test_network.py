"""What every network can do: one suite, run on the embedded chain and on anvil."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import Call, Identity, Landing, Reverted
from pyoutcome.chain.fees import Fees
from pyoutcome.chain.keys import KeySigner
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect
from pyoutcome.chain.sender import Sender
from pyoutcome.chain.signing import sign_call
from pyoutcome.errors import ChainError, ProtocolError
from tests.anvil import STARTS_AT
from tests.chain.conftest import refused
from tests.chain.echo import CREATION, RUNTIME
from tests.chain.scene import fresh_network

COIN = 10**18


def deploy_echo(network: Network) -> str:
    signer = network.test_accounts()[0]
    receipt = Sender(network).send(Call(signer.address, None, CREATION), signer)
    assert receipt.created is not None
    return receipt.created


def test_a_local_chain_begins_where_it_is_told_and_has_funded_test_accounts(network: Network) -> None:
    assert network.local
    head = network.head()
    assert (0, STARTS_AT) == (head.number, head.timestamp)
    accounts = network.test_accounts()
    assert 10 == len({account.address for account in accounts})
    assert "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" == accounts[0].address
    assert all(network.balance(account.address) >= 10_000 * COIN for account in accounts)


def test_time_moves_forward_by_whole_blocks_and_never_back(network: Network) -> None:
    assert STARTS_AT + 86_400 == network.advance_to(STARTS_AT + 86_400)
    assert STARTS_AT + 86_400 == network.now()
    number = network.head().number
    assert STARTS_AT + 86_400 == network.advance_to(STARTS_AT + 86_400)
    assert number == network.head().number
    with refused("time-backwards"):
        network.advance_to(STARTS_AT)
    assert (number, STARTS_AT + 86_400) == (network.head().number, network.now())


def test_the_clock_follows_the_chain_and_not_the_machine(network: Network) -> None:
    network.advance_to(STARTS_AT + 1_000)
    deploy_echo(network)
    assert STARTS_AT + 1_000 <= network.now() <= STARTS_AT + 1_060


def test_a_transaction_runs_and_its_receipt_says_what_happened(network: Network) -> None:
    address = deploy_echo(network)
    assert RUNTIME == network.code(address)
    signer = network.test_accounts()[1]
    before = network.balance(signer.address)
    receipt = Sender(network).send(Call(signer.address, address, b"hello"), signer)
    assert receipt.succeeded
    assert before - receipt.fee == network.balance(signer.address)
    assert 1 == network.nonce(signer.address)
    (log,) = receipt.logs
    assert (address, ((1).to_bytes(32),), b"hello") == (log.address, log.topics, log.data)
    assert (receipt.block, 0, receipt.transaction) == (log.block, log.index, log.transaction)
    assert network.now() == log.timestamp
    assert receipt == network.receipt(receipt.transaction)


def test_nobody_has_a_receipt_for_an_unknown_transaction(network: Network) -> None:
    assert network.receipt(keccak(b"unknown")) is None


def test_logs_come_in_order_and_only_from_the_blocks_and_addresses_asked_for(network: Network) -> None:
    first, second = deploy_echo(network), deploy_echo(network)
    signer = network.test_accounts()[1]
    start = network.head().number
    for number, address in enumerate((first, second, first)):
        Sender(network).send(Call(signer.address, address, bytes([number])), signer)
    last = network.head().number
    assert [b"\x00", b"\x02"] == [log.data for log in network.logs((first,), 0, last)]
    assert [b"\x00", b"\x01", b"\x02"] == [log.data for log in network.logs((first, second), 0, last)]
    assert [b"\x02"] == [log.data for log in network.logs((first,), start + 2, last)]
    assert [] == network.logs((first,), last + 1, last)
    assert [] == network.logs((signer.address,), 0, last)


def test_a_refused_call_gives_the_contract_s_own_bytes(network: Network) -> None:
    address = deploy_echo(network)
    reader = network.test_accounts()[1].address
    assert b"question" == network.call(Call(reader, address, b"question"))
    for ask in (network.call, network.estimate_gas):
        with pytest.raises(Reverted) as refusal:
            ask(Call(reader, address, b"\x01\x02\x03\x04", value=1))
        assert b"\x01\x02\x03\x04" == refusal.value.data


def test_a_refused_transaction_leaves_nothing_behind(network: Network) -> None:
    address = deploy_echo(network)
    signer = network.test_accounts()[1]
    before = (network.balance(signer.address), network.nonce(signer.address), network.head().number)
    refusal = keccak(text="AlreadySettled(uint256)")[:4] + encode(["uint256"], [7])
    with pytest.raises(ProtocolError) as info:
        Sender(network).send(Call(signer.address, address, refusal, value=1), signer)
    assert ("already-settled", {"period": 7}) == (info.value.code, info.value.details)
    assert before == (network.balance(signer.address), network.nonce(signer.address), network.head().number)
    Sender(network).send(Call(signer.address, address, b"later"), signer)


def test_coin_moves_and_a_poor_account_is_told_what_it_lacks(network: Network) -> None:
    rich, poor = network.test_accounts()[0], KeySigner(keccak(b"poor"))
    with refused("not-enough-coin") as info:
        Sender(network).send(Call(poor.address, rich.address, b""), poor)
    assert (poor.address, 0) == (info.value.details["address"], info.value.details["balance"])
    Sender(network).send(Call(rich.address, poor.address, b"", value=COIN), rich)
    assert COIN == network.balance(poor.address)
    Sender(network).send(Call(poor.address, rich.address, b"", value=COIN // 2), poor)
    assert 0 < network.balance(poor.address) < COIN // 2


def test_the_preview_is_an_upper_bound_of_the_fee(network: Network) -> None:
    address = deploy_echo(network)
    signer = network.test_accounts()[1]
    call = Call(signer.address, address, b"hello")
    number = network.head().number
    cost = Sender(network).preview(call)
    assert number == network.head().number
    receipt = Sender(network).send(call, signer)
    assert 21_000 < receipt.gas_used <= cost.gas < 60_000
    assert 0 < receipt.fee <= cost.most
    with pytest.raises(ProtocolError) as info:
        Sender(network).preview(Call(signer.address, address, keccak(text="NothingToDo()")[:4], value=1))
    assert "nothing-to-do" == info.value.code


def test_blocks_are_told_apart_by_their_hashes(network: Network) -> None:
    address = deploy_echo(network)
    first, second = network.block_hash(0), network.block_hash(1)
    assert network.identity().genesis == first
    assert second not in (None, first)
    assert network.block_hash(2) is None
    signer = network.test_accounts()[1]
    receipt = Sender(network).send(Call(signer.address, address, b"hello"), signer)
    assert network.block_hash(receipt.block) == receipt.block_hash == receipt.logs[0].block_hash
    assert network.final_block() in (0, receipt.block)


def test_transactions_of_an_address_are_counted_up_to_any_block(network: Network) -> None:
    deploy_echo(network)
    deploy_echo(network)
    signer = network.test_accounts()[0].address
    assert [0, 1, 2] == [network.nonce_at(signer, block) for block in range(3)]
    assert 2 == network.nonce_at(signer)


def test_many_are_tried_handed_in_and_looked_up_together(network: Network) -> None:
    address = deploy_echo(network)
    signer = network.test_accounts()[1]
    good, bad = Call(signer.address, address, b"good"), Call(signer.address, address, b"bad!", value=1)
    allowed = network.rehearse([good, bad, good])
    assert isinstance(allowed[0], int)
    assert allowed[0] == allowed[2] == network.allow_gas(good)
    assert isinstance(allowed[1], Reverted)
    assert b"bad!" == allowed[1].data
    raws = [
        sign_call(good, network.chain_id, nonce, Fees(0, 2 * network.head().base_fee), 100_000, signer)
        for nonce in (0, 1, 0)
    ]
    hashes = network.send_many(raws)
    assert [keccak(raws[0]), keccak(raws[1])] == hashes[:2]
    assert isinstance(hashes[2], ChainError)
    for raw in raws:
        wait_for(network, keccak(raw))
    asked = [keccak(raws[1]), keccak(b"unknown"), keccak(raws[0])]
    assert [True, False, True] == network.knows(asked)
    receipts = [network.receipt(one) for one in asked]
    assert receipts == network.receipts(asked)
    assert [landing_of(receipt) for receipt in receipts] == [landing_of(one) for one in network.landings(asked)]
    assert ([], [], [], []) == (network.rehearse([]), network.send_many([]), network.knows([]), network.receipts([]))


def landing_of(found: Landing | None) -> tuple[bytes, int, bytes, bool] | None:
    return None if found is None else (found.transaction, found.block, found.block_hash, found.succeeded)


def wait_for(network: Network, transaction: bytes) -> None:
    while network.receipt(transaction) is None:
        time.sleep(0.01)


def test_a_transaction_is_signed_by_the_one_who_acts(network: Network) -> None:
    first, second = network.test_accounts()[:2]
    with refused("wrong-signer"):
        Sender(network).send(Call(first.address, second.address, b""), second)


def test_a_workspace_recognises_its_network(network: Network) -> None:
    found = network.identity()
    network.require(found)
    network.require(Identity(found.chain_id))
    with refused("wrong-network"):
        network.require(Identity(found.chain_id + 1, found.genesis))
    with refused("wrong-network"):
        network.require(Identity(found.chain_id, keccak(b"another first block")))
    assert str(found.chain_id) in repr(network)


def test_two_kinds_of_network_are_never_taken_for_each_other(tmp_path: Path) -> None:
    with fresh_network("embedded", tmp_path) as embedded:
        recorded = embedded.identity()
    with fresh_network("anvil", tmp_path) as anvil:
        assert recorded.chain_id != anvil.chain_id
        with refused("wrong-network"):
            anvil.require(recorded)
    connect("embedded", tmp_path, recorded=recorded).close()
    with refused("wrong-network"):
        connect("embedded", tmp_path, recorded=Identity(recorded.chain_id, bytes(32)))
    connect("embedded", tmp_path).close()  # the refusal above has released the file


def test_web3_sees_the_same_chain(network: Network) -> None:
    address = deploy_echo(network)
    web3 = network.web3
    assert network.chain_id == web3.eth.chain_id
    assert network.head().number == web3.eth.block_number
    assert RUNTIME == web3.eth.get_code(to_checksum_address(address))
    signer = network.test_accounts()[1]
    fees = Fees(0, 2 * network.head().base_fee)
    raw = sign_call(Call(signer.address, address, b"through web3"), network.chain_id, 0, fees, 100_000, signer)
    hash_ = web3.eth.send_raw_transaction(raw)
    web3.eth.wait_for_transaction_receipt(hash_)  # a node may need a moment to mine
    receipt = network.receipt(bytes(hash_))
    assert receipt is not None
    assert [b"through web3"] == [log.data for log in receipt.logs]
    assert [b"through web3"] == [log.data for log in network.logs((address,), 0, network.head().number)]


def test_a_block_is_known_by_its_hash_and_its_logs_name_it(network: Network) -> None:
    address = deploy_echo(network)
    signer = network.test_accounts()[1]
    Sender(network).send(Call(signer.address, address, b"hello"), signer)
    head = network.head()
    [log] = network.logs((address,), 0, head.number)
    block = network.require_block(head.number)
    assert (head.number, head.timestamp, log.block_hash) == (block.number, block.timestamp, block.hash)
    assert network.identity().genesis == network.require_block(0).hash
    assert network.block(head.number + 1) is None
    with refused("block-unknown"):
        network.require_block(head.number + 1)


def test_what_stood_after_an_old_block_can_be_asked(network: Network) -> None:
    address = deploy_echo(network)
    before, signer = network.head().number, network.test_accounts()[1]
    had = network.balance(signer.address)
    nobody = to_checksum_address("0x" + "77" * 20)
    Sender(network).send(Call(signer.address, nobody, b"", value=7), signer)
    later = deploy_echo(network)
    assert (7, 0) == (network.balance(nobody), network.balance(nobody, before))
    assert had == network.balance(signer.address, before)
    calls = [(contract, block) for contract in (address, later) for block in (before, None)]
    assert [b"hello", b"hello", b"", b"hello"] == [
        network.call(Call(signer.address, contract, b"hello"), block) for contract, block in calls
    ]
