"""Whether what is deployed is what the agreement says: digest, program, every argument, and the hash over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from eth_utils.crypto import keccak

from pyoutcome.audit.findings import Finding, Kind, Unit
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


def _compare(what: str, expected: str, actual: str) -> Finding | None:
    return None if expected == actual else Finding(Kind.TERMS, what, expected, actual, Unit.TEXT)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
