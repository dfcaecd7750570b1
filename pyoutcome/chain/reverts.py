"""What a contract's refusal means: Solidity's errors as errors of this project, decoded in this one place.

The codes, and where possible the words, are those of the reference machine, so a caller need not know whether the
Python reference or the contract refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import Reverted
from pyoutcome.chain.contract import NOT_DECODED
from pyoutcome.errors import ChainError, ProtocolError, PyoutcomeError
from pyoutcome.protocol import refusals
from pyoutcome.protocol.reports import bad_report

STAGES: Final = ("an offer, not yet active", "active", "closed")
PERIOD_STAGES: Final = ("none", "default", "reported", "disputed", "settled")
AMISS: Final = (
    "it replaces other terms than the latest",
    "these terms were accepted before",
    "its first period does not exist",
    "a period it would change has been reported or proposed",
    "it changes what no amendment can change, such as parties, periods or holdback",
    "it does not say for each word that the program carries whether it is kept",
)
Explain = Callable[..., PyoutcomeError]


def explain(refusal: Reverted) -> PyoutcomeError:
    """The error for a contract's refusal: ProtocolError where the escrow or its factory said why, else ChainError."""
    types, make = _KNOWN.get(refusal.data[:4], ((), None))
    try:
        return make(*decode(types, refusal.data[4:])) if make else _unknown(refusal)
    except NOT_DECODED:
        return _unknown(refusal)


def _unknown(refusal: Reverted) -> ChainError:
    return ChainError(
        "call-refused",
        f"The contract refused the call without a known reason ({refusal.message or '0x' + refusal.data[:36].hex()}).",
        "Check that the address is that of the escrow, on the right network.",
        data="0x" + refusal.data[:1024].hex(),
    )


def _wrong_stage(stage: int) -> ProtocolError:
    now = STAGES[stage] if stage < len(STAGES) else f"in stage {stage}"
    return ProtocolError(
        "wrong-stage",
        f"This is not possible now: the agreement is {now}.",
        "See `status` for what can be done next.",
        stage=stage,
    )


def _too_early(possible_from: int) -> ProtocolError:
    if possible_from == 0:  # it depends on an earlier step, not on the clock
        return refusals.too_early(None)
    return ProtocolError(
        "too-early",
        f"This is not possible before {_instant(possible_from)} on the chain's clock.",
        "Wait until then; on a local chain the clock can be moved.",
        possible_from=possible_from,
    )


def _too_late(possible_until: int) -> ProtocolError:
    return ProtocolError(
        "too-late",
        f"This was possible only before {_instant(possible_until)} on the chain's clock.",
        "See `status` for what can be done instead.",
        possible_until=possible_until,
    )


def _bad_party_signature(party: str) -> ProtocolError:
    if int(party, 16) == 0:
        return ProtocolError(
            "bad-party-signature",
            "There is a signature more than this act takes.",
            "Hand in the signatures of exactly those whom the act binds, in their order.",
            party=party,
        )
    return refusals.bad_party_signature(to_checksum_address(party))


def _other_terms(terms_hash: bytes) -> ProtocolError:
    return ProtocolError(
        "other-terms",
        f"The agreement digest and nonce belong to terms 0x{terms_hash.hex()}, not to those of this escrow.",
        "Use the offer from which the escrow was created.",
        terms_hash="0x" + terms_hash.hex(),
    )


def _other_versions(period: int) -> ProtocolError:
    return ProtocolError(
        "other-versions",
        f"The versions of period {period} that were handed in are not those that the escrow has accepted.",
        "Read the events again: another version, a report or the settlement may have come in between.",
        period=period,
    )


def _not_disputed(period: int, stage: int) -> ProtocolError:
    return refusals.not_disputed(period, PERIOD_STAGES[stage] if stage < len(PERIOD_STAGES) else f"number {stage}")


def _bad_amendment(why: int) -> ProtocolError:
    return refusals.bad_amendment(AMISS[why] if why < len(AMISS) else f"reason {why}")


def _no_such_version(choice: int) -> ProtocolError:
    return refusals.no_such_version(None if choice == 2**256 - 1 else choice)


def _too_much(amount: int) -> ProtocolError:
    return ProtocolError(
        "too-much",
        f"{amount} is more than the escrow's books can hold.",
        "Bring less; the books hold up to 2^104 base units and 256 holders.",
        amount=amount,
    )


def _no_such_function(selector: bytes) -> ChainError:
    return ChainError(
        "no-such-function",
        f"The escrow has no function with selector 0x{selector.hex()}.",
        "Check that this version of pyoutcome fits the contract.",
        selector="0x" + selector.hex(),
    )


def _by_address(make: Callable[[str], ProtocolError]) -> Explain:
    return lambda address: make(to_checksum_address(address))


def _bad_verifier_signature(index: int) -> ProtocolError:
    return ProtocolError(
        "bad-verifier-signature",
        f"The signature given for verifier {index + 1} does not cover exactly this report of this escrow.",
        "Let that verifier sign the report again; all verifiers must have found the same values.",
        index=index,
    )


def _wrong_value(value: int, needed: int) -> ChainError:
    return ChainError(
        "wrong-coin-amount",
        f"{value} wei came with the call, and exactly {needed} are needed.",
        "With the native coin send the deposited amount along; with a token send none.",
        value=value,
        needed=needed,
    )


def _too_little_gas(available: int, needed: int) -> ChainError:
    return ChainError(
        "too-little-gas",
        f"The call had {available} units of gas left for a payment, and {needed} must be left.",
        "Send it with a higher gas limit; what is not used costs nothing.",
        available=available,
        needed=needed,
    )


def _unknown_program(program_hash: bytes) -> ProtocolError:
    return ProtocolError(
        "unknown-program",
        f"The program 0x{program_hash.hex()} is not registered with this factory.",
        "Register the program first.",
        program_hash="0x" + program_hash.hex(),
    )


def _bad_program(rule: int, offset: int) -> ProtocolError:
    return ProtocolError(
        "bad-program",
        f"The program breaks rule {rule} of the program format at byte {offset}.",
        "Make the program again from the agreement.",
        rule=rule,
        offset=offset,
    )


def _bad_arguments(rule: int) -> ProtocolError:
    return ProtocolError(
        "bad-arguments",
        f"The escrow's arguments break rule {rule} of the protocol.",
        "Correct the agreement or the addresses, and prepare the escrow again.",
        rule=rule,
    )


def _token_short(owner: str, available: int, needed: int) -> ChainError:
    return ChainError(
        "not-enough-tokens",
        f"{owner} has {available} base units of the token, and this needs {needed}.",
        "Get more of the token to that address first.",
        owner=owner,
        available=available,
        needed=needed,
    )


def _allowance_short(spender: str, available: int, needed: int) -> ChainError:
    return ChainError(
        "not-allowed-to-draw",
        f"The escrow {spender} may draw {available} base units of the token, and this needs {needed}.",
        "Approve the amount first.",
        spender=spender,
        available=available,
        needed=needed,
    )


def _token_failed(token: str) -> ChainError:
    return ChainError(
        "token-refused",
        f"The token {token} did not carry out the transfer.",
        "Check the token's own rules (pauses, lists of blocked addresses).",
        token=token,
    )


def _stated(reason: str) -> ChainError:
    return ChainError(
        "call-refused",
        f"The contract refused the call: {reason[:200]}",
        "Read the reason, and check address and network.",
        reason=reason[:1024],
    )


def _panic(kind: int) -> ChainError:
    return ChainError(
        "contract-panic",
        f"The contract stopped at an internal error (Solidity panic {kind:#04x}).",
        "This is a defect: please report it with the transaction's details.",
        kind=kind,
    )


def _instant(seconds: int) -> str:
    from datetime import UTC, datetime

    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"


def _form(signature: str, make: Explain) -> tuple[bytes, tuple[tuple[str, ...], Explain]]:
    inside = signature[signature.index("(") + 1 : -1]
    return keccak(text=signature)[:4], (tuple(inside.split(",")) if inside else (), make)


_KNOWN: Final[dict[bytes, tuple[tuple[str, ...], Explain | None]]] = dict(
    _form(signature, make)
    for signature, make in (
        ("WrongStage(uint8)", _wrong_stage),
        ("TooEarly(uint256)", _too_early),
        ("TooLate(uint256)", _too_late),
        ("NotDisputed(uint256,uint8)", _not_disputed),
        ("NoSuchPeriod(uint256)", refusals.no_such_period),
        ("AlreadySettled(uint256)", refusals.already_settled),
        ("NotProposed(uint256)", refusals.not_proposed),
        ("AlreadyProposed(uint256)", refusals.already_proposed),
        ("OutOfTurn(uint256)", refusals.out_of_turn),
        ("BadPartySignature(address)", _bad_party_signature),
        ("OtherTerms(bytes32)", _other_terms),
        ("BadVerifierSignature(uint256)", _bad_verifier_signature),
        ("BadVerifierOrder(uint256)", refusals.bad_verifier_order),
        ("NoQuorum(uint256,uint256)", refusals.no_quorum),
        ("WrongValueCount(uint256,uint256)", refusals.wrong_value_count),
        ("BadValue(uint256,int256)", refusals.bad_value),
        ("BadReport()", bad_report),
        ("OtherVersions(uint256)", _other_versions),
        ("NotClient(address)", _by_address(refusals.not_client)),
        ("NotProvider(address)", _by_address(refusals.not_provider)),
        ("NoSuchProvider(uint256)", refusals.no_such_provider),
        ("NotAParty(address)", _by_address(refusals.not_a_party)),
        ("NotArbitrator(address)", _by_address(refusals.not_arbitrator)),
        ("AlreadyChallenged(address)", _by_address(refusals.already_challenged)),
        ("EqualVersion()", refusals.equal_version),
        ("ProgramFailed(uint256)", refusals.program_failed),
        ("RulingOutside()", refusals.ruling_outside),
        ("NoSuchVersion(uint256)", _no_such_version),
        ("UsedNonce(uint256,uint256)", refusals.used_nonce),
        ("OtherMoment(uint256,uint256)", refusals.other_moment),
        ("BadAmendment(uint8)", _bad_amendment),
        ("BadIncoming(address)", _by_address(refusals.bad_incoming)),
        ("NotRestatable(uint256)", refusals.not_restatable),
        ("BondExceeded(uint256)", refusals.bond_exceeded),
        ("NoCause()", refusals.no_cause),
        ("ShortOfFunds(uint256,uint256)", refusals.short_of_funds),
        ("NothingToDo()", refusals.nothing_to_do),
        ("PushRefused(address,uint256)", lambda to, amount: refusals.push_refused(to_checksum_address(to), amount)),
        ("ArrearsFirst(uint256)", refusals.arrears_first),
        ("BelowTracked(uint256,uint256)", refusals.below_tracked),
        ("TooMuch(uint256)", _too_much),
        ("NoSuchFunction(bytes4)", _no_such_function),
        ("WrongValue(uint256,uint256)", _wrong_value),
        ("TooLittleGas(uint256,uint256)", _too_little_gas),
        ("UnknownProgram(bytes32)", _unknown_program),
        ("BadProgram(uint8,uint256)", _bad_program),
        ("BadArguments(uint8)", _bad_arguments),
        ("ERC20InsufficientBalance(address,uint256,uint256)", _token_short),
        ("ERC20InsufficientAllowance(address,uint256,uint256)", _allowance_short),
        ("SafeERC20FailedOperation(address)", _token_failed),
        ("Error(string)", _stated),
        ("Panic(uint256)", _panic),
    )
)
"""By selector: the types of the arguments, and what the error means."""
