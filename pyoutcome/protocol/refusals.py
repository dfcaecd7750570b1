"""Every way the machine refuses an act: one function per stable code.

Where the escrow has a custom error, the code is its name in lower case: ``TooEarly`` is ``too-early``
(table in docs/protocol.md).
"""

from __future__ import annotations

from pyoutcome.errors import ProtocolError


def wrong_stage(stage: str) -> ProtocolError:
    """``WrongStage``."""
    return ProtocolError(
        "wrong-stage",
        f"This act is not possible while the agreement or period is {stage}.",
        "Look at the status and choose an act that fits it.",
        stage=stage,
    )


def too_early(possible_from: int | None) -> ProtocolError:
    """``TooEarly``. None: nobody can know yet when."""
    when = "once an earlier step is done" if possible_from is None else f"from second {possible_from} on"
    return ProtocolError(
        "too-early", f"This act is possible only {when}.", "Wait until then.", possible_from=possible_from
    )


def too_late(possible_until: int) -> ProtocolError:
    """``TooLate``."""
    return ProtocolError(
        "too-late",
        f"This act was possible only before second {possible_until}.",
        "Use the exit that is open now; a late act is never accepted.",
        possible_until=possible_until,
    )


def not_disputed(period: int, stage: str) -> ProtocolError:
    """``NotDisputed``."""
    return ProtocolError(
        "not-disputed",
        f"Period {period} is not in dispute: its stage is {stage}.",
        "Open the dispute of a challenged period once its window is over.",
        period=period,
        stage=stage,
    )


def no_such_period(period: int) -> ProtocolError:
    """``NoSuchPeriod``."""
    return ProtocolError(
        "no-such-period",
        f"The agreement has no period {period}.",
        "Name one of its periods; an early end leaves out the later ones.",
        period=period,
    )


def already_settled(period: int) -> ProtocolError:
    """``AlreadySettled``."""
    return ProtocolError(
        "already-settled",
        f"Period {period} is settled.",
        "A settled period changes only by an agreement of the client and its payees.",
        period=period,
    )


def not_proposed(period: int) -> ProtocolError:
    """``NotProposed``."""
    return ProtocolError(
        "not-proposed",
        f"Nothing has been proposed for period {period}.",
        "Submit a report, or propose the default once evidence is overdue.",
        period=period,
    )


def already_proposed(period: int) -> ProtocolError:
    """``AlreadyProposed``."""
    return ProtocolError(
        "already-proposed",
        f"Period {period} already has a report or default.",
        "The first report stands; challenge it within its window if it is wrong.",
        period=period,
    )


def out_of_turn(first: int) -> ProtocolError:
    """``OutOfTurn``."""
    return ProtocolError(
        "out-of-turn",
        f"The program reads earlier periods, so they settle in order, and period {first} is not settled.",
        f"Settle period {first} first.",
        first=first,
    )


def bad_party_signature(party: str) -> ProtocolError:
    """``BadPartySignature``."""
    return ProtocolError(
        "bad-party-signature",
        f"The signature of {party} is missing or does not cover exactly this.",
        "Collect the signature of everyone this act binds.",
        party=party,
    )


def bad_verifier_order(index: int) -> ProtocolError:
    """``BadVerifierOrder``."""
    return ProtocolError(
        "bad-verifier-order",
        f"Verifier {index} does not exist or is not in rising order.",
        "Give each verifier's signature once, by rising index.",
        index=index,
    )


def no_quorum(given: int, needed: int) -> ProtocolError:
    """``NoQuorum``."""
    return ProtocolError(
        "no-quorum",
        f"{given} verifiers signed; {needed} are needed.",
        "Collect more verifiers' signatures over the same values.",
        given=given,
        needed=needed,
    )


def wrong_value_count(given: int, needed: int) -> ProtocolError:
    """``WrongValueCount``."""
    return ProtocolError(
        "wrong-value-count",
        f"{given} KPI values are given; the program takes {needed}.",
        "Give one value per KPI, in the program's order.",
        given=given,
        needed=needed,
    )


def bad_value(kpi: int, value: int) -> ProtocolError:
    """``BadValue``."""
    return ProtocolError(
        "bad-value",
        f"The value of KPI {kpi} is out of range, too fine, or missing where it may not be.",
        "Give a value within the KPI's range and decimals, or mark it missing where that is allowed.",
        kpi=kpi,
        value=value,
    )


def not_client(caller: str) -> ProtocolError:
    """``NotClient``."""
    return ProtocolError(
        "not-client", f"Only the client can do this, not {caller}.", "Let the client do it.", caller=caller
    )


def not_provider(caller: str) -> ProtocolError:
    """``NotProvider``."""
    return ProtocolError(
        "not-provider",
        f"Only the provider concerned can do this, not {caller}.",
        "Let that provider do it.",
        caller=caller,
    )


def no_such_provider(provider: int) -> ProtocolError:
    """``NoSuchProvider``."""
    return ProtocolError(
        "no-such-provider", f"There is no provider {provider}.", "Name an existing one.", provider=provider
    )


def short_of_funds(available: int, needed: int) -> ProtocolError:
    """``ShortOfFunds``."""
    return ProtocolError(
        "short-of-funds",
        f"{available} base units are there and {needed} are needed.",
        "Deposit the difference first, or ask for less.",
        available=available,
        needed=needed,
    )


def nothing_to_do() -> ProtocolError:
    """``NothingToDo``."""
    return ProtocolError("nothing-to-do", "This act would change nothing.", "No act is needed.")


def push_refused(to: str, amount: int) -> ProtocolError:
    """``PushRefused``."""
    return ProtocolError(
        "push-refused",
        f"{to} does not accept the transfer of {amount} base units.",
        "Use an address that accepts the token.",
        to=to,
        amount=amount,
    )


# --- disputes, change and exit ----------------------------------------------------------------------------------------


def not_a_party(caller: str) -> ProtocolError:
    """The caller has no standing in the period."""
    return ProtocolError(
        "not-a-party",
        f"{caller} is not a party of this period.",
        "Only the client and the period's payees can do this.",
        caller=caller,
    )


def already_challenged(caller: str) -> ProtocolError:
    """One version per party."""
    return ProtocolError(
        "already-challenged",
        f"{caller} has already given its version of this period.",
        "A party gives one version; make it complete.",
        caller=caller,
    )


def equal_version() -> ProtocolError:
    """The version changes nothing."""
    return ProtocolError(
        "equal-version",
        "The version gives the same amounts, registers and breaches as one that is already there.",
        "Challenge only with values that change an amount, what is carried forward or what counts as a breach.",
    )


def program_failed(error: int) -> ProtocolError:
    """The program fails on the values."""
    return ProtocolError(
        "program-failed",
        f"The program fails with code {error} on these values.",
        "Give values on which the program can be computed.",
        error=error,
    )


def ruling_outside() -> ProtocolError:
    """The ruling leaves the room between the versions."""
    return ProtocolError(
        "ruling-outside",
        "The ruling's amounts, their sum, the registers or the breaches do not lie between the versions.",
        "Rule values whose results lie between those of the parties' versions.",
    )


def no_such_version(choice: int | None) -> ProtocolError:
    """An adapter chose what is not there, or the kind of ruling does not fit the arbitrator."""
    return ProtocolError(
        "no-such-version",
        f"Version {choice} cannot be chosen in this dispute.",
        "An adapter chooses one of the versions by its number; a direct arbitrator rules values.",
        choice=choice,
    )


def not_arbitrator(caller: str) -> ProtocolError:
    """Somebody else ruled."""
    return ProtocolError(
        "not-arbitrator",
        f"{caller} is not the arbitrator of this period.",
        "Let the arbitrator named in the terms do it.",
        caller=caller,
    )


def used_nonce(given: int, expected: int) -> ProtocolError:
    """A signature for another occasion, or used before."""
    return ProtocolError(
        "used-nonce",
        f"The signature is for occasion {given}; this is occasion {expected}.",
        "Sign again for the present occasion; a signature is used once.",
        given=given,
        expected=expected,
    )


def arrears_first(owed: int) -> ProtocolError:
    """Somebody is still owed money."""
    return ProtocolError("arrears-first", f"{owed} base units are still owed.", "Pay the arrears first.", owed=owed)


def below_tracked(balance: int, tracked: int) -> ProtocolError:
    """The token balance does not cover what the escrow accounts for."""
    return ProtocolError(
        "below-tracked",
        f"The balance is {balance} base units and {tracked} are accounted for.",
        "Wait until it is made good, or claim early at the covered share and give up the rest.",
        balance=balance,
        tracked=tracked,
    )


def bond_exceeded(missing: int) -> ProtocolError:
    """More than the bond."""
    return ProtocolError(
        "bond-exceeded", f"Only {missing} base units of the bond are missing.", "Deposit no more than that.",
        missing=missing,
    )  # fmt: skip


def other_moment(signed: int, present: int) -> ProtocolError:
    """The signatures name another period than the one the act would take effect from."""
    return ProtocolError(
        "other-moment",
        f"The signatures are for period {signed}; now it would take effect at period {present}.",
        "Sign again for the present period; a signature cannot be kept back for a later one.",
        signed=signed,
        present=present,
    )


def bad_amendment(why: str) -> ProtocolError:
    """The amendment contradicts what has happened or itself."""
    return ProtocolError(
        "bad-amendment", f"The amendment cannot be accepted: {why}.", "Prepare the amendment again and have it signed."
    )


def bad_incoming(party: str) -> ProtocolError:
    """The incoming party already plays a part."""
    return ProtocolError(
        "bad-incoming",
        f"{party} cannot take over a slot: it already has a part in the agreement.",
        "Name a party without a part in it.",
        party=party,
    )


def no_cause() -> ProtocolError:
    """The cause named is not there."""
    return ProtocolError(
        "no-cause",
        "The cause for this act is not there.",
        "Wait until the breach streak is reached or the cure window is over.",
    )


def not_restatable(period: int) -> ProtocolError:
    """Later amounts were computed from this period."""
    return ProtocolError(
        "not-restatable",
        f"Period {period} is settled, and a sequential program builds on it.",
        "Correct it by a line that restates earlier periods, in a later or a settlement-only period.",
        period=period,
    )
