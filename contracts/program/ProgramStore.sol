// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Programs kept as code
/// @notice A registered program is the code of an account of its own: one byte STOP, so that nobody can call it, then
/// the program. Reading it costs far less than storage.
library ProgramStore {
    /// @dev Creation code that leaves STOP ++ program: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY,
    /// RETURNDATASIZE, RETURN (ten bytes; RETURNDATASIZE is 0 here).
    function creationCode(bytes memory program) internal pure returns (bytes memory) {
        // A verified program has at most 16,384 bytes.
        return abi.encodePacked(hex"61", uint16(program.length + 1), hex"80600a3d393df3", hex"00", program);
    }

    /// @dev The program kept at `store`, which has code.
    function read(address store) internal view returns (bytes memory program) {
        assembly ("memory-safe") {
            let size := sub(extcodesize(store), 1)
            program := mload(0x40)
            mstore(program, size)
            extcodecopy(store, add(program, 0x20), 1, size)
            // The next free word, rounded up.
            mstore(0x40, and(add(add(program, size), 0x3f), not(0x1f)))
        }
    }
}
