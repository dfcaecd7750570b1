"""What amendments changed, which text governs which periods, and who signed what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyoutcome.legal.comparison.clauses import compare_clauses
from pyoutcome.legal.comparison.report import tell_changes, tell_rereadings
from pyoutcome.legal.document.identity import hexadecimal, sign_here
from pyoutcome.legal.document.pages import Pages
from pyoutcome.legal.document.signed import AmendedTerms, SignedTerms
from pyoutcome.legal.document.tree import Column, Heading, Paragraph, Runs, code, runs, strong
from pyoutcome.terms import Agreement
from pyoutcome.terms.prose import show_instant

ANEW = 255
"""In ``carry``: the word starts anew."""


def say_source(agreement: Agreement, latest: AmendedTerms) -> str:
    """Which text this is, for its first page."""
    return f"{name_amendment(latest)}, which governs {_from(agreement, latest.message.first_period)}"


def name_amendment(amendment: AmendedTerms) -> str:
    """What people call it."""
    return f"Amendment {amendment.number}"


def put_amendments(pages: Pages, original: Agreement, signed: SignedTerms, amendments: Sequence[AmendedTerms]) -> None:
    """Every version with its periods, hashes and, of an amendment, what it changed."""
    accepted = [each for each in amendments if each.accepted]
    if accepted:
        pages.say(
            f"The text above is that of {name_amendment(accepted[-1])}. Its amounts over the whole term are those of "
            "its own rules, as if they had governed from period 1. What governs which periods:"
        )
    else:
        pages.say("No amendment is in force: the text above is the agreement as first signed. What governs:")
    governing = _governing(original, accepted)
    start = show_instant(original.periods[0].start)
    rows: list[tuple[str, str, str, Runs]] = [
        ("As first signed", _ranges(governing[0]), start, runs(code(hexadecimal(signed.terms_hash))))
    ]
    for each in amendments:
        periods = _ranges(governing[accepted.index(each) + 1]) if each.accepted else "none: only proposed"
        first = show_instant(original.period(each.message.first_period).start)
        rows.append((name_amendment(each), periods, first, runs(code(hexadecimal(each.terms.terms_hash)))))
    pages.table(
        [Column("Version"), Column("Governs periods"), Column("In force from"), Column("Terms hash", wide=True)], rows
    )
    pages.heading("As first signed")
    pages.fields([*_identity(original, signed), ("Signed by", _signers(signed))])
    before = original
    for each in amendments:
        _put_amendment(pages, original, before, each)
        before = each.agreement


def put_version_signatures(pages: Pages, names: dict[str, str], amendments: Sequence[AmendedTerms]) -> None:
    """The signatures over each amendment, after those over the agreement as first signed."""
    for each in amendments:
        pages.heading(name_amendment(each) + ("" if each.accepted else ", only proposed"))
        pages.say("Each party signs this digest, which names the terms before and after:")
        pages.fields([("Digest", runs(code(hexadecimal(each.digest))))])
        if each.accepted and not each.terms.signatures:
            pages.say("The escrow has checked the signatures and accepted them; no copy of them is at hand.")
        for line in each.terms.signatures:
            name = f"{names[line.party]} ({line.party})" if line.party in names else line.party
            pages.fields(sign_here(name, line))


def _put_amendment(pages: Pages, original: Agreement, before: Agreement, amendment: AmendedTerms) -> None:
    message = amendment.message
    pages.heading(name_amendment(amendment))
    if amendment.accepted:
        pages.say(f"The escrow has accepted it: it governs {_from(original, message.first_period)}.")
    else:
        pages.say(
            f"It is proposed and not in force: the escrow has not accepted it. It would govern "
            f"{_from(original, message.first_period)}."
        )
    if message.carry:
        anew = all(word == ANEW for word in message.carry)
        pages.say(
            "What rules carry from period to period "
            + ("starts anew with it." if anew else "goes on from where the rules before it left off.")
        )
    rows: list[tuple[str, Runs]] = [
        ("Terms hash before", runs(code(hexadecimal(message.previous_terms_hash)))),
        ("Terms hash after", runs(code(hexadecimal(message.new_terms_hash)))),
        *(row for row in _identity(amendment.agreement, amendment.terms) if row[0] != "Terms hash"),
        ("Signed by", _signers(amendment.terms)),
    ]
    pages.fields(rows)
    pages.remark(
        "The digest that is signed comes about by EIP-712 in the domain of Schedule B, with this type and these values:"
    )
    pages.fields(
        [
            ("Type", runs(code(message.TYPE))),
            ("escrow", runs(code(message.escrow))),
            ("previousTermsHash", runs(code(hexadecimal(message.previous_terms_hash)))),
            ("newTermsHash", runs(code(hexadecimal(message.new_terms_hash)))),
            ("firstPeriod", runs(code(str(message.first_period)))),
            ("carry", runs(code(f"[{', '.join(map(str, message.carry))}]"))),
            ("deadline", runs(code(str(message.deadline)))),
            ("Digest", runs(code(hexadecimal(amendment.digest)))),
        ]
    )
    changes, rereadings = compare_clauses(before, amendment.agreement)
    if not changes:
        pages.say("It changes no word of the agreement.")
        return
    pages.blocks.append(Paragraph(runs(strong("What it changed")), leads=True))
    for block in (*tell_changes(changes), *tell_rereadings(rereadings)):
        pages.blocks.append(
            Paragraph(runs(block.text), small=True, leads=True) if isinstance(block, Heading) else block
        )


def _identity(agreement: Agreement, terms: SignedTerms) -> Iterator[tuple[str, Runs]]:
    """What the terms hash of a version covers."""
    yield "Terms hash", runs(code(hexadecimal(terms.terms_hash)))
    yield "agreementDigest", runs(code(hexadecimal(agreement.digest())))
    yield "programHash", runs(code(hexadecimal(terms.program_hash)))
    yield "argsHash", runs(code(hexadecimal(terms.arguments.hash())))
    yield "nonce", runs(code(str(terms.nonce)))


def _signers(terms: SignedTerms) -> Runs:
    signed = [each.party for each in terms.signatures if each.signature is not None]
    missing = [each.party for each in terms.signatures if each.signature is None]
    told = ", ".join(signed) or "nobody whose signature is at hand"
    return runs(told + (f"; not yet by {', '.join(missing)}" if missing else ""))


def _from(agreement: Agreement, first: int) -> str:
    return f"from period {first} ({show_instant(agreement.period(first).start)}) on"


def _governing(agreement: Agreement, accepted: Sequence[AmendedTerms]) -> list[list[int]]:
    """The periods of each version: of the one first signed, and of each accepted amendment."""
    found: list[list[int]] = [[] for _ in (None, *accepted)]
    for period in agreement.periods:
        reached = [at for at, each in enumerate(accepted, 1) if each.message.first_period <= period.number]
        found[reached[-1] if reached else 0].append(period.number)
    return found


def _ranges(periods: Sequence[int]) -> str:
    """They follow one another: each version governs from a period until another one does."""
    if not periods:
        return "none"
    return str(periods[0]) if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"
