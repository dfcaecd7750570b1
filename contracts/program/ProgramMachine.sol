// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, Header, Op} from "./ProgramFormat.sol";
import {ProgramInstructions} from "./ProgramInstructions.sol";
import {ProgramState} from "./ProgramState.sol";
import {Words} from "./Words.sol";

/// @title The stack machine that runs payment programs
/// @notice Straight-line code with forward jumps; no memory, no calls, no side effects: earlier periods are read, and what
/// a run leaves to later ones is ProgramState's to write. What each instruction means is fixed by docs/program-format.md;
/// `pyoutcome/formula/machine.py` is the same in Python.
/// @dev Runs verified programs only (ProgramVerifier): stack depths, indexes, jump targets and immediates are known to
/// be right, so that nothing but arithmetic is checked here and every loop is bounded by the program's length.
/// A run never reverts for what a program computes: it answers with an error number. Instructions that read storage are
/// here, all others in ProgramInstructions.
library ProgramMachine {
    /// @notice Runs `program` for one period.
    /// @param kpis one word per KPI; the caller has checked that there are as many as the program has
    /// @param parameters one word per parameter, likewise
    /// @param carried what earlier periods left; read only where an instruction names it
    /// @param periods how many periods left something: those run so far without error
    /// @param earned what each payee earned in them, scaled; only those that EARNED names are read
    /// @return error 0, or the run-time error
    /// @return locals every local in the order of their SET instructions; empty with an error
    function run(
        bytes memory program,
        int256[] memory kpis,
        int256[] memory parameters,
        uint256 period,
        ProgramState.Carried storage carried,
        uint256 periods,
        int256[] memory earned
    ) internal view returns (uint256 error, int256[] memory locals) {
        unchecked {
            Header header = Format.readHeader(program);
            uint256 start = Words.startOf(program);
            uint256 at = start + header.codeStart();
            uint256 end = start + program.length;
            ProgramInstructions.Frame memory frame;
            frame.end = end;
            frame.period = period * uint256(Format.ONE);
            frame.periods = periods;
            frame.earned = Words.startOf(earned);
            frame.carried = ProgramState.slotOf(carried);
            frame.kpis = Words.startOf(kpis);
            frame.parameters = Words.startOf(parameters);
            frame.histories = start + header.historyTable();
            // The stack, with one word below and one above it; then as many locals as the code can have: a SET takes two
            // bytes and at least one byte made its value. No word is read before it was written.
            uint256 top = Words.reserve(header.depth() + 2);
            locals = Words.reserveArray((end - at) / 3);
            frame.locals = Words.startOf(locals);
            while (at != end) {
                (at, top, error) = ProgramInstructions.execute(frame, at, top);
                if (error == 0 && at != end) (at, top, error) = recall(frame, at, top);
                if (error != 0) break;
            }
            // The last instruction is SET, and it names the last local.
            Words.keep(locals, error == 0 ? Words.byteAt(end - 1) + 1 : 0);
        }
    }

    /// @notice The amount of each payee, from the locals of a run.
    function payeeAmounts(bytes memory program, int256[] memory locals)
        internal
        pure
        returns (int256[] memory amounts)
    {
        unchecked {
            Header header = Format.readHeader(program);
            uint256 table = Words.startOf(program) + header.payeeTable();
            uint256 payees = header.payees();
            amounts = Words.reserveArray(payees);
            Words.keep(amounts, payees);
            for (uint256 i = 0; i < payees; ++i) {
                Words.store(Words.startOf(amounts) + 32 * i, Words.item(locals, Words.byteAt(table + i)));
            }
        }
    }

    /// @dev The instruction at `at`, which puts on the stack what an earlier period left. In the first one a register has
    /// its start value, which is the local of the same number, and a history its opening value.
    function recall(ProgramInstructions.Frame memory frame, uint256 at, uint256 top)
        private
        view
        returns (uint256, uint256, uint256 error)
    {
        unchecked {
            ProgramState.Carried storage carried = ProgramState.fromSlot(frame.carried);
            uint256 op = Words.byteAt(at);
            uint256 index = Words.byteAt(at + 1);
            at += 2;
            int256 word = 0;
            if (op == Op.REG) {
                word = frame.periods == 0 ? Words.load(frame.locals + 32 * index) : carried.registers[index];
            } else if (op == Op.TODATE) {
                word = carried.toDate[index];
            } else if (op == Op.EARNED) {
                word = Words.load(frame.earned + 32 * index);
            } else {
                uint256 back = Words.byteAt(at++);
                uint256 history = frame.histories + 3 * index;
                uint256 depth = Words.byteAt(history + 1) & 127;
                if (op == Op.SUMLAST) {
                    (word, error) = ProgramState.sumOfLast(carried, index, depth, frame.periods, back);
                } else if (back <= frame.periods) {
                    word = carried.rings[ProgramState.place(index, depth, frame.periods - back)];
                } else {
                    uint256 opening = Words.byteAt(history + 2);
                    if (opening != Format.NO_OPENING) word = Words.load(frame.locals + 32 * opening);
                }
            }
            Words.store(top += 32, word);
            return (at, top, error);
        }
    }
}
