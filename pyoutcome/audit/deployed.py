"""Whether what is deployed is what the agreement says: digest, program, every argument, and the hash over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from eth_utils.crypto import keccak

from pyoutcome.audit.findings import Finding, Kind, Unit
from pyoutcome.audit.story import Story
from pyoutcome.audit.subject import ChainView, Subject
from pyoutcome.protocol.arguments import Arguments
from pyoutcome.protocol.messages import Terms, domain


def check_deployed(subject: Subject, chain: ChainView) -> Iterator[Finding | None]:
    """One item per comparison: None where equal."""
    yield _compare("agreement digest", _hex(subject.digest), _hex(chain.agreement_digest))
    yield _compare("program", _hex(subject.program), _hex(chain.program))
    for part in fields(Arguments):
        expected, actual = getattr(subject.arguments, part.name), getattr(chain.arguments, part.name)
        yield _compare(f"argument {part.name}", str(expected), str(actual))
    terms = Terms(subject.digest, keccak(subject.program), subject.arguments.hash(), chain.nonce)
    expected_hash = terms.digest(domain(chain.chain_id, chain.factory))
    yield _compare("terms hash", _hex(expected_hash), _hex(chain.terms_hash))


def check_amendments(subject: Subject, chain: ChainView, story: Story) -> Iterator[Finding | None]:
    """Each amendment that the escrow accepted against the one that the parties' file makes, in order."""
    for number, accepted in enumerate(story.amendments, 1):
        known = subject.amendments[number - 1] if number <= len(subject.amendments) else None
        if known is None:
            yield _compare(f"amendment {number}", "none", f"from period {accepted.event.first} on")
            continue
        other = known.subject
        terms = Terms(other.digest, keccak(other.program), other.arguments.hash(), known.nonce)
        expected = terms.digest(domain(chain.chain_id, chain.factory))
        yield _compare(f"terms hash of amendment {number}", _hex(expected), _hex(accepted.event.terms_hash))
        yield _compare(f"first period of amendment {number}", str(known.first), str(accepted.event.first))
    for number in range(len(story.amendments) + 1, len(subject.amendments) + 1):
        yield _compare(f"amendment {number}", "accepted", "not accepted")


def _compare(what: str, expected: str, actual: str) -> Finding | None:
    return None if expected == actual else Finding(Kind.TERMS, what, expected, actual, Unit.TEXT)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
