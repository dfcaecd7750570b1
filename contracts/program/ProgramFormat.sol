// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The names of docs/program-format.md
/// @notice Instructions, run-time errors, faults and limits of payment programs, version 1.

/// @notice Why a program was refused. The numbers are those of docs/program-format.md.
enum ProgramFault {
    None,
    Size,
    Version,
    State,
    Payees,
    LineSign,
    Opcode,
    Immediate,
    Constant,
    Index,
    Set,
    Jump,
    Stack,
    StackDepth,
    Ending,
    Mode,
    Table,
    HeaderLocal
}

/// @dev Instruction bytes.
library Op {
    uint256 internal constant ZERO = 0x01;
    uint256 internal constant ONE = 0x02;
    uint256 internal constant PUSH8 = 0x03;
    uint256 internal constant PUSH = 0x04;
    uint256 internal constant KPI = 0x05;
    uint256 internal constant PARAM = 0x06;
    uint256 internal constant REG = 0x07;
    uint256 internal constant GET = 0x08;
    uint256 internal constant SET = 0x09;
    uint256 internal constant PERIOD = 0x0A;
    uint256 internal constant EARNED = 0x0B;
    uint256 internal constant TODATE = 0x0C;
    uint256 internal constant SUMLAST = 0x0D;
    uint256 internal constant LAG = 0x0E;
    uint256 internal constant ADD = 0x20;
    uint256 internal constant SUB = 0x21;
    uint256 internal constant MUL = 0x22;
    uint256 internal constant DIV = 0x23;
    uint256 internal constant MULDIV = 0x24;
    uint256 internal constant NEG = 0x25;
    uint256 internal constant ABS = 0x26;
    uint256 internal constant MIN = 0x27;
    uint256 internal constant MAX = 0x28;
    uint256 internal constant CLAMP = 0x29;
    uint256 internal constant ROUND = 0x2A;
    uint256 internal constant OUTSIDE = 0x2B;
    uint256 internal constant LT = 0x30;
    uint256 internal constant LE = 0x31;
    uint256 internal constant EQ = 0x32;
    uint256 internal constant GT = 0x33;
    uint256 internal constant GE = 0x34;
    uint256 internal constant NE = 0x35;
    uint256 internal constant NOT = 0x36;
    uint256 internal constant JZ = 0x37;
    uint256 internal constant JMP = 0x38;
    uint256 internal constant STEP = 0x40;
    uint256 internal constant CURVE = 0x41;
    uint256 internal constant BANDS = 0x42;
    uint256 internal constant PICK = 0x43;
    uint256 internal constant STEPC = 0x48;
    uint256 internal constant CURVEC = 0x49;
    uint256 internal constant BANDSC = 0x4A;
}

/// @dev Run-time errors; 0 is a run that succeeded.
library RunError {
    uint256 internal constant NONE = 0;
    uint256 internal constant OVERFLOW = 1;
    uint256 internal constant DIVISION_BY_ZERO = 2;
    uint256 internal constant CLAMP_LOW_ABOVE_HIGH = 3;
    uint256 internal constant ROUND_STEP_NOT_POSITIVE = 4;
    uint256 internal constant CURVE_POINTS_NOT_INCREASING = 5;
    uint256 internal constant BANDS_EDGES_DECREASING = 6;
    uint256 internal constant CHOICE_OUT_OF_RANGE = 7;
    /// @dev Given by the escrow, not by the machine: an amount is too large for its books (docs/protocol.md, section 5).
    uint256 internal constant AMOUNT_TOO_LARGE = 8;
}

/// @dev Limits and layout.
library Format {
    uint256 internal constant VERSION = 1;
    uint256 internal constant MOST_BYTES = 16_384;
    uint256 internal constant MOST_PAYEES = 63;
    uint256 internal constant MOST_STACK = 64;
    uint256 internal constant MOST_LOCALS = 255;
    /// @dev Bytes of the fixed part of the header.
    uint256 internal constant HEADER = 8;
    /// @dev Words that all histories of a program may hold together.
    uint256 internal constant MOST_HISTORY = 1024;
    /// @dev In a line: no payee. In a history: no opening value.
    uint256 internal constant NO_PAYEE = 63;
    uint256 internal constant NO_OPENING = 255;
    /// @dev Constants of tables lie within plus or minus this, so that CURVEC cannot overflow.
    int256 internal constant MOST_COLUMN = 2 ** 126;
    uint256 internal constant MOST_COLUMN_WIDTH = 16;
    uint256 internal constant MOST_EXPONENT = 36;
    /// @dev The number 1 as a word.
    int256 internal constant ONE = 1e18;

    /// @dev What a program reads of earlier periods, found by the verifier. All empty: its periods settle in any order.
    struct Past {
        /// @dev It has registers or histories, or reads a sum to date: its periods settle in order only.
        bool sequential;
        /// @dev Bit i: some TODATE names line i. Only these lines' sums are kept.
        uint256 lines;
        /// @dev Bit i: some EARNED names payee i.
        uint64 payees;
    }

    /// @dev Reads the fixed header; the program has more bytes than it.
    function readHeader(bytes memory program) internal pure returns (Header header) {
        assembly ("memory-safe") {
            header := mload(add(program, 0x20))
        }
    }

    /// @dev The same, from the address of the program's first byte.
    function headerAt(uint256 start) internal pure returns (Header header) {
        assembly ("memory-safe") {
            header := mload(start)
        }
    }
}

/// @dev What a run works on, as words in memory: places in bytes from the first. All are addresses but for the numbers of
/// periods and the slot. KPI, PARAM and GET find their vector by opcode: 5, 6 and 8 words on.
library Frame {
    /// @dev Behind the program's last byte.
    uint256 internal constant END = 0x00;
    /// @dev The period's number, scaled.
    uint256 internal constant PERIOD = 0x20;
    /// @dev How many periods were run before without error.
    uint256 internal constant PERIODS = 0x40;
    uint256 internal constant EARNED = 0x60;
    /// @dev The slot of ProgramState.Carried.
    uint256 internal constant CARRIED = 0x80;
    uint256 internal constant KPIS = 0xa0;
    uint256 internal constant PARAMETERS = 0xc0;
    /// @dev The program's first byte.
    uint256 internal constant PROGRAM = 0xe0;
    uint256 internal constant LOCALS = 0x100;
    uint256 internal constant WORDS = 9;
}

/// @dev The eight bytes of a program's fixed part, first in a word whose other bytes mean nothing.
type Header is uint256;

using HeaderFields for Header global;

/// @dev The counts a header states, and where the tables behind it begin.
library HeaderFields {
    function version(Header header) internal pure returns (uint256) {
        return byteOf(header, 0);
    }

    function kpis(Header header) internal pure returns (uint256) {
        return byteOf(header, 1);
    }

    function parameters(Header header) internal pure returns (uint256) {
        return byteOf(header, 2);
    }

    function registers(Header header) internal pure returns (uint256) {
        return byteOf(header, 3);
    }

    function histories(Header header) internal pure returns (uint256) {
        return byteOf(header, 4);
    }

    function lines(Header header) internal pure returns (uint256) {
        return byteOf(header, 5);
    }

    function payees(Header header) internal pure returns (uint256) {
        return byteOf(header, 6);
    }

    /// @dev The greatest depth of the stack.
    function depth(Header header) internal pure returns (uint256) {
        return byteOf(header, 7);
    }

    /// @dev Offset of the table that names the local of each register's next value.
    function registerTable(Header header) internal pure returns (uint256) {
        unchecked {
            return Format.HEADER + 2 * lines(header);
        }
    }

    /// @dev Offset of the table of histories, three bytes each: source, depth, opening.
    function historyTable(Header header) internal pure returns (uint256) {
        unchecked {
            return registerTable(header) + registers(header);
        }
    }

    /// @dev Offset of the table that names each payee's local.
    function payeeTable(Header header) internal pure returns (uint256) {
        unchecked {
            return historyTable(header) + 3 * histories(header);
        }
    }

    /// @dev Offset of the first instruction.
    function codeStart(Header header) internal pure returns (uint256) {
        unchecked {
            return payeeTable(header) + payees(header);
        }
    }

    function byteOf(Header header, uint256 index) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(index, header)
        }
    }
}
