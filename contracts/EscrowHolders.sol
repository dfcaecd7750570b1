// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EscrowState, Turn} from "./EscrowState.sol";
import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Who holds which slot when, which terms govern which period, and who signed
/// @notice Accounts belong to tenures (slot and holder); a period belongs to whoever holds the slot when it starts.
abstract contract EscrowHolders is EscrowState {
    // --- tenures ----------------------------------------------------------------------------------------------------

    /// @dev The tenure to which a slot's period belongs: the latest that starts no later.
    function _holderOf(Turn memory turn, uint256 slot, uint256 period) internal view returns (uint256 tenure) {
        if (!_is(turn, ASSIGNED)) return slot;
        tenure = _latest[slot];
        if (tenure == 0) return slot;
        while (tenure >= turn.terms.slotCount() && _tenures[tenure].first > period) {
            tenure = _tenures[tenure].before;
        }
    }

    function _tenureCount(Turn memory turn) internal view returns (uint256) {
        return turn.terms.slotCount() + (_is(turn, ASSIGNED) ? _life.tenures : 0);
    }

    function _slotOf(Turn memory turn, uint256 tenure) internal view returns (uint256) {
        return tenure < turn.terms.slotCount() ? tenure : _tenures[tenure].slot;
    }

    /// @dev First period that belongs to it.
    function _firstOf(Turn memory turn, uint256 tenure) internal view returns (uint256) {
        return tenure < turn.terms.slotCount() ? 1 : _tenures[tenure].first;
    }

    /// @dev The address that signs for a tenure.
    function _signerOf(Turn memory turn, uint256 tenure) internal view returns (address) {
        return tenure < turn.terms.slotCount() ? turn.terms.signerOf(tenure) : _tenures[tenure].holder;
    }

    function _payoutOf(Turn memory turn, uint256 tenure) internal view returns (address to) {
        if (_is(turn, MOVED | ASSIGNED)) to = _books[tenure].payout;
        if (to == address(0)) to = turn.terms.payoutOf(tenure);
    }

    /// @dev The owner number of a party of a period.
    function _partyOf(Turn memory turn, uint256 period, address who) internal view returns (int256) {
        if (who == turn.terms.client()) return CLIENT;
        uint256 slots = turn.terms.slotCount();
        for (uint256 slot = 0; slot < slots; ++slot) {
            uint256 tenure = _holderOf(turn, slot, period);
            if (_signerOf(turn, tenure) == who) return int256(tenure);
        }
        revert NotAParty(who);
    }

    /// @dev The address of a party of a period, given by its owner number.
    function _addressOf(Turn memory turn, uint256 period, int256 party) internal view returns (address who) {
        if (party == CLIENT) return turn.terms.client();
        if (party < 0 || uint256(party) >= _tenureCount(turn)) revert NotAParty(address(0));
        who = _signerOf(turn, uint256(party));
        if (_holderOf(turn, _slotOf(turn, uint256(party)), period) != uint256(party)) revert NotAParty(who);
    }

    /// @dev Marks the holders of a period, one bit per tenure.
    function _holdersOf(Turn memory turn, uint256 period) internal view returns (uint256 bits) {
        uint256 slots = turn.terms.slotCount();
        for (uint256 slot = 0; slot < slots; ++slot) {
            bits |= 1 << _holderOf(turn, slot, period);
        }
    }

    /// @dev The holders of the current period and those of the next, where a new holder is already bound.
    function _currentHolders(Turn memory turn) internal view returns (uint256) {
        uint256 current = _started(turn);
        if (current == 0) current = 1;
        uint256 next = current < turn.terms.periodCount() ? current + 1 : current;
        return _holdersOf(turn, current) | _holdersOf(turn, next);
    }

    // --- terms of a period ------------------------------------------------------------------------------------------

    /// @dev Number of the latest amendment that reaches a period; 0 if none does.
    function _amendmentOf(Turn memory turn, uint256 period) internal view returns (uint256 number) {
        if (!_is(turn, AMENDED)) return 0;
        number = _life.amendments;
        while (number != 0 && _amendments[number].first > period) {
            --number;
        }
    }

    function _termsAt(Turn memory turn, uint256 amendment) internal view returns (Terms) {
        return amendment == 0 ? turn.terms : DeployedTerms.read(_amendments[amendment].store, 1);
    }

    /// @dev The terms that govern a period.
    function _termsOf(Turn memory turn, uint256 period) internal view returns (Terms) {
        return _termsAt(turn, _amendmentOf(turn, period));
    }

    /// @dev Reserve of the periods that have started and are not settled.
    function _requiredCover(Turn memory turn) internal view returns (uint256 cover) {
        uint256 started = _started(turn);
        // Only a period that has ended is settled, so every settled one is among the started.
        if (!_is(turn, AMENDED)) return turn.terms.reserve() * (started - _settledCount(turn));
        uint256 amendment = type(uint256).max;
        uint256 reserve;
        for (uint256 period = 1; period <= started; ++period) {
            if (_isSettled(turn, period)) continue;
            uint256 governing = _amendmentOf(turn, period);
            if (governing != amendment) {
                amendment = governing;
                reserve = _termsAt(turn, governing).reserve();
            }
            cover += reserve;
        }
    }

    // --- order and time ---------------------------------------------------------------------------------------------

    /// @dev Refuses an act before the period's end, or while a sequential program waits for an earlier period.
    function _demandTurn(Turn memory turn, Terms terms, uint256 period) internal view {
        uint256 end = turn.terms.endOf(period);
        if (block.timestamp < end) revert TooEarly(end);
        if (terms.isSequential()) _demandOrder(turn, period);
    }

    function _demandOrder(Turn memory turn, uint256 period) internal view {
        if (!_isNext(turn, period)) revert OutOfTurn(_firstUnsettled(turn));
    }

    /// @dev From when missing evidence allows a default of a period whose turn has come.
    function _dueOf(Turn memory turn, Terms terms, uint256 period) internal view returns (uint256 due) {
        due = turn.terms.endOf(period);
        if (_life.activatedAt > due) due = _life.activatedAt;
        if (terms.isSequential() && _life.turnAt > due) due = _life.turnAt;
        uint256 amendment = _amendmentOf(turn, period);
        if (amendment != 0 && _amendments[amendment].at > due) due = _amendments[amendment].at;
        due += terms.evidenceWindow();
    }

    // --- signatures -------------------------------------------------------------------------------------------------

    /// @dev ECDSA with low s in 65 bytes, or EIP-1271 if the signer is a contract; checked once, now. A key's signature is
    /// tried first, because looking for code costs as much again.
    function _hasSigned(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        (address recovered, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && recovered == signer && signer != address(0)) return true;
        return SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature);
    }

    function _demandSigned(address party, bytes32 digest, bytes calldata signature) internal view {
        if (!_hasSigned(party, digest, signature)) revert BadPartySignature(party);
    }

    /// @dev The client first, then the tenures marked in `tenures` by rising number; returns how many signatures that took.
    function _demandParties(Turn memory turn, bytes32 digest, uint256 tenures, bytes[] calldata signatures)
        internal
        view
        returns (uint256 used)
    {
        for (uint256 tenure = 0; used == 0 || tenures >> tenure != 0;) {
            address party = turn.terms.client();
            if (used != 0) {
                if ((tenures >> tenure++) & 1 == 0) continue;
                party = _signerOf(turn, tenure - 1);
            }
            if (used >= signatures.length) revert BadPartySignature(party);
            _demandSigned(party, digest, signatures[used++]);
        }
    }

    function _demandNoMore(uint256 used, bytes[] calldata signatures) internal pure {
        if (signatures.length > used) revert BadPartySignature(address(0));
    }

    /// @dev The domain separator of the factory on this chain.
    function _separator() internal view virtual returns (bytes32) {
        return Messages.domainSeparator(IOutcomeEscrow(address(this)).factory());
    }
}
