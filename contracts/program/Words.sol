// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Plain reads and writes of memory words
/// @dev Only on memory that the caller has allocated, and reads of bytes within 32 bytes after it.
library Words {
    function load(uint256 at) internal pure returns (int256 word) {
        assembly ("memory-safe") {
            word := mload(at)
        }
    }

    function store(uint256 at, int256 word) internal pure {
        assembly ("memory-safe") {
            mstore(at, word)
        }
    }

    function byteAt(uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, mload(at))
        }
    }

    function storeByte(uint256 at, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore8(at, value)
        }
    }

    /// @dev Two bytes, big-endian.
    function uint16At(uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(240, mload(at))
        }
    }

    /// @dev Where the bytes begin.
    function startOf(bytes memory data) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(data, 0x20)
        }
    }

    /// @dev Where the items begin.
    function startOf(int256[] memory items) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(items, 0x20)
        }
    }

    /// @dev The item at an index that is known to exist.
    function item(int256[] memory items, uint256 index) internal pure returns (int256) {
        unchecked {
            return load(startOf(items) + 32 * index);
        }
    }

    /// @dev Makes an array shorter; `length` is not above its present one.
    function shorten(int256[] memory items, uint256 length) internal pure {
        assembly ("memory-safe") {
            mstore(items, length)
        }
    }
}
