"""The ready agreements that come with pyoutcome: what each is for, what can be set in it, and its sample records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from pyoutcome.decimals import parse
from pyoutcome.errors import AgreementError, WorkspaceError, did_you_mean
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.loader import read_file
from pyoutcome.terms.part import Part as Entry
from pyoutcome.terms.problems import raise_problems, refusing, translate
from pyoutcome.terms.scalars import Line, Whole, Word, YesNo
from pyoutcome.terms.tree import Text, Tree

FOLDER = Path(__file__).parents[1] / "examples"
"""The package's copy of the examples: a folder for each ready agreement."""
Step = str | int


class Follows(Entry):
    """That a parameter is another one and so many more."""

    parameter: Word
    by: Whole


class Parameter(Entry):
    """One value of the agreement that a user is expected to choose."""

    path: Line
    """Keys from the root of the agreement file, with dots between; a number counts list items from 0."""
    words: Line
    kind: Literal["number", "whole", "date", "name"] = "number"
    range: tuple[Line, Line] | None = None
    """The least and the greatest sensible value; a ``name`` has none."""
    follows: Follows | None = None
    """Of a ``whole``: that it is always another ``whole`` and so many more; who sets one sets both."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The path in steps."""
        return tuple(int(part) if part.isdecimal() else part for part in self.path.split("."))

    @model_validator(mode="after")
    @refusing
    def _has_a_range(self) -> Parameter:
        if (self.range is None) != (self.kind == "name"):
            raise AgreementError(
                "bad-about", "A name has no range, and everything else has one.", "Write 'range: [least, greatest]'."
            )
        if self.range is not None:
            low, high = (self.measure(end) for end in self.range)
            if low > high:
                raise AgreementError("bad-about", "The range ends before its start.", "Write the smaller value first.")
        return self

    def measure(self, text: str) -> int:
        """The value of a text as a number that can be compared. WorkspaceError ``parameter-malformed``; NumberError."""
        if self.kind == "date":
            try:
                return (
                    date.fromisoformat(text).toordinal() if len(text) == len("2026-01-31") else _malformed(self, text)
                )
            except ValueError:
                return _malformed(self, text)
        if self.kind == "whole":
            return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else _malformed(self, text)
        return parse(text)


def _malformed(parameter: Parameter, text: str) -> int:
    what, such = ("date", "2026-01-31") if parameter.kind == "date" else ("whole number", "12")
    raise WorkspaceError(
        "parameter-malformed", f"{text[:60]!r} is not a {what}.", f"Write it as {such}.", words=parameter.words
    )


class SampleRecords(Entry):
    """Where the sample records of one source come from."""

    words: Line
    synthetic: YesNo = False
    seed: Whole | None = None
    """Of the script that makes synthetic records."""
    source: Line | None = None
    licence: Line | None = None
    package: Line | None = None
    """The Python package that carries the records, and their path in it, where they are not in ``records/``."""

    @model_validator(mode="after")
    @refusing
    def _says_where_from(self) -> SampleRecords:
        made = self.seed is not None and self.source is None and self.licence is None
        real = self.seed is None and self.source is not None and self.licence is not None
        made = made and self.package is None
        if not (made if self.synthetic else real):
            raise AgreementError(
                "bad-about",
                "Sample records are synthetic with a seed, or real with a source and a licence.",
                "Write 'synthetic: yes' and 'seed', or 'source' and 'licence'.",
            )
        return self


class About(Entry):
    """What ``about.yaml`` says of a ready agreement."""

    title: Line
    field: Line
    purpose: Line
    use_when: Annotated[tuple[Line, ...], Field(min_length=1)]
    not_when: Annotated[tuple[Line, ...], Field(min_length=1)]
    practice: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Standards and customs of the field that the measures and payments follow, each with what follows it."""
    parameters: Annotated[dict[Word, Parameter], Field(min_length=1)]
    records: dict[Word, SampleRecords]
    accepts: Annotated[dict[Line, Line], Field(default_factory=dict)]
    """Warnings of ``check`` that stay, by code, each with the reason."""

    @model_validator(mode="after")
    @refusing
    def _follows_what_is_there(self) -> About:
        for name, each in self.parameters.items():
            first = self.parameters.get(each.follows.parameter) if each.follows else each
            if each.follows and (first is None or (first.kind, each.kind) != ("whole", "whole")):
                raise AgreementError(
                    "bad-about",
                    f"{name} follows {each.follows.parameter}, and both have to be parameters of kind 'whole'.",
                    "Correct 'follows' or delete it.",
                )
        return self

    @property
    def origin(self) -> str:
        """Whether the sample records are real."""
        made = {each.synthetic for each in self.records.values()}
        return "real" if made == {False} else "synthetic" if made == {True} else "real in part"


@dataclass(frozen=True)
class ReadyAgreement:
    """One ready agreement: a folder with ``agreement.yaml``, ``about.yaml`` and ``records/``."""

    name: str
    folder: Path

    @property
    def file(self) -> Path:
        """The agreement file."""
        return self.folder / "agreement.yaml"

    @cached_property
    def about(self) -> About:
        """What it is for. Raises what reading an agreement file raises."""
        return read_about(read_file(self.folder / "about.yaml"))

    @cached_property
    def tree(self) -> Tree:
        """The agreement file as a tree of texts."""
        return read_file(self.file)

    @cached_property
    def agreement(self) -> Agreement:
        """The agreement with its defaults."""
        return Agreement.load(self.file)

    @property
    def records(self) -> dict[str, Path]:
        """The files of sample records by source. WorkspaceError ``example-records-missing``."""
        return {
            name: _find_in(each.package) if each.package else self.folder / "records" / f"{name}.csv"
            for name, each in self.about.records.items()
        }

    def columns(self, source: str) -> list[str]:
        """The columns that the records of a source must have, as the records call them."""
        return [column.from_ or name for name, column in self.agreement.records[source].columns.items()]

    def default(self, parameter: str) -> str:
        """What the agreement says where a parameter stands."""
        found = self.tree.find(self.about.parameters[parameter].steps)
        if not isinstance(found, Text):
            raise AgreementError(
                "bad-about",
                f"The agreement has no single value at {self.about.parameters[parameter].path}.",
                "Correct the path of the parameter.",
                parameter=parameter,
            )
        return found.value

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        about = self.about
        return {
            "name": self.name,
            "field": about.field,
            "origin_of_records": about.origin,
            "title": about.title,
            "purpose": about.purpose,
            "use_when": list(about.use_when),
            "not_when": list(about.not_when),
            "practice": list(about.practice),
            "parameters": {
                name: {
                    "words": each.words,
                    "kind": each.kind,
                    "default": self.default(name),
                    "range": list(each.range) if each.range else None,
                    "path": each.path,
                    "follows": each.follows.model_dump() if each.follows else None,
                }
                for name, each in about.parameters.items()
            },
            "records": {
                name: {
                    "words": each.words,
                    "synthetic": each.synthetic,
                    "seed": each.seed,
                    "source": each.source,
                    "licence": each.licence,
                    "package": each.package,
                    "columns": self.columns(name),
                }
                for name, each in about.records.items()
            },
            "accepts": dict(about.accepts),
        }


def _find_in(package: str) -> Path:
    """A file that an installed package carries. The package is not imported: only its file is wanted."""
    name, _, path = package.partition("/")
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise WorkspaceError(
            "example-records-missing",
            "The real records of this example are not installed.",
            "Install them with `pip install 'pyoutcome[demo]'`.",
            package=name,
        )
    return Path(spec.submodule_search_locations[0]) / path


def read_about(tree: Tree) -> About:
    """What a loaded ``about.yaml`` says. AgreementError ``bad-about`` and those of any wrong key or value."""
    try:
        return About.model_validate(tree.plain())
    except ValidationError as error:
        problems = translate(error, tree)
    return raise_problems(problems)


def list_ready() -> list[ReadyAgreement]:
    """All ready agreements, by name."""
    return [ReadyAgreement(path.parent.name, path.parent) for path in sorted(FOLDER.glob("*/about.yaml"))]


def find_ready(name: str) -> ReadyAgreement:
    """The ready agreement of that name. WorkspaceError ``no-such-ready-agreement``."""
    known = {each.name: each for each in list_ready()}
    if name not in known:
        raise WorkspaceError(
            "no-such-ready-agreement",
            f"There is no ready agreement {name[:60]!r}.",
            f"{did_you_mean(name, known)} `pyoutcome new --list` tells what each is for.",
        )
    return known[name]
