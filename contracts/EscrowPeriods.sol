// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {RuleTerms} from "./RuleTerms.sol";
import {EscrowValues} from "./EscrowValues.sol";
import {Turn} from "./EscrowState.sol";
import {Messages} from "./Messages.sol";
import {Words} from "./program/Words.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

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
        /// @dev Evidence digest, verifiers and values, as they were packed.
        bytes said;
    }

    /// @dev Reads a quorum's values, packed as IOutcomeEscrow.report says; refuses what may not stand.
    function _take(Turn memory turn, bytes memory packed) internal view returns (Submitted memory) {
        unchecked {
            uint256 at = Words.startOf(packed);
            if (packed.length < 38) revert BadReport();
            uint256 period = DeployedTerms.number(at, 2);
            _demandUnsettled(turn, period);
            // A function that returns a struct makes room for one.
            Terms memory terms = turn.terms;
            if (_is(turn, AMENDED)) terms = _termsOf(turn, period);
            _demandTurn(turn, terms, period);
            Proposal memory p = _proposalOf(turn, period);
            if (p.stage != PeriodStage.None) _demandReplaceable(p, period);

            Values memory values;
            (values, at) = _unpack(terms, at + 38);
            bytes32 hash = Messages.hashWords(values.given);
            _demandSignedBy(terms, period, hash, packed, at);
            return Submitted(period, terms, p, values, hash, DeployedTerms.part(Words.startOf(packed) + 2, at));
        }
    }

    /// @dev A quorum has signed the packed report whose values end at `at`, and nothing stands behind the signatures.
    function _demandSignedBy(Terms memory terms, uint256 period, bytes32 hash, bytes memory packed, uint256 at)
        private
        view
    {
        unchecked {
            uint256 start = Words.startOf(packed);
            uint256 end = start + packed.length;
            bytes32 evidence = bytes32(uint256(Words.load(start + 2)));
            bytes32 digest = Messages.reportDigest(_separator(), terms.termsHash(), period, hash, evidence);
            if (at > end || _demandQuorum(terms, digest, DeployedTerms.number(start + 34, 4), at) != end) {
                revert BadReport();
            }
        }
    }

    /// @dev Accepts a report that can be challenged for a while.
    function _openWindow(Turn memory turn, Submitted memory s, uint256 window) internal {
        emit Reported(s.period, s.said);
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

    /// @dev The values that stand at `at`, checked; returns where they end. Bytes behind the report read as what they are;
    /// the caller compares the end.
    function _unpack(Terms memory terms, uint256 at) private pure returns (Values memory, uint256) {
        unchecked {
            uint256 count = terms.kpiCount();
            int256[] memory given = new int256[](count);
            uint256 kpi = terms.kpisAt();
            Values memory values = Values(given, given, 0, 0);
            for (uint256 i = 0; i < count; ++i) {
                uint256 size = Words.byteAt(at++);
                uint256 width = Words.byteAt(kpi + 2);
                if (size == 255) {
                    _setMissing(values, kpi, i);
                } else {
                    if (size > 32) revert BadReport();
                    int256 digits = size == 0 ? int256(0) : Words.load(at) >> (256 - 8 * size);
                    at += size;
                    uint256 shift = 256 - 8 * width;
                    int256 step = int256(10 ** (18 - (Words.byteAt(kpi) & 127)));
                    if (digits < Words.load(kpi + 3) >> shift || digits > Words.load(kpi + 3 + width) >> shift) {
                        revert BadValue(i, digits * step);
                    }
                    // Within bounds of at most 24 bytes: no overflow.
                    int256 value = digits * step;
                    given[i] = value;
                    if (values.lacking != 0) values.inputs[i] = value;
                }
                kpi += 3 + 3 * width;
            }
            values.parametersAt = kpi;
            return (values, at);
        }
    }

    /// @dev A value that a report marks missing, and its stand-in. From the first one on the program gets a row of its own.
    function _setMissing(Values memory values, uint256 at, uint256 index) private pure {
        RuleTerms.Kpi memory kpi;
        RuleTerms.kpiAt(at, kpi);
        if (values.lacking == 0) {
            values.inputs = new int256[](values.given.length);
            for (uint256 i = 0; i < index; ++i) {
                values.inputs[i] = values.given[i];
            }
        }
        values.given[index] = MISSING;
        values.inputs[index] = _accept(kpi, index, MISSING, values);
    }

    /// @dev At least the quorum of verifiers, those of whom a bit is set, have signed, each once; returns where the
    /// signatures that stand at `at` end.
    function _demandQuorum(Terms memory terms, bytes32 digest, uint256 signers, uint256 at)
        private
        view
        returns (uint256)
    {
        unchecked {
            uint256 given = 0;
            uint256 count = terms.verifierCount();
            for (uint256 index = 0; signers >> index != 0; ++index) {
                if ((signers >> index) & 1 == 0) continue;
                if (index >= count) revert BadVerifierOrder(index);
                uint256 size = Words.byteAt(at++);
                if (!_hasSignedAt(terms.verifier(index), digest, at, size)) revert BadVerifierSignature(index);
                at += size;
                ++given;
            }
            if (given < terms.quorum()) revert NoQuorum(given, terms.quorum());
            return at;
        }
    }

    /// @dev As _hasSigned, for a signature in memory.
    function _hasSignedAt(address signer, bytes32 digest, uint256 at, uint256 size) private view returns (bool) {
        if (size == 65) {
            (bytes32 r, bytes32 s) = (bytes32(uint256(Words.load(at))), bytes32(uint256(Words.load(at + 32))));
            (address recovered, ECDSA.RecoverError fault,) =
                ECDSA.tryRecover(digest, uint8(Words.byteAt(at + 64)), r, s);
            if (recovered == signer && fault == ECDSA.RecoverError.NoError) return true;
        }
        return SignatureChecker.isValidSignatureNow(signer, digest, DeployedTerms.part(at, at + size));
    }
}
