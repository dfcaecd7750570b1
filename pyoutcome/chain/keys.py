"""Keys: encrypted keystore files, and the test accounts of local chains.

A keystore is the version 3 key file of Ethereum clients (scrypt, AES-128-CTR), so other wallets read it too. The
secret never leaves this module in readable form: a signer signs digests and shows nothing but its address.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import stat
from functools import cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coincurve import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.depth import limit_depth
from pyoutcome.errors import ChainError

if TYPE_CHECKING:
    from typing import NoReturn

TEST_MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The seed words everybody uses for local chains; anvil funds the same ten accounts."""
TEST_ACCOUNTS: Final = 10
HARDENED: Final = 2**31
"""Marks a step of a key's path that needs the parent's secret (BIP-32)."""
STRONG: Final = 2**18
"""scrypt cost for keys that may hold value."""
LIGHT: Final = 2**12
"""scrypt cost for keys of local chains only: quick, and a stolen file can be tried out quickly too."""
MOST_COST: Final = 2**20
"""A file that asks for more work than this is refused: it would eat the machine's memory."""
MOST_BYTES: Final = 64 * 1024
LEAST_PASSWORD: Final = 8
PARTY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class KeySigner:
    """Signs digests with one key. Shows its address, never the key."""

    __slots__ = ("_key", "address")

    def __init__(self, secret: bytes) -> None:
        self._key = PrivateKey(secret)
        public = self._key.public_key.format(compressed=False)[1:]
        self.address = to_checksum_address(keccak(public)[12:])
        """Checksum address of the key."""

    def sign(self, digest: bytes) -> bytes:
        """65 bytes r, s, v over the 32-byte digest itself, with low s and v of 27 or 28."""
        if len(digest) != 32:
            raise ChainError(
                "not-a-digest",
                f"A signature is made over 32 bytes, not {len(digest)}.",
                "Sign the digest of the message.",
            )
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    def __repr__(self) -> str:
        return f"<KeySigner {self.address}>"

    def __reduce__(self) -> NoReturn:
        raise ChainError(
            "key-not-copied",
            "A key is not copied out of the process that unlocked it.",
            "Unlock the keystore where the key is needed.",
        )


@cache
def derive_test_accounts() -> tuple[KeySigner, ...]:
    """The ten test accounts of local chains, at m/44'/60'/0'/0/0 to 9 of ``TEST_MNEMONIC``.

    Ask ``Network.test_accounts`` for them: it refuses where they would be unsafe.
    """
    seed = hashlib.pbkdf2_hmac("sha512", TEST_MNEMONIC.encode(), b"mnemonic", 2048)
    root = hmac.digest(b"Bitcoin seed", seed, "sha512")
    parent = reduce(_derive_child, (44 | HARDENED, 60 | HARDENED, HARDENED, 0), root)
    return tuple(KeySigner(_derive_child(parent, index)[:32]) for index in range(TEST_ACCOUNTS))


def _derive_child(parent: bytes, index: int) -> bytes:
    """One step of BIP-32: 32 bytes of key and 32 of chain code. (eth-account does it too, and takes 0.3 s to load.)"""
    key = PrivateKey(parent[:32])
    content = b"\0" + key.secret if index & HARDENED else key.public_key.format()
    child = hmac.digest(parent[32:], content + index.to_bytes(4), "sha512")
    return key.add(child[:32]).secret + child[32:]


def keystore_path(folder: Path, party: str) -> Path:
    """Where the keystore of a party lies. Raises ChainError ``bad-key-name``."""
    if not PARTY.fullmatch(party):
        raise ChainError(
            "bad-key-name",
            f"{party!r} cannot name a key.",
            "Use letters, digits, dots, hyphens and underscores, at most 64, beginning with a letter or digit.",
        )
    return folder / f"{party}.json"


def create_key(folder: Path, party: str, password: str, *, light: bool = False) -> KeySigner:
    """Makes a new key and stores it encrypted as ``<folder>/<party>.json``, readable by its owner only.

    ``light`` spends less work on the encryption; only for keys of local chains. Raises ChainError: ``key-exists``,
    ``short-password``, ``bad-key-name``.
    """
    return create_key_file(keystore_path(folder, party), party, password, light=light)


def create_key_file(path: Path, party: str, password: str, *, light: bool = False) -> KeySigner:
    """The same into a file of any name."""
    if len(password) < LEAST_PASSWORD:
        raise ChainError(
            "short-password",
            f"The password of the key of {party} has fewer than {LEAST_PASSWORD} characters.",
            "Choose a longer one; whoever has the file can try passwords without end.",
        )
    if path.exists():
        raise _key_exists(path, party)
    from eth_keyfile.keyfile import create_keyfile_json

    limit_depth()
    secret = PrivateKey().secret
    content = create_keyfile_json(secret, password.encode(), kdf="scrypt", iterations=LIGHT if light else STRONG)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_new(path, party, json.dumps(content))
    return KeySigner(secret)


def _write_new(path: Path, party: str, text: str) -> None:
    """Writes a whole file that was not there, or none: another process may be making the same key."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError as error:
        raise _key_exists(path, party) from error
    finally:
        draft.unlink(missing_ok=True)


def _key_exists(path: Path, party: str) -> ChainError:
    return ChainError(
        "key-exists",
        f"There already is a key of {party}, in {path}.",
        "Use it, or choose another name; keys are never overwritten.",
    )


def read_address(folder: Path, party: str) -> str:
    """Checksum address that the keystore of a party names; needs no password, and unlocking checks it.

    Raises ChainError: ``no-such-key``, ``bad-keystore``.
    """
    return _address_of(_read(keystore_path(folder, party), party), party)


def unlock(folder: Path, party: str, password: str) -> KeySigner:
    """Decrypts the keystore of a party.

    Raises ChainError: ``no-such-key``, ``bad-keystore``, ``wrong-password``.
    """
    return unlock_file(keystore_path(folder, party), party, password)


def unlock_file(path: Path, party: str, password: str) -> KeySigner:
    """The same of a file of any name."""
    from eth_keyfile.keyfile import decode_keyfile_json

    limit_depth()
    content = _read(path, party)
    _require_bearable(content, party)
    address = _address_of(content, party)
    try:
        signer = KeySigner(decode_keyfile_json(content, password.encode()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if "MAC mismatch" in str(error):
            raise ChainError(
                "wrong-password",
                f"The password does not open the key of {party}.",
                "Enter the password that was chosen when the key was made.",
            ) from None
        raise _bad_keystore(party, "its encrypted part cannot be read") from None
    if signer.address != address:
        raise _bad_keystore(party, f"it names {address} but holds the key of {signer.address}")
    return signer


def _read(path: Path, party: str) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ChainError(
            "no-such-key",
            f"There is no readable key of {party} at {path}.",
            "Create the key first, or name the folder it lies in.",
        ) from error
    if len(raw) > MOST_BYTES:
        raise _bad_keystore(party, "it is far too long")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _bad_keystore(party, "it is not JSON") from error
    if not isinstance(content, dict):
        raise _bad_keystore(party, "it is not a JSON object")
    return {str(key).lower(): value for key, value in content.items()}


def _address_of(content: dict[str, object], party: str) -> str:
    address = content.get("address")
    if not isinstance(address, str) or not re.fullmatch(r"(0x)?[0-9a-fA-F]{40}", address):
        raise _bad_keystore(party, "it names no address")
    return to_checksum_address("0x" + address[-40:])


def _require_bearable(content: dict[str, object], party: str) -> None:
    """Refuses a file whose decryption would take the machine's memory or an hour."""
    crypto = content.get("crypto")
    params = crypto.get("kdfparams") if isinstance(crypto, dict) else None
    if content.get("version") != 3 or not isinstance(crypto, dict) or not isinstance(params, dict):
        raise _bad_keystore(party, "it is not a version 3 key file")
    numbers = {name: params.get(name, 1) for name in ("n", "r", "p", "c", "dklen")}
    if not all(type(number) is int and number > 0 for number in numbers.values()):
        raise _bad_keystore(party, "its parameters are not whole positive numbers")
    work = numbers["n"] * numbers["r"] * numbers["p"]
    if crypto.get("kdf") not in ("scrypt", "pbkdf2") or work > MOST_COST * 8 or numbers["c"] > 10_000_000:
        raise _bad_keystore(party, "it asks for an unreasonable amount of work")
    if params.get("dklen") != 32:
        raise _bad_keystore(party, "its derived key does not have 32 bytes")


def _bad_keystore(party: str, why: str) -> ChainError:
    return ChainError(
        "bad-keystore",
        f"The keystore of {party} cannot be used: {why}.",
        "Restore the file from a copy.",
    )
