"""One picture of an agreement's life: each provider's KPI share above, what it was paid for it below, period by period.

Colours are of the Okabe-Ito set, which people with any colour vision tell apart; position says the same as colour.
Drawing libraries are imported only when something is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyoutcome.decimals import DECIMALS, show_units
from pyoutcome.errors import LedgerError

if TYPE_CHECKING:
    import altair as alt

MALUS: Final = "#D55E00"
NEITHER: Final = "#8A8A8A"
BONUS: Final = "#0072B2"
_BAND: Final = "#E9E9E9"
_INK: Final = "#333333"
_PANEL_WIDTH: Final = 300
_PANEL_HEIGHT: Final = 165
_PERCENT: Final = DECIMALS - 2
"""Decimals of a share when it is read as a percentage."""


@dataclass(frozen=True)
class ChartRow:
    """One provider in one period."""

    provider: str
    """Name shown over the provider's panels."""
    period: int
    """Number of the period; orders the rows."""
    label: str
    """Name of the period on the axis, such as ``Jan``; each period has its own."""
    share: int | None
    """The KPI's value as a share of 1, 18 decimals; None if missing, then no point is drawn."""
    payment: int
    """The settled amount in base units, signed."""


@dataclass(frozen=True)
class Captions:
    """Words and marks of the picture."""

    title: str
    share: str
    """Name of the KPI, such as ``On-time share``."""
    money: str
    """Symbol of the token or currency."""
    unit_decimals: int
    """Decimals of the token."""
    neutral: tuple[int, int] | None = None
    """Least and greatest share (18 decimals) without bonus or malus; drawn as a grey band."""
    higher_is_better: bool = True
    """Whether a share above ``neutral`` earns the bonus; otherwise one below it does."""
    limits: tuple[int, int] | None = None
    """Least and greatest payment of a period (base units); drawn as dashed lines."""


def save_chart(rows: Sequence[ChartRow], captions: Captions, path: Path) -> Path:
    """Draws the rows into ``path``: ``.svg``, or ``.png`` at twice the screen's resolution. Returns the path.

    Raises LedgerError as ``draw_chart`` does, and ``picture-kind`` for another ending.
    """
    import vl_convert

    if path.suffix not in {".svg", ".png"}:
        raise LedgerError(
            "picture-kind",
            f"A chart cannot be written as {path.suffix or 'a file without an ending'}.",
            "Give a file name that ends in .svg or .png.",
            path=str(path),
        )
    spec = draw_chart(rows, captions).to_json()
    if path.suffix == ".svg":
        path.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")
    else:
        path.write_bytes(vl_convert.vegalite_to_png(spec, scale=2))
    return path


def draw_chart(rows: Sequence[ChartRow], captions: Captions) -> alt.VConcatChart:
    """The picture as a Vega-Lite chart: a column per provider, the share above and the payment below.

    Raises LedgerError ``nothing-to-draw`` if there are no rows and ``chart-rows-repeat`` if two would share a place.
    """
    import altair as alt

    if not rows:
        raise LedgerError(
            "nothing-to-draw", "No period is settled yet, so there is nothing to draw.", "Settle a period first."
        )
    _check_places(rows)
    panels = _Panels(rows, captions)
    chart = alt.vconcat(panels.shares(), panels.payments(), title=_title(captions), spacing=16)
    styled: alt.VConcatChart = (
        chart.configure(font="sans-serif", background="white", padding=14)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK, titleColor=_INK, labelFontSize=11, titleFontSize=12, titleFontWeight="normal",
            gridColor="#DDDDDD", domain=False, ticks=False, labelPadding=5,
        )
        .configure_title(color=_INK, subtitleColor=_INK, fontSize=18, subtitleFontSize=13, anchor="start", offset=14)
        .configure_header(labelColor=_INK, labelFontSize=14, labelFontWeight="bold", title=None)
        .configure_legend(labelColor=_INK, labelFontSize=12, title=None, orient="bottom", symbolSize=90, offset=8)
    )  # fmt: skip
    return styled


class _Panels:
    """The two rows of panels over the same data."""

    def __init__(self, rows: Sequence[ChartRow], captions: Captions) -> None:
        import altair as alt

        self._captions = captions
        self._paid = [row.payment for row in rows]
        self._providers = list(dict.fromkeys(row.provider for row in rows))
        # Numbers travel as exact texts; the drawing library reads them.
        self._data = alt.InlineData(
            values=[_point(row, captions) for row in rows],
            format=alt.DataFormat(parse=dict.fromkeys(("share", "payment"), "number")),  # type: ignore[no-untyped-call]
        )
        labels = [label for _, label in sorted({(row.period, row.label) for row in rows})]
        self._across = alt.X(
            "label:N", sort=labels, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=False, grid=False)
        )
        self._colour: Any = alt.value(BONUS)
        if captions.neutral:
            colours = [MALUS, NEITHER, BONUS] if captions.higher_is_better else [BONUS, NEITHER, MALUS]
            scale = alt.Scale(domain=list(_standings(captions, captions.neutral)), range=colours)
            # A payment without a value of the KPI stands nowhere, and is drawn all the same.
            standing = alt.Color("standing:N", scale=scale)
            self._colour = alt.condition("datum.standing !== null", standing, alt.value(NEITHER))

    def shares(self) -> alt.FacetChart:
        """The KPI: a line through points, over the band without effect."""
        import altair as alt

        up = alt.Y(
            "share:Q",
            title=f"{self._captions.share} (%)",
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(grid=True),
        )
        base = alt.Chart().encode(x=self._across.axis(None), y=up)
        line = base.mark_line(color="#BBBBBB", strokeWidth=1.5)
        points = base.mark_point(size=58, filled=True, opacity=1).encode(color=self._colour)
        layers: list[Any] = [line, points]
        if self._captions.neutral:
            low, high = (_number(show_units(share, _PERCENT)) for share in self._captions.neutral)
            band = (
                alt.Chart()
                .mark_rect(color=_BAND, opacity=1)
                .encode(y=alt.YDatum(low, type="quantitative"), y2=alt.Y2Datum(high))
            )
            layers.insert(0, band)
        return self._facet(layers, header=True)

    def payments(self) -> alt.FacetChart:
        """The money: a bar per period between the dashed least and most."""
        import altair as alt

        title = f"Payment (thousand {self._captions.money})"
        bars = alt.Chart().mark_bar(width={"band": 0.72}).encode(
            x=self._across, y=alt.Y("payment:Q", title=title, scale=self._money()), color=self._colour
        )  # fmt: skip
        layers: list[Any] = [bars]
        for units in self._captions.limits or ():
            at = alt.YDatum(_number(_thousands(units, self._captions)), type="quantitative")
            layers.append(alt.Chart().mark_rule(color=_INK, strokeDash=[4, 3]).encode(y=at))
        return self._facet(layers, header=False)

    def _money(self) -> alt.Scale:
        """From limit to limit, also where no payment came near one: a dashed line outside would lie over the rest."""
        import altair as alt

        if not self._captions.limits:
            return alt.Scale(nice=True)
        low, high = min(0, *self._captions.limits, *self._paid), max(0, *self._captions.limits, *self._paid)
        return alt.Scale(
            nice=True,
            domainMin=_number(_thousands(low, self._captions)),
            domainMax=_number(_thousands(high, self._captions)),
        )

    def _facet(self, layers: list[Any], *, header: bool) -> alt.FacetChart:
        import altair as alt

        column = alt.Column("provider:N", sort=self._providers, header=alt.Header(labels=header))
        panel = alt.layer(*layers, data=self._data).properties(width=_PANEL_WIDTH, height=_PANEL_HEIGHT)
        return panel.facet(column=column, spacing=24, bounds="flush")


def _check_places(rows: Sequence[ChartRow]) -> None:
    # Drawn over one another, they would look like one row and nobody would see what is missing.
    periods = {(row.period, row.label) for row in rows}
    labels = {row.label for row in rows}
    if len({(row.provider, row.label) for row in rows}) < len(rows) or len(labels) < len(periods):
        raise LedgerError(
            "chart-rows-repeat",
            "Two rows would be drawn at the same place: same provider's name and same period's name.",
            "Give every provider and every period a name of its own.",
        )


def _point(row: ChartRow, captions: Captions) -> dict[str, str | None]:
    return {
        "provider": row.provider,
        "label": row.label,
        "share": None if row.share is None else show_units(row.share, _PERCENT),
        "payment": _thousands(row.payment, captions),
        "standing": _standing(row.share, captions),
    }


def _standing(share: int | None, captions: Captions) -> str | None:
    if share is None or captions.neutral is None:
        return None
    low, high = captions.neutral
    return _standings(captions, captions.neutral)[0 if share < low else 2 if share > high else 1]


def _standings(captions: Captions, neutral: tuple[int, int]) -> tuple[str, str, str]:
    low, high = (show_units(share, _PERCENT) for share in neutral)
    worse, better = ("malus", "bonus") if captions.higher_is_better else ("bonus", "malus")
    return f"below {low} %: {worse}", f"{low} to {high} %: neither", f"above {high} %: {better}"


def _number(text: str) -> dict[str, str]:
    """An expression, so that the exact text is read as a number by the drawing library."""
    return {"expr": text}


def _thousands(units: int, captions: Captions) -> str:
    return show_units(units, captions.unit_decimals + 3)


def _title(captions: Captions) -> alt.TitleParams:
    import altair as alt

    subtitle = []
    if captions.limits:
        low, high = (_thousands(units, captions) for units in captions.limits)
        subtitle = [
            f"Dashed lines: the least ({low}) and the most ({high}) that a period pays, thousand {captions.money}"
        ]
    return alt.TitleParams(captions.title, subtitle=subtitle)
