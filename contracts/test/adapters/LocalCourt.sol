// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable, IArbitrator} from "../../adapters/IArbitration.sol";

/// @notice An ERC-792 court with one judge and one appeal, written from the standard for the tests: fees are exact, a ruling
/// can be appealed until its period ends, and only an executed ruling reaches the arbitrable.
contract LocalCourt is IArbitrator {
    uint256 public constant FEE = 0.1 ether;
    uint256 public constant APPEAL_FEE = 0.3 ether;
    uint256 public constant APPEAL_PERIOD = 3 days;

    struct Dispute {
        IArbitrable arbitrated;
        uint256 choices;
        uint256 ruling;
        uint256 ruledAt;
        bool appealed;
        bool solved;
    }

    address public immutable judge;
    Dispute[] public disputes;

    constructor(address judge_) {
        judge = judge_;
    }

    function arbitrationCost(bytes calldata) external pure returns (uint256) {
        return FEE;
    }

    function appealCost(uint256, bytes calldata) external pure returns (uint256) {
        return APPEAL_FEE;
    }

    function createDispute(uint256 choices, bytes calldata) external payable returns (uint256) {
        require(msg.value >= FEE, "fee");
        disputes.push(Dispute(IArbitrable(msg.sender), choices, 0, 0, false, false));
        return disputes.length - 1;
    }

    function appeal(uint256 disputeId, bytes calldata) external payable {
        Dispute storage dispute = disputes[disputeId];
        require(msg.sender == address(dispute.arbitrated), "arbitrable only");
        require(msg.value >= APPEAL_FEE && !dispute.appealed && dispute.ruledAt != 0, "appeal");
        require(block.timestamp < dispute.ruledAt + APPEAL_PERIOD, "late");
        (dispute.appealed, dispute.ruledAt) = (true, 0);
    }

    /// @dev The judge's ruling, appealable once.
    function giveRuling(uint256 disputeId, uint256 ruling) external {
        Dispute storage dispute = disputes[disputeId];
        require(msg.sender == judge && dispute.ruledAt == 0 && ruling <= dispute.choices, "ruling");
        (dispute.ruling, dispute.ruledAt) = (ruling, block.timestamp);
    }

    /// @dev The final ruling goes to the arbitrable.
    function executeRuling(uint256 disputeId) external {
        Dispute storage dispute = disputes[disputeId];
        require(!dispute.solved && dispute.ruledAt != 0, "not ruled");
        require(dispute.appealed || block.timestamp >= dispute.ruledAt + APPEAL_PERIOD, "appealable");
        dispute.solved = true;
        dispute.arbitrated.rule(disputeId, dispute.ruling);
    }
}
