"""Object stores by their address, such as ``s3://bucket/path`` (extra ``remote``)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources.remote import without_secrets


def is_store(address: str, schemes: Collection[str]) -> bool:
    """Whether an address names a place in one of these kinds of stores, and nothing else: no password, no query."""
    parts = urlsplit(address)
    return parts.scheme in schemes and not ("::" in address or parts.password or parts.query or parts.fragment)


def reach_store(address: str) -> tuple[Any, str]:
    """What reaches a store, and the path there. Its access follows the store's own settings (environment, profiles).

    Raises EvidenceError ``remote-extra-missing``, ``storage-failed``.
    """
    where = without_secrets(address).rstrip("/")
    try:
        import fsspec  # type: ignore[import-untyped,unused-ignore]

        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise EvidenceError(
            "remote-extra-missing",
            f"{where} is an object store, and what reaches it is not installed.",
            "Install it with `pip install 'pyoutcome[remote]'`, or use a folder.",
            url=where,
        ) from error
    # Each store has errors of its own, which share no class; none of them may show the address with its secrets.
    except Exception as error:  # noqa: BLE001
        raise storage_failed(where, "reached", type(error).__name__) from None
    return system, str(path).rstrip("/")


def storage_failed(place: str, doing: str, why: str) -> EvidenceError:
    """What did not work at a place, and why, in words without any secret."""
    return EvidenceError(
        "storage-failed",
        f"{place} cannot be {doing}: {why}.",
        "Check that the place exists and that this machine may read and write there.",
        file=place,
    )
