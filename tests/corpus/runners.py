"""Ways to settle the periods of an agreement: each gives every value the payment rule stores, period by period.

The published cases are run through every runner in ``RUNNERS``. A runner takes the agreement and the KPI values of
successive periods, and gives for each period the values of the rule's items in their order of evaluation, which is the
order of the program's locals.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from typing import TypeAlias

from pyoutcome.formula import begin, evaluate, run, start_state
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.syntax import Name
from pyoutcome.terms import Agreement
from tests.contracts.runner import Case, Job, running_contract
from tests.contracts.runner import Runner as Contract

Values: TypeAlias = tuple[int, ...]
Runner: TypeAlias = Callable[[Agreement, Sequence[Values]], list[Values]]


def stored_items(rule: Rule) -> list[Item]:
    """The items that have a value of their own: all but payees whose amount is just a line."""
    lines = {Name(line.name) for line in rule.lines}
    return [item for item in rule.order if item.kind != "payee" or item.formula not in lines]


def of_rule(agreement: Agreement, stored: Values) -> Values:
    """The rule's own values among those of the program, which also holds what makes an escrow keep to the agreement."""
    named = zip(stored_items(agreement.enforced_rule()), stored, strict=True)
    by_name = {item.name: value for item, value in named}
    return tuple(by_name[item.name] for item in stored_items(agreement.rule()))


def run_evaluator(agreement: Agreement, periods: Sequence[Values]) -> list[Values]:
    """The evaluator on the payment rule."""
    rule = agreement.rule()
    state = start_state(rule, agreement.token.decimals)
    found: list[Values] = []
    for number, values in enumerate(periods, 1):
        outcome = evaluate(rule, values, period=number, state=state, explain=True)
        assert outcome.state is not None
        state = outcome.state
        by_name = {step.name: step.value for step in outcome.steps}
        found.append(tuple(by_name[item.name] for item in stored_items(rule)))
    return found


def run_program(agreement: Agreement, periods: Sequence[Values]) -> list[Values]:
    """The program's bytes on the Python machine."""
    program = agreement.program().data
    terms = [value for _, value in agreement.enforced_rule().parameters]
    state = begin(program, agreement.token.decimals)
    found: list[Values] = []
    for number, values in enumerate(periods, 1):
        result = run(program, values, terms, number, state)
        assert result.error == 0
        assert result.state is not None
        state = result.state
        found.append(of_rule(agreement, result.locals))
    return found


@cache
def contract() -> Contract:
    """The escrow's own verifier and machine, on a node that ends with the process."""
    node = ExitStack()
    atexit.register(node.close)
    return Contract(node.enter_context(running_contract()))


def run_contract(agreement: Agreement, periods: Sequence[Values]) -> list[Values]:
    """The program's bytes on the escrow's machine in Solidity."""
    terms = tuple(value for _, value in agreement.enforced_rule().parameters)
    cases = tuple(Case(tuple(values), terms, number) for number, values in enumerate(periods, 1))
    [answer] = contract().run([Job(agreement.program().data, cases, agreement.token.decimals)])
    assert answer.fault == 0
    assert all(outcome.error == 0 for outcome in answer.outcomes)
    return [of_rule(agreement, outcome.locals) for outcome in answer.outcomes]


RUNNERS: dict[str, Runner] = {"evaluator": run_evaluator, "program": run_program, "contract": run_contract}


def figures(agreement: Agreement, stored: Values) -> dict[str, int]:
    """What a case can ask for: every named value, and ``paid``, the amount of the only provider."""
    rule = agreement.rule()
    items = stored_items(rule)
    named = {item.name: value for item, value in zip(items, stored, strict=True)}
    amount = rule.payees[0].amount
    paid = named[amount.name] if isinstance(amount, Name) else named[f"amount of {rule.payees[0].name}"]
    return {"paid": paid, **named}
