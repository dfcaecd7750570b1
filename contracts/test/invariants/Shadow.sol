// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reach} from "./Reach.sol";
import {Vm} from "../Base.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";

/// @title A second set of books, folded from the events alone
/// @notice Numbers in the reasons are those of docs/invariants.md. A subtraction that goes below zero here is a violation
/// too, and so is money that an event moves from where there is none.
abstract contract Shadow is Reach {
    /// @dev One tenure's money.
    struct Ghost {
        uint256 held;
        uint256 debt;
        uint256 arrears;
        uint256 claimable;
        uint256 bond;
        int256 earned;
        uint256 fees;
        uint256 paid;
        uint256 repaid;
        /// @dev Left every account in this act, and no event has said yet where it went.
        uint256 due;
        /// @dev The same, of SettledInFull: without another event it is paid.
        uint256 quiet;
        bool released;
    }

    struct Entry {
        uint256 period;
        uint256 tenure;
        uint256 amount;
    }

    /// @dev What a period gave a tenure.
    struct Share {
        int256 credited;
        uint256 funded;
        uint256 held;
        /// @dev Credited when the dispute was opened.
        int256 undisputed;
    }

    int256 private constant CLIENT_ = -1;

    uint256 internal ghostFunds;
    uint256 internal ghostClient;
    uint256 internal ghostStakes;
    /// @dev All that pushes ever failed to send.
    uint256 internal ghostDeferred;
    uint256 private _clientDue;
    mapping(uint256 => Ghost) internal ghosts;
    Entry[] private _entries;
    uint256 private _oldest;
    uint256 private _entriesBefore;
    mapping(uint256 period => mapping(uint256 tenure => Share)) internal shares;
    mapping(uint256 period => mapping(int256 party => uint256)) internal stakeOf;
    mapping(uint256 period => uint256) internal timesSettled;
    /// @dev The values on which a period was or will be settled.
    mapping(uint256 period => int256[]) internal final_;
    uint256 internal rate;
    bool internal lossy;
    bool internal restated;

    // This act's.
    uint256 private _agreed;
    uint256 private _disputed;
    uint256[] private _settled;
    mapping(uint256 => int256[]) private _amounts;

    // --- fold -------------------------------------------------------------------------------------------------------

    /// @dev What a program pays on values; empty where this cannot be said without the escrow.
    function expected(uint256 period, int256[] memory values) internal view virtual returns (int256[] memory);
    function subject() internal view virtual returns (IOutcomeEscrow);

    /// @dev What one step of a KPI is as a value of the formula.
    function stepOf(uint256 kpi) internal view virtual returns (int256);

    /// @dev The values of a report that stand at `at`, and where they end: each its size and its digits; size 255 is missing.
    function valuesIn(bytes memory said, uint256 at) private view returns (int256[] memory values, uint256) {
        values = new int256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 size = uint8(said[at++]);
            if (size == 255) {
                values[i] = type(int256).min;
                continue;
            }
            int256 digits = size != 0 && uint8(said[at]) >= 128 ? -1 : int256(0);
            values[i] = (digits << (8 * size) | int256(numberIn(said, at, size))) * stepOf(i);
            at += size;
        }
        return (values, at);
    }

    function numberIn(bytes memory said, uint256 at, uint256 width) private pure returns (uint256 number) {
        for (uint256 end = at + width; at < end; ++at) {
            number = number << 8 | uint8(said[at]);
        }
    }

    /// @dev [32 evidence][4 verifiers][values]
    function foldReported(uint256 period, bytes memory said) private {
        uint256 at;
        (final_[period], at) = valuesIn(said, 36);
        equal(said.length, at, "a report's event ends with its values");
    }

    /// @dev [2 period][32 evidence][4 verifiers][values][14 per amount]
    function foldReportedInFull(bytes memory said) private {
        uint256 period = numberIn(said, 0, 2);
        uint256 at;
        (final_[period], at) = valuesIn(said, 38);
        equal(said.length, at + 3 * 14, "the event ends with its amounts");
        int256[] memory amounts = new int256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            amounts[i] = int256(numberIn(said, at + 14 * i, 14));
        }
        foldInFull(period, amounts);
    }

    function fold(Vm.Log[] memory logs) internal {
        (_agreed, _disputed) = (0, 0);
        delete _settled;
        _entriesBefore = _entries.length;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(subject())) continue;
            reach("event", logs[i].topics[0]);
            foldOne(logs[i].topics[0], logs[i].topics, logs[i].data);
        }
        settleDues();
    }

    function foldOne(bytes32 kind, bytes32[] memory topics, bytes memory data) private {
        uint256 a = topics.length > 1 ? uint256(topics[1]) : 0;
        uint256 b = topics.length > 2 ? uint256(topics[2]) : 0;
        if (kind == IEscrowEvents.Credited.selector) return foldCredited(a, b, data);
        if (kind == IEscrowEvents.Paid.selector) return foldPaid(a, abi.decode(data, (uint256)));
        if (kind == IEscrowEvents.Settled.selector) {
            (int256[] memory amounts, uint8 programError) = abi.decode(data, (int256[], uint8));
            return foldSettled(a, amounts, programError);
        }
        if (kind == IEscrowEvents.SettledInFull.selector) return foldInFull(a, abi.decode(data, (int256[])));
        if (kind == IEscrowEvents.ReportedInFull.selector) {
            return foldReportedInFull(abi.decode(data, (bytes)));
        }
        if (foldPeriods(kind, a, b, topics, data) || foldClient(kind, data)) return;
        foldAccounts(kind, a, b, data);
    }

    function foldPeriods(bytes32 kind, uint256 a, uint256 b, bytes32[] memory topics, bytes memory data)
        private
        returns (bool)
    {
        if (kind == IEscrowEvents.Reported.selector) {
            foldReported(a, abi.decode(data, (bytes)));
        } else if (kind == IEscrowEvents.DefaultProposed.selector) {
            final_[a] = [type(int256).min, type(int256).min, type(int256).min];
        } else if (kind == IEscrowEvents.Ruled.selector) {
            final_[a] = abi.decode(data, (int256[]));
        } else if (kind == IEscrowEvents.Agreed.selector) {
            (, final_[a]) = abi.decode(data, (uint256, int256[]));
            _agreed = a;
            restated = true;
        } else if (kind == IEscrowEvents.Disputed.selector) {
            _disputed = a;
        } else if (kind == IEscrowEvents.Challenged.selector) {
            (uint256 stake,,) = abi.decode(data, (uint256, int256[], int256[]));
            stakeOf[a][int256(b)] += stake;
            ghostStakes += stake;
        } else if (kind == IEscrowEvents.StakeReturned.selector) {
            takeStake(a, int256(b), int256(b), abi.decode(data, (uint256)));
        } else if (kind == IEscrowEvents.StakeLost.selector) {
            int256 to = int256(uint256(topics[3]));
            check(to != int256(b), "20: a lost stake went to its own party");
            uint256 amount = abi.decode(data, (uint256));
            if (to == CLIENT_) ghostFunds += amount;
            takeStake(a, int256(b), to == CLIENT_ ? type(int256).max : to, amount);
        } else {
            return false;
        }
        return true;
    }

    function takeStake(uint256 period, int256 party, int256 to, uint256 amount) private {
        stakeOf[period][party] -= amount;
        ghostStakes -= amount;
        if (to == CLIENT_) _clientDue += amount;
        else if (to != type(int256).max) ghosts[uint256(to)].due += amount;
    }

    function foldClient(bytes32 kind, bytes memory data) private returns (bool) {
        if (kind == IEscrowEvents.Deposited.selector) {
            ghostFunds += abi.decode(data, (uint256));
        } else if (kind == IEscrowEvents.Withdrawn.selector) {
            ghostFunds -= abi.decode(data, (uint256));
        } else if (kind == IEscrowEvents.Synced.selector) {
            int256 change = abi.decode(data, (int256));
            lossy = lossy || change < 0;
            ghostFunds = uint256(int256(ghostFunds) + change);
            check(int256(ghostFunds) >= 0, "2: funding below zero");
        } else if (kind == IEscrowEvents.Refunded.selector || kind == IEscrowEvents.Closed.selector) {
            uint256 amount = abi.decode(data, (uint256));
            ghostFunds -= amount;
            _clientDue += amount;
        } else if (kind == IEscrowEvents.ClientDeferred.selector) {
            uint256 amount = abi.decode(data, (uint256));
            _clientDue -= amount;
            ghostClient += amount;
            ghostDeferred += amount;
        } else if (kind == IEscrowEvents.ClientClaimed.selector) {
            (uint256 amount, uint256 givenUp) = abi.decode(data, (uint256, uint256));
            ghostClient -= amount + givenUp;
        } else {
            return false;
        }
        return true;
    }

    function foldAccounts(bytes32 kind, uint256 a, uint256 b, bytes memory data) private {
        Ghost storage g = ghosts[a];
        if (kind == IEscrowEvents.BondPosted.selector) {
            g.bond += abi.decode(data, (uint256));
        } else if (kind == IEscrowEvents.Deferred.selector) {
            uint256 amount = abi.decode(data, (uint256));
            drawDue(g, amount);
            g.claimable += amount;
            ghostDeferred += amount;
        } else if (kind == IEscrowEvents.Claimed.selector || kind == IEscrowEvents.GivenUp.selector) {
            g.claimable -= abi.decode(data, (uint256));
        } else if (kind == IEscrowEvents.ArrearsHeld.selector) {
            foldServed(a, b, abi.decode(data, (uint256)), true);
        } else if (kind == IEscrowEvents.ArrearsPaid.selector) {
            foldServed(a, b, abi.decode(data, (uint256)), false);
        } else if (kind == IEscrowEvents.ArrearsSetOff.selector) {
            foldOff(a, b, abi.decode(data, (uint256)));
        } else if (kind == IEscrowEvents.HoldbackReleased.selector) {
            (uint256 amount, uint256 off, uint256 paid) = abi.decode(data, (uint256, uint256, uint256));
            equal(amount, off + paid, "2: holdback is debt or payment");
            g.held -= amount;
            g.debt -= off;
            ghostFunds += off;
            g.due += paid;
            g.paid += paid;
        } else if (kind == IEscrowEvents.BondTaken.selector) {
            uint256 amount = abi.decode(data, (uint256));
            g.bond -= amount;
            g.debt -= amount;
            g.repaid += amount;
            ghostFunds += amount;
        } else if (kind == IEscrowEvents.BondReturned.selector) {
            uint256 amount = abi.decode(data, (uint256));
            g.bond -= amount;
            g.due += amount;
        } else if (kind == IEscrowEvents.FeePaid.selector) {
            (uint256 amount, uint256 off) = abi.decode(data, (uint256, uint256));
            g.fees += amount;
            g.debt -= off;
            g.paid += amount - off;
            g.due += amount - off;
            ghostFunds -= amount - off;
        }
    }

    function drawDue(Ghost storage g, uint256 amount) private {
        if (g.due >= amount) {
            g.due -= amount;
        } else {
            // What an ordinary settlement paid has no event of its own, unless the push failed.
            g.quiet -= amount;
        }
    }

    function foldPaid(uint256 tenure, uint256 amount) private {
        ghosts[tenure].due -= amount;
    }

    function foldCredited(uint256 period, uint256 tenure, bytes memory data) private {
        (int256 amount, uint256 off, uint256 held, uint256 paid, uint256 owed) =
            abi.decode(data, (int256, uint256, uint256, uint256, uint256));
        book(period, tenure, amount);
        if (amount < 0) {
            ghosts[tenure].debt += uint256(-amount);
            return;
        }
        equal(uint256(amount), off + held + paid + owed, "2: a credit is all of its parts");
        Ghost storage g = ghosts[tenure];
        g.debt -= off;
        fund(period, tenure, held, paid);
        g.due += paid;
        if (owed == 0) return;
        g.arrears += owed;
        _entries.push(Entry(period, tenure, owed));
    }

    function book(uint256 period, uint256 tenure, int256 amount) private {
        shares[period][tenure].credited += amount;
        ghosts[tenure].earned += amount;
    }

    function fund(uint256 period, uint256 tenure, uint256 held, uint256 paid) private {
        if (held + paid != 0) {
            for (uint256 i = _oldest; i < _entriesBefore; ++i) {
                equal(0, _entries[i].amount, "9: paid while an earlier sum is owed");
            }
        }
        ghostFunds -= held + paid;
        hold(period, tenure, held, paid);
    }

    function hold(uint256 period, uint256 tenure, uint256 held, uint256 paid) private {
        Ghost storage g = ghosts[tenure];
        Share storage share = shares[period][tenure];
        g.held += held;
        g.paid += paid;
        share.held += held;
        share.funded += held + paid;
    }

    function foldInFull(uint256 period, int256[] memory amounts) private {
        foldSettled(period, amounts, 0);
        for (uint256 i = 0; i < amounts.length; ++i) {
            if (amounts[i] == 0) continue;
            uint256 amount = uint256(amounts[i]);
            book(period, i, amounts[i]);
            uint256 held = amount * rate / 1e18;
            fund(period, i, held, amount - held);
            ghosts[i].quiet += amount - held;
        }
    }

    function foldServed(uint256 period, uint256 tenure, uint256 amount, bool held) private {
        while (_oldest < _entries.length && _entries[_oldest].amount == 0) {
            ++_oldest;
        }
        if (amount != 0) {
            Entry storage entry = _entries[_oldest];
            check(entry.period == period && entry.tenure == tenure, "9: not the oldest sum in arrears");
            entry.amount -= amount;
        }
        Ghost storage g = ghosts[tenure];
        g.arrears -= amount;
        ghostFunds -= amount;
        hold(period, tenure, held ? amount : 0, held ? 0 : amount);
        if (!held) g.due += amount;
        if (!held) checkShare(period, tenure);
    }

    function foldOff(uint256 period, uint256 tenure, uint256 amount) private {
        uint256 at = _oldest;
        while (_entries[at].tenure != tenure || _entries[at].amount == 0) {
            ++at;
        }
        equal(period, _entries[at].period, "9: debt cancels the own arrears oldest first");
        _entries[at].amount -= amount;
        ghosts[tenure].arrears -= amount;
        ghosts[tenure].debt -= amount;
    }

    function foldSettled(uint256 period, int256[] memory amounts, uint8 programError) private {
        check(timesSettled[period]++ == 0 || _agreed == period, "5: settled twice without an agreement");
        _settled.push(period);
        _amounts[period] = amounts;
        reach("error", bytes32(uint256(programError)));
        int256[] memory own = expected(period, final_[period]);
        for (uint256 i = 0; i < own.length; ++i) {
            equal(own[i], amounts[i], "6: an amount is not the program's");
        }
        if (_agreed == period) return;
        for (uint256 slot = 0; slot < amounts.length; ++slot) {
            int256 least = shares[period][subject().holderOf(slot, period)].undisputed;
            check(
                least <= (amounts[slot] < 0 ? int256(0) : amounts[slot]),
                "8: more was credited in a dispute than is final"
            );
        }
    }

    // --- after an act -----------------------------------------------------------------------------------------------

    function settleDues() private {
        IOutcomeEscrow escrow_ = subject();
        uint256 count = escrow_.tenures();
        for (uint256 i = 0; i < count; ++i) {
            equal(0, ghosts[i].due, "2: an event is missing that says where money went");
            ghosts[i].quiet = 0;
        }
        _clientDue = 0;
        for (uint256 i = 0; i < _settled.length; ++i) {
            uint256 period = _settled[i];
            for (uint256 slot = 0; slot < _amounts[period].length; ++slot) {
                uint256 tenure = escrow_.holderOf(slot, period);
                equal(_amounts[period][slot], shares[period][tenure].credited, "7: the total depends on the path");
                checkShare(period, tenure);
            }
        }
        if (_disputed != 0) {
            for (uint256 slot = 0; slot < 3; ++slot) {
                uint256 tenure = escrow_.holderOf(slot, _disputed);
                shares[_disputed][tenure].undisputed = shares[_disputed][tenure].credited;
                checkShare(_disputed, tenure);
            }
        }
        for (uint256 i = 0; i < count; ++i) {
            ghosts[i].released = escrow_.account(i).released;
        }
    }

    /// @dev Holdback = trunc(rate x funded) per period and payee, until it is released.
    function checkShare(uint256 period, uint256 tenure) private view {
        if (ghosts[tenure].released) return;
        Share storage share = shares[period][tenure];
        equal(share.funded * rate / 1e18, share.held, "14: holdback is not the share of what was funded");
    }

    // --- laws that hold at any moment -------------------------------------------------------------------------------

    function checkAccounts() internal view returns (uint256 own) {
        IOutcomeEscrow escrow_ = subject();
        equal(ghostFunds, escrow_.funds(), "2: funding");
        equal(ghostClient, escrow_.clientClaimable(), "2: the client's claimable money");
        own = ghostFunds + ghostClient + ghostStakes;
        uint256 arrears = 0;
        uint256 count = escrow_.tenures();
        for (uint256 i = 0; i < count; ++i) {
            IOutcomeEscrow.Account memory books = escrow_.account(i);
            Ghost storage g = ghosts[i];
            equal(g.held, books.held, "2: held");
            equal(g.debt, books.debt, "2: debt");
            equal(g.arrears, books.arrears, "2: arrears");
            equal(g.claimable, books.claimable, "2: claimable");
            equal(g.bond, books.bond, "2: bond");
            check(books.debt == 0 || books.arrears == 0, "4: debt and arrears at once");
            equal(
                g.earned + int256(g.fees),
                int256(g.paid + books.held + books.arrears) - int256(books.debt) - int256(g.repaid),
                "3: account identity"
            );
            own += books.held + books.claimable + books.bond;
            arrears += books.arrears;
        }
        uint256 queued = 0;
        uint256 entries = 0;
        for (uint256 i = _oldest; i < _entries.length; ++i) {
            queued += _entries[i].amount;
            if (_entries[i].amount != 0) ++entries;
        }
        equal(arrears, queued, "9: the queue is what is owed");
        equal(entries, escrow_.queueLength(), "9: entries of the queue");
        equal(own, escrow_.tracked(), "1: tracked is the sum of what it is for");
    }
}
