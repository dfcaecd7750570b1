"""Formulas that say something else for each provider: ``pick(provider, [UA gives 80%, otherwise 85%])``.

Whose account a formula concerns is known when the payment rule is written, so nothing of this is left for the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Final

from pyoutcome.errors import AgreementError, FormulaError, PyoutcomeError, did_you_mean
from pyoutcome.formula.syntax import Compare, Name, Node, Pick, Relation, Truth, walk

PROVIDER: Final = "provider"
"""Stands in formulas for the id of the provider whose account they concern."""


def for_provider(node: Node, provider: str | None) -> Node:
    """The formula with ``provider`` chosen; unchanged where it concerns nobody's account."""
    if provider is None or not any(isinstance(each, Name) and each.name == PROVIDER for each in walk(node)):
        return node
    if isinstance(node, Pick) and node.choice.name == PROVIDER:
        own = {row.label: row.value for row in node.rows}.get(provider, node.otherwise)
        return node if own is None else for_provider(own, provider)
    if isinstance(node, Compare) and (party := _compared(node)) is not None:
        return Truth((party == provider) == (node.relation is Relation.EQ))
    changed: dict[str, object] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = for_provider(value, provider)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(for_provider(item, provider) for item in value)
    return replace(node, **changed)  # type: ignore[arg-type]


def _compared(node: Compare) -> str | None:
    """The party that ``provider`` is compared with."""
    sides = [side.name for side in (node.left, node.right) if isinstance(side, Name)]
    if len(sides) < 2 or PROVIDER not in sides or node.relation not in (Relation.EQ, Relation.NE):
        return None
    return sides[1] if sides[0] == PROVIDER else sides[0]


def provider_problems(formula: Node, providers: Sequence[str], concerned: str | None) -> Iterator[PyoutcomeError]:
    """What is wrong with the places of a formula that name ``provider``; ``concerned`` is whose account it is."""
    for node in walk(formula):
        named: list[str] = []
        if isinstance(node, Pick) and node.choice.name == PROVIDER:
            named = [row.label for row in node.rows]
            left = [each for each in providers if each not in named]
            if left and node.otherwise is None:
                yield FormulaError(
                    "pick-labels",
                    f"The rows say nothing for {', '.join(left)}.",
                    "Add a row for each provider, or 'otherwise'.",
                    at=node.span[0],
                )
        elif isinstance(node, Compare) and (party := _compared(node)) is not None:
            named = [party]
        elif isinstance(node, Name) and node.name == PROVIDER and concerned is None:
            yield AgreementError(
                "provider-needed",
                "The formula says something else for each provider, but it is read once for all.",
                "Give the clause 'per: provider'.",
                at=node.span[0],
            )
        for each in named:
            if each not in providers:
                yield AgreementError(
                    "unknown-party",
                    f"There is no provider {each!r}.",
                    did_you_mean(each, providers),
                    at=node.span[0],
                )
