"""The shape of an agreement's payments: as tables for people and as a document for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from pyoutcome.cli.show import amount, table
from pyoutcome.decimals import show as show_number
from pyoutcome.formula.influence import Direction
from pyoutcome.terms.kpis import show_value

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.formula.influence import Influence, Move
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.kpis import AgreementKpi

_SAID = {
    Direction.RISES: "rises",
    Direction.FALLS: "falls",
    Direction.FLAT: "stays",
    Direction.MIXED: "rises and falls",
}
_MOST_RANGES = 3
"""Ranges without effect that a row of the summary names."""


def shape(console: Console, agreement: Agreement, *, full: bool) -> None:
    """How payments move with each KPI: a row each, or with ``full`` every part of every range."""
    found = agreement.shape()
    rows = table(
        f"Shape: how the amount of a period moves with each KPI, {agreement.token.symbol}",
        *("KPI", "better", "as it rises, the amount", "by at most", "highest cliff", "without effect"),
        right=("by at most", "highest cliff"),
    )
    for name, each in _rows(agreement):
        kpi = agreement.kpis[each.kpi]
        cliff = max((abs(one.change) for one in each.cliffs), default=each.stair)
        rows.add_row(
            escape(name), kpi.declared.better or "", _direction(kpi, each), _money(each.moves),
            _money(cliff) if cliff else "", _dead(kpi, each),
        )  # fmt: skip
    console.print(rows)
    names = ", ".join(setting.name for setting in found.settings if setting.name)
    console.print(
        "proven: for all values of the other KPIs, but for rounding; tried: with the others at their "
        f"{names.replace(', ', ' / ')}. First period.",
        soft_wrap=True,
    )
    for each in found.later:
        first = found.of(each.kpi, each.payee)
        if first is None or first.direction is not each.direction:
            console.print(
                f"In period 2, after a first period at the middle, it {_SAID[each.direction]} with "
                f"{agreement.kpis[each.kpi].name} (tried).",
                soft_wrap=True,
            )
    if full:
        _parts(console, agreement)


def document(agreement: Agreement) -> dict[str, object]:
    """All of it, numbers as texts; amounts in units of the token, not base units."""
    found = agreement.shape()
    return {
        "settings": [
            {
                "name": setting.name,
                "values": {
                    kpi.name: _text(kpi, value) for kpi, value in zip(agreement.kpis, setting.values, strict=True)
                },
            }
            for setting in found.settings
        ],
        "influences": [_influence(agreement, each) for each in found.influences],
        "later": [_influence(agreement, each) for each in found.later],
    }


def _rows(agreement: Agreement) -> Iterator[tuple[str, Influence]]:
    """Rows of the summary; a KPI of each provider is one row where all providers have the same terms."""
    influences, several = agreement.shape().influences, len(agreement.providers) > 1
    seen: dict[str, list[tuple[str, Influence]]] = {}
    for each in influences:
        kpi = agreement.kpis[each.kpi]
        payee = "all" if each.payee is None else agreement.providers[each.payee]
        if kpi.provider == payee:
            seen.setdefault(kpi.kpi, []).append((kpi.name, each))
        elif several:
            seen.setdefault(f"{kpi.name} for {payee}", []).append((f"{kpi.name}, amount of {payee}", each))
        else:
            seen.setdefault(kpi.name, []).append((kpi.name, each))
    for name, rows in seen.items():
        alike = {(row.direction, row.proven, row.moves, row.pieces, _steps(row)) for _, row in rows}
        if len(rows) > 1 and len(alike) == 1:
            yield f"{name} (each provider)", rows[0][1]
        else:
            yield from rows


def _steps(each: Influence) -> tuple[tuple[int, int, int, int], ...]:
    return tuple((cliff.first, cliff.last, cliff.before, cliff.after) for cliff in each.cliffs)


def _direction(kpi: AgreementKpi, each: Influence) -> str:
    if kpi.shape.type == "choice":
        return "differs by label"
    if each.direction is Direction.MIXED:
        return _SAID[each.direction]
    return f"{_SAID[each.direction]}, {'proven' if each.proven else 'tried'}"


def _dead(kpi: AgreementKpi, each: Influence) -> str:
    """Ranges in which nothing moves, as far as the amount moves at all and not in steps only."""
    if each.direction is Direction.FLAT:
        return "everywhere"
    if each.pieces and all(piece.direction is Direction.FLAT for piece in each.pieces):
        return "between its steps"
    said: list[str] = []
    for dead in each.dead:
        if dead.first == kpi.low:
            said.append(f"to {kpi.tell(dead.last)}")
        elif dead.last == kpi.high:
            said.append(f"from {kpi.tell(dead.first)}")
        else:
            said.append(f"{kpi.tell(dead.first)} to {kpi.tell(dead.last)}")
    more = len(said) - _MOST_RANGES
    return "; ".join(said[:_MOST_RANGES]) + (f"; {more} more" if more > 0 else "")


def _parts(console: Console, agreement: Agreement) -> None:
    for name, each in _rows(agreement):
        kpi = agreement.kpis[each.kpi]
        chosen = agreement.shape().settings[each.setting]
        others = f", the other KPIs at {_setting(agreement, each, chosen.values, chosen.name)}"
        title = f"\n{name}{others if len(agreement.kpis) > 1 else ''}"
        parts = table(title, "from", "to", "amount", "to amount", "it", right=("from", "to", "amount", "to amount"))
        for part in each.pieces:
            said = _SAID[part.direction]
            if part.direction is not Direction.MIXED:
                said += ", proven" if part.proven else ", tried"
            parts.add_row(kpi.tell(part.first), kpi.tell(part.last), _money(part.before), _money(part.after), said)
        if not each.pieces:
            for value, paid in dict(each.points)[each.setting]:
                parts.add_row(kpi.tell(value), "", _money(paid), "", "")
        console.print(parts)
        for cliff in each.cliffs:
            console.print(
                f"  cliff between {kpi.tell(cliff.first)} and {kpi.tell(cliff.last)}: {_money(cliff.before)} to "
                f"{_money(cliff.after)}",
                soft_wrap=True,
            )
        if each.stair:
            console.print(f"  in stairs of {_money(each.stair)} by rounding", soft_wrap=True)


def _setting(agreement: Agreement, each: Influence, values: Sequence[int], name: str) -> str:
    if name:
        return f"their {name}"
    return ", ".join(
        f"{kpi.name} = {kpi.tell(value)}"
        for at, (kpi, value) in enumerate(zip(agreement.kpis, values, strict=True))
        if at != each.kpi
    )


def _influence(agreement: Agreement, each: Influence) -> dict[str, object]:
    kpi = agreement.kpis[each.kpi]

    def move(one: Move | None) -> dict[str, object] | None:
        if one is None:
            return None
        return {
            "from": _text(kpi, one.first),
            "to": _text(kpi, one.last),
            "before": show_number(one.before),
            "after": show_number(one.after),
            "setting": one.setting,
        }

    return {
        "kpi": kpi.name,
        "payee": None if each.payee is None else agreement.providers[each.payee],
        "better": kpi.declared.better,
        "direction": each.direction.value,
        "proven": each.proven,
        "slack": show_number(each.slack),
        "setting": each.setting,
        "moves": show_number(each.moves),
        "pieces": [
            {**(move(part) or {}), "direction": part.direction.value, "proven": part.proven} for part in each.pieces
        ],
        "points": [[_text(kpi, value), show_number(paid)] for value, paid in dict(each.points)[each.setting]],
        "cliffs": [move(cliff) for cliff in each.cliffs],
        "stair": show_number(each.stair),
        "without_effect": [
            {"from": _text(kpi, dead.first), "to": _text(kpi, dead.last), "proven": dead.proven} for dead in each.dead
        ],
        "greatest_rise": move(each.rise),
        "greatest_fall": move(each.fall),
    }


def _text(kpi: AgreementKpi, value: int) -> str:
    return show_value(kpi.shape, value)


def _money(scaled: int) -> str:
    return amount(scaled)
