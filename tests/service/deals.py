"""Small agreements on anvil for the keeper: one provider, two verifiers, four months of few records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from pyoutcome.workspace import Workspace

ENDS = (1_359_676_800, 1_362_096_000, 1_364_774_400, 1_367_366_400)
"""The ends of January to April 2013, UTC."""
DAY = 86_400
EVIDENCE_WITHIN = 10 * DAY
CHALLENGE = 5 * DAY
FUNDS = "48000"

TEXT = """
agreement: {name}
title: Parcels in time
parties:
  client: {{name: Shop}}
  providers:
    P1: {{name: Courier}}
  verifiers:
    V1: {{name: First verifier}}
    V2: {{name: Second verifier}}
  quorum: 2
  arbitrator: {{name: Arbitrator}}
term: {{zone: UTC, first: 2013-01-01, every: month, periods: {periods}}}
token: {{name: Test dollar, symbol: TUSD, decimals: 6}}
records:
  parcels:
    format: csv
    columns:
      parcel: {{type: text}}
      courier: {{type: text}}
      due: {{type: instant}}
      late: {{type: decimal, digits: 5}}
    key: [parcel]
    duplicates: refuse
    late: counts
kpis:
  in_time:
    unit: parcels in time, per parcel
    per: provider
    better: higher
    shown_as: percent
    decimals: 4
    range: [0, 1]
    if_missing: 0
    measure:
      kind: ratio
      records: parcels
      grain: record
      anchor: due
      provider: courier
      numerator: late <= 0
      denominator: everything
      rounding: half_up
clauses:
  fee:
    kind: fixed_fee
    per: provider
    amount: 10000
  punctuality:
    kind: service_credit
    per: provider
    pays: client
    measure: in_time
    charges: 10000
    levels: {{below 80%: 20%, below 90%: 10%, otherwise: 0}}
escrow:
  evidence_within: 10 days
  default_window: 3 days
{challenge}
  reserve: proven
"""
WINDOW = "  challenge: {within: 5 days, ruling_within: 21 days, stake: {fixed: 100, share: 10%}}"


def write_agreement(path: Path, name: str = "parcels", *, periods: int = 4, window: bool = False) -> Path:
    path.write_text(TEXT.format(name=name, periods=periods, challenge=WINDOW if window else ""), encoding="utf-8")
    return path


def write_parcels(path: Path, months: Sequence[int] = range(1, 13), late: Mapping[int, int] | None = None) -> Path:
    """Twenty parcels a month, of which one is late, or as many as ``late`` says for a month."""
    lines = ["parcel,courier,due,late"]
    for month in months:
        bad = (late or {}).get(month, 1)
        lines += [f"{month}-{n},P1,2013-{month:02d}-{n:02d}T12:00:00Z,{1 if n <= bad else 0}" for n in range(1, 21)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def make_deal(
    folder: Path,
    url: str,
    *,
    name: str = "parcels",
    periods: int = 4,
    window: bool = False,
    records: bool = True,
    funds: str | None = None,
    factory: str | None = None,
    token: str | None = None,
) -> Workspace:
    """An active agreement in a workspace of its own, with the test accounts' keys; close it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    agreement = write_agreement(folder.with_suffix(".yaml"), name, periods=periods, window=window)
    given = {"parcels": write_parcels(folder.with_suffix(".csv"))} if records else {}
    workspace = Workspace.create(folder, agreement, network=url, records=given, factory=factory, token=token)
    for party in ("client", "P1"):
        workspace.sign(party)
    workspace.deploy()
    workspace.fund(funds or str(10_000 * periods))
    return workspace


def write_keeper(folder: Path, text: Mapping[str, object]) -> Path:
    """A keeper's configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "keeper.yaml"

    def plain(value: object) -> object:
        match value:
            case Mapping():
                return {str(key): plain(each) for key, each in value.items()}
            case bool():
                return "yes" if value else "no"
            case list() | tuple():
                return [plain(each) for each in value]
            case _:
                return str(value)

    path.write_text(yaml.safe_dump(plain(text)), encoding="utf-8")
    return path
