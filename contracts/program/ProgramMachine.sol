// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, Frame, Header, Op} from "./ProgramFormat.sol";
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
            uint256 frame = Words.reserve(Frame.WORDS);
            Words.store(frame + Frame.END, int256(end));
            Words.store(frame + Frame.PERIOD, int256(period) * Format.ONE);
            Words.store(frame + Frame.PERIODS, int256(periods));
            Words.store(frame + Frame.EARNED, int256(Words.startOf(earned)));
            Words.store(frame + Frame.CARRIED, int256(ProgramState.slotOf(carried)));
            Words.store(frame + Frame.KPIS, int256(Words.startOf(kpis)));
            Words.store(frame + Frame.PARAMETERS, int256(Words.startOf(parameters)));
            Words.store(frame + Frame.PROGRAM, int256(start));
            // The stack, with one word below it; then the locals, fewer than the program has bytes.
            uint256 top = Words.reserve(header.depth() + 1);
            locals = Words.reserveArray(program.length);
            Words.store(frame + Frame.LOCALS, int256(Words.startOf(locals)));
            while (true) {
                (at, top, error) = ProgramInstructions.execute(frame, at, top);
                if (at == end) break;
                (at, top, error) = recall(frame, at, top);
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
    /// its start value, which is the local of the same number.
    function recall(uint256 frame, uint256 at, uint256 top) private view returns (uint256, uint256, uint256 error) {
        unchecked {
            uint256 op = Words.byteAt(at);
            uint256 index = Words.byteAt(at + 1);
            int256 word;
            if (op == Op.REG) {
                word = Words.wordAt(frame + Frame.PERIODS) == 0
                    ? Words.load(Words.wordAt(frame + Frame.LOCALS) + 32 * index)
                    : ProgramState.fromSlot(Words.wordAt(frame + Frame.CARRIED)).registers[index];
            } else if (op == Op.TODATE) {
                word = ProgramState.fromSlot(Words.wordAt(frame + Frame.CARRIED)).toDate[index];
            } else if (op == Op.EARNED) {
                word = Words.load(Words.wordAt(frame + Frame.EARNED) + 32 * index);
            } else {
                (word, error) = recallHistory(frame, op, index, Words.byteAt(at + 2));
                ++at;
            }
            Words.store(top += 32, word);
            return (at + 2, top, error);
        }
    }

    /// @dev SUMLAST or LAG; a history that does not go back so far has its opening value.
    function recallHistory(uint256 frame, uint256 op, uint256 index, uint256 back)
        private
        view
        returns (int256 word, uint256 error)
    {
        unchecked {
            ProgramState.Carried storage carried = ProgramState.fromSlot(Words.wordAt(frame + Frame.CARRIED));
            uint256 periods = Words.wordAt(frame + Frame.PERIODS);
            uint256 program = Words.wordAt(frame + Frame.PROGRAM);
            uint256 history = program + Format.headerAt(program).historyTable() + 3 * index;
            uint256 depth = Words.byteAt(history + 1) & 127;
            if (op == Op.SUMLAST) return ProgramState.sumOfLast(carried, index, depth, periods, back);
            if (back <= periods) {
                return (ProgramState.valueOf(carried, index, depth, periods - back), error);
            }
            uint256 opening = Words.byteAt(history + 2);
            if (opening != Format.NO_OPENING) word = Words.load(Words.wordAt(frame + Frame.LOCALS) + 32 * opening);
        }
    }
}
