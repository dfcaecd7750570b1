"""Whether each clause fits the rest of its file, and whether its limits leave anything to pay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyoutcome.decimals import ONE, show
from pyoutcome.errors import AgreementError, PyoutcomeError, did_you_mean
from pyoutcome.formula.syntax import Name, Node, Number
from pyoutcome.terms.adjustments import Adjustment
from pyoutcome.terms.clauses import AnyClause, FactorClause, IncentiveFee, JointCap
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.lowering import side_of
from pyoutcome.terms.problems import Path

Problem = tuple[Path, PyoutcomeError]


def clause_problems(name: str, clause: AnyClause, file: AgreementFile) -> Iterator[Problem]:
    """What is wrong with a clause among the others."""
    path: Path = ("clauses", name)
    yield from _payee(path, clause, file)
    yield from limit_problems((*path, "then"), clause.then, file)
    match clause:
        case JointCap():
            yield from _joint_cap(name, clause, file)
        case FactorClause(range=(low, high)):
            yield from _range((*path, "range"), (low, high), file)
        case IncentiveFee():
            yield from _incentive_fee(path, clause, file)
        case _:
            pass  # nothing to compare with other parts of the file


def _payee(path: Path, clause: AnyClause, file: AgreementFile) -> Iterator[Problem]:
    providers = file.parties.providers
    if clause.to == "prime" and file.parties.prime_provider is None:
        yield (
            (*path, "to"),
            AgreementError(
                "no-prime",
                "The agreement does not say which provider is the prime contractor.",
                "Add 'prime: ...' with its id under 'parties', or name the provider here.",
            ),
        )
    elif clause.to not in (None, "each", "prime") and clause.to not in providers:
        yield (
            (*path, "to"),
            AgreementError(
                "unknown-party",
                f"There is no provider {clause.to!r}.",
                did_you_mean(str(clause.to), (*providers, "each", "prime")),
            ),
        )
    elif clause.to not in (None, "each") and clause.for_each:
        yield (
            (*path, "to"),
            AgreementError(
                "unclear-payee",
                "The clause is written for every provider and names one.",
                "Delete 'per: provider' or 'to'.",
            ),
        )
    elif clause.to is None and not clause.for_each and len(providers) > 1 and clause.pays != "nobody":
        yield (
            path,
            AgreementError(
                "unclear-payee",
                "There are several providers, and the clause does not say whose account it concerns.",
                "Add 'per: provider' for all of them, or 'to: ...' for one.",
            ),
        )


def _joint_cap(name: str, clause: JointCap, file: AgreementFile) -> Iterator[Problem]:
    sides: list[str] = []
    for position, line in enumerate(clause.lines):
        said = line.name.split(".")[0] if isinstance(line, Name) else ""
        if said not in file.clauses or said == name:
            yield (
                ("clauses", name, "lines", position),
                AgreementError(
                    "unknown-line",
                    "A joint cap limits other clauses, and this is none.",
                    did_you_mean(said, [each for each in file.clauses if each != name]),
                ),
            )
        else:
            sides.append(side_of(file, said))
    if len(sides) < len(clause.lines):
        return
    if len(set(sides)) > 1 or "nobody" in sides:
        yield (
            ("clauses", name, "lines"),
            AgreementError(
                "lines-differ",
                f"The lines pay {', '.join(sides)}: together they are no sum that anyone pays.",
                "List lines that pay the same side.",
            ),
        )
    elif clause.pays != "nobody" and side_of(file, name) == sides[0]:
        yield (
            ("clauses", name, "pays"),
            AgreementError(
                "lines-differ",
                f"The cap must give back what is too much, but it pays {sides[0]} as its lines do.",
                "Delete 'pays'.",
            ),
        )


def _incentive_fee(path: Path, clause: IncentiveFee, file: AgreementFile) -> Iterator[Problem]:
    if clause.fee_range is not None:
        yield from _range((*path, "fee_range"), clause.fee_range, file)
    for side in ("under", "over"):
        share = constant_of(getattr(clause.provider_share, side), file)
        if share is not None and not 0 <= share <= ONE:
            yield (
                (*path, "provider_share", side),
                AgreementError(
                    "out-of-limits", f"{show(share)} is not a share.", "Write a share from 0% to 100%, such as 20%."
                ),
            )
            return
    parts = [constant_of(each, file) for each in (clause.ceiling, clause.target_cost, clause.target_fee)]
    ceiling, cost, fee = parts
    if ceiling is not None and cost is not None and fee is not None and ceiling < cost + fee:
        yield (
            (*path, "ceiling"),
            AgreementError(
                "cap-below-floor",
                f"The ceiling {show(ceiling)} is below the target price {show(cost + fee)}.",
                "Correct the ceiling, or the target cost or fee.",
            ),
        )


def _range(path: Path, ends: tuple[Node, Node], file: AgreementFile) -> Iterator[Problem]:
    low, high = (constant_of(end, file) for end in ends)
    if low is not None and high is not None and low > high:
        yield (
            path,
            AgreementError(
                "cap-below-floor",
                f"The range ends at {show(high)}, below its start {show(low)}.",
                "Write the smaller number first.",
            ),
        )


def settlement_problems(file: AgreementFile) -> Iterator[Problem]:
    """Entries of the settlement that stand in the wrong place."""
    for position, entry in enumerate(file.settlement):
        if entry.to_units is not None and (position < len(file.settlement) - 1 or entry.when is not None):
            yield (
                ("settlement", position),
                AgreementError(
                    "to-units-not-last",
                    "Cutting off decimals comes last and always: nothing may follow it.",
                    "Move the entry to the end, without 'when'.",
                ),
            )


def constant_of(node: Node | None, file: AgreementFile) -> int | None:
    """The value of a formula that is just a number or a term; None for any other."""
    if isinstance(node, Number):
        return node.value
    return file.terms.get(node.name) if isinstance(node, Name) else None


def limit_problems(path: Path, adjustments: Sequence[Adjustment], file: AgreementFile) -> Iterator[Problem]:
    """A cap below a floor: whichever comes last always wins, which nobody can have meant."""
    caps: list[int] = []
    floors: list[int] = []
    for position, entry in enumerate(adjustments):
        limiting = entry.at_most is not None or entry.at_least is not None
        if entry.when is not None or not limiting:
            caps, floors = ([], []) if not limiting else (caps, floors)
            continue
        cap, floor = constant_of(entry.at_most, file), constant_of(entry.at_least, file)
        caps += [cap] if cap is not None else []
        floors += [floor] if floor is not None else []
        if caps and floors and min(caps) < max(floors):
            yield (
                (*path, position),
                AgreementError(
                    "cap-below-floor",
                    f"The cap {show(min(caps))} is below the floor {show(max(floors))}.",
                    "Correct one of the two limits.",
                ),
            )
            return
