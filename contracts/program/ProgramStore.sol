// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format} from "./ProgramFormat.sol";
import {Words} from "./Words.sol";

/// @title Programs kept as code
/// @notice A registered program is the code of an account of its own: one byte that stops whoever calls it, then the
/// program. The byte is STOP for an independent program. It is INVALID for a sequential one, and 40 bytes come before the
/// program: which lines' and payees' sums to date it reads, as the verifier found. Reading code costs far less than
/// storage.
library ProgramStore {
    bytes1 private constant INDEPENDENT = 0x00;
    bytes1 private constant SEQUENTIAL = 0xfe;
    /// @dev Bytes before a sequential program: one, a word of lines, eight of payees.
    uint256 private constant BEFORE = 41;

    /// @dev Creation code that leaves the account's code: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY,
    /// RETURNDATASIZE, RETURN (ten bytes; RETURNDATASIZE is 0 here).
    function creationCode(bytes memory program, Format.Past memory past) internal pure returns (bytes memory) {
        bytes memory code = past.sequential
            ? abi.encodePacked(SEQUENTIAL, past.lines, past.payees, program)
            : abi.encodePacked(INDEPENDENT, program);
        // A verified program has at most 16,384 bytes.
        return abi.encodePacked(hex"61", uint16(code.length), hex"80600a3d393df3", code);
    }

    /// @dev The program kept at `store`, which has code, of the kind that is said.
    function read(address store, bool sequential) internal view returns (bytes memory) {
        return Words.codeOf(store, sequential ? BEFORE : 1);
    }

    /// @dev The same, of whichever kind it is.
    function read(address store) internal view returns (bytes memory) {
        return read(store, isSequential(store));
    }

    /// @dev Whether the program kept at `store` is sequential.
    function isSequential(address store) internal view returns (bool) {
        return bytes1(readWord(store, 0)) == SEQUENTIAL;
    }

    /// @dev Of a sequential program: bit i says that some TODATE names line i.
    function readLines(address store) internal view returns (uint256) {
        return uint256(readWord(store, 1));
    }

    /// @dev Of a sequential program: bit i says that some EARNED names payee i.
    function readPayees(address store) internal view returns (uint256) {
        return uint64(bytes8(readWord(store, 33)));
    }

    function readWord(address store, uint256 offset) private view returns (bytes32 word) {
        assembly ("memory-safe") {
            extcodecopy(store, 0, offset, 32)
            word := mload(0)
        }
    }
}
