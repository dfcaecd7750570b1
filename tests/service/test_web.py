"""The keeper over HTTP: nobody without a key, each key for what it is good for, and only whole files in the inbox."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped,unused-ignore]
import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyoutcome.errors import SettlementError
from pyoutcome.service.configuration import Http, Setup
from pyoutcome.service.letterboxes import open_letterbox
from pyoutcome.service.metrics import CONTENT_TYPE, Figures
from pyoutcome.service.running import open_keeper
from pyoutcome.service.web import Door, Keys, serving
from tests.service.deals import ENDS, make_deal, write_keeper
from tests.service.keeping import keep, password

MOST = 1000


class Told:
    def agreements(self) -> Collection[str]:
        return ("arrivals", "parcels")

    def status(self) -> list[dict[str, object]]:
        return [{"agreement": name, "period": 1} for name in self.agreements()]

    def metrics(self) -> bytes:
        return b"# EOF\n"


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    keys = {
        "airline": {"key": "env:AIRLINE", "agreements": ["arrivals"], "may": ["evidence", "records"]},
        "operator": {"key": "env:OPERATOR", "agreements": ["all"], "may": ["read"]},
        "shop": {"key": "env:SHOP", "agreements": ["parcels"], "may": ["read", "reports"]},
    }
    for name in keys:
        monkeypatch.setenv(name.upper(), f"the key of {name}")
    return Setup.load(write_keeper(tmp_path, {"inbox": "inbox", "http": {"port": 0, "keys": keys}}))


@contextmanager
def serve(setup: Setup, inbox: Path | str) -> Iterator[httpx.Client]:
    http = setup.configuration.http
    assert http is not None
    with (
        serving(Door(open_letterbox(inbox), Keys.read(setup, http), MOST, Told()).app(), http) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as made,
    ):
        yield made


@pytest.fixture
def inbox(setup: Setup) -> Path:
    assert isinstance(setup.inbox, Path)
    return setup.inbox


@pytest.fixture
def client(setup: Setup, inbox: Path) -> Iterator[httpx.Client]:
    with serve(setup, inbox) as made:
        yield made


def by(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer the key of {name}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer the key of nobody"},
        {"Authorization": "Basic the key of operator"},
        {"Authorization": "the key of operator"},
        {"Authorization": "Bearer the key of operator2"},
    ],
)
def test_without_a_key_nothing_is_told_or_taken(client: httpx.Client, headers: dict[str, str]) -> None:
    assert 401 == client.get("/status", headers=headers).status_code
    assert 401 == client.get("/metrics", headers=headers).status_code
    assert 401 == client.post("/agreements/arrivals/evidence", content=b"{}", headers=headers).status_code
    assert 200 == client.get("/health").status_code


def test_a_key_is_good_for_what_it_names_and_nothing_else(client: httpx.Client) -> None:
    post = [("airline", "arrivals", "evidence"), ("shop", "parcels", "reports")]
    for name in ("airline", "operator", "shop"):
        for agreement in ("arrivals", "parcels", "unknown"):
            for kind in ("evidence", "reports"):
                answer = client.post(f"/agreements/{agreement}/{kind}", content=b"{}", headers=by(name))
                assert (202 if (name, agreement, kind) in post else 403) == answer.status_code
    assert 403 == client.get("/status", headers=by("airline")).status_code
    assert ["arrivals", "parcels"] == [
        each["agreement"] for each in client.get("/status", headers=by("operator")).json()
    ]
    assert ["parcels"] == [each["agreement"] for each in client.get("/status", headers=by("shop")).json()]


@dataclass
class Place:
    """An inbox, and what looks into it."""

    inbox: Path | str
    store: Any
    root: str


@pytest.fixture(params=["folder", "object store"])
def place(request: pytest.FixtureRequest, inbox: Path) -> Iterator[Place]:
    if request.param == "folder":
        yield Place(inbox, fsspec.filesystem("file"), str(inbox))
        return
    store = fsspec.filesystem("memory")
    yield Place("memory://posted", store, "/posted")
    store.rm("/posted", recursive=True)


def test_what_is_posted_lies_whole_in_the_inbox(setup: Setup, place: Place) -> None:
    with serve(setup, place.inbox) as client:
        for _ in range(2):
            answer = client.post("/agreements/arrivals/evidence", content=b'{"a": 1}', headers=by("airline"))
            assert 8 == answer.json()["received"]
        for path, file in (("flights.csv", "flights.csv"), ("01.csv?source=flights", "flights/01.csv")):
            client.post(f"/agreements/arrivals/records/{path}", content=b"x,y\n", headers=by("airline"))
            assert b"x,y\n" == place.store.cat_file(f"{place.root}/arrivals/records/{file}")
    found = place.store.find(f"{place.root}/arrivals/evidence")
    assert [b'{"a": 1}'] == [place.store.cat_file(path) for path in found]
    assert re.search(r"/[0-9a-f]{32}\.json$", found[0])


def test_records_keep_their_name_and_others_of_that_name_wait_until_they_are_taken(setup: Setup, place: Place) -> None:
    """Under another name they would be no records of the agreement, or the same ones a second time."""
    folder = f"{place.root}/arrivals/records"
    with serve(setup, place.inbox) as client:

        def post(data: bytes) -> int:
            to = "/agreements/arrivals/records/flights.csv"
            return client.post(to, content=data, headers=by("airline")).status_code

        assert [202, 202, 409, 409] == [post(b"x,y\n"), post(b"x,y\n"), post(b"x,z\n"), post(b"x,y\nz")]
        assert [f"{folder}/flights.csv"] == place.store.find(folder)
        assert b"x,y\n" == place.store.cat_file(f"{folder}/flights.csv")
        place.store.rm(f"{folder}/flights.csv")  # as the inbox does that takes it
        assert 202 == post(b"x,z\n")
        assert b"x,z\n" == place.store.cat_file(f"{folder}/flights.csv")


def test_of_different_records_posted_at_once_under_one_name_one_is_received(
    setup: Setup, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [b"x,%d\n" % number for number in range(8)]
    write = type(place.store).put_file

    def write_slowly(*given: Any, **named: Any) -> None:
        time.sleep(0.1)
        write(*given, **named)

    monkeypatch.setattr(type(place.store), "put_file", write_slowly)
    with serve(setup, place.inbox) as client, ThreadPoolExecutor(len(bodies)) as pool:
        to = "/agreements/arrivals/records/flights.csv"
        posts = [pool.submit(client.post, to, content=body, headers=by("airline")) for body in bodies]
        codes = [post.result().status_code for post in posts]
    assert [202, *[409] * 7] == sorted(codes)
    assert bodies[codes.index(202)] == place.store.cat_file(f"{place.root}/arrivals/records/flights.csv")


def test_too_much_is_refused_and_leaves_nothing(client: httpx.Client, inbox: Path) -> None:
    answer = client.post("/agreements/arrivals/evidence", content=b"x" * (MOST + 1), headers=by("airline"))
    assert 413 == answer.status_code
    assert [] == list((inbox / "arrivals" / "evidence").iterdir())


def test_what_the_store_does_not_keep_is_not_said_to_be_received(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("the secret of the address")

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "put_file", refuse)
    with serve(setup, "memory://posted") as client:
        answer = client.post("/agreements/arrivals/evidence", content=b"{}", headers=by("airline"))
    assert 507 == answer.status_code
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["..%2f..%2fx.csv", "%2e%2e", "a%00b.csv", ".hidden", "x.csv?source=..", "x.csv?source=a%2fb", "x.csv?source=.x"],
)
def test_no_name_leads_out_of_the_inbox(client: httpx.Client, setup: Setup, path: str) -> None:
    answer = client.post(f"/agreements/arrivals/records/{path}", content=b"x", headers=by("airline"))
    assert answer.status_code in (404, 405, 422)
    assert [] == [each for each in setup.folder.rglob("*") if each.is_file() and each.name != "keeper.yaml"]


def test_it_listens_and_stops_and_says_when_the_port_is_taken(setup: Setup) -> None:
    http = setup.configuration.http
    assert http is not None
    app = Door(None, Keys.read(setup, http), MOST, Told()).app()
    with serving(app, http) as port:
        assert {"status": "up"} == httpx.get(f"http://127.0.0.1:{port}/health").json()
        taken = Http.model_validate({"port": str(port)})
        with pytest.raises(SettlementError) as refused, serving(app, taken):
            pass
        assert "address-taken" == refused.value.code
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health")


def test_a_keeper_s_figures_are_open_metrics(tmp_path: Path) -> None:
    config = write_keeper(
        tmp_path,
        {"agreements": {"parcels": {"workspace": "deal", "as": ["client", "P1", "V1", "V2"], "pays": "client"}}},
    )
    with make_deal(tmp_path / "deal", "embedded") as deal:
        deal.network.advance_to(ENDS[0])
    keep(config)
    with open_keeper(Setup.load(config), password) as (keeper, dispatch):
        keeper.round()
        text = Figures(keeper, dispatch.outgoing).metrics().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    periods = {
        (each.labels["need"], each.labels["state"]): each.value for each in families["pyoutcome_periods"].samples
    }
    assert {("nothing", "done"): 1, ("period-end", "waiting"): 3} == periods
    assert [("embedded", 1)] == [(s.labels["network"], s.value) for s in families["pyoutcome_network_up"].samples]
    assert [1] == [each.value for each in families["pyoutcome_rounds"].samples]
    assert text.endswith("# EOF\n")
    assert "openmetrics" in CONTENT_TYPE
