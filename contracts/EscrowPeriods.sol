// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {RuleTerms} from "./RuleTerms.sol";
import {EscrowValues} from "./EscrowValues.sol";
import {Turn} from "./EscrowState.sol";
import {Proposal, Proposals} from "./Proposals.sol";
import {Messages} from "./Messages.sol";
import {Words} from "./program/Words.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title A period's way to settlement: report and window
/// @notice `pyoutcome/protocol/periods.py` is the same in Python.
abstract contract EscrowPeriods is EscrowValues {
    /// @dev Windows and disputes of periods. Four places are used in turn and never cleared, so that a window costs no new
    /// slot; a fifth at a time has a place of its own.
    uint256 internal constant PLACES = 4;

    // --- proposals --------------------------------------------------------------------------------------------------

    function _proposalOf(Turn memory turn, uint256 period) internal view returns (Proposal p) {
        if (!_is(turn, PROPOSED)) return p;
        p = Proposal.wrap(_proposals[period % PLACES]);
        if (p.period() == period) return p;
        p = Proposal.wrap(_is(turn, CROWDED) ? _proposals[PLACES + period] : 0);
        if (p.period() != period) p = Proposal.wrap(0);
    }

    function _propose(Turn memory turn, uint256 period, Proposal p) internal {
        turn.flags |= PROPOSED;
        uint256 place = period % PLACES;
        uint256 tenant = _proposals[place] >> 240;
        if (tenant != 0 && tenant != period && !_isSettled(turn, tenant)) {
            place = PLACES + period;
            turn.flags |= CROWDED;
        }
        _proposals[place] = Proposal.unwrap(p);
    }

    /// @dev The same for a period that has one: it stands where it stood.
    function _proposeAgain(Turn memory turn, uint256 period, Proposal p) internal {
        if (_is(turn, CROWDED)) _propose(turn, period, p);
        else _proposals[period % PLACES] = Proposal.unwrap(p);
    }

    // --- report -----------------------------------------------------------------------------------------------------

    function _demandUnsettled(Turn memory turn, uint256 period) internal view {
        _demandPeriod(turn, period);
        if (_isSettled(turn, period)) revert AlreadySettled(period);
    }

    /// @dev The period of a packed report, which is not settled.
    function _periodOf(Turn memory turn, bytes memory packed) internal view returns (uint256 period) {
        if (packed.length < 38) revert BadReport();
        period = Words.number(Words.startOf(packed), 2);
        _demandUnsettled(turn, period);
    }

    /// @dev Reads a quorum's values, packed as IOutcomeEscrow.report says; refuses what may not stand. Returns what it
    /// replaces, and where its values end.
    function _take(Turn memory turn, Terms terms, uint256 period, bytes memory packed, Values memory values)
        internal
        view
        returns (Proposal p, uint256 at)
    {
        _demandTurn(turn, terms, period);
        p = _proposalOf(turn, period);
        if (!p.isNone()) _demandReplaceable(p, period);
        unchecked {
            at = _unpack(terms, Words.startOf(packed) + 38, values);
        }
        _demandSignedBy(terms, period, Messages.hashWords(values.given), packed, at);
    }

    /// @dev A quorum has signed the packed report whose values end at `at`, and nothing stands behind the signatures.
    function _demandSignedBy(Terms terms, uint256 period, bytes32 hash, bytes memory packed, uint256 at) private view {
        unchecked {
            uint256 start = Words.startOf(packed);
            uint256 end = start + packed.length;
            bytes32 evidence = bytes32(Words.wordAt(start + 2));
            bytes32 digest = Messages.reportDigest(_separator(), terms.termsHash(), period, hash, evidence);
            if (at > end || _demandQuorum(terms, digest, Words.number(start + 34, 4), at) != end) revert BadReport();
        }
    }

    /// @dev Accepts a report that can be challenged for a while, in place of `p`. Its bytes up to the end of the values are
    /// said again, without the period.
    function _openWindow(
        Turn memory turn,
        uint256 period,
        Proposal p,
        Values memory values,
        bytes memory said,
        uint256 window
    ) internal {
        emit Reported(period, said);
        unchecked {
            uint256 until = block.timestamp + window;
            bytes32 hash = Messages.hashWords(values.given);
            _propose(turn, period, Proposals.made(period, PeriodStage.Reported, p.proposals() + 1, 0, until, hash));
        }
    }

    /// @dev Evidence digest, verifiers and values of a packed report, in place of it.
    function _saidIn(bytes memory packed, uint256 to) internal pure returns (bytes memory) {
        unchecked {
            return Words.bytesAt(Words.startOf(packed) + 2, to);
        }
    }

    /// @dev A period that nobody disputes and whose window is over.
    function _demandProposed(Turn memory turn, uint256 period) internal view returns (Proposal p) {
        _demandUnsettled(turn, period);
        p = _proposalOf(turn, period);
        if (p.isNone() || p.stage() == PeriodStage.Disputed) revert NotProposed(period);
        if (block.timestamp < p.until()) revert TooEarly(p.until());
    }

    /// @dev The values proposed for a period that nobody challenged.
    function _proposed(Terms terms, uint256 period, Proposal p, int256[] memory given, Values memory values)
        internal
        pure
    {
        if (p.stage() == PeriodStage.Defaulted) given = _allMissing(terms);
        if (p.challenges() != 0 || !p.isHash(Messages.hashWords(given))) revert OtherVersions(period);
        _standInFor(terms, given, values);
    }

    /// @dev A report replaces a default inside its window, and nothing else.
    function _demandReplaceable(Proposal p, uint256 period) private view {
        if (p.stage() != PeriodStage.Defaulted) {
            // Whoever challenged a default that went to dispute is not overtaken either.
            revert AlreadyProposed(period);
        }
        if (block.timestamp >= p.until()) revert TooLate(p.until());
        // Stakes have to go back first: `replace` does both.
        if (p.challenges() != 0) revert OtherVersions(period);
    }

    /// @dev The values that stand at `at`, checked; returns where they end. Bytes behind the report read as what they are;
    /// the caller compares the end.
    function _unpack(Terms terms, uint256 at, Values memory values) private pure returns (uint256) {
        unchecked {
            int256[] memory given = Words.array(terms.kpiCount());
            uint256 kpi = terms.kpisAt();
            uint256 to = Words.startOf(given);
            bool complete = true;
            for (uint256 end = to + 32 * given.length; to != end; to += 32) {
                uint256 size = Words.byteAt(at++);
                int256 value = MISSING;
                if (size > 32) {
                    if (size != 255) revert BadReport();
                    kpi = RuleTerms.accept(kpi, value, MISSING);
                    complete = false;
                } else {
                    int256 digits = size == 0 ? int256(0) : Words.signed(at, size);
                    at += size;
                    uint256 form = RuleTerms.formOf(kpi);
                    // Within bounds of at most 24 bytes: no overflow.
                    value = digits * RuleTerms.stepOf(form);
                    kpi = RuleTerms.pass(kpi, form, digits);
                }
                if (kpi == 0) revert BadValue((to - Words.startOf(given)) / 32, value);
                Words.store(to, value);
            }
            if (complete) (values.given, values.inputs, values.parametersAt) = (given, given, kpi);
            else _standInFor(terms, given, values);
            return at;
        }
    }

    /// @dev At least the quorum of verifiers, those of whom a bit is set, have signed, each once; returns where the
    /// signatures that stand at `at` end.
    function _demandQuorum(Terms terms, bytes32 digest, uint256 signers, uint256 at) private view returns (uint256) {
        unchecked {
            uint256 given = 0;
            uint256 count = terms.verifierCount();
            uint256 verifiers = terms.verifiersAt();
            for (uint256 index = 0; signers >> index != 0; ++index) {
                if ((signers >> index) & 1 == 0) continue;
                if (index >= count) revert BadVerifierOrder(index);
                uint256 size = Words.byteAt(at++);
                if (!_hasSignedAt(Words.addressAt(verifiers + 20 * index), digest, at, size)) {
                    revert BadVerifierSignature(index);
                }
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
            (bytes32 r, bytes32 s) = (bytes32(Words.wordAt(at)), bytes32(Words.wordAt(at + 32)));
            (address recovered, ECDSA.RecoverError fault,) =
                ECDSA.tryRecover(digest, uint8(Words.byteAt(at + 64)), r, s);
            if (recovered == signer && fault == ECDSA.RecoverError.NoError) return true;
        }
        return SignatureChecker.isValidSignatureNow(signer, digest, Words.copy(at, size));
    }
}
