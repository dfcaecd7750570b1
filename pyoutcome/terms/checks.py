"""What no single part of a file can see: whether its parts fit together. Every problem is found, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyoutcome.errors import AgreementError, PyoutcomeError, did_you_mean
from pyoutcome.terms.calendar import compute_periods
from pyoutcome.terms.clause_checks import Problem, clause_problems, limit_problems, settlement_problems
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import MOST_KPIS
from pyoutcome.terms.measure_checks import measure_problems, source_problems, window_problems
from pyoutcome.terms.naming import titles
from pyoutcome.terms.problems import place
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
        yield from source_problems(("records", name), source)
    yield from window_problems(file)
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
        yield from measure_problems(("kpis", name, "measure"), kpi, file)
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
    for path, problem in file.legal.problems() if file.legal is not None else ():
        yield ("legal", *path), problem


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
    if not file.kpis:
        yield (
            ("escrow",),
            AgreementError(
                "escrow-without-kpi",
                "An escrow settles a period on a report of KPI values, and this agreement has no KPI.",
                "Add what is reported under 'kpis', if only a yes or no that the work was accepted; or delete 'escrow' "
                "to have the rule by itself.",
            ),
        )
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
