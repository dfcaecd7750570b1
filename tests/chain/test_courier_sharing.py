"""Several couriers on one database: no nonce is used twice, and a purpose is sent once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from sqlalchemy import text

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.inflight import InFlight, Wanted
from pyoutcome.chain.keys import derive_test_accounts
from pyoutcome.chain.networks import connect
from pyoutcome.chain.outbox import Outbox
from pyoutcome.database import open_database, transaction
from pyoutcome.protocol import Signer
from tests.anvil import running_anvil
from tests.chain.conftest import ROOT
from tests.chain.couriers import Post, open_post

DATABASES = ("sqlite", *(("postgresql",) if "PYOUTCOME_POSTGRESQL" in os.environ else ()))
"""PostgreSQL where ``scripts/postgresql`` has started one."""
PROCESSES = 3
EACH = 8
WANT = """
import sys
from pathlib import Path
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.inflight import Wanted
from pyoutcome.chain.keys import derive_test_accounts
from pyoutcome.chain.network import Call
from pyoutcome.chain.networks import connect
from pyoutcome.chain.outbox import Outbox
from pyoutcome.database import open_database
url, database, echo, name = sys.argv[1:]
signer = derive_test_accounts()[1]
with connect(url, Path()) as network:
    courier = Courier(network, Outbox(open_database(database), network.identity()))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(EACH):
        for purpose in (f"{name} {number}", f"common {number}"):
            courier.submit(Wanted(purpose, Call(signer.address, echo, purpose.encode())), signer)
        courier.attend({signer.address: signer}.get)
""".replace("EACH", str(EACH))


@pytest.fixture(params=DATABASES)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Post, str, str]]:
    """A post on anvil, the node's address, and that of a database that is empty."""
    database = str(tmp_path / "outbox.sqlite")
    if request.param == "postgresql":
        schema = f"outbox_{uuid4().hex}"
        server = open_database(os.environ["PYOUTCOME_POSTGRESQL"])
        with transaction(server) as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        server.dispose()
        database = f"{os.environ['PYOUTCOME_POSTGRESQL']}&options=-csearch_path%3D{schema}"
    with running_anvil() as url, connect(url, tmp_path) as network:
        post = open_post(network, database)
        yield post, url, database
        post.engine.dispose()


def test_processes_with_one_key_never_use_a_nonce_twice(shared: tuple[Post, str, str]) -> None:
    post, url, database = shared
    names = [f"process {number}" for number in range(PROCESSES)]
    with ExitStack() as exits:
        processes = [
            exits.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WANT, url, database, post.echo, name],
                    cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )
            )
            for name in names
        ]  # fmt: skip
        for process in processes:
            exits.callback(process.kill)
            assert process.stdout is not None
            assert "ready\n" == process.stdout.readline()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            assert ("", "") == process.communicate(timeout=60)
            assert 0 == process.returncode
    post.finish()
    expected = [f"{name} {number}" for name in [*names, "common"] for number in range(EACH)]
    assert sorted(expected) == sorted(post.landed())
    assert len(expected) == post.network.nonce(post.signer.address)


def test_couriers_with_different_keys_send_a_purpose_once(shared: tuple[Post, str, str]) -> None:
    post, url, database = shared
    purposes = [f"common {number}" for number in range(40)]
    signers, barrier = derive_test_accounts()[3:6], Barrier(3)
    outcomes: dict[str, list[object]] = {}

    def run(place: int) -> None:
        signer = signers[place]
        with connect(url, Path()) as network:
            engine = open_database(database)
            courier = Courier(network, Outbox(engine, network.identity()))
            barrier.wait()
            for purpose in purposes:
                wanted = Wanted(purpose, Call(signer.address, post.echo, purpose.encode()))
                outcomes.setdefault(purpose, []).append(courier.submit(wanted, signer))
            engine.dispose()

    threads = [Thread(target=run, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for found in outcomes.values():
        assert 1 == len({one.id for one in found if isinstance(one, InFlight)})
        assert 3 == len(found)
    courier = post.courier()
    keys: dict[str, Signer] = {signer.address: signer for signer in signers}
    while courier.attend(keys.get):
        pass
    assert sorted(purposes) == sorted(post.landed())
