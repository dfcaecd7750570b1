"""How payments move with each KPI under both agreements: what became true, and what is true no longer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pyoutcome.decimals import show_grouped
from pyoutcome.errors import AgreementError
from pyoutcome.formula.influence import Direction
from pyoutcome.terms.problems import problems_of

if TYPE_CHECKING:
    from pyoutcome.formula.influence import Influence
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.kpis import AgreementKpi

_SAID: Final = {
    Direction.RISES: "rises",
    Direction.FALLS: "falls",
    Direction.FLAT: "stays",
    Direction.MIXED: "rises and falls",
}


_Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class ShapeChange:
    """What became true and what no longer is of one KPI, or alike of several providers' own."""

    kpis: tuple[str, ...]
    """Full names."""
    payees: tuple[str | None, ...]
    """For each the provider whose amount it is about; None: the sum of all."""
    gone: tuple[str, ...]
    """In words, amounts in the token's units."""
    new: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "kpis": list(self.kpis),
            "payees": list(self.payees),
            "no_longer": list(self.gone),
            "now": list(self.new),
        }


@dataclass(frozen=True)
class FindingChange:
    """A warning, note or refusal of ``check`` that one agreement has and the other has not, or with other figures."""

    code: str
    where: str
    """Path in the file."""
    severity: str
    """``error``, ``warning`` or ``note``."""
    gone: str | None
    new: str | None

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "code": self.code,
            "where": self.where,
            "severity": self.severity,
            "no_longer": self.gone,
            "now": self.new,
        }


def compare_shapes(before: Agreement, after: Agreement) -> tuple[ShapeChange, ...]:
    """KPI by KPI, in the new program's order, then what only the old one has."""
    was, now = dict(_facts(before)), dict(_facts(after))
    alike: dict[tuple[str | _Subject, _Words, _Words], list[_Subject]] = {}
    for subject in [*now, *(each for each in was if each not in now)]:
        old, new = was.get(subject, ()), now.get(subject, ())
        gone = tuple(each for each in old if each not in new)
        came = tuple(each for each in new if each not in old)
        if gone or came:
            own = subject.kpi if subject.provider == subject.payee else subject
            alike.setdefault((own, gone, came), []).append(subject)
    return tuple(
        ShapeChange(tuple(each.name for each in subjects), tuple(each.payee for each in subjects), gone, came)
        for (_, gone, came), subjects in alike.items()
    )


def compare_findings(before: Agreement, after: Agreement) -> tuple[FindingChange, ...]:
    """What ``check`` says of one and not of the other; what it refuses as well. FormulaError as in ``check``."""
    was, now = _findings(before), _findings(after)
    found: list[FindingChange] = []
    for key in [*now, *(each for each in was if each not in now)]:
        old = [each for each in was.get(key, ()) if each.why not in {one.why for one in now.get(key, ())}]
        new = [each for each in now.get(key, ()) if each.why not in {one.why for one in was.get(key, ())}]
        for at in range(max(len(old), len(new))):
            gone, came = (each[at] if at < len(each) else None for each in (old, new))
            either = came or gone
            if either is not None:
                said = (None if each is None else each.why for each in (gone, came))
                found.append(FindingChange(*key, either.severity, *said))
    return tuple(found)


class _Found(NamedTuple):
    severity: str
    why: str


def _findings(agreement: Agreement) -> Mapping[tuple[str, str], list[_Found]]:
    found: dict[tuple[str, str], list[_Found]] = {}
    try:
        told = [(each.code, each.where, _Found(each.severity, each.why)) for each in agreement.check()]
    except AgreementError as refusal:  # two drafts can be compared before either can be signed
        told = [(each.code, each.where, _Found("error", each.why)) for each in problems_of(refusal)]
    for code, where, each in told:
        found.setdefault((code, where.path if where else ""), []).append(each)
    return found


class _Subject(NamedTuple):
    kpi: str
    provider: str | None
    """Whose value it is, where each provider has its own."""
    payee: str | None
    """Whose amount; None: the sum of all."""

    @property
    def name(self) -> str:
        return self.kpi if self.provider is None else f"{self.kpi}.{self.provider}"


def _facts(agreement: Agreement) -> Iterator[tuple[_Subject, tuple[str, ...]]]:
    for each in agreement.shape().influences:
        kpi = agreement.kpis[each.kpi]
        payee = None if each.payee is None else agreement.providers[each.payee]
        yield _Subject(kpi.kpi, kpi.provider, payee), tuple(_of(kpi, each))


def _of(kpi: AgreementKpi, each: Influence) -> Iterator[str]:
    if kpi.shape.type == "choice":
        yield "the amount differs by label"
    else:
        sure = "" if each.direction is Direction.MIXED else ", proven" if each.proven else ", tried"
        yield f"as it rises, the amount {_SAID[each.direction]}{sure}"
    yield f"it moves the amount by at most {show_grouped(each.moves)}"
    for cliff in each.cliffs:
        jump = f"{show_grouped(abs(cliff.change))} {'more' if cliff.change > 0 else 'less'}"
        yield f"cliff from {kpi.tell(cliff.first)} to {kpi.tell(cliff.last)}: {jump}"
    if each.stair:
        yield f"in stairs of {show_grouped(each.stair)} by rounding"
    if each.direction is not Direction.FLAT:
        yield from (f"without effect from {kpi.tell(dead.first)} to {kpi.tell(dead.last)}" for dead in each.dead)
