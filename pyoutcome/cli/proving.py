"""The verb `prove`: one record was counted, shown without the others; and the check of such a proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Engine, Folder, Json, Records, open_workspace, read_records
from pyoutcome.cli.output import emit, progress
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from pyoutcome.evidence.proofs.checking import CheckedProof


def add_to(app: typer.Typer) -> None:
    """Adds the verb of this module."""
    app.command("prove", rich_help_panel="Evidence")(prove)


def prove(
    check: Annotated[
        str | None,
        typer.Option("--check", help="Check this proof (a file or address) instead of making one; needs no workspace."),
    ] = None,
    party: Annotated[str | None, typer.Option("--as", help="The provider whose record it is.")] = None,
    period: Annotated[int | None, typer.Option("--period", "-p", min=1, help="The period of its bundle.")] = None,
    record: Annotated[
        list[str] | None,
        typer.Option("--record", help="COLUMN=VALUE of the record's key; one for each column of the key."),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="The file or address to write; by default one beside the bundles.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="The records it is one of, if their key alone does not tell.")
    ] = None,
    agreement: Annotated[
        Path | None,
        typer.Option("--agreement", help="With --check: the agreement file, to evaluate the record by it."),
    ] = None,
    signer: Annotated[
        str | None, typer.Option("--signer", help="With --check: the address that must have signed.")
    ] = None,
    records: Records = None,
    engine: Engine = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Proves that one record was counted, and for which figures, without showing any other record.

    Its bundle must have been measured with --provable. Who checks a proof needs neither records nor network.

    Examples:
        pyoutcome prove --as UA --period 1 --record id=4711 --out proof.json
        pyoutcome prove --check proof.json
        pyoutcome prove --check proof.json --agreement agreement.yaml --signer 0x90F7...
    """
    from pyoutcome.cli import show

    if check is not None:
        _check(check, agreement, signer, as_json)
        return
    if party is None or period is None or not record:
        raise WorkspaceError(
            "bad-proof-options",
            "To make a proof it must be known whose record it is, in which period, and which one.",
            "Write --as PROVIDER --period N --record COLUMN=VALUE, or --check FILE to check a proof.",
        )
    key = _read_key(record)
    with progress(as_json) as advance, open_workspace(folder, progress=advance, engine=engine) as workspace:
        made = workspace.prove(party, period, key, source, read_records(records) or None, out)
    proof = made.proof
    document = {
        "file": made.place,
        "period": period,
        "supplier": party,
        "source": proof.source,
        "index": str(proof.index),
        "record": dict(proof.leaf.record),
        "counted": {kpi: list(figures) for kpi, figures in proof.leaf.counted.items()},
        "signed_by": proof.signer,
    }
    pairs = {"file": made.place, "signed by": proof.signer, "hashes": str(len(proof.path))}
    title = f"Proof of a record of {proof.source}, period {period}"
    emit(document, as_json, lambda console: show.facts(console, title, pairs | _counts(proof.leaf.counted)))


def _check(file: str, agreement: Path | None, signer: str | None, as_json: bool) -> None:
    from pyoutcome.cli import show
    from pyoutcome.evidence.proofs.checking import check_proof
    from pyoutcome.evidence.proofs.proof import read_proof
    from pyoutcome.terms.agreement import Agreement

    rules = None if agreement is None else Agreement.load(agreement)
    found = check_proof(read_proof(file), rules, signer=signer)
    document = {
        "signed_by": found.signer,
        "bundle_digest": "0x" + found.bundle_digest.hex(),
        "supplier": found.supplier,
        "period": found.period,
        "source": found.source,
        "records": str(found.records),
        "record": dict(found.record),
        "counted": {kpi: list(figures) for kpi, figures in found.counted.items()},
        "not_counted": list(found.not_counted),
        "by_agreement": found.by_agreement,
    }
    emit(document, as_json, lambda console: show.facts(console, f"The proof {file} holds", _facts(found, signer)))


def _facts(found: CheckedProof, signer: str | None) -> dict[str, str]:
    trusted = "" if signer is not None else " (ask whose address that is, or name it with --signer)"
    evaluated = "by the agreement" if found.by_agreement else "as the supplier signed it (no --agreement was given)"
    return {
        "signed by": found.signer + trusted,
        "bundle": "0x" + found.bundle_digest.hex(),
        "one of": f"{found.records} records of {found.source} that the KPIs of {found.supplier} look at in period "
        f"{found.period}",
        "counted": evaluated,
        **_counts(found.counted),
        **({"not counted by": ", ".join(found.not_counted)} if found.not_counted else {}),
        **{f"  {column}": "missing" if text is None else ascii(text)[1:-1] for column, text in found.record.items()},
    }


def _counts(counted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    if not counted:
        return {"counted by": "no KPI"}
    return {f"{kpi} counts it in": ", ".join(figures) for kpi, figures in counted.items()}


def _read_key(given: list[str]) -> dict[str, str]:
    """``COLUMN=VALUE`` options by column. WorkspaceError ``bad-record-option``."""
    found: dict[str, str] = {}
    for each in given:
        column, equals, value = each.partition("=")
        if not column or not equals or column in found:
            raise WorkspaceError(
                "bad-record-option",
                f"{each!r} does not name a column of the record's key, or names one twice.",
                "Write COLUMN=VALUE once for each column of the key, such as --record id=4711.",
            )
        found[column] = value
    return found
