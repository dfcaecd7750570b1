"""The words of what is signed, by themselves: papers quote them without signing anything."""

from __future__ import annotations

from typing import Final

DOMAIN_NAME: Final = "pyoutcome"
DOMAIN_VERSION: Final = "1"
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
TERMS_TYPE: Final = "Terms(bytes32 agreementDigest,bytes32 programHash,bytes32 argsHash,uint256 nonce)"
"""What the parties sign before an escrow is deployed."""
