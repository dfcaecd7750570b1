// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProgramFault} from "../program/ProgramFormat.sol";

/// @title Creates escrows at addresses known before anyone signs
/// @notice The factory is the `verifyingContract` of the EIP-712 domain {name "pyoutcome", version "1", chain id}.
interface IEscrowFactory {
    /// @notice Everything an escrow is made of. `program` is empty for a registered one; else `programHash` is not read.
    struct Offer {
        bytes32 agreementDigest;
        bytes32 programHash;
        bytes program;
        /// @dev Packed as docs/protocol.md section 12 says.
        bytes arguments;
        uint256 nonce;
    }

    /// @notice A program passed all checks and is stored; anyone may use it from now on.
    event ProgramRegistered(bytes32 indexed programHash, address store);
    /// @notice An escrow was created; its address follows from all its terms.
    event EscrowCreated(
        address indexed escrow, address indexed client, bytes32 indexed termsHash, bytes32 agreementDigest
    );
    /// @notice Item `index` of `createMany` was refused.
    event NotCreated(uint256 index);

    error UnknownProgram(bytes32 programHash);
    /// @dev The program has fault `fault` of docs/program-format.md, found at byte `offset`.
    error BadProgram(ProgramFault fault, uint256 offset);
    /// @dev The arguments break rule `rule` of docs/protocol.md section 1.
    error BadArguments(uint8 rule);

    /// @notice Verifies a program and stores it as code; returns its keccak-256. Registering it again does nothing.
    function registerProgram(bytes calldata program) external returns (bytes32 programHash);

    /// @notice Creates the escrow, or returns it if it exists. With signatures the escrow accepts them in the same transaction.
    function create(Offer calldata offer, bytes[] calldata signatures) external returns (address escrow);

    /// @notice Creates many; one that is refused stops none of the others. `allowance` is the gas each may take.
    function createMany(Offer[] calldata offers, bytes[][] calldata signatures, uint256 allowance)
        external
        returns (address[] memory escrows);

    /// @notice The address `create` gives and the EIP-712 digest the parties sign. Refuses what `create` refuses.
    function predict(Offer calldata offer) external view returns (address escrow, bytes32 termsHash);

    /// @notice What code will carry for these terms, checked; and their EIP-712 digest.
    function prepare(Offer calldata offer) external view returns (bytes memory blob, bytes32 termsHash);

    /// @notice The account whose code keeps the program, once it is registered; follows from the hash alone. Its code is
    /// STOP ++ program if the program is independent, and INVALID ++ lines ++ payees ++ program if it is sequential: 32
    /// and 8 bytes whose bit i says that the program reads the sum to date of line or payee i.
    function programStore(bytes32 programHash) external view returns (address);
    function isRegistered(bytes32 programHash) external view returns (bool);
    /// @notice The code that all escrows share.
    function implementation() external view returns (address);
    function domainSeparator() external view returns (bytes32);
}
