// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {ProgramRunner} from "./ProgramRunner.sol";

/// @notice The verifier and the machine give what the Python ones give (tests/contracts/program_vectors.py).
contract ProgramVectorsTest is Base {
    /// @dev Arguments and answers stay encoded: decoding such structs needs more stack than there is without viaIR.
    function test_programsGiveWhatTheReferenceGives() public {
        string memory json = vm.readFile("contracts/test/program-vectors.json");
        bytes[] memory calls = abi.decode(vm.parseJsonBytes(json, ".calls"), (bytes[]));
        bytes32[] memory answers = abi.decode(vm.parseJsonBytes(json, ".answers"), (bytes32[]));
        check(calls.length > 100, "there are vectors");
        address runner = deploy("ProgramRunner.sol");
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool done, bytes memory answer) = runner.call(bytes.concat(ProgramRunner.runMany.selector, calls[i]));
            check(done, "answered");
            equal(answers[i], keccak256(answer), "fault and outcomes");
        }
    }

    function test_programsWithFaultsAreRefused() public {
        string memory json = vm.readFile("contracts/test/program-vectors.json");
        bytes[] memory calls = abi.decode(vm.parseJsonBytes(json, ".refused"), (bytes[]));
        check(calls.length > 100, "there are vectors");
        address runner = deploy("ProgramRunner.sol");
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool done, bytes memory answer) = runner.call(bytes.concat(ProgramRunner.runMany.selector, calls[i]));
            check(done, "answered");
            uint8[] memory faults = abi.decode(answer, (uint8[]));
            check(faults.length == 1 && faults[0] != 0, "refused");
        }
    }
}
