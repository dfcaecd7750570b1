// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProgramFault} from "../program/ProgramFormat.sol";
import {IOutcomeEscrow} from "./IOutcomeEscrow.sol";

/// @title Creates escrows at addresses known before anyone signs
/// @notice The factory is the `verifyingContract` of the EIP-712 domain {name "pyoutcome", version "1", chain id}.
interface IEscrowFactory {
    /// @notice A program passed all checks and is stored; anyone may use it from now on.
    event ProgramRegistered(bytes32 indexed programHash, address store);
    /// @notice An escrow was created; its address follows from all its arguments.
    event EscrowCreated(
        address indexed escrow, address indexed client, bytes32 indexed termsHash, bytes32 agreementDigest
    );

    error UnknownProgram(bytes32 programHash);
    /// @dev The program has fault `fault` of docs/program-format.md, found at byte `offset`.
    error BadProgram(ProgramFault fault, uint256 offset);
    /// @dev The arguments break rule `rule` of docs/protocol.md section 1.
    error BadArguments(uint8 rule);

    /// @notice Verifies a program and stores it as code; returns its keccak-256. Registering it again does nothing.
    function registerProgram(bytes calldata program) external returns (bytes32 programHash);

    /// @notice Creates the escrow, or returns it if it exists. The program must be registered.
    function create(IOutcomeEscrow.Arguments calldata args, bytes32 agreementDigest, bytes32 programHash, uint256 nonce)
        external
        returns (address escrow);

    /// @notice The address `create` gives and the EIP-712 digest the parties sign. Checks only rule 14.
    function predict(
        IOutcomeEscrow.Arguments calldata args,
        bytes32 agreementDigest,
        bytes32 programHash,
        uint256 nonce
    ) external view returns (address escrow, bytes32 termsHash);

    /// @notice The account whose code keeps the program, once it is registered; follows from the hash alone. Its code is
    /// STOP ++ program if the program is independent, and INVALID ++ lines ++ payees ++ program if it is sequential: 32
    /// and 8 bytes whose bit i says that the program reads the sum to date of line or payee i.
    function programStore(bytes32 programHash) external view returns (address);
    function isRegistered(bytes32 programHash) external view returns (bool);
    /// @notice The code that all escrows share.
    function implementation() external view returns (address);
    function domainSeparator() external view returns (bytes32);
}
