"""Where a transaction's gas went, by kinds of work, from the trace of every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

INTRINSIC: Final = 21_000
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "storage written": ("SSTORE",),
    "storage read": ("SLOAD",),
    "transient storage": ("TSTORE", "TLOAD"),
    "code read": ("EXTCODECOPY", "EXTCODESIZE", "EXTCODEHASH", "CODECOPY"),
    "events": ("LOG0", "LOG1", "LOG2", "LOG3", "LOG4"),
    "hashes": ("KECCAK256", "SHA3"),
    "memory": ("MLOAD", "MSTORE", "MSTORE8", "MCOPY", "CALLDATACOPY", "RETURNDATACOPY"),
    "creation": ("CREATE", "CREATE2"),
    "jumps": ("JUMP", "JUMPI", "JUMPDEST"),
}
_KIND_OF: Final = {name: kind for kind, names in _KINDS.items() for name in names}
_CALLS: Final = ("CALL", "STATICCALL", "DELEGATECALL", "CALLCODE")


def profile(steps: Sequence[Mapping[str, Any]], data: bytes, used: int, token: str) -> dict[str, int]:
    """Gas by kind of work; together exactly ``used``.

    ``steps`` are those of debug_traceTransaction, ``data`` the call data. What the contract at ``token`` does is told
    apart as "in the token".
    """
    spent: Counter[str] = Counter()
    spent["transaction"] = INTRINSIC
    spent["call data"] = sum(16 if byte else 4 for byte in data)
    spent.update(_by_kind(steps, int(token, 16)))
    rest = used - spent.total()
    if rest:
        # Refunds, the deposit of created code, and what the call data's floor adds.
        spent["code deposit and refunds"] = rest
    return dict(spent.most_common())


def _by_kind(steps: Sequence[Mapping[str, Any]], token: int) -> Counter[str]:
    spent: Counter[str] = Counter()
    own = own_costs(steps)
    foreign = None
    for index, step in enumerate(steps):
        depth = step["depth"]
        if foreign is not None and depth <= foreign:
            foreign = None
        if foreign is not None:
            spent["in the token"] += own[index]
            continue
        operation = step["op"]
        spent[_kind(operation, step)] += own[index]
        if operation in _CALLS and _target(step) == token:
            foreign = depth
    return spent


def _kind(operation: str, step: Mapping[str, Any]) -> str:
    if operation in _CALLS:
        return "signatures" if _target(step) == 1 else "calls"
    return _KIND_OF.get(operation, "stack and arithmetic")


def _target(step: Mapping[str, Any]) -> int:
    """Whom a call calls."""
    return int(step["stack"][-2], 16)


def own_costs(steps: Sequence[Mapping[str, Any]]) -> list[int]:
    """What each step cost by itself: of a call, without what the callee did."""
    costs = [int(step["gasCost"]) for step in steps]
    open_at: list[int] = []
    inside: dict[int, int] = {}
    for index, step in enumerate(steps):
        while open_at and steps[open_at[-1]]["depth"] >= step["depth"]:
            before = open_at.pop()
            if steps[before]["depth"] == step["depth"]:
                total = int(steps[before]["gas"]) - int(step["gas"])
                costs[before] = total - inside.pop(before, 0)
                if open_at:
                    inside[open_at[-1]] = inside.get(open_at[-1], 0) + total
            elif open_at:
                # The last step of a frame costs what the trace says.
                inside[open_at[-1]] = inside.get(open_at[-1], 0) + costs[before]
        open_at.append(index)
    return costs
