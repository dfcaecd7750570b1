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

    struct Outcome {
        uint256 error;
        int256[] locals;
        int256[] amounts;
    }

    error Refused(ProgramFault fault, uint256 offset);

    function verify(bytes memory program) public pure returns (ProgramFault fault, uint256 offset) {
        return ProgramVerifier.verify(program);
    }

    function verifyMany(bytes[] memory programs) external pure returns (ProgramFault[] memory faults) {
        faults = new ProgramFault[](programs.length);
        for (uint256 i = 0; i < programs.length; ++i) {
            (faults[i],) = ProgramVerifier.verify(programs[i]);
        }
    }

    function run(bytes memory program, int256[] memory kpis, int256[] memory parameters, uint32 period)
        public
        pure
        returns (uint256 error, int256[] memory locals, int256[] memory amounts)
    {
        demandVerified(program);
        return execute(program, kpis, parameters, period);
    }

    /// @dev One program, many inputs.
    function runMany(bytes memory program, Case[] memory cases) external pure returns (Outcome[] memory outcomes) {
        demandVerified(program);
        outcomes = new Outcome[](cases.length);
        for (uint256 i = 0; i < cases.length; ++i) {
            Outcome memory outcome = outcomes[i];
            (outcome.error, outcome.locals, outcome.amounts) =
                execute(program, cases[i].kpis, cases[i].parameters, cases[i].period);
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
