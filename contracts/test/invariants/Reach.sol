// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";

/// @title What a run has reached, by selector and by stage, and how often
/// @notice Written as one line per run; `tests/contracts/reach.py` adds the lines up and compares them with the interfaces,
/// so that nothing here has to be kept in step with them.
abstract contract Reach is Base {
    mapping(bytes32 => uint256) private _counts;
    bytes32[] private _seen;
    bytes32[] private _words;

    function reach(string memory kind, bytes32 what) internal {
        bytes32 key = keccak256(abi.encode(kind, what));
        if (_counts[key]++ != 0) return;
        _seen.push(what);
        _words.push(bytes32(bytes(kind)));
    }

    /// @dev "act:0x...=12 refusal:0x...=3 ...": 4 bytes of selectors, all of topics, numbers of stages.
    function reached() public view returns (string memory line) {
        bytes memory text;
        for (uint256 i = 0; i < _seen.length; ++i) {
            string memory kind = wordOf(_words[i]);
            uint256 count = _counts[keccak256(abi.encode(kind, _seen[i]))];
            text = abi.encodePacked(
                text, kind, ":", vm.toString(abi.encodePacked(_seen[i])), "=", vm.toString(count), " "
            );
        }
        return string(text);
    }

    function wordOf(bytes32 word) private pure returns (string memory) {
        uint256 size = 0;
        while (size < 32 && word[size] != 0) {
            ++size;
        }
        bytes memory text = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            text[i] = word[i];
        }
        return string(text);
    }
}
