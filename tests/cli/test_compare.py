"""The verb `compare`: on screen, as JSON, as a document; of files and of a workspace's amendments."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.workspace import Workspace
from tests.test_architecture import HEAVY
from tests.workspace.conftest import AGREEMENT, active_template, flights, fresh_template, verified_template

__all__ = ["active_template", "flights", "fresh_template", "verified_template"]
ROOT = Path(__file__).parents[2]
TEXT = AGREEMENT.read_text(encoding="utf-8")


def run(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr; blanks as one."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.stdout.split()), result.stderr


@pytest.fixture
def dearer(tmp_path: Path) -> Path:
    file = tmp_path / "dearer.yaml"
    file.write_text(TEXT.replace("monthly_fee: 250000", "monthly_fee: 300000"), encoding="utf-8")
    return file


@pytest.fixture
def values(tmp_path: Path) -> Path:
    file = tmp_path / "values.csv"
    file.write_text("period,on_time.UA,cancelled.UA,arrivals.UA\n1,77.33%,0.69%,3586\n", encoding="utf-8")
    return file


def test_the_screen_tells_words_extremes_payments_and_shape(dearer: Path, values: Path) -> None:
    status, out, _ = run(["compare", str(AGREEMENT), str(dearer), "--values", str(values)])
    assert 0 == status
    for said in (
        "Changed: Monthly fee (terms.monthly_fee).",
        '"Monthly fee" is [-250,000-] {+300,000+}.',
        "terms.monthly_fee [-250000-] {+300000+}",
        "On the given values UA gains 50,000.00 TUSD, which the client loses.",
        "1 UA 409,680.00 459,680.00 +50,000.00 UA",
        "fee UA 250,000.00 300,000.00 +50,000.00",
        "UA a period 180,000.00 180,000.00 520,000.00 520,000.00",
        "cancelled.UA, cancelled.B6,",
        "cliff from 1.00% to 1.01%:",
    ):
        assert said in out


def test_json_holds_all_of_it(dearer: Path, values: Path) -> None:
    _, out, _ = run(["compare", str(AGREEMENT), str(dearer), "--values", str(values), "--json"])
    document = json.loads(out)
    [change] = document["changes"]
    assert [{"path": "terms.monthly_fee", "before": "250000", "after": "300000"}] == change["rules"]
    assert [{"before": "250,000", "after": "300,000"}] == change["numbers"]
    assert {"period": 1, "provider": "UA", "before": "409680", "after": "459680", "change": "50000", "gains": "UA"} == (
        document["payments"]["payments"][0]
    )
    assert {"least": "180000", "most": "520000"} == document["extremes"][0]["period"]["after"]


def test_equal_files_are_said_to_be_equal(tmp_path: Path) -> None:
    file = tmp_path / "same.yaml"
    file.write_text(TEXT.replace("monthly_fee: 250000", "monthly_fee: 250_000.0   # the same"), encoding="utf-8")
    _, out, _ = run(["compare", str(AGREEMENT), str(file)])
    assert "The two files say the same: their digests are equal" in out


def test_a_document_is_written_and_is_the_same_each_time(dearer: Path, values: Path, tmp_path: Path) -> None:
    made = []
    for name in ("one.md", "two.md"):
        out = tmp_path / name
        assert 0 == run(["compare", str(AGREEMENT), str(dearer), "--values", str(values), "--out", str(out)])[0]
        made.append(out.read_bytes())
    assert made[0] == made[1]
    for said in (b"~~250,000~~ **300,000**", b"| 1 | UA | 409,680.00 | 459,680.00 | +50,000.00 | UA |"):
        assert said in made[0]


def test_signs_in_a_title_stay_signs(tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    hostile = "[bold]<b>x</b>[/bold] {+new+}"
    file.write_text(TEXT.replace("title: On-time share", f"title: '{hostile}'"), encoding="utf-8")
    _, out, _ = run(["compare", str(AGREEMENT), str(file)])
    assert hostile in out
    made = tmp_path / "made.md"
    run(["compare", str(AGREEMENT), str(file), "--out", str(made)])
    assert "<b>" not in made.read_text(encoding="utf-8").replace("\\<", "")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--values", "values.csv", "--evidence", "."], "bad-comparison"),
        (["--values", "none.csv"], "values-malformed"),
        (["--evidence", "none"], "bundles-missing"),
        (["--amendment", "1"], "bad-comparison"),
        (["--out", "made.exe"], "no-such-format"),
    ],
)
def test_what_cannot_be_compared_is_refused(dearer: Path, options: list[str], code: str) -> None:
    status, out, err = run(["compare", str(AGREEMENT), str(dearer), *options])
    assert (1, "") == (status, out)
    assert code in err


def test_outside_a_workspace_two_files_are_needed(
    dearer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no-workspace" in run(["compare", str(dearer)])[2]


def test_a_workspace_gives_agreement_evidence_and_amendments(
    verified_template: Path, dearer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deal"
    shutil.copytree(verified_template, folder)
    monkeypatch.chdir(folder)
    assert "no-amendment" in run(["compare"])[2]
    _, out, _ = run(["compare", str(dearer), "--evidence", "."])
    # 16 of 20 on time, one of 20 cancelled: the fee is 50,000 higher, a tenth of it is credited.
    assert "1 UA 285,640.00 330,640.00 +45,000.00 UA" in out
    with Workspace.open(folder) as workspace:
        workspace.amend("client", dearer, 2)
    for arguments in (["compare"], ["compare", "--amendment", "1"]):
        assert "terms.monthly_fee [-250000-] {+300000+}" in run(arguments)[1]
    _, out, _ = run(["compare", "--evidence", "evidence"])
    assert "Payments on the given values" in out
    assert "1 UA 285,640.00" not in out  # period 1 is not changed by an amendment from period 2 on
    assert "no-amendment" in run(["compare", "--amendment", "2"])[2]


def test_evidence_of_another_agreement_is_refused(verified_template: Path, dearer: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(TEXT.replace("monthly_fee: 250000", "monthly_fee: 1"), encoding="utf-8")
    folder = verified_template / "evidence"
    assert "bundle-for-another-agreement" in run(["compare", str(dearer), str(other), "--evidence", str(folder)])[2]


def test_bundles_that_disagree_on_a_shared_kpi_are_refused(tmp_path: Path) -> None:
    text = (
        "agreement: shared\nparties: {providers: {A: {name: Alpha}, B: {name: Beta}}}\n"
        "kpis: {x: {range: [0, 9], if_missing: 0}}\nclauses: {fee: {kind: formula, to: A, is: x}}\n"
    )
    for name in ("old", "new"):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    from pyoutcome.evidence.bundles.bundle import Bundle
    from pyoutcome.evidence.bundles.filing import write_bundle
    from pyoutcome.evidence.bundles.measured import MeasuredValue
    from pyoutcome.terms import Agreement

    digest = Agreement.parse(text).digest()
    for supplier, value in (("A", 3), ("B", 4)):
        said = MeasuredValue("x", None, value, None, value * 10**18, "asked")
        write_bundle(Bundle(digest, 1, supplier, (), (said,), (), bytes(32), bytes(65)), tmp_path)
    files = [str(tmp_path / f"{name}.yaml") for name in ("old", "new")]
    assert "bundles-disagree" in run(["compare", *files, "--evidence", str(tmp_path)])[2]


def test_comparing_files_loads_nothing_heavy(dearer: Path, values: Path) -> None:
    """Whole as a command it takes less than a second, of which most is starting."""
    arguments = ["pyoutcome", "compare", str(AGREEMENT), str(dearer), "--values", str(values), "--json"]
    code = (
        f"import sys; sys.argv = {arguments!r}\nfrom pyoutcome.cli.app import app\napp(standalone_mode=False)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set() == set(done.stderr.split()) & set(HEAVY)
