// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";

/// @notice Cheat codes that only this needs.
interface Play {
    function snapshotState() external returns (uint256 number);
    function revertToState(uint256 number) external returns (bool done);
    function prevrandao(uint256 number) external;
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonStringArray(string calldata json, string calldata key) external pure returns (string[] memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
}

/// @title Many breaks in one process: each is switched on for all tests, one after the other, until one of them fails
/// @notice scripts/mutate_contracts.py says which breaks and which tests, in build/reach/plan.json, and reads from
/// build/reach/told.txt "break test" by their numbers; test 999999 is none. Everything is as it was before each test. Asked
/// for no break, it tells which tests fail without any.
contract BreaksTest is Base {
    Play private constant PLAY = Play(address(vm));
    /// @dev Far more than any test needs; a break that never ends runs out of it.
    uint256 private constant GAS = 1_500_000_000;
    uint256 private constant NONE = 999_999;

    function test_breaks() external {
        string memory plan = vm.readFile("build/reach/plan.json");
        string[] memory artifacts = PLAY.parseJsonStringArray(plan, ".artifacts");
        bytes[] memory calls = PLAY.parseJsonBytesArray(plan, ".calls");
        uint256[] memory subjectOf = PLAY.parseJsonUintArray(plan, ".subjectOf");
        uint256[] memory breaks = PLAY.parseJsonUintArray(plan, ".breaks");
        address[] memory subjects = new address[](artifacts.length);
        for (uint256 i = 0; i < artifacts.length; ++i) {
            subjects[i] = deploy(artifacts[i]);
            (bool ready, bytes memory answer) = subjects[i].call(abi.encodeWithSignature("setUp()"));
            // Some have none.
            check(ready || answer.length == 0, artifacts[i]);
        }
        uint256[] memory order = PLAY.parseJsonUintArray(plan, ".order");
        uint256 start = PLAY.snapshotState();
        // Which of them cannot be played like this at all.
        for (uint256 i = 0; breaks.length == 0 && i < calls.length; ++i) {
            if (!passes(start, 0, subjects[subjectOf[i]], calls[i])) say(0, i);
        }
        for (uint256 i = 0; i < breaks.length; ++i) {
            uint256 at = 0;
            while (at < order.length && passes(start, breaks[i], subjects[subjectOf[order[at]]], calls[order[at]])) {
                ++at;
            }
            uint256 found = at == order.length ? NONE : order[at];
            // Next time the one that noticed is asked first.
            for (uint256 j = at; found != NONE && j != 0; --j) {
                order[j] = order[j - 1];
            }
            say(breaks[i], found);
            if (found == NONE) continue;
            order[0] = found;
            // A test that failed may leave events expected that never came. Then another process goes on.
            if (!passes(start, 0, subjects[subjectOf[found]], calls[found])) return;
        }
    }

    function say(uint256 number, uint256 found) private {
        vm.writeLine("build/reach/told.txt", string.concat(vm.toString(number), " ", vm.toString(found)));
    }

    function passes(uint256 start, uint256 number, address subject, bytes memory data) private returns (bool done) {
        uint256 free;
        assembly ("memory-safe") { free := mload(0x40) }
        PLAY.revertToState(start);
        PLAY.prevrandao(number);
        uint256 most = GAS;
        assembly ("memory-safe") {
            done := call(most, subject, 0, add(data, 0x20), mload(data), 0, 0)
            // Nothing that was written since is needed again: thousands of tests would fill the memory.
            mstore(0x40, free)
        }
    }
}
