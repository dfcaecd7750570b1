// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, ProgramFault} from "../program/ProgramFormat.sol";
import {ProgramMachine} from "../program/ProgramMachine.sol";
import {ProgramState} from "../program/ProgramState.sol";
import {ProgramVerifier} from "../program/ProgramVerifier.sol";

/// @title Runs programs for tests: the escrow's own verifier, machine and carried state, callable from outside
contract ProgramRunner {
    struct Case {
        int256[] kpis;
        int256[] parameters;
        uint32 period;
    }

    /// @dev The cases of a sequential program are periods in turn: each starts from what those before it left.
    struct Job {
        bytes program;
        /// @dev One base unit of the token as a word.
        int256 unit;
        Case[] cases;
    }

    struct Outcome {
        uint256 error;
        int256[] locals;
        int256[] amounts;
        /// @dev All carried words after the run; none of an independent program.
        int256[] state;
    }

    /// @dev What one job carries.
    struct Carrying {
        Format.Past past;
        uint256 periods;
        int256[] earned;
        int256 unit;
    }

    error Refused(ProgramFault fault, uint256 offset);

    /// @dev Each job starts with nothing carried.
    mapping(uint256 job => ProgramState.Carried) private _carried;
    uint256 private _jobs;

    /// @dev Many programs with many inputs each; a program with a fault is not run.
    function runMany(Job[] memory jobs) external returns (ProgramFault[] memory faults, Outcome[][] memory outcomes) {
        faults = new ProgramFault[](jobs.length);
        outcomes = new Outcome[][](jobs.length);
        for (uint256 i = 0; i < jobs.length; ++i) {
            Carrying memory carrying;
            (faults[i],, carrying.past) = ProgramVerifier.verify(jobs[i].program);
            if (faults[i] != ProgramFault.None) continue;
            carrying.unit = jobs[i].unit;
            carrying.earned = new int256[](uint8(jobs[i].program[6]));
            ++_jobs;
            outcomes[i] = new Outcome[](jobs[i].cases.length);
            for (uint256 j = 0; j < outcomes[i].length; ++j) {
                execute(jobs[i].program, jobs[i].cases[j], carrying, outcomes[i][j]);
            }
        }
    }

    /// @dev Gas of one verification and of one run, without the call around them.
    function measure(bytes memory program, Case memory c) external view returns (uint256 verifying, uint256 running) {
        uint256 before = gasleft();
        (ProgramFault fault, uint256 offset,) = ProgramVerifier.verify(program);
        if (fault != ProgramFault.None) revert Refused(fault, offset);
        verifying = before - gasleft();
        before = gasleft();
        ProgramMachine.run(program, c.kpis, c.parameters, c.period, _carried[0], 0, new int256[](uint8(program[6])));
        running = before - gasleft();
    }

    function execute(bytes memory program, Case memory c, Carrying memory carrying, Outcome memory outcome) private {
        require(c.kpis.length == uint8(program[1]) && c.parameters.length == uint8(program[2]), "inputs do not fit");
        ProgramState.Carried storage carried = _carried[_jobs];
        Format.Past memory past = carrying.past;
        (outcome.error, outcome.locals) =
            ProgramMachine.run(program, c.kpis, c.parameters, c.period, carried, carrying.periods, carrying.earned);
        if (outcome.error == 0) outcome.amounts = ProgramMachine.payeeAmounts(program, outcome.locals);
        if (!past.sequential) return;
        if (outcome.error == 0) keep(program, c, carrying, outcome);
        outcome.state = ProgramState.words(carried, program, carrying.periods, past.lines, past.payees, carrying.earned);
    }

    /// @dev As the escrow does it; with an error the run gives nothing and leaves nothing.
    function keep(bytes memory program, Case memory c, Carrying memory carrying, Outcome memory outcome) private {
        ProgramState.Carried storage carried = _carried[_jobs];
        Format.Past memory past = carrying.past;
        int256[] memory sums;
        (sums, outcome.error) = ProgramState.addUp(
            carried, program, outcome.locals, past.lines, past.payees, carrying.earned, carrying.unit
        );
        if (outcome.error != 0) {
            (outcome.locals, outcome.amounts) = (new int256[](0), new int256[](0));
            return;
        }
        ProgramState.keep(carried, program, c.kpis, outcome.locals, carrying.periods++, past.lines, sums);
        for (uint256 i = 0; i < outcome.amounts.length; ++i) {
            if ((past.payees >> i) & 1 != 0) {
                carrying.earned[i] += ProgramState.toUnits(outcome.amounts[i], carrying.unit);
            }
        }
    }
}
