"""What the words of an agreement mean; of an escrow's words those that the agreement uses."""

from __future__ import annotations

from collections.abc import Iterator

from pyoutcome.terms import Agreement


def list_meanings(agreement: Agreement) -> list[tuple[str, str]]:
    """Words with their meanings, in alphabetical order."""
    return sorted([*_of_prices(agreement), *_of_escrow(agreement)])


def _of_prices(agreement: Agreement) -> Iterator[tuple[str, str]]:
    smallest = f"10 to the power of -{agreement.token.decimals}" if agreement.token.decimals else "1"
    yield "Agreement file", (
        "The file from which this text was written. Its digest, in section \"Order of precedence\", changes with every "
        "change of its meaning."
    )  # fmt: skip
    yield (
        "Base unit",
        f"The smallest part of the money: {smallest} {agreement.token.symbol}. Amounts are whole base units.",
    )
    yield "Client", "Who pays, and who is named so among the parties."
    yield "Provider", "Who is paid for its part, and who is named so among the parties."
    yield "Clause", "A rule of the section on prices; it gives one amount for each provider that it concerns."
    yield "KPI", "A number, a choice, or yes or no, on which prices depend, counted for a period as its section says."
    yield "Net amount", "What the clauses owe a provider for a period, less what they let it owe."
    yield "Period", "One of the times in the section on the term, each settled by itself."


def _of_escrow(agreement: Agreement) -> Iterator[tuple[str, str]]:
    escrow = agreement.file.escrow
    if escrow is None:
        return
    terms = agreement.escrow
    yield "Arbitrator", "Who decides on KPI values that are challenged, as the section on challenges says."
    yield "Verifier", "Who works out the KPI values anew from its own copy of the records, and signs reports."
    yield "Arrears", "What a provider was credited and the escrow could not pay for lack of funds, in one queue."
    yield "Claimable", "Paid money that could not be sent; its owner alone can fetch it."
    yield "Credit", "What a settled period gives a provider."
    yield "Debt", "What a provider owes because its amount of a period was negative."
    yield "Default", "The proposal to settle a period without evidence, on the values that stand in for missing ones."
    yield (
        "Escrow",
        "The contract on chain that holds the money and carries out the program. Nobody owns it or can alter it.",
    )
    yield (
        "Evidence",
        "The measured KPI values of a period with the digests of the records they come from, signed by their supplier.",
    )
    yield "Program", "The prices as the escrow carries them out, worked out from the agreement file."
    yield "Funds", "The client's money in the escrow."
    yield (
        "Report",
        "The KPI values of a period, signed by as many verifiers as the quorum asks. It never says an amount.",
    )
    yield "Reserve", "What has to lie in the escrow for every period that has started and is not settled."
    yield (
        "Terms hash",
        "The digest that client and providers sign. It covers the agreement file, the program, the escrow's arguments.",
    )
    yield "Version", "KPI values that a party puts beside those of a report or default by challenging it."
    if terms.holdback_rate:
        yield "Holdback", "The part of every payment that the escrow keeps until its release."
    if any(terms.bonds):
        yield "Bond", "What a provider deposits before the start, against what it may come to owe."
    if agreement.backups:
        yield "Backup", "Who takes a provider's place when the client calls it."
    if terms.streak:
        yield "Breach", "A period that settles without a KPI that a provider supplies, as the section on breaches says."
