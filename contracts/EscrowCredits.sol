// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {DeployedTerms} from "./DeployedTerms.sol";
import {EscrowOrdinary} from "./EscrowOrdinary.sol";
import {Turn} from "./EscrowState.sol";

/// @title The waterfall: how a settled amount becomes set-off, holdback, payment or arrears
/// @notice docs/protocol.md section 5; `pyoutcome/protocol/money.py` is the same in Python.
/// @dev An amount has at most 112 bits (EscrowPricing), and there are at most 1,024 periods: sums fit 128.
abstract contract EscrowCredits is EscrowOrdinary {
    /// @dev One period's credit in the making.
    struct Crediting {
        uint256 period;
        /// @dev Per slot: the tenure, what is left to credit, what of it is due after set-off, what was set off, what is paid.
        uint256[] tenures;
        int256[] rests;
        uint256[] due;
        uint256[] setOffs;
        uint256[] payments;
        /// @dev What was credited before by another act; empty if nothing.
        int256[] before;
    }

    /// @dev Credits each slot of a period up to its target, less what it was credited before. First every debt and set-off,
    /// then one split of the funding over what remains, then the pushes: the order of the payees changes nobody's debt.
    function _credit(Turn memory turn, uint256 period, int256[] memory targets, int256[] memory before) internal {
        uint256 count = targets.length;
        Crediting memory c;
        (c.period, c.before) = (period, before);
        c.tenures = new uint256[](count);
        c.rests = new int256[](count);
        for (uint256 i = 0; i < count; ++i) {
            c.tenures[i] = _holderOf(turn, i, period);
            c.rests[i] = before.length == 0 ? targets[i] : targets[i] - before[i];
            if (c.rests[i] >= 0) continue;
            emit Credited(period, c.tenures[i], c.rests[i], 0, 0, 0, 0);
            _note(turn, c, i, 0, false);
            _addDebt(turn, c.tenures[i], uint256(-c.rests[i]));
        }
        c.due = new uint256[](count);
        c.setOffs = new uint256[](count);
        c.payments = new uint256[](count);
        uint256 total = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (c.rests[i] <= 0) continue;
            c.setOffs[i] = _setOff(turn, c.tenures[i], uint256(c.rests[i]));
            c.due[i] = uint256(c.rests[i]) - c.setOffs[i];
            total += c.due[i];
        }
        _split(turn, c, total);
        for (uint256 i = 0; i < count; ++i) {
            _pay(turn, c.tenures[i], c.payments[i], false);
        }
    }

    /// @dev floor(f * cum_i / total) - floor(f * cum_(i-1) / total) each: the shares use the funds to the last unit. While
    /// anyone is owed, every new sum joins the queue: funding serves the oldest first.
    function _split(Turn memory turn, Crediting memory c, uint256 total) private {
        uint256 available = _isQueued(turn) ? 0 : Math.min(turn.funds, total);
        turn.funds -= available;
        turn.others += available;
        uint256 cumulated = 0;
        uint256 granted = 0;
        for (uint256 i = 0; i < c.rests.length; ++i) {
            if (c.rests[i] <= 0) continue;
            cumulated += c.due[i];
            uint256 upTo = available == total ? cumulated : Math.mulDiv(available, cumulated, total);
            _creditShare(turn, c, i, upTo - granted);
            granted = upTo;
        }
    }

    /// @dev Books one slot's credit of which `granted` is funded.
    function _creditShare(Turn memory turn, Crediting memory c, uint256 slot, uint256 granted) private {
        uint256 tenure = c.tenures[slot];
        uint256 owed = c.due[slot] - granted;
        uint256 funded = _note(turn, c, slot, granted, owed != 0 || c.setOffs[slot] != 0);
        uint256 held = _hold(turn, tenure, funded, granted);
        c.payments[slot] = granted - held;
        if (owed != 0) _enqueue(turn, c.period, tenure, owed);
        emit Credited(c.period, tenure, c.rests[slot], c.setOffs[slot], held, granted - held, owed);
    }

    /// @dev Keeps what a slot has had of a period where a later act will need it; returns what was funded before. Without a
    /// record everything credited before was funded: it came with an act in which nobody owed anything.
    function _note(Turn memory turn, Crediting memory c, uint256 slot, uint256 granted, bool needed)
        private
        returns (uint256 funded)
    {
        bool restates = turn.terms.has(DeployedTerms.RESTATES);
        int256 amount = c.before.length == 0 ? int256(0) : c.before[slot];
        if (amount > 0) funded = uint256(amount);
        Credit memory credit;
        if (restates || _is(turn, OWING)) credit = _credits[c.period][slot];
        if (credit.known) funded = credit.funded;
        if (!credit.known && !restates && !needed) return funded;
        _credits[c.period][slot] = Credit(uint112(funded + granted), int120(amount + c.rests[slot]), true);
    }

    /// @dev Holds back a part of `granted`: trunc(holdback rate x funded) in all, however often the money comes in pieces.
    function _hold(Turn memory turn, uint256 tenure, uint256 funded, uint256 granted) internal returns (uint256 held) {
        uint256 rate = turn.terms.holdbackRate();
        if (rate == 0 || (_is(turn, ASSIGNED) && _books[tenure].released) || turn.stage == CLOSED) return 0;
        held = (funded + granted) * rate / ONE - funded * rate / ONE;
        if (held != 0) _books[tenure].held += uint104(held);
    }

    /// @dev A positive amount first cancels the payee's own debt; returns how much it cancels.
    function _setOff(Turn memory turn, uint256 tenure, uint256 amount) internal returns (uint256 off) {
        if (!_is(turn, OWING)) return 0;
        off = Math.min(_books[tenure].debt, amount);
        if (off != 0) _books[tenure].debt -= uint128(off);
    }

    /// @dev New debt cancels the payee's own arrears at once, oldest first: a payee never has both. The loop is over its own
    /// unpaid entries only; each is taken out of the queue once.
    function _addDebt(Turn memory turn, uint256 tenure, uint256 debt) private {
        turn.flags |= OWING;
        Books storage books = _books[tenure];
        while (debt != 0 && books.arrears != 0) {
            uint256 entry = books.oldest;
            uint256 off = Math.min(debt, _owed[entry].amount);
            emit ArrearsSetOff(_owed[entry].period, tenure, off);
            _reduce(entry, off);
            debt -= off;
        }
        if (debt != 0) books.debt += uint128(debt);
    }

    // --- arrears ----------------------------------------------------------------------------------------------------

    function _enqueue(Turn memory turn, uint256 period, uint256 tenure, uint256 amount) private {
        turn.flags |= OWING;
        Queue memory queue = _queue;
        uint32 entry = ++queue.last;
        _owed[entry] = Owed(uint128(amount), uint16(period), uint16(tenure), 0, queue.tail, 0);
        if (queue.tail == 0) queue.head = entry;
        else _owed[queue.tail].next = entry;
        queue.tail = entry;
        ++queue.length;
        queue.total += uint128(amount);
        _queue = queue;

        Books storage books = _books[tenure];
        if (books.arrears == 0) books.oldest = entry;
        else _owed[books.newest].nextOwn = entry;
        books.newest = entry;
        books.arrears += uint128(amount);
    }

    /// @dev Takes `amount` out of an entry, which is its tenure's oldest, and the entry out of the list once it is empty.
    function _reduce(uint256 entry, uint256 amount) private {
        Owed memory owed = _owed[entry];
        Books storage books = _books[owed.tenure];
        books.arrears -= uint128(amount);
        _queue.total -= uint128(amount);
        _owed[entry].amount = owed.amount - uint128(amount);
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
    function _serveQueue(Turn memory turn, uint256 max) internal returns (bool touched) {
        for (; max != 0 && turn.funds != 0 && _isQueued(turn); --max) {
            _payEntry(turn, _queue.head);
            touched = true;
        }
    }

    function _payEntry(Turn memory turn, uint256 entry) private {
        Owed memory owed = _owed[entry];
        uint256 amount = Math.min(owed.amount, turn.funds);
        uint256 slot = _slotOf(turn, owed.tenure);
        uint256 funded = _credits[owed.period][slot].funded;
        turn.funds -= amount;
        turn.others += amount;
        _credits[owed.period][slot].funded = uint112(funded + amount);
        _reduce(entry, amount);
        uint256 held = _hold(turn, owed.tenure, funded, amount);
        if (held != 0) emit ArrearsHeld(owed.period, owed.tenure, held);
        emit ArrearsPaid(owed.period, owed.tenure, amount - held);
        _pay(turn, owed.tenure, amount - held, false);
    }

    // --- bonds and holdback -----------------------------------------------------------------------------------------

    /// @dev A debt takes the payee's bond, then its holdback; both become client funding.
    function _collectDebt(Turn memory turn, uint256 tenure) internal {
        if (!_is(turn, OWING)) return;
        Books storage books = _books[tenure];
        uint256 taken = Math.min(books.debt, books.bond);
        if (taken != 0) {
            books.debt -= uint128(taken);
            books.bond -= uint104(taken);
            emit BondTaken(tenure, taken);
        }
        uint256 off = Math.min(books.debt, books.held);
        if (off != 0) {
            books.debt -= uint128(off);
            books.held -= uint104(off);
            emit HoldbackReleased(tenure, off, off, 0);
        }
        turn.others -= taken + off;
        turn.funds += taken + off;
    }

    /// @dev Releases a tenure's bond and holdback after its debt has taken from them; nothing more is held back from it.
    function _release(Turn memory turn, uint256 tenure) internal {
        _collectDebt(turn, tenure);
        Books storage books = _books[tenure];
        uint256 bond = books.bond;
        uint256 held = books.held;
        books.released = true;
        if (bond != 0) {
            books.bond = 0;
            emit BondReturned(tenure, bond);
        }
        if (held != 0) books.held = 0;
        if (bond != 0) _pay(turn, tenure, bond, false);
        if (held == 0) return;
        emit HoldbackReleased(tenure, held, 0, held);
        _pay(turn, tenure, held, false);
    }

    /// @dev Releases bond and holdback of a tenure that another follows, once all its periods are settled.
    function _releaseOutgoing(Turn memory turn, uint256 tenure) internal {
        uint256 next = _latest[_slotOf(turn, tenure)];
        if (next == 0 || next == tenure || _books[tenure].released) return;
        while (_tenures[next].before != tenure) {
            next = _tenures[next].before;
        }
        uint256 last = _lastOf(turn);
        for (uint256 period = _firstOf(turn, tenure); period < _tenures[next].first && period <= last; ++period) {
            if (!_isSettled(turn, period)) return;
        }
        _release(turn, tenure);
    }
}
