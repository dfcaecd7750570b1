"""Making an agreement file of one's own from a ready one: values are set in its text, and every comment stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pyoutcome.errors import PyoutcomeError, WorkspaceError, did_you_mean
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.finding import Finding
from pyoutcome.terms.loader import read_text
from pyoutcome.terms.tree import Plain, Text, Tree
from pyoutcome.workspace.files import licence_of
from pyoutcome.workspace.ready import Parameter, ReadyAgreement, Step


@dataclass(frozen=True)
class NewAgreement:
    """What was written."""

    name: str
    """Of the ready agreement it was made from."""
    file: Path
    records: Mapping[str, Path]
    """Copies of the sample records by source."""
    notices: tuple[Path, ...]
    """What says whose the real ones are; it goes wherever they go."""
    changed: Mapping[str, tuple[str, str]]
    """By parameter: the value it had, and the one that was set."""
    findings: tuple[Finding, ...]
    """What ``check`` says of the new file."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "from": self.name,
            "file": str(self.file),
            "records": {name: str(path) for name, path in self.records.items()},
            "notices": [str(path) for path in self.notices],
            "changed": {name: {"from": old, "to": new} for name, (old, new) in self.changed.items()},
            "findings": [
                {"severity": each.severity, "code": each.code, "why": each.why, "fix": each.fix}
                for each in self.findings
            ],
        }


def fill(ready: ReadyAgreement, values: Mapping[str, str]) -> str:
    """The text of the ready agreement with parameters set; all else stays, comments included.

    WorkspaceError ``parameter-unknown``, ``parameter-malformed``, ``parameter-out-of-range``, ``parameters-apart``.
    """
    known = ready.about.parameters
    text = ready.tree.source
    for name, given in values.items():
        if name not in known:
            raise WorkspaceError(
                "parameter-unknown",
                f"{ready.name} has no parameter {name[:60]!r}.",
                did_you_mean(name, known),
                parameter=name,
            )
        value = given.strip()
        _demand_fit(name, known[name], value)
        tree = read_text(text, ready.file.name)
        text = _replace(tree, known[name], value)
    _demand_bound(ready, values)
    return text


def write_new(
    ready: ReadyAgreement, out: Path, values: Mapping[str, str] | None = None, *, with_records: bool = False
) -> NewAgreement:
    """Writes an agreement of one's own, and beside it, in ``records/``, copies of the sample records if wanted.

    Nothing is written unless the agreement loads and checks; nothing is ever overwritten. WorkspaceError
    ``file-exists``, ``file-not-written`` and what ``fill`` raises; what a broken agreement raises.
    """
    values = values or {}
    text = fill(ready, values)
    agreement = Agreement.parse(text, str(out))
    findings = tuple(agreement.check())
    samples = ready.records if with_records else {}
    copies = {name: out.parent / "records" / path.name for name, path in samples.items()}
    notices = {path: out.parent / "records" / path.name for path in map(licence_of, samples.values()) if path}
    for target in (out, *copies.values(), *notices.values()):
        if target.exists() or target.is_symlink():
            raise WorkspaceError(
                "file-exists", f"{target} exists already.", "Name another file with --out: nothing is overwritten."
            )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for origin, target in [*((samples[name], target) for name, target in copies.items()), *notices.items()]:
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(origin, target)
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise WorkspaceError(
            "file-not-written",
            f"The agreement cannot be written to {out}: {error.strerror or error}.",
            "Name a file in a folder that you may write to.",
        ) from error
    changed = {name: (ready.default(name), value.strip()) for name, value in values.items()}
    return NewAgreement(ready.name, out, copies, tuple(notices.values()), changed, findings)


def _demand_fit(name: str, parameter: Parameter, value: str) -> None:
    if parameter.range is None:
        if not value or not value.isprintable() or len(value) > 200:
            _refuse(name, f"{value[:60]!r} is no name", "Write up to 200 visible characters on one line.")
        return
    try:
        measured = parameter.measure(value)
    except PyoutcomeError as error:
        _refuse(name, error.why.rstrip("."), error.fix)
    low, high = parameter.range
    if not parameter.measure(low) <= measured <= parameter.measure(high):
        raise WorkspaceError(
            "parameter-out-of-range",
            f"{name} is {value}, and sensible values go from {low} to {high}.",
            "Choose a value in that range; for another, edit the agreement file itself and run `pyoutcome check`.",
            parameter=name,
        )


def _demand_bound(ready: ReadyAgreement, values: Mapping[str, str]) -> None:
    """Parameters that follow others have the values that these ask for."""
    for name, parameter in ready.about.parameters.items():
        bound = parameter.follows
        if bound is None or not {name, bound.parameter} & set(values):
            continue
        own, other = (int(values.get(each, ready.default(each))) for each in (name, bound.parameter))
        if own != other + bound.by:
            raise WorkspaceError(
                "parameters-apart",
                f"{name} is {own} and {bound.parameter} is {other}, and {name} is always {bound.by} more than "
                f"{bound.parameter}.",
                f"Set both: {bound.parameter} to {own - bound.by}, or {name} to {other + bound.by}.",
                parameter=name,
            )


def _refuse(name: str, why: str, fix: str) -> NoReturn:
    raise WorkspaceError("parameter-malformed", f"{name}: {why}.", fix, parameter=name)


def _replace(tree: Tree, parameter: Parameter, value: str) -> str:
    """The file's text with one value in another's place, proven to change that value and nothing else."""
    found = tree.find(parameter.steps)
    written = json.dumps(value, ensure_ascii=False) if parameter.kind == "name" else value
    if isinstance(found, Text):
        lines = tree.source.split("\n")
        row, at = lines[found.place.line - 1], found.place.column - 1
        if found.style in ("'", '"'):
            length = _quoted_length(row[at:], found.style)
        else:
            length = len(found.value) if row[at:].startswith(found.value) else 0
        if length:
            lines[found.place.line - 1] = row[:at] + written + row[at + length :]
            text = "\n".join(lines)
            if read_text(text, tree.file).plain() == _changed(tree.plain(), parameter.steps, value):
                return text
    raise WorkspaceError(
        "parameter-not-settable",
        f"The agreement has no single value on one line at {parameter.path}.",
        "Edit the agreement file itself; and tell the makers of this example.",
    )


def _quoted_length(rest: str, quote: str) -> int:
    """Characters of a quoted value that starts here, its quotation marks included; 0 if it ends on another line."""
    at = 1
    while at < len(rest):
        if (quote == '"' and rest[at] == "\\") or (quote == "'" and rest[at : at + 2] == "''"):
            at += 2
        elif rest[at] == quote:
            return at + 1
        else:
            at += 1
    return 0


def _changed(plain: Plain, steps: tuple[Step, ...], value: str) -> Plain:
    """The plain tree with another value at a path."""
    if not steps:
        return value
    step, further = steps[0], steps[1:]
    if isinstance(plain, dict):
        key = list(plain)[step] if isinstance(step, int) else step
        return {name: _changed(each, further, value) if name == key else each for name, each in plain.items()}
    if isinstance(plain, list):
        return [_changed(each, further, value) if number == step else each for number, each in enumerate(plain)]
    return plain
