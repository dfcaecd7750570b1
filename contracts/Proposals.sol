// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowErrors} from "./interfaces/IEscrowErrors.sol";
import {Words} from "./program/Words.sol";

/// @notice Window or dispute of a period, one word as storage has it: [16 period][4 stage][2 proposals][6 challenges]
/// [40 until][188 of the hash of the versions]. 0 is none.
type Proposal is uint256;

using Proposals for Proposal global;

/// @title The parts of a proposal's word
library Proposals {
    uint256 private constant HASH = 2 ** 188 - 1;

    function made(
        uint256 number,
        IEscrowErrors.PeriodStage stage_,
        uint256 proposals_,
        uint256 challenges_,
        uint256 until_,
        bytes32 hash
    ) internal pure returns (Proposal) {
        return Proposal.wrap(
            (number << 240) | (uint256(stage_) << 236) | (proposals_ << 234) | (challenges_ << 228) | (until_ << 188)
                | (uint256(hash) & HASH)
        );
    }

    /// @dev The same with another stage and deadline.
    function moved(Proposal p, IEscrowErrors.PeriodStage stage_, uint256 until_) internal pure returns (Proposal) {
        return made(period(p), stage_, proposals(p), challenges(p), until_, bytes32(Proposal.unwrap(p)));
    }

    /// @dev The same with other versions.
    function challenged(Proposal p, uint256 challenges_, bytes32 hash) internal pure returns (Proposal) {
        return made(period(p), stage(p), proposals(p), challenges_, until(p), hash);
    }

    function isNone(Proposal p) internal pure returns (bool) {
        return Proposal.unwrap(p) == 0;
    }

    function period(Proposal p) internal pure returns (uint256) {
        return Proposal.unwrap(p) >> 240;
    }

    function stage(Proposal p) internal pure returns (IEscrowErrors.PeriodStage) {
        return IEscrowErrors.PeriodStage(Words.bits(Proposal.unwrap(p), 236, 15));
    }

    /// @dev Reports and defaults accepted so far.
    function proposals(Proposal p) internal pure returns (uint256) {
        return Words.bits(Proposal.unwrap(p), 234, 3);
    }

    function challenges(Proposal p) internal pure returns (uint256) {
        return Words.bits(Proposal.unwrap(p), 228, 63);
    }

    /// @dev End of the window, or the arbitrator's deadline.
    function until(Proposal p) internal pure returns (uint256) {
        return Words.bits(Proposal.unwrap(p), 188, type(uint40).max);
    }

    function isHash(Proposal p, bytes32 hash) internal pure returns (bool) {
        return (Proposal.unwrap(p) ^ uint256(hash)) & HASH == 0;
    }
}
