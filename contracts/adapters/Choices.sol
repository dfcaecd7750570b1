// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";

/// @title What an arbitrator that chooses does with a decision
/// @notice A decision from elsewhere is kept first and applied to the escrow by anyone in a call of its own. So neither an
/// escrow that refuses nor missing gas can make a court's or oracle's own call fail, and a decision is never lost.
/// @dev A case is one proposal of one period: a report that replaces a default opens another one.
abstract contract Choices {
    /// @notice The choice of none of the versions: the escrow falls back to the report.
    uint256 public constant REFUSED = type(uint256).max;

    struct Decision {
        bool made;
        /// @dev Number of a version, 0 for the report or default, or REFUSED.
        uint256 choice;
    }

    mapping(bytes32 caseId => Decision) internal _decisions;

    /// @notice A case has a decision; `apply` brings it to the escrow.
    event Decided(IOutcomeEscrow indexed escrow, uint256 indexed period, bytes32 indexed caseId, uint256 choice);

    /// @dev The period is not in dispute.
    error NotDisputed(IOutcomeEscrow escrow, uint256 period);
    /// @dev The case has no decision yet.
    error NotDecided(bytes32 caseId);
    error AlreadyDecided(bytes32 caseId);

    /// @notice The case of a period in dispute, as it is now.
    function caseOf(IOutcomeEscrow escrow, uint256 period) public view returns (bytes32) {
        (IEscrowErrors.PeriodStage stage,, uint256 proposals,) = escrow.periodState(period);
        if (stage != IEscrowErrors.PeriodStage.Disputed) revert NotDisputed(escrow, period);
        return keccak256(abi.encode(escrow, period, proposals));
    }

    function decisionOf(bytes32 caseId) external view returns (Decision memory) {
        return _decisions[caseId];
    }

    /// @notice Brings the decision of a case to the escrow, which checks `versions` and pays. Anyone may. A choice beyond the
    /// versions there are is a refusal.
    function enforce(IOutcomeEscrow escrow, uint256 period, IOutcomeEscrow.Version[] calldata versions) external {
        bytes32 caseId = caseOf(escrow, period);
        Decision memory decision = _decisions[caseId];
        if (!decision.made) revert NotDecided(caseId);
        escrow.choose(period, versions, decision.choice < versions.length ? decision.choice : REFUSED);
    }

    function _decide(IOutcomeEscrow escrow, uint256 period, bytes32 caseId, uint256 choice) internal {
        _decisions[caseId] = Decision(true, choice);
        emit Decided(escrow, period, caseId, choice);
    }
}
