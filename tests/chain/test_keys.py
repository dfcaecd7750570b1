"""Keys: encrypted at rest, never shown, never overwritten; test keys stay on local chains."""

from __future__ import annotations

import json
import pickle
import stat
from pathlib import Path

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.chain.keys import (
    TEST_MNEMONIC,
    KeySigner,
    create_key,
    derive_test_accounts,
    keystore_path,
    read_address,
    unlock,
)
from pyoutcome.protocol import signer_of
from tests.chain.conftest import refused

PASSWORD = "correct horse battery"
HALF_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@given(secret=st.integers(1, 2**250), digest=st.binary(min_size=32, max_size=32))
@settings(max_examples=100, deadline=None)
def test_a_signature_is_the_one_other_wallets_make_and_recovers_to_the_signer(secret: int, digest: bytes) -> None:
    signer = KeySigner(secret.to_bytes(32))
    signature = signer.sign(digest)
    assert signer.address == signer_of(digest, signature)
    assert int.from_bytes(signature[32:64]) <= HALF_ORDER
    account = Account.from_key(secret.to_bytes(32))
    assert account.address == signer.address
    assert bytes(account.unsafe_sign_hash(digest).signature) == signature


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_only_digests_are_signed(size: int) -> None:
    with refused("not-a-digest"):
        derive_test_accounts()[0].sign(bytes(size))


def test_the_test_accounts_are_those_every_local_node_funds() -> None:
    Account.enable_unaudited_hdwallet_features()
    expected = [
        Account.from_mnemonic(TEST_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}").address for index in range(10)
    ]
    assert expected == [account.address for account in derive_test_accounts()]


def test_a_key_comes_back_with_its_password_and_only_with_it(tmp_path: Path) -> None:
    signer = create_key(tmp_path / "keys", "UA", PASSWORD, light=True)
    assert signer.address == read_address(tmp_path / "keys", "UA")
    digest = keccak(b"terms")
    assert signer.sign(digest) == unlock(tmp_path / "keys", "UA", PASSWORD).sign(digest)
    for wrong in ("", PASSWORD + " ", PASSWORD.upper()):
        with refused("wrong-password") as info:
            unlock(tmp_path / "keys", "UA", wrong)
        assert wrong == "" or wrong not in str(info.value)


def test_other_wallets_read_the_keystore(tmp_path: Path) -> None:
    signer = create_key(tmp_path, "UA", PASSWORD, light=True)
    secret = Account.decrypt((tmp_path / "UA.json").read_text(), PASSWORD)
    assert signer.address == Account.from_key(secret).address


def test_a_key_for_public_networks_is_costly_to_guess(tmp_path: Path) -> None:
    create_key(tmp_path, "light", PASSWORD, light=True)
    create_key(tmp_path, "strong", PASSWORD)
    costs = {
        name: json.loads((tmp_path / f"{name}.json").read_text())["crypto"]["kdfparams"]["n"]
        for name in ("light", "strong")
    }
    assert {"light": 4096, "strong": 262144} == costs
    assert unlock(tmp_path, "strong", PASSWORD).address == read_address(tmp_path, "strong")


def test_only_the_owner_may_read_the_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    create_key(tmp_path / "keys", "UA", PASSWORD, light=True)
    assert 0o600 == stat.S_IMODE((tmp_path / "keys" / "UA.json").stat().st_mode)
    assert 0o700 == stat.S_IMODE((tmp_path / "keys").stat().st_mode)
    assert ["UA.json"] == names_in(tmp_path / "keys")


def test_a_key_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_key(tmp_path, "UA", PASSWORD, light=True)
    before = (tmp_path / "UA.json").read_bytes()
    with refused("key-exists"):
        create_key(tmp_path, "UA", PASSWORD, light=True)
    # Even if another process makes it between the look and the writing.
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with refused("key-exists"):
        create_key(tmp_path, "UA", PASSWORD, light=True)
    assert before == (tmp_path / "UA.json").read_bytes()
    assert ["UA.json"] == names_in(tmp_path)


def test_no_text_form_shows_the_key() -> None:
    secret = keccak(b"secret")
    signer = KeySigner(secret)
    shown = f"{signer!r} {signer} {signer!s:>80}"
    assert f"<KeySigner {signer.address}>" == repr(signer)
    assert secret.hex() not in shown
    assert not hasattr(signer, "__dict__")
    with refused("key-not-copied"):
        pickle.dumps(signer)


@pytest.mark.parametrize("party", ["", "../UA", "a/b", ".hidden", "-", "x" * 65, "UA\n", "ÄÖ"])
def test_a_party_s_name_cannot_lead_out_of_the_folder(tmp_path: Path, party: str) -> None:
    with refused("bad-key-name"):
        keystore_path(tmp_path, party)


def test_short_passwords_and_missing_keys_are_refused(tmp_path: Path) -> None:
    with refused("short-password"):
        create_key(tmp_path, "UA", "short")
    assert [] == names_in(tmp_path)
    with refused("no-such-key"):
        unlock(tmp_path, "UA", PASSWORD)
    with refused("no-such-key"):
        read_address(tmp_path, "UA")


def altered(content: dict[str, object], **changes: object) -> str:
    crypto = content["crypto"]
    assert isinstance(crypto, dict)
    return json.dumps({**content, "crypto": {**crypto, **changes}})


@pytest.mark.parametrize(
    "params",
    [
        {"n": 2**40, "r": 8, "p": 1, "dklen": 32, "salt": "00"},
        {"n": 2**18, "r": 2**20, "p": 1, "dklen": 32, "salt": "00"},
        {"n": 2**18, "r": 8, "p": 2**20, "dklen": 32, "salt": "00"},
        {"n": "many", "r": 8, "p": 1, "dklen": 32, "salt": "00"},
        {"n": -4, "r": 8, "p": 1, "dklen": 32, "salt": "00"},
        {"n": 4096, "r": 8, "p": 1, "dklen": 2**31, "salt": "00"},
        {"c": 2**60, "dklen": 32, "prf": "hmac-sha256", "salt": "00"},
        {"n": 4096, "r": 8, "p": 1, "dklen": 32},
        {"n": 4095, "r": 8, "p": 1, "dklen": 32, "salt": "00"},
        {},
        [],
        None,
    ],
)
def test_a_hostile_keystore_costs_neither_memory_nor_time(tmp_path: Path, params: object) -> None:
    create_key(tmp_path, "UA", PASSWORD, light=True)
    file = tmp_path / "UA.json"
    kdf = "pbkdf2" if isinstance(params, dict) and "c" in params else "scrypt"
    file.write_text(altered(json.loads(file.read_text()), kdfparams=params, kdf=kdf))
    with refused("bad-keystore"):
        unlock(tmp_path, "UA", PASSWORD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"address": 5, "version": 3}',
        "[" * 30_000,
        "x" * 70_000,
        '{"version": 4, "crypto": {}}',
    ],
)
def test_what_is_no_keystore_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "UA.json").write_text(text)
    with refused("bad-keystore"):
        unlock(tmp_path, "UA", PASSWORD)
    with refused("bad-keystore"):
        read_address(tmp_path, "UA")


def test_a_file_that_names_another_s_address_is_refused(tmp_path: Path) -> None:
    create_key(tmp_path, "UA", PASSWORD, light=True)
    file = tmp_path / "UA.json"
    content = json.loads(file.read_text())
    content["address"] = "00" * 20
    file.write_text(json.dumps(content))
    with refused("bad-keystore"):
        unlock(tmp_path, "UA", PASSWORD)
