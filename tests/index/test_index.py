"""The index is at any time what a fresh copy would be: whatever was mined, reorganised or watched later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.engine import Engine

from pyoutcome.chain.blocks import Block, Log
from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect
from pyoutcome.database import open_database, transaction
from pyoutcome.errors import ChainError, StoreError
from pyoutcome.index import EventIndex, collecting, eventindex
from pyoutcome.index.collecting import find_cut
from pyoutcome.index.tables import blocks, escrows, events, logs, postings
from pyoutcome.ledger import fold
from tests.anvil import running_anvil
from tests.chain.scene import deploy
from tests.index.conftest import Open
from tests.index.story import Story, ToldChain

NAMES = ("A", "B")
Rows = list[tuple[Any, ...]]


def rows(engine: Engine) -> dict[str, Rows]:
    """Everything that is in an index, but for when it was written and what lags behind what."""
    found: dict[str, Rows] = {}
    with transaction(engine) as connection:
        for table in (logs, blocks, events, postings, escrows):
            columns = [column for column in table.c if column.name not in ("chain", "version", "behind")]
            order = [column for column in table.primary_key if column.name != "chain"]
            told = connection.execute(select(*columns).order_by(*order))
            found[table.name] = [tuple(str(each) if isinstance(each, dict) else each for each in row) for row in told]
    return found


def watch_all(index: EventIndex, story: Story, first: int = 0) -> None:
    for escrow in story.escrows:
        index.watch(escrow.address, first, NAMES)


def fresh_rows(engine: Engine, chain: ToldChain) -> dict[str, Rows]:
    """Those of an index made in one go."""
    index = EventIndex(engine, chain)
    watch_all(index, chain.story)
    index.update()
    return rows(engine)


def tell(chain: ToldChain, each: int = 1) -> ToldChain:
    """Mines the whole story, with so many transactions of each escrow a block."""
    while chain.chain[-1].told != tuple(len(told) for told in chain.story.told):
        chain.mine(each, each)
    return chain


def test_events_and_books_are_those_of_the_chain(story: Story, fresh_database: Open) -> None:
    engine, network = fresh_database(), story.scene.network
    index = EventIndex(engine, network)
    watch_all(index, story)
    updated = index.update()
    assert updated.grown == {escrow.address for escrow in story.escrows}
    assert (frozenset(), network.head().number) == (updated.lost, updated.block)
    assert network.head().number == index.head()
    for escrow in story.escrows:
        told = escrow.events(0)
        assert told == index.events(escrow)
        middle = told[len(told) // 2].block
        assert [each for each in told if each.block <= middle] == index.events(escrow, middle)
        with transaction(engine) as connection:
            found = connection.execute(select(events).where(events.c.escrow == escrow.address)).all()
            booked = connection.execute(
                select(postings).where(postings.c.escrow == escrow.address).order_by(postings.c.entry, postings.c.line)
            ).all()
        assert [(type(each.event).__name__, each.block, each.index) for each in told] == [
            (row.name, row.block, row.log_index) for row in sorted(found, key=lambda row: row.number)
        ]
        assert [
            (entry.number, entry.kind, entry.time, entry.period, entry.provider, posting.account, posting.amount)
            for entry in fold(told, NAMES).entries
            for posting in entry.postings
        ] == [(row.entry, row.event, row.time, row.period, row.provider, row.account, row.units) for row in booked]


def test_fields_of_events_are_exact_texts(story: Story, fresh_database: Open) -> None:
    engine = fresh_database()
    index = EventIndex(engine, story.scene.network)
    watch_all(index, story)
    index.update()
    escrow = story.escrows[0]
    with transaction(engine) as connection:
        found = connection.execute(select(events).where(events.c.escrow == escrow.address).order_by(events.c.number))
        for row, located in zip(found, escrow.events(0), strict=True):
            assert [part.name for part in fields(located.event)] == list(row.fields) or row.fields
            for name, value in json.loads(json.dumps(row.fields)).items():
                actual = getattr(located.event, name)
                assert value == (str(actual) if isinstance(actual, int) and not isinstance(actual, bool) else value)
    assert {"A", "B", None} == {row.provider for row in _all(engine, events)}


def _all(engine: Engine, table: Any) -> Any:
    with transaction(engine) as connection:
        return connection.execute(select(table)).all()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("mine"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("drop"), st.integers(1, 6)),
        st.tuples(st.just("update")),
        st.tuples(st.just("forget")),
        st.tuples(st.just("watch"), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.just("rebuild")),
    ),
    max_size=30,
)


@given(steps)
@settings(max_examples=60)
def test_whatever_happened_the_index_is_what_a_fresh_copy_is(story: Story, taken: list[tuple[Any, ...]]) -> None:
    engine, chain = open_database(":memory:"), ToldChain(story)
    index = EventIndex(engine, chain)
    for step in taken:
        match step:
            case "mine", first, second:
                chain.mine(first, second)
            case "drop", count:
                chain.drop(count)
                chain.mine()  # another block of that number
            case ("update",):
                index.update()
            case ("rebuild",):
                index.rebuild()
            case ("forget",):  # another process goes on
                index = EventIndex(engine, chain)
            case "watch", number, first:
                index.watch(story.escrows[number].address, first, NAMES)
    watch_all(index, story)
    index.update()
    other = open_database(":memory:")
    expected = fresh_rows(other, chain)
    assert chain.head().number == index.head()
    assert expected == rows(engine)
    index.rebuild()
    assert expected == rows(engine)
    engine.dispose()
    other.dispose()


def test_a_reorganisation_is_told_and_undone(story: Story, fresh_database: Open) -> None:
    engine, chain = fresh_database(), tell(ToldChain(story))
    index = EventIndex(engine, chain)
    watch_all(index, story)
    index.update()
    first, second = story.escrows[0].address, story.escrows[1].address
    version, _ = index.changed_since(-1)
    has = chain.chain[-1].told
    while chain.chain[-1].told[0] == has[0]:
        chain.drop(1)
    told = chain.chain[-1].told
    chain.mine()
    updated = index.update()
    assert first in updated.lost
    assert (second in updated.lost) == (told[1] < has[1])
    assert first in index.changed_since(version)[1]
    assert chain.head().number == index.head()
    assert not index.update().lost
    while chain.chain[-1].told[0] < has[0]:
        chain.mine(1, 1)
    assert first in index.update().grown
    assert fresh_rows(fresh_database(), chain) == rows(engine)


def test_an_update_without_news_asks_for_no_logs_and_writes_nothing(story: Story, fresh_database: Open) -> None:
    chain = tell(ToldChain(story))
    index = EventIndex(fresh_database(), chain)
    watch_all(index, story)
    first = index.update()
    asked = chain.asked
    assert replace(first, grown=frozenset()) == index.update()
    assert asked == chain.asked


def test_many_escrows_are_read_with_one_question(story: Story, fresh_database: Open) -> None:
    chain = tell(ToldChain(story))
    index = EventIndex(fresh_database(), chain)
    index.watch_many((f"0x{number:040x}", 2 - number % 3, ()) for number in range(300))
    watch_all(index, story)
    index.update()
    # Those that lag behind are brought up to the others first.
    assert 2 == chain.asked


class Meddling(ToldChain):
    """A chain on which something happens while its logs are read."""

    happens: Callable[[], object] | None = None

    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        found = super().logs(addresses, first, last)
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return found


@pytest.mark.parametrize("dropped", [2, 5])
def test_a_chain_that_is_reorganised_while_it_is_read_is_read_again(
    story: Story, fresh_database: Open, dropped: int
) -> None:
    engine, chain = fresh_database(), Meddling(story)
    index = EventIndex(engine, chain)
    watch_all(index, story)
    for _ in range(6):
        chain.mine(1, 1)
    index.update()
    for _ in range(3):
        chain.mine(1, 1)

    def fork() -> None:
        chain.drop(dropped)
        for _ in range(7):
            chain.mine(0, 2)

    chain.happens = fork
    # Of the three new blocks nothing was written yet.
    assert (dropped > 3) == bool(index.update().lost)
    assert not index.update().lost
    assert fresh_rows(fresh_database(), chain) == rows(engine)


def test_a_chain_that_changes_all_the_time_is_given_up(story: Story, fresh_database: Open) -> None:
    chain = Meddling(story)
    chain.mine(1, 1)
    index = EventIndex(fresh_database(), chain)
    watch_all(index, story)

    def fork() -> None:
        chain.drop(1)
        chain.mine(1, 1)
        chain.happens = fork

    chain.happens = fork
    with pytest.raises(ChainError) as refused:
        index.update()
    assert "chain-unsteady" == refused.value.code


def test_two_processes_at_once_write_every_log_once(story: Story, fresh_database: Open) -> None:
    engine, chain = fresh_database(), Meddling(story)
    one, other = EventIndex(engine, chain), EventIndex(engine, chain)
    watch_all(one, story)
    for _ in range(4):
        chain.mine(2, 1)
        chain.happens = other.update
        seen, _ = one.changed_since(-1)
        assert not one.update().grown
        assert {escrow.address for escrow in story.escrows} == one.changed_since(seen)[1]
    tell(chain)
    chain.happens = other.rebuild
    one.update()
    assert fresh_rows(fresh_database(), chain) == rows(engine)


def test_a_rebuild_notices_a_reorganisation_between_its_portions(
    story: Story, fresh_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, chain = fresh_database(), Meddling(story)
    for _ in range(6):
        chain.mine(1, 1)
    index = EventIndex(engine, chain)
    watch_all(index, story)
    index.update()

    def fork() -> None:
        chain.drop(5)
        for _ in range(5):
            chain.mine(0, 1)

    with monkeypatch.context() as patch:
        patch.setattr(collecting, "BLOCKS_AT_ONCE", 3)
        chain.happens = lambda: setattr(chain, "happens", fork)  # not while the first is read, but the second
        index.rebuild()
    assert fresh_rows(fresh_database(), chain) == rows(engine)


def test_logs_before_the_first_block_are_nobody_s(story: Story, fresh_database: Open) -> None:
    engine, chain = fresh_database(), tell(ToldChain(story))
    index = EventIndex(engine, chain)
    first, second = (escrow.address for escrow in story.escrows)
    index.watch_many([(first, 0, NAMES), (second, 3, NAMES), ("0x" + "00" * 20, 5, ())])
    index.update()
    blocks_of: dict[str, set[int]] = {row.address: set() for row in _all(engine, logs)}
    for row in _all(engine, logs):
        blocks_of[row.address].add(row.block)
    assert (True, True) == (min(blocks_of[first]) < 3, min(blocks_of[second]) >= 3)


@given(st.lists(st.integers(1, 50), unique=True).map(sorted), st.integers(0, 60))
def test_the_first_block_that_differs_is_found(numbers: list[int], fork: int) -> None:
    """``fork``: the first block that is another one now."""

    class Forked:
        def block(self, number: int) -> Block:
            return Block(number, b"new" if number >= fork else b"old", 0)

    same = [number for number in numbers if number < fork]
    expected = None if numbers == same else same[-1] + 1 if same else 0
    assert expected == find_cut(cast(Network, Forked()), [(number, b"old") for number in numbers])


def test_a_damaged_copy_is_made_whole_by_a_rebuild(story: Story, fresh_database: Open) -> None:
    engine, chain = fresh_database(), tell(ToldChain(story))
    index = EventIndex(engine, chain)
    watch_all(index, story)
    index.update()
    expected = rows(engine)
    with transaction(engine) as connection:
        connection.execute(delete(logs).where(logs.c.block % 3 == 0))
        connection.execute(update(postings).values(units=7))
    assert expected != rows(engine)
    index.rebuild()
    assert expected == rows(engine)


def test_books_that_are_not_kept_in_memory_are_folded_anew(
    story: Story, fresh_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventindex, "BOOKS_KEPT", 1)
    monkeypatch.setattr(collecting, "BLOCKS_AT_ONCE", 2)
    engine, chain = fresh_database(), tell(ToldChain(story))
    index = EventIndex(engine, chain)
    watch_all(index, story)
    index.update()
    monkeypatch.undo()
    assert fresh_rows(fresh_database(), chain) == rows(engine)


def test_what_makes_no_books_stops_its_own_rows_only(story: Story, fresh_database: Open) -> None:
    engine, chain = fresh_database(), tell(ToldChain(story))
    index = EventIndex(engine, chain)
    first, second = (escrow.address for escrow in story.escrows)
    index.watch(first, 0, ("A", "B", "C"))
    index.watch(second, 0, NAMES)
    stranger = story.scene.token.address
    index.watch(stranger, 0)
    index.update()
    problems = index.problems()
    assert [first] == list(problems)
    assert problems[first].startswith("event-does-not-add-up: ")
    assert {first, second} == {row.escrow for row in _all(engine, postings)}
    assert story.escrows[0].address in {row.address for row in _all(engine, logs)}
    index.watch(first, 0, NAMES)
    index.update()
    assert {} == index.problems()
    assert len(story.told[0]) == len({row.transaction for row in _all(engine, logs) if row.address == first})


def test_a_log_that_no_escrow_writes_stops_the_rows_and_is_raised_on_reading(
    story: Story, fresh_database: Open
) -> None:
    engine, chain = fresh_database(), tell(ToldChain(story))
    chain.chain[-1].logs[-1] = replace(chain.chain[-1].logs[-1], topics=(b"\1" * 32,))
    index = EventIndex(engine, chain)
    watch_all(index, story)
    index.update()
    [(address, why)] = index.problems().items()
    escrow = next(each for each in story.escrows if each.address == address)
    assert why.startswith("unknown-log: ")
    with pytest.raises(ChainError, match="unknown-log"):
        index.events(escrow)
    chain.drop(1)
    chain.mine()
    index.update()
    assert {} == index.problems()


def test_an_escrow_that_is_not_watched_is_not_answered_for(story: Story, fresh_database: Open) -> None:
    index = EventIndex(fresh_database(), ToldChain(story))
    assert -1 == index.head()
    with pytest.raises(StoreError) as refused:
        index.events(story.escrows[0])
    assert "escrow-not-watched" == refused.value.code


def test_chains_in_one_database_do_not_mix(story: Story, fresh_database: Open) -> None:
    engine, chain = fresh_database(), tell(ToldChain(story))
    other = ToldChain(story)
    other.chain_id = 2
    for network in (chain, other):
        watch_all(EventIndex(engine, network), story)
    EventIndex(engine, chain).update()
    EventIndex(engine, other).update()
    assert not EventIndex(engine, other).events(story.escrows[0])
    assert EventIndex(engine, chain).events(story.escrows[0])


def test_a_node_that_takes_blocks_back(tmp_path: Path, fresh_database: Open) -> None:
    with running_anvil() as url, connect(url, tmp_path) as network:
        scene = deploy(network)
        node = network.web3.provider
        mark = node.make_request("evm_snapshot", [])["result"]  # type: ignore[arg-type]
        scene.start()
        scene.settle(1, scene.values("0.5", "0.25"))
        index = EventIndex(fresh_database(), network)
        escrow = EscrowClient(network, scene.escrow.address)
        index.watch(escrow.address, 0, NAMES)
        assert {escrow.address} == index.update().grown
        settled = index.events(escrow)
        assert settled == escrow.events(0)
        node.make_request("evm_revert", [mark])  # type: ignore[arg-type]
        scene.fund(1)
        updated = index.update()
        assert (frozenset({escrow.address}), frozenset({escrow.address})) == (updated.grown, updated.lost)
        assert escrow.events(0) == index.events(escrow) != settled
