// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A court of ERC-792
/// @notice Decides disputes between a number of choices. 0 is its refusal to decide.
interface IArbitrator {
    /// @notice Opens a dispute over choices 1 to `choices`; costs at least `arbitrationCost(extraData)` in native coin.
    function createDispute(uint256 choices, bytes calldata extraData) external payable returns (uint256 disputeId);
    function arbitrationCost(bytes calldata extraData) external view returns (uint256 cost);
    /// @notice Another instance, where the court has one; costs `appealCost`.
    function appeal(uint256 disputeId, bytes calldata extraData) external payable;
    function appealCost(uint256 disputeId, bytes calldata extraData) external view returns (uint256 cost);
}

/// @title What an ERC-792 court rules on
interface IArbitrable {
    event Ruling(IArbitrator indexed arbitrator, uint256 indexed disputeId, uint256 ruling);

    /// @notice The court's final ruling.
    function rule(uint256 disputeId, uint256 ruling) external;
}
