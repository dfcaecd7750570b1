// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, Header, Op, ProgramFault} from "./ProgramFormat.sol";
import {ProgramStraight} from "./ProgramStraight.sol";
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
        | (3 << (4 * Op.PUSH)) | (2 << (4 * Op.KPI)) | (2 << (4 * Op.PARAM)) | (2 << (4 * Op.REG))
        | (2 << (4 * Op.EARNED)) | (2 << (4 * Op.TODATE)) | (3 << (4 * Op.SUMLAST)) | (3 << (4 * Op.LAG))
        | (2 << (4 * Op.GET)) | (2 << (4 * Op.SET)) | (1 << (4 * Op.PERIOD)) | (1 << (4 * Op.ADD)) | (1 << (4 * Op.SUB))
        | (1 << (4 * Op.MUL)) | (1 << (4 * Op.DIV)) | (1 << (4 * Op.MULDIV)) | (1 << (4 * Op.NEG)) | (1 << (4 * Op.ABS))
        | (1 << (4 * Op.MIN)) | (1 << (4 * Op.MAX)) | (1 << (4 * Op.CLAMP)) | (2 << (4 * Op.ROUND))
        | (1 << (4 * Op.OUTSIDE)) | (1 << (4 * Op.LT)) | (1 << (4 * Op.LE)) | (1 << (4 * Op.EQ)) | (1 << (4 * Op.GT))
        | (1 << (4 * Op.GE)) | (1 << (4 * Op.NE)) | (1 << (4 * Op.NOT)) | (3 << (4 * Op.JZ)) | (3 << (4 * Op.JMP));

    /// @dev Words it takes from the stack, likewise. It leaves one, but for SET, JZ and JMP, which leave none.
    uint256 private constant POPS = (1 << (4 * Op.SET)) | (2 << (4 * Op.ADD)) | (2 << (4 * Op.SUB))
        | (2 << (4 * Op.MUL)) | (2 << (4 * Op.DIV)) | (3 << (4 * Op.MULDIV)) | (1 << (4 * Op.NEG)) | (1 << (4 * Op.ABS))
        | (2 << (4 * Op.MIN)) | (2 << (4 * Op.MAX)) | (3 << (4 * Op.CLAMP)) | (2 << (4 * Op.ROUND))
        | (3 << (4 * Op.OUTSIDE)) | (2 << (4 * Op.LT)) | (2 << (4 * Op.LE)) | (2 << (4 * Op.EQ)) | (2 << (4 * Op.GT))
        | (2 << (4 * Op.GE)) | (2 << (4 * Op.NE)) | (1 << (4 * Op.NOT)) | (1 << (4 * Op.JZ));

    /// @dev What the pass knows before an instruction; ProgramStraight knows it by these places. `at` and `end` are addresses of program bytes in memory.
    struct Pass {
        uint256 at;
        uint256 end;
        Header header;
        /// @dev Where the table of histories begins.
        uint256 histories;
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
        Format.Past past;
        /// @dev Where the instruction before begins.
        uint256 start;
    }

    /// @notice The first fault found and the offset where it shows, or (None, 0) and what the program reads of earlier
    /// periods.
    function verify(bytes memory program)
        internal
        pure
        returns (ProgramFault fault, uint256 offset, Format.Past memory past)
    {
        if (program.length <= Format.HEADER || program.length > Format.MOST_BYTES) {
            return (ProgramFault.Size, 0, past);
        }
        Header header = Format.readHeader(program);
        if (header.version() != Format.VERSION) return (ProgramFault.Version, 0, past);
        if (header.payees() == 0 || header.payees() > Format.MOST_PAYEES) return (ProgramFault.Payees, 6, past);
        uint256 start = header.codeStart();
        if (start >= program.length) return (ProgramFault.Size, program.length, past);
        if (!haveDepths(program, header)) return (ProgramFault.State, header.historyTable(), past);

        Pass memory pass;
        pass.header = header;
        pass.past = past;
        (fault, offset) = checkCode(program, pass, start);
        if (fault != ProgramFault.None) return (fault, offset, past);
        (fault, offset) = checkTables(program, header, pass.sets);
        if (header.registers() != 0 || header.histories() != 0) past.sequential = true;
    }

    /// @dev Every history keeps something, and all together not too much.
    function haveDepths(bytes memory program, Header header) private pure returns (bool) {
        unchecked {
            uint256 total = 0;
            uint256 at = Words.startOf(program) + header.historyTable() + 1;
            for (uint256 i = 0; i < header.histories(); ++i) {
                uint256 depth = Words.byteAt(at + 3 * i) & 127;
                if (depth == 0) return false;
                total += depth;
            }
            return total <= Format.MOST_HISTORY;
        }
    }

    /// @dev The pass over the code.
    function checkCode(bytes memory program, Pass memory pass, uint256 start)
        private
        pure
        returns (ProgramFault fault, uint256 offset)
    {
        bytes memory marks = new bytes(program.length);
        unchecked {
            uint256 first = Words.startOf(program);
            pass.at = first + start;
            pass.end = first + program.length;
            pass.histories = first + pass.header.historyTable();
            // The difference of two addresses, which may wrap; adding it to the one gives the other.
            pass.toMark = Words.startOf(marks) - first;
            uint256 place;
            assembly ("memory-safe") {
                place := pass
            }
            while (true) {
                if (pass.pending == 0 && !pass.afterJump) ProgramStraight.goOn(place, SIZES, POPS);
                if (pass.at >= pass.end) break;
                pass.start = pass.at;
                fault = checkInstruction(pass);
                if (fault != ProgramFault.None) return (fault, pass.start - first);
            }
            if (pass.lastOp != Op.SET) return (ProgramFault.Ending, pass.start - first);
        }
        if (pass.deepest != pass.header.depth()) return (ProgramFault.StackDepth, 7);
        return (ProgramFault.None, 0);
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
                else if (size == 0) fault = ProgramFault.Opcode;
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
            if (op == Op.KPI && n >= pass.header.kpis()) fault = ProgramFault.Index;
            else if (op == Op.PARAM && n >= pass.header.parameters()) fault = ProgramFault.Index;
            else if (op == Op.GET && n >= pass.sets) fault = ProgramFault.Index;
            else if (op == Op.ROUND && n > 5) fault = ProgramFault.Mode;
            else if (op == Op.REG || (op >= Op.EARNED && op <= Op.LAG)) fault = checkPast(pass, op, n);
            return (fault, size, 1);
        }
    }

    /// @dev Instructions that read what earlier periods left: it exists, and where a value of this period stands in for
    /// it in the first one, that is stored already. Notes the sums that are to be kept.
    function checkPast(Pass memory pass, uint256 op, uint256 n) private pure returns (ProgramFault) {
        unchecked {
            bool good;
            if (op == Op.REG) {
                good = n < pass.header.registers() && n < pass.sets;
            } else if (op == Op.TODATE) {
                good = n < pass.header.lines();
                if (good) pass.past.lines |= 1 << n;
            } else if (op == Op.EARNED) {
                good = n < pass.header.payees();
                // At most 63 payees.
                if (good) pass.past.payees |= uint64(1 << n);
            } else if (n < pass.header.histories()) {
                uint256 back = Words.byteAt(pass.at + 2);
                uint256 history = pass.histories + 3 * n;
                uint256 opening = Words.byteAt(history + 2);
                good = back != 0 && back <= Words.byteAt(history + 1) & 127
                    && (op == Op.SUMLAST || opening < pass.sets || opening == Format.NO_OPENING);
            }
            pass.past.sequential = true;
            return good ? ProgramFault.None : ProgramFault.Index;
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

    /// @dev The header names locals that exist: each line its own, each register its own, each payee its own or a
    /// line's, and none a register's start. Sources and openings of histories exist.
    function checkTables(bytes memory program, Header header, uint256 sets)
        private
        pure
        returns (ProgramFault, uint256)
    {
        unchecked {
            // Bit i: local i is taken. With r registers the locals below r are their starts.
            uint256 taken = (1 << header.registers()) - 1;
            uint256 lines = 0;
            uint256 at = Format.HEADER;
            for (uint256 i = 0; i < header.lines(); ++i) {
                uint256 sign = uint8(program[at + 1]) >> 6;
                uint256 payee = uint8(program[at + 1]) & 63;
                bool none = payee == Format.NO_PAYEE;
                if (sign == 3 || (!none && payee >= header.payees()) || (none && sign != 0)) {
                    return (ProgramFault.LineSign, at + 1);
                }
                uint256 local = uint8(program[at]);
                ProgramFault fault = checkLocal(local, sets, taken);
                if (fault != ProgramFault.None) return (fault, at);
                lines |= 1 << local;
                taken |= 1 << local;
                at += 2;
            }
            for (uint256 i = 0; i < header.registers(); ++i) {
                uint256 local = uint8(program[at]);
                ProgramFault fault = checkLocal(local, sets, taken);
                if (fault != ProgramFault.None) return (fault, at);
                taken |= 1 << local;
                ++at;
            }
            for (uint256 i = 0; i < header.histories(); ++i) {
                bool isLocal = uint8(program[at + 1]) > 127;
                uint256 opening = uint8(program[at + 2]);
                if (
                    uint8(program[at]) >= (isLocal ? sets : header.kpis())
                        || (opening >= sets && opening != Format.NO_OPENING)
                ) return (ProgramFault.Index, at);
                at += 3;
            }
            for (uint256 i = 0; i < header.payees(); ++i) {
                uint256 local = uint8(program[at]);
                ProgramFault fault = checkLocal(local, sets, taken & ~lines);
                if (fault != ProgramFault.None) return (fault, at);
                taken |= 1 << local;
                ++at;
            }
            return (ProgramFault.None, 0);
        }
    }

    /// @dev A local that exists and is none of `taken`.
    function checkLocal(uint256 local, uint256 sets, uint256 taken) private pure returns (ProgramFault) {
        if (local >= sets) return ProgramFault.Index;
        return taken & (1 << local) != 0 ? ProgramFault.HeaderLocal : ProgramFault.None;
    }
}
