// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, Op, ProgramFault} from "./ProgramFormat.sol";
import {ProgramTables} from "./ProgramTables.sol";
import {Words} from "./Words.sol";

/// @title The checks of a program when it is registered
/// @notice One pass over the bytes, after which a run needs no checks but arithmetic. docs/program-format.md lists the
/// faults; `pyoutcome/formula/verify.py` is the same in Python.
/// @dev Input is hostile. All indexing here is bounds-checked.
library ProgramVerifier {
    /// @dev What the pass knows before an instruction.
    struct Pass {
        bytes program;
        Format.Header header;
        uint256 pc;
        /// @dev Words on the stack, and the most there ever were.
        uint256 depth;
        uint256 deepest;
        uint256 sets;
        /// @dev Jump targets ahead that the pass has not reached.
        uint256 pending;
        /// @dev Per offset: 0, or 1 + the depth with which a jump arrives there.
        bytes targets;
        /// @dev The instruction before was JMP: only a jump leads here.
        bool afterJump;
        uint256 lastOp;
        ProgramFault fault;
    }

    /// @notice The first fault found and the offset where it shows, or (None, 0).
    function verify(bytes memory program) internal pure returns (ProgramFault fault, uint256 offset) {
        if (program.length <= Format.HEADER || program.length > Format.MOST_BYTES) return (ProgramFault.Size, 0);
        if (uint8(program[0]) != Format.VERSION) return (ProgramFault.Version, 0);
        if (program[3] != 0 || program[4] != 0) return (ProgramFault.State, 3);

        Pass memory pass;
        pass.program = program;
        pass.header = Format.readHeader(program);
        if (pass.header.payees == 0 || pass.header.payees > Format.MOST_PAYEES) return (ProgramFault.Payees, 6);
        pass.pc = Format.codeStart(pass.header);
        if (pass.pc >= program.length) return (ProgramFault.Size, program.length);

        pass.targets = new bytes(program.length);
        while (pass.pc < program.length) {
            offset = pass.pc;
            checkInstruction(pass);
            if (pass.fault != ProgramFault.None) return (pass.fault, offset);
        }
        if (pass.lastOp != Op.SET) return (ProgramFault.Ending, offset);
        if (pass.deepest > Format.MOST_STACK || pass.deepest != pass.header.depth) return (ProgramFault.StackDepth, 7);
        return checkTables(pass);
    }

    /// @dev One instruction: arrival, immediates, stack, and what is special about it. Moves `pc` behind it.
    function checkInstruction(Pass memory pass) private pure {
        if (!arrive(pass)) return;
        uint256 op = uint8(pass.program[pass.pc]);
        (ProgramFault fault, uint256 size, uint256 pops, uint256 pushes) = shapeOf(pass.program, pass.pc);
        if (fault == ProgramFault.None && pass.pc + size > pass.program.length) fault = ProgramFault.Immediate;
        if (fault == ProgramFault.None) fault = checkImmediates(pass, op, size);
        if (fault == ProgramFault.None && pops > pass.depth) fault = ProgramFault.Stack;
        if (fault != ProgramFault.None) {
            pass.fault = fault;
            return;
        }
        pass.depth = pass.depth - pops + pushes;
        if (pass.depth > pass.deepest) pass.deepest = pass.depth;
        // The map of targets holds 1 + depth in a byte, and a run's stack has this many words.
        if (pass.depth > Format.MOST_STACK) pass.fault = ProgramFault.StackDepth;
        else if (op == Op.JZ || op == Op.JMP) pass.fault = markTarget(pass);
        else if (op == Op.SET) pass.fault = countSet(pass);
        pass.afterJump = op == Op.JMP;
        pass.lastOp = op;
        pass.pc += size;
    }

    /// @dev All ways to an instruction agree on the depth of the stack.
    function arrive(Pass memory pass) private pure returns (bool) {
        uint256 target = uint8(pass.targets[pass.pc]);
        if (target != 0) {
            --pass.pending;
            if (pass.afterJump) pass.depth = target - 1;
        }
        bool reached = target != 0 ? pass.depth == target - 1 : !pass.afterJump;
        if (!reached) pass.fault = ProgramFault.Stack;
        return reached;
    }

    function markTarget(Pass memory pass) private pure returns (ProgramFault) {
        uint256 distance = Words.uint16At(Words.startOf(pass.program) + pass.pc + 1);
        uint256 target = pass.pc + 3 + distance;
        if (distance == 0 || target >= pass.program.length) return ProgramFault.Jump;
        uint256 known = uint8(pass.targets[target]);
        if (known == 0) {
            // forge-lint: disable-next-line(unsafe-typecast) the depth is at most 64 here
            pass.targets[target] = bytes1(uint8(pass.depth + 1));
            ++pass.pending;
        } else if (known != pass.depth + 1) {
            return ProgramFault.Stack;
        }
        return ProgramFault.None;
    }

    /// @dev A SET takes the only word there is, in order, and no jump leads past it.
    function countSet(Pass memory pass) private pure returns (ProgramFault) {
        uint256 index = uint8(pass.program[pass.pc + 1]);
        if (pass.depth != 0 || pass.pending != 0 || index != pass.sets || index == Format.MOST_LOCALS) {
            return ProgramFault.Set;
        }
        ++pass.sets;
        return ProgramFault.None;
    }

    /// @dev Size with immediates, words taken and words left of the instruction at `pc`. A size past the end of the
    /// program may be based on bytes that are not there; the caller refuses it all the same.
    function shapeOf(bytes memory program, uint256 pc)
        private
        pure
        returns (ProgramFault fault, uint256 size, uint256 pops, uint256 pushes)
    {
        uint256 op = uint8(program[pc]);
        uint256 n = pc + 1 < program.length ? uint8(program[pc + 1]) : 0;
        if (op == Op.ZERO || op == Op.ONE || op == Op.PERIOD) return (fault, 1, 0, 1);
        if (op == Op.PUSH8 || op == Op.KPI || op == Op.PARAM || op == Op.GET) return (fault, 2, 0, 1);
        if (op == Op.PUSH) return (fault, 3 + n, 0, 1);
        if (op == Op.SET) return (fault, 2, 1, 0);
        if (op == Op.REG || (op >= Op.EARNED && op <= Op.LAG)) return (ProgramFault.State, 0, 0, 0);
        if (op == Op.NEG || op == Op.ABS || op == Op.NOT) return (fault, 1, 1, 1);
        if (op == Op.MULDIV || op == Op.CLAMP || op == Op.OUTSIDE) return (fault, 1, 3, 1);
        if (op == Op.ROUND) return (fault, 2, 2, 1);
        if ((op >= Op.ADD && op < Op.ROUND) || (op >= Op.LT && op <= Op.NE)) return (fault, 1, 2, 1);
        if (op == Op.JZ) return (fault, 3, 1, 0);
        if (op == Op.JMP) return (fault, 3, 0, 0);
        if (op == Op.STEP) return (fault, 2 + (n + 3) / 4, 2 * n + 2, 1);
        if (op == Op.CURVE) return (fault, 2, 2 * n + 1, 1);
        if (op == Op.BANDS) return (fault, 2, 2 * n + 2, 1);
        if (op == Op.PICK) return (fault, 2, n + 1, 1);
        if (op == Op.STEPC || op == Op.CURVEC || op == Op.BANDSC) {
            uint256 columns = 2 + (op == Op.STEPC ? (n + 3) / 4 : 0);
            // The four bytes of widths and exponents have to be there before they say how long the columns are.
            if (pc + columns + 4 > program.length) return (ProgramFault.Immediate, 0, 0, 0);
            size = columns + ProgramTables.sizeInProgram(Words.startOf(program) + pc + columns, n, op != Op.CURVEC);
            return (fault, size, 1, 1);
        }
        return (ProgramFault.Opcode, 0, 0, 0);
    }

    /// @dev What an instruction demands of its immediates, all of which are there.
    function checkImmediates(Pass memory pass, uint256 op, uint256 size) private pure returns (ProgramFault) {
        if (size == 1) return ProgramFault.None;
        uint256 n = uint8(pass.program[pass.pc + 1]);
        if (op == Op.KPI && n >= pass.header.kpis) return ProgramFault.Index;
        if (op == Op.PARAM && n >= pass.header.parameters) return ProgramFault.Index;
        if (op == Op.GET && n >= pass.sets) return ProgramFault.Index;
        if (op == Op.PUSH) return checkConstant(pass.program, pass.pc);
        if (op == Op.ROUND && n > 5) return ProgramFault.Mode;
        if (op < Op.STEP) return ProgramFault.None;

        if (n == 0 && op != Op.BANDS) return ProgramFault.Table;
        if (n == 1 && (op == Op.CURVE || op == Op.CURVEC)) return ProgramFault.Table;
        if (op == Op.STEP || op == Op.STEPC) {
            // Two bits per row from the low end; what is left over in the last byte is 0.
            uint256 last = uint8(pass.program[pass.pc + 1 + (n + 3) / 4]);
            if (n % 4 != 0 && last >> (2 * (n % 4)) != 0) return ProgramFault.Table;
        }
        return op < Op.STEPC ? ProgramFault.None : checkColumns(pass.program, pass.pc, op, n);
    }

    /// @dev PUSH k, e, m: the value m * 10^e fits int256.
    function checkConstant(bytes memory program, uint256 pc) private pure returns (ProgramFault) {
        uint256 size = uint8(program[pc + 1]);
        uint256 exponent = uint8(program[pc + 2]);
        if (size == 0 || size > 32 || exponent > Format.MOST_EXPONENT) return ProgramFault.Constant;
        int256 digits = Words.load(Words.startOf(program) + pc + 3) >> (256 - 8 * size);
        int256 scale = int256(10 ** exponent);
        if (digits > type(int256).max / scale || digits < type(int256).min / scale) return ProgramFault.Constant;
        return ProgramFault.None;
    }

    /// @dev Widths, exponents, sizes and order of the constant columns of a table.
    function checkColumns(bytes memory program, uint256 pc, uint256 op, uint256 n)
        private
        pure
        returns (ProgramFault)
    {
        uint256 at = pc + 2 + (op == Op.STEPC ? (n + 3) / 4 : 0);
        for (uint256 i = 0; i < 4; i += 2) {
            uint256 width = uint8(program[at + i]);
            if (width == 0 || width > Format.MOST_COLUMN_WIDTH) return ProgramFault.Table;
            if (uint8(program[at + i + 1]) > Format.MOST_EXPONENT) return ProgramFault.Table;
        }
        ProgramTables.Columns memory columns = ProgramTables.inProgram(Words.startOf(program) + at);
        int256 before = 0;
        for (uint256 i = 0; i < n; ++i) {
            int256 x = ProgramTables.xAt(columns, i);
            if (!isColumnNumber(x) || !isColumnNumber(ProgramTables.yAt(columns, i))) return ProgramFault.Table;
            if (op == Op.CURVEC && i > 0 && x <= before) return ProgramFault.Table;
            if (op == Op.BANDSC && x < before) return ProgramFault.Table;
            before = x;
        }
        if (op != Op.CURVEC && !isColumnNumber(ProgramTables.yAfter(columns, n))) return ProgramFault.Table;
        return ProgramFault.None;
    }

    function isColumnNumber(int256 x) private pure returns (bool) {
        return x >= -Format.MOST_COLUMN && x <= Format.MOST_COLUMN;
    }

    /// @dev The header's lines and payees name locals that exist, and each its own.
    function checkTables(Pass memory pass) private pure returns (ProgramFault, uint256) {
        uint256 lineLocals;
        uint256 at = Format.HEADER;
        for (uint256 i = 0; i < pass.header.lines; ++i) {
            uint256 local = uint8(pass.program[at]);
            uint256 sign = uint8(pass.program[at + 1]) >> 6;
            uint256 payee = uint8(pass.program[at + 1]) & 63;
            bool none = payee == 63;
            if (sign == 3 || (!none && payee >= pass.header.payees) || (none && sign != 0)) {
                return (ProgramFault.LineSign, at + 1);
            }
            if (local >= pass.sets) return (ProgramFault.Index, at);
            if ((lineLocals >> local) & 1 != 0) return (ProgramFault.HeaderLocal, at);
            lineLocals |= 1 << local;
            at += 2;
        }
        uint256 payeeLocals;
        for (uint256 i = 0; i < pass.header.payees; ++i) {
            uint256 local = uint8(pass.program[at]);
            if (local >= pass.sets) return (ProgramFault.Index, at);
            if ((payeeLocals >> local) & ~(lineLocals >> local) & 1 != 0) return (ProgramFault.HeaderLocal, at);
            payeeLocals |= 1 << local;
            ++at;
        }
        return (ProgramFault.None, 0);
    }
}
