"""Records behind an address: fetched whole, with a limit, and no secret of the address in any message."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec  # type: ignore[import-untyped,unused-ignore]
import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources import files
from pyoutcome.evidence.sources.records import StagedRecords, stage_records
from pyoutcome.evidence.sources.remote import without_secrets


@pytest.fixture(autouse=True)
def _store() -> Iterator[None]:
    store = fsspec.filesystem("memory")
    store.pipe({"/bucket/a.csv": b"id\n1\n", "/bucket/b.csv": b"id\n2\n", "/bucket/_SUCCESS": b""})
    yield
    store.rm("/bucket", recursive=True)


def stage(tmp_path: Path, url: str) -> StagedRecords:
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    return stage_records("raw", url, folder)


def test_a_file_a_folder_and_a_pattern_are_fetched(tmp_path: Path) -> None:
    one = stage(tmp_path, "memory://bucket/a.csv")
    assert (b"id\n1\n", ["a.csv"]) == (one.path.read_bytes(), [each.name for each in one.digest.files])
    for url in ("memory://bucket", "memory://bucket/", "memory://bucket/*.csv"):
        both = stage(tmp_path, url)
        assert (b"id\n1\n2\n", ["a.csv", "b.csv"]) == (
            both.path.read_bytes(),
            [each.name for each in both.digest.files],
        )


def test_what_is_fetched_counts_as_if_it_lay_here(tmp_path: Path) -> None:
    for name, data in (("a.csv", b"id\n1\n"), ("b.csv", b"id\n2\n")):
        (tmp_path / name).write_bytes(data)
    here = stage_records("raw", [tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path)
    assert here.digest == stage(tmp_path, "memory://bucket/").digest


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("memory://bucket/absent.csv", "records-unreadable"),
        ("memory://bucket/*.none", "records-no-files"),
        ("file:///etc/passwd", "records-url"),
        ("local://etc/passwd", "records-url"),
        ("simplecache::memory://bucket/a.csv", "records-url"),
        ("zip://a.csv::memory://bucket/a.zip", "records-url"),
        ("memory://bucket/a.csv::file:///etc/passwd", "records-url"),
        ("github://x:y@z/a", "records-url"),
        ("nonsense://x", "records-url"),
    ],
)
def test_addresses_that_are_not_fetched(tmp_path: Path, url: str, code: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        stage(tmp_path, url)
    assert code == caught.value.code


def test_more_than_the_limit_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 4)
    with pytest.raises(EvidenceError, match="records-too-large"):
        stage(tmp_path, "memory://bucket/a.csv")
    monkeypatch.setattr(files, "MOST_FILES", 1)
    with pytest.raises(EvidenceError, match="records-too-many-files"):
        stage(tmp_path, "memory://bucket/")


def test_secrets_of_an_address_are_in_no_message(tmp_path: Path) -> None:
    address = "https://user:hunter2@127.0.0.1:9/a.csv?X-Amz-Signature=abc#frag"
    assert "https://127.0.0.1:9/a.csv" == without_secrets(address)
    with pytest.raises(EvidenceError) as caught:
        stage(tmp_path, address)
    error = caught.value
    assert error.__cause__ is None
    for secret in ("hunter2", "abc", "user"):
        assert secret not in f"{error} {error.details}"


def test_names_of_a_store_become_harmless_file_names(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe({"/bucket/x/a%2f..;rm *.csv": b"id\n1\n", "/bucket/x/-rf.csv": b"id\n2\n"})
    staged = stage(tmp_path, "memory://bucket/x/")
    assert ["-rf.csv", "a_2f.._rm__.csv"] == sorted(each.name for each in staged.digest.files)


@pytest.mark.parametrize(("library", "url"), [("fsspec", "memory://bucket/a.csv"), ("s3fs", "s3://bucket/a.csv")])
def test_without_the_extra_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, url: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(EvidenceError) as caught:
        stage(tmp_path, url)
    assert "remote-extra-missing" == caught.value.code
    assert "pyoutcome[remote]" in caught.value.fix
