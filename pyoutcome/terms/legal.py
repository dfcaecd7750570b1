"""What an agreement says besides its prices and its escrow: governance, confidence, data, rights, exit and law.

Nothing here changes a payment. What is left out is not agreed; no law or custom is put in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from pyoutcome.errors import AgreementError, PyoutcomeError
from pyoutcome.terms.part import Part
from pyoutcome.terms.scalars import Duration, Line, Whole

MOST_STEPS: Final = 10
"""Steps of an escalation."""
MOST_STANDARDS: Final = 20


class Arbitration(Part):
    """Who decides what the escrow's arbitrator does not."""

    seat: Line
    rules: Line
    language: Line
    arbitrators: Annotated[Whole, Field(ge=1, le=9)] = 1


class ReviewMeetings(Part):
    """Meetings of the parties on how it goes."""

    every: Literal["week", "month", "quarter", "year"]
    chair: Literal["client", "provider"] = "client"
    papers: Duration
    """Before the meeting: until then the statements and findings are handed round."""
    minutes: Duration
    """After it: until then the minutes are."""


class EscalationStep(Part):
    """A pair of people, one of each side, who try to settle a disagreement."""

    role: Line
    within: Duration


class Notices(Part):
    """How one party tells another what counts."""

    by: Literal["email", "post", "email_and_post"]
    arrive_after: Duration
    """From sending on; then the notice counts as received."""


class Confidentiality(Part):
    """What is told in confidence."""

    years: Annotated[Whole, Field(ge=1, le=99)]
    """After the agreement's end."""


class Security(Part):
    """How systems and data are guarded."""

    standards: Annotated[tuple[Line, ...], Field(min_length=1, max_length=MOST_STANDARDS)]
    incident_notice: Duration
    """From when it is known on: until then the other side is told."""
    review: Literal["certificate", "audit"] = "certificate"
    """How a provider shows that it keeps to them."""


class DataProtection(Part):
    """Personal data."""

    role: Literal["none", "processor", "controllers", "joint"]
    """Of the providers: they handle no personal data; for the client; each for itself; or together with the client."""
    law: Line | None = None
    places: Line | None = None
    """Where they may be kept and seen."""
    breach_notice: Duration | None = None


class IntellectualProperty(Part):
    """Rights in what is made under the agreement."""

    owner: Literal["client", "provider"]
    on: Literal["payment", "creation", "event"]
    """When the client gets its right: with the payment of the period, with the work itself, or once ``event`` is so."""
    event: Line | None = None
    """What has to be so, as the end of a sentence: 'the option is paid'."""
    license: Literal["term", "perpetual"]
    """How long whoever does not own something needed may use it."""


class Change(Part):
    """How the parties come to an amendment."""

    answer_within: Duration
    costs: Literal["requester", "each"] = "each"
    """Who bears what looking into a request costs."""


class Exit(Part):
    """What happens when it ends."""

    assistance: Duration
    """Time from the last period's end in which a provider helps whoever takes over."""
    paid: Literal["included", "as_before"]
    """Whether that help is in the price, or is paid at the prices of the last period."""
    return_data: Duration
    """Time from the last period's end in which data are given back and deleted."""


class Legal(Part):
    """All of it; each key may be left out."""

    law: Line | None = None
    courts: Line | None = None
    arbitration: Arbitration | None = None
    review_meetings: ReviewMeetings | None = None
    escalation: Annotated[tuple[EscalationStep, ...] | None, Field(min_length=1, max_length=MOST_STEPS)] = None
    notices: Notices | None = None
    confidentiality: Confidentiality | None = None
    security: Security | None = None
    data_protection: DataProtection | None = None
    ip: IntellectualProperty | None = None
    change: Change | None = None
    exit: Exit | None = None

    def problems(self) -> Iterator[tuple[tuple[str, ...], PyoutcomeError]]:
        """What is wrong between its keys: the place and the error."""
        if self.courts is not None and self.arbitration is not None:
            yield (
                ("arbitration",),
                AgreementError(
                    "bad-legal",
                    "Either courts decide or an arbitration does.",
                    "Delete 'courts' or 'arbitration'.",
                ),
            )
        if self.ip is not None and (self.ip.on == "event") != (self.ip.event is not None):
            yield (
                ("ip", "event"),
                AgreementError(
                    "bad-legal",
                    "An event is named exactly when the client's right waits for one.",
                    "Write 'on: event' and 'event: ...', or neither.",
                ),
            )
        data = self.data_protection
        if data is not None and data.role != "none" and data.law is None:
            yield (
                ("data_protection", "law"),
                AgreementError(
                    "missing-key",
                    "Personal data are handled, and no law on them is named.",
                    "Add 'law: ...', such as the General Data Protection Regulation.",
                    key="law",
                ),
            )
        if data is not None and data.role == "none" and (data.law or data.places or data.breach_notice is not None):
            yield (
                ("data_protection", "role"),
                AgreementError(
                    "bad-legal",
                    "No personal data are handled, and yet rules for them are given.",
                    "Delete these rules, or say the providers' role.",
                ),
            )
