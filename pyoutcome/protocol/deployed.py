"""The reference machine for an escrow as the first contracts deploy it: the same arguments, the very program bytes.

So a model test can hold a contract against ``apply`` act by act. Section 12 of docs/protocol.md says what the contract
leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyoutcome.formula.machine import run
from pyoutcome.formula.verify import Shape, verify
from pyoutcome.protocol.arguments import Arguments
from pyoutcome.protocol.deal import Deal, Priced, Rules, Slot


@dataclass(frozen=True)
class ProgramPricing:
    """Program bytes as the machine's pricing. FormulaError ``program-*`` if they are no program."""

    program: bytes
    parameters: tuple[int, ...]
    """18 decimals."""
    shape: Shape = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", verify(self.program))

    @property
    def sequential(self) -> bool:
        """Whether the program reads earlier periods."""
        return self.shape.sequential

    @property
    def start(self) -> tuple[int, ...]:
        """Start values of the registers: this version of the program format has none."""
        return ()

    def settle(
        self, values: tuple[int, ...], registers: tuple[int, ...], period: int, earned: tuple[int, ...]
    ) -> Priced | int:
        """Amounts per payee, or the error number of the run (docs/program-format.md)."""
        del registers, earned  # programs of this version read neither
        result = run(self.shape, values, self.parameters, period)
        return result.error or Priced(result.amounts)


def deployed_deal(arguments: Arguments, program: bytes, terms_hash: bytes) -> Deal:
    """The machine's terms for deployed arguments: no bonds, challenges, breaches or early end."""
    rules = Rules(
        terms=terms_hash.hex(),
        pricing=ProgramPricing(program, arguments.parameters),
        kpis=arguments.kpis,
        suppliers=(None,) * len(arguments.kpis),
        verifiers=arguments.verifiers,
        quorum=arguments.quorum,
        arbitrator=arguments.arbitrator,
        chooses=False,
        evidence_window=arguments.evidence_window,
        default_window=arguments.default_window,
        challenge_window=0,
        ruling_window=0,
        stake_fixed=0,
        stake_share=0,
        reserve=arguments.reserve,
    )
    return Deal(
        client=arguments.client,
        slots=tuple(Slot(provider.signer, provider.payout) for provider in arguments.providers),
        activate_by=arguments.activate_by,
        start=arguments.start,
        ends=arguments.ends,
        unit_decimals=arguments.unit_decimals,
        holdback_rate=arguments.holdback_rate,
        holdback_delay=arguments.holdback_release - arguments.ends[-1],
        rules=rules,
        cure_window=0,
        notice=0,
    )
