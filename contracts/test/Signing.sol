// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the parties of a test sign
/// @dev Written from the types in docs/protocol.md, not from the contracts' Messages.
library Signing {
    function typed(bytes32 separator, bytes memory data) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, keccak256(data)));
    }

    function report(
        bytes32 separator,
        address escrow,
        bytes32 terms,
        uint32 period,
        int256[] memory values,
        bytes32 evidence
    ) internal pure returns (bytes32) {
        bytes32 kind = keccak256(
            "Report(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values,bytes32 evidenceDigest)"
        );
        bytes32 hash = keccak256(abi.encodePacked(values));
        return typed(separator, abi.encode(kind, escrow, terms, period, uint32(0), hash, evidence));
    }

    /// @dev `name` is Challenge, Ruling or Agreed.
    function given(
        bytes32 separator,
        string memory name,
        address escrow,
        bytes32 terms,
        uint32 period,
        uint32 nonce,
        int256[] memory values
    ) internal pure returns (bytes32) {
        bytes32 kind = keccak256(
            abi.encodePacked(name, "(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values)")
        );
        return typed(separator, abi.encode(kind, escrow, terms, period, nonce, keccak256(abi.encodePacked(values))));
    }

    function amendment(
        bytes32 separator,
        address escrow,
        bytes32 previous,
        bytes32 next,
        uint32 first,
        uint8[] memory carry,
        uint40 deadline
    ) internal pure returns (bytes32) {
        bytes32 kind = keccak256(
            "Amendment(address escrow,bytes32 previousTermsHash,bytes32 newTermsHash,uint32 firstPeriod,uint8[] carry,uint40 deadline)"
        );
        bytes32 hash = keccak256(abi.encodePacked(carry));
        return typed(separator, abi.encode(kind, escrow, previous, next, first, hash, deadline));
    }

    function assignment(
        bytes32 separator,
        address escrow,
        bytes32 terms,
        uint8 slot,
        address incoming,
        address payout,
        uint32 first,
        uint32 nonce
    ) internal pure returns (bytes32) {
        bytes32 kind = keccak256(
            "Assignment(address escrow,bytes32 termsHash,uint8 slot,address incoming,address payout,uint32 firstPeriod,uint32 nonce)"
        );
        return typed(separator, abi.encode(kind, escrow, terms, slot, incoming, payout, first, nonce));
    }

    function termination(bytes32 separator, address escrow, bytes32 terms, uint32 last, uint32 nonce)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256("Termination(address escrow,bytes32 termsHash,uint32 lastPeriod,uint32 nonce)");
        return typed(separator, abi.encode(kind, escrow, terms, last, nonce));
    }

    function finding(bytes32 separator, address escrow, bytes32 terms, bytes32 cause, address party, uint256 nonce)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256("Finding(address escrow,bytes32 termsHash,bytes32 cause,address party,uint256 nonce)");
        return typed(separator, abi.encode(kind, escrow, terms, cause, party, nonce));
    }
}
