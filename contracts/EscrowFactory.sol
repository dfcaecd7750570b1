// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ArgumentRules} from "./ArgumentRules.sol";
import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {IEscrowErrors} from "./interfaces/IEscrowErrors.sol";
import {IEscrowFactory} from "./interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {OutcomeEscrow} from "./OutcomeEscrow.sol";
import {Format, Header, ProgramFault} from "./program/ProgramFormat.sol";
import {ProgramStore} from "./program/ProgramStore.sol";
import {ProgramVerifier} from "./program/ProgramVerifier.sol";

/// @title Creates escrows and keeps programs
/// @notice Nobody owns it; it never changes and holds no money. Both addresses it gives out follow from content alone: a
/// program's store from its hash, an escrow from its terms.
contract EscrowFactory is IEscrowFactory, EIP712 {
    /// @inheritdoc IEscrowFactory
    address public immutable implementation;

    /// @dev The contracts that escrows reach for what is not ordinary. Their code is part of what a factory is.
    constructor(address settling, address disputes, address rulings) EIP712(Messages.NAME, Messages.VERSION) {
        implementation = address(new OutcomeEscrow(settling, disputes, rulings));
    }

    /// @inheritdoc IEscrowFactory
    function registerProgram(bytes calldata program) external returns (bytes32 programHash) {
        programHash = keccak256(program);
        if (isRegistered(programHash)) return programHash;
        Format.Past memory past = _verify(program);
        emit ProgramRegistered(programHash, programStore(programHash));
        Create3.deploy(0, programHash, ProgramStore.creationCode(program, past));
    }

    function _verify(bytes memory program) private pure returns (Format.Past memory) {
        (ProgramFault fault, uint256 offset, Format.Past memory past) = ProgramVerifier.verify(program);
        if (fault != ProgramFault.None) revert BadProgram(fault, offset);
        return past;
    }

    /// @inheritdoc IEscrowFactory
    function create(Offer calldata offer, bytes[] calldata signatures) external returns (address escrow) {
        (bytes memory blob, bytes32 termsHash, address client) = _prepare(offer);
        bytes memory code = _creationCode(blob);
        escrow = Create2.computeAddress(0, keccak256(code));
        if (escrow.code.length == 0) {
            emit EscrowCreated(escrow, client, termsHash, offer.agreementDigest);
            Create2.deploy(0, 0, code);
        } else if (signatures.length == 0 || IOutcomeEscrow(escrow).isAccepted()) {
            return escrow;
        }
        if (signatures.length != 0) IOutcomeEscrow(escrow).accept(offer.agreementDigest, offer.nonce, signatures);
    }

    /// @inheritdoc IEscrowFactory
    function createMany(Offer[] calldata offers, bytes[][] calldata signatures, uint256 allowance)
        external
        returns (address[] memory escrows)
    {
        escrows = new address[](offers.length);
        for (uint256 i = 0; i < offers.length; ++i) {
            // A call passes on at most 63/64 of the gas.
            uint256 needed = allowance + allowance / 63 + 20_000;
            if (gasleft() < needed) revert IEscrowErrors.TooLittleGas(gasleft(), needed);
            try this.create{gas: allowance}(offers[i], signatures[i]) returns (address escrow) {
                escrows[i] = escrow;
            } catch {
                emit NotCreated(i);
            }
        }
    }

    /// @inheritdoc IEscrowFactory
    function predict(Offer calldata offer) external view returns (address escrow, bytes32 termsHash) {
        bytes memory blob;
        (blob, termsHash,) = _prepare(offer);
        escrow = Create2.computeAddress(0, keccak256(_creationCode(blob)));
    }

    /// @dev What creates a clone that carries `blob`, as OpenZeppelin's Clones make it; there it would be made once for the
    /// address and once more for the deployment.
    function _creationCode(bytes memory blob) private view returns (bytes memory) {
        // The proxy (EIP-1167) has 45 bytes.
        return abi.encodePacked(
            hex"61",
            uint16(blob.length + 45),
            hex"3d81600a3d39f3363d3d373d3d3d363d73",
            implementation,
            hex"5af43d82803e903d91602b57fd5bf3",
            blob
        );
    }

    /// @inheritdoc IEscrowFactory
    function prepare(Offer calldata offer) external view returns (bytes memory blob, bytes32 termsHash) {
        (blob, termsHash,) = _prepare(offer);
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

    /// @dev What code will carry, checked; its digest; and the client.
    function _prepare(Offer calldata offer)
        private
        view
        returns (bytes memory blob, bytes32 termsHash, address client)
    {
        bytes calldata packed = offer.arguments;
        if (packed.length > type(uint16).max) revert BadArguments(14);
        bytes memory tail;
        bytes32 programHash;
        bool sequential;
        Header header;
        if (offer.program.length == 0) {
            programHash = offer.programHash;
            address store = programStore(programHash);
            if (store.code.length == 0) revert UnknownProgram(programHash);
            sequential = ProgramStore.isSequential(store);
            header = Format.readHeader(ProgramStore.read(store, sequential));
            tail = abi.encodePacked(store, _kind(DeployedTerms.REGISTERED, sequential));
        } else {
            bytes memory program = offer.program;
            Format.Past memory past = _verify(program);
            (programHash, sequential, header) = (keccak256(program), past.sequential, Format.readHeader(program));
            tail = abi.encodePacked(uint16(packed.length), _kind(0, sequential));
            if (sequential) tail = abi.encodePacked(past.lines, past.payees, tail);
        }
        termsHash = Messages.termsDigest(
            _domainSeparatorV4(), offer.agreementDigest, programHash, keccak256(packed), offer.nonce
        );
        blob = bytes.concat(offer.program, packed, termsHash, tail);
        if (blob.length > ArgumentRules.MOST_TERMS) revert BadArguments(14);
        // A copy, because finding the parts writes before them.
        Terms terms = DeployedTerms.inside(bytes.concat(blob));
        uint8 broken = ArgumentRules.firstBroken(terms, header);
        if (broken != 0) revert BadArguments(broken);
        client = terms.client();
    }

    function _kind(uint256 registered, bool sequential) private pure returns (bytes1) {
        return bytes1(uint8(registered | (sequential ? DeployedTerms.SEQUENTIAL : 0)));
    }
}
