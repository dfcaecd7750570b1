"""The books of every act there is: whatever the reference machine does, the ledger says where its money is."""

from __future__ import annotations

from pyoutcome.ledger import ProviderBalance, balances, escrow_balances, fold
from pyoutcome.protocol.actions import Action
from pyoutcome.protocol.events import Event, Located
from pyoutcome.protocol.state import State
from tests.protocol.theatre import Theatre, deal
from tests.protocol.walk import walk

WALKS = 60


class Chronicle(Theatre):
    """A story whose events have places on a chain: a block for each act."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.located: list[Located] = []
        self.blocks = 0

    def act(self, action: Action) -> tuple[Event, ...]:
        happened = super().act(action)
        self.blocks += 1
        mark = self.blocks.to_bytes(32, "big")
        self.located += [Located(event, self.blocks, at, mark, self.now) for at, event in enumerate(happened)]
        return happened


def names_of(state: State) -> tuple[str, ...]:
    return tuple(f"P{slot}" for slot in range(len(state.deal.slots)))


def compare(story: Chronicle) -> None:
    state = story.state
    journal = fold(story.located, names_of(state))
    books = escrow_balances(journal)

    assert (state.tracked(), state.funds, state.client_claimable) == (
        books.tracked, books.funds, books.client_claimable,
    )  # fmt: skip
    accounts = balances(journal)
    assert state.stakes() == -sum(accounts[name] for name in accounts if name.endswith(":stake"))
    assert len(state.tenures) == len(journal.providers)
    for tenure, name in zip(state.tenures, journal.providers, strict=True):
        assert ProviderBalance(
            held=tenure.held, debt=tenure.debt, arrears=tenure.arrears, claimable=tenure.claimable, bond=tenure.bond,
            earned=tenure.earned, paid=tenure.paid,
        ) == books.providers[name]  # fmt: skip


def test_the_books_of_walks_through_every_act_are_those_of_the_machine() -> None:
    seen = set()
    for seed in range(WALKS):
        story = Chronicle(deal(slots=2 + seed % 2))
        if seed % 4:
            story.begin(funds=story.deal.rules.reserve * (1 + seed % 3))
        walk(story, seed, 150, unlucky=seed % 2 == 0)
        compare(story)
        seen |= {type(located.event).__name__ for located in story.located}
    assert {"Challenged", "StakeLost", "BondTaken", "Refunded", "Assigned", "ClientDeferred"} <= seen


def test_each_row_says_what_its_period_came_to_after_disputes_and_agreements() -> None:
    for seed in range(0, WALKS, 2):
        story = Chronicle(deal())
        story.begin(funds=story.deal.rules.reserve * 3)
        walk(story, seed, 120, unlucky=False)
        rows = {(row.period, row.provider): row for row in fold(story.located, names_of(story.state)).rows}
        journal = fold(story.located, names_of(story.state))
        for number, period in enumerate(story.state.periods, 1):
            for slot, tenure in enumerate(story.state.holders_of(number)):
                row = rows.get((number, journal.providers[tenure]))
                if not story.state.settled(number):
                    assert row is None
                    continue
                assert row is not None
                credit = period.credits[slot]
                assert credit.amount == row.amount
                assert row.amount == row.set_off + row.held + row.paid + row.owed - row.new_debt
                assert credit.funded == row.held + row.paid + row.arrears_paid + row.arrears_held
                assert credit.held == row.held + row.arrears_held
