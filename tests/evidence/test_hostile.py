"""What somebody could give us to make us read, write, run or wait for something: all of it is refused, and nothing
happens.

One table of expressions and one of files. Each entry is refused with its code, a reason and a remedy, without a new
file in the working folder, the home or the folder for temporary files, without the network, and before any time limit.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.measures.expressions import parse_condition, parse_value
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.sources.records import stage_records
from pyoutcome.evidence.staged import Given
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import agree
from tests.evidence.hostile import COLUMNS, EXPRESSIONS, FILES, GOOD, PLACES, Made, archive

STATED = [(kind, text, code) for kind, held in EXPRESSIONS.items() for text, code in held]
GIVEN = [(kind, what, name, data, code) for kind, held in FILES.items() for what, name, data, code in held]


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for hostile files; nothing may change in any other folder, and nobody may go to the network."""
    watched = tmp_path / "watched"
    for name in ("home", "work", "temporary"):
        (watched / name).mkdir(parents=True)
        (watched / name / "mine").write_text("untouched")
    monkeypatch.chdir(watched / "work")
    monkeypatch.setenv("HOME", str(watched / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(watched / "temporary"))
    reached: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: reached.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **_: reached.append(asked))
    before = snapshot(watched)
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    yield hostile
    assert before == snapshot(watched)
    assert [] == reached


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def test_there_are_at_least_sixty_of_each() -> None:
    assert len({text for _, text, _ in STATED}) >= 60
    assert len({(what, name) for _, what, name, *_ in GIVEN}) + len({what for what, *_ in PLACES}) >= 60


@pytest.mark.parametrize(("kind", "text", "code"), STATED, ids=[f"{kind}-{n}" for n, (kind, *_) in enumerate(STATED)])
@pytest.mark.usefixtures("quiet")
def test_an_expression_is_refused_before_any_engine_is_there(
    kind: str, text: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kind in EXPRESSIONS
    engines: list[object] = []
    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: engines.append(text))
    with pytest.raises(EvidenceError) as caught:
        parse_condition(text, COLUMNS, "kpis.k.measure.where")
    assert code == caught.value.code
    assert "kpis.k.measure.where" in caught.value.why
    assert caught.value.fix
    with pytest.raises(EvidenceError):
        parse_value(text, COLUMNS, "kpis.k.measure.value")
    assert [] == engines


def of_form(name: str) -> Agreement:
    form = name.rpartition(".")[2]
    return agree(form="csv" if form == "zip" else form)


@pytest.mark.parametrize(("kind", "what", "name", "data", "code"), GIVEN, ids=[f"{a}-{b}" for a, b, *_ in GIVEN])
def test_a_file_is_refused(quiet: Path, kind: str, what: str, name: str, data: Made, code: str) -> None:
    path = quiet / name
    path.write_bytes(data if isinstance(data, bytes) else data())
    with pytest.raises(EvidenceError) as caught:
        Recomputation.read(of_form(name), {"flights": path})
    assert code == caught.value.code, (kind, what, caught.value.why)
    assert caught.value.why
    assert caught.value.fix
    assert [path] == list(quiet.iterdir())


@pytest.mark.parametrize(("what", "place", "code"), PLACES, ids=[what for what, *_ in PLACES])
def test_a_place_is_refused(quiet: Path, what: str, place: Callable[[Path], Given], code: str) -> None:
    given = place(quiet)
    before = sorted(quiet.rglob("*"))
    with pytest.raises(EvidenceError) as caught:
        Recomputation.read(agree(), {"flights": given})
    assert code == caught.value.code, (what, caught.value.why)
    assert caught.value.fix
    assert before == sorted(quiet.rglob("*"))


@pytest.mark.parametrize("name", ["../../up.csv", "/absolute.csv", "C:\\x.csv", "a\\..\\b.csv", "con"])
def test_a_name_inside_an_archive_is_only_a_name(quiet: Path, name: str) -> None:
    path = quiet / "in.zip"
    path.write_bytes(archive((name, GOOD)))
    target = quiet / "copy"
    target.mkdir()
    staged = stage_records("flights", path, target, agree().records["flights"])
    assert GOOD == staged.path.read_bytes()
    assert [staged.path] == list(target.iterdir())
    assert [target, path] == sorted(quiet.iterdir())
