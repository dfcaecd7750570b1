// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {EscrowValues} from "./EscrowValues.sol";
import {Turn} from "./EscrowState.sol";
import {Messages} from "./Messages.sol";

/// @title A period's way to settlement: report and window
/// @notice `pyoutcome/protocol/periods.py` is the same in Python.
abstract contract EscrowPeriods is EscrowValues {
    /// @dev Windows and disputes of periods, one word each: [16 period][4 stage][2 proposals][6 challenges][40 until]
    /// [188 of the hash of the versions]. Four places are used in turn and never cleared, so that a window costs no new
    /// slot; a fifth at a time has a place of its own.
    struct Proposal {
        PeriodStage stage;
        /// @dev Reports and defaults accepted so far.
        uint256 proposals;
        uint256 challenges;
        /// @dev End of the window, or the arbitrator's deadline.
        uint256 until;
        uint256 hash;
    }

    uint256 internal constant PLACES = 4;
    uint256 private constant HASH = 2 ** 188 - 1;

    // --- proposals --------------------------------------------------------------------------------------------------

    function _proposalOf(Turn memory turn, uint256 period) internal view returns (Proposal memory p) {
        if (!_is(turn, PROPOSED)) return p;
        uint256 word = _proposals[period % PLACES];
        if (word >> 240 != period) word = _proposals[PLACES + period];
        if (word >> 240 != period) return p;
        p.stage = PeriodStage((word >> 236) & 15);
        p.proposals = (word >> 234) & 3;
        p.challenges = (word >> 228) & 63;
        p.until = (word >> 188) & type(uint40).max;
        p.hash = word & HASH;
    }

    function _propose(Turn memory turn, uint256 period, Proposal memory p) internal {
        turn.flags |= PROPOSED;
        uint256 place = period % PLACES;
        uint256 tenant = _proposals[place] >> 240;
        if (tenant != 0 && tenant != period && !_isSettled(turn, tenant)) place = PLACES + period;
        _proposals[place] = (period << 240) | (uint256(p.stage) << 236) | (p.proposals << 234) | (p.challenges << 228)
            | (p.until << 188) | (p.hash & HASH);
    }

    function _isHash(Proposal memory p, bytes32 hash) internal pure returns (bool) {
        return p.hash == uint256(hash) & HASH;
    }

    // --- report -----------------------------------------------------------------------------------------------------

    function _demandUnsettled(Turn memory turn, uint256 period) internal view {
        _demandPeriod(turn, period);
        if (_isSettled(turn, period)) revert AlreadySettled(period);
    }

    /// @dev A report that may stand: what it says, and where its period is.
    struct Submitted {
        uint256 period;
        Terms terms;
        Proposal proposal;
        Values values;
        bytes32 hash;
        bytes32 evidence;
        uint256 signers;
    }

    /// @dev Reads a quorum's values, packed as IOutcomeEscrow.report says; refuses what may not stand.
    function _take(Turn memory turn, bytes calldata packed) internal view returns (Submitted memory s) {
        unchecked {
            if (packed.length < 38) revert BadReport();
            s.period = uint16(bytes2(packed[0:2]));
            _demandUnsettled(turn, s.period);
            s.terms = _termsOf(turn, s.period);
            _demandTurn(turn, s.terms, s.period);
            s.proposal = _proposalOf(turn, s.period);
            if (s.proposal.stage != PeriodStage.None) _demandReplaceable(s.proposal, s.period);

            uint256 at;
            (s.values, at) = _unpack(s.terms, packed);
            s.evidence = bytes32(packed[2:34]);
            s.hash = Messages.hashWords(s.values.given);
            bytes32 digest = Messages.reportDigest(_separator(), s.terms.termsHash(), s.period, s.hash, s.evidence);
            s.signers = uint32(bytes4(packed[34:38]));
            _demandQuorum(s.terms, digest, s.signers, packed[at:]);
        }
    }

    /// @dev Accepts a report that can be challenged for a while.
    function _openWindow(Turn memory turn, Submitted memory s, uint256 window) internal {
        emit Reported(s.period, s.evidence, s.signers, s.values.given);
        Proposal memory p = s.proposal;
        (p.stage, p.proposals, p.challenges) = (PeriodStage.Reported, p.proposals + 1, 0);
        (p.until, p.hash) = (block.timestamp + window, uint256(s.hash));
        _propose(turn, s.period, p);
    }

    /// @dev A period that nobody challenged and whose window is over, on the values proposed for it.
    function _proposed(Turn memory turn, uint256 period, int256[] calldata given)
        internal
        view
        returns (Terms memory terms, Values memory values)
    {
        _demandUnsettled(turn, period);
        Proposal memory p = _proposalOf(turn, period);
        if (p.stage != PeriodStage.Reported && p.stage != PeriodStage.Defaulted) revert NotProposed(period);
        if (block.timestamp < p.until) revert TooEarly(p.until);
        terms = _termsOf(turn, period);
        int256[] memory proposed = p.stage == PeriodStage.Defaulted ? _allMissing(terms) : given;
        if (p.challenges != 0 || !_isHash(p, Messages.hashWords(proposed))) revert OtherVersions(period);
        values = _standInFor(terms, proposed);
    }

    /// @dev A report replaces a default inside its window, and nothing else.
    function _demandReplaceable(Proposal memory p, uint256 period) private view {
        if (p.stage != PeriodStage.Defaulted) {
            // Whoever challenged a default that went to dispute is not overtaken either.
            revert AlreadyProposed(period);
        }
        if (block.timestamp >= p.until) revert TooLate(p.until);
        // Stakes have to go back first: `replace` does both.
        if (p.challenges != 0) revert OtherVersions(period);
    }

    /// @dev The values of a packed report, checked, and where its signatures begin.
    function _unpack(Terms memory terms, bytes calldata packed)
        private
        pure
        returns (Values memory values, uint256 next)
    {
        uint256 count = terms.kpiCount();
        values.given = new int256[](count);
        values.inputs = new int256[](count);
        DeployedTerms.Kpi memory kpi;
        uint256 at = terms.kpisAt();
        next = 38;
        for (uint256 i = 0; i < count; ++i) {
            at = DeployedTerms.kpiAt(at, kpi);
            uint256 size = uint8(packed[next++]);
            int256 value = MISSING;
            if (size != 255) {
                if (size > 32 || next + size > packed.length) revert BadReport();
                value = (int256(uint256(bytes32(packed[next:next + size]))) >> (256 - 8 * size)) * kpi.step;
                next += size;
            }
            values.given[i] = value;
            values.inputs[i] = _accept(kpi, i, value, values);
        }
    }

    /// @dev At least the quorum of verifiers, those of whom a bit is set, have signed, each once.
    function _demandQuorum(Terms memory terms, bytes32 digest, uint256 signers, bytes calldata signatures)
        private
        view
    {
        unchecked {
            uint256 given = 0;
            uint256 at = 0;
            for (uint256 index = 0; signers >> index != 0; ++index) {
                if ((signers >> index) & 1 == 0) continue;
                if (index >= terms.verifierCount()) revert BadVerifierOrder(index);
                if (at >= signatures.length) revert BadReport();
                uint256 from = at + 1;
                at = from + uint8(signatures[at]);
                if (at > signatures.length) revert BadReport();
                if (!_hasSigned(terms.verifier(index), digest, signatures[from:at])) revert BadVerifierSignature(index);
                ++given;
            }
            if (given < terms.quorum()) revert NoQuorum(given, terms.quorum());
            if (at != signatures.length) revert BadReport();
        }
    }
}
