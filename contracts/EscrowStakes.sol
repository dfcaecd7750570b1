// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./DeployedTerms.sol";
import {EscrowFinish} from "./EscrowFinish.sol";
import {Turn} from "./EscrowState.sol";
import {Proposal} from "./Proposals.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";

/// @title The versions of a period and their stakes
/// @notice Only the hash of the versions and their amounts is stored; whoever acts on them hands them in.
abstract contract EscrowStakes is EscrowFinish {
    /// @dev Refuses versions that are not those accepted for the period.
    function _demandVersions(Proposal p, uint256 period, IOutcomeEscrow.Version[] calldata versions)
        internal
        pure
        returns (bytes32 hash)
    {
        if (versions.length != p.challenges() + 1) revert OtherVersions(period);
        hash = Messages.hashWords(versions[0].values);
        if (p.challenges() != 0) hash = _withAmounts(hash, versions[0].amounts);
        for (uint256 i = 1; i < versions.length; ++i) {
            hash = _chain(hash, versions[i].party, versions[i].stake, versions[i].values, versions[i].amounts);
        }
        if (!p.isHash(hash)) revert OtherVersions(period);
    }

    /// @dev From the first challenge on the report's amounts are part of what is stored, so that they are priced once.
    function _withAmounts(bytes32 hash, int256[] memory amounts) internal pure returns (bytes32) {
        return keccak256(abi.encode(hash, Messages.hashWords(amounts)));
    }

    /// @dev The hash with one version more.
    function _chain(bytes32 hash, int256 party, uint256 stake, int256[] memory values, int256[] memory amounts)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(hash, party, stake, Messages.hashWords(values), Messages.hashWords(amounts)));
    }

    function _returnStakes(Turn memory turn, uint256 period, IOutcomeEscrow.Version[] calldata versions) internal {
        for (uint256 i = 1; i < versions.length; ++i) {
            _returnStake(turn, period, versions[i]);
        }
    }

    function _returnStake(Turn memory turn, uint256 period, IOutcomeEscrow.Version calldata version) internal {
        emit StakeReturned(period, version.party, version.stake);
        _payParty(turn, version.party, version.stake);
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
