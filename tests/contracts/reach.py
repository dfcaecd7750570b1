"""What the invariant tests reached, and whether it is everything there is.

The handler (``contracts/test/invariants``) writes one line per run to ``build/reach``, by selector and number. Names,
and what there is to reach, come from the compiled interfaces, so that a new act, event or refusal is missed here until
some run meets it.

    python -m tests.contracts.reach            the table; the exit status is 1 if something was never reached
    python -m tests.contracts.reach --clear    forget earlier runs
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from eth_utils.abi import abi_to_signature
from eth_utils.crypto import keccak

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "reach"
KINDS: Final = (
    "native coin",
    "plain",
    "fee on transfer",
    "no return",
    "false-returning",
    "blacklisting",
    "pausing",
    "rebasing",
    "re-entering",
    "low decimals",
    "high decimals",
)
STAGES: Final = ("Offer", "Active", "Closed")
PERIOD_STAGES: Final = ("None", "Defaulted", "Reported", "Disputed", "Settled")
CAUSES: Final = ("Mutual", "Convenience", "Streak", "Uncovered", "Finding")


def everything(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """By sort (act, refusal, event, stage, period, cause): what there is, by the key that the handler writes."""
    abi = _abi(root)
    names = {
        "act": [part for part in abi if part["type"] == "function" and part["stateMutability"] != "view"],
        "refusal": [part for part in abi if part["type"] == "error"],
        "event": [part for part in abi if part["type"] == "event"],
    }
    return {
        "stage": _numbered(STAGES),
        "period": _numbered(PERIOD_STAGES),
        "cause": _numbered(CAUSES),
        **{sort: {_key(part): part["name"] for part in parts} for sort, parts in names.items()},
    }


def _key(part: Any) -> str:
    digest = keccak(text=abi_to_signature(part))
    return _word(digest if part["type"] == "event" else digest[:4])


def _abi(root: Path) -> list[Any]:
    path = root / "build" / "forge" / "IOutcomeEscrow.sol" / "IOutcomeEscrow.json"
    if not path.exists():
        raise SystemExit("reach: the contracts are not compiled; run forge build")
    found: list[Any] = json.loads(path.read_text(encoding="utf-8"))["abi"]
    return found


def _numbered(names: tuple[str, ...]) -> dict[str, str]:
    return {_word(number.to_bytes(32, "big")): name for number, name in enumerate(names)}


def _word(key: bytes) -> str:
    return "0x" + key.ljust(32, b"\0").hex()


def read(folder: Path = FOLDER) -> dict[str, Counter[str]]:
    """By kind of token: how often each ``sort:key`` was reached, and ``runs``."""
    reached: dict[str, Counter[str]] = {}
    for number, kind in enumerate(KINDS):
        path = folder / f"{number}.txt"
        counts = reached.setdefault(kind, Counter())
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            counts["runs"] += 1
            for item in line.split():
                key, _, count = item.rpartition("=")
                counts[key] += int(count)
    return reached


def show(reached: dict[str, Counter[str]], wanted: dict[str, dict[str, str]]) -> list[str]:
    """Print the table; the names that were never reached."""
    total: Counter[str] = Counter()
    for counts in reached.values():
        total.update(counts)
    width = 24
    print(f"{'':{width}}" + "".join(f"{number:>9}" for number in range(len(KINDS))) + f"{'all':>11}")
    print(f"{'runs':{width}}" + "".join(f"{reached[kind]['runs']:>9}" for kind in KINDS) + f"{total['runs']:>11}")
    missing = []
    for sort, names in wanted.items():
        print(f"\n{sort}")
        for key, name in sorted(names.items(), key=lambda pair: pair[1]):
            item = f"{sort}:{key}"
            row = "".join(f"{reached[kind][item]:>9}" for kind in KINDS)
            print(f"  {name:{width - 2}}{row}{total[item]:>11}")
            if not total[item]:
                missing.append(f"{sort} {name}")
    print("\n" + "  ".join(f"{number} {kind}" for number, kind in enumerate(KINDS)))
    return missing


def main(arguments: list[str]) -> int:
    """Print what was reached; the exit status."""
    if arguments == ["--clear"]:
        for path in FOLDER.glob("*.txt"):
            path.unlink()
        return 0
    missing = show(read(), everything())
    for name in missing:
        print(f"never reached: {name}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
