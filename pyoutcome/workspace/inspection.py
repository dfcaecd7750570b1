"""What a deployed escrow is, as it was read: values, texts and one JSON document."""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.chain.factory import Deal
from pyoutcome.decimals import show
from pyoutcome.formula import KpiShape, Rule, rule_to_words, to_text
from pyoutcome.formula.rule_words import kpi_value_words
from pyoutcome.protocol import Arguments
from pyoutcome.protocol.events import Amended


@dataclass(frozen=True)
class PayeeBounds:
    """What the program can give one provider in a period, base units; negative: it owes."""

    name: str
    least: int
    most: int


@dataclass(frozen=True)
class Inspection:
    """What a deployed escrow is."""

    address: str
    factory: str
    network: str
    chain_id: int
    stage: str
    """``offer``, ``active`` or ``closed``."""
    deal: Deal
    terms_hash: bytes
    """What the parties sign."""
    program: bytes
    rule: Rule
    """Read out of the program; with the names of the agreement where it is the agreement's."""
    bounds: tuple[PayeeBounds, ...] | None
    """Proven from the ranges of the KPIs; None where that does not succeed."""
    unproven: str
    """Why there are no bounds; empty if there are."""
    agreement: str | None
    """The agreement file that was compared with it."""
    differences: tuple[str, ...]
    """What is not as that file says, one sentence each."""
    amendments: tuple[Amended, ...]
    """Those that the escrow has accepted, in order; all else is as it was signed at the start."""

    @property
    def arguments(self) -> Arguments:
        """Every deployed argument."""
        return self.deal.arguments

    @property
    def formulas(self) -> tuple[tuple[str, str], ...]:
        """Every definition, register, line and payee amount: what it is called, and its formula as text."""
        found = [(each.name, to_text(each.formula)) for each in self.rule.definitions]
        for each in self.rule.registers:
            found += [(f"start of {each.name}", to_text(each.start)), (f"next {each.name}", to_text(each.next))]
        found += [(line.name, to_text(line.formula)) for line in self.rule.lines]
        return (*found, *((f"amount of {payee.name}", to_text(payee.amount)) for payee in self.rule.payees))

    @property
    def words(self) -> tuple[str, ...]:
        """The rule in plain English, a sentence each."""
        return tuple(sentence.text for sentence in rule_to_words(self.rule))

    def to_dict(self) -> dict[str, object]:
        """For machines: money in base units, values and terms as decimals, times in unix seconds; numbers as texts."""
        given = self.arguments
        return {
            "escrow": self.address,
            "factory": self.factory,
            "network": self.network,
            "chain_id": self.chain_id,
            "stage": self.stage,
            "agreement_digest": "0x" + self.deal.agreement_digest.hex(),
            "program_hash": "0x" + self.deal.program_hash.hex(),
            "program": "0x" + self.program.hex(),
            "terms_hash": "0x" + self.terms_hash.hex(),
            "nonce": str(self.deal.nonce),
            "client": given.client,
            "providers": [
                {
                    "name": payee.name,
                    "signer": each.signer,
                    "payout": each.payout,
                    "bond": str(each.bond),
                    "backup": each.backup,
                    "fee": str(each.fee),
                }
                for payee, each in zip(self.rule.payees, given.providers, strict=True)
            ],
            "verifiers": list(given.verifiers),
            "quorum": str(given.quorum),
            "arbitrator": given.arbitrator,
            "token": given.token,
            "token_decimals": str(given.unit_decimals),
            "activate_by": str(given.activate_by),
            "start": str(given.start),
            "ends": [str(end) for end in given.ends],
            "evidence_window": str(given.evidence_window),
            "default_window": str(given.default_window),
            "holdback_share": show(given.holdback_rate),
            "holdback_release": str(given.holdback_release),
            "reserve": str(given.reserve),
            "challenge_window": str(given.challenge_window),
            "ruling_window": str(given.ruling_window),
            "stake": {"fixed": str(given.stake_fixed), "share": show(given.stake_share)},
            "arbitrator_chooses": given.chooses,
            "refuses": given.refuses,
            "breaches": str(given.streak),
            "cure_window": str(given.cure_window),
            "notice": str(given.notice),
            "convenience": sorted(given.convenience),
            "restates": given.restates,
            "amendments": [
                {"first": str(each.first), "terms_hash": "0x" + each.terms_hash.hex(), "store": each.store}
                for each in self.amendments
            ],
            "kpis": [
                {
                    "name": shape.full_name,
                    "decimals": str(kpi.decimals),
                    "low": _value(shape, kpi.low),
                    "high": _value(shape, kpi.high),
                    "if_missing": _value(shape, kpi.if_missing),
                    "may_be_missing": kpi.may_be_missing,
                }
                for shape, kpi in zip(self.rule.kpis, given.kpis, strict=True)
            ],
            "terms": {name: show(value) for name, value in self.rule.parameters},
            "sequential": self.rule.sequential,
            "formulas": dict(self.formulas),
            "words": list(self.words),
            "bounds": None if self.bounds is None else {
                each.name: {"least": str(each.least), "most": str(each.most)} for each in self.bounds
            },
            "unproven": self.unproven,
            "agreement": self.agreement,
            "differences": list(self.differences),
        }  # fmt: skip


def _value(shape: KpiShape, value: int) -> str:
    """A KPI value for machines: a plain decimal, yes or no, or a label."""
    return show(value) if shape.type == "number" else kpi_value_words(shape, value)
