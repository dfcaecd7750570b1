// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";

/// @notice The terms of a clone, copied from its code into memory: agreement digest, program hash and nonce (a word
/// each), then abi.encode(Arguments). The value is the memory address of the first word.
type Terms is uint256;

using DeployedTerms for Terms global;

/// @title Reads a clone's terms where they stand
/// @notice What never changes lives in the clone's code. Reading single words of abi.encode(Arguments) costs a tenth of
/// decoding it all; the factory encoded it, so its layout is known and every word is clean.
/// @dev Indexes are not checked here; the caller has compared them with the counts.
library DeployedTerms {
    /// @dev Bytes of code before the terms (OpenZeppelin's Clones with immutable arguments).
    uint256 private constant PREFIX = 0x2d;
    /// @dev From the first word to abi.encode(Arguments), and past its leading offset to the struct.
    uint256 private constant ENCODED = 0x60;
    uint256 private constant ARGUMENTS = 0x80;

    // Places of the fields in the struct's head, in words. A dynamic field's word is its offset from the head.
    uint256 private constant CLIENT = 0;
    uint256 private constant TOKEN = 1;
    uint256 private constant UNIT_DECIMALS = 2;
    uint256 private constant QUORUM = 3;
    uint256 private constant VERIFIERS = 4;
    uint256 private constant PROVIDERS = 6;
    uint256 private constant KPIS = 7;
    uint256 private constant PARAMETERS = 8;
    uint256 private constant ACTIVATE_BY = 9;
    uint256 private constant START = 10;
    uint256 private constant ENDS = 11;
    uint256 private constant EVIDENCE_WINDOW = 12;
    uint256 private constant DEFAULT_WINDOW = 13;
    uint256 private constant HOLDBACK_RATE = 14;
    uint256 private constant HOLDBACK_RELEASE = 15;
    uint256 private constant RESERVE = 16;

    /// @dev What a clone's code carries behind the proxy, and the arguments' hash. Whole words, as everything is encoded.
    function encode(IOutcomeEscrow.Arguments calldata args, bytes32 agreement, bytes32 program, uint256 number)
        internal
        pure
        returns (bytes memory data, bytes32 hash)
    {
        bytes memory encoded = abi.encode(args);
        return (abi.encodePacked(agreement, program, number, encoded), keccak256(encoded));
    }

    /// @dev Copies the terms of this clone into memory.
    function read() internal view returns (Terms terms) {
        assembly ("memory-safe") {
            let size := sub(extcodesize(address()), PREFIX)
            terms := mload(0x40)
            mstore(0x40, add(terms, size))
            extcodecopy(address(), terms, PREFIX, size)
        }
    }

    /// @dev keccak256(abi.encode(Arguments)).
    function argsHash(Terms terms) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(terms, ENCODED), sub(extcodesize(address()), add(PREFIX, ENCODED)))
        }
    }

    /// @dev Ends the call with the arguments as its answer: abi.encode(Arguments) is what a function that returns them
    /// gives, so nothing is decoded and encoded again.
    function answer(Terms terms) internal view {
        assembly ("memory-safe") {
            return(add(terms, ENCODED), sub(extcodesize(address()), add(PREFIX, ENCODED)))
        }
    }

    function agreementDigest(Terms terms) internal pure returns (bytes32) {
        return bytes32(word(Terms.unwrap(terms)));
    }

    function programHash(Terms terms) internal pure returns (bytes32) {
        return bytes32(word(Terms.unwrap(terms) + 0x20));
    }

    function nonce(Terms terms) internal pure returns (uint256) {
        return word(Terms.unwrap(terms) + 0x40);
    }

    function client(Terms terms) internal pure returns (address) {
        return address(uint160(head(terms, CLIENT)));
    }

    function token(Terms terms) internal pure returns (address) {
        return address(uint160(head(terms, TOKEN)));
    }

    function unitDecimals(Terms terms) internal pure returns (uint256) {
        return head(terms, UNIT_DECIMALS);
    }

    function quorum(Terms terms) internal pure returns (uint256) {
        return head(terms, QUORUM);
    }

    function verifierCount(Terms terms) internal pure returns (uint256) {
        return word(array(terms, VERIFIERS));
    }

    function verifier(Terms terms, uint256 index) internal pure returns (address) {
        return address(uint160(word(array(terms, VERIFIERS) + 0x20 + 0x20 * index)));
    }

    function providerCount(Terms terms) internal pure returns (uint256) {
        return word(array(terms, PROVIDERS));
    }

    function providerSigner(Terms terms, uint256 index) internal pure returns (address) {
        return address(uint160(word(array(terms, PROVIDERS) + 0x20 + 0x40 * index)));
    }

    function providerPayout(Terms terms, uint256 index) internal pure returns (address) {
        return address(uint160(word(array(terms, PROVIDERS) + 0x40 + 0x40 * index)));
    }

    function kpiCount(Terms terms) internal pure returns (uint256) {
        return word(array(terms, KPIS));
    }

    function kpi(Terms terms, uint256 index) internal pure returns (IOutcomeEscrow.Kpi memory) {
        uint256 at = array(terms, KPIS) + 0x20 + 0xa0 * index;
        return IOutcomeEscrow.Kpi({
            decimals: uint8(word(at)),
            mayBeMissing: word(at + 0x20) != 0,
            low: int256(word(at + 0x40)),
            high: int256(word(at + 0x60)),
            ifMissing: int256(word(at + 0x80))
        });
    }

    /// @dev The parameter vector, where it stands: an array of words is encoded as memory holds it.
    function parameters(Terms terms) internal pure returns (int256[] memory values) {
        uint256 at = array(terms, PARAMETERS);
        assembly ("memory-safe") {
            values := at
        }
    }

    function activateBy(Terms terms) internal pure returns (uint256) {
        return head(terms, ACTIVATE_BY);
    }

    function periodCount(Terms terms) internal pure returns (uint256) {
        return word(array(terms, ENDS));
    }

    /// @dev Periods are numbered from 1.
    function endOf(Terms terms, uint256 period) internal pure returns (uint256) {
        return word(array(terms, ENDS) + 0x20 * period);
    }

    function startOf(Terms terms, uint256 period) internal pure returns (uint256) {
        return period == 1 ? head(terms, START) : endOf(terms, period - 1);
    }

    function evidenceWindow(Terms terms) internal pure returns (uint256) {
        return head(terms, EVIDENCE_WINDOW);
    }

    function defaultWindow(Terms terms) internal pure returns (uint256) {
        return head(terms, DEFAULT_WINDOW);
    }

    function holdbackRate(Terms terms) internal pure returns (uint256) {
        return head(terms, HOLDBACK_RATE);
    }

    function holdbackRelease(Terms terms) internal pure returns (uint256) {
        return head(terms, HOLDBACK_RELEASE);
    }

    function reserve(Terms terms) internal pure returns (uint256) {
        return head(terms, RESERVE);
    }

    /// @dev The word of a field in the struct's head.
    function head(Terms terms, uint256 field) private pure returns (uint256) {
        unchecked {
            return word(Terms.unwrap(terms) + ARGUMENTS + 0x20 * field);
        }
    }

    /// @dev Where a dynamic field's length stands; its items follow.
    function array(Terms terms, uint256 field) private pure returns (uint256) {
        unchecked {
            return Terms.unwrap(terms) + ARGUMENTS + head(terms, field);
        }
    }

    function word(uint256 at) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(at)
        }
    }
}
