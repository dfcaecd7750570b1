"""From the file to the payment rule: every clause once for each provider it concerns, under full names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyoutcome.errors import AgreementError, FormulaError, PyoutcomeError
from pyoutcome.formula.rule import Definition, Line, Payee, Register, Rule, net_of
from pyoutcome.formula.syntax import And, If, Name, Node, rename
from pyoutcome.terms.adjustments import SETTLEMENT, apply_all
from pyoutcome.terms.by_provider import for_provider
from pyoutcome.terms.carrying import StateForm
from pyoutcome.terms.clauses import AnyClause, FormulaClause, JointCap
from pyoutcome.terms.enforcing import Enforced, enforce
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.form import ZERO, Draft, Form, substitute
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.problems import Path, place
from pyoutcome.terms.requirements import Requirement, make_checking
from pyoutcome.terms.tree import Tree

_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "row-never-wins": ("levels", "rows", "tiers", "pays_by"),
    "table-order": ("points", "bands"),
}
"""Keys under which clauses have the tables that an error can be about."""
_SIGNS: Final = {"provider": 1, "client": -1, "nobody": 0}
_OTHER: Final = {"provider": "client", "client": "provider", "nobody": "nobody"}


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
    kpis: tuple[AgreementKpi, ...]
    origins: tuple[LineOrigin, ...]
    """Of each line, in the rule's order."""
    requirements: tuple[Requirement, ...]
    checking: Rule
    """Works out the requirements, and nothing else."""
    enforced: Enforced
    """The same rule as an escrow runs it."""


def list_kpis(file: AgreementFile) -> tuple[AgreementKpi, ...]:
    """Every KPI value of a report: KPIs in the file's order, inside a KPI the providers in theirs."""
    found: list[AgreementKpi] = []
    for name, kpi in file.kpis.items():
        owners: tuple[str | None, ...] = tuple(file.parties.providers) if kpi.per == "provider" else (None,)
        for owner in owners:
            shape = kpi.shape(name, owner)
            found.append(AgreementKpi(shape.full_name, name, owner, kpi, shape, kpi.value_of_missing(name)))
    return tuple(found)


def side_of(file: AgreementFile, name: str) -> str:
    """Who receives a positive amount of a clause: ``provider``, ``client`` or ``nobody``."""
    clause = file.clauses[name]
    if not isinstance(clause, JointCap) or "pays" in clause.model_fields_set:
        return clause.pays
    first = clause.lines[0]
    capped = file.clauses.get(first.name.split(".")[0]) if isinstance(first, Name) else None
    return _OTHER[capped.pays] if capped is not None else clause.pays


def lower(file: AgreementFile, tree: Tree) -> Lowered:
    """The payment rule. The file must have passed its checks.

    Raises FormulaError with its place in the file: what ``formula.Rule`` raises.
    """
    builder = _Builder(file)
    builder.build()
    kpis = list_kpis(file)
    try:
        rule = Rule(
            tuple(kpi.shape for kpi in kpis),
            tuple(sorted(file.terms.items())),
            tuple(builder.definitions),
            tuple(builder.lines),
            tuple(builder.payees),
            tuple(builder.registers),
            file.term.year_length,
        )
        checking = make_checking(rule, builder.requirements) if builder.requirements else rule
        enforced = enforce(rule, kpis, builder.requirements)
    except (FormulaError, AgreementError) as error:
        raise place(error, tree, builder.path_of(error)) from error
    return Lowered(rule, kpis, tuple(builder.origins), tuple(builder.requirements), checking, enforced)


class _Builder:
    """Gathers the parts of the rule."""

    def __init__(self, file: AgreementFile) -> None:
        self.file = file
        self.scope = Scope(file)
        self.definitions: list[Definition] = []
        self.registers: list[Register] = []
        self.lines: list[Line] = []
        self.origins: list[LineOrigin] = []
        self.payees: list[Payee] = []
        self.requirements: list[Requirement] = []
        self.paths: dict[str, Path] = {}

    def build(self) -> None:
        """All definitions, registers, lines and payee amounts."""
        providers = self.scope.providers
        # In the order of their names: the file's order means nothing, so it must not change the program.
        for name, formula in sorted(self.file.define.items(), key=lambda item: item[0]):
            for owner in self._owners(name in self.scope.per_provider):
                self._define(self._full(name, owner), self._resolved(formula, owner), ("define", name))
        for name, state in sorted(self.file.state.items(), key=lambda item: item[0]):
            for owner in self._owners(name in self.scope.per_provider):
                self._add_state(state.form(name), owner, ("state", name))
        for name, clause in self.file.clauses.items():
            draft, amount = self.scope.drafts[name]
            form = draft.form(amount, self.scope.mentioned)
            for owner in self._owners(clause.for_each):
                self._add_line(name, clause, form, owner)
        for position, provider in enumerate(providers):
            self._add_payee(position, provider)
        for position, formula in enumerate(self.file.require):
            for owner in self._owners(self.scope.differs(formula)):
                self.requirements.append(Requirement(position, owner, self._resolved(formula, owner)))
                self.paths[self.requirements[-1].item] = ("require", position)

    def path_of(self, error: PyoutcomeError) -> Path:
        """Where in the file the formula stands that an error is about."""
        named = [error.details.get("item"), error.details.get("name"), *_texts(error.details.get("names"))]
        for name in named:
            own = name.removeprefix("start of ").removeprefix("opening of ") if isinstance(name, str) else ""
            if own in self.paths:
                path, span = self.paths[own], error.details.get("span")
                error.details.pop("at", None)
                if isinstance(span, tuple) and self._is_verbatim(path):
                    error.details["at"] = span[0]
                    return path if path[0] == "define" else (*path, "is")
                # The formula was put together from several places: its own positions are not the file's.
                return (*path, *self._table_of(error.code, path))
        return ()

    def _is_verbatim(self, path: Path) -> bool:
        """Is the formula in the rule, character by character, the one in the file?"""
        if path[0] != "clauses":
            return path[0] == "define"
        clause = self.file.clauses[str(path[1])]
        return isinstance(clause, FormulaClause) and not (clause.then or clause.when or clause.restates)

    def _table_of(self, code: str, path: Path) -> Path:
        """The key of the clause's table, if that is what the error is about."""
        if path[0] != "clauses":
            return ()
        clause = self.file.clauses[str(path[1])]
        keys = _TABLES.get(code, ())
        return next(((key,) for key in keys if getattr(clause, key, None) is not None), ())

    def _owners(self, each: bool) -> tuple[str | None, ...]:
        return self.scope.providers if each else (None,)

    @staticmethod
    def _full(name: str, owner: str | None) -> str:
        return name if owner is None else f"{name}.{owner}"

    def _resolved(self, formula: Node, owner: str | None, account: str | None = None) -> Node:
        said = substitute(for_provider(formula, owner or account), self.scope.rewritten)
        return rename(said, lambda name: self.scope.full_name(name, owner, account))

    def _define(self, full: str, formula: Node, path: Path) -> None:
        self.definitions.append(Definition(full, formula))
        self.paths[full] = path

    def _carry(self, full: str, start: Node, following: Node, path: Path) -> None:
        self.registers.append(Register(full, start, following))
        self.paths[full] = path

    def _add_state(self, form: StateForm, owner: str | None, path: Path) -> None:
        for part, formula in form.values:
            self._define(self.scope.full_name(part, owner), self._resolved(formula, owner), path)
        for part, start, following in form.registers:
            full = self.scope.full_name(part, owner)
            self._carry(full, self._resolved(start, owner), self._resolved(following, owner), path)

    def _add_line(self, name: str, clause: AnyClause, form: Form, owner: str | None) -> None:
        path: Path = ("clauses", name)
        account = owner or self.scope.account_of(name)

        def resolved(formula: Node) -> Node:
            return self._resolved(formula, owner, account)

        def guarded(formula: Node, otherwise: Node | None) -> Node:
            """Where the clause does not apply, its parts are not worked out and what it carries stays as it was."""
            if clause.when is None:
                return resolved(formula)
            return resolved(And(clause.when, formula) if otherwise is None else If(clause.when, formula, otherwise))

        def full(part: str) -> str:
            return self.scope.full_name(part, owner)

        for part in form.parts:
            self._define(full(part.name), guarded(part.formula, None if part.yes_no else ZERO), path)
        for each in form.carried:
            following = guarded(each.next, each.idle)
            self._carry(full(each.name), resolved(each.start), following, path)
        payee = None if account is None else self.scope.providers.index(account)
        line = self._full(name, owner)
        formula = resolved(clause.finish(name, form.amount))
        sign = _SIGNS[side_of(self.file, name)]
        self.lines.append(Line(line, payee, sign, formula, clause.title or _title(name)))
        self.origins.append(LineOrigin(name, account))
        self.paths[line] = path

    def _add_payee(self, position: int, provider: str) -> None:
        draft = Draft(SETTLEMENT, self.file.terms)
        net = draft.let("base", net_of(tuple(self.lines), position))
        form = draft.form(apply_all(net, self.file.settlement, draft))
        lines = {line.name for line in self.lines}

        def full(name: str) -> str:
            before = "prev." if name.startswith("prev.") else ""
            own = name.removeprefix("prev.")
            if own.startswith(f"{SETTLEMENT}."):
                return f"{before}{SETTLEMENT}.{provider}.{own.removeprefix(f'{SETTLEMENT}.')}"
            return name if name in lines else self.scope.full_name(name, provider)

        def resolved(formula: Node) -> Node:
            return rename(substitute(for_provider(formula, provider), self.scope.rewritten), full)

        path: Path = (SETTLEMENT,)
        for part in form.parts:
            self._define(full(part.name), resolved(part.formula), path)
        for each in form.carried:
            self._carry(full(each.name), each.start, resolved(each.next), path)
        self.payees.append(Payee(provider, resolved(form.amount)))
        self.paths[f"amount of {provider}"] = path


def _texts(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
