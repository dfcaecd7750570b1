// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowErrors} from "./interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Push} from "./Push.sol";

/// @title Reports, or settlements, of many escrows in one transaction
/// @notice It has no rights and keeps nothing: whoever may submit one report, or settle one period, may do many. One that is
/// refused stops none of the others.
contract EscrowBatch {
    /// @notice What stands at byte `offset` of the items was refused.
    event Refused(address indexed escrow, uint256 offset);

    /// @notice Behind the selector: [4 gas that each may take], then per report [20 escrow][2 size][packed report].
    function submitMany() external {
        _attemptMany(IOutcomeEscrow.submit.selector);
    }

    /// @notice The same for settlements after a window: per period [20 escrow][2 size][arguments of `settle`, as its ABI has
    /// them].
    function settleMany() external {
        _attemptMany(IOutcomeEscrow.settle.selector);
    }

    /// @dev One act for each of the items.
    function _attemptMany(bytes4 act) private {
        uint256 allowance = uint32(bytes4(msg.data[4:8]));
        // A call passes on at most 63/64 of the gas.
        uint256 needed = allowance + allowance / 63 + 10_000;
        for (uint256 at = 8; at < msg.data.length;) {
            uint256 from = at;
            address escrow = address(bytes20(msg.data[at:at + 20]));
            uint256 size = uint16(bytes2(msg.data[at + 20:at + 22]));
            at += 22 + size;
            if (gasleft() < needed) revert IEscrowErrors.TooLittleGas(gasleft(), needed);
            bytes memory data = abi.encodePacked(act, msg.data[from + 22:at]);
            (bool done,,) = Push.attempt(escrow, 0, data, allowance);
            if (!done) emit Refused(escrow, from);
        }
    }
}
