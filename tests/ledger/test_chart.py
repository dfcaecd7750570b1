"""The chart shows every row, with the numbers it was given."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pyoutcome.decimals import parse
from pyoutcome.errors import LedgerError
from pyoutcome.ledger.chart import BONUS, MALUS, NEITHER, Captions, ChartRow, draw_chart, save_chart

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
CAPTIONS = Captions(
    title="Punctual arrivals",
    share="On-time share",
    money="TUSD",
    unit_decimals=6,
    neutral=(parse("70%"), parse("75%")),
    limits=(180_000 * 10**6, 520_000 * 10**6),
)
PANEL = 165
"""Height of the payments, in the picture's points."""
ROWS = [
    ChartRow(name, period, label, parse(f"0.{60 + 2 * period}"), (200_000 + 10_000 * period) * 10**6 + 1)
    for name in ("United & Co <air>", "JetBlue")
    for period, label in enumerate(MONTHS, start=1)
]


def texts(svg: Path) -> list[str]:
    root = ET.parse(svg).getroot()  # noqa: S314 -- our own file
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def marks(svg: Path, role: str) -> list[ET.Element]:
    root = ET.parse(svg).getroot()  # noqa: S314 -- our own file
    return [node for node in root.iter() if node.get("aria-roledescription") == role]


def test_the_picture_names_everything_and_shows_each_row_once(tmp_path: Path) -> None:
    svg = save_chart(ROWS, CAPTIONS, tmp_path / "chart.svg")

    words = texts(svg)
    for word in ("Punctual arrivals", "United & Co <air>", "JetBlue", "On-time share (%)", "Payment (thousand TUSD)"):
        assert word in words
    assert [2] * 12 == [words.count(month) for month in MONTHS]
    assert "Dashed lines: the least (180) and the most (520) that a period pays, thousand TUSD" in words
    assert len(ROWS) == len(marks(svg, "bar"))
    assert len(ROWS) == len(marks(svg, "point"))


def test_each_bar_carries_its_exact_payment_and_the_colour_of_its_standing(tmp_path: Path) -> None:
    svg = save_chart(ROWS[:12], CAPTIONS, tmp_path / "chart.svg")

    bars = {bar.get("aria-label", "").split(";")[0]: bar for bar in marks(svg, "bar")}
    assert {f"label: {month}" for month in MONTHS} == set(bars)
    assert "210.000000001" in (bars["label: Jan"].get("aria-label") or "")
    assert [MALUS, NEITHER, BONUS] == [bars[f"label: {month}"].get("fill") for month in ("Apr", "May", "Aug")]


def test_where_lower_is_better_the_colours_change_sides(tmp_path: Path) -> None:
    svg = save_chart(ROWS[:12], replace(CAPTIONS, higher_is_better=False), tmp_path / "chart.svg")

    assert "below 70 %: bonus" in texts(svg)
    fills = [bar.get("fill") for bar in marks(svg, "bar")]
    assert (BONUS, MALUS) == (fills[0], fills[-1])


def test_a_missing_value_has_a_payment_and_no_point(tmp_path: Path) -> None:
    svg = save_chart([replace(ROWS[0], share=None), *ROWS[1:12]], CAPTIONS, tmp_path / "chart.svg")

    assert (12, 11) == (len(marks(svg, "bar")), len(marks(svg, "point")))
    assert {MALUS, NEITHER, BONUS} == {bar.get("fill") for bar in marks(svg, "bar")}
    assert NEITHER == marks(svg, "bar")[0].get("fill")


def test_without_bands_and_limits_there_are_no_marks_for_them(tmp_path: Path) -> None:
    svg = save_chart(ROWS, replace(CAPTIONS, neutral=None, limits=None), tmp_path / "chart.svg")

    assert not any("Dashed" in word or "malus" in word for word in texts(svg))
    assert {BONUS} == {bar.get("fill") for bar in marks(svg, "bar")}


@pytest.mark.parametrize("limits", [(0, 1_600_000), (-300_000, 520_000), (180_000, 320_000)])
def test_limits_far_from_every_payment_lie_inside_the_picture(tmp_path: Path, limits: tuple[int, int]) -> None:
    low, high = limits
    svg = save_chart(ROWS, replace(CAPTIONS, limits=(low * 10**6, high * 10**6)), tmp_path / "chart.svg")

    root = ET.parse(svg).getroot()  # noqa: S314 -- our own file
    dashed = [node.get("transform", "") for node in root.iter() if node.get("stroke-dasharray")]
    heights = {float(re.fullmatch(r"translate\(.*,(.*)\)", place)[1]) for place in dashed}  # type: ignore[index]
    assert 2 == len(heights)
    assert all(0 <= height <= PANEL for height in heights)


def test_a_png_is_written_too(tmp_path: Path) -> None:
    png = save_chart(ROWS, CAPTIONS, tmp_path / "chart.png")

    assert b"\x89PNG" == png.read_bytes()[:4]


def test_nothing_is_drawn_from_nothing_and_no_row_hides_another(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as empty:
        draw_chart([], CAPTIONS)
    with pytest.raises(LedgerError) as twice:
        draw_chart([ROWS[0], ROWS[0]], CAPTIONS)
    with pytest.raises(LedgerError) as months:
        draw_chart([ROWS[0], replace(ROWS[0], provider="JetBlue", period=13)], CAPTIONS)
    with pytest.raises(LedgerError) as kind:
        save_chart(ROWS, CAPTIONS, tmp_path / "chart.pdf")

    assert ["nothing-to-draw", "chart-rows-repeat", "chart-rows-repeat", "picture-kind"] == [
        caught.value.code for caught in (empty, twice, months, kind)
    ]


def test_drawing_libraries_wait_until_something_is_drawn() -> None:
    program = "import sys, pyoutcome.ledger, pyoutcome.ledger.chart; print({'altair', 'vl_convert'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)

    assert "set()" == done.stdout.strip()
