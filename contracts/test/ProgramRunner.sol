// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProgramFault} from "../program/ProgramFormat.sol";
import {ProgramMachine} from "../program/ProgramMachine.sol";
import {ProgramVerifier} from "../program/ProgramVerifier.sol";

/// @title Runs programs for tests: the escrow's own verifier and machine, callable from outside
contract ProgramRunner {
    struct Case {
        int256[] kpis;
        int256[] parameters;
        uint32 period;
    }

    struct Job {
        bytes program;
        Case[] cases;
    }

    struct Outcome {
        uint256 error;
        int256[] locals;
        int256[] amounts;
    }

    error Refused(ProgramFault fault, uint256 offset);

    function verify(bytes memory program) public pure returns (ProgramFault fault, uint256 offset) {
        return ProgramVerifier.verify(program);
    }

    function run(bytes memory program, int256[] memory kpis, int256[] memory parameters, uint32 period)
        public
        pure
        returns (uint256 error, int256[] memory locals, int256[] memory amounts)
    {
        demandVerified(program);
        return execute(program, kpis, parameters, period);
    }

    /// @dev Many programs with many inputs each; a program with a fault is not run.
    function runMany(Job[] memory jobs)
        external
        pure
        returns (ProgramFault[] memory faults, Outcome[][] memory outcomes)
    {
        faults = new ProgramFault[](jobs.length);
        outcomes = new Outcome[][](jobs.length);
        for (uint256 i = 0; i < jobs.length; ++i) {
            (faults[i],) = ProgramVerifier.verify(jobs[i].program);
            if (faults[i] != ProgramFault.None) continue;
            outcomes[i] = new Outcome[](jobs[i].cases.length);
            for (uint256 j = 0; j < outcomes[i].length; ++j) {
                Case memory c = jobs[i].cases[j];
                Outcome memory outcome = outcomes[i][j];
                (outcome.error, outcome.locals, outcome.amounts) =
                    execute(jobs[i].program, c.kpis, c.parameters, c.period);
            }
        }
    }

    /// @dev Gas of one verification and of one run, without the call around them.
    function measure(bytes memory program, Case memory c) external view returns (uint256 verifying, uint256 running) {
        uint256 before = gasleft();
        demandVerified(program);
        verifying = before - gasleft();
        before = gasleft();
        ProgramMachine.run(program, c.kpis, c.parameters, c.period);
        running = before - gasleft();
    }

    function execute(bytes memory program, int256[] memory kpis, int256[] memory parameters, uint32 period)
        private
        pure
        returns (uint256 error, int256[] memory locals, int256[] memory amounts)
    {
        require(kpis.length == uint8(program[1]) && parameters.length == uint8(program[2]), "inputs do not fit");
        (error, locals) = ProgramMachine.run(program, kpis, parameters, period);
        if (error == 0) amounts = ProgramMachine.payeeAmounts(program, locals);
    }

    function demandVerified(bytes memory program) private pure {
        (ProgramFault fault, uint256 offset) = ProgramVerifier.verify(program);
        if (fault != ProgramFault.None) revert Refused(fault, offset);
    }
}
