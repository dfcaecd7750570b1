"""The picture of what is paid: exact points, gaps at cliffs, the proven range, the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from pyoutcome import Agreement
from pyoutcome.cli.app import app
from pyoutcome.decimals import parse
from pyoutcome.errors import AgreementError
from pyoutcome.insight import Plot, draw_payments, save_payments
from pyoutcome.insight.panels import find_panels

ROOT = Path(__file__).parents[2]
EXAMPLE = Agreement.load(ROOT / "examples" / "punctual-arrivals" / "agreement.yaml")
TIERS = Agreement.load(ROOT / "tests" / "corpus" / "agreements" / "sla-uptime-tiers.yaml")


def rows(chart: Any, mark: str) -> list[dict[str, Any]]:
    """The data of a panel's layers with this mark, from wherever the drawing library puts them."""
    document = chart.to_dict()
    found: list[dict[str, Any]] = []
    for layer in document["concat"][0]["layer"]:
        if layer["mark"]["type"] == mark:
            data = layer["data"]
            found += data["values"] if "values" in data else document["datasets"][data["name"]]
    return found


def texts(svg: Path) -> list[str]:
    root = ET.parse(svg).getroot()  # noqa: S314 -- our own file
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_line_has_the_exact_amount_at_every_bend() -> None:
    chart = draw_payments(EXAMPLE, Plot(["on_time.UA"], (), {"cancelled.UA": 0, "arrivals.UA": 0}))
    line = {row["x"]: row["y"] for row in rows(chart, "line")}
    # 63% is where 250,000 less the malus leaves the collar's 180,000; in thousands
    assert ("180", "250", "250", "430") == tuple(line[x] for x in ("63", "70", "75", "90"))


def test_a_cliff_is_a_gap_with_the_money_at_stake() -> None:
    chart = draw_payments(TIERS, Plot())
    parts = {row["x"]: row["part"] for row in rows(chart, "line")}
    assert parts["98.999"] != parts["99"]
    gaps = [row for row in rows(chart, "rule") if "y2" in row]
    assert [("-1000", "-500"), ("-500", "-200"), ("-200", "0")] == [(row["y"], row["y2"]) for row in gaps]
    assert {"+500", "+300", "+200"} == {row["text"] for row in rows(chart, "text")}


def test_the_shade_lies_between_the_proven_least_and_most() -> None:
    [shade] = rows(draw_payments(TIERS, Plot()), "rect")
    assert ("-1000", "0") == (shade["y"], shade["y2"])


def test_long_ends_in_which_nothing_moves_are_left_out_and_said() -> None:
    [panel] = find_panels(TIERS, (), (), {})
    low, high = panel.view
    assert parse("90") < low < parse("95")
    assert parse("100") == high
    assert panel.points[0] == (low, parse("-1000"))


def test_edges_are_marked_with_the_rounder_of_two_neighbours() -> None:
    [panel] = find_panels(EXAMPLE, ["cancelled.EV"], (), {})
    assert [parse("1%"), parse("3%"), parse("5%")] == list(panel.edges)


def test_there_is_a_panel_for_each_kpi_and_payee_that_belong_together() -> None:
    panels = find_panels(EXAMPLE, (), (), {})
    assert 9 == len(panels)
    assert [("arrivals.B6", "B6")] == [
        (each.kpi.name, each.payee) for each in find_panels(EXAMPLE, ["arrivals"], ["B6"], {})
    ]


def test_every_panel_says_where_the_other_kpis_stand() -> None:
    [usual] = find_panels(EXAMPLE, ["on_time.UA"], (), {})
    assert "others at their middle" == usual.others
    [asked] = find_panels(EXAMPLE, ["on_time.UA"], (), {"arrivals.UA": parse("3586")})
    assert "cancelled.UA 50.00%, arrivals.UA 3,586" == asked.others


@pytest.mark.parametrize(
    ("kpis", "payees", "at", "code"),
    [
        (["on_tim"], (), {}, "unknown-kpi"),
        ((), ["AA"], {}, "unknown-party"),
        ((), (), {"on_tim": 0}, "unknown-kpi"),
        (["on_time.UA"], ["B6"], {}, "nothing-to-plot"),
    ],
)
def test_what_is_not_there_is_refused(kpis: list[str], payees: list[str], at: dict[str, int], code: str) -> None:
    with pytest.raises(AgreementError) as caught:
        find_panels(EXAMPLE, kpis, payees, at)
    assert code == caught.value.code


def test_a_picture_that_nobody_could_read_is_refused() -> None:
    text = (ROOT / "tests" / "corpus" / "agreements" / "sla-uptime-tiers.yaml").read_text(encoding="utf-8")
    kpis = "".join(f"  k{at}: {{unit: u, range: [0, 9]}}\n" for at in range(25))
    sums = " + ".join(f"k{at}" for at in range(25))
    many = Agreement.parse(
        f"{text.split('kpis:')[0]}kpis:\n{kpis}clauses:\n  pay: {{kind: formula, is: {sums} + fee}}\n"
    )
    with pytest.raises(AgreementError) as caught:
        find_panels(many, (), (), {})
    assert "too-many-panels" == caught.value.code


def test_a_choice_is_drawn_as_bars_by_label() -> None:
    path = ROOT / "tests" / "corpus" / "agreements" / "health-mssp-full-quality.yaml"
    chart = draw_payments(Agreement.load(path), Plot(["track"]))
    assert ["T1", "T1plus", "T2", "T3"] == [row["label"] for row in rows(chart, "bar")]


def test_a_page_holds_its_libraries_and_needs_no_network(tmp_path: Path) -> None:
    page = save_payments(TIERS, Plot(), tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Credit on the whole fee by uptime" in page
    assert "<script src=" not in page


@pytest.mark.parametrize("kind", [".svg", ".png", ".json"])
def test_each_kind_of_file_is_written_and_is_the_same_every_time(tmp_path: Path, kind: str) -> None:
    one, two = (save_payments(TIERS, Plot(), tmp_path / f"{name}{kind}") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert 1000 < one.stat().st_size
    if kind == ".svg":
        assert {"Credit on the whole fee by uptime", "+500", "uptime (percent), range 0.000 to 100.000"} <= set(
            texts(one)
        )
    if kind == ".json":
        assert "https://vega.github.io/schema/vega-lite/" in json.loads(one.read_text(encoding="utf-8"))["$schema"]


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AgreementError) as caught:
        save_payments(TIERS, Plot(), tmp_path / "plot.gif")
    assert "plot-kind" == caught.value.code


CORPUS = sorted((ROOT / "tests" / "corpus" / "agreements").glob("*.yaml"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_published_mechanism_has_panels(path: Path) -> None:
    for panel in find_panels(Agreement.load(path), (), (), {}):
        amounts = [amount for _, amount in panel.points]
        assert panel.least <= min(amounts) <= max(amounts) <= panel.most
        assert [x for x, _ in panel.points] == sorted({x for x, _ in panel.points})


@pytest.mark.parametrize("path", CORPUS[::9], ids=lambda path: path.stem)
def test_published_mechanisms_can_be_drawn(path: Path) -> None:
    assert draw_payments(Agreement.load(path), Plot()).to_dict()["concat"]


def test_the_command_draws_what_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "united.svg"
    agreement = ROOT / "examples" / "punctual-arrivals" / "agreement.yaml"
    arguments = ["plot", str(agreement), "--kpi", "on_time", "--payee", "UA"]
    result = CliRunner().invoke(app, [*arguments, "--at", "arrivals.UA=3586", "--out", str(file), "--json"])
    assert 0 == result.exit_code, result.stderr
    assert {"file": str(file)} == json.loads(result.stdout)
    words = texts(file)
    assert "On-time share, UA" in words
    assert "On-time share, B6" not in words
    assert any("arrivals.UA 3,586" in each for each in words)


def test_the_picture_in_the_readme_is_what_the_command_draws(tmp_path: Path) -> None:
    fresh = save_payments(EXAMPLE, Plot((), ["UA"]), tmp_path / "fresh.svg")
    assert (ROOT / "docs" / "pictures" / "punctual-arrivals-payments.svg").read_bytes() == fresh.read_bytes()
