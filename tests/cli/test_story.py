"""The README's promises, kept: the demo, the story by hand in separate processes, and the Python example."""

from __future__ import annotations

import json
import re
import shlex
import sys
import zipfile
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyoutcome.workspace.ready import find_ready
from tests.cli.story import COMMAND, ROOT, pyoutcome, pyoutcome_from_loaded, start

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_demo_ends_with_its_count(told: tuple[Path, str]) -> None:
    last = told[1].rstrip("\n").rsplit("\n", 1)[-1]
    assert re.fullmatch(r"demo: 36 settled, 0 differences, [0-9]+\.[0-9] s", last)


def test_the_readme_shows_what_the_demo_prints(told: tuple[Path, str]) -> None:
    [shown] = re.findall(r"<!-- demo -->\n```\n(.*?)```", README, flags=re.DOTALL)
    printed = {line.rstrip() for line in told[1].splitlines()}
    lines = [line.rstrip() for line in shown.splitlines() if line not in ("", "...")]
    assert len(lines) > 9
    assert [] == [line for line in lines if line not in printed]


def test_there_is_a_statement_of_every_month_and_airline_and_a_picture(told: tuple[Path, str]) -> None:
    folder = told[0] / "pyoutcome-demo"
    assert 36 == len(list((folder / "statements").glob("period-*.txt")))
    assert "520,000.00" in (folder / "statements" / "period-09.UA.txt").read_text(encoding="utf-8")
    picture = (folder / "payments.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert "JetBlue Airways" in picture


def test_the_demos_workspace_can_be_asked_afterwards(told: tuple[Path, str]) -> None:
    status = json.loads(pyoutcome("status", "--json", "-w", str(told[0] / "pyoutcome-demo" / "workspace"), cwd=told[0]))
    assert "closed" == status["stage"]
    assert "0" == status["funds"]


def test_the_demo_replaces_only_what_a_demo_made(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep", encoding="utf-8")
    done = start([*COMMAND, "demo", "--out", "mine"], tmp_path)
    assert 1 == done.returncode
    assert "folder-not-of-demo" in done.stderr
    assert "keep" == (tmp_path / "mine" / "letter.txt").read_text(encoding="utf-8")


def test_the_demos_document_gives_every_value_line_amount_and_transaction(told: tuple[Path, str]) -> None:
    document = json.loads((told[0] / "pyoutcome-demo" / "demo.json").read_text(encoding="utf-8"))
    assert (36, 0) == (document["settled"], document["differences"])
    assert 12 == len(document["periods"])
    for period in document["periods"]:
        values = {kpi["name"]: kpi["value"] for kpi in period["statement"]["kpis"]}
        for stated in period["statement"]["providers"]:
            on_chain = period["on_chain"][stated["provider"]]
            assert re.fullmatch("0x[0-9a-f]{64}", on_chain["transaction"])
            assert stated["units"] == on_chain["amount"]
            assert work_out(values, stated["provider"]) == Fraction(stated["amount"])
            assert int(on_chain["held"]) + int(on_chain["paid"]) == int(on_chain["amount"])


def work_out(values: dict[str, Any], airline: str) -> Fraction:
    """The agreement worked out a second time, by hand, in fractions."""
    on_time, cancelled, arrivals = (
        Fraction(values[f"{kpi}.{airline}"]) for kpi in ("on_time", "cancelled", "arrivals")
    )
    points = [
        (Fraction(55, 100), -150_000),
        (Fraction(70, 100), 0),
        (Fraction(75, 100), 0),
        (Fraction(90, 100), 180_000),
    ]
    bonus = Fraction(points[0][1] if on_time < points[0][0] else points[-1][1])
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= on_time <= x1:
            bonus = y0 + (on_time - x0) / (x1 - x0) * (y1 - y0)
            break
    share = next(
        (Fraction(rate, 100) for limit, rate in ((1, 0), (3, 5), (5, 10)) if cancelled <= Fraction(limit, 100)),
        Fraction(15, 100),
    )
    parts = [(Fraction(0), Fraction(2500), 40), (Fraction(2500), Fraction(3500), 30), (Fraction(3500), arrivals, 20)]
    volume = sum((rate * max(Fraction(0), min(arrivals, end) - start) for start, end, rate in parts), Fraction(0))
    return min(max(250_000 + bonus - share * 250_000 + volume, Fraction(180_000)), Fraction(520_000))


def run_commands_of(heading: str, here: Path, run: Callable[..., str] = pyoutcome) -> dict[str, str]:
    """What each command under a heading of the README printed, each run in a process of its own."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    [story] = re.findall(r"```console\n(.*?)```", section, flags=re.DOTALL)
    printed: dict[str, str] = {}
    for line in story.splitlines():
        verb, *arguments = shlex.split(line.removeprefix("$ "))
        if verb == "cd":
            here = here / arguments[0]
        else:
            assert "pyoutcome" == verb
            printed[" ".join(arguments)] = run(*arguments, cwd=here)
    return printed


def test_a_newcomer_gets_from_nothing_to_a_settled_agreement_of_its_own(tmp_path: Path) -> None:
    printed = run_commands_of("Your own, in ten minutes", tmp_path)
    assert "45_000" in (tmp_path / "agreement.yaml").read_text(encoding="utf-8")
    assert (tmp_path / "deal" / "agreement.html").stat().st_size > 10_000
    assert "client  signed" in printed["sign --check"]
    assert "0 differences" in printed["audit"]
    changed = tmp_path / "changed.yaml"
    text = (tmp_path / "deal" / "agreement.yaml").read_text(encoding="utf-8")
    changed.write_text(text.replace("45_000", "46_000"), encoding="utf-8")
    told = pyoutcome("compare", "../changed.yaml", "--evidence", ".", cwd=tmp_path / "deal")
    assert "On the given values DESK gains" in told


def test_the_story_by_hand_in_separate_processes(tmp_path: Path) -> None:
    printed = run_commands_of("The same by hand", tmp_path, pyoutcome_from_loaded)
    assert 20 == len(printed)
    assert "389,196.00" in printed["statement --period 1 --provider UA"]
    assert "0 differences" in printed["audit"]
    assert "36 settlements" in printed["audit"]
    # What the README quotes of the statement is what was printed.
    [quoted] = re.findall(r"```\n(United Air Lines.*?)```", README, flags=re.DOTALL)
    lines = {line.rstrip() for line in printed["statement --period 1 --provider UA"].splitlines()}
    assert [] == [line for line in quoted.splitlines() if line not in lines]


def test_the_python_example_runs_as_printed(tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with zipfile.ZipFile(find_ready("punctual-arrivals").records["flights"]) as archive:
        archive.extractall(tmp_path)
    done = start([sys.executable, "-W", "error", "-c", example], tmp_path)
    assert 0 == done.returncode, done.stderr
    assert ["409680000000", "389196000000", "0"] == done.stdout.splitlines()[-3:]
