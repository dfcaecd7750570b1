// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The functions of an ERC-8183 job contract that an evaluator calls
interface IAgenticCommerce {
    /// @notice Pays the provider of a submitted job. `reason` may be the digest of an attestation.
    function complete(uint256 jobId, bytes32 reason, bytes calldata optParams) external;
    /// @notice Refunds the client of a funded or submitted job.
    function reject(uint256 jobId, bytes32 reason, bytes calldata optParams) external;
}
