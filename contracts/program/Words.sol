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

    /// @dev The same as a number without sign.
    function wordAt(uint256 at) internal pure returns (uint256 word) {
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

    /// @dev The bits of a word from `shift` on.
    function bits(uint256 word, uint256 shift, uint256 mask) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := and(shr(shift, word), mask)
        }
    }

    /// @dev An unsigned number of 0 to 32 bytes.
    function number(uint256 at, uint256 width) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), mload(at))
        }
    }

    /// @dev A number in two's complement of 1 to 32 bytes.
    function signed(uint256 at, uint256 width) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(sub(256, shl(3, width)), mload(at))
        }
    }

    /// @dev A number in two's complement of 1 to 249 bits, which begins so many bits behind `at`.
    function signedBits(uint256 at, uint256 offset, uint256 width) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(sub(256, width), shl(and(offset, 7), mload(add(at, shr(3, offset)))))
        }
    }

    function addressAt(uint256 at) internal pure returns (address value) {
        assembly ("memory-safe") {
            value := shr(96, mload(at))
        }
    }

    /// @dev keccak256 of so many bytes.
    function hash(uint256 at, uint256 size) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := keccak256(at, size)
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

    /// @dev The bytes from one address up to another as `bytes` where they stand: the word before them becomes the length.
    function bytesAt(uint256 from, uint256 to) internal pure returns (bytes memory data) {
        assembly ("memory-safe") {
            data := sub(from, 0x20)
            mstore(data, sub(to, from))
        }
    }

    /// @dev The `bytes` whose length stands at `at`.
    function asBytes(uint256 at) internal pure returns (bytes memory data) {
        assembly ("memory-safe") {
            data := at
        }
    }

    /// @dev The array whose length stands at `at`.
    function arrayAt(uint256 at) internal pure returns (int256[] memory items) {
        assembly ("memory-safe") {
            items := at
        }
    }

    /// @dev An array of a call as it stands there, copied as a whole.
    function fromCall(int256[] calldata items) internal pure returns (int256[] memory copied) {
        copied = array(items.length);
        assembly ("memory-safe") {
            calldatacopy(add(copied, 0x20), items.offset, shl(5, items.length))
        }
    }

    /// @dev Writes an array with its length to free memory at `to`; gives where it ends.
    function write(uint256 to, int256[] memory items) internal pure returns (uint256 end) {
        assembly ("memory-safe") {
            let size := shl(5, add(mload(items), 1))
            mcopy(to, items, size)
            end := add(to, size)
        }
    }

    /// @dev A copy of so many bytes.
    function copy(uint256 from, uint256 size) internal pure returns (bytes memory data) {
        assembly ("memory-safe") {
            data := mload(0x40)
            mstore(data, size)
            mcopy(add(data, 0x20), from, size)
            mstore(add(add(data, 0x20), size), 0)
            mstore(0x40, and(add(add(data, size), 0x5f), not(0x1f)))
        }
    }

    /// @dev The code of an account that has at least `skipped` bytes of it, without these.
    function codeOf(address account, uint256 skipped) internal view returns (bytes memory code) {
        assembly ("memory-safe") {
            let size := sub(extcodesize(account), skipped)
            code := mload(0x40)
            mstore(code, size)
            extcodecopy(account, add(code, 0x20), skipped, size)
            // The next free word, rounded up.
            mstore(0x40, and(add(add(code, size), 0x3f), not(0x1f)))
        }
    }

    /// @dev An array of `length` words with whatever is in them.
    function array(uint256 length) internal pure returns (int256[] memory items) {
        assembly ("memory-safe") {
            items := mload(0x40)
            mstore(items, length)
            mstore(0x40, add(items, shl(5, add(length, 1))))
        }
    }

    /// @dev Address of `count` words that are free, with whatever is in them.
    function reserve(uint256 count) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := mload(0x40)
            mstore(0x40, add(at, shl(5, count)))
        }
    }

    /// @dev An array of at most `most` items, not yet of any length, with whatever is in them. Unlike with `new`, words
    /// that nobody touches cost nothing.
    function reserveArray(uint256 most) internal pure returns (int256[] memory items) {
        uint256 at = reserve(most + 1);
        assembly ("memory-safe") {
            items := at
        }
    }

    /// @dev Gives the array reserved last its length, and the words behind it back.
    function keep(int256[] memory items, uint256 length) internal pure {
        assembly ("memory-safe") {
            mstore(items, length)
            mstore(0x40, add(items, shl(5, add(length, 1))))
        }
    }
}
