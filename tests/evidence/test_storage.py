"""Where evidence is kept: one behaviour for a folder and for object stores."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped,unused-ignore]
import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle, make_bundle
from pyoutcome.evidence.bundles.filing import fetch_bundle, find_bundles, keep_bundle, read_bundle
from pyoutcome.evidence.bundles.storage import FolderStorage, ObjectStorage, Storage, open_storage
from pyoutcome.evidence.recomputation import Recomputation
from tests.evidence.deal import KEYS, agree, write_records


@pytest.fixture(params=["folder", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield open_storage(tmp_path / "deals" / "evidence")
        return
    yield open_storage("memory://bucket/deals/one/")
    store = fsspec.filesystem("memory")
    if store.exists("/bucket"):
        store.rm("/bucket", recursive=True)


def code(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        call(*arguments, **named)
    return caught.value.code


def test_what_is_put_is_there(storage: Storage) -> None:
    assert ([], None) == (storage.names(), storage.get("a.json", 10))
    storage.put("b.json", b"two")
    storage.put("a.json", b"")
    assert ["a.json", "b.json"] == storage.names()
    assert (b"", b"two") == (storage.get("a.json", 10), storage.get("b.json", 10))
    assert storage.place("a.json").endswith("a.json")


def test_the_same_bytes_may_come_again_and_others_may_not(storage: Storage) -> None:
    storage.put("a.json", b"one")
    storage.put("a.json", b"one")
    for other in (b"two", b"on", b"one1", b""):
        assert "evidence-exists" == code(storage.put, "a.json", other)
    assert b"one" == storage.get("a.json", 10)
    storage.put("a.json", b"two", replace=True)
    assert (["a.json"], b"two") == (storage.names(), storage.get("a.json", 10))


def test_no_more_is_read_than_the_limit(storage: Storage) -> None:
    storage.put("a.json", b"12345")
    assert b"12345" == storage.get("a.json", 5)
    assert "storage-too-large" == code(storage.get, "a.json", 4)


@pytest.mark.parametrize("name", ["", ".", "..", "../a.json", "a/b", "a\\b", ".hidden", "a\0b", "x" * 201])
def test_a_name_is_a_plain_file_name(storage: Storage, name: str) -> None:
    assert "storage-name" == code(storage.put, name, b"1")
    assert "storage-name" == code(storage.get, name, 1)


def test_of_many_that_put_different_bytes_at_once_one_is_kept(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    refused: list[bytes] = []
    start = threading.Barrier(8)

    def put(data: bytes) -> None:
        start.wait()
        try:
            storage.put("a.json", data)
        except EvidenceError:
            refused.append(data)

    threads = [threading.Thread(target=put, args=(b"%d" % number * 1000,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = storage.get("a.json", 10_000)
    assert ["a.json"] == storage.names()
    assert 7 == len(refused)
    assert kept not in refused


# Bundles in it


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = write_records(tmp_path_factory.mktemp("records") / "in.csv", [{}])
    measured = Recomputation.read(agree(), {"flights": path}).measured(1)
    return make_bundle(agree(), measured, "UA", KEYS["UA"], bytes(32))


def test_bundles_are_found_by_period_and_agreement(storage: Storage, bundle: Bundle) -> None:
    second = replace(bundle, period=2)
    foreign = replace(bundle, period=2, supplier="B6", agreement_digest=bytes(32))
    for held in (bundle, second, foreign):
        assert keep_bundle(held, storage).endswith(f"period-0{held.period}.{held.supplier}.json")
    storage.put("period-02.UA.proof-flights-1.json", b"{}")
    storage.put("notes.txt", b"none of ours")
    assert [bundle, foreign, second] == find_bundles(storage)
    assert [foreign, second] == find_bundles(storage, period=2)
    assert [bundle, second] == find_bundles(storage, agreement=agree().digest())
    assert [] == find_bundles(storage, agreement=bytes(32), period=1)
    assert (second, None) == (fetch_bundle(storage, 2, "UA"), fetch_bundle(storage, 3, "UA"))


def test_another_bundle_is_not_written_over_the_one_that_is_there(storage: Storage, bundle: Bundle) -> None:
    other = replace(bundle, salt=bytes(31) + b"1")
    keep_bundle(bundle, storage)
    keep_bundle(bundle, storage)
    assert "evidence-exists" == code(keep_bundle, other, storage)
    assert bundle == fetch_bundle(storage, 1, "UA")
    keep_bundle(other, storage, replace=True)
    assert other == fetch_bundle(storage, 1, "UA")


def test_a_bundle_is_read_by_its_place(storage: Storage, bundle: Bundle) -> None:
    place = keep_bundle(bundle, storage)
    assert bundle == read_bundle(place)
    with pytest.raises(EvidenceError, match="bundle-unreadable"):
        read_bundle(place.replace("UA", "B6"))


# A folder


def test_a_file_comes_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = FolderStorage(tmp_path / "evidence")
    storage.put("a.json", b"one")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(EvidenceError, match="No space left on device"):
        storage.put("b.json", b"two")
    assert "storage-failed" == code(storage.put, "a.json", b"two", replace=True)
    assert ["a.json"] == [each.name for each in storage.folder.iterdir()]
    assert b"one" == storage.get("a.json", 10)


def test_a_file_system_without_links_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    storage = FolderStorage(tmp_path / "evidence")
    storage.put("a.json", b"one")
    storage.put("a.json", b"one")
    assert "evidence-exists" == code(storage.put, "a.json", b"two")
    assert (["a.json"], b"one") == ([each.name for each in storage.folder.iterdir()], storage.get("a.json", 10))


def test_what_is_no_folder_or_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "evidence" / "a.json").mkdir(parents=True)
    assert "storage-failed" == code(FolderStorage(tmp_path / "file").names)
    assert "storage-failed" == code(FolderStorage(tmp_path / "file").put, "a.json", b"1")
    assert "storage-failed" == code(FolderStorage(tmp_path / "evidence").get, "a.json", 1)
    assert [] == FolderStorage(tmp_path / "evidence").names()


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc",
        "local://etc",
        "https://example.org/evidence",
        "simplecache::memory://bucket",
        "memory://bucket::file:///etc",
        "github://x:y@z/a",
        "nonsense://x",
        "ssh://user:hunter2@host/path",
        "s3://bucket/path?secret=hunter2",
        "s3://bucket/path#hunter2",
    ],
)
def test_addresses_at_which_nothing_is_kept(address: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        open_storage(address)
    assert "storage-address" == caught.value.code
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("library", "address"), [("fsspec", "memory://bucket"), ("s3fs", "s3://bucket/path")])
def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, library: str, address: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(EvidenceError) as caught:
        open_storage(address)
    assert "remote-extra-missing" == caught.value.code
    assert "pyoutcome[remote]" in caught.value.fix


def test_an_error_of_a_store_is_told_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage("memory://bucket/deals")
    assert isinstance(storage, ObjectStorage)

    class Broken:
        def __getattr__(self, name: str) -> Any:
            def fail(*_: object, **__: object) -> None:
                raise PermissionError("https://user:hunter2@store/bucket is forbidden")

            return fail

    monkeypatch.setattr(storage, "_system", Broken())
    for call in (
        lambda: storage.names(),
        lambda: storage.get("a.json", 10),
        lambda: storage.put("a.json", b"1"),
        lambda: storage.put("a.json", b"1", replace=True),
    ):
        with pytest.raises(EvidenceError, match=r"memory://bucket/deals.*PermissionError") as caught:
            call()
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_store_that_cannot_create_only_what_is_absent_is_asked_first_and_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It writes over what came between: then whoever lost is told."""
    storage = open_storage("memory://bucket/race")
    assert isinstance(storage, ObjectStorage)
    store = fsspec.filesystem("memory")
    plain = type(store).pipe_file

    def overtaken(self: Any, path: str, value: bytes, **_: str) -> None:
        plain(self, path, value)
        plain(self, path, b"of another")

    monkeypatch.setattr(type(store), "pipe_file", overtaken)
    assert "evidence-exists" == code(storage.put, "a.json", b"mine")
    store.rm("/bucket", recursive=True)
