"""From what a model refuses to errors with a place in the file; no error of pydantic's own leaves this package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from pyoutcome.errors import AgreementError, PyoutcomeError, Where, did_you_mean
from pyoutcome.formula.words import list_words
from pyoutcome.terms.pointing import excerpt, locate_character
from pyoutcome.terms.tree import Table, Text, Tree

Path = tuple[str | int, ...]
"""Keys and list positions from the root of a file to a value."""
MOST: Final = 50
"""Problems reported together; more do not help anybody."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class UnknownKey:
    """Stands in a model's input for the value of a key the model does not have."""

    known: tuple[str, ...]


def refusing(read: Callable[_P, _T]) -> Callable[_P, _T]:
    """Lets a validator raise our own errors: pydantic carries them to where the place in the file is known."""

    @wraps(read)
    def carried(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return read(*args, **kwargs)
        except PyoutcomeError as error:
            raise PydanticCustomError("pyoutcome", "refused", {"refusal": error}) from error

    return carried


def given_way(part: object, ways: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The one of some sets of keys that a part gives, whole and nothing of the others; None if it does not."""
    given = {key for way in ways for key in way if getattr(part, key) is not None}
    return next((way for way in ways if set(way) == given), None)


def demand_one(part: object, ways: Sequence[tuple[str, ...]], what: str, fix: str) -> str:
    """The one of some keys that a part gives; refused if it gives none or several.

    Args:
        part: What was read; a key that it does not give is None.
        ways: The keys of which exactly one is to be given, each as the only one of its way.
        what: The part in the words of a sentence.
        fix: What to do, which is for the part to say.
    """
    keys = [key for (key,) in ways]
    given = [key for key in keys if getattr(part, key) is not None]
    if len(given) != 1:
        possible = list_words(keys)
        raise AgreementError(
            "one-key-needed",
            f"{what} needs exactly one of {possible}, this has {list_words(given) or 'none'}.",
            fix,
        )
    return given[0]


def raise_problems(problems: Sequence[PyoutcomeError]) -> NoReturn:
    """Raise the first problem in the order of the file; its detail ``further`` holds the others."""
    ordered = sorted(problems, key=lambda problem: _position(problem.where))
    first = ordered[0]
    if ordered[1:]:
        first.details["further"] = tuple(ordered[1:MOST])
    raise first


def problems_of(error: PyoutcomeError) -> tuple[PyoutcomeError, ...]:
    """All problems of a file, the raised one first."""
    further = error.details.get("further", ())
    return (error, *further) if isinstance(further, tuple) else (error,)


def _position(where: Where | None) -> tuple[int, int]:
    return (where.line or 0, where.column or 0) if where else (0, 0)


def translate(error: ValidationError, tree: Tree) -> list[PyoutcomeError]:
    """Every complaint of a model as an error of ours with its place.

    Where a map has a key it does not know, what it lacks is left out: the unknown key is most likely its misspelling.
    """
    details = error.errors(include_url=False)
    misspelt = {detail["loc"][:-1] for detail in details if detail["type"] == "extra_forbidden"}
    inside = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    told = [
        each
        for each in details
        if not (each["type"] == "missing" and each["loc"][:-1] in misspelt)
        # A list whose entries are wrong is not too short as well.
        and not (each["type"] == "too_short" and each["loc"] in inside)
    ]
    return [_translate(detail, tree) for detail in told[:MOST]]


def _translate(detail: ErrorDetails, tree: Tree) -> PyoutcomeError:
    path = _path(detail["loc"], tree)
    context: dict[str, Any] = detail.get("ctx", {})
    refusal = context.get("refusal")
    if isinstance(refusal, PyoutcomeError):
        inside = refusal.details.pop("inside", ())
        path = (*path, *inside) if isinstance(inside, tuple) else path
        return place(refusal, tree, path, key=detail["loc"][-1:] in (("[key]",), ("head",)))
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(detail, tree, path)
    if kind == "missing":
        key = str(detail["loc"][-1])
        return AgreementError(
            "missing-key", f"{key!r} is missing here.", f"Add the line '{key}: ...'.", where=tree.where(path), key=key
        )
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _bad_kind(detail, tree, path)
    if kind in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        given = str(detail["input"])
        return AgreementError(
            "unknown-word", f"{_short(given)} is not possible here.", did_you_mean(given, known), where=tree.where(path)
        )
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = context.get("ge", context.get("le"))
        word = "least" if kind == "greater_than_equal" else "most"
        return AgreementError(
            "out-of-limits",
            f"{_short(str(detail['input']))} is outside the limits of this value.",
            f"It must be at {word} {limit}.",
            where=tree.where(path),
        )
    if kind in ("too_short", "too_long"):
        limit = context.get("min_length", context.get("max_length"))
        word = "few" if kind == "too_short" else "many"
        given = detail["input"]
        # The length is not told of what is counted only up to the limit.
        found = len(given) if isinstance(given, Sized) else context.get("actual_length", "more")
        return AgreementError(
            "wrong-count",
            f"There are too {word} entries here: {found}.",
            f"The limit is {limit}.",
            where=tree.where(path),
        )
    return AgreementError(
        "wrong-shape",
        f"This is {_shape(detail['input'])}, but {_EXPECTED.get(kind, 'something else')} belongs here.",
        "Compare the place with the same key in an example.",
        where=tree.where(path),
    )


_EXPECTED: Final = {
    "model_type": "a map of keys and values",
    "model_attributes_type": "a map of keys and values",
    "dict_type": "a map of keys and values",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "one text",
}


def _shape(value: object) -> str:
    if isinstance(value, dict):
        return "a map of keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    return _short(str(value)) if value else "empty"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


def _unknown_key(detail: ErrorDetails, tree: Tree, path: Path) -> AgreementError:
    key = str(detail["loc"][-1])
    where = tree.where(path, key=True)
    unknown = detail["input"]
    known: tuple[str, ...] = ()
    if isinstance(unknown, UnknownKey):
        known = unknown.known
    return AgreementError(
        "unknown-key", f"{_short(key)} is not a key of this place.", did_you_mean(key, known), where=where, key=key
    )


def _bad_kind(detail: ErrorDetails, tree: Tree, path: Path) -> AgreementError:
    known = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected_tags", "")))
    given = tree.find((*path, "kind"))
    if given is None:
        return AgreementError(
            "missing-key",
            "'kind' is missing here.",
            f"Add 'kind: ...' with one of: {', '.join(known)}." if known else "Add the line 'kind: ...'.",
            where=tree.where(path),
            key="kind",
        )
    where = tree.where((*path, "kind"))
    word = given.value if isinstance(given, Text) else ""
    return AgreementError("unknown-word", f"{_short(word)} is not a kind.", did_you_mean(word, known), where=where)


def _path(location: Iterable[str | int], tree: Tree) -> Path:
    """A model's location without the union tags that pydantic puts into it."""
    path: list[str | int] = []
    tagged = False
    for part in location:
        here = tree.find(path)
        kind = here.values.get("kind") if isinstance(here, Table) else None
        if not tagged and isinstance(kind, Text) and kind.value == part:
            tagged = True
            continue
        tagged = False
        if isinstance(part, str) and part.startswith("("):
            continue  # a tag of a union, which no key can be
        path.append(part)
    while path and tree.find(path) is None:
        path.pop()
    return tuple(path)


def place(error: PyoutcomeError, tree: Tree, path: Path, *, key: bool = False) -> PyoutcomeError:
    """The error with its place in the file: of the character itself, with its line, where a formula says which one."""
    where = tree.where(path, key=key)
    text, at = tree.find(path), error.details.get("at")
    if isinstance(text, Text) and isinstance(at, int) and not key:
        formula = str(error.details.get("formula", text.value))
        lead = len(text.value) - len(text.value.lstrip()) if formula != text.value[: len(formula)] else 0
        # Of a value that holds a formula among other words, the formula's characters are not the value's.
        if text.value[lead:].startswith(formula):
            found = locate_character(tree.source, text, at + lead)
            where = Where(where.file, found.line, found.column, where.path)
            said = error.details.setdefault("said", error.why)
            error.why = f"{said}{excerpt(tree.source.split(chr(10))[found.line - 1], found.column)}"
    error.where = where
    return error
