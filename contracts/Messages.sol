// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Words} from "./program/Words.sol";

/// @title What is signed: the EIP-712 structs and their digests
/// @notice `pyoutcome/protocol/messages.py` has the same in Python. The domain is {name "pyoutcome", version "1",
/// chain id, factory}: a signature for one chain and factory is worth nothing elsewhere. `escrow` is always the contract
/// that asks.
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
    bytes32 internal constant CHALLENGE_TYPE =
        keccak256("Challenge(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values)");
    bytes32 internal constant RULING_TYPE =
        keccak256("Ruling(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values)");
    bytes32 internal constant AGREED_TYPE =
        keccak256("Agreed(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values)");
    bytes32 private constant AMENDMENT_TYPE = keccak256(
        "Amendment(address escrow,bytes32 previousTermsHash,bytes32 newTermsHash,uint32 firstPeriod,uint8[] carry,uint40 deadline)"
    );
    bytes32 private constant ASSIGNMENT_TYPE = keccak256(
        "Assignment(address escrow,bytes32 termsHash,uint8 slot,address incoming,address payout,uint32 firstPeriod,uint32 nonce)"
    );
    bytes32 private constant TERMINATION_TYPE =
        keccak256("Termination(address escrow,bytes32 termsHash,uint32 lastPeriod,uint32 nonce)");
    bytes32 private constant FINDING_TYPE =
        keccak256("Finding(address escrow,bytes32 termsHash,bytes32 cause,address party,uint256 nonce)");

    /// @dev The domain separator of `factory` on this chain.
    function domainSeparator(address factory) internal view returns (bytes32) {
        return
            keccak256(
                abi.encode(DOMAIN_TYPE, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), block.chainid, factory)
            );
    }

    /// @dev What everyone signs. `argsHash` is computed from the arguments, never taken as input.
    function termsDigest(
        bytes32 separator,
        bytes32 agreementDigest,
        bytes32 programHash,
        bytes32 argsHash,
        uint256 nonce
    ) internal pure returns (bytes32) {
        return typed(separator, keccak256(abi.encode(TERMS_TYPE, agreementDigest, programHash, argsHash, nonce)));
    }

    /// @dev What verifiers sign about one period. The nonce is 0: a period takes one report.
    function reportDigest(bytes32 separator, bytes32 terms, uint256 period, bytes32 valuesHash, bytes32 evidence)
        internal
        view
        returns (bytes32)
    {
        unchecked {
            uint256 at = Words.reserve(7);
            Words.store(at, int256(uint256(REPORT_TYPE)));
            Words.store(at + 0x20, int256(uint256(uint160(address(this)))));
            Words.store(at + 0x40, int256(uint256(terms)));
            Words.store(at + 0x60, int256(period));
            Words.store(at + 0x80, 0);
            Words.store(at + 0xa0, int256(uint256(valuesHash)));
            Words.store(at + 0xc0, int256(uint256(evidence)));
            return typed(separator, Words.hash(at, 0xe0));
        }
    }

    /// @dev Challenge, Ruling and Agreed, which differ by their type only.
    function valuesDigest(
        bytes32 separator,
        bytes32 kind,
        bytes32 terms,
        uint256 period,
        uint256 nonce,
        bytes32 valuesHash
    ) internal view returns (bytes32) {
        return typed(separator, keccak256(abi.encode(kind, address(this), terms, period, nonce, valuesHash)));
    }

    function amendmentDigest(
        bytes32 separator,
        bytes32 previous,
        bytes32 terms,
        uint256 first,
        uint8[] calldata carry,
        uint256 deadline
    ) internal view returns (bytes32) {
        bytes32 carried = keccak256(abi.encodePacked(carry));
        return typed(
            separator, keccak256(abi.encode(AMENDMENT_TYPE, address(this), previous, terms, first, carried, deadline))
        );
    }

    function assignmentDigest(
        bytes32 separator,
        bytes32 terms,
        uint256 slot,
        address incoming,
        address payout,
        uint256 first,
        uint256 nonce
    ) internal view returns (bytes32) {
        return typed(
            separator,
            keccak256(abi.encode(ASSIGNMENT_TYPE, address(this), terms, slot, incoming, payout, first, nonce))
        );
    }

    function terminationDigest(bytes32 separator, bytes32 terms, uint256 last, uint256 nonce)
        internal
        view
        returns (bytes32)
    {
        return typed(separator, keccak256(abi.encode(TERMINATION_TYPE, address(this), terms, last, nonce)));
    }

    function findingDigest(bytes32 separator, bytes32 terms, bytes32 cause, address party, uint256 nonce)
        internal
        view
        returns (bytes32)
    {
        return typed(separator, keccak256(abi.encode(FINDING_TYPE, address(this), terms, cause, party, nonce)));
    }

    /// @dev EIP-712 hashes an array by its items' words, without length.
    function hashWords(int256[] memory words) internal pure returns (bytes32) {
        return Words.hash(Words.startOf(words), words.length << 5);
    }

    function typed(bytes32 separator, bytes32 structHash) private pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }
}
