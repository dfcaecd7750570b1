"""Which agreement this is, what the parties sign, and how anyone can check the signatures."""

from __future__ import annotations

from pyoutcome.legal.document.pages import Pages
from pyoutcome.legal.document.signed import SignedTerms, TermsSignatureLine
from pyoutcome.legal.document.tree import Heading, PageBreak, Runs, code, runs
from pyoutcome.protocol.eip712 import DOMAIN_NAME, DOMAIN_VERSION, TERMS_TYPE
from pyoutcome.terms import Agreement


def hexadecimal(data: bytes) -> str:
    """Bytes as 0x and digits."""
    return "0x" + data.hex()


def put_identity(pages: Pages, agreement: Agreement, signed: SignedTerms | None) -> None:
    """Digests, and how the terms hash comes about."""
    pages.say(
        "The digest of the agreement file is the Keccak-256 hash of its canonical form (JSON, RFC 8785). The command ",
        code("pyoutcome check --json"),
        " prints it for any copy of the file, and ",
        code("pyoutcome document"),
        " writes this text again, byte for byte.",
    )
    pages.fields(
        [
            ("Agreement digest", runs(code(hexadecimal(agreement.digest())))),
            ("Program hash", runs(code(hexadecimal(agreement.program().hash)))),
        ]
    )
    if not agreement.deployable:
        return
    pages.say(
        "Client, providers and backups sign one struct by EIP-712. Its digest is the terms hash; a signature for one "
        "chain and factory is worth nothing on another. A signature has 65 bytes: r, s in the lower half, and v of 27 "
        "or 28."
    )
    rows: list[tuple[str, Runs]] = [
        ("Domain name", runs(code(DOMAIN_NAME))),
        ("Domain version", runs(code(DOMAIN_VERSION))),
    ]
    if signed is not None:
        rows += [
            ("Chain id", runs(code(str(signed.chain_id)))),
            ("Verifying contract", runs(code(signed.factory))),
        ]
    rows.append(("Type", runs(code(TERMS_TYPE))))
    rows.append(("agreementDigest", runs(code(hexadecimal(agreement.digest())))))
    rows.append(("programHash", runs(code(hexadecimal(agreement.program().hash)))))
    if signed is None:
        pages.fields(rows)
        pages.say(
            "Chain, factory, the hash of the escrow's arguments and the nonce are fixed when the parties have named "
            "their addresses and the first of them signs. This copy was written before that: it shows no terms hash "
            "and no escrow."
        )
        return
    rows += [
        ("argsHash", runs(code(hexadecimal(signed.arguments.hash())))),
        ("nonce", runs(code(str(signed.nonce)))),
        ("Terms hash", runs(code(hexadecimal(signed.terms_hash)))),
        ("Escrow", runs(code(signed.escrow))),
    ]
    pages.fields(rows)
    pages.say(
        "To check a signature, recover its address from the terms hash with any EIP-712 tool and compare it with the "
        "address of the party. The command ",
        code("pyoutcome inspect"),
        " reads the deployed escrow, verifies its code, and prints who is bound.",
    )
    put_addresses(pages, agreement, signed)


def put_addresses(pages: Pages, agreement: Agreement, signed: SignedTerms) -> None:
    """Who is bound, by address."""
    arguments = signed.arguments
    rows = [("Client", arguments.client)]
    for name, provider in zip(agreement.providers, arguments.providers, strict=True):
        rows.append((name, provider.signer))
        if provider.payout != provider.signer:
            rows.append((f"{name}, paid at", provider.payout))
        if provider.backup is not None:
            rows.append((f"backup-{name}", provider.backup))
    rows += list(zip(agreement.verifiers, arguments.verifiers, strict=True))
    rows += [("Arbitrator", arguments.arbitrator), ("Money (token)", arguments.token)]
    rows.append(("The offer is open until (Unix seconds)", str(arguments.activate_by)))
    pages.fields([(name, runs(code(value))) for name, value in rows], "Addresses that the terms hash covers")


def name_signers(agreement: Agreement) -> dict[str, str]:
    """The names of those who sign, by what they are called."""
    parties = agreement.parties
    names = {"client": parties.client.name}
    for party, one in parties.providers.items():
        names[party] = one.name
        if one.backup is not None:
            names[f"backup-{party}"] = one.backup.name
    return names


def put_signatures(pages: Pages, agreement: Agreement, signed: SignedTerms | None, title: str = "") -> None:
    """A place for each party's signature, with the EIP-712 signature where it is there; ``title`` says over what."""
    names = name_signers(agreement)
    pages.blocks += [PageBreak(), Heading(1, "", "Signatures")]
    if title:
        pages.heading(title)
    if signed is not None:
        pages.say("Each party signs the terms hash:")
        pages.fields([("Terms hash", runs(code(hexadecimal(signed.terms_hash))))])
    elif agreement.deployable:
        pages.say(
            "Each party signs for itself. The escrow accepts only the EIP-712 signatures of all of them over the terms "
            "hash."
        )
    else:
        pages.say("Each party signs for itself.")
    known = {each.party: each for each in signed.signatures} if signed is not None else {}
    for party in ("client", *agreement.providers, *agreement.backups):
        pages.fields(sign_here(f"{names[party]} ({party})", known.get(party)))


def sign_here(name: str, line: TermsSignatureLine | None) -> list[tuple[str, Runs]]:
    """A party with its signature, or with lines to sign on."""
    rows: list[tuple[str, Runs]] = [("Party", runs(name))]
    if line is not None:
        rows.append(("Address", runs(code(line.address))))
    if line is not None and line.signature is not None:
        rows.append(("EIP-712 signature", runs(code(hexadecimal(line.signature)))))
    else:
        rows += [("Name and office", ()), ("Date", ()), ("Signature", ())]
    return rows
