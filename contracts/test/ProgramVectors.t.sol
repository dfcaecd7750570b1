// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {ProgramRunner} from "./ProgramRunner.sol";
import {ProgramFault} from "../program/ProgramFormat.sol";

/// @notice The verifier and the machine give what the Python ones give (tests/contracts/program_vectors.py).
contract ProgramVectorsTest is Base {
    function part(string memory json, string memory key) private pure returns (bytes memory) {
        return vm.parseJsonBytes(json, key);
    }

    function test_programsGiveWhatTheReferenceGives() public {
        string memory json = vm.readFile("contracts/test/program-vectors.json");
        ProgramRunner.Job[] memory jobs = abi.decode(part(json, ".jobs"), (ProgramRunner.Job[]));
        uint8[] memory faults = abi.decode(part(json, ".faults"), (uint8[]));
        ProgramRunner.Outcome[][] memory outcomes = abi.decode(part(json, ".outcomes"), (ProgramRunner.Outcome[][]));
        check(jobs.length > 100, "there are vectors");
        ProgramRunner runner = new ProgramRunner();
        ProgramRunner.Job[] memory one = new ProgramRunner.Job[](1);
        for (uint256 i = 0; i < jobs.length; ++i) {
            one[0] = jobs[i];
            (ProgramFault[] memory fault, ProgramRunner.Outcome[][] memory outcome) = runner.runMany(one);
            equal(faults[i], uint8(fault[0]), "fault");
            equal(keccak256(abi.encode(outcomes[i])), keccak256(abi.encode(outcome[0])), "outcomes");
        }
    }
}
