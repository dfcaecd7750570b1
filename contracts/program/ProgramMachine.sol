// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, Header, Op, RunError} from "./ProgramFormat.sol";
import {ProgramArithmetic} from "./ProgramArithmetic.sol";
import {ProgramState} from "./ProgramState.sol";
import {ProgramTables} from "./ProgramTables.sol";
import {Words} from "./Words.sol";

/// @title The stack machine that runs payment programs
/// @notice Straight-line code with forward jumps; no memory, no calls, no side effects: earlier periods are read, and what
/// a run leaves to later ones is ProgramState's to write. What each instruction means is fixed by docs/program-format.md; `pyoutcome/formula/machine.py` is the same in Python.
/// @dev Runs verified programs only (ProgramVerifier): stack depths, indexes, jump targets and immediates are known to
/// be right, so that nothing but arithmetic is checked here and every loop is bounded by the program's length.
/// A run never reverts for what a program computes: it answers with an error number.
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
            uint256 pc = header.codeStart();
            // A SET takes two bytes and at least one byte made its value.
            locals = new int256[]((program.length - pc) / 3);
            uint256 count;
            (error, count) = execute(
                Inputs({
                    kpis: Words.startOf(kpis),
                    parameters: Words.startOf(parameters),
                    locals: Words.startOf(locals),
                    period: period,
                    periods: periods,
                    earned: Words.startOf(earned),
                    histories: Words.startOf(program) + header.historyTable(),
                    carried: ProgramState.slotOf(carried)
                }),
                // The word below the stack is never read: the stack is empty when `top` points to it.
                Words.startOf(new int256[](header.depth() + 1)),
                Words.startOf(program) + pc,
                Words.startOf(program) + program.length
            );
            Words.shorten(locals, count);
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
            uint256 at = Words.startOf(program) + header.payeeTable();
            amounts = new int256[](header.payees());
            for (uint256 i = 0; i < amounts.length; ++i) {
                amounts[i] = Words.item(locals, Words.byteAt(at++));
            }
        }
    }

    /// @dev Where the inputs and the locals begin in memory.
    struct Inputs {
        uint256 kpis;
        uint256 parameters;
        uint256 locals;
        uint256 period;
        uint256 periods;
        uint256 earned;
        /// @dev The header's table of histories.
        uint256 histories;
        /// @dev The slot of ProgramState.Carried.
        uint256 carried;
    }

    /// @dev The loop: `top` is the address of the topmost word, `pc` that of the next instruction. Frequent instructions
    /// stand here and first, because a call costs more than they do.
    function execute(Inputs memory inputs, uint256 top, uint256 pc, uint256 end)
        private
        view
        returns (uint256 error, uint256 locals)
    {
        unchecked {
            while (pc < end) {
                uint256 op = Words.byteAt(pc++);
                if (op < Op.ADD) {
                    if (op == Op.SET) {
                        Words.store(inputs.locals + 32 * locals++, Words.load(top));
                        top -= 32;
                        ++pc;
                        continue;
                    }
                    top += 32;
                    if (op == Op.GET) {
                        Words.store(top, Words.load(inputs.locals + 32 * Words.byteAt(pc++)));
                    } else if (op == Op.KPI) {
                        Words.store(top, Words.load(inputs.kpis + 32 * Words.byteAt(pc++)));
                    } else if (op == Op.PARAM) {
                        Words.store(top, Words.load(inputs.parameters + 32 * Words.byteAt(pc++)));
                    } else if (op <= Op.PUSH) {
                        pc = putConstant(op, top, pc);
                    } else if (op == Op.PERIOD) {
                        Words.store(top, int256(inputs.period) * Format.ONE);
                    } else {
                        (pc, error) = recall(op, top, pc, inputs);
                        if (error != 0) return (error, 0);
                    }
                } else if (op < Op.NEG) {
                    int256 y = Words.load(top);
                    top -= 32;
                    int256 x = Words.load(top);
                    int256 result;
                    if (op == Op.ADD) {
                        result = x + y;
                        // It overflowed if both have the same sign and the sum has the other.
                        if ((x ^ result) & (y ^ result) < 0) return (RunError.OVERFLOW, 0);
                    } else if (op == Op.SUB) {
                        result = x - y;
                        // It overflowed if the signs differ and the result does not have that of x.
                        if ((x ^ y) & (x ^ result) < 0) return (RunError.OVERFLOW, 0);
                    } else {
                        if (op == Op.MUL) {
                            (result, error) = ProgramArithmetic.multiplyDivide(x, y, Format.ONE);
                        } else if (op == Op.DIV) {
                            (result, error) = ProgramArithmetic.multiplyDivide(x, Format.ONE, y);
                        } else {
                            top -= 32;
                            (result, error) = ProgramArithmetic.multiplyDivide(Words.load(top), x, y);
                        }
                        if (error != 0) return (error, 0);
                    }
                    Words.store(top, result);
                } else if (op < Op.LT) {
                    (top, pc, error) = calculate(op, top, pc);
                    if (error != 0) return (error, 0);
                } else if (op < Op.STEP) {
                    (top, pc) = decide(op, top, pc);
                } else {
                    (top, pc, error) = op < Op.STEPC ? lookUpOnStack(op, top, pc) : lookUpInProgram(op, top, pc);
                    if (error != 0) return (error, 0);
                }
            }
        }
    }

    /// @dev Puts a constant at `top`.
    function putConstant(uint256 op, uint256 top, uint256 pc) private pure returns (uint256) {
        unchecked {
            int256 word = 0;
            if (op == Op.PUSH) {
                uint256 size = Words.byteAt(pc);
                word = (Words.load(pc + 2) >> (256 - 8 * size)) * int256(10 ** Words.byteAt(pc + 1));
                pc += 2 + size;
            } else if (op == Op.PUSH8) {
                word = int256(Words.byteAt(pc++)) * Format.ONE;
            } else if (op == Op.ONE) {
                word = Format.ONE;
            }
            Words.store(top, word);
            return pc;
        }
    }

    /// @dev Puts at `top` what an earlier period left. In the first one a register has its start value, which is the local
    /// of the same number, and a history its opening value.
    function recall(uint256 op, uint256 top, uint256 pc, Inputs memory inputs)
        private
        view
        returns (uint256, uint256 error)
    {
        unchecked {
            ProgramState.Carried storage carried = ProgramState.fromSlot(inputs.carried);
            uint256 index = Words.byteAt(pc++);
            int256 word = 0;
            if (op == Op.REG) {
                word = inputs.periods == 0 ? Words.load(inputs.locals + 32 * index) : carried.registers[index];
            } else if (op == Op.TODATE) {
                word = carried.toDate[index];
            } else if (op == Op.EARNED) {
                word = Words.load(inputs.earned + 32 * index);
            } else {
                uint256 back = Words.byteAt(pc++);
                uint256 history = inputs.histories + 3 * index;
                uint256 depth = Words.byteAt(history + 1) & 127;
                if (op == Op.SUMLAST) {
                    (word, error) = ProgramState.sumOfLast(carried, index, depth, inputs.periods, back);
                } else if (back <= inputs.periods) {
                    word = carried.rings[ProgramState.place(index, depth, inputs.periods - back)];
                } else {
                    uint256 opening = Words.byteAt(history + 2);
                    if (opening != Format.NO_OPENING) word = Words.load(inputs.locals + 32 * opening);
                }
            }
            Words.store(top, word);
            return (pc, error);
        }
    }

    /// @dev Seldom arithmetic: takes one to three words and leaves one.
    function calculate(uint256 op, uint256 top, uint256 pc) private pure returns (uint256, uint256, uint256 error) {
        unchecked {
            int256 last = Words.load(top);
            int256 result;
            if (op <= Op.ABS) {
                (result, error) = op == Op.NEG ? ProgramArithmetic.negate(last) : ProgramArithmetic.absolute(last);
            } else {
                top -= 32;
                int256 second = Words.load(top);
                if (op <= Op.MAX) {
                    result = (second < last) == (op == Op.MIN) ? second : last;
                } else if (op == Op.ROUND) {
                    (result, error) = ProgramArithmetic.round(second, last, Words.byteAt(pc++));
                } else {
                    top -= 32;
                    int256 third = Words.load(top);
                    if (op == Op.CLAMP) (result, error) = ProgramArithmetic.clamp(third, second, last);
                    else (result, error) = ProgramArithmetic.outside(third, second, last);
                }
            }
            Words.store(top, result);
            return (top, pc, error);
        }
    }

    /// @dev Comparisons, NOT and jumps.
    function decide(uint256 op, uint256 top, uint256 pc) private pure returns (uint256, uint256) {
        unchecked {
            if (op == Op.JMP) return (top, pc + 2 + Words.uint16At(pc));
            int256 y = Words.load(top);
            if (op == Op.JZ) return (top - 32, pc + 2 + (y == 0 ? Words.uint16At(pc) : 0));
            bool holds;
            if (op == Op.NOT) {
                holds = y == 0;
            } else {
                top -= 32;
                int256 x = Words.load(top);
                if (op == Op.LT) holds = x < y;
                else if (op == Op.LE) holds = x <= y;
                else if (op == Op.EQ) holds = x == y;
                else if (op == Op.GT) holds = x > y;
                else if (op == Op.GE) holds = x >= y;
                else holds = x != y;
            }
            Words.store(top, holds ? int256(1) : int256(0));
            return (top, pc);
        }
    }

    /// @dev Tables whose numbers are words on the stack: takes x and the numbers, leaves one word.
    function lookUpOnStack(uint256 op, uint256 top, uint256 pc) private pure returns (uint256, uint256, uint256) {
        unchecked {
            uint256 n = Words.byteAt(pc);
            // Words above x: STEP and BANDS have a lone last one.
            uint256 words = op == Op.PICK ? n : op == Op.CURVE ? 2 * n : 2 * n + 1;
            uint256 edges = ++pc;
            top -= 32 * words;
            ProgramTables.Columns memory columns = ProgramTables.onStack(top + 32);
            int256 x = Words.load(top);
            int256 result;
            uint256 error;
            if (op == Op.STEP) {
                pc += (n + 3) / 4;
                result = ProgramTables.step(columns, n, edges, x);
            } else if (op == Op.CURVE) {
                (result, error) = ProgramTables.curve(columns, n, x, false);
            } else if (op == Op.BANDS) {
                (result, error) = ProgramTables.bands(columns, n, x, false);
            } else {
                (result, error) = ProgramTables.pick(columns.base, n, x);
            }
            Words.store(top, result);
            return (top, pc, error);
        }
    }

    /// @dev Tables whose numbers are constants inside the program, checked when it was registered: x becomes the result.
    function lookUpInProgram(uint256 op, uint256 top, uint256 pc) private pure returns (uint256, uint256, uint256) {
        unchecked {
            uint256 n = Words.byteAt(pc);
            uint256 edges = ++pc;
            if (op == Op.STEPC) pc += (n + 3) / 4;
            ProgramTables.Columns memory columns = ProgramTables.inProgram(pc);
            pc += ProgramTables.sizeInProgram(pc, n, op != Op.CURVEC);
            int256 x = Words.load(top);
            int256 result;
            uint256 error;
            if (op == Op.STEPC) result = ProgramTables.step(columns, n, edges, x);
            else if (op == Op.CURVEC) (result, error) = ProgramTables.curve(columns, n, x, true);
            else (result, error) = ProgramTables.bands(columns, n, x, true);
            Words.store(top, result);
            return (top, pc, error);
        }
    }
}
