"""The picture of a deal: what is paid against each KPI, exact at every bend and on both sides of every cliff.

Colours are of the Okabe-Ito set, which people with any colour vision tell apart. Drawing libraries are imported only
when something is drawn; numbers travel to them as exact texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from pyoutcome.decimals import ONE, show, show_grouped
from pyoutcome.errors import AgreementError
from pyoutcome.insight.panels import Panel, find_panels

if TYPE_CHECKING:
    import altair as alt

    from pyoutcome.terms.agreement import Agreement

_LINE: Final = "#0072B2"
_CLIFF: Final = "#D55E00"
_INK: Final = "#333333"
_BAND: Final = "#EEF3F7"
_EDGE: Final = "#BBBBBB"
_WIDTH: Final = 300
_HEIGHT: Final = 180
_MOST_LABELS: Final = 5
"""Cliffs of one panel that are labelled, the highest first."""
_UNITS: Final = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (1, ""))
KINDS: Final = (".svg", ".png", ".html", ".json")


@dataclass(frozen=True)
class Plot:
    """What to draw; empty means everything."""

    kpis: Sequence[str] = ()
    """Names, with or without the provider."""
    payees: Sequence[str] = ()
    """Provider ids."""
    at: Mapping[str, int] = field(default_factory=dict)
    """Values of KPIs by full name, scaled; the others stand where the KPI drawn moves most."""


def save_payments(agreement: Agreement, plot: Plot, path: Path) -> Path:
    """Draws the payments into a file: ``.svg``, ``.png``, ``.html`` (with its libraries inside) or ``.json``.

    Raises what ``draw_payments`` does, and AgreementError ``plot-kind`` for another ending.
    """
    if path.suffix not in KINDS:
        raise AgreementError(
            "plot-kind",
            f"A plot cannot be written as {path.suffix or 'a file without an ending'}.",
            f"Give a file name that ends in {', '.join(KINDS[:-1])} or {KINDS[-1]}.",
            path=str(path),
        )
    import vl_convert

    spec = draw_payments(agreement, plot).to_json()
    if path.suffix == ".png":
        path.write_bytes(vl_convert.vegalite_to_png(spec, scale=2))
        return path
    text = spec + "\n"
    if path.suffix == ".svg":
        text = vl_convert.vegalite_to_svg(spec)
    elif path.suffix == ".html":
        text = vl_convert.vegalite_to_html(spec, bundle=True)
    path.write_text(text, encoding="utf-8")
    return path


def draw_payments(agreement: Agreement, plot: Plot) -> alt.ConcatChart:
    """The picture as a Vega-Lite chart, a panel for each KPI and payee. Raises what ``find_panels`` does."""
    import altair as alt

    panels = find_panels(agreement, plot.kpis, plot.payees, plot.at)
    columns = 1 if len(panels) == 1 else 2 if len(panels) in (2, 4) else 3
    drawn = [_Drawing(panel, agreement).chart() for panel in panels]
    subtitle = [
        "Line: what a period pays, exact at every bend. Orange: cliffs, and what one step of the last decimal moves.",
        "Shaded: between the proven least and most of a period. Upright lines: edges of bands, tables and limits.",
    ]
    title = alt.TitleParams(agreement.title, subtitle=subtitle if columns > 1 else _halved(subtitle))
    chart: alt.ConcatChart = (
        alt.concat(*drawn, columns=columns, title=title, spacing=28)
        .configure(font="sans-serif", background="white", padding=14)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK, titleColor=_INK, labelFontSize=10, titleFontSize=11, titleFontWeight="normal",
            grid=False, domainColor="#999999", tickColor="#999999", labelPadding=4,
        )
        .configure_title(color=_INK, subtitleColor=_INK, fontSize=17, subtitleFontSize=12, anchor="start", offset=12)
    )  # fmt: skip
    return chart


def _halved(lines: list[str]) -> list[str]:
    """Sentences on lines of their own, for a narrow picture."""
    return [f"{part.rstrip('.')}." for line in lines for part in line.split(". ")]


class _Drawing:
    """One panel."""

    def __init__(self, panel: Panel, agreement: Agreement) -> None:
        self.panel = panel
        self.symbol = agreement.token.symbol
        self.several = len(agreement.providers) > 1
        self.percent = panel.kpi.declared.shown_as == "percent"
        self.low, self.high = panel.view
        paid = [amount for _, amount in panel.points]
        least, most = min(panel.least, *paid), max(panel.most, *paid)
        span = max(paid) - min(paid)
        if span and 3 * span < most - least:  # a small movement is drawn large; the title says the bounds
            least, most = max(least, min(paid) - span), min(most, max(paid) + span)
        self.floor, self.top = least, most
        size = max(abs(least), abs(most))
        self.unit, self.word = next((unit, word) for unit, word in _UNITS if size >= 20 * unit * ONE or unit == 1)

    def chart(self) -> alt.LayerChart | alt.FacetChart:
        """The panel, drawn."""
        import altair as alt

        panel = self.panel
        layers = self.labelled() if panel.kpi.shape.type != "number" else self.numbered()
        name = panel.kpi.title if panel.kpi.provider is None else f"{panel.kpi.title}, {panel.kpi.provider}"
        if self.several and panel.kpi.provider != panel.payee:
            name += f": amount of {panel.payee or 'all'}"
        said = panel.said if panel.kpi.shape.type != "choice" else "differs by label"
        lines = wrap(f"{said} · {panel.others}" if panel.others else said, 56)
        if panel.influence.stair:
            lines.append(f"in stairs of {self.money(panel.influence.stair)} by rounding")
        lines.append(f"proven least {self.money(panel.least)}, most {self.money(panel.most)}")
        title = alt.TitleParams(name, subtitle=lines, fontSize=13, subtitleFontSize=10.5, offset=8, limit=_WIDTH + 40)
        return alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT, title=title)

    def numbered(self) -> list[Any]:
        """Line, cliffs, edges and bounds over a number."""
        import altair as alt

        across = alt.X(
            "x:Q",
            title=self.named(),
            scale=alt.Scale(
                domain=[self.number(self.x(self.low)), self.number(self.x(self.high))], nice=False, zero=False
            ),
            axis=self.ticks(),
        )
        up = self.up()
        shade = self.data([{"x": self.x(self.low), "x2": self.x(self.high), "y": self.y(self.floor),
                            "y2": self.y(self.top)}])  # fmt: skip
        layers: list[Any] = [
            alt.Chart(shade).mark_rect(color=_BAND).encode(x=across, x2="x2:Q", y=up, y2="y2:Q"),
        ]
        edges = [edge for edge in self.panel.edges if self.low < edge < self.high]
        if edges:
            rules = self.data([{"x": self.x(edge)} for edge in edges])
            layers.append(alt.Chart(rules).mark_rule(color=_EDGE, strokeDash=[2, 3]).encode(x=across))
        line = alt.Chart(self.data(self.line())).mark_line(color=_LINE, strokeWidth=2.2)
        layers.append(line.encode(x=across, y=up, detail="part:N", order="x:Q"))
        ends = [row for row in self.line() if row["end"]]
        layers.append(
            alt.Chart(self.data(ends)).mark_point(color=_LINE, filled=True, size=22, opacity=1).encode(x=across, y=up)
        )
        return layers + self.cliffs(across, up)

    def labelled(self) -> list[Any]:
        """A bar for each label, or for yes and no."""
        import altair as alt

        kpi = self.panel.kpi
        labels = [kpi.show(value) for value, _ in self.panel.points]
        rows = [{"label": kpi.show(value), "y": self.y(paid)} for value, paid in self.panel.points]
        across = alt.X("label:N", sort=labels, title=self.named(), axis=alt.Axis(labelAngle=0))
        up = self.up()
        shade = self.data([{"y": self.y(self.floor), "y2": self.y(self.top)}])
        return [
            alt.Chart(shade).mark_rect(color=_BAND).encode(y=up, y2="y2:Q"),
            alt.Chart(self.data(rows)).mark_bar(color=_LINE, width={"band": 0.5}).encode(x=across, y=up),
        ]

    def line(self) -> list[dict[str, Any]]:
        """The points of the line, each with the part it belongs to: cliffs part the line."""
        steep = {cliff.first for cliff in self.panel.influence.cliffs}
        points = self.panel.points
        turns = {self.panel.kpi.low, self.panel.kpi.high, *self.panel.edges}
        rows: list[dict[str, Any]] = []
        part = 0
        for (x, y), following in zip(points, [*points[1:], None], strict=True):
            breaks = x in steep and following is not None
            turn = x in turns or breaks or (bool(rows) and rows[-1]["part"] != part)
            rows.append({"x": self.x(x), "y": self.y(y), "part": part, "end": turn})
            part += breaks
        return rows

    def cliffs(self, across: Any, up: Any) -> list[Any]:
        """The gap of every cliff, and the money at stake at the highest ones."""
        import altair as alt

        cliffs = [one for one in self.panel.influence.cliffs if self.low <= one.first <= one.last <= self.high]
        if not cliffs:
            return []
        rows = [{"x": self.x(one.last), "y": self.y(one.before), "y2": self.y(one.after)} for one in cliffs]
        gaps = alt.Chart(self.data(rows)).mark_rule(color=_CLIFF, strokeWidth=1.6, strokeDash=[4, 3])
        texts = self.told()
        layers: list[Any] = [gaps.encode(x=across, y=up, y2="y2:Q")]
        for side in ("left", "right"):
            chosen = [row for row in texts if row["side"] == side]
            if chosen:
                shift = 5 if side == "left" else -5
                words = alt.Chart(self.data(chosen)).mark_text(
                    align=side, dx=shift, color=_CLIFF, fontSize=10.5, fontWeight="bold"
                )  # fmt: skip
                layers.append(words.encode(x=across, y=up, text="text:N"))
        return layers

    def told(self) -> list[dict[str, str]]:
        """Labels of cliffs that have room: the highest first, none over another."""
        inside = [one for one in self.panel.influence.cliffs if self.low <= one.first <= one.last <= self.high]
        tall, wide = max(1, self.top - self.floor), max(1, self.high - self.low)
        placed: list[tuple[int, int]] = []
        rows: list[dict[str, str]] = []
        for one in sorted(inside, key=lambda cliff: (-abs(cliff.change), cliff.first)):
            x, y = (
                (one.last - self.low) * _WIDTH // wide,
                ((one.before + one.after) // 2 - self.floor) * _HEIGHT // tall,
            )
            if len(rows) == _MOST_LABELS or any(abs(y - other) < 14 and abs(x - at) < 110 for at, other in placed):
                continue
            placed.append((x, y))
            sign = "+" if one.change > 0 else "−"
            rows.append(
                {
                    "x": self.x(one.last),
                    "y": self.y((one.before + one.after) // 2),
                    "text": f"{sign}{self.money(abs(one.change))}",
                    "side": "left" if x < _WIDTH * 2 // 3 else "right",
                }
            )
        return rows

    def ticks(self) -> Any:
        """Ticks where the form of the payment changes, and at the ends of what is drawn."""
        import altair as alt

        values = sorted({self.low, *self.panel.edges, self.high})
        shown = [value for value in values if self.low <= value <= self.high]
        wide = self.high - self.low
        room = [shown[0]]
        for value in shown[1:]:
            if (value - room[-1]) * _WIDTH >= 34 * wide:
                room.append(value)
        if len(room) < 3:
            return alt.Axis(format=",.10~f", tickCount=5, labelOverlap="greedy")
        places = alt.ExprRef(f"[{', '.join(map(self.x, room))}]")
        return alt.Axis(values=places, format=",.10~f", labelOverlap="greedy")

    def up(self) -> Any:
        """The axis of money."""
        import altair as alt

        word = f"{self.word} " if self.word else ""
        ends = [self.number(self.y(end)) for end in (self.floor, self.top)]
        domain = ends if self.floor < self.top else alt.Undefined
        return alt.Y(
            "y:Q",
            title=f"Amount ({word}{self.symbol})",
            scale=alt.Scale(domain=domain, nice=True, zero=False),
            axis=alt.Axis(format=",.6~f", tickCount=5),
        )

    def named(self) -> str:
        """What stands along the axis: the KPI's unit, and its range where not all of it is drawn."""
        kpi = self.panel.kpi
        unit = "%" if self.percent else kpi.declared.unit
        unit = unit if len(unit) <= 38 else f"{unit[:36].rstrip()}..."
        said = f"{kpi.name} ({unit})"
        if (self.low, self.high) != (kpi.low, kpi.high):
            said += f", range {kpi.tell(kpi.low)} to {kpi.tell(kpi.high)}"
        return said

    def money(self, scaled: int) -> str:
        """A cliff's height as text, in full."""
        return show_grouped(scaled // 10**14 * 10**14 if scaled >= ONE else scaled)

    def x(self, value: int) -> str:
        return show(value * 100 if self.percent else value)

    def y(self, scaled: int) -> str:
        # digits beyond the 18th decimal of the larger unit cannot be seen
        return ("-" if scaled < 0 else "") + show(abs(scaled) // self.unit)

    @staticmethod
    def number(text: str) -> dict[str, str]:
        """An expression, so that the drawing library reads the exact text."""
        return {"expr": text}

    @staticmethod
    def data(rows: list[Any]) -> Any:
        import altair as alt

        kinds = dict.fromkeys(("x", "x2", "y", "y2"), "number")
        return alt.InlineData(values=rows, format=alt.DataFormat(parse=kinds))  # type: ignore[no-untyped-call]
