"""The database: whole steps or nothing, exact numbers, one version of the tables, no password in a message."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select

from pyoutcome.database import WholeNumber, make_tables, open_database, transaction
from pyoutcome.errors import StoreError

tables = MetaData()
amounts = Table("amounts", tables, Column("id", Integer, primary_key=True), Column("units", WholeNumber))


def test_whole_numbers_of_256_bits_come_back_as_they_went_in(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "books.sqlite")
    make_tables(engine, tables, "amounts", 1)
    given = [0, -1, 2**256 - 1, -(2**255), None]
    with transaction(engine) as connection:
        connection.execute(amounts.insert(), [{"id": place, "units": units} for place, units in enumerate(given)])
    with transaction(engine) as connection:
        assert given == list(connection.execute(select(amounts.c.units).order_by(amounts.c.id)).scalars())


def test_an_error_inside_a_step_leaves_nothing_of_it(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "books.sqlite")
    make_tables(engine, tables, "amounts", 1)
    with pytest.raises(ZeroDivisionError), transaction(engine) as connection:
        print(connection.execute(amounts.insert().values(id=1, units=1)), 1 // 0)
    with transaction(engine) as connection:
        assert [] == list(connection.execute(select(amounts.c.id)).scalars())


def test_a_step_the_database_refuses_is_told_without_its_values(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "books.sqlite")
    make_tables(engine, tables, "amounts", 1)
    with pytest.raises(StoreError) as refusal, transaction(engine) as connection:
        connection.execute(amounts.insert(), [{"id": 1, "units": 123_456_789}] * 2)
    assert "database-failed" == refusal.value.code
    assert "123456789" not in str(refusal.value)


def test_tables_are_made_once_and_those_of_another_release_are_refused(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'books.sqlite'}")
    make_tables(engine, tables, "amounts", 1)
    make_tables(engine, tables, "amounts", 1)
    with pytest.raises(StoreError, match="version 1, and this release works with 2"):
        make_tables(engine, tables, "amounts", 2)


def test_there_is_one_writer_at_a_time(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "books.sqlite")
    make_tables(engine, tables, "amounts", 1)
    other = sqlite3.connect(tmp_path / "books.sqlite", timeout=0, isolation_level=None)
    with transaction(engine), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.parametrize("address", ["mysql://root:sesame@db/books", "sqlite://", "postgresql:/x", "://"])
def test_other_addresses_are_refused_without_showing_a_password(address: str) -> None:
    with pytest.raises(StoreError) as refusal:
        open_database(address)
    assert "sesame" not in str(refusal.value)


def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    with pytest.raises(StoreError) as refusal:
        open_database("postgresql://reader:sesame@127.0.0.1:1/books")
    assert "database-unreachable" == refusal.value.code
    assert "sesame" not in str(refusal.value)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refusal:
        open_database(tmp_path / "missing" / "books.sqlite")
    assert "database-unreachable" == refusal.value.code
