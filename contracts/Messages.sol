// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title What is signed: the EIP-712 structs and their digests
/// @notice `pyoutcome/protocol/messages.py` has the same in Python. The domain is {name "pyoutcome", version "1",
/// chain id, factory}: a signature for one chain and factory is worth nothing elsewhere.
library Messages {
    string internal constant NAME = "pyoutcome";
    string internal constant VERSION = "1";

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant TERMS_TYPE =
        keccak256("Terms(bytes32 agreementDigest,bytes32 programHash,bytes32 argsHash,uint256 nonce)");
    bytes32 private constant REPORT_TYPE = keccak256(
        "Report(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values,bytes32 evidenceDigest)"
    );

    /// @dev The domain separator of `factory` on this chain.
    function domainSeparator(address factory) internal view returns (bytes32) {
        return
            keccak256(
                abi.encode(DOMAIN_TYPE, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), block.chainid, factory)
            );
    }

    /// @dev What client and providers sign. `argsHash` is computed from the arguments, never taken as input.
    function termsDigest(
        bytes32 separator,
        bytes32 agreementDigest,
        bytes32 programHash,
        bytes32 argsHash,
        uint256 nonce
    ) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(
            separator, keccak256(abi.encode(TERMS_TYPE, agreementDigest, programHash, argsHash, nonce))
        );
    }

    /// @dev What verifiers sign about one period of `escrow`. The nonce is 0: a period takes one report.
    function reportDigest(
        bytes32 separator,
        address escrow,
        bytes32 termsHash,
        uint32 period,
        int256[] calldata values,
        bytes32 evidenceDigest
    ) internal pure returns (bytes32) {
        // EIP-712 hashes an array by its items' words, without length.
        bytes32 valuesHash = keccak256(abi.encodePacked(values));
        return MessageHashUtils.toTypedDataHash(
            separator,
            keccak256(abi.encode(REPORT_TYPE, escrow, termsHash, period, uint32(0), valuesHash, evidenceDigest))
        );
    }
}
