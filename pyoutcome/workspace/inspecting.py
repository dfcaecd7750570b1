"""Reading a deployed escrow: who, when, what may be reported and, out of its program, how amounts are worked out.

Nothing but an address and a network is needed. Code and terms are verified first, so that what is read is what runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from eth_utils.crypto import keccak

from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.factory import Deal, FactoryClient
from pyoutcome.chain.network import Network
from pyoutcome.decimals import DECIMALS, to_units_trunc
from pyoutcome.errors import ChainError, FormulaError, ProtocolError, PyoutcomeError
from pyoutcome.formula import KpiShape, Names, Rule, bounds_over, decode, program_hash, verify
from pyoutcome.formula.syntax import names
from pyoutcome.protocol import Arguments, Kpi
from pyoutcome.protocol.events import Amended
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.addresses import read_address
from pyoutcome.workspace.binding import bind
from pyoutcome.workspace.inspection import Inspection, PayeeBounds


def inspect_escrow(
    network: Network, address: str, factory: str | None = None, agreement: Agreement | None = None
) -> Inspection:
    """Reads the escrow at an address.

    ``factory`` is the address of the factory it must come from; without it the escrow names its own, whose code is
    verified in any case. ``agreement`` brings names, if the program is the agreement's, and is compared with it all.

    Raises WorkspaceError ``bad-address``; ChainError ``no-contract``, ``not-our-contract``, ``foreign-code``,
    ``prediction-differs`` and the network's own; FormulaError where the program is none that this package writes.
    """
    escrow, own, deal = verify_escrow(network, address, factory)
    program = deal.program
    names, compared = _names(deal, program, agreement)
    rule = decode(program, names)
    bounds, unproven = _prove(rule, deal.arguments)
    return Inspection(
        escrow.address,
        own.address,
        network.name,
        network.chain_id,
        escrow.stage().name.lower(),
        deal,
        deal.terms.digest(own.domain),
        program,
        rule,
        bounds,
        unproven,
        None if agreement is None else agreement.id,
        compared,
        tuple(each.event for each in escrow.history() if isinstance(each.event, Amended)),
    )


def verify_escrow(
    network: Network, address: str, factory: str | None = None, first_block: int = 0
) -> tuple[EscrowClient, FactoryClient, Deal]:
    """The escrow at an address, its factory and its deal, after checking that code, terms and address belong together.

    ``first_block``: any block up to that of its creation. Raises as ``inspect_escrow``.
    """
    escrow = EscrowClient(network, read_address(address), first_block)
    escrow.require_code()
    own = FactoryClient(network, escrow.factory())
    if factory is not None and read_address(factory) != own.address:
        raise ChainError(
            "foreign-code",
            f"Do not trust the escrow at {escrow.address}: it names the factory {own.address}, not the one you gave.",
            "Check both addresses with the other parties.",
            address=escrow.address,
        )
    own.verify()
    deal = _read_deal(escrow, own, first_block)
    if own.predict(deal).escrow != escrow.address:
        raise _not_ours(escrow, "an escrow with the terms it answers with has another address")
    own.verify_deployed(deal)
    return escrow, own, deal


def _read_deal(escrow: EscrowClient, own: FactoryClient, first_block: int) -> Deal:
    """The deal as the escrow has it; of the nonce it keeps the terms hash alone, so that is looked for."""
    try:
        arguments = escrow.arguments()
    except ProtocolError as error:
        # A contract that answers the right shapes, with values that no factory lets through.
        raise _not_ours(escrow, "its terms are none that a factory accepts") from error
    program = escrow.program()
    if keccak(program) != escrow.program_hash():
        raise _not_ours(escrow, "its program is not the one its terms name")
    deal = Deal(arguments, own.created(escrow.address, first_block).agreement_digest, program)
    nonce = own.find_nonce(deal.terms, escrow.terms_hash())
    if nonce is None:
        raise _not_ours(escrow, "its terms hash does not follow from its terms")
    return replace(deal, nonce=nonce)


def _not_ours(escrow: EscrowClient, why: str) -> ChainError:
    return ChainError(
        "not-our-contract",
        f"The contract at {escrow.address} is no escrow of pyoutcome: {why}.",
        "Check the address and the network.",
        address=escrow.address,
    )


def _names(deal: Deal, program: bytes, agreement: Agreement | None) -> tuple[Names, tuple[str, ...]]:
    """Names for what the bytes only number, and the differences to the agreement."""
    shape = verify(program)
    counts = shape.header.kpis, shape.header.parameters, len(shape.header.payees)
    given = deal.arguments
    if counts != (len(given.kpis), len(given.parameters), len(given.providers)):
        raise FormulaError(
            "names-do-not-fit",
            f"The program has {counts} KPIs, terms and payees, which are not as many as the escrow's terms have.",
            "Do not use this escrow: it was not made by a factory of pyoutcome.",
        )
    if agreement is not None and program_hash(program) == agreement.program().hash:
        parameters = tuple(
            (name, value) for (name, _), value in zip(agreement.rule().parameters, given.parameters, strict=True)
        )
        names = replace(Names.of(agreement.enforced_rule()), parameters=parameters)
    else:
        names = Names.made_up(shape, [_shape(kpi) for kpi in given.kpis], given.parameters)
        payees = tuple(f"provider{at}" for at in range(1, len(given.providers) + 1))
        names = replace(names, payees=payees)
    return names, () if agreement is None else tuple(_differences(deal, program, agreement))


def _shape(kpi: Kpi) -> KpiShape:
    """What the arguments tell of a KPI's type: only a yes/no has the unscaled values 0 and 1."""
    low = min(kpi.low, kpi.if_missing)
    if (kpi.decimals, low, kpi.high) == (DECIMALS, 0, 1):
        return KpiShape.yes_no("")
    return KpiShape("", low, kpi.high, kpi.decimals)


def _differences(deal: Deal, program: bytes, agreement: Agreement) -> Iterator[str]:
    if deal.agreement_digest != agreement.digest():
        yield "The escrow was made for an agreement file with another digest."
    if program_hash(program) != agreement.program().hash:
        yield "The program is not the one that the agreement file means."
    given = deal.arguments
    counts = (len(agreement.providers), len(agreement.verifiers))
    if counts != (len(given.providers), len(given.verifiers)):
        yield "The escrow has another number of providers or verifiers than the agreement file."
        return
    addresses = {"client": given.client, "arbitrator": given.arbitrator}
    addresses |= dict(zip(agreement.providers, (each.signer for each in given.providers), strict=True))
    addresses |= dict(zip(agreement.verifiers, given.verifiers, strict=True))
    try:
        expected = bind(agreement, addresses, given.token, given.activate_by)
    except PyoutcomeError as error:
        yield f"From the agreement file no escrow can be made: {error.why}"
        return
    for part in fields(Arguments):
        if part.name != "providers" and getattr(given, part.name) != getattr(expected, part.name):
            yield f"The escrow's {part.name.replace('_', ' ')} are not what the agreement file says."


def _prove(rule: Rule, arguments: Arguments) -> tuple[tuple[PayeeBounds, ...] | None, str]:
    decimals = arguments.unit_decimals
    try:
        priced = _without_demands(rule) if arguments.refuses else rule
        periods = bounds_over(priced, len(arguments.ends), unit_decimals=decimals).periods
    except FormulaError as error:
        return None, error.why
    # Where a report may be refused for its values, a default on which the program fails settles nothing.
    nothing = (0,) if arguments.refuses else ()
    return tuple(
        PayeeBounds(
            payee.name,
            to_units_trunc(min([*nothing, *(period[at][0] for period in periods)]), decimals),
            to_units_trunc(max([*nothing, *(period[at][1] for period in periods)]), decimals),
        )
        for at, payee in enumerate(rule.payees)
    ), ""


def _without_demands(rule: Rule) -> Rule:
    """The rule less what only makes it fail: values that nothing else reads."""
    read = {name for item in rule.order for name in names(item.formula)}
    return replace(rule, definitions=tuple(each for each in rule.definitions if each.name in read))
