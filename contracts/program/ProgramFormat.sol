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
    /// @dev Constants of tables lie within plus or minus this, so that CURVEC cannot overflow.
    int256 internal constant MOST_COLUMN = 2 ** 126;
    uint256 internal constant MOST_COLUMN_WIDTH = 16;
    uint256 internal constant MOST_EXPONENT = 36;
    /// @dev The number 1 as a word.
    int256 internal constant ONE = 1e18;

    /// @dev The counts a header states. Registers and histories are 0 in version 1.
    struct Header {
        uint256 kpis;
        uint256 parameters;
        uint256 lines;
        uint256 payees;
        uint256 depth;
    }

    /// @dev Reads the fixed header of a verified program.
    function readHeader(bytes memory program) internal pure returns (Header memory header) {
        header.kpis = uint8(program[1]);
        header.parameters = uint8(program[2]);
        header.lines = uint8(program[5]);
        header.payees = uint8(program[6]);
        header.depth = uint8(program[7]);
    }

    /// @dev Offset of the table that names each payee's local.
    function payeeTable(Header memory header) internal pure returns (uint256) {
        return HEADER + 2 * header.lines;
    }

    /// @dev Offset of the first instruction.
    function codeStart(Header memory header) internal pure returns (uint256) {
        return payeeTable(header) + header.payees;
    }
}
