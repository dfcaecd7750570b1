"""What a keeper is called among those that share a database, so that others on its machine can tell that it died."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")


def own_name() -> str:
    """The name of this process: where process numbers mean the same, its number, and chance."""
    return f"{_where()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_dead(name: str) -> bool:
    """Whether that keeper ran where this process runs, and does no more. Elsewhere nobody here can tell: False."""
    where, _, rest = name.partition("-")
    number = rest.partition("-")[0]
    if where != _where() or where == "unknown" or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)  # signal 0 is not sent: it only asks whether the process is there
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _where() -> str:
    """This boot of this machine and this namespace of process numbers; containers have their own."""
    try:
        place = _BOOT.read_text(encoding="ascii") + str(_NAMESPACE.readlink())
    except OSError:
        return "unknown"
    return sha256(place.encode()).hexdigest()[:12]
