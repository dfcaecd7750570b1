// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {EscrowPricing} from "./EscrowPricing.sol";
import {Turn} from "./EscrowState.sol";
import {Messages} from "./Messages.sol";
import {RunError} from "./program/ProgramFormat.sol";

/// @title A period's way to settlement: report, window, settling
/// @notice `pyoutcome/protocol/periods.py` is the same in Python.
abstract contract EscrowPeriods is EscrowPricing {
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

    /// @dev Accepts a quorum's values, packed as IOutcomeEscrow.report says.
    function _report(Turn memory turn, bytes calldata packed) internal {
        unchecked {
            if (packed.length < 38) revert BadReport();
            uint256 period = uint16(bytes2(packed[0:2]));
            _demandUnsettled(turn, period);
            Terms memory terms = _termsOf(turn, period);
            _demandTurn(turn, terms, period);
            Proposal memory p = _proposalOf(turn, period);
            if (p.stage != PeriodStage.None) _demandReplaceable(p, period);

            (Values memory values, uint256 at) = _unpack(terms, packed);
            bytes32 evidence = bytes32(packed[2:34]);
            bytes32 hash = Messages.hashWords(values.given);
            bytes32 digest = Messages.reportDigest(_separator(), terms.termsHash(), period, hash, evidence);
            uint256 signers = uint32(bytes4(packed[34:38]));
            _demandQuorum(terms, digest, signers, packed[at:]);
            emit Reported(period, evidence, signers, values.given);

            uint256 window = terms.challengeWindow();
            if (window == 0) {
                Priced memory priced = _price(turn, terms, period, values);
                _finish(turn, terms, period, values, priced, new int256[](0));
            } else {
                (p.stage, p.proposals, p.challenges) = (PeriodStage.Reported, p.proposals + 1, 0);
                (p.until, p.hash) = (block.timestamp + window, uint256(hash));
                _propose(turn, period, p);
            }
        }
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

    // --- settling ---------------------------------------------------------------------------------------------------

    /// @dev Settles a period on a version: amounts credited less what was credited before, state carried on.
    function _finish(
        Turn memory turn,
        Terms memory terms,
        uint256 period,
        Values memory values,
        Priced memory priced,
        int256[] memory before
    ) internal {
        _setSettled(turn, period);
        if (terms.isSequential()) _keep(turn, period, values, priced);
        if (values.lacking != 0 || _is(turn, LACKING)) _noteLacking(turn, terms, period, uint32(values.lacking));
        bool plain = before.length == 0 && priced.error == RunError.NONE;
        if (!plain || !_creditInFull(turn, period, priced.amounts)) {
            emit Settled(period, priced.amounts, uint8(priced.error));
            _credit(turn, period, priced.amounts, before);
        }
        if (!_is(turn, MOVED)) return;
        for (uint256 slot = 0; slot < priced.amounts.length; ++slot) {
            _releaseOutgoing(turn, _holderOf(turn, slot, period));
        }
    }

    /// @dev Whose evidence a settled period lacks, and when it was due: a breach unless it was shown to be there in time.
    function _noteLacking(Turn memory turn, Terms memory terms, uint256 period, uint32 lacking) private {
        Notes storage notes = _notes[period];
        if (lacking == 0 && notes.lacking == 0) return;
        turn.flags |= LACKING;
        if (notes.due == 0) notes.due = uint40(_dueOf(turn, terms, period));
        notes.lacking = lacking;
    }
}
