// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ArgumentRules} from "./ArgumentRules.sol";
import {DeployedTerms} from "./DeployedTerms.sol";
import {IEscrowFactory} from "./interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {OutcomeEscrow} from "./OutcomeEscrow.sol";
import {Format, ProgramFault} from "./program/ProgramFormat.sol";
import {ProgramStore} from "./program/ProgramStore.sol";
import {ProgramVerifier} from "./program/ProgramVerifier.sol";

/// @title Creates escrows and keeps programs
/// @notice Nobody owns it; it never changes and holds no money. Both addresses it gives out follow from content alone: a
/// program's store from its hash, an escrow from its terms.
contract EscrowFactory is IEscrowFactory, EIP712 {
    /// @inheritdoc IEscrowFactory
    address public immutable implementation;

    constructor() EIP712(Messages.NAME, Messages.VERSION) {
        implementation = address(new OutcomeEscrow());
    }

    /// @inheritdoc IEscrowFactory
    function registerProgram(bytes calldata program) external returns (bytes32 programHash) {
        programHash = keccak256(program);
        if (isRegistered(programHash)) return programHash;
        (ProgramFault fault, uint256 offset, Format.Past memory past) = ProgramVerifier.verify(program);
        if (fault != ProgramFault.None) revert BadProgram(fault, offset);

        emit ProgramRegistered(programHash, programStore(programHash));
        Create3.deploy(0, programHash, ProgramStore.creationCode(program, past));
    }

    /// @inheritdoc IEscrowFactory
    function create(IOutcomeEscrow.Arguments calldata args, bytes32 agreementDigest, bytes32 programHash, uint256 nonce)
        external
        returns (address escrow)
    {
        bytes memory terms;
        bytes32 termsHash;
        (escrow, termsHash, terms) = prepare(args, agreementDigest, programHash, nonce);
        if (escrow.code.length != 0) return escrow;
        if (!isRegistered(programHash)) revert UnknownProgram(programHash);
        uint8 broken = ArgumentRules.firstBroken(args, Format.readHeader(ProgramStore.read(programStore(programHash))));
        if (broken != 0) revert BadArguments(broken);

        emit EscrowCreated(escrow, args.client, termsHash, agreementDigest);
        Clones.cloneDeterministicWithImmutableArgs(implementation, terms, bytes32(0));
    }

    /// @inheritdoc IEscrowFactory
    function predict(
        IOutcomeEscrow.Arguments calldata args,
        bytes32 agreementDigest,
        bytes32 programHash,
        uint256 nonce
    ) external view returns (address escrow, bytes32 termsHash) {
        (escrow, termsHash,) = prepare(args, agreementDigest, programHash, nonce);
    }

    /// @inheritdoc IEscrowFactory
    function programStore(bytes32 programHash) public view returns (address) {
        return Create3.computeAddress(programHash);
    }

    /// @inheritdoc IEscrowFactory
    function isRegistered(bytes32 programHash) public view returns (bool) {
        return programStore(programHash).code.length != 0;
    }

    /// @inheritdoc IEscrowFactory
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev Address, digest to sign, and what the clone's code will carry.
    function prepare(
        IOutcomeEscrow.Arguments calldata args,
        bytes32 agreementDigest,
        bytes32 programHash,
        uint256 nonce
    ) private view returns (address escrow, bytes32 termsHash, bytes memory terms) {
        bytes32 argsHash;
        (terms, argsHash) = DeployedTerms.encode(args, agreementDigest, programHash, nonce);
        if (terms.length > ArgumentRules.MOST_TERMS) revert BadArguments(14);
        escrow = Clones.predictDeterministicAddressWithImmutableArgs(implementation, terms, bytes32(0));
        termsHash = Messages.termsDigest(_domainSeparatorV4(), agreementDigest, programHash, argsHash, nonce);
    }
}
