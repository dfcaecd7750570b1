"""What no single part of a file can see: whether its parts fit together. Every problem is found, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyoutcome.errors import AgreementError, PyoutcomeError, did_you_mean
from pyoutcome.terms.calendar import compute_periods
from pyoutcome.terms.clause_checks import Problem, clause_problems, limit_problems, settlement_problems
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import MOST_KPIS, Kpi
from pyoutcome.terms.measures import RecordSource
from pyoutcome.terms.naming import titles
from pyoutcome.terms.problems import Path, place
from pyoutcome.terms.tree import Tree

ROLES: Final = ("client", "arbitrator")
SECTIONS: Final = ("kpis", "terms", "define", "state", "clauses")
_SPECIAL: Final = ("each", "prime", "provider", "agreement", "settlement")


def find_problems(file: AgreementFile, tree: Tree) -> list[PyoutcomeError]:
    """All problems of a well-formed file, each with its place; empty if it can be lowered."""
    found = [place(problem, tree, path) for path, problem in _parts(file)]
    scope = Scope(file)
    for name in sorted(_SPECIAL):
        for section in SECTIONS:
            if name in getattr(file, section):
                special = AgreementError(
                    "reserved-word", f"{name!r} has a meaning of its own here.", "Choose another name for this."
                )
                found.append(place(special, tree, (section, name), key=True))
    for use in scope.uses():
        found += [place(problem, tree, use.path, key=use.key) for problem in scope.problems(use)]
    return found


def _parts(file: AgreementFile) -> Iterator[Problem]:
    yield from _parties(file)
    try:
        compute_periods(file.term)
    except AgreementError as error:
        yield ("term",), error
    yield from _names(file)
    for name, source in file.records.items():
        yield from _records(("records", name), source)
    count = 0
    for name, kpi in file.kpis.items():
        count += len(file.parties.providers) if kpi.per == "provider" else 1
        for key, problem in kpi.problems():
            yield ("kpis", name, *([key] if key else [])), problem
        if file.escrow is not None and kpi.if_missing == "refuse" and (kpi.better is None or kpi.range is None):
            yield (
                ("kpis", name, "if_missing"),
                AgreementError(
                    "missing-key",
                    "A period without evidence would have no value to settle with.",
                    "Add 'better: higher' or 'better: lower', so that the worst of the range is known, or write a "
                    "value.",
                    key="better",
                ),
            )
        yield from _measure(("kpis", name, "measure"), kpi, file)
    if count > MOST_KPIS:
        yield (
            ("kpis",),
            AgreementError(
                "wrong-count",
                f"A report would carry {count} KPI values.",
                f"The limit is {MOST_KPIS}; split the agreement.",
            ),
        )
    for name, clause in file.clauses.items():
        yield from clause_problems(name, clause, file)
    yield from limit_problems(("settlement",), file.settlement, file)
    yield from settlement_problems(file)


def _parties(file: AgreementFile) -> Iterator[Problem]:
    parties = file.parties
    if parties.quorum > len(parties.verifiers):
        yield (
            ("parties", "quorum"),
            AgreementError(
                "quorum-too-high",
                f"{parties.quorum} verifiers must sign, but there are only {len(parties.verifiers)}.",
                "Lower the quorum or add verifiers.",
            ),
        )
    for verifier in parties.verifiers:
        if verifier in parties.providers or verifier in ROLES:
            yield (
                ("parties", "verifiers", verifier),
                AgreementError(
                    "party-twice", f"{verifier!r} is the id of another party.", "Give every party an id of its own."
                ),
            )
    if parties.prime is not None and parties.prime not in parties.providers:
        yield (
            ("parties", "prime"),
            AgreementError(
                "unknown-party",
                f"There is no provider {parties.prime!r}.",
                did_you_mean(parties.prime, parties.providers),
            ),
        )
    yield from _lifecycle(file)
    for provider in parties.providers:
        if provider in (*ROLES, *_SPECIAL):
            yield (
                ("parties", "providers", provider),
                AgreementError(
                    "reserved-word",
                    f"{provider!r} has a meaning of its own here.",
                    "Choose another id for the provider.",
                ),
            )


def _lifecycle(file: AgreementFile) -> Iterator[Problem]:
    """Whether bonds, backups, breaches, fees and suppliers fit together."""
    parties, escrow = file.parties, file.escrow
    for name, kpi in file.kpis.items():
        if kpi.supplied_by not in (None, "client", *parties.providers):
            yield (
                ("kpis", name, "supplied_by"),
                AgreementError(
                    "unknown-party",
                    f"{kpi.supplied_by!r} supplies no evidence here.",
                    did_you_mean(str(kpi.supplied_by), ("client", *parties.providers)),
                ),
            )
    if escrow is None:
        return
    for provider, party in parties.providers.items():
        if party.backup is not None and escrow.breaches is None:
            yield (
                ("parties", "providers", provider, "backup"),
                AgreementError(
                    "missing-key",
                    "Nothing says when the backup may be called.",
                    "Add 'breaches: ...' under 'escrow' with the number of breaches in a row.",
                    key="breaches",
                ),
            )
    convenience = escrow.convenience
    for provider in convenience.fee if convenience else ():
        if provider not in parties.providers:
            yield (
                ("escrow", "convenience", "fee", provider),
                AgreementError(
                    "unknown-party", f"There is no provider {provider!r}.", did_you_mean(provider, parties.providers)
                ),
            )
    if convenience is not None and convenience.fee and convenience.by == "providers":
        yield (
            ("escrow", "convenience", "fee"),
            AgreementError(
                "bad-exit",
                "Only a notice of the client pays a fee, and it gives none.",
                "Delete one of the keys.",
            ),
        )
    if escrow.challenge is not None and escrow.challenge.ruling_within == 0:
        yield (
            ("escrow", "challenge", "ruling_within"),
            AgreementError("out-of-limits", "The arbitrator has no time to rule.", "Write a longer time."),
        )


def _names(file: AgreementFile) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for section in SECTIONS:
        for name in getattr(file, section):
            if name in owners:
                yield (
                    (section, name),
                    AgreementError(
                        "name-twice",
                        f"{name!r} is also the name of something under '{owners[name]}'.",
                        "Give every KPI, term, definition, state and clause a name of its own.",
                        name=name,
                    ),
                )
            owners.setdefault(name, section)
    spoken: dict[str, str] = {}
    for section, name, title in titles(file):
        first = spoken.setdefault(title.casefold(), name)
        if first != name and owners[name] == section:
            yield (
                (section, name),
                AgreementError(
                    "title-twice",
                    f"{name!r} and {first!r} would both be called {title!r} in the legal text.",
                    "Give one of them another title.",
                    name=name,
                ),
            )
    for name, kpi in file.kpis.items():
        for position, label in enumerate(kpi.choices or ()):
            if label in owners:
                yield (
                    ("kpis", name, "choices", position),
                    AgreementError(
                        "name-twice",
                        f"The label {label!r} is also the name of something under '{owners[label]}'.",
                        "Choose another label.",
                        name=label,
                    ),
                )


def _records(path: Path, source: RecordSource) -> Iterator[Problem]:
    for name, column in source.columns.items():
        decimal = column.type == "decimal"
        if decimal and column.digits is None:
            yield (
                (*path, "columns", name),
                AgreementError(
                    "missing-key", "A decimal column needs its number of digits.", "Add 'digits: ...'.", key="digits"
                ),
            )
        elif decimal and column.digits is not None and column.scale > column.digits:
            yield (
                (*path, "columns", name, "scale"),
                AgreementError(
                    "bad-column", "More digits behind the point than digits at all.", "Count all digits under 'digits'."
                ),
            )
        elif not decimal and (column.digits is not None or column.scale):
            yield (
                (*path, "columns", name),
                AgreementError(
                    "bad-column",
                    f"A {column.type} column has no digits.",
                    "Delete 'digits' and 'scale', or use decimal.",
                ),
            )
    for position, name in enumerate(source.key):
        if name not in source.columns:
            yield (*path, "key", position), _no_column(name, source)
        elif name in source.key[:position]:
            yield (
                (*path, "key", position),
                AgreementError("bad-column", f"The column {name!r} stands twice in the key.", "Name it once."),
            )


def _no_column(name: str, source: RecordSource) -> AgreementError:
    return AgreementError(
        "unknown-column", f"The records have no column {name!r}.", did_you_mean(name, source.columns), name=name
    )


def _measure(path: Path, kpi: Kpi, file: AgreementFile) -> Iterator[Problem]:
    measure = kpi.measure
    if measure is None:
        return
    if kpi.choices is not None or kpi.type != "number":
        yield (
            path,
            AgreementError(
                "bad-measure",
                "Only a number can be measured as a ratio or a count.",
                "Delete the measure or the KPI's type.",
            ),
        )
    source = file.records.get(measure.records)
    if source is None:
        yield (
            (*path, "records"),
            AgreementError(
                "unknown-records",
                f"There are no records called {measure.records!r}.",
                did_you_mean(measure.records, file.records),
            ),
        )
        return
    anchor = source.columns.get(measure.anchor)
    if anchor is None:
        yield (*path, "anchor"), _no_column(measure.anchor, source)
    elif anchor.type not in ("instant", "wall"):
        yield (
            (*path, "anchor"),
            AgreementError(
                "bad-measure",
                f"The column {measure.anchor!r} holds no times.",
                "Name a column of type instant or wall.",
            ),
        )
    if measure.provider is None and kpi.per == "provider":
        yield (
            path,
            AgreementError(
                "missing-key",
                "A KPI per provider needs the column that names the provider.",
                "Add 'provider: ...' with its name.",
                key="provider",
            ),
        )
    elif measure.provider is not None and kpi.per == "agreement":
        yield (
            (*path, "provider"),
            AgreementError(
                "bad-measure",
                "A KPI of the whole agreement has no provider column.",
                "Delete the key or add 'per: provider'.",
            ),
        )
    elif measure.provider is not None and measure.provider not in source.columns:
        yield (*path, "provider"), _no_column(measure.provider, source)
    elif measure.provider is not None and source.columns[measure.provider].type != "text":
        yield (
            (*path, "provider"),
            AgreementError(
                "bad-measure",
                f"The column {measure.provider!r} holds no text.",
                "Name a text column with provider ids.",
            ),
        )
