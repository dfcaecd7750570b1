"""Figures for operators, in OpenMetrics text: where periods stand, what fails, what is on its way. No party's name."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest

if TYPE_CHECKING:
    from pyoutcome.service.keeper import Keeper
    from pyoutcome.settlement.outgoing import Outgoing

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Figures:
    """Reads the keeper's figures when they are asked for."""

    def __init__(self, keeper: Keeper, outgoing: Outgoing) -> None:
        self._keeper = keeper
        self._outgoing = outgoing
        self._began = time.time()

    def agreements(self) -> Collection[str]:
        """The names of the agreements that are kept."""
        return self._keeper.homes.kept

    def status(self) -> list[dict[str, object]]:
        """Where each period stands. StoreError."""
        return [each.to_dict() for each in self._keeper.state.standings()]

    def metrics(self) -> bytes:
        """The figures as OpenMetrics text. StoreError."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return bytes(generate_latest(registry))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks a collector for. StoreError."""
        periods = GaugeMetricFamily(
            "pyoutcome_periods", "Periods by what they need and how that goes", labels=["need", "state"]
        )
        for (need, state), count in sorted(self._keeper.state.counts().items()):
            periods.add_metric([need, state], count)
        yield periods
        up = GaugeMetricFamily("pyoutcome_network_up", "Whether a network answered last time", labels=["network"])
        agreements = GaugeMetricFamily("pyoutcome_agreements", "Agreements looked after", labels=["network"])
        for chain in list(self._keeper.chains.values()):
            up.add_metric([chain.network.name], 0 if chain.failures else 1)
            agreements.add_metric([chain.network.name], len(chain.names))
        yield up
        yield agreements
        flights = GaugeMetricFamily("pyoutcome_transactions_in_flight", "Periods whose transaction is on its way")
        flights.add_metric([], self._keeper.state.in_flight())
        yield flights
        waiting = GaugeMetricFamily("pyoutcome_outgoing", "Alerts and files that go out", labels=["state"])
        waiting.add_metric(["waiting"], self._outgoing.waiting())
        waiting.add_metric(["given-up"], len(self._outgoing.given_up()))
        yield waiting
        rounds = CounterMetricFamily("pyoutcome_rounds", "Rounds since the keeper started")
        rounds.add_metric([], self._keeper.rounds)
        yield rounds
        began = GaugeMetricFamily("pyoutcome_start_time_seconds", "When the keeper started, unix seconds")
        began.add_metric([], int(self._began))
        yield began
        threads = GaugeMetricFamily("pyoutcome_threads", "Threads of the process")
        threads.add_metric([], threading.active_count())
        yield threads
