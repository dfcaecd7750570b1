// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {IEscrowErrors} from "./interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "./interfaces/IEscrowEvents.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {Words} from "./program/Words.sol";

/// @notice One act in the making: the hot slot's parts, and the terms. Written back by `_commit`.
struct Turn {
    Terms terms;
    uint256 funds;
    /// @dev Everything tracked that is not funding: holdback, bonds, stakes, claimable money.
    uint256 others;
    /// @dev Bit i: period i + 1 is settled; or, of a long agreement, how many are.
    uint256 settled;
    /// @dev An IEscrowErrors.Stage as a number.
    uint256 stage;
    uint256 flags;
    /// @dev The balance is below tracked, as the last sync found it: then nothing is pushed.
    bool below;
    /// @dev The hot slot as it stands in storage.
    uint256 stored;
}

/// @title What an escrow remembers
/// @dev All contracts that share the work inherit this layout. What never changes is in the clone's code. An ordinary
/// settlement writes one slot, and one per payee if there is holdback; what a flag does not say is there is not read.
abstract contract EscrowState is IEscrowErrors, IEscrowEvents, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;

    // Flags of the hot slot.
    uint256 internal constant ACCEPTED = 1;
    /// @dev A period ever had a window of its own.
    uint256 internal constant PROPOSED = 2;
    /// @dev Somebody ever had debt or arrears.
    uint256 internal constant OWING = 4;
    /// @dev A payout address ever changed.
    uint256 internal constant MOVED = 8;
    uint256 internal constant AMENDED = 16;
    /// @dev Termination made an earlier period the last.
    uint256 internal constant SHORTENED = 32;
    uint256 internal constant UNCOVERED = 64;
    /// @dev Some settled period lacked evidence.
    uint256 internal constant LACKING = 128;
    /// @dev A holder ever changed.
    uint256 internal constant ASSIGNED = 256;
    /// @dev A window ever had a place of its own.
    uint256 internal constant CROWDED = 512;

    /// @dev Agreements with more periods keep settled ones in a bit map of their own.
    uint256 internal constant MOST_HOT_PERIODS = 36;
    uint256 internal constant MONEY = type(uint104).max;

    // Stages as numbers.
    uint256 internal constant OFFER = uint256(Stage.Offer);
    uint256 internal constant ACTIVE = uint256(Stage.Active);
    uint256 internal constant CLOSED = uint256(Stage.Closed);

    int256 internal constant CLIENT = -1;
    /// @dev In a report: the value is missing.
    int256 internal constant MISSING = type(int256).min;

    /// @dev Written seldom, or by periods that settle in turn.
    struct Life {
        uint40 activatedAt;
        /// @dev When the latest period of a sequential program settled: the turn of the next one.
        uint40 turnAt;
        uint16 last;
        uint40 uncoveredSince;
        /// @dev Periods run without error that left what `_carried` has.
        uint32 runs;
        uint16 assignments;
        uint16 terminations;
        uint16 amendments;
        uint16 tenures;
    }

    /// @dev Money of one tenure. The first slot is written by every period with holdback, the others seldom.
    struct Books {
        uint104 held;
        uint128 debt;
        bool released;
        uint104 claimable;
        uint104 bond;
        uint128 arrears;
        /// @dev Its own entries in the queue, oldest and newest; linked by `nextOwn`.
        uint32 oldest;
        uint32 newest;
        /// @dev Zero: as in the terms.
        address payout;
    }

    /// @dev A holder that came later. The first tenures are the slots.
    struct Tenure {
        address holder;
        uint8 slot;
        uint16 first;
        /// @dev The tenure before it in its slot.
        uint16 before;
    }

    /// @dev One sum in arrears, an entry of a list in the order of payment. 0 is no entry.
    struct Owed {
        uint128 amount;
        uint16 period;
        uint16 tenure;
        uint32 nextOwn;
        uint32 before;
        uint32 next;
    }

    /// @dev The arrears of all, oldest first.
    struct Queue {
        uint32 head;
        uint32 tail;
        /// @dev Number of the entry made last.
        uint32 last;
        uint32 length;
        uint128 total;
    }

    /// @dev What a slot has had of a period; kept where more than one act credits it.
    struct Credit {
        /// @dev What of it money was there for: holdback is always trunc(rate x funded).
        uint112 funded;
        int120 amount;
        bool known;
    }

    /// @dev What is seldom to be said of a period.
    struct Notes {
        /// @dev Bit i: the evidence of slot i was missing in the final version, and it posted its digest.
        uint32 lacking;
        uint32 posted;
        bool clientPosted;
        uint16 agreements;
        /// @dev When its evidence was due, if some was missing.
        uint40 due;
    }

    /// @dev Rules in force from a period on.
    struct Amendment {
        address store;
        uint16 first;
        uint40 at;
    }

    uint256 internal _hot;
    Life internal _life;
    Queue internal _queue;
    mapping(uint256 tenure => Books) internal _books;
    mapping(uint256 entry => Owed) internal _owed;
    mapping(uint256 period => mapping(uint256 slot => Credit)) internal _credits;
    /// @dev Windows and disputes; EscrowPeriods says how.
    mapping(uint256 place => uint256) internal _proposals;
    mapping(uint256 period => Notes) internal _notes;
    mapping(uint256 slot => uint256) internal _latest;
    mapping(uint256 tenure => Tenure) internal _tenures;
    /// @dev Numbered from 1; 0 are the terms in the clone's code.
    mapping(uint256 number => Amendment) internal _amendments;
    mapping(bytes32 termsHash => bool) internal _known;
    /// @dev By the number of the amendment that started it anew; and, for each amendment, that number.
    mapping(uint256 number => ProgramState.Carried) internal _carried;
    mapping(uint256 amendment => uint256) internal _carriedBy;
    /// @dev As Life.runs, for carried state that an amendment started.
    mapping(uint256 carried => uint256) internal _runs;
    /// @dev What a slot earned, base units; only while the program reads it.
    mapping(uint256 slot => int256) internal _earned;
    mapping(uint256 slot => bool) internal _lapsed;
    mapping(uint256 nonce => bool) internal _findings;
    uint256 internal _clientClaimable;
    BitMaps.BitMap internal _settledMap;

    /// @dev The shared code itself is no escrow.
    address private immutable _self = address(this);

    function _demandEscrow() internal view {
        if (address(this) == _self) revert WrongStage(Stage.Closed);
    }

    // --- the hot slot -----------------------------------------------------------------------------------------------

    /// @dev Reads the terms in this clone's code and the hot slot.
    function _open() internal view returns (Turn memory turn) {
        _demandEscrow();
        turn.terms = DeployedTerms.read(address(this), 0x2d);
        uint256 word = _hot;
        turn.funds = word & MONEY;
        turn.others = Words.bits(word, 104, MONEY);
        turn.settled = Words.bits(word, 208, 2 ** 36 - 1);
        turn.stage = Words.bits(word, 244, 3);
        turn.flags = Words.bits(word, 246, 1023);
        turn.stored = word;
    }

    /// @dev Writes the hot slot if it changed.
    function _commit(Turn memory turn) internal {
        unchecked {
            (uint256 funds, uint256 others) = (turn.funds, turn.others);
            if (funds + others > MONEY) revert TooMuch(funds + others);
            // A product with a power of two, because a shift is one more call.
            uint256 word =
                funds | others * 2 ** 104 | turn.settled * 2 ** 208 | turn.stage * 2 ** 244 | turn.flags * 2 ** 246;
            if (word == turn.stored) return;
            turn.stored = word;
            _hot = word;
        }
    }

    function _is(Turn memory turn, uint256 flag) internal pure returns (bool) {
        return turn.flags & flag != 0;
    }

    function _demandStage(Turn memory turn, Stage wanted) internal pure {
        if (turn.stage != uint256(wanted)) revert WrongStage(Stage(turn.stage));
    }

    // --- periods ----------------------------------------------------------------------------------------------------

    function _lastOf(Turn memory turn) internal view returns (uint256) {
        return _is(turn, SHORTENED) ? _life.last : turn.terms.periodCount();
    }

    function _isLong(Turn memory turn) private pure returns (bool) {
        return turn.terms.periodCount() > MOST_HOT_PERIODS;
    }

    function _isSettled(Turn memory turn, uint256 period) internal view returns (bool) {
        unchecked {
            return _isLong(turn) ? _settledMap.get(period) : (turn.settled >> (period - 1)) & 1 != 0;
        }
    }

    function _setSettled(Turn memory turn, uint256 period) internal {
        unchecked {
            if (!_isLong(turn)) {
                turn.settled |= 1 << (period - 1);
            } else if (!_settledMap.get(period)) {
                _settledMap.set(period);
                ++turn.settled;
            }
        }
    }

    /// @dev How many periods are settled.
    function _settledCount(Turn memory turn) internal pure returns (uint256 count) {
        if (_isLong(turn)) return turn.settled;
        unchecked {
            for (uint256 bits = turn.settled; bits != 0; bits &= bits - 1) {
                ++count;
            }
        }
    }

    /// @dev Whether all periods before this one are settled.
    function _isNext(Turn memory turn, uint256 period) internal view returns (bool) {
        unchecked {
            if (_isLong(turn)) return _firstUnsettled(turn) >= period;
            uint256 earlier = (1 << (period - 1)) - 1;
            return turn.settled & earlier == earlier;
        }
    }

    /// @dev The lowest period that is not settled.
    function _firstUnsettled(Turn memory turn) internal view returns (uint256 period) {
        uint256 last = turn.terms.periodCount();
        for (period = 1; period <= last && _isSettled(turn, period);) {
            ++period;
        }
    }

    function _demandPeriod(Turn memory turn, uint256 period) internal view {
        _demandStage(turn, Stage.Active);
        if (period == 0 || period > _lastOf(turn)) revert NoSuchPeriod(period);
    }

    /// @dev How many periods up to the last have started.
    function _started(Turn memory turn) internal view returns (uint256) {
        uint256 started = turn.terms.startedAt(block.timestamp);
        uint256 last = _lastOf(turn);
        return started < last ? started : last;
    }
}
