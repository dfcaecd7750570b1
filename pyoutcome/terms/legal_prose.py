"""Governance, confidence, data, rights, exit and law in plain English: one sentence for each choice of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from pyoutcome.formula.words import list_words
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.legal import DataProtection, IntellectualProperty, Legal, Security
from pyoutcome.terms.naming import quoted
from pyoutcome.terms.scalars import show_duration

Said: TypeAlias = tuple[str, str, list[str]]
"""What it is about, the heading of its section, and its sentences."""
SUBJECTS: Final = {
    "escalation": "escalation of disagreements",
    "review_meetings": "review meetings",
    "change": "requests for changes",
    "exit": "help at the end",
    "confidentiality": "confidentiality",
    "security": "security",
    "data_protection": "data protection",
    "ip": "intellectual property",
    "notices": "notices",
    "law": "the governing law",
    "courts": "who decides what the escrow's arbitrator does not",
}
"""Subjects that a ``legal`` section may settle, by the key that does; ``arbitration`` settles that of ``courts``."""
_ROLES: Final = {
    "processor": (
        "A provider handles personal data for the client alone, as the client tells it in writing, and only as far as "
        "its work needs them. Those who see them are bound to secrecy. It calls in another processor only if the "
        "client agrees, and under the same duties; it helps the client to answer those whom the data are about."
    ),
    "controllers": (
        "The client and each provider decide each for itself why and how they handle personal data, and each answers "
        "for that alone. Neither is a processor of the other."
    ),
    "joint": (
        "The client and the providers decide together why and how personal data are handled. Whoever collected them "
        "tells those whom they are about and answers them; each helps the others to do so."
    ),
}
_BY: Final = {"email": "by e-mail", "post": "by registered post", "email_and_post": "by e-mail and by registered post"}


def unsettled(legal: Legal | None) -> tuple[str, ...]:
    """The subjects that an agreement leaves open, in words."""
    given = legal or Legal()
    left = {key for key in SUBJECTS if getattr(given, key) is None}
    if given.arbitration is not None:
        left.discard("courts")
    return tuple(words for key, words in SUBJECTS.items() if key in left)


def say_legal(file: AgreementFile) -> Iterator[Said]:
    """What is agreed, subject by subject; nothing without ``legal``."""
    legal = file.legal
    if legal is None:
        return
    yield "governance", "Governance", [*_governance(legal)]
    yield "change", "Change", [*_change(legal)]
    yield "exit", "Exit", [*_exit(legal)]
    yield "confidentiality", "Confidentiality and security", [*_confidentiality(legal)]
    if legal.security is not None:
        yield "security", "Confidentiality and security", [*_security(legal.security)]
    if legal.data_protection is not None:
        yield "data_protection", "Data protection", [*_data_protection(legal.data_protection)]
    if legal.ip is not None:
        yield "ip", "Intellectual property", [*_rights(legal.ip)]
    yield "law", "Notices and governing law", [*_law(legal)]


def _governance(legal: Legal) -> Iterator[str]:
    meetings = legal.review_meetings
    if meetings is not None:
        yield (
            f"The parties meet every {meetings.every} to review the statements, open findings and what is to be done. "
            f"The {meetings.chair} takes the chair. Papers are handed round {show_duration(meetings.papers)} before a "
            f"meeting, its minutes within {show_duration(meetings.minutes)} after it. A meeting changes no term."
        )
    if legal.escalation:
        steps = "; ".join(
            f"({at}) {quoted(step.role)}, within {show_duration(step.within)}"
            for at, step in enumerate(legal.escalation, 1)
        )
        yield (
            "A disagreement goes up these steps, at each of which one person of each side with authority to settle it "
            f"tries to: {steps}. Each time runs from the end of the step before, the first from the notice of the "
            "disagreement."
        )
        yield "No step stops a window of the escrow, and nothing here stops a challenge or an interim order of a court."


def _change(legal: Legal) -> Iterator[str]:
    if legal.change is not None:
        cost = {
            "requester": "Whoever asks bears what looking into the request costs.",
            "each": "Each party bears its own cost of looking into it.",
        }[legal.change.costs]
        yield (
            "Any party may ask in writing for a change and says why. The others answer within "
            f"{show_duration(legal.change.answer_within)}, with the effect on work, time and price. {cost} Silence is "
            "no consent: a change counts only once it is signed as an amendment, and until then all go on as agreed."
        )


def _exit(legal: Legal) -> Iterator[str]:
    ending = legal.exit
    if ending is None:
        return
    paid = {
        "included": "This help is included in the price.",
        "as_before": "This help is paid at the prices of the last period, outside the escrow.",
    }[ending.paid]
    yield (
        f"For {show_duration(ending.assistance)} after the last period's end a provider helps the client, or whoever "
        f"takes over, to go on without a break: it hands over documents, access and open work. {paid}"
    )
    yield (
        f"Within {show_duration(ending.return_data)} after the last period's end each party gives back the data of the "
        "others in a usual format and deletes its copies, but for what a law, the evidence of a period or an audit "
        "needs."
    )


def _confidentiality(legal: Legal) -> Iterator[str]:
    if legal.confidentiality is None:
        return
    years = legal.confidentiality.years
    yield (
        "What a party learns from another in confidence it uses for this agreement only, and shows only to those who "
        f"need it for that and are bound in the same way. This lasts until {years} year{'' if years == 1 else 's'} "
        "after the end. It does not concern what is public without its fault, what it knew or found out by itself, and "
        "what a law or court orders it to show. On chain stand digests, KPI values and payments; nothing else may be "
        "put there."
    )


def _security(security: Security) -> Iterator[str]:
    shown = {
        "certificate": "shows by a valid certificate or report of an independent assessor, once a year",
        "audit": "lets the client or an independent assessor find out on the spot, once a year and after an incident",
    }[security.review]
    yield (
        f"A provider guards systems and data in keeping with {list_words(map(quoted, security.standards))}, "
        f"and {shown}, that it does."
    )
    yield (
        "A party that learns of an incident that may concern another tells it within "
        f"{show_duration(security.incident_notice)}: what happened, what is concerned, and what is being done."
    )


def _data_protection(data: DataProtection) -> Iterator[str]:
    if data.role == "none":
        yield "No personal data are handled for this agreement; a party that finds some deletes them and says so."
        return
    yield f"{_ROLES[data.role]} The law on personal data is {quoted(data.law or '')}."
    if data.places is not None:
        yield f"Personal data are kept and seen in {quoted(data.places)} only."
    if data.breach_notice is not None:
        yield (
            "A party that learns of a breach of personal data tells the others within "
            f"{show_duration(data.breach_notice)}."
        )


def _rights(ip: IntellectualProperty) -> Iterator[str]:
    moment = {
        "payment": "when the period in which it was made is paid in full",
        "creation": "when it is made",
        "event": f"when {quoted(ip.event or '')}",
    }[ip.on]
    until = {
        "payment": "; until then the client may use it for its own business",
        "creation": "",
        "event": "; until then the client may use it to examine it, and for nothing else",
    }[ip.on]
    lasting = {
        "term": "as long as this agreement runs",
        "perpetual": "for ever, and it cannot be taken back",
    }[ip.license]
    if ip.owner == "client":
        yield (
            f"All rights in what a provider makes for the client under this agreement pass to the client {moment}"
            f"{until}."
        )
        yield (
            "What a provider brought along stays its own. The client may use what of it is built in, together with "
            f"the rest, {lasting}, and let others do so for it, without further payment."
        )
    else:
        yield (
            "All rights in what a provider makes under this agreement stay with the provider. The client may use it "
            f"for its own business, and let others do so for it, without further payment: from the moment {moment}, "
            f"{lasting}."
        )
    yield "The records, and what is worked out from them for this agreement, belong to whoever supplied the records."


def _law(legal: Legal) -> Iterator[str]:
    if legal.notices is not None:
        yield (
            f"A notice is in writing and goes {_BY[legal.notices.by]} to the address that the other party named last. "
            f"It counts as received {show_duration(legal.notices.arrive_after)} after it was sent, or sooner if its "
            "receipt is confirmed. What the escrow records needs no notice."
        )
    if legal.law is not None:
        yield f"This agreement is governed by the law of {quoted(legal.law)}."
    if legal.courts is not None:
        yield (
            f"The courts of {quoted(legal.courts)} alone decide disputes that the escrow's arbitrator does not, once "
            "the steps of any escalation are over."
        )
    if legal.arbitration is not None:
        chosen = legal.arbitration
        many = f"{chosen.arbitrators} arbitrator{'' if chosen.arbitrators == 1 else 's'}"
        yield (
            "Disputes that the escrow's arbitrator does not decide are decided finally by arbitration under "
            f"{quoted(chosen.rules)}, with {many}, seated in {quoted(chosen.seat)}, in {quoted(chosen.language)}."
        )
