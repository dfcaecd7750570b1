// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, Op, ProgramFault} from "./ProgramFormat.sol";
import {ProgramTables} from "./ProgramTables.sol";
import {Words} from "./Words.sol";

/// @title The checks of a program when it is registered
/// @notice One pass over the bytes, after which a run needs no checks but arithmetic. docs/program-format.md lists the
/// faults; `pyoutcome/formula/verify.py` is the same in Python.
/// @dev Input is hostile. Bytes are read only below the program's end; a jump's target is checked before it is marked.
library ProgramVerifier {
    /// @dev Bytes of each instruction below STEP with its immediates, four bits per opcode; 0 is no instruction. PUSH has
    /// its k bytes besides.
    uint256 private constant SIZES = (1 << (4 * Op.ZERO)) | (1 << (4 * Op.ONE)) | (2 << (4 * Op.PUSH8))
        | (3 << (4 * Op.PUSH)) | (2 << (4 * Op.KPI)) | (2 << (4 * Op.PARAM)) | (2 << (4 * Op.GET)) | (2 << (4 * Op.SET))
        | (1 << (4 * Op.PERIOD)) | (1 << (4 * Op.ADD)) | (1 << (4 * Op.SUB)) | (1 << (4 * Op.MUL)) | (1 << (4 * Op.DIV))
        | (1 << (4 * Op.MULDIV)) | (1 << (4 * Op.NEG)) | (1 << (4 * Op.ABS)) | (1 << (4 * Op.MIN)) | (1 << (4 * Op.MAX))
        | (1 << (4 * Op.CLAMP)) | (2 << (4 * Op.ROUND)) | (1 << (4 * Op.OUTSIDE)) | (1 << (4 * Op.LT))
        | (1 << (4 * Op.LE)) | (1 << (4 * Op.EQ)) | (1 << (4 * Op.GT)) | (1 << (4 * Op.GE)) | (1 << (4 * Op.NE))
        | (1 << (4 * Op.NOT)) | (3 << (4 * Op.JZ)) | (3 << (4 * Op.JMP));

    /// @dev Words it takes from the stack, likewise. It leaves one, but for SET, JZ and JMP, which leave none.
    uint256 private constant POPS = (1 << (4 * Op.SET)) | (2 << (4 * Op.ADD)) | (2 << (4 * Op.SUB))
        | (2 << (4 * Op.MUL)) | (2 << (4 * Op.DIV)) | (3 << (4 * Op.MULDIV)) | (1 << (4 * Op.NEG)) | (1 << (4 * Op.ABS))
        | (2 << (4 * Op.MIN)) | (2 << (4 * Op.MAX)) | (3 << (4 * Op.CLAMP)) | (2 << (4 * Op.ROUND))
        | (3 << (4 * Op.OUTSIDE)) | (2 << (4 * Op.LT)) | (2 << (4 * Op.LE)) | (2 << (4 * Op.EQ)) | (2 << (4 * Op.GT))
        | (2 << (4 * Op.GE)) | (2 << (4 * Op.NE)) | (1 << (4 * Op.NOT)) | (1 << (4 * Op.JZ));

    /// @dev What the pass knows before an instruction. `at` and `end` are addresses of program bytes in memory.
    struct Pass {
        uint256 at;
        uint256 end;
        uint256 kpis;
        uint256 parameters;
        /// @dev Words on the stack, and the most there ever were.
        uint256 depth;
        uint256 deepest;
        uint256 sets;
        /// @dev Jump targets ahead that the pass has not reached.
        uint256 pending;
        /// @dev From a program byte's address to the byte that holds 1 + the depth with which a jump arrives there, or 0.
        uint256 toMark;
        /// @dev The instruction before was JMP: only a jump leads here.
        bool afterJump;
        uint256 lastOp;
    }

    /// @notice The first fault found and the offset where it shows, or (None, 0).
    function verify(bytes memory program) internal pure returns (ProgramFault fault, uint256 offset) {
        if (program.length <= Format.HEADER || program.length > Format.MOST_BYTES) return (ProgramFault.Size, 0);
        if (uint8(program[0]) != Format.VERSION) return (ProgramFault.Version, 0);
        if (program[3] != 0 || program[4] != 0) return (ProgramFault.State, 3);
        Format.Header memory header = Format.readHeader(program);
        if (header.payees == 0 || header.payees > Format.MOST_PAYEES) return (ProgramFault.Payees, 6);
        uint256 start = Format.codeStart(header);
        if (start >= program.length) return (ProgramFault.Size, program.length);

        bytes memory marks = new bytes(program.length);
        Pass memory pass;
        unchecked {
            uint256 first = Words.startOf(program);
            pass.at = first + start;
            pass.end = first + program.length;
            pass.kpis = header.kpis;
            pass.parameters = header.parameters;
            // The difference of two addresses, which may wrap; adding it to the one gives the other.
            pass.toMark = Words.startOf(marks) - first;
            while (pass.at < pass.end) {
                offset = pass.at - first;
                fault = checkInstruction(pass);
                if (fault != ProgramFault.None) return (fault, offset);
            }
        }
        if (pass.lastOp != Op.SET) return (ProgramFault.Ending, offset);
        if (pass.deepest != header.depth) return (ProgramFault.StackDepth, 7);
        return checkTables(program, header, pass.sets);
    }

    /// @dev One instruction: arrival, immediates, stack, and what is special about it. Moves `at` behind it.
    function checkInstruction(Pass memory pass) private pure returns (ProgramFault fault) {
        unchecked {
            if (!arrive(pass)) return ProgramFault.Stack;
            uint256 op = Words.byteAt(pass.at);
            uint256 size;
            uint256 pops;
            uint256 pushes = 1;
            if (op < Op.STEP) {
                size = (SIZES >> (4 * op)) & 15;
                pops = (POPS >> (4 * op)) & 15;
                if (size > 1) (fault, size, pushes) = checkImmediates(pass, op, size);
                else if (size == 0) fault = isReserved(op) ? ProgramFault.State : ProgramFault.Opcode;
            } else {
                (fault, size, pops) = checkTable(pass, op);
            }
            if (fault != ProgramFault.None) return fault;
            uint256 depth = pass.depth;
            if (pops > depth) return ProgramFault.Stack;
            depth = depth - pops + pushes;
            if (depth > Format.MOST_STACK) return ProgramFault.StackDepth;
            pass.depth = depth;
            if (depth > pass.deepest) pass.deepest = depth;
            if (pushes == 0) {
                fault = op == Op.SET ? countSet(pass) : markTarget(pass);
                if (fault != ProgramFault.None) return fault;
            }
            pass.afterJump = op == Op.JMP;
            pass.lastOp = op;
            pass.at += size;
        }
    }

    /// @dev All ways to an instruction agree on the depth of the stack; false if they do not or there is none.
    function arrive(Pass memory pass) private pure returns (bool) {
        unchecked {
            uint256 mark = Words.byteAt(pass.at + pass.toMark);
            if (mark == 0) return !pass.afterJump;
            --pass.pending;
            if (pass.afterJump) pass.depth = mark - 1;
            return pass.depth == mark - 1;
        }
    }

    /// @dev A jump leads forward to a byte of the code; whether an instruction starts there shows when the pass arrives,
    /// or at the next SET if it never does.
    function markTarget(Pass memory pass) private pure returns (ProgramFault) {
        unchecked {
            uint256 distance = Words.uint16At(pass.at + 1);
            uint256 target = pass.at + 3 + distance;
            if (distance == 0 || target >= pass.end) return ProgramFault.Jump;
            uint256 mark = Words.byteAt(target + pass.toMark);
            if (mark == 0) {
                Words.storeByte(target + pass.toMark, pass.depth + 1);
                ++pass.pending;
            } else if (mark != pass.depth + 1) {
                return ProgramFault.Stack;
            }
            return ProgramFault.None;
        }
    }

    /// @dev A SET takes the only word there is, in order, and no jump leads past it.
    function countSet(Pass memory pass) private pure returns (ProgramFault) {
        unchecked {
            uint256 index = Words.byteAt(pass.at + 1);
            if (pass.depth != 0 || pass.pending != 0 || index != pass.sets || index == Format.MOST_LOCALS) {
                return ProgramFault.Set;
            }
            ++pass.sets;
            return ProgramFault.None;
        }
    }

    function isReserved(uint256 op) private pure returns (bool) {
        return op == Op.REG || (op >= Op.EARNED && op <= Op.LAG);
    }

    /// @dev Instructions below STEP with immediates: their whole size and the words they leave.
    function checkImmediates(Pass memory pass, uint256 op, uint256 least)
        private
        pure
        returns (ProgramFault fault, uint256 size, uint256 pushes)
    {
        unchecked {
            size = least;
            if (pass.at + size > pass.end) return (ProgramFault.Immediate, size, 1);
            uint256 n = Words.byteAt(pass.at + 1);
            if (op == Op.PUSH) {
                size += n;
                if (pass.at + size > pass.end) return (ProgramFault.Immediate, size, 1);
                return (checkConstant(pass.at), size, 1);
            }
            if (op == Op.SET || op == Op.JZ || op == Op.JMP) return (fault, size, 0);
            if (op == Op.KPI && n >= pass.kpis) fault = ProgramFault.Index;
            else if (op == Op.PARAM && n >= pass.parameters) fault = ProgramFault.Index;
            else if (op == Op.GET && n >= pass.sets) fault = ProgramFault.Index;
            else if (op == Op.ROUND && n > 5) fault = ProgramFault.Mode;
            return (fault, size, 1);
        }
    }

    /// @dev Tables: number of rows, edge bits, and the constant columns where there are some.
    function checkTable(Pass memory pass, uint256 op)
        private
        pure
        returns (ProgramFault fault, uint256 size, uint256 pops)
    {
        unchecked {
            bool onStack = op <= Op.PICK;
            if (!onStack && (op < Op.STEPC || op > Op.BANDSC)) return (ProgramFault.Opcode, 0, 0);
            uint256 at = pass.at;
            if (at + 2 > pass.end) return (ProgramFault.Immediate, 0, 0);
            uint256 n = Words.byteAt(at + 1);
            bool isCurve = op == Op.CURVE || op == Op.CURVEC;
            if (n < (isCurve ? 2 : op == Op.BANDS ? 0 : 1)) return (ProgramFault.Table, 0, 0);

            size = 2;
            if (op == Op.STEP || op == Op.STEPC) {
                size += (n + 3) / 4;
                if (at + size > pass.end) return (ProgramFault.Immediate, 0, 0);
                // Two bits per row from the low end; what is left over in the last byte is 0.
                if (n % 4 != 0 && Words.byteAt(at + size - 1) >> (2 * (n % 4)) != 0) return (ProgramFault.Table, 0, 0);
            }
            if (onStack) return (fault, size, op == Op.PICK ? n + 1 : isCurve ? 2 * n + 1 : 2 * n + 2);

            // The four bytes of widths and exponents have to be there before they say how long the columns are.
            if (at + size + 4 > pass.end) return (ProgramFault.Immediate, 0, 0);
            uint256 columns = at + size;
            size += ProgramTables.sizeInProgram(columns, n, !isCurve);
            if (at + size > pass.end) return (ProgramFault.Immediate, 0, 0);
            return (checkColumns(columns, op, n), size, 1);
        }
    }

    /// @dev PUSH k, e, m: the value m * 10^e fits int256.
    function checkConstant(uint256 at) private pure returns (ProgramFault) {
        unchecked {
            uint256 size = Words.byteAt(at + 1);
            uint256 exponent = Words.byteAt(at + 2);
            if (size == 0 || size > 32 || exponent > Format.MOST_EXPONENT) return ProgramFault.Constant;
            int256 digits = Words.load(at + 3) >> (256 - 8 * size);
            int256 scale = int256(10 ** exponent);
            bool fits = digits <= type(int256).max / scale && digits >= type(int256).min / scale;
            return fits ? ProgramFault.None : ProgramFault.Constant;
        }
    }

    /// @dev Widths, exponents, sizes and order of the constant columns of a table.
    function checkColumns(uint256 at, uint256 op, uint256 n) private pure returns (ProgramFault) {
        unchecked {
            for (uint256 i = 0; i < 4; i += 2) {
                uint256 width = Words.byteAt(at + i);
                if (width == 0 || width > Format.MOST_COLUMN_WIDTH) return ProgramFault.Table;
                if (Words.byteAt(at + i + 1) > Format.MOST_EXPONENT) return ProgramFault.Table;
            }
            ProgramTables.Columns memory columns = ProgramTables.inProgram(at);
            int256 before = 0;
            for (uint256 i = 0; i < n; ++i) {
                int256 x = ProgramTables.xAt(columns, i);
                if (!isColumnNumber(x) || !isColumnNumber(ProgramTables.yAt(columns, i))) return ProgramFault.Table;
                if (op == Op.CURVEC && i > 0 && x <= before) return ProgramFault.Table;
                if (op == Op.BANDSC && x < before) return ProgramFault.Table;
                before = x;
            }
            bool lone = op == Op.CURVEC || isColumnNumber(ProgramTables.yAfter(columns, n));
            return lone ? ProgramFault.None : ProgramFault.Table;
        }
    }

    function isColumnNumber(int256 x) private pure returns (bool) {
        return x >= -Format.MOST_COLUMN && x <= Format.MOST_COLUMN;
    }

    /// @dev The header's lines and payees name locals that exist, and each its own.
    function checkTables(bytes memory program, Format.Header memory header, uint256 sets)
        private
        pure
        returns (ProgramFault, uint256)
    {
        uint256 lineLocals;
        uint256 at = Format.HEADER;
        for (uint256 i = 0; i < header.lines; ++i) {
            uint256 local = uint8(program[at]);
            uint256 sign = uint8(program[at + 1]) >> 6;
            uint256 payee = uint8(program[at + 1]) & 63;
            bool none = payee == 63;
            if (sign == 3 || (!none && payee >= header.payees) || (none && sign != 0)) {
                return (ProgramFault.LineSign, at + 1);
            }
            if (local >= sets) return (ProgramFault.Index, at);
            uint256 bit = uint256(1) << local;
            if (lineLocals & bit != 0) return (ProgramFault.HeaderLocal, at);
            lineLocals |= bit;
            at += 2;
        }
        uint256 payeeLocals;
        for (uint256 i = 0; i < header.payees; ++i) {
            uint256 local = uint8(program[at]);
            if (local >= sets) return (ProgramFault.Index, at);
            uint256 bit = uint256(1) << local;
            if (payeeLocals & bit != 0 && lineLocals & bit == 0) return (ProgramFault.HeaderLocal, at);
            payeeLocals |= bit;
            ++at;
        }
        return (ProgramFault.None, 0);
    }
}
