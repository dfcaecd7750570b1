"""The command line: tables for people, JSON for machines, errors with code, why and fix, and a quick start."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app, only
from pyoutcome.evidence import make_bundle, measure, write_bundle
from tests.evidence.deal import ADDRESSES, KEYS, agree, write_records

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "punctual-arrivals" / "agreement.yaml")
VERBS = (
    *("init", "check", "explain", "measure", "verify", "sign", "deploy", "fund", "report", "settle", "status", "run"),
    *("statement", "audit", "compile", "demo", "close", "clock", "default", "chart", "journal", "plot", "schema"),
    *("inspect", "challenge", "dispute", "rule", "agree", "bond", "assign", "step-in", "terminate", "claim"),
    *("amend", "batch", "cancel", "withdraw", "pay", "sync", "payout", "show-evidence", "kpis", "bundle", "prove"),
    "document",
    "export",
    "index",
    "compare",
    "offer",
    "new",
)


def run(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command in this process."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_command_makes_no_verb_but_its_own() -> None:
    assert ["check"] == [each.name for each in only(["check", "agreement.yaml"]).registered_commands]
    for whatever in ([], ["--help"], ["chekc"], ["agreement.yaml", "check"]):
        assert app is only(whatever)
    alone = CliRunner().invoke(only(["check"]), ["check", "--help"])
    assert (0, *run(["check", "--help"])[1:]) == (alone.exit_code, alone.stdout, alone.stderr)
    assert len(VERBS) <= len(app.registered_commands)


def test_no_verb_is_left_out_here() -> None:
    own = {(each.name or "") for each in app.registered_commands}
    assert own == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    status, out, _ = run([verb, "--help"])
    assert 0 == status
    assert f"pyoutcome {verb}" in out
    assert "--json" in out


def test_check_proves_the_bounds() -> None:
    status, out, _ = run(["check", EXAMPLE, "--json"])
    assert 0 == status
    document = json.loads(out)
    assert {"least": "180000000000", "most": "520000000000"} == document["bounds"]["UA"]
    assert "1560000000000" == document["reserve"] == document["most_per_period"]
    warnings = [finding["code"] for finding in document["findings"] if finding["severity"] == "warning"]
    assert ["cliff"] * 3 == warnings
    _, table, _ = run(["check", EXAMPLE])
    assert "520,000.00" in table


def test_check_tells_the_shape_of_the_payments() -> None:
    _, out, _ = run(["check", EXAMPLE, "--json"])
    document = json.loads(out)
    told = {(each["kpi"], each["payee"]): each for each in document["shape"]["influences"]}
    united = told["on_time.UA", "UA"]
    assert ("rises", True, "higher") == (united["direction"], united["proven"], united["better"])
    assert [("0.0000", "0.5500"), ("0.7000", "0.7500"), ("0.9000", "1.0000")] == [
        (part["from"], part["to"]) for part in united["without_effect"]
    ]
    [_, second, _] = told["cancelled.B6", "B6"]["cliffs"]
    assert ("0.0300", "0.0301") == (second["from"], second["to"])
    assert {"warning", "note"} == {finding["severity"] for finding in document["findings"]}
    _, table, _ = run(["check", EXAMPLE])
    assert re.search(r"on_time \(each provider\) +higher +rises, proven +297,500\.00", table)
    assert re.search(r"cancelled \(each provider\) +lower +falls, proven +37,500\.00 +12,500\.00", table)
    assert "check: sound, 3 warnings, 2 notes" in table
    assert "5.01%" not in table.partition("warning cliff")[0]
    _, full, _ = run(["check", EXAMPLE, "--full"])
    assert re.search(r"55\.00% +70\.00% +222,500\.00 +372,500\.00 +rises, proven", full)
    assert "cliff between 1.00% and 1.01%: 260,000.00 to 247,500.00" in full


def test_check_refuses_silence_that_pays_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "silent.yaml"
    text = Path(EXAMPLE).read_text(encoding="utf-8")
    file.write_text(text.replace("if_missing: 1", "if_missing: 0"), encoding="utf-8")
    status, out, err = run(["check", str(file)])
    assert (1, "") == (status, out)
    assert "silence-pays" in err
    assert "(kpis.cancelled.if_missing)" in err


def test_explain_without_values_is_the_deal_in_words() -> None:
    _, out, _ = run(["explain", EXAMPLE])
    for number in ("250,000", "-150,000", "55%", "520,000", "2,500", "15%"):
        assert number in out


def test_explain_with_values_is_a_statement() -> None:
    values = ["-v", "on_time.UA=77.33%", "-v", "cancelled.UA=0.69%", "-v", "arrivals.UA=3586"]
    status, out, _ = run(["explain", EXAMPLE, *values, "--json"])
    assert 0 == status
    [united, jetblue, _] = json.loads(out)["providers"]
    # 250,000 + 2.33/15 of 180,000 + 2,500 at 40 + 1,000 at 30 + 86 at 20
    assert str(250_000 + 27_960 + 100_000 + 30_000 + 1_720) == united["amount"]
    assert "180000" == jetblue["amount"]
    _, table, _ = run(["explain", EXAMPLE, *values])
    assert "409,680.00" in table


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("on_time.UA=120%", "bad-kpi-value"),
        ("on_time.UA=0.77331", "bad-kpi-value"),
        ("on_time.UA=.nan", "not-a-number"),
        ("on_time.UA=1e400", "not-a-number"),
        ("on_time.U=1", "unknown-kpi"),
        ("on_time.UA", "bad-value-option"),
    ],
)
def test_bad_values_are_refused_with_their_code(value: str, code: str) -> None:
    status, out, err = run(["explain", EXAMPLE, "-v", value])
    assert (1, "") == (status, out)
    assert code in err
    assert "why" in err
    assert "fix" in err
    _, _, document = run(["explain", EXAMPLE, "-v", value, "--json"])
    assert code == json.loads(document)["error"]["code"]


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ("monthly_fee: 250000", "monthly_fee: .nan", "not-a-number", "terms.monthly_fee"),
        ("monthly_fee: 250000", "monthly_fee: 1e400", "not-a-number", "terms.monthly_fee"),
        ("monthly_fee: 250000", "monthly_fee: 0.1234567890123456789", "too-many-decimals", "terms.monthly_fee"),
        ("per: provider\n    of: on_time", "per: provider\n    off: on_time", "unknown-key", "clauses.punctuality"),
    ],
)
def test_a_bad_file_names_file_line_path_and_remedy(tmp_path: Path, old: str, new: str, code: str, path: str) -> None:
    text = Path(EXAMPLE).read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "bad.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    status, _, err = run(["check", str(file), "--json"])
    assert 1 == status
    error = json.loads(err)["error"]
    assert code == error["code"]
    assert str(file) == error["where"]["file"]
    assert path in error["where"]["path"]
    line = file.read_text(encoding="utf-8").splitlines()[error["where"]["line"] - 1]
    assert new.splitlines()[-1].split(":")[0].strip() in line
    assert error["fix"]


def test_outside_a_workspace_the_error_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = run(["status"])
    assert 1 == status
    assert "no-workspace" in err
    assert "pyoutcome init" in err


def test_help_and_version_start_without_heavy_libraries() -> None:
    code = (
        "import sys\nfrom pyoutcome.cli.app import app\n"
        "heavy = {'web3', 'eth', 'eth_tester', 'duckdb', 'altair', 'sqlglot', 'pydantic', 'eth_account'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_kpis_lists_the_library_and_shows_one_ready_to_paste() -> None:
    _, out, _ = run(["kpis", "--json"])
    listed = json.loads(out)["kpis"]
    assert len(listed) >= 24
    _, table, _ = run(["kpis", "--area", "satisfaction"])
    assert "net_promoter" in table
    assert "perfect_order" not in table
    _, text, _ = run(["kpis", "net_promoter"])
    assert "# Sample, which gives 25.0:" in text
    assert {"records", "kpis"} == set(re.findall(r"^([a-z]+):", text, flags=re.MULTILINE))
    _, out, _ = run(["kpis", "net_promoter", "--json"])
    assert "25.0" == json.loads(out)["value"]
    status, _, error = run(["kpis", "--area", "delivry", "--json"])
    assert (1, "kpi-area-unknown") == (status, json.loads(error)["error"]["code"])


def test_openslo_goes_there_and_back(tmp_path: Path) -> None:
    aimed = Path(EXAMPLE).read_text().replace("\nterms:\n", "\nterms:\n  on_time_target: 95%\n")
    (tmp_path / "deal.yaml").write_text(aimed)
    status, text, said = run(["openslo", "export", str(tmp_path / "deal.yaml")])
    assert 0 == status
    assert "target: 0.95" in text
    assert "not expressed: clauses:" in said
    (tmp_path / "slo.yaml").write_text(text)
    _, out, _ = run(["openslo", "import", str(tmp_path / "slo.yaml"), "--json"])
    document = json.loads(out)
    assert ({"on_time_target": "0.95"}, []) == (document["sections"]["terms"], document["unexpressed"])
    _, plain, _ = run(["openslo", "import", str(tmp_path / "slo.yaml")])
    assert document["text"] == plain
    status, _, error = run(["openslo", "import", str(tmp_path / "absent.yaml"), "--json"])
    assert (1, "openslo-unreadable") == (status, json.loads(error)["error"]["code"])
    for verb in ("import", "export"):
        assert f"pyoutcome openslo {verb}" in run(["openslo", verb, "--help"])[1]


def test_bundle_shows_what_a_file_says_and_who_signed_it(tmp_path: Path) -> None:
    flights = write_records(tmp_path / "in.csv", [{}, {"delay": 60}, {"carrier": "[red]"}])
    measured = measure(agree(), {"flights": flights}, [1])[0]
    path = write_bundle(make_bundle(agree(), measured, "UA", KEYS["UA"]), tmp_path)
    status, out, _ = run(["bundle", str(path)])
    assert 0 == status
    for told in (ADDRESSES["UA"], "share.UA", "0.5", "numerator 1, denominator 2", "in.csv", "warning: 1 records"):
        assert told in out
    document = json.loads(run(["bundle", str(path), "--json"])[1])
    assert (ADDRESSES["UA"], "1") == (document["signed_by"], document["period"])
    path.write_bytes(path.read_bytes().replace(b'"figure":"1"', b'"figure":"2"'))
    assert ADDRESSES["UA"] != json.loads(run(["bundle", str(path), "--json"])[1])["signed_by"]
    path.write_bytes(b"{}")
    status, _, error = run(["bundle", str(path), "--json"])
    assert (1, "bundle-malformed") == (status, json.loads(error)["error"]["code"])
