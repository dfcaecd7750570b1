// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {EscrowCredits} from "./EscrowCredits.sol";
import {EscrowStreaks} from "./EscrowStreaks.sol";
import {Turn} from "./EscrowState.sol";
import {Messages} from "./Messages.sol";
import {Push} from "./Push.sol";

/// @title Beginning and end: bonds, cancelling, withdrawing, claims, every path of termination, closing
/// @notice `pyoutcome/protocol/exits.py` is the same in Python.
/// @dev Reached from OutcomeEscrow by delegatecall; passes on what it does not know.
contract EscrowExits is EscrowStreaks, Proxy {
    address private immutable _further;

    constructor(address further) {
        _further = further;
    }

    function _implementation() internal view override returns (address) {
        _demandEscrow();
        return _further;
    }

    // --- offer ------------------------------------------------------------------------------------------------------

    function postBond(uint256 slot, uint256 amount) external payable nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Offer);
        if (slot >= turn.terms.slotCount()) revert NoSuchProvider(slot);
        uint256 missing = turn.terms.bondOf(slot) - _books[slot].bond;
        uint256 arrived = _pull(turn, amount);
        if (arrived == 0 || arrived > missing) revert BondExceeded(missing);
        _books[slot].bond += uint104(arrived);
        turn.others += arrived;
        emit BondPosted(slot, arrived);
        _end(turn);
    }

    function cancel() external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Offer);
        if (block.timestamp < turn.terms.activateBy()) revert TooEarly(turn.terms.activateBy());
        turn.stage = CLOSED;
        emit Cancelled();
        uint256 refund = turn.funds;
        if (refund != 0) {
            turn.funds = 0;
            turn.others += refund;
            emit Refunded(refund);
            _payClient(turn, refund);
        }
        for (uint256 slot = 0; slot < turn.terms.slotCount(); ++slot) {
            uint256 bond = _books[slot].bond;
            if (bond == 0) continue;
            _books[slot].bond = 0;
            emit BondReturned(slot, bond);
            _pay(turn, slot, bond, false);
        }
        _end(turn);
    }

    // --- money ------------------------------------------------------------------------------------------------------

    function claim(int256 provider, address to, bool early) external nonReentrant {
        Turn memory turn = _begin();
        uint256 amount = _claimable(turn, provider);
        if (amount == 0) revert NothingToDo();
        _demandAddress(to, amount);
        uint256 pays = amount;
        if (turn.below) {
            uint256 balance = Push.balance(turn.terms.token());
            uint256 tracked = turn.funds + turn.others;
            if (!early) revert BelowTracked(balance, tracked);
            pays = Math.mulDiv(amount, balance, tracked);
        }
        turn.others -= amount;
        if (provider == CLIENT) {
            _clientClaimable = 0;
            emit ClientClaimed(to, pays, amount - pays);
        } else {
            _books[uint256(provider)].claimable = 0;
            emit Claimed(uint256(provider), to, pays);
            if (pays != amount) emit GivenUp(uint256(provider), amount - pays);
        }
        _sendOut(turn, to, pays);
        _end(turn);
    }

    function _claimable(Turn memory turn, int256 provider) private view returns (uint256) {
        if (provider == CLIENT) {
            _demandClient(turn);
            return _clientClaimable;
        }
        _demandHolder(turn, uint256(provider));
        return _books[uint256(provider)].claimable;
    }

    function movePayout(uint256 provider, address to) external nonReentrant {
        Turn memory turn = _begin();
        _demandHolder(turn, provider);
        _demandAddress(to, 0);
        turn.flags |= MOVED;
        _books[provider].payout = to;
        emit PayoutMoved(provider, to);
        _end(turn);
    }

    function _demandHolder(Turn memory turn, uint256 tenure) private view {
        if (tenure >= _tenureCount(turn)) revert NoSuchProvider(tenure);
        if (msg.sender != _signerOf(turn, tenure)) revert NotProvider(msg.sender);
    }

    function _demandClient(Turn memory turn) private view {
        if (msg.sender != turn.terms.client()) revert NotClient(msg.sender);
    }

    /// @dev Money sent to nobody is lost, and money sent to the escrow itself would become client funding.
    function _demandAddress(address to, uint256 amount) private view {
        if (to == address(0) || to == address(this)) revert PushRefused(to, amount);
    }

    function withdraw(uint256 amount) external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        _demandClient(turn);
        if (_isQueued(turn)) revert ArrearsFirst(_queue.total);
        if (amount == 0) revert NothingToDo();
        // Above the required cover stays one reserve for the period to come.
        uint256 coming = Math.max(1, Math.min(_started(turn) + 1, _lastOf(turn)));
        uint256 cover = _requiredCover(turn) + _termsOf(turn, coming).reserve();
        uint256 spare = Math.saturatingSub(turn.funds, cover);
        if (amount > spare) revert ShortOfFunds(spare, amount);
        turn.funds -= amount;
        emit Withdrawn(amount);
        _sendOut(turn, turn.terms.client(), amount);
        _end(turn);
    }

    function recordUncovered() external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        uint256 required = _requiredCover(turn);
        if (turn.funds >= required || _is(turn, UNCOVERED)) revert NothingToDo();
        turn.flags |= UNCOVERED;
        _life.uncoveredSince = uint40(block.timestamp);
        emit UncoveredRecorded(block.timestamp, turn.funds, required);
        _end(turn);
    }

    // --- termination ------------------------------------------------------------------------------------------------

    /// @dev Makes `last` the last period, never a later one than before. It is never one before a period that started.
    function _endAfter(Turn memory turn, uint256 last, Cause cause) private {
        if (last >= _lastOf(turn)) revert NothingToDo();
        turn.flags |= SHORTENED;
        _life.last = uint16(last);
        ++_life.terminations;
        emit Terminated(last, cause);
    }

    /// @dev The terms of the current period, or of the first before it starts.
    function _currentTerms(Turn memory turn) private view returns (Terms) {
        return _termsOf(turn, Math.max(1, _started(turn)));
    }

    function terminateMutually(uint256 last, bytes[] calldata signatures) external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        uint256 current = _started(turn);
        if (last != current) revert OtherMoment(last, current);
        bytes32 terms = _currentTerms(turn).termsHash();
        bytes32 digest = Messages.terminationDigest(_separator(), terms, last, _life.terminations);
        _demandNoMore(_demandParties(turn, digest, _currentHolders(turn), signatures), signatures);
        _endAfter(turn, current, Cause.Mutual);
        _end(turn);
    }

    function terminateForConvenience() external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        bool byClient = msg.sender == turn.terms.client();
        uint256 current = Math.max(1, _started(turn));
        uint256 holders = _holdersOf(turn, current);
        uint256 allowed = turn.terms.convenience();
        if (byClient && allowed & 1 == 0) revert NotProvider(msg.sender);
        if (!byClient && (allowed & 2 == 0 || !_isAmong(turn, holders, msg.sender))) revert NotClient(msg.sender);
        uint256 last = turn.terms.startedAt(block.timestamp + turn.terms.noticeTime());
        uint256 slots = byClient ? turn.terms.slotCount() : 0;
        uint256 total = 0;
        for (uint256 slot = 0; slot < slots; ++slot) {
            total += turn.terms.feeOf(slot);
        }
        if (total != 0 && _isQueued(turn)) revert ArrearsFirst(_queue.total);
        uint256 spare = Math.saturatingSub(turn.funds, _requiredCover(turn));
        if (total > spare) revert ShortOfFunds(spare, total);
        _endAfter(turn, Math.min(last, _lastOf(turn)), Cause.Convenience);
        for (uint256 slot = 0; slot < slots; ++slot) {
            _payFee(turn, _holderOf(turn, slot, current), turn.terms.feeOf(slot));
        }
        _end(turn);
    }

    /// @dev Pays a fee outside the program: own debt first, no holdback.
    function _payFee(Turn memory turn, uint256 tenure, uint256 fee) private {
        if (fee == 0) return;
        uint256 off = _setOff(turn, tenure, fee);
        turn.funds -= fee - off;
        turn.others += fee - off;
        emit FeePaid(tenure, fee, off);
        _pay(turn, tenure, fee - off, false);
    }

    function _isAmong(Turn memory turn, uint256 tenures, address who) private view returns (bool) {
        for (uint256 tenure = 0; tenures >> tenure != 0; ++tenure) {
            if ((tenures >> tenure) & 1 != 0 && _signerOf(turn, tenure) == who) return true;
        }
        return false;
    }

    function terminateForStreak(uint256 slot) external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        _demandClient(turn);
        if (slot >= turn.terms.slotCount()) revert NoSuchProvider(slot);
        if (!_hasStreak(turn, slot)) revert NoCause();
        _endAfter(turn, _started(turn), Cause.Streak);
        _end(turn);
    }

    function terminateForUncovered() external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        if (!_isAmong(turn, _currentHolders(turn), msg.sender)) revert NotProvider(msg.sender);
        if (!_is(turn, UNCOVERED)) revert NoCause();
        uint256 curedBy = _life.uncoveredSince + turn.terms.cureWindow();
        if (block.timestamp < curedBy) revert TooEarly(curedBy);
        if (turn.funds >= _requiredCover(turn)) revert NoCause();
        _endAfter(turn, _started(turn), Cause.Uncovered);
        _end(turn);
    }

    function terminateOnFinding(bytes32 cause, address party, uint256 nonce, bytes calldata signature)
        external
        nonReentrant
    {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        Terms terms = _currentTerms(turn);
        bytes32 digest = Messages.findingDigest(_separator(), terms.termsHash(), cause, party, nonce);
        if (!_hasSigned(terms.arbitrator(), digest, signature)) revert NotArbitrator(terms.arbitrator());
        if (_findings[nonce]) revert UsedNonce(nonce, 0);
        _findings[nonce] = true;
        emit Found(cause, party, nonce);
        _endAfter(turn, _started(turn), Cause.Finding);
        _end(turn);
    }

    // --- closing ----------------------------------------------------------------------------------------------------

    function close(uint256 max) external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        uint256 last = _lastOf(turn);
        if (_settledCount(turn) != last) revert TooEarly(0);
        uint256 release = turn.terms.endOf(last) + turn.terms.holdbackDelay();
        if (block.timestamp < release) revert TooEarly(release);

        uint256 count = _tenureCount(turn);
        for (uint256 i = 0; i < count; ++i) {
            _collectDebt(turn, i);
        }
        // What the debts brought is funding; a loss not yet borne takes it first.
        _sync(turn, 0);
        bool served = _serveQueue(turn, max);
        if (_isQueued(turn) && turn.funds != 0) {
            if (!served) revert NothingToDo();
            _end(turn);
            return;
        }
        for (uint256 i = 0; i < count; ++i) {
            _release(turn, i);
        }
        for (uint256 i = 0; i < count; ++i) {
            int256 owed = int256(uint256(_books[i].arrears)) - int256(uint256(_books[i].debt));
            if (owed != 0) emit ClaimRecorded(i, owed);
        }
        uint256 refund = turn.funds;
        turn.stage = CLOSED;
        turn.funds = 0;
        turn.others += refund;
        emit Closed(refund);
        _payClient(turn, refund);
        _end(turn);
    }
}
