"""Stored reports are checked once, and anew when they or the verifier's address change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyoutcome.errors import WorkspaceError
from pyoutcome.workspace import Workspace, reports
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.reports import agreeing_reports, read_report
from pyoutcome.workspace.settings import SignedReport
from tests.anvil import running_anvil
from tests.service.deals import make_deal


def test_a_stored_report_is_checked_once_and_a_changed_one_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_anvil() as url, make_deal(tmp_path / "deal", url, periods=1) as deal:
        verify(deal)
        checked: list[str] = []
        check = reports.check_report

        def note(desk: Desk, report: SignedReport, period: int, verifier: str) -> None:
            checked.append(verifier)
            check(desk, report, period, verifier)

        monkeypatch.setattr(reports, "check_report", note)
        for _ in range(3):
            assert ["V1", "V2"] == [report.verifier for report in agreeing_reports(deal.desk, 1).reports]
        assert ["V1", "V2"] == checked
        path = deal.files.report(1, "V2")
        text = path.read_text(encoding="utf-8")
        path.write_text(json.dumps({**json.loads(text), "values": ["0.5"]}), encoding="utf-8")
        for _ in range(2):
            assert ["V1"] == [report.verifier for report in agreeing_reports(deal.desk, 1).reports]
        path.write_text(text, encoding="utf-8")
        assert ["V1", "V2"] == [report.verifier for report in agreeing_reports(deal.desk, 1).reports]
        trusted = json.loads(deal.files.parties.read_text(encoding="utf-8"))
        trusted["addresses"]["V2"] = trusted["addresses"]["client"]
        deal.files.parties.write_text(json.dumps(trusted), encoding="utf-8")
        with pytest.raises(WorkspaceError) as refused:
            read_report(deal.desk, 1, "V2")
        assert "report-differs" == refused.value.code
        path.unlink()
        assert read_report(deal.desk, 1, "V2") is None


def verify(deal: Workspace) -> None:
    """Both verifiers sign their reports."""
    deal.measure("P1", [1])
    for verifier in ("V1", "V2"):
        deal.verify(verifier, [1])
