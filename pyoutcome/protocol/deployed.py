"""The reference machine for a deployed escrow: the same arguments, the very program bytes.

So a model test can hold the contracts against ``apply`` act by act.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyoutcome.decimals import DECIMALS
from pyoutcome.formula.machine import run
from pyoutcome.formula.state import State
from pyoutcome.formula.verify import Shape, verify
from pyoutcome.protocol.arguments import Arguments
from pyoutcome.protocol.deal import Deal, Priced, Rules, Slot


@dataclass(frozen=True)
class ProgramPricing:
    """Program bytes as the machine's pricing. FormulaError ``program-*`` if they are no program."""

    program: bytes
    parameters: tuple[int, ...]
    """18 decimals."""
    unit_decimals: int = 18
    """Decimals of the token, which sums to date are cut to."""
    shape: Shape = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", verify(self.program))

    @property
    def sequential(self) -> bool:
        """Whether the program reads earlier periods."""
        return self.shape.sequential

    @property
    def start(self) -> tuple[int, ...]:
        """What the machine carries as registers before the first period.

        All words of the program's state but the earned amounts, which the machine has itself; always as many, so that
        versions of a period can be compared: the number of periods, registers (while that is 0 start values count),
        histories filled up with zeros, sums to date by line.
        """
        if not self.sequential:
            return ()
        header = self.shape.header
        past = sum(row.depth for row in header.histories)
        return (0,) * (1 + len(header.registers) + past + len(self.shape.to_date))

    def settle(
        self, values: tuple[int, ...], registers: tuple[int, ...], period: int, earned: tuple[int, ...]
    ) -> Priced | int:
        """Amounts per payee, or the error number of the run (docs/program-format.md)."""
        state = self._state(registers, earned) if self.sequential else None
        result = run(self.shape, values, self.parameters, period, state)
        if result.error:
            return result.error
        return Priced(result.amounts, () if result.state is None else self._registers(result.state))

    def _state(self, registers: tuple[int, ...], earned: tuple[int, ...]) -> State:
        """The program's state from what the machine carries."""
        header = self.shape.header
        words = iter(registers)
        periods = next(words)
        kept = tuple(next(words) for _ in header.registers)
        histories = tuple(tuple(next(words) for _ in range(row.depth))[:periods] for row in header.histories)
        unit: int = 10 ** (DECIMALS - self.unit_decimals)
        return State(
            self.unit_decimals,
            periods,
            kept if periods else (),
            histories,
            tuple(words),
            tuple(earned[payee] * unit for payee in self.shape.earned),
        )

    def _registers(self, state: State) -> tuple[int, ...]:
        """What the machine carries, from the program's state after a period."""
        depths = [row.depth for row in self.shape.header.histories]
        past = [
            (*history, *(0,) * (depth - len(history))) for history, depth in zip(state.histories, depths, strict=True)
        ]
        return (state.periods, *state.registers, *(word for row in past for word in row), *state.to_date)


def deployed_rules(arguments: Arguments, program: bytes, terms_hash: bytes) -> Rules:
    """The part of the machine's terms that an amendment replaces, of deployed arguments."""
    return Rules(
        terms=terms_hash.hex(),
        pricing=ProgramPricing(program, arguments.parameters, arguments.unit_decimals),
        kpis=arguments.kpis,
        suppliers=tuple(kpi.supplier for kpi in arguments.kpis),
        verifiers=arguments.verifiers,
        quorum=arguments.quorum,
        arbitrator=arguments.arbitrator,
        chooses=arguments.chooses,
        evidence_window=arguments.evidence_window,
        default_window=arguments.default_window,
        challenge_window=arguments.challenge_window,
        ruling_window=arguments.ruling_window,
        stake_fixed=arguments.stake_fixed,
        stake_share=arguments.stake_share,
        reserve=arguments.reserve,
        refuses=arguments.refuses,
    )


def deployed_deal(arguments: Arguments, program: bytes, terms_hash: bytes) -> Deal:
    """The machine's terms for deployed arguments."""
    return Deal(
        client=arguments.client,
        slots=tuple(Slot(one.signer, one.payout, one.bond, one.backup) for one in arguments.providers),
        activate_by=arguments.activate_by,
        start=arguments.start,
        ends=arguments.ends,
        unit_decimals=arguments.unit_decimals,
        holdback_rate=arguments.holdback_rate,
        holdback_delay=arguments.holdback_delay,
        rules=deployed_rules(arguments, program, terms_hash),
        cure_window=arguments.cure_window,
        notice=arguments.notice,
        convenience=arguments.convenience,
        convenience_fee=tuple(one.fee for one in arguments.providers),
        streak=arguments.streak,
        restates=arguments.restates,
    )
