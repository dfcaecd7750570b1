"""The trees of bundles: records come out of the engine one after another, and only hashes are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.merkle import RecordTree, RecordTrees, TreeHash, digest_of_secret
from pyoutcome.evidence.counting import open_records
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.proofs.leaves import Leaf, kpis_of, plan_looks, query_of, read_leaves, salt_for
from pyoutcome.evidence.queries.building import Frame
from pyoutcome.evidence.recomputation import Recomputation

if TYPE_CHECKING:
    from pyoutcome.evidence.bundles.bundle import Bundle
    from pyoutcome.evidence.engines.engine import Engine, Limits
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.sources.records import Given, SourceDigest, StagedRecords
    from pyoutcome.terms.agreement import Agreement


@dataclass(frozen=True)
class Followed:
    """One record of a tree, and the way from it to the root."""

    leaf: Leaf
    salt: bytes
    index: int
    """Its place in the tree, from 0."""
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class _Place:
    """Whose records of which period, and what their salts come from."""

    period: int
    supplier: str
    secret: bytes


def build_trees(own: Recomputation, wanted: Mapping[tuple[int, str], bytes]) -> dict[tuple[int, str], RecordTrees]:
    """The trees over the records that bundles look at, by period and supplier; ``wanted`` gives each one's secret.

    The records are read once more for all that are not known yet, so ask for all periods at once. Raises EvidenceError
    ``records-changed``, and those of reading records.
    """
    places = [_Place(period, supplier, secret) for (period, supplier), secret in wanted.items()]
    lacking = [each for each in places if (each.period, each.supplier, each.secret) not in own.trees]
    if lacking:
        made: dict[_Place, list[RecordTree]] = {place: [] for place in lacking}
        for plan in plan_measures(own.agreement):
            with open_records(plan, own.records[plan.name], own.limits, own.engine) as (engine, settled, staged):
                _check_same(staged, next(each for each in own.sources if each.name == plan.name))
                for place in lacking:
                    if plan_looks(plan, own.agreement, place.supplier):
                        tree = TreeHash()
                        for leaf, salt in _salted(engine, settled, own.agreement, place):
                            tree.add(leaf.hashed(salt))
                        made[place].append(RecordTree(plan.name, tree.root(), tree.size))
        for place, trees in made.items():
            held = RecordTrees(digest_of_secret(place.secret), tuple(trees))
            own.trees[place.period, place.supplier, place.secret] = held
    return {(each.period, each.supplier): own.trees[each.period, each.supplier, each.secret] for each in places}


def check_trees(own: Recomputation, bundles: Sequence[Bundle]) -> None:
    """The roots in bundles are those of one's own records; of a bundle without roots nothing is asked.

    Raises EvidenceError ``bundle-without-secret``, ``evidence-root-differs``, and what ``build_trees`` raises.
    """
    told = {(bundle.period, bundle.supplier): bundle for bundle in bundles if bundle.trees is not None}
    for bundle in told.values():
        require_secret(bundle)
    found = build_trees(own, {place: bundle.secret for place, bundle in told.items()})
    nothing = RecordTree("", b"", 0)
    for place, bundle in told.items():
        theirs = () if bundle.trees is None else bundle.trees.trees
        for here, there in zip_longest(found[place].trees, theirs, fillvalue=nothing):
            if here != there:
                raise root_differs(bundle, here.source or there.source, here.leaves, there.leaves)


def require_secret(bundle: Bundle) -> None:
    """Raises EvidenceError ``bundle-without-secret`` for a bundle whose salts cannot be worked out."""
    if bundle.trees is None or digest_of_secret(bundle.secret) != bundle.trees.secret_digest:
        raise EvidenceError(
            "bundle-without-secret",
            f"The evidence of {bundle.supplier} for period {bundle.period} came without the secret of its salts.",
            "Use the bundle as 'measure' has written it.",
            supplier=bundle.supplier,
        )


def root_differs(bundle: Bundle, source: str, own: int, told: int) -> EvidenceError:
    """The error for a root that the records at hand do not have."""
    return EvidenceError(
        "evidence-root-differs",
        f"The root over the records of {source} in the evidence of {bundle.supplier} for period {bundle.period} is not "
        f"that of the records here: they have {own} that its KPIs look at, and it tells of {told}.",
        "Compare the records with those it was measured from; if they are the same, let the supplier measure again.",
        supplier=bundle.supplier,
        source=source,
    )


def follow_record(
    agreement: Agreement,
    period: int,
    supplier: str,
    secret: bytes,
    source: str,
    key: Sequence[str],
    given: Given,
    limits: Limits | None = None,
    engine: str | None = None,
) -> tuple[RecordTree, Followed | None]:
    """The tree over the records of one source, and in it the record with a key; None if it is not in it.

    ``key``: the texts of the key's columns as ``leaves.show_cell`` writes them.
    """
    plan = next(each for each in plan_measures(agreement) if each.name == source)
    tree, found = TreeHash(), None
    with open_records(plan, given, limits, engine) as (opened, settled, _):
        for leaf, salt in _salted(opened, settled, agreement, _Place(period, supplier, secret)):
            sought = all(leaf.record[name] == text for name, text in zip(plan.key, key, strict=True))
            tree.add(leaf.hashed(salt), follow=sought)
            found = (leaf, salt) if sought else found
    whole = RecordTree(source, tree.root(), tree.size)
    if found is None or tree.followed is None:
        return whole, None
    return whole, Followed(*found, tree.followed, tree.path())


def _salted(engine: Engine, plan: SourcePlan, agreement: Agreement, place: _Place) -> Iterator[tuple[Leaf, bytes]]:
    """The leaves in their order, each with its salt."""
    frame = Frame(engine.dialect, agreement.periods, agreement.providers)
    query = query_of(frame, plan, agreement, place.period, place.supplier)
    if query is None:
        return
    for leaf in read_leaves(engine, plan, query, kpis_of(agreement, place.supplier)):
        yield leaf, salt_for(place.secret, plan.name, [leaf.record[name] for name in plan.key])


def _check_same(staged: StagedRecords, read: SourceDigest) -> None:
    """The records are those that were counted. Raises EvidenceError ``records-changed``."""
    if staged.digest != read:
        raise EvidenceError(
            "records-changed",
            f"{staged.origin} was changed between measuring and working out its tree.",
            "Measure again when nobody writes to the records, or measure a copy.",
            source=read.name,
        )
