"""What somebody has to be told: evidence due, a KPI in danger, disputes, funds short, settled, parked. Each once."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import show
from pyoutcome.evidence.quality.plausibility import find_thresholds
from pyoutcome.formula.nearness import Nearness
from pyoutcome.formula.words import list_words
from pyoutcome.service.logs import say
from pyoutcome.settlement.outgoing import Outgoing

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.kpis import AgreementKpi

EVIDENCE_DUE: Final = "evidence-due"
KPI_IN_DANGER: Final = "kpi-in-danger"
CHALLENGED: Final = "challenged"
DISPUTE_OPENED: Final = "dispute-opened"
FUNDS_SHORT: Final = "funds-short"
SETTLED: Final = "settled"
PARKED: Final = "parked"
FAILING: Final = "failing"
REFUSED: Final = "refused"


class Herald:
    """Queues alerts for the channels that are configured, and logs them in any case."""

    def __init__(self, outgoing: Outgoing, channels: Sequence[str]) -> None:
        self._outgoing = outgoing
        self._channels = tuple(channels)

    def tell(self, kind: str, agreement: str, period: int | None, text: str, occasion: str = "") -> None:
        """Tells it, unless it was told before. ``occasion`` tells it from others of its kind."""
        key = " ".join(str(each) for each in ("alert", kind, agreement, period or "-", occasion))[:300]
        content = json.dumps({"kind": kind, "agreement": agreement, "period": period, "text": text})
        if self._outgoing.put(key, self._channels, kind, agreement, period, content):
            level = logging.INFO if kind == SETTLED else logging.WARNING
            say("alert", level, kind=kind, agreement=agreement, period=period, text=text)


def dangers(
    agreement: Agreement, values: Mapping[str, int | None], before: Mapping[str, int | None], period: int
) -> list[tuple[str, str]]:
    """KPIs next to a number at which the payment turns, or on its worse side since the period before: name and words.

    ``values``, ``before``: by KPI, scaled to 18 decimals; what is not known is left out.
    """
    found = []
    known = {name: value for name, value in values.items() if value is not None}
    nearness = Nearness(agreement.rule(), known, period)
    for kpi in agreement.kpis:
        value, former = values.get(kpi.name), before.get(kpi.name)
        told = [each.text for each in find_thresholds(kpi, nearness)]
        if value is not None and former is not None and kpi.shape.type == "number" and _is_worse(kpi, former, value):
            edges = list_words(
                kpi.show(turn.at) if turn.of == kpi.name else f"{turn.of} = {show(turn.at)}"
                for turn in nearness.passed(kpi.shape, former)
            )
            if edges:
                told.append(f"{kpi.name} went from {kpi.show(former)} to {kpi.show(value)}, past {edges}.")
        found += [(kpi.name, text) for text in told]
    return found


def _is_worse(kpi: AgreementKpi, former: int, value: int) -> bool:
    """Whether the KPI went to its worse side; one that has none did not."""
    return {"higher": value < former, "lower": value > former}.get(kpi.declared.better or "", False)
