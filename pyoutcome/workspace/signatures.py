"""The signatures in an audit pack: over the terms, the bundles and the verifiers' reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyoutcome.errors import PyoutcomeError
from pyoutcome.evidence.bundles.bundle import bundle_name
from pyoutcome.protocol import Domain, signer_of
from pyoutcome.protocol.events import Assigned, SteppedIn
from pyoutcome.workspace.auditing import Case
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.reports import message_of
from pyoutcome.workspace.settings import SignedReport, TermsSignature


def check_signatures(case: Case, stored: WorkspaceFiles, files: Mapping[str, bytes]) -> Iterator[str | None]:
    """For each signature what is wrong with it, or None."""
    chain = case.chain
    domain = Domain(chain.chain_id, chain.factory)
    first = case.terms.arguments
    holders = {each.signer for each in first.providers}
    holders |= {at.event.holder for at in case.located if isinstance(at.event, Assigned | SteppedIn)}
    signing = {first.client, *holders, *(each.backup for each in first.providers if each.backup is not None)}
    verifiers = {address for each in (case.terms, *case.amendments) for address in each.arguments.verifiers}
    for name in sorted(files):
        kind, path = name.partition("/")[0], stored.folder / name
        try:
            if kind == "signatures":
                terms = stored.load(path, TermsSignature)
                digest = bytes.fromhex(terms.terms_hash[2:])
                place = terms.chain_id, terms.factory
                own = (digest, place) == (chain.terms_hash, (domain.chain_id, domain.factory))
                own = own and terms.signer in signing
                yield _judge(name, own and signer_of(digest, bytes.fromhex(terms.signature[2:])) == terms.signer)
            elif kind == "reports":
                report = stored.load(path, SignedReport)
                digest = message_of(report).digest(domain)
                own = report.signer in verifiers
                yield _judge(name, own and signer_of(digest, bytes.fromhex(report.signature[2:])) == report.signer)
        except PyoutcomeError as error:
            yield f"{name}: {error.why}"
    for period in range(1, len(first.ends) + 1):
        for provider, bundle in case.bundles(period).items():
            name = f"evidence/{bundle_name(period, provider)}"
            try:
                digest = case.under(period).agreement.digest()
                own = (bundle.agreement_digest, bundle.period, bundle.supplier) == (digest, period, provider)
                yield _judge(name, own and bundle.signed_by() in holders)
            except PyoutcomeError as error:
                yield f"{name}: {error.why}"


def _judge(name: str, good: bool) -> str | None:
    return None if good else f"{name}: it is not signed by one of the parties, or for something else."
