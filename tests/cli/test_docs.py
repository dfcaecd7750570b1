"""The pages name every act and every verb there is."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from pyoutcome.cli.app import app
from pyoutcome.protocol import actions

ROOT = Path(__file__).parents[2]
COMMANDS = dict(get_command(app).commands)  # type: ignore[attr-defined]
VERBS = set(COMMANDS)
OPTIONS = {name: {flag for each in command.params for flag in each.opts} for name, command in COMMANDS.items()}


def section(page: str, heading: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_every_act_of_the_protocol_has_a_verb_or_happens_by_itself() -> None:
    lines = section("docs/lifecycle.md", "Which verb does it").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    acts = {name for name, kind in vars(actions).items() if isinstance(kind, type) and kind.__base__ is actions.Action}
    assert sorted(acts) == sorted(row[0].strip("`") for row in rows)
    for act, verb, alone in rows:
        assert verb or alone, act
        name = ""
        for words in re.findall(r"`([^`]+)`", f"{verb} {alone}"):
            for word in words.split():
                if word.startswith("--"):
                    assert word in OPTIONS[name], act
                else:
                    name = word
                    assert name in VERBS, act


def test_the_readme_names_every_verb_once() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("| when | verbs |", 1)[1].split("\n\n", 1)[0]
    named = re.findall(r"`([a-z-]+)`", table)
    assert sorted(VERBS) == sorted(named)
