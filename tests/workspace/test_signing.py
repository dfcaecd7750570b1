"""Offers and signatures as files: signed and checked away from any network, refused whenever anything was altered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from coincurve.utils import GROUP_ORDER_INT
from typer.testing import CliRunner

from pyoutcome.chain.deal import Deal, clone_address
from pyoutcome.chain.keys import create_key_file, derive_test_accounts
from pyoutcome.cli.app import app
from pyoutcome.decimals import show_money
from pyoutcome.errors import ChainError, PyoutcomeError, WorkspaceError
from pyoutcome.protocol import Domain
from pyoutcome.terms import Agreement
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.binding import bind
from pyoutcome.workspace.commitment import commitment
from pyoutcome.workspace.parties import party_ids
from pyoutcome.workspace.ready import find_ready
from pyoutcome.workspace.settings import Offer, TermsSignature
from pyoutcome.workspace.signing import check_offer, read_offer, read_signature
from tests.workspace.conftest import AGREEMENT, AIRLINES

PASSWORD = "a long password"
TEXT = AGREEMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def offer_file(fresh_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The offer of a workspace in which nobody has signed."""
    folder = tmp_path_factory.mktemp("offer")
    shutil.copytree(fresh_template, folder / "deal")
    with Workspace.open(folder / "deal") as workspace:
        workspace.offer(folder / "deal.offer.json")
    return folder / "deal.offer.json"


@pytest.fixture
def offering(offer_file: Path, tmp_path: Path) -> Iterator[Workspace]:
    """That workspace."""
    shutil.copytree(offer_file.parent / "deal", tmp_path / "deal")
    with Workspace.open(tmp_path / "deal") as workspace:
        yield workspace


@cache
def agreement() -> Agreement:
    return Agreement.parse(TEXT)


def signature_of(offer_file: Path, party: str) -> TermsSignature:
    offered = check_offer(agreement(), read_offer(offer_file), "deal.offer.json")
    [signer] = [each for each in derive_test_accounts() if each.address == offered.addresses[party]]
    return offered.signing.sign(party, signer)


def refusal(offer_file: Path, **changes: Any) -> str:
    """How an altered signature of UA is refused."""
    offered = check_offer(agreement(), read_offer(offer_file), "deal.offer.json")
    altered = signature_of(offer_file, "UA").model_copy(update=changes)
    with pytest.raises(WorkspaceError) as refused:
        offered.signing.check(altered)
    assert refused.value.code in ("signature-differs", "not-a-signing-party")
    return refused.value.why


def test_everybody_signs_elsewhere_and_the_escrow_is_made(
    offering: Workspace, offer_file: Path, tmp_path: Path
) -> None:
    files = []
    for party in ("client", *AIRLINES):
        files.append(tmp_path / f"{party}.signature.json")
        files[-1].write_text(signature_of(offer_file, party).model_dump_json(), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="signatures-missing"):
        offering.deploy()
    taken = offering.take_signatures(files[:2])
    assert ["client", "UA"] == [each.party for each in taken]
    assert ("B6", "EV") == offering.missing_signatures()
    with pytest.raises(WorkspaceError, match="signatures-missing"):
        offering.deploy()
    offering.take_signatures(files)
    assert read_offer(offer_file).escrow == offering.deploy().escrow


def test_what_a_workspace_signs_is_what_is_signed_elsewhere(offering: Workspace, offer_file: Path) -> None:
    assert signature_of(offer_file, "UA") == offering.sign("UA")
    assert read_signature(offering.files.signature("UA")) == signature_of(offer_file, "UA")


def test_for_something_else_it_is_refused_with_the_reason(offer_file: Path) -> None:
    other = "0x" + "11" * 32
    good = signature_of(offer_file, "UA")
    elsewhere = signature_of(offer_file, "B6")
    r, s, v = good.signature[2:66], int(good.signature[66:130], 16), int(good.signature[130:], 16)
    twin = f"0x{r}{GROUP_ORDER_INT - s:064x}{55 - v:02x}"
    for changes, said in (
        ({"chain_id": 1}, "its chain is 1"),
        ({"factory": elsewhere.signer}, "its factory is"),
        ({"escrow": elsewhere.signer}, "its escrow is"),
        ({"terms_hash": other}, "its terms hash is"),
        ({"signer": elsewhere.signer}, "its address is"),
        ({"party": "B6"}, "its address is"),
        ({"party": "V1"}, "V1 does not sign"),
        ({"party": "nobody"}, "nobody does not sign"),
        ({"signature": elsewhere.signature}, "it was made with the key of"),
        ({"signature": twin}, "upper half"),
        ({"signature": good.signature + "00"}, "66 bytes"),
        ({"signature": "0x"}, "0 bytes"),
        ({"signature": good.signature[:130] + "00"}, "neither 27 nor 28"),
    ):
        assert said in refusal(offer_file, **changes)


def test_of_a_good_and_a_bad_file_none_is_taken(offering: Workspace, offer_file: Path, tmp_path: Path) -> None:
    good, bad = signature_of(offer_file, "UA"), signature_of(offer_file, "B6").model_copy(update={"chain_id": 5})
    files = [tmp_path / "good.json", tmp_path / "bad.json"]
    for file, each in zip(files, (good, bad), strict=True):
        file.write_text(each.model_dump_json(), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="signature-differs"):
        offering.take_signatures(files)
    assert ("client", *AIRLINES) == offering.missing_signatures()


def test_deploy_refuses_what_was_altered_since_it_was_signed(offering: Workspace, offer_file: Path) -> None:
    for party in ("client", *AIRLINES):
        offering.sign(party)
    folder = offering.files.folder
    offering.close()

    def deploying() -> str:
        with Workspace.open(folder) as again, pytest.raises(PyoutcomeError) as refused:
            again.deploy()
        return refused.value.code

    offer = read_offer(offer_file)
    for name, old, new in (
        ("agreement.yaml", "monthly_fee: 250000", "monthly_fee: 250001"),
        ("agreement.yaml", "name: Airport operator", "name: Airport operators"),
        ("offer.json", '"nonce": 0', '"nonce": 1'),
        ("offer.json", '"chain_id": ', '"chain_id": 1'),
        ("offer.json", offer.factory, offer.escrow),
        ("offer.json", offer.implementation, offer.escrow),
    ):
        kept = (folder / name).read_text(encoding="utf-8")
        assert old in kept
        (folder / name).write_text(kept.replace(old, new), encoding="utf-8")
        assert "offer-differs" == deploying()
        (folder / name).write_text(kept, encoding="utf-8")
    shutil.copy(folder / "signatures" / "UA.json", folder / "signatures" / "B6.json")
    assert "signature-differs" == deploying()
    (folder / "signatures" / "B6.json").unlink()
    assert "signatures-missing" == deploying()


@pytest.mark.parametrize(
    "name", ["chain_id", "factory", "implementation", "arguments", "agreement_digest", "program_hash", "terms_hash",
             "escrow", "nonce"]
)  # fmt: skip
def test_an_altered_offer_is_not_signed(offer_file: Path, name: str) -> None:
    offer = read_offer(offer_file)
    was = getattr(offer, name)
    other = was + 1 if isinstance(was, int) else offer.escrow if name in ("factory", "implementation") else None
    if name == "escrow":
        other = offer.factory
    elif other is None:
        other = was[:-1] + ("0" if was[-1] != "0" else "1")
    with pytest.raises(WorkspaceError) as refused:
        check_offer(agreement(), offer.model_copy(update={name: other}), "deal.offer.json")
    assert "offer-differs" == refused.value.code


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("reserve", "its reserve is not what follows"),
        ("quorum", "its quorum is not what follows"),
        ("verifiers", "other numbers of providers or verifiers"),
    ],
)
def test_an_offer_with_arguments_of_its_own_is_not_signed(offer_file: Path, part: str, said: str) -> None:
    """Consistent in itself, with something that does not follow from the agreement."""
    offer = read_offer(offer_file)
    deal = check_offer(agreement(), offer, "deal.offer.json").deal
    was = getattr(deal.arguments, part)
    changes: Any = {part: was - 1 if isinstance(was, int) else was[:-1]}
    arguments = replace(deal.arguments, **changes)
    other = Deal(arguments, deal.agreement_digest, deal.program, deal.nonce)
    terms_hash = other.terms.digest(Domain(offer.chain_id, offer.factory))
    changed = offer.model_copy(
        update={
            "arguments": "0x" + arguments.pack().hex(),
            "terms_hash": "0x" + terms_hash.hex(),
            "escrow": clone_address(offer.factory, other.clone_code(offer.factory, offer.implementation, terms_hash)),
        }
    )
    with pytest.raises(WorkspaceError, match=said) as refused:
        check_offer(agreement(), changed, "deal.offer.json")
    assert "offer-differs" == refused.value.code


def test_an_offer_for_another_agreement_is_not_signed(offer_file: Path) -> None:
    other = Agreement.parse(TEXT.replace("monthly_fee: 250000", "monthly_fee: 250001"))
    with pytest.raises(WorkspaceError, match="offer-differs"):
        check_offer(other, read_offer(offer_file), "deal.offer.json")
    fewer = Agreement.parse(TEXT.replace("    V3: {name: Third verifier}\n", ""))
    with pytest.raises(WorkspaceError, match="offer-differs"):
        check_offer(fewer, read_offer(offer_file), "deal.offer.json")


@pytest.mark.parametrize("change", [lambda each: each ^ 1, lambda each: each ^ 0x20, lambda _: 0x30, lambda _: 0x22])
def test_a_signature_file_with_any_byte_altered_is_refused_or_says_the_same(
    offer_file: Path, tmp_path: Path, change: Callable[[int], int]
) -> None:
    """Each byte with its last bit turned, in the other case, as a zero and as a quotation mark."""
    offered = check_offer(agreement(), read_offer(offer_file), "deal.offer.json")
    good = signature_of(offer_file, "UA")
    data = good.model_dump_json(indent=2).encode()
    file = tmp_path / "altered.json"
    same = 0
    for at, byte in enumerate(data):
        file.write_bytes(data[:at] + bytes([change(byte)]) + data[at + 1 :])
        found: TermsSignature | None = None
        code = ""
        try:
            found = read_signature(file)
            offered.signing.check(found)
        except WorkspaceError as refused:
            found, code = None, refused.code
        refusals = ("file-malformed", "file-unreadable", "signature-differs", "not-a-signing-party")
        assert found == good or code in refusals, at
        same += found == good
    assert same < len(data) // 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"party": 1}',
        "[" * 100_000,
        '{"party": "UA", "more": 1}',
        "\x00",
        '"' + "x" * 5_000_000,
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hostile.json"
    file.write_text(text, encoding="utf-8")
    for read in (read_offer, read_signature):
        with pytest.raises(WorkspaceError) as refused:
            read(file)
        assert refused.value.code in ("file-malformed", "file-unreadable")


def test_an_offer_is_taken_once_it_is_ours(offer_file: Path, fresh: Workspace, tmp_path: Path) -> None:
    """Two workspaces of one chain, here copies: the second takes in what the first has made."""
    assert read_offer(offer_file) == fresh.take_offer(offer_file)
    assert read_offer(offer_file) == fresh.take_offer(offer_file)
    fresh.sign("UA")
    other = tmp_path / "other.json"
    changed = read_offer(offer_file).model_copy(update={"nonce": 7})
    other.write_text(changed.model_dump_json(), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="offer-known"):
        fresh.take_offer(other)


def test_an_offer_between_other_addresses_is_not_taken(offer_file: Path, fresh: Workspace) -> None:
    files = fresh.files
    known = json.loads(files.parties.read_text(encoding="utf-8"))
    addresses = known["addresses"]
    addresses["V1"], addresses["V2"] = addresses["V2"], addresses["V1"]
    files.parties.write_text(json.dumps(known), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="offer-differs"):
        fresh.take_offer(offer_file)
    assert not files.offer.exists()


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.stdout.split()), result.stderr


def test_the_verbs_from_key_to_escrow_with_one_party_away(
    fresh_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UA has a key file, the agreement and the offer; no workspace and no network."""
    from pyoutcome.chain import keys

    monkeypatch.setattr(keys, "STRONG", keys.LIGHT)
    monkeypatch.setenv("PYOUTCOME_PASSWORD_UA", PASSWORD)
    folder, away = tmp_path / "deal", tmp_path / "away"
    shutil.copytree(fresh_template, folder)
    away.mkdir()
    monkeypatch.chdir(away)
    shutil.copy(AGREEMENT, "agreement.yaml")
    status, out, _ = run("key", "new", "UA", "--keystore", "UA.key.json", "--json")
    address = json.loads(out)["address"]
    book = folder / "parties.json"
    known = json.loads(book.read_text(encoding="utf-8"))
    known["addresses"]["UA"] = address
    book.write_text(json.dumps(known), encoding="utf-8")

    assert 0 == run("offer", "--out", "deal.offer.json", "-w", str(folder))[0]
    signing_away = ("sign", "agreement.yaml", "--offer", "deal.offer.json", "--as", "UA", "--keystore", "UA.key.json")
    status, out, _ = run(*signing_away)
    assert (0, True) == (status, f"signed by {address}" in out)
    assert f"UA {address}" in out
    assert "What UA signs it is paid a period 180,000.00 TUSD to 520,000.00 TUSD" in out
    assert out.index("What UA signs") < out.index("UA has signed")
    status, out, _ = run("sign", "--check", "agreement.yaml", "UA.signature.json", "--offer", "deal.offer.json")
    assert (1, True) == (status, "UA signed client missing" in out)

    for party, said in (
        ("client", "it pays a period 540,000.00 TUSD to 1,560,000.00 TUSD"),
        ("B6", "it is paid"),
        ("EV", "it is paid"),
    ):
        status, out, _ = run("sign", "--as", party, "-w", str(folder))
        assert (0, True) == (status, f"What {party} signs {said}" in out)
    status, out, _ = run("sign", "--check", "-w", str(folder), "--json")
    assert (1, [("UA", "missing")]) == (
        status,
        [(each["party"], each["state"]) for each in json.loads(out)["signatures"] if each["state"] != "signed"],
    )
    assert "signatures-missing" in run("deploy", "-w", str(folder))[2]
    assert "still to sign nobody" in run("sign", "--take", "UA.signature.json", "-w", str(folder))[1]
    assert 0 == run("sign", "--check", "-w", str(folder))[0]
    assert 0 == run("deploy", "-w", str(folder))[0]


def test_each_is_told_what_its_signature_binds_it_to() -> None:
    """The bounds of its own place, and what it has to deposit; a backup is bound only once it is called."""
    logistics = find_ready("logistics").agreement
    parties = party_ids(logistics)
    accounts = [each.address for each in derive_test_accounts()]
    arguments = bind(logistics, dict(zip(parties, accounts, strict=False)), accounts[-1], 1_767_000_000)
    bounds = logistics.bounds()
    north = commitment(logistics, arguments, "NORTH")
    least, most = (f"{show_money(each, 6)} EURX" for each in (bounds.providers[0].least, bounds.providers[0].most))
    assert f"{least} to {most}, below 0 owed the other way" == north["it is paid a period"]
    assert "8,000.00 EURX, its bond" == north["it deposits first"]
    assert "5,000.00 EURX, the reserve of one period" == commitment(logistics, arguments, "client")["it deposits first"]
    south, standby = (commitment(logistics, arguments, party) for party in ("SOUTH", "backup-SOUTH"))
    assert {f"if called, {what}": amount for what, amount in south.items()} == standby


def test_a_key_of_another_does_not_sign(offer_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYOUTCOME_PASSWORD_UA", PASSWORD)
    key = tmp_path / "other.key.json"
    create_key_file(key, "UA", PASSWORD, light=True)
    with pytest.raises(ChainError, match="key-exists"):
        create_key_file(key, "UA", PASSWORD, light=True)
    out = tmp_path / "UA.signature.json"
    arguments = ("sign", str(AGREEMENT), "--offer", str(offer_file), "--as", "UA", "--out", str(out))
    assert "key-of-another" in run(*arguments, "--keystore", str(key))[2]
    assert not out.exists()
    assert "no-such-key" in run(*arguments, "--keystore", str(tmp_path / "none.json"))[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign",),
        ("sign", "--take"),
        ("sign", "agreement.yaml", "--as", "UA"),
        ("sign", "--as", "UA", "--offer", "deal.offer.json"),
        ("sign", "a.yaml", "--as", "UA", "--offer", "deal.offer.json"),
        ("sign", "--check", "--offer", "deal.offer.json"),
    ],
)
def test_half_said_signing_is_refused(arguments: tuple[str, ...]) -> None:
    status, _, err = run(*arguments)
    assert (1, True) == (status, "bad-signing" in err)


def test_an_offer_says_what_it_must() -> None:
    assert {"chain_id", "factory", "implementation", "arguments", "agreement_digest", "program_hash", "nonce",
            "terms_hash", "escrow"} == set(Offer.model_fields)  # fmt: skip
