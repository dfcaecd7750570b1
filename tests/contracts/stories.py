"""Random stories: what the actors of an agreement do, mostly sensibly, sometimes too early or without standing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyoutcome.chain.deal import Deal
from pyoutcome.protocol import actions as act
from pyoutcome.protocol import messages
from pyoutcome.protocol.deployed import deployed_rules
from pyoutcome.protocol.exits import current_holders
from pyoutcome.protocol.messages import MISSING, Message
from pyoutcome.protocol.reports import pack_report
from pyoutcome.protocol.state import CLIENT, PeriodStage
from pyoutcome.protocol.state import Stage as AgreementStage
from tests.contracts.stage import DAY, DIGEST, PERIODS, PROGRAMS, UNIT, WHO, Stage, payout, sign

ACTS = 80
"""Random acts of a story, before it is brought to its end."""
REFUSE = 2**256 - 1


class Story(Stage):
    """One escrow from its offer to its end."""

    # --- chances ----------------------------------------------------------------------------------------------------

    def seldom(self) -> bool:
        return self.random.random() < 0.08

    def any_period(self, *stages: PeriodStage, ended: bool = True) -> int:
        """Mostly an ended period in one of these stages, sometimes any."""
        last = max(1, self.state.last)
        found = [at for at, end in enumerate(self.deal.arguments.ends[:last], 1) if end <= self.node.now or not ended]
        fitting = [at for at in found if self.state.period(at).stage in stages]
        if fitting and self.random.random() < 0.85:
            return self.random.choice(fitting[:2])
        return self.random.randrange(1, last + 1)

    def values(self, *, missing: bool = True) -> tuple[int, ...]:
        drawn = tuple(self.random.choice((0, -200, 3, 150, 499, 2000, -1)) * UNIT for _ in range(3))
        if missing and self.seldom() and self.seldom():
            return (*drawn[:2], 10**41)
        if missing and self.random.random() < 0.25:
            at = self.random.choice((0, 2, 0, 1) if self.seldom() else (0, 2))
            return (*drawn[:at], MISSING, *drawn[at + 1 :])
        return drawn

    def press_on(self) -> None:
        """What waits for an arbitrator gets its next step at the moment it becomes possible."""
        waiting = [
            period
            for number, period in enumerate(self.state.periods, 1)
            if len(period.versions) > 1 and number <= self.state.last
        ]
        if not waiting:
            return self.challenge()
        self.node.now = max(self.node.now, waiting[0].window_end)
        return self.random.choice((self.rule, self.rule, self.settle))()

    def terms_of(self, number: int) -> bytes:
        return bytes.fromhex(self.state.rules_of(number).terms)

    def signed(self, message: Message, parties: Iterable[str]) -> tuple[frozenset[str], list[bytes]]:
        """Everybody's signatures; now and then somebody else's for one of them."""
        people = list(parties)
        spoilt = self.random.randrange(len(people)) if self.seldom() else -1
        digest = message.digest(self.domain)
        signatures = [sign(WHO["v0"] if at == spoilt else who, digest) for at, who in enumerate(people)]
        return frozenset(who for at, who in enumerate(people) if at != spoilt), signatures

    def holders(self, tenures: Iterable[int]) -> list[str]:
        """The client, and these tenures' holders by rising number."""
        return [WHO["client"], *(self.state.tenures[tenure].holder for tenure in sorted(set(tenures)))]

    def somebody(self) -> str:
        return self.random.choice([WHO["client"], WHO["client"], WHO["arbitrator"], *self.holders(self.everyone())])

    def everyone(self) -> range:
        return range(len(self.state.tenures))

    # --- offer ------------------------------------------------------------------------------------------------------

    def deposit(self, amount: int) -> None:
        action = act.Deposit(WHO["client"], self.arrives(amount))
        self.act(action, WHO["client"], "deposit", amount, brings=amount)

    def post_bond(self, slot: int, amount: int) -> None:
        by, sent = self.deal.arguments.providers[slot].signer, self.gross(amount)
        self.act(act.PostBond(slot, amount), by, "postBond", slot, sent, brings=sent)

    def begin(self) -> None:
        arguments = self.deal.arguments
        self.deposit(self.gross(self.random.randrange(500, 3000)))
        for slot, provider in enumerate(arguments.providers):
            parts = (provider.bond // 2, provider.bond - provider.bond // 2) if self.seldom() else (provider.bond,)
            for part in parts:
                self.post_bond(slot, part)
        people = [WHO["client"], *(provider.signer for provider in arguments.providers), WHO["b0"]]
        self.act(act.Activate(frozenset()), None, "activate")
        reply = self.call(None, "accept", DIGEST, self.deal.nonce, [sign(who, self.terms_hash) for who in people])
        assert reply.good
        self.ground.reached["accepted"] += 1
        self.act(act.Activate(frozenset(people)), None, "activate")

    def lapse(self) -> None:
        """An offer that nobody activates."""
        self.deposit(700)
        self.post_bond(0, self.deal.arguments.providers[0].bond)
        self.refuse(self.random.choice((WHO["client"], payout(0), payout(1))), True)
        self.act(act.Cancel(), None, "cancel")
        self.node.now = self.deal.arguments.activate_by
        self.act(act.Cancel(), None, "cancel")
        self.tilt()
        self.sync()
        self.claim()

    def breach(self) -> None:
        """Evidence of the first provider is missing twice, and its backup is called."""
        self.miss_twice()
        for _ in range(5):
            self.step_in()

    def dismiss(self) -> None:
        """Evidence of the first provider is missing twice, and the client ends the agreement."""
        self.miss_twice()
        for by in (WHO["p1"], WHO["client"]):
            self.act(act.TerminateForStreak(by, 0), by, "terminateForStreak", 0)
        self.finish()

    def miss_twice(self) -> None:
        self.begin()
        for period in (1, 2):
            self.node.now = max(self.node.now, self.deal.arguments.ends[period - 1])
            self.end_period(period)

    def starve(self) -> None:
        """The funding is gone, nobody makes it good, and a provider ends the agreement as soon as it may."""
        self.begin()
        self.shift(-self.state.funds)
        self.record_uncovered()
        self.node.now += self.deal.arguments.cure_window - 1
        for _ in range(2):
            self.act(act.TerminateForUncovered(WHO["p1"]), WHO["p1"], "terminateForUncovered")
            self.node.now += 1
        self.finish()

    def lose(self) -> None:
        """A payee refuses its money, and then the token's balance is no longer there."""
        self.begin()
        self.refuse(payout(1), True)
        self.node.now = self.deal.arguments.ends[0]
        self.end_period(1)
        self.shift(-self.state.funds - 3)
        for _ in range(5):
            self.claim()

    # --- periods ----------------------------------------------------------------------------------------------------

    def report(self) -> None:
        period = self.any_period(PeriodStage.NONE, PeriodStage.DEFAULTED)
        values = self.values()
        verifiers: tuple[int, ...] = (
            (0, 1) if values[1] == MISSING else self.random.choice(((0, 1), (1, 2), (0, 2), (0, 1, 2)))
        )
        if values[1] != MISSING and self.seldom():
            verifiers = (1,)
        message = messages.Report(self.address, self.terms_of(period), period, 0, values, bytes(32))
        digest = message.digest(self.domain)
        signatures = {at: sign(WHO[f"v{at}"], digest) for at in verifiers}
        packed = pack_report(period, values, bytes(32), signatures, self.state.rules_of(period).kpis)
        action = act.Report(period, values, verifiers)
        found = self.state.period(period)
        if found.stage is PeriodStage.DEFAULTED and len(found.versions) > 1 and self.node.now < found.window_end:
            self.act(action, None, "replace", packed, self.versions(period))
        else:
            self.act(action, None, "report", packed)

    def propose(self) -> None:
        period = self.any_period(PeriodStage.NONE)
        self.act(act.ProposeDefault(period), None, "proposeDefault", period)

    def post_digest(self) -> None:
        period, by = self.any_period(*PeriodStage), self.somebody()
        if self.state.settled(period) and self.state.rules_of(period).pricing.sequential:
            return  # the escrow does not keep when that turn was; it lets a digest be posted that changes nothing
        self.act(act.PostDigest(by, period, b"\x11" * 32), by, "postDigest", period, b"\x11" * 32)

    def settle(self) -> None:
        period = self.any_period(PeriodStage.DEFAULTED, PeriodStage.REPORTED)
        versions = self.versions(period)
        if len(versions) > 1:
            self.act(act.Settle(period), None, "dispute", period, versions)
        else:
            self.act(act.Settle(period), None, "settle", period, versions[0][2] if versions else [])

    def challenge(self) -> None:
        period = self.any_period(PeriodStage.REPORTED, PeriodStage.DEFAULTED)
        by, values = self.somebody(), self.values()
        if self.seldom() and self.state.period(period).versions:
            values = self.state.period(period).versions[0].values
        stake = self.random.choice((0, 400, 450, 600))
        nonce = self.state.period(period).proposals
        party = self.party_of(period, by)
        signature = b""
        payer = by
        if party is not None and self.random.random() < 0.4:
            message = messages.Challenge(self.address, self.terms_of(period), period, nonce, values)
            signature, payer = sign(by, message.digest(self.domain)), WHO["v2"]
        challenging = (period, CLIENT if party is None else party, stake, values, signature)
        action = act.Challenge(by, period, nonce, values, self.arrives(stake))
        self.act(action, payer, "challenge", challenging, self.versions(period), brings=stake)

    def party_of(self, period: int, who: str) -> int | None:
        if who == WHO["client"]:
            return CLIENT
        return next((t for t in self.state.holders_of(period) if self.state.tenures[t].holder == who), None)

    def rule(self) -> None:
        period = self.any_period(PeriodStage.DISPUTED, *self.unopened())
        found = self.state.period(period)
        by = WHO["p1"] if self.seldom() else WHO["arbitrator"]
        if self.state.rules_of(period).chooses is not self.seldom():
            choice = self.random.choice((None, 0, 1, 1, 2))
            action = act.Rule(by, period, found.proposals, choice=choice)
            self.act(action, by, "choose", period, self.versions(period), REFUSE if choice is None else choice)
            return
        rows = [version.values for version in found.versions] or [self.values()]
        mixed = tuple(self.random.choice(column) for column in zip(*rows, strict=True))
        values = self.random.choice((mixed, *rows, self.values()))
        signature = b""
        if by == WHO["arbitrator"] and self.random.random() < 0.4:
            message = messages.Ruling(self.address, self.terms_of(period), period, found.proposals, values)
            signature = sign(by, message.digest(self.domain))
        action = act.Rule(by, period, found.proposals, values=values)
        self.act(action, None if signature else by, "rule", period, self.versions(period), values, signature)

    def unopened(self) -> tuple[PeriodStage, ...]:
        """Sometimes a dispute is decided that nobody has opened."""
        return (PeriodStage.REPORTED, PeriodStage.DEFAULTED) if self.random.random() < 0.3 else ()

    def fall_back(self) -> None:
        period = self.any_period(PeriodStage.DISPUTED, *self.unopened())
        self.act(act.Fallback(period), None, "fallBack", period, self.versions(period))

    def agree(self) -> None:
        period, values = self.any_period(*PeriodStage), self.values()
        nonce = self.state.period(period).agreements
        later = range(period, self.state.last + 1)
        bound = list(self.state.holders_of(period))
        if any(self.state.rules_of(number).pricing.sequential for number in later):
            bound += current_holders(self.state, self.node.now)
        message = messages.Agreed(self.address, self.terms_of(period), period, nonce, values)
        signers, signatures = self.signed(message, self.holders(bound))
        action = act.Agree(period, values, nonce, signers)
        self.act(action, None, "agree", period, self.versions(period), values, signatures)

    # --- money ------------------------------------------------------------------------------------------------------

    def pay_arrears(self) -> None:
        most = self.random.choice((0, 1, 1, 2, 3))
        self.act(act.PayArrears(most), None, "payArrears", most)

    def withdraw(self) -> None:
        amount, by = self.random.choice((0, 1, 200, 1000)), WHO[self.random.choice(("client", "client", "p0"))]
        self.act(act.Withdraw(by, amount), by, "withdraw", amount)

    def claim(self) -> None:
        owners = [at for at, tenure in enumerate(self.state.tenures) if tenure.claimable]
        owners += [CLIENT] * (self.state.client_claimable > 0)
        owner = self.random.choice(owners or [CLIENT, *self.everyone()])
        early, to = self.random.random() < 0.5, payout(9)
        by = WHO["client"] if owner == CLIENT or self.seldom() else self.state.tenures[owner].holder
        self.act(act.Claim(by, owner, to, early), by, "claim", owner, to, early)

    def move(self) -> None:
        provider, to = self.random.choice(self.everyone()), payout(self.random.randrange(8))
        by = self.state.tenures[provider].holder if not self.seldom() else WHO["client"]
        self.act(act.MovePayout(by, provider, to), by, "movePayout", provider, to)

    def sync(self) -> None:
        self.act(act.Sync(), None, "sync")

    def record_uncovered(self) -> None:
        self.act(act.RecordUncovered(), None, "recordUncovered")

    # --- change and exit --------------------------------------------------------------------------------------------

    def amend(self) -> None:
        state = self.state
        first = self.random.randrange(max(1, min(state.started(self.node.now), state.last)), state.last + 1)
        before = first > 1 and state.rules_of(first - 1).pricing.sequential
        sequential = (before or first == 1) and self.random.random() < 0.7
        arguments = replace(
            self.deal.arguments,
            reserve=self.random.choice((0, 300, 500)),
            challenge_window=self.random.choice((0, 2 * DAY)),
            chooses=self.random.random() < 0.3,
            quorum=self.random.choice((1, 2)),
        )
        nonce = 10**6 * self.ground.stories + len(state.accepted) - (len(state.accepted) > 1 and self.seldom())
        deal = Deal(arguments, DIGEST, PROGRAMS[sequential], nonce)
        terms_hash = deal.terms.digest(self.domain)
        rules = deployed_rules(arguments, deal.program, terms_hash)
        keeps = before and self.random.random() < 0.6
        words = range(len(rules.pricing.start))
        carry = tuple(word if keeps else 255 for word in words)
        previous, deadline = state.accepted[-1].rules.terms, self.node.now + self.random.choice((0, DAY, DAY, DAY))
        message = messages.Amendment(self.address, bytes.fromhex(previous), terms_hash, first, carry, deadline)
        concerned = {tenure for number in range(first, state.last + 1) for tenure in state.holders_of(number)}
        signers, signatures = self.signed(message, self.holders(concerned))
        if state.backups[0] is not None:
            stays = self.random.random() < 0.6
            signatures.append(sign(WHO["b0"], message.digest(self.domain)) if stays else b"")
            signers |= {WHO["b0"]} if stays else set()
        kept = tuple(word if keeps else None for word in words)
        action = act.Amend(previous, first, rules, kept, deadline, signers)
        self.act(action, None, "amend", (*deal.as_offer(), first, deadline, carry), signatures)

    def assign(self) -> None:
        state, slot = self.state, self.random.randrange(3)
        first = self.state.deal.started(self.node.now) + 1
        incoming = WHO["p0"] if self.seldom() else WHO[f"n{min(11, len(state.tenures) - 3)}"]
        named = first if not self.seldom() else first + 1
        to, bond = payout(self.random.randrange(8)), self.deal.arguments.providers[slot].bond
        governed = min(first, PERIODS)
        outgoing = state.holder_of(slot, governed)
        message = messages.Assignment(
            self.address, self.terms_of(governed), slot, incoming, to, named, state.assignments
        )
        signers, signatures = self.signed(message, [WHO["client"], state.tenures[outgoing].holder, incoming])
        payer = WHO["v1"]
        action = act.Assign(slot, incoming, to, named, state.assignments, self.arrives(bond), signers)
        self.act(action, payer, "assign", slot, incoming, to, named, signatures, brings=bond)

    def step_in(self) -> None:
        by, bond = WHO["p1"] if self.seldom() else WHO["client"], self.deal.arguments.providers[0].bond
        self.act(act.StepIn(by, 0, payout(8), self.arrives(bond)), by, "stepIn", 0, payout(8), brings=bond)

    def terminate(self) -> None:
        self.random.choice((self.terminate_mutually, self.terminate_for_convenience, self.terminate_on_finding))()

    def terminate_mutually(self) -> None:
        state = self.state
        current = state.started(self.node.now)
        last = current + self.seldom()
        terms = self.terms_of(max(1, current))
        message = messages.Termination(self.address, terms, last, state.terminations)
        signers, signatures = self.signed(message, self.holders(current_holders(state, self.node.now)))
        action = act.TerminateMutually(last, state.terminations, signers)
        self.act(action, None, "terminateMutually", last, signatures)

    def terminate_for_convenience(self) -> None:
        by = self.somebody()
        self.act(act.TerminateForConvenience(by), by, "terminateForConvenience")

    def terminate_on_finding(self) -> None:
        signer, nonce = self.random.choice((WHO["arbitrator"], WHO["p1"])), self.random.randrange(3)
        terms = self.terms_of(max(1, self.state.started(self.node.now)))
        found = messages.Finding(self.address, terms, b"\x22" * 32, WHO["p0"], nonce)
        action = act.TerminateOnFinding(signer, found.cause, found.party, nonce)
        signature = sign(signer, found.digest(self.domain))
        self.act(action, None, "terminateOnFinding", found.cause, found.party, nonce, signature)

    def terminate_for_cause(self) -> None:
        slot, by = self.random.randrange(4), self.somebody()
        if self.random.random() < 0.5:
            self.act(act.TerminateForStreak(WHO["client"], slot), WHO["client"], "terminateForStreak", slot)
        else:
            self.act(act.TerminateForUncovered(by), by, "terminateForUncovered")

    def close(self) -> None:
        most = self.random.randrange(0, 5)
        self.act(act.Close(most), None, "close", most)

    # --- the world --------------------------------------------------------------------------------------------------

    def change_mood(self) -> None:
        who = [WHO["client"], *(tenure.payout for tenure in self.state.tenures)]
        self.refuse(self.random.choice(who), self.random.random() < 0.6)

    def tilt(self) -> None:
        """The balance moves by itself: a gift, or a loss."""
        if self.random.random() < 0.5:
            self.shift(self.random.randrange(1, 200))
        else:
            lost = self.random.choice((1, 50, self.state.funds, self.state.funds + 30))
            self.shift(-lost)

    def pass_time(self) -> None:
        self.node.now += self.random.choice((DAY, 5 * DAY, 10 * DAY, 2 * DAY - 1))

    # --- the whole --------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """A random story, then its end by an outsider alone."""
        if self.random.random() < 0.05:
            self.lapse()
            return
        self.begin()
        moves = [self.report] * 8 + [self.pass_time] * 6 + [self.pay_arrears] * 2 + [self.propose] * 3
        moves += [self.settle] * 4 + [self.claim] * 3 + [self.change_mood] * 2 + [self.tilt] * 2
        moves += [self.challenge] * 7 + [self.press_on] * 9 + [self.rule] * 2 + [self.fall_back] * 2 + [self.agree] * 2
        moves += [self.post_digest] * 2 + [self.record_uncovered, self.terminate_for_cause, self.step_in]
        moves += [self.withdraw, self.move, self.sync, self.close]
        moves += [lambda: self.deposit(self.random.randrange(1, 1500))]
        for _ in range(ACTS):
            if self.state.stage is AgreementStage.ACTIVE:
                rare = self.random.random()
                if rare < 0.02 and self.state.last:
                    self.amend()
                elif rare < 0.04:
                    self.assign()
                elif rare < 0.045:
                    self.terminate()
                else:
                    self.random.choice(moves)()
        self.finish()

    def finish(self) -> None:
        """Everybody else is silent; anyone brings it to its end."""
        self.node.now = max(self.node.now, self.state.release_date())
        for period in range(1, self.state.last + 1):
            if self.state.stage is AgreementStage.ACTIVE and not self.state.settled(period):
                self.end_period(period)
        for _ in range(60):
            if self.state.stage is AgreementStage.ACTIVE:
                self.act(act.Close(3), None, "close", 3)
        assert self.state.stage is AgreementStage.CLOSED

    def end_period(self, period: int) -> None:
        if self.state.period(period).stage is PeriodStage.NONE:
            self.node.now += 3 * DAY  # its evidence is due this long after its turn
            self.act(act.ProposeDefault(period), None, "proposeDefault", period)
        if self.state.period(period).stage is not PeriodStage.DISPUTED:
            self.node.now += 4 * DAY
            versions = self.versions(period)
            if len(versions) == 1:
                self.act(act.Settle(period), None, "settle", period, versions[0][2])
                return
            self.act(act.Settle(period), None, "dispute", period, versions)
        self.node.now += 6 * DAY
        self.act(act.Fallback(period), None, "fallBack", period, self.versions(period))
