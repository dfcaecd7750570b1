"""Floor contracts, deployed beside the escrow's and measured in the same steady state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_utils.crypto import keccak

from tests.gas.anvil import Sent
from tests.gas.compiled import compile_floors
from tests.gas.scene import UNIT, WHO, Stage, call, sign

DOMAIN: Final = keccak(b"floor")
_TOPIC: Final = "0x" + keccak(b"Settled(uint256,uint256)").hex()
_AMOUNT: Final = 200_000 * UNIT
_MONEY: Final = 10**9 * UNIT
_ONE: Final = "if iszero(eq(recover(digest, 24), {0})) {{ revert(0, 0) }}"
# Two different signers, each one of three.
_TWO: Final = """
            let a := recover(digest, 24)
            let b := recover(digest, 89)
            if eq(a, b) {{ revert(0, 0) }}
            let known := or(or(eq(a, {0}), eq(a, {1})), eq(a, {2}))
            known := and(known, or(or(eq(b, {0}), eq(b, {1})), eq(b, {2})))
            if iszero(known) {{ revert(0, 0) }}"""
# The measured curve with values in ten-thousandths of a token.
_CURVE: Final = """
            switch lt(value, 9000)
            case 1 {
                switch lt(value, 8000)
                case 1 {
                    switch lt(value, 7000)
                    case 1 { value := 0 }
                    default { value := piece(value, 7000, 0, 8000, 150000000000) }
                }
                default { value := piece(value, 8000, 150000000000, 9000, 237500000000) }
            }
            default {
                switch lt(value, 9500)
                case 1 { value := piece(value, 9000, 237500000000, 9500, 275000000000) }
                default { value := 275000000000 }
            }"""
_RING: Final = "sstore(add(2, mod(period, 12)), value)"


class Floors:
    """All of them, compiled and deployed when the first is asked for."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        verifiers = [WHO[f"verifier{index}"] for index in range(3)]
        plain = {"signatures": _ONE.format(*verifiers), "curve": "", "state": ""}
        texts = {
            "curve": ("settle", plain | {"curve": _CURVE}),
            "quorum": ("settle", plain | {"signatures": _TWO.format(*verifiers)}),
            "state": ("settle", plain | {"state": _RING}),
            "window": ("window", {}),
            "create": ("create", {}),
            "batch": ("batch", {"payees": ""}),
            "batch_distinct": ("batch", {"payees": f"payee := and(sload(item), 0x{'f' * 40})"}),
            "dispute": ("dispute", {}),
        }
        words = {
            "domain": "0x" + DOMAIN.hex(),
            "topic": _TOPIC,
            "token": stage.token,
            "payee": WHO["provider"],
            "client": WHO["client"],
            "arbitrator": WHO["arbitrator"],
            "verifier0": verifiers[0],
        }
        codes = compile_floors({name: (file, words | own) for name, (file, own) in texts.items()})
        self._at = {name: stage.deploy_code(code) for name, code in codes.items()}
        for address in self._at.values():
            stage.send(stage.token, call("mint(address,uint256)", address, _MONEY))

    def _send(self, name: str, data: bytes, who: str = "sender") -> Sent:
        return self._stage.send(self._at[name], data, who)

    def settle(self, name: str, signers: int = 1) -> int:
        """The fourteenth settlement."""
        value = 9300 if name == "curve" else _AMOUNT
        sent = [
            self._send(name, _signed(period.to_bytes(8, "big") + value.to_bytes(16, "big"), signers))
            for period in range(1, 15)
        ]
        return sent[-1].gas

    def windowed(self) -> int:
        used = 0
        for period in (1, 2):
            said = period.to_bytes(8, "big") + _AMOUNT.to_bytes(16, "big")
            used = self._send("window", _signed(said, 1)).gas + self._send("window", said).gas
        return used

    def create(self, arguments: bytes) -> int:
        digest = keccak(DOMAIN + keccak(arguments))
        return self._send("create", sign("client", digest) + sign("provider", digest) + arguments).gas

    def batch(self, payees: Sequence[str | None]) -> int:
        """Of one item."""
        name = "batch" if payees[0] is None else "batch_distinct"
        if name == "batch_distinct":
            for number, payee in enumerate(payees):
                word = "0x" + "0" * 24 + str(payee)[2:]
                self._stage.anvil.ask("anvil_setStorageAt", self._at[name], hex(number), word)
        used = 0
        for period in (1, 2):
            data = b""
            for number in range(len(payees)):
                said = number.to_bytes(8, "big") + period.to_bytes(8, "big") + _AMOUNT.to_bytes(16, "big")
                data += said + sign("verifier0", keccak(DOMAIN + said))
            used = self._send(name, data).gas
        return used // len(payees)

    def dispute(self) -> int:
        stage = self._stage
        stage.send(stage.token, call("approve(address,uint256)", self._at["dispute"], 2**256 - 1), "client")
        used = 0
        for period in (1, 2):
            said = period.to_bytes(8, "big") + (15_000 * UNIT).to_bytes(16, "big")
            acts = ("client", "arbitrator")
            used = sum(self._send("dispute", bytes([act]) + said, who).gas for act, who in enumerate(acts))
        return used


def _signed(said: bytes, signers: int) -> bytes:
    digest = keccak(DOMAIN + said)
    return said + b"".join(sign(f"verifier{index}", digest) for index in range(signers))
