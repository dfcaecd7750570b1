// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./DeployedTerms.sol";
import {EscrowFinish} from "./EscrowFinish.sol";
import {Turn} from "./EscrowState.sol";
import {Proposal} from "./Proposals.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {Words} from "./program/Words.sol";
import {Seen, SeenParts} from "./Seen.sol";

/// @title The versions of a period and their stakes
/// @notice Only the hash of the versions and their amounts is stored; whoever acts on them hands them in.
abstract contract EscrowStakes is EscrowFinish {
    /// @dev Reads versions, with room for `more` behind them; refuses those that are not accepted for the period.
    function _demandVersions(Proposal p, uint256 period, IOutcomeEscrow.Version[] calldata versions, uint256 more)
        internal
        pure
        returns (Seen first, bytes32 hash)
    {
        unchecked {
            uint256 challenges = p.challenges();
            if (versions.length != challenges + 1) revert OtherVersions(period);
            first = SeenParts.reserve(versions.length + more);
            for (uint256 i = 0; i <= challenges; ++i) {
                Seen seen = first.plus(i);
                IOutcomeEscrow.Version calldata version = versions[i];
                seen.fill(version.party, version.stake, Words.fromCall(version.values), Words.fromCall(version.amounts));
                if (i != 0) hash = _chain(hash, seen);
                else if (challenges == 0) hash = Messages.hashWords(seen.given());
                else hash = _withAmounts(Messages.hashWords(seen.given()), seen.amounts());
            }
            if (!p.isHash(hash)) revert OtherVersions(period);
        }
    }

    /// @dev From the first challenge on the report's amounts are part of what is stored, so that they are priced once.
    function _withAmounts(bytes32 hash, int256[] memory amounts) internal pure returns (bytes32) {
        unchecked {
            uint256 at = Words.reserve(2);
            Words.store(at, int256(uint256(hash)));
            Words.store(at + 0x20, int256(uint256(Messages.hashWords(amounts))));
            return Words.hash(at, 0x40);
        }
    }

    /// @dev The hash with one version more.
    function _chain(bytes32 hash, Seen seen) internal pure returns (bytes32) {
        unchecked {
            uint256 at = Words.reserve(5);
            Words.store(at, int256(uint256(hash)));
            Words.store(at + 0x20, seen.party());
            Words.store(at + 0x40, int256(seen.stake()));
            Words.store(at + 0x60, int256(uint256(Messages.hashWords(seen.given()))));
            Words.store(at + 0x80, int256(uint256(Messages.hashWords(seen.amounts()))));
            return Words.hash(at, 0xa0);
        }
    }

    /// @dev To all but the first, which is the report or default.
    function _returnStakes(Turn memory turn, uint256 period, Seen first, uint256 count) internal {
        for (uint256 i = 1; i < count; ++i) {
            _returnStake(turn, period, first.plus(i));
        }
    }

    function _returnStake(Turn memory turn, uint256 period, Seen seen) internal {
        emit StakeReturned(period, seen.party(), seen.stake());
        _payParty(turn, seen.party(), seen.stake());
    }

    /// @dev What is signed of values: a challenge, a ruling or an agreement.
    function _digest(Terms terms, bytes32 kind, uint256 period, uint256 nonce, int256[] calldata values)
        internal
        view
        returns (bytes32)
    {
        return Messages.valuesDigest(_separator(), kind, terms.termsHash(), period, nonce, Messages.hashWords(values));
    }
}
