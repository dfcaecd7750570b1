"""An agreement file with one thing changed: a value, a key of a table, an entry left out or two exchanged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from pyoutcome.errors import PyoutcomeError
from pyoutcome.formula import parse, to_text
from tests.formula.mutations import mutants

_CHOICES = (
    ("higher", "lower"), ("provider", "client", "nobody"), ("provider", "agreement"), ("all", "first"), ("sum", "min"),
    ("cliff", "excess"), ("yes", "no"), ("percent", "number"), ("number", "yes_no"), ("at_least", "at_most"),
    ("month", "quarter", "day", "week", "year"), ("half_up", "half_even", "up", "down", "floor", "ceil"),
    ("each", "prime"), ("instant", "wall"), ("text", "boolean"), ("UTC", "Europe/Berlin", "America/New_York"),
    ("curve", "step"), ("under", "over"), ("A", "B"),
)  # fmt: skip
_EDGES = ("at_least", "above", "at_most", "below", "upto", "next")
_NUMBER = re.compile(r"[0-9][0-9_]*(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Alteration:
    """One change of a file."""

    path: tuple[str | int, ...]
    change: Any
    """The new value; a ``Key`` is another name for the last part of the path; None leaves it out."""

    @property
    def where(self) -> str:
        """The keys to the change, joined by dots."""
        return ".".join(map(str, self.path))

    def apply(self, text: str) -> str:
        """The text of the changed file; it need not be an agreement any more."""
        data = read_texts(text)
        *way, last = self.path
        here = data
        for part in way:
            here = here[part]
        if isinstance(self.change, Key):
            kept = [(self.change.name if key == last else key, value) for key, value in here.items()]
            here.clear()
            here.update(kept)
        elif self.change is None:
            del here[last]
        else:
            here[last] = self.change
        return str(yaml.dump(data, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False))


def alterations(text: str) -> list[Alteration]:
    """Every change of a file that is tried."""
    return [Alteration(path, change) for path, change in _changes(read_texts(text))]


def read_texts(text: str) -> Any:
    """A file as maps and lists of texts."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts


class Key:
    """A key by another name."""

    def __init__(self, name: str) -> None:
        self.name = name


def _changes(here: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(here, dict):
        for key, value in here.items():
            yield (*path, key), None
            if key.split()[0] in _EDGES and len(key.split()) > 1:
                yield from (((*path, key), Key(each)) for each in _other_heads(key))
            yield from _changes(value, (*path, key))
    elif isinstance(here, list):
        for at, value in enumerate(here):
            yield (*path, at), None
            if at and path and here[at - 1] != value:
                yield path, [*here[: at - 1], value, here[at - 1], *here[at + 1 :]]
            yield from _changes(value, (*path, at))
    else:
        yield from ((path, each) for each in _other_texts(here) if each != here)


def _other_heads(key: str) -> Iterator[str]:
    word, _, at = key.partition(" ")
    yield from (f"{each} {at}" for each in _EDGES if each != word)
    yield f"{word} {_raised(at)}"


def _raised(text: str) -> str:
    """The first number of a text a little greater."""

    def more(found: re.Match[str]) -> str:
        number = found[0].replace("_", "")
        return f"{number}1" if "." in number else str(int(number) + 1)

    return _NUMBER.sub(more, text, count=1)


def _other_texts(text: str) -> Iterator[str]:
    yield from (each for words in _CHOICES if text in words for each in words)
    if _NUMBER.search(text):
        yield _raised(text)
    yield f"{text}x"
    yield f"not {text}"
    try:
        tree = parse(text)
    except PyoutcomeError:
        return
    yield from map(to_text, list(mutants(tree, ()))[:40])
