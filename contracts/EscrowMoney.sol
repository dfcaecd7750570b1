// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Terms} from "./DeployedTerms.sol";
import {EscrowState} from "./EscrowState.sol";
import {Push} from "./Push.sol";

/// @title The waterfall: how a settled amount becomes set-off, holdback, payment or arrears
/// @notice docs/protocol.md section 5; `pyoutcome/protocol/money.py` and `tokens.py` are the same in Python.
/// @dev Sums are kept in 128 bits: an amount has at most 112 (OutcomeEscrow), and there are at most 1,024 periods.
/// `below` says that the balance does not cover what is tracked, as this act's sync found it: then nothing is pushed.
abstract contract EscrowMoney is EscrowState {
    using SafeCast for uint256;
    using SafeCast for int256;

    uint256 private constant ONE = 1e18;

    // --- the border to the token ------------------------------------------------------------------------------------

    /// @dev Compares balance and tracked: a surplus becomes client funding, a loss takes client funding first.
    /// @param uncounted native coin that came with this call and is not yet booked
    function _sync(Terms terms, uint256 uncounted) internal returns (bool below) {
        // A token that reports more than 128 bits is believed up to there.
        uint256 balance = Math.min(Push.balance(terms.token()) - uncounted, type(uint128).max);
        Purse memory purse = _purse;
        if (balance == purse.tracked) return false;
        int256 change = int256(balance) - int256(uint256(purse.tracked));
        int256 booked = change < -int256(uint256(purse.funds)) ? -int256(uint256(purse.funds)) : change;
        below = change < booked;
        if (booked != 0) {
            _purse.funds = uint256(int256(uint256(purse.funds)) + booked).toUint128();
            _purse.tracked = uint256(int256(uint256(purse.tracked)) + booked).toUint128();
            emit Synced(booked);
        }
    }

    /// @dev Books `amount` that arrived, as client funding.
    function _receive(uint256 amount) internal {
        Purse memory purse = _purse;
        _purse = Purse((purse.funds + amount).toUint128(), (purse.tracked + amount).toUint128());
    }

    /// @dev Pushes money that is tracked as nobody's any more; what cannot be pushed becomes claimable.
    function _pay(Terms terms, uint256 provider, uint256 amount, bool below) internal {
        if (amount == 0) return;
        address to = _payoutOf(terms, provider);
        if (!below) {
            _purse.tracked -= amount.toUint128();
            if (Push.push(terms.token(), to, amount)) {
                emit Paid(uint8(provider), to, amount);
                return;
            }
            _purse.tracked += amount.toUint128();
        }
        _markExceptional(provider);
        _books[provider].claimable += amount.toUint128();
        emit Deferred(uint8(provider), amount);
    }

    // --- a settled period -------------------------------------------------------------------------------------------

    /// @dev Credits each provider its amount of a period: first every debt and set-off, then one split of the funding
    /// over what remains, then the pushes. So the order of the providers changes nobody's debt or holdback.
    function _credit(Terms terms, uint32 period, int256[] memory amounts, bool below) internal {
        for (uint256 i = 0; i < amounts.length; ++i) {
            if (amounts[i] < 0) _creditDebt(period, i, amounts[i]);
        }
        uint256[] memory setOffs = new uint256[](amounts.length);
        uint256 total = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            if (amounts[i] <= 0) continue;
            setOffs[i] = _setOff(i, uint256(amounts[i]));
            total += uint256(amounts[i]) - setOffs[i];
        }
        // While anyone is owed, every new sum joins the queue: funding serves the oldest first.
        bool queued = _hot.exceptional != 0 && _queue.length != 0;
        uint256 available = queued ? 0 : Math.min(_purse.funds, total);
        _purse.funds -= available.toUint128();

        uint256[] memory payments = new uint256[](amounts.length);
        uint256 cumulated = 0;
        uint256 granted = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            if (amounts[i] <= 0) continue;
            cumulated += uint256(amounts[i]) - setOffs[i];
            // floor(f * cum_i / total) - floor(f * cum_(i-1) / total): the shares use the funds to the last unit.
            uint256 upTo = available == total ? cumulated : Math.mulDiv(available, cumulated, total);
            payments[i] = _creditShare(terms, period, i, amounts[i], setOffs[i], upTo - granted);
            granted = upTo;
        }
        for (uint256 i = 0; i < amounts.length; ++i) {
            _pay(terms, i, payments[i], below);
        }
    }

    /// @dev A negative amount is new debt, which cancels the provider's own arrears at once, oldest first: a provider
    /// never has both. The loop is over its own unpaid entries only; each is taken out of the queue once.
    function _creditDebt(uint32 period, uint256 provider, int256 amount) private {
        Books storage books = _books[provider];
        books.earned += amount.toInt128();
        emit Credited(period, uint8(provider), amount, 0, 0, 0, 0);

        _markExceptional(provider);
        uint256 debt = uint256(-amount);
        uint256 entry = books.oldest;
        while (debt != 0 && books.arrears != 0) {
            uint256 off = Math.min(debt, _owed[entry].amount);
            emit ArrearsSetOff(_owed[entry].period, uint8(provider), off);
            _reduce(entry, off);
            debt -= off;
            entry = books.oldest;
        }
        books.debt += debt.toUint128();
    }

    /// @dev A positive amount first cancels the provider's own debt; returns how much it cancels.
    function _setOff(uint256 provider, uint256 amount) private returns (uint256 off) {
        if (!_isExceptional(provider)) return 0;
        Books storage books = _books[provider];
        off = Math.min(books.debt, amount);
        if (off != 0) books.debt -= off.toUint128();
    }

    /// @dev Books one provider's credit of which `granted` is funded; returns what is to be pushed.
    function _creditShare(Terms terms, uint32 period, uint256 provider, int256 amount, uint256 setOff, uint256 granted)
        private
        returns (uint256 payment)
    {
        uint256 held = _heldOf(terms, granted);
        uint256 owed = uint256(amount) - setOff - granted;
        payment = granted - held;

        Books storage books = _books[provider];
        books.earned += amount.toInt128();
        books.held += held.toUint128();
        if (owed != 0) _enqueue(period, provider, owed, granted);
        emit Credited(period, uint8(provider), amount, setOff, held, payment, owed);
    }

    /// @dev trunc(holdback rate x funded); what a further payment adds is the difference of two such values, so that it is
    /// the same however often the money comes in pieces.
    function _heldOf(Terms terms, uint256 funded) private pure returns (uint256) {
        return funded * terms.holdbackRate() / ONE;
    }

    // --- arrears ----------------------------------------------------------------------------------------------------

    function _enqueue(uint32 period, uint256 provider, uint256 amount, uint256 funded) private {
        _markExceptional(provider);
        Queue memory queue = _queue;
        uint32 entry = ++queue.last;
        _owed[entry] = Owed({
            amount: amount.toUint128(),
            period: period,
            provider: uint8(provider),
            nextOwn: 0,
            funded: funded.toUint128(),
            before: queue.tail,
            next: 0
        });
        if (queue.tail == 0) queue.head = entry;
        else _owed[queue.tail].next = entry;
        queue.tail = entry;
        ++queue.length;
        queue.total += amount.toUint128();
        _queue = queue;

        Books storage books = _books[provider];
        if (books.arrears == 0) books.oldest = entry;
        else _owed[books.newest].nextOwn = entry;
        books.newest = entry;
        books.arrears += amount.toUint128();
    }

    /// @dev Takes `amount` out of an entry, which is its provider's oldest, and the entry out of the list once it is empty.
    function _reduce(uint256 entry, uint256 amount) private {
        Owed memory owed = _owed[entry];
        Books storage books = _books[owed.provider];
        books.arrears -= amount.toUint128();
        _queue.total -= amount.toUint128();
        _owed[entry].amount = owed.amount - amount.toUint128();
        if (amount != owed.amount) return;

        books.oldest = owed.nextOwn;
        if (owed.before == 0) _queue.head = owed.next;
        else _owed[owed.before].next = owed.next;
        if (owed.next == 0) _queue.tail = owed.before;
        else _owed[owed.next].before = owed.before;
        --_queue.length;
        delete _owed[entry];
    }

    /// @dev Pays from client funding, at most `max` entries, oldest first. Returns whether any was touched.
    function _serveQueue(Terms terms, uint256 max, bool below) internal returns (bool touched) {
        for (; max != 0 && _queue.length != 0 && _purse.funds != 0; --max) {
            _payEntry(terms, _queue.head, below);
            touched = true;
        }
    }

    function _payEntry(Terms terms, uint256 entry, bool below) private {
        Owed memory owed = _owed[entry];
        uint256 amount = Math.min(owed.amount, _purse.funds);
        uint256 funded = owed.funded + amount;
        // After closing nothing is held back.
        uint256 held = _hot.stage == Stage.Closed ? 0 : _heldOf(terms, funded) - _heldOf(terms, owed.funded);

        _purse.funds -= amount.toUint128();
        _owed[entry].funded = funded.toUint128();
        _reduce(entry, amount);
        if (held != 0) {
            _books[owed.provider].held += held.toUint128();
            emit ArrearsHeld(owed.period, owed.provider, held);
        }
        emit ArrearsPaid(owed.period, owed.provider, amount - held);
        _pay(terms, owed.provider, amount - held, below);
    }

    // --- holdback ---------------------------------------------------------------------------------------------------

    /// @dev A debt takes the provider's holdback, which becomes client funding.
    function _collectDebt(uint256 provider) internal {
        if (!_isExceptional(provider)) return;
        Books storage books = _books[provider];
        uint128 off = Math.min(books.debt, books.held).toUint128();
        if (off == 0) return;
        books.debt -= off;
        books.held -= off;
        _purse.funds += off;
        emit HoldbackReleased(uint8(provider), off, off, 0);
    }

    /// @dev Releases what is held; its owner has no debt left, or nothing held.
    function _release(Terms terms, uint256 provider, bool below) internal {
        uint256 held = _books[provider].held;
        if (held == 0) return;
        _books[provider].held = 0;
        emit HoldbackReleased(uint8(provider), held, 0, held);
        _pay(terms, provider, held, below);
    }
}
