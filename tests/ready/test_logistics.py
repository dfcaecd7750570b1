"""The ready agreement of deliveries: settled on the embedded chain, its backup called, and worked out by hand."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

from pyoutcome.evidence.bundles.manifest import parse_bundle
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.picture import draw
from tests.ready.playing import cents, line, play, read_rows, seconds, share, within

NAME = "logistics"


def by_hand(place: str, month: int) -> Fraction:
    """What a place earns in a month; negative where it owes."""
    due = [
        row
        for row in read_rows(NAME, "parcels")
        if row["place"] == place and within(row, "promised", "Europe/Paris", 2026, (month,))
    ]
    late = [seconds(row, "promised", "delivered") for row in due]
    parcels = sum(
        wait is not None and wait <= 86_400 and row["damaged"] == "false" for wait, row in zip(late, due, strict=True)
    )
    if not due:
        return Fraction(-2500)
    on_time = share(sum(wait is not None and wait <= 0 for wait in late), len(due))
    spoiled = sum(row["delivered"] == "NA" or row["damaged"] == "true" or Fraction(row["warmest"]) > 7 for row in due)
    transport = min(parcels, 80) * Fraction("7.80") + max(0, parcels - 80) * Fraction("7.20")
    moved = line(on_time, ("0.80", "-0.20"), ("0.94", "0"), ("0.97", "0"), ("1", "0.04"))
    return cents(transport * (1 + moved) - 25 * spoiled)


def signer_of(bundle: Path) -> str:
    """Who signed a stored bundle."""
    return parse_bundle(bundle.read_bytes(), bundle.name).signed_by()


def test_the_backup_is_called_after_two_breaches_and_the_bond_pays_what_is_owed(tmp_path: Path) -> None:
    played = play(NAME, tmp_path)
    for month in range(1, 7):
        for place in ("NORTH", "SOUTH"):
            assert by_hand(place, month) == played.amounts[month, place], (place, month)
    # Breaches in February and March; by the time March is certain April has begun, so the backup starts in May.
    assert {"SOUTH": 5} == played.called
    assert by_hand("SOUTH", 5) + by_hand("SOUTH", 6) == played.paid["SOUTH-2"]
    assert by_hand("SOUTH", 1) == played.paid["SOUTH"]
    # Whoever holds the place signs its evidence.
    signers = {
        month: signer_of(tmp_path / "deal" / "evidence" / f"period-{month:02d}.SOUTH.json") for month in (1, 4, 5, 6)
    }
    parties = json.loads((tmp_path / "deal" / "parties.json").read_text(encoding="utf-8"))["addresses"]
    first, backup = parties["SOUTH"], parties["backup-SOUTH"]
    assert {1: first, 4: first, 5: backup, 6: backup} == signers
    # The picture and the statements follow the place.
    with Workspace.open(tmp_path / "deal") as workspace:
        picture = draw(workspace, tmp_path / "payments.svg").read_text(encoding="utf-8")
        assert "Carrier of the south's place (SOUTH-2)" in picture.replace("&#39;", "'").replace("&apos;", "'")
        assert workspace.statement(5).rows["SOUTH"].paid > 0
