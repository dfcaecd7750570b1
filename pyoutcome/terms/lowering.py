"""From the file to the payment rule: every clause once for each provider it concerns, under full names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyoutcome.errors import FormulaError
from pyoutcome.formula.rule import Definition, Line, Payee, Rule, net_of
from pyoutcome.formula.syntax import If, Name, Node, rename
from pyoutcome.terms.adjustments import ZERO, apply_all
from pyoutcome.terms.clauses import AnyClause
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.problems import Path, place
from pyoutcome.terms.tree import Tree

_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "row-never-wins": ("levels", "rows", "tiers"),
    "table-order": ("points", "bands"),
}
"""Keys under which clauses have the tables that an error can be about."""
_SIGNS: Final = {"provider": 1, "client": -1, "nobody": 0}


@dataclass(frozen=True)
class LineOrigin:
    """Where a line of the rule comes from."""

    clause: str
    provider: str | None
    """Whose account it concerns; None if it is shown only and concerns all."""


@dataclass(frozen=True)
class Lowered:
    """The payment rule of an agreement and where its parts come from."""

    rule: Rule
    before_settlement: Rule
    """The same lines with each provider's plain net amount."""
    kpis: tuple[AgreementKpi, ...]
    origins: tuple[LineOrigin, ...]
    """Of each line, in the rule's order."""


def list_kpis(file: AgreementFile) -> tuple[AgreementKpi, ...]:
    """Every KPI value of a report: KPIs in the file's order, inside a KPI the providers in theirs."""
    found: list[AgreementKpi] = []
    for name, kpi in file.kpis.items():
        owners: tuple[str | None, ...] = tuple(file.parties.providers) if kpi.per == "provider" else (None,)
        for owner in owners:
            shape = kpi.shape(name, owner)
            found.append(AgreementKpi(shape.full_name, name, owner, kpi, shape, kpi.value_of_missing(name)))
    return tuple(found)


def lower(file: AgreementFile, tree: Tree) -> Lowered:
    """The payment rule. The file must have passed its checks.

    Raises FormulaError with its place in the file: what ``formula.Rule`` raises.
    """
    builder = _Builder(file)
    builder.build()
    kpis = list_kpis(file)
    parameters = tuple(sorted(file.terms.items()))
    plain = tuple(Payee(name, net_of(tuple(builder.lines), at)) for at, name in enumerate(builder.scope.providers))
    lines = tuple(builder.lines)
    shapes = tuple(kpi.shape for kpi in kpis)
    try:
        rule = Rule(shapes, parameters, tuple(builder.definitions), lines, tuple(builder.payees))
        clause_definitions = tuple(builder.definitions[: builder.of_clauses])
        before = Rule(shapes, parameters, clause_definitions, lines, plain) if file.settlement else rule
    except FormulaError as error:
        raise place(error, tree, builder.path_of(error)) from error
    return Lowered(rule, before, kpis, tuple(builder.origins))


class _Builder:
    """Gathers the parts of the rule."""

    def __init__(self, file: AgreementFile) -> None:
        self.file = file
        self.scope = Scope(file)
        self.definitions: list[Definition] = []
        self.lines: list[Line] = []
        self.origins: list[LineOrigin] = []
        self.payees: list[Payee] = []
        self.of_clauses = 0
        self.paths: dict[str, Path] = {}

    def build(self) -> None:
        """All definitions, lines and payee amounts."""
        providers = self.scope.providers
        # In the order of their names: the file's order means nothing, so it must not change the program.
        for name, formula in sorted(self.file.define.items(), key=lambda item: item[0]):
            owners: tuple[str | None, ...] = providers if name in self.scope.per_provider else (None,)
            for owner in owners:
                self._define(self._full(name, owner), formula, owner, ("define", name))
        for name, clause in self.file.clauses.items():
            owners = providers if clause.for_each else (None,)
            for owner in owners:
                self._add_line(name, clause, owner)
        self.of_clauses = len(self.definitions)
        for position, provider in enumerate(providers):
            self._add_payee(position, provider)

    def path_of(self, error: FormulaError) -> Path:
        """Where in the file the formula stands that an error is about."""
        named = [error.details.get("item"), error.details.get("name"), *_texts(error.details.get("names"))]
        for name in named:
            if isinstance(name, str) and name in self.paths:
                # The formula was put together from several places: its own positions are not the file's.
                error.details.pop("at", None)
                return (*self.paths[name], *self._table_of(error.code, self.paths[name]))
        return ()

    def _table_of(self, code: str, path: Path) -> Path:
        """The key of the clause's table, if that is what the error is about."""
        if path[0] != "clauses":
            return ()
        clause = self.file.clauses[str(path[1])]
        keys = _TABLES.get(code, ())
        return next(((key,) for key in keys if getattr(clause, key, None) is not None), ())

    @staticmethod
    def _full(name: str, owner: str | None) -> str:
        return name if owner is None else f"{name}.{owner}"

    def _resolved(self, formula: Node, owner: str | None) -> Node:
        return rename(formula, lambda name: self.scope.full_name(name, owner))

    def _define(self, full: str, formula: Node, owner: str | None, path: Path) -> None:
        self.definitions.append(Definition(full, self._resolved(formula, owner)))
        self.paths[full] = path

    def _add_line(self, name: str, clause: AnyClause, owner: str | None) -> None:
        line = self._full(name, owner)
        path: Path = ("clauses", name)

        def guarded(amount: Node) -> Node:
            return amount if clause.when is None else If(clause.when, amount, ZERO)

        def name_it(amount: Node, position: int) -> Node:
            part = f"{line}.{f'then{position}' if position else 'base'}"
            self.definitions.append(Definition(part, resolved(guarded(amount))))
            self.paths[part] = path
            return Name(part)

        def resolved(formula: Node) -> Node:
            own = {definition.name for definition in self.definitions}
            return rename(formula, lambda used: used if used in own else self.scope.full_name(used, owner))

        amount = apply_all(clause.lower(), clause.then, name_it)
        provider = owner or self._payee_of(clause)
        payee = None if provider is None else self.scope.providers.index(provider)
        sign = _SIGNS[clause.pays]
        self.lines.append(Line(line, payee, sign, resolved(guarded(amount)), clause.title or _title(name)))
        self.origins.append(LineOrigin(name, provider))
        self.paths[line] = path

    def _payee_of(self, clause: AnyClause) -> str | None:
        if clause.to is not None:
            return clause.to
        providers = self.scope.providers
        return providers[0] if len(providers) == 1 else None

    def _add_payee(self, position: int, provider: str) -> None:
        made: set[str] = set()

        def name_it(amount: Node, entry: int) -> Node:
            part = f"settlement.{provider}.{f'then{entry}' if entry else 'base'}"
            self.definitions.append(Definition(part, resolved(amount)))
            self.paths[part] = ("settlement", entry)
            made.add(part)
            return Name(part)

        lines = {line.name for line in self.lines}

        def resolved(formula: Node) -> Node:
            return rename(
                formula,
                lambda used: used if used in lines or used in made else self.scope.full_name(used, provider),
            )

        net = net_of(tuple(self.lines), position)
        amount = apply_all(net, self.file.settlement, name_it)
        self.payees.append(Payee(provider, resolved(amount)))
        self.paths[f"amount of {provider}"] = ("settlement",)


def _texts(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
