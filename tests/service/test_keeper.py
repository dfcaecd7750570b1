"""The keeper on a node: from records to closed, waiting where others must act, and told what somebody should know."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from pyoutcome.chain.batch import deploy_batch
from pyoutcome.chain.courier import Courier
from pyoutcome.errors import ChainError, StoreError
from pyoutcome.protocol.events import Settled
from pyoutcome.service.configuration import Setup
from pyoutcome.service.hands import Hands
from pyoutcome.service.metrics import Figures
from pyoutcome.service.running import open_keeper
from pyoutcome.settlement.outgoing import Outgoing
from pyoutcome.settlement.patience import HOUR, Patience
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.reporting import collect_report
from tests.anvil import connected, running_anvil
from tests.service.deals import CHALLENGE, DAY, ENDS, EVIDENCE_WITHIN, make_deal, write_keeper, write_parcels
from tests.service.keeping import alerts, count_alerts, keep, needs, password, rows
from tests.service.processes import wait_for

ALL = ["client", "P1", "V1", "V2"]


def configure(folder: Path, signs: Sequence[str] = ALL, **more: object) -> Path:
    """A keeper for one agreement that does everything in it."""
    duties = {"workspace": "deal", "as": signs, "pays": "client", "close": True, **more}
    return write_keeper(folder, {"agreements": {"parcels": duties}, "poll": "1 second", "attempts": 3})


def settled(workspace: Workspace) -> list[int]:
    return [each.event.period for each in workspace.desk.escrow.history() if isinstance(each.event, Settled)]


def failing(config: Path, code: str) -> list[int]:
    """Periods whose last error is this."""
    return [number for number, row in rows(config).items() if row.standing.error == code]


def test_it_reports_waits_out_the_challenge_settles_and_closes(tmp_path: Path, url: str) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=2, window=True) as deal:
        keep(config)
        assert ["period-end", "period-end"] == needs(config)
        deal.network.advance_to(ENDS[0])
        keep(config)
        assert ["challenge-window", "period-end"] == needs(config)
        deal.network.advance_to(ENDS[0] + CHALLENGE + 60)
        keep(config)
        assert ["nothing", "period-end"] == needs(config)
        deal.network.advance_to(ENDS[1])
        keep(config)
        deal.network.advance_to(ENDS[1] + CHALLENGE + 60)
        keep(config)
        assert ["nothing", "nothing"] == needs(config)
        assert ([1, 2], "closed") == (settled(deal), deal.status().stage)
        report = deal.audit()
        assert (2, 0) == (report.settled, report.differences)
    assert [("settled", 1), ("settled", 2)] == alerts(config)
    assert all(row.standing.done for row in rows(config).values())


def test_it_submits_nothing_for_nobody(tmp_path: Path, url: str) -> None:
    config = write_keeper(tmp_path, {"agreements": {"parcels": {"workspace": "deal", "as": ALL}}})
    with make_deal(tmp_path / "deal", url, periods=1) as deal:
        before = deal.network.head().number
        deal.network.advance_to(ENDS[0])
        keep(config)
        assert ["report"] == needs(config)
        assert before + 1 == deal.network.head().number


def test_it_signs_only_for_whom_it_is_told_to(tmp_path: Path, url: str) -> None:
    config = configure(tmp_path, signs=["P1", "V1"])
    with make_deal(tmp_path / "deal", url, periods=1) as deal:
        deal.network.advance_to(ENDS[0])
        keep(config)
        assert ["period-01.V1.json"] == [path.name for path in (deal.files.folder / "reports").iterdir()]
    assert "Signed by 1 of the 2 verifiers needed." == rows(config)[1].standing.why


def test_it_waits_for_records_and_goes_on_when_they_come(tmp_path: Path, url: str) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=1, records=False) as deal:
        deal.network.advance_to(ENDS[0])
        keep(config)
        standing = rows(config)[1].standing
        assert ("bundles", 0, None) == (standing.need, standing.attempts, standing.error)
        assert "records 'parcels' are not at" in standing.why
        write_parcels(deal.files.records / "parcels.csv")
        keep(config)
        assert [1] == settled(deal)


def test_it_signs_no_evidence_of_a_period_without_any_record(tmp_path: Path, url: str) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=1) as deal:
        write_parcels(deal.files.records / "parcels.csv", months=[2, 3])
        deal.network.advance_to(ENDS[0])
        keep(config)
        assert "P1 signs nothing about that by itself." in rows(config)[1].standing.why
        deal.network.advance_to(ENDS[0] + EVIDENCE_WITHIN - DAY)
        keep(config)
        assert [("evidence-due", 1)] == alerts(config)
        assert [] == settled(deal)
        keep(configure(tmp_path, without_records=True))
        assert [1] == settled(deal)


def test_it_proposes_a_default_only_if_that_is_its_duty(tmp_path: Path, url: str) -> None:
    with make_deal(tmp_path / "deal", url, periods=1, records=False) as deal:
        deal.network.advance_to(ENDS[0] + EVIDENCE_WITHIN)
        keep(configure(tmp_path))
        assert ["bundles"] == needs(configure(tmp_path))
        config = configure(tmp_path, defaults=True)
        keep(config)
        assert ["default-window"] == needs(config)
        deal.network.advance_to(ENDS[0] + EVIDENCE_WITHIN + 4 * DAY)
        keep(config)
        assert [1] == settled(deal)


def test_it_opens_a_challenged_period_s_dispute_and_has_the_report_stand_before_a_silent_arbitrator(
    tmp_path: Path, url: str
) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=1, window=True) as deal:
        deal.network.advance_to(ENDS[0])
        keep(config)
        deal.challenge(1, ["in_time.P1=75%"], "client")
        keep(config)
        deal.network.advance_to(ENDS[0] + CHALLENGE + 60)
        keep(config)
        assert ["ruling"] == needs(config)
        deal.network.advance_to(ENDS[0] + CHALLENGE + 22 * DAY)
        keep(config)
        assert [1] == settled(deal)
    assert {("challenged", 1), ("dispute-opened", 1), ("settled", 1)} <= set(alerts(config))


def test_a_verifier_that_finds_other_values_is_parked_and_told_and_goes_on_with_better_records(
    tmp_path: Path, url: str
) -> None:
    with make_deal(tmp_path / "deal", url, periods=1) as deal:
        deal.network.advance_to(ENDS[0])
        deal.measure("P1", [1])
        write_parcels(deal.files.records / "parcels.csv", late={1: 7})
        config = configure(tmp_path)
        wait_for(lambda: keep(config) > 0 and rows(config)[1].standing.parked, "the last try")
        standing = rows(config)[1].standing
        assert ("evidence-value-differs", 3) == (standing.error, standing.attempts)
        assert ("parked", 1) in alerts(config)
        write_parcels(deal.files.records / "parcels.csv")
        keep(config)
        assert [] == settled(deal)
        keep(config, wake=True)
        assert [1] == settled(deal)


def test_funds_that_are_short_are_told(tmp_path: Path, url: str) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=3, funds="10000") as deal:
        deal.network.advance_to(ENDS[0] + 60)
        keep(config)
        assert ("funds-short", None) in alerts(config)
        assert "lacks 10,000.00 TUSD" in rows(config)[0].standing.why


def test_a_kpi_that_falls_past_a_threshold_is_told(tmp_path: Path, url: str) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=2) as deal:
        write_parcels(deal.files.records / "parcels.csv", late={1: 1, 2: 5})
        for end in ENDS[:2]:
            deal.network.advance_to(end)
            keep(config)
        assert [1, 2] == settled(deal)
    assert ("kpi-in-danger", 2) in alerts(config)
    assert ("kpi-in-danger", 1) not in alerts(config)


def test_reports_of_many_go_in_one_transaction(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("TAKING_IN", "TOGETHER"):  # on a machine that does much else, one round would not come to all
        monkeypatch.setattr(f"pyoutcome.service.keeper.{limit}", 60_000)
    first = make_deal(tmp_path / "deals" / "first", url, name="first", periods=2)
    contracts = first.desk.settings
    second = make_deal(
        tmp_path / "deals" / "second", url, name="second", periods=2, factory=contracts.factory, token=contracts.token
    )
    payer = first.parties.signer("client")
    batch = deploy_batch(first.network, payer)
    given = {"folder": "deals", "as": ALL, "pays": "client"}
    config = write_keeper(tmp_path, {"workspaces": [given], "batch": batch.address})
    first.network.advance_to(ENDS[1])
    before = first.network.nonce(payer.address)
    keep(config)
    assert ([1, 2], [1, 2]) == (settled(first), settled(second))
    assert before + 1 == first.network.nonce(payer.address)
    first.close()
    second.close()


def test_one_agreement_that_cannot_be_opened_stops_no_other(tmp_path: Path, url: str) -> None:
    deals = {"parcels": {"workspace": "deal", "as": ALL, "pays": "client"}, "lost": {"workspace": "nowhere"}}
    config = write_keeper(tmp_path, {"agreements": deals})
    with make_deal(tmp_path / "deal", url, periods=1) as deal:
        deal.network.advance_to(ENDS[0])
        keep(config)
        assert [1] == settled(deal)


@pytest.mark.parametrize("lost", ["keeper.sqlite", "everything but the chain"])
def test_a_lost_database_costs_nothing(tmp_path: Path, url: str, lost: str) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=2) as deal:
        for end in ENDS[:2]:
            deal.network.advance_to(end)
            keep(config)
            for path in tmp_path.glob("keeper.sqlite*"):
                path.unlink()
            if lost != "keeper.sqlite":
                shutil.rmtree(deal.files.folder / "reports")
                shutil.rmtree(deal.files.folder / "evidence")
        keep(config)
        assert [1, 2] == settled(deal)
        assert 0 == (deal.audit().differences if lost == "keeper.sqlite" else 0)


def test_what_a_reorganisation_takes_back_is_settled_again_once(tmp_path: Path, url: str) -> None:
    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=1) as deal, connected(url) as line:
        deal.network.advance_to(ENDS[0])
        before = line.ask("evm_snapshot")
        keep(config)
        assert [1] == settled(deal)
        assert line.ask("evm_revert", before)
        line.ask("anvil_mine", "0x5")
        assert [] == settled(deal)
        keep(config)
        assert [1] == settled(deal)
        assert (1, 0) == (deal.audit().settled, deal.audit().differences)
    assert 1 == alerts(config).count(("settled", 1))


def test_a_node_that_is_away_is_asked_again_and_nothing_is_parked(tmp_path: Path) -> None:
    config = configure(tmp_path)
    with running_anvil() as url:
        make_deal(tmp_path / "deal", url, periods=1).close()
        keep(config)
    with open_keeper(Setup.load(config), password) as (keeper, _):
        for _ in range(3):
            keeper.round()
    assert [] == [row for row in rows(config).values() if row.standing.parked or row.standing.error]


def test_claims_that_could_not_be_given_back_are_looked_at_in_the_next_round(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the database cannot be written to for a moment, nothing waits until its own lease ends."""
    config = configure(tmp_path)

    def fail(*_: object) -> NoReturn:
        raise StoreError("database-failed", "Why.", "Fix.")

    with (
        make_deal(tmp_path / "deal", url, periods=1) as deal,
        open_keeper(Setup.load(config), password) as (keeper, _),
    ):
        deal.network.advance_to(ENDS[0])
        with monkeypatch.context() as full:
            full.setattr(keeper.state, "note", fail)
            full.setattr(keeper.state, "release", fail)
            with pytest.raises(StoreError):
                keeper.round()
        keeper.round()
        assert [1] == settled(deal)
        keeper.round()
    assert ["nothing"] == needs(config)


def test_a_node_that_fails_while_transactions_are_handed_in_ends_no_keeper(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(tmp_path)

    def fail(*_: object) -> NoReturn:
        raise ChainError("network-error", "Why.", "Fix.")

    with (
        make_deal(tmp_path / "deal", url, periods=1) as deal,
        open_keeper(Setup.load(config), password) as (keeper, _),
    ):
        deal.network.advance_to(ENDS[0])
        with monkeypatch.context() as away:
            away.setattr(Courier, "submit_many", fail)
            keeper.round()
        standing = rows(config)[1].standing
        assert ("network-error", 1, False) == (standing.error, standing.attempts, standing.parked)
        wait_for(lambda: keeper.round() is not None and settled(deal) == [1], "the next try", 20)


def test_a_sender_without_coin_is_told_once_and_all_goes_on_as_soon_as_it_has_some(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(tmp_path)
    with (
        make_deal(tmp_path / "deal", url, periods=3) as deal,
        connected(url) as node,
        open_keeper(Setup.load(config), password) as (keeper, _),
    ):
        client = deal.parties.addresses["client"]
        had = deal.network.balance(client)
        node.ask("anvil_setBalance", client, "0x1")
        try:
            deal.network.advance_to(ENDS[1])
            monkeypatch.setattr(Patience, "wait", lambda *_: 0)
            wait_for(
                lambda: keeper.round() and rows(config)[1].standing.attempts > 3, "more tries than are allowed", 20
            )
            monkeypatch.setattr(Patience, "wait", lambda *_: HOUR)
            keeper.round()
            assert [1, 2] == failing(config, "not-enough-coin")
            assert not rows(config)[1].standing.parked
            told = f"{client} has 1 wei, and this transaction may need "
            assert told in (rows(config)[2].standing.error_why or "")
            assert rows(config)[2].standing.next_look > time.time() * 1000 + HOUR / 2
        finally:
            node.ask("anvil_setBalance", client, hex(had))
        wait_for(lambda: keeper.round() is not None and settled(deal) == [1, 2], "coin to be noticed", 5)
    assert 1 == count_alerts(config, "held-up")


def test_a_recorded_transaction_without_coin_says_so_in_the_status_and_holds_back_only_its_sender(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(tmp_path)

    def lose(*_: object) -> NoReturn:
        raise ChainError("network-timeout", "Nothing came.", "Try again.")

    with (
        make_deal(tmp_path / "deal", url, periods=3) as deal,
        connected(url) as node,
        open_keeper(Setup.load(config), password) as (keeper, _),
    ):
        client = deal.parties.addresses["client"]
        had = deal.network.balance(client)
        deal.network.advance_to(ENDS[1])
        with monkeypatch.context() as away:
            away.setattr(type(deal.network), "send_many", lose)
            wait_for(lambda: keeper.round() and rows(config)[1].flight is not None, "transactions", 20)
        node.ask("anvil_setBalance", client, "0x1")
        try:
            wait_for(lambda: keeper.round() and "[waits-behind-another]" in rows(config)[2].standing.why, "words", 20)
            assert "Its transaction cannot go on: " in rows(config)[1].standing.why
            assert "[not-enough-coin] Send native coin to that address" in rows(config)[1].standing.why
            assert 0 == rows(config)[1].standing.attempts
            assert 1 == count_alerts(config, "held-up")
        finally:
            node.ask("anvil_setBalance", client, hex(had))
        wait_for(lambda: keeper.round() is not None and settled(deal) == [1, 2], "coin to be noticed", 5)
        wait_for(lambda: keeper.round() is not None and needs(config)[:2] == ["nothing"] * 2, "the end of both", 5)
    assert 1 == count_alerts(config, "held-up")


def test_what_was_carried_out_and_is_wanted_still_is_a_failure_and_not_waited_for(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a node told the transaction's block and then the state before it."""

    def report(hands: Hands, period: int) -> str:
        message, signatures = collect_report(hands.desk, period)
        form = hands.desk.escrow.form_report(period, message.values, message.evidence_digest, signatures)
        return hands.want("report", period, "client", form, "of whichever period")

    config = configure(tmp_path)
    with make_deal(tmp_path / "deal", url, periods=2) as deal:
        deal.network.advance_to(ENDS[0])
        with monkeypatch.context() as behind:
            behind.setattr(Hands, "report", report)
            keep(config, within=20)
            assert [1] == settled(deal)
            sent = deal.network.nonce(deal.parties.addresses["client"])
            deal.network.advance_to(ENDS[1])
            keep(config, within=20)
            standing = rows(config)[2].standing
            assert ("report", "transaction-not-taken", None) == (standing.need, standing.error, standing.purpose)
            wait_for(lambda: keep(config, within=20) > 0 and rows(config)[2].standing.parked, "the end of trying")
        assert ("parked", 2) in alerts(config)
        assert sent == deal.network.nonce(deal.parties.addresses["client"])
        keep(config, wake=True, within=20)
        assert [1, 2] == settled(deal)


def test_what_is_posted_before_the_first_round_is_not_turned_away(tmp_path: Path, url: str) -> None:
    (tmp_path / "key").write_text("the key", encoding="utf-8")
    keys = {"partner": {"key": "file:key", "agreements": ["parcels"], "may": ["evidence"]}}
    given = {
        "inbox": "inbox",
        "http": {"port": 0, "keys": keys},
        "agreements": {"parcels": {"workspace": "deal", "as": ALL}},
    }
    make_deal(tmp_path / "deal", url, periods=1).close()
    with open_keeper(Setup.load(write_keeper(tmp_path, given)), password) as (keeper, _):
        assert ["parcels"] == list(Figures(keeper, Outgoing(keeper.state)).agreements())
