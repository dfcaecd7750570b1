"""Making the proof of a record, and evaluating a proven one by the agreement: the part of proofs that needs an
engine."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.bundles.bundle import require_agreement
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import Kind
from pyoutcome.evidence.measures.conditions import Constant
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.proofs.leaves import Leaf, kpis_of, query_of, read_leaves, read_text
from pyoutcome.evidence.proofs.proof import Proof, tree_of
from pyoutcome.evidence.proofs.record_trees import Followed, follow_record, require_secret, root_differs
from pyoutcome.evidence.queries.building import Frame
from pyoutcome.formula.words import list_words

if TYPE_CHECKING:
    from pyoutcome.evidence.bundles.bundle import Bundle
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import Given
    from pyoutcome.terms.agreement import Agreement

_FIX: Final = "Use the agreement that the bundle was measured by."


def make_proof(
    agreement: Agreement,
    bundle: Bundle,
    source: str,
    key: Mapping[str, str],
    given: Given,
    engine: str | None = None,
) -> Proof:
    """The proof of one record from the supplier's own records (``given``); ``key``: the values of its key's columns.

    Raises EvidenceError ``bundle-for-another-agreement``, ``bundle-without-tree``, ``bundle-without-secret``,
    ``proof-key``, ``proof-record-unknown``, ``evidence-root-differs``, and those of reading records.
    """
    found = _find_record(agreement, bundle, source, key, given, engine)
    return Proof(
        replace(bundle, secret=b""), bundle.signed_by(), source, found.leaf, found.salt, found.index, found.path
    )


def _find_record(
    agreement: Agreement, bundle: Bundle, source: str, key: Mapping[str, str], given: Given, engine: str | None
) -> Followed:
    """The record with a key in the tree that the bundle tells of. Raises what ``make_proof`` raises."""
    require_agreement(bundle, agreement, _FIX)
    tree = tree_of(bundle, source)
    require_secret(bundle)
    plan = _plan_of(agreement, source)
    texts = _read_key(plan, key)
    whole, found = follow_record(
        agreement, bundle.period, bundle.supplier, bundle.secret, source, texts, given, engine=engine
    )
    if whole != tree:
        raise root_differs(bundle, source, whole.leaves, tree.leaves)
    if found is None:
        named = ", ".join(f"{name} {text!a}" for name, text in zip(plan.key, texts, strict=True))
        raise EvidenceError(
            "proof-record-unknown",
            f"No record of {source} with {named} is looked at by a KPI of {bundle.supplier} in period {bundle.period}.",
            "Check the key and the period; a record belongs to the period that holds its anchor.",
            source=source,
        )
    return found


def check_record(agreement: Agreement, proof: Proof) -> None:
    """The proven record is what the agreement makes of it.

    Its figures are worked out from the record alone. Where a measure counts one version of an item, or the time until
    an item's next record, other records decide too; then the signed leaf may tell fewer figures than that, not more.

    Raises EvidenceError ``bundle-for-another-agreement``, ``proof-record``.
    """
    bundle, told = proof.bundle, proof.leaf
    require_agreement(bundle, agreement, _FIX)
    plan = next((each for each in plan_measures(agreement) if each.name == proof.source), None)
    if plan is None or set(told.record) != set(plan.columns):
        raise _record_differs(proof, "its columns are not those that the agreement declares")
    for name, text in told.record.items():
        if text is not None and not _is_plain(plan, name, text):
            raise _record_differs(proof, f"{text[:60]!a} is no value of its column {name!r}")
    found = _evaluate(agreement, plan, proof)
    if found is None:
        raise _record_differs(proof, f"no KPI of {bundle.supplier} looks at it in period {bundle.period}")
    if found.record != told.record:
        raise _record_differs(proof, "its values are not written as they are counted")
    alone = {held.kpi for scan in plan.scans if scan.grain is None for held in scan.measures}
    for kpi, name in kpis_of(agreement, bundle.supplier).items():
        expected, claimed = found.counted.get(name, ()), told.counted.get(name, ())
        if claimed != expected and (kpi in alone or not set(claimed) <= set(expected)):
            raise _record_differs(
                proof,
                f"it adds to {list_words(expected) or 'no figure'} of {name}, and the proof says "
                f"{list_words(claimed) or 'no figure'}",
            )
    for name in sorted(set(told.counted) - set(kpis_of(agreement, bundle.supplier).values())):
        raise _record_differs(proof, f"the bundle has no KPI {name}")


def _evaluate(agreement: Agreement, plan: SourcePlan, proof: Proof) -> Leaf | None:
    """The record asked the same query, as if it were the only one; None if no KPI looks at it."""
    with (
        tempfile.TemporaryDirectory(prefix="pyoutcome-") as folder,
        open_engine([], Path(folder)) as engine,
    ):
        cells: list[exp.Expr] = [exp.alias_(exp.Literal.number(0), "position")]
        for name, column in plan.columns.items():
            text, type_ = proof.leaf.record[name], plan.types[name]
            dialect = engine.dialect
            cell = dialect.cast(exp.Null(), type_) if text is None else dialect.constant(Constant(text, type_))
            cells.append(exp.alias_(cell, column))
        engine.define(plan.table, exp.select(*cells))
        frame = Frame(engine.dialect, agreement.periods, agreement.providers)
        query = query_of(frame, plan, agreement, proof.bundle.period, proof.bundle.supplier)
        if query is None:
            return None
        return next(iter(read_leaves(engine, plan, query, kpis_of(agreement, proof.bundle.supplier))), None)


def _is_plain(plan: SourcePlan, name: str, text: str) -> bool:
    """Whether a text is a present value of a column in the one form that leaves have."""
    type_ = plan.types[name]
    missing = type_.kind is Kind.TEXT and text in ("", *plan.null_words)
    return not missing and "\0" not in text and read_text(text, type_) == text


def _read_key(plan: SourcePlan, key: Mapping[str, str]) -> list[str]:
    """The key's values in the form that leaves have. Raises EvidenceError ``proof-key``."""
    for name in key:
        if name not in plan.key:
            raise EvidenceError(
                "proof-key",
                f"{name!r} is not part of the key of the records {plan.name!r}.",
                did_you_mean(name, plan.key),
                source=plan.name,
            )
    texts = []
    for name in plan.key:
        text = read_text(key.get(name, ""), plan.types[name])
        if not text:
            said = f"{key[name][:60]!a} is not {plan.types[name]}" if name in key else "it is not given"
            raise EvidenceError(
                "proof-key",
                f"The record's {name} cannot be used: {said}.",
                f"Name the record by its whole key: {' '.join(f'{each}=VALUE' for each in plan.key)}.",
                source=plan.name,
            )
        texts.append(text)
    return texts


def _plan_of(agreement: Agreement, source: str) -> SourcePlan:
    return next(each for each in plan_measures(agreement) if each.name == source)


def _record_differs(proof: Proof, why: str) -> EvidenceError:
    return EvidenceError(
        "proof-record",
        f"The record of {proof.source} is not what the agreement makes of it: {why}.",
        "Do not rely on the proof; ask who signed it.",
        source=proof.source,
    )
