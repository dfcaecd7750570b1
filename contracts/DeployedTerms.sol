// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RuleTerms} from "./RuleTerms.sol";
import {ShortNumbers} from "./ShortNumbers.sol";
import {ProgramStore} from "./program/ProgramStore.sol";
import {Words} from "./program/Words.sol";

/// @notice The terms of an escrow in memory: the address of the words that say where their parts begin (DeployedTerms).
type Terms is uint256;

using DeployedTerms for Terms global;
using RuleTerms for Terms global;

/// @title Reads packed arguments where they stand
/// @notice What never changes lives in code: program ++ arguments ++ tail, written by the factory. docs/protocol.md
/// section 12 fixes the bytes of the arguments. The tail is [32 terms hash], then of a registered program [20 its store],
/// of one that stands here [40 lines and payees if it is sequential][2 size of the arguments], and [1 kind].
/// @dev Indexes are not checked here; the caller has compared them with the counts, and the factory has checked sizes.
library DeployedTerms {
    // Places of those words. All but `head` and `slotBytes` are addresses of memory.
    uint256 private constant DEAL = 0x00;
    uint256 private constant RULES = 0x20;
    uint256 private constant HEAD = 0x40;
    uint256 private constant SLOT_BYTES = 0x60;
    uint256 private constant SCHEDULE = 0x80;
    uint256 private constant TAIL = 0xa0;
    uint256 private constant END = 0xc0;
    uint256 private constant PROGRAM = 0xe0;
    uint256 private constant PARTS = 8;

    // Bits of the kind.
    uint256 internal constant REGISTERED = 1;
    uint256 internal constant SEQUENTIAL = 2;

    // Bits of the deal's flags.
    uint256 internal constant PAYOUTS = 1;
    uint256 internal constant BONDS = 2;
    uint256 internal constant BACKUPS = 4;
    uint256 internal constant EXITS = 8;
    uint256 internal constant RESTATES = 16;
    uint256 internal constant HOLDBACK = 32;

    /// @dev Where they stand in `head`.
    uint256 private constant FLAGS = 8;

    // Bytes before the slots, of the part on exits, and of a sum of money.
    uint256 internal constant DEAL_HEAD = 61;
    uint256 internal constant EXIT_SIZE = 10;
    uint256 internal constant MONEY = 13;

    /// @dev Copies the terms in the code of `account`, behind its first `prefix` bytes, into memory.
    function read(address account, uint256 prefix) internal view returns (Terms) {
        return inside(Words.codeOf(account, prefix));
    }

    /// @dev The same for terms that are already in memory. The word before them becomes the length of the program, so that
    /// it is a `bytes` where it stands.
    function inside(bytes memory blob) internal pure returns (Terms) {
        return locate(Words.startOf(blob), blob.length);
    }

    function locate(uint256 start, uint256 size) private pure returns (Terms) {
        unchecked {
            uint256 end = start + size;
            uint256 last = Words.wordAt(end - 32);
            (uint256 tail, uint256 deal) = (end - 53, start);
            if (last & REGISTERED == 0) {
                // 40 bytes more of a sequential one, whose bit is 2.
                tail = end - 35 - 20 * (last & SEQUENTIAL);
                deal = tail - Words.bits(last, 8, type(uint16).max);
            }
            uint256 head = Words.wordAt(deal + DEAL_HEAD - 32);
            uint256 slot = 20;
            if (head & (PAYOUTS | BONDS | BACKUPS) << FLAGS != 0) {
                slot += 20 * Words.bits(head, FLAGS, 1) + MONEY * Words.bits(head, FLAGS + 1, 1) + 20
                    * Words.bits(head, FLAGS + 2, 1);
            }
            uint256 at = Words.reserve(PARTS);
            Words.store(at + DEAL, int256(deal));
            Words.store(at + RULES, int256(deal + Words.number(deal, 2)));
            Words.store(at + HEAD, int256(head));
            Words.store(at + SLOT_BYTES, int256(slot));
            Words.store(at + SCHEDULE, int256(deal + DEAL_HEAD + slot * (head & 255)));
            Words.store(at + TAIL, int256(tail));
            Words.store(at + END, int256(end));
            Words.bytesAt(start, deal);
            Words.store(at + PROGRAM, int256(start - 32));
            return Terms.wrap(at);
        }
    }

    // --- parts ------------------------------------------------------------------------------------------------------

    function wordOf(Terms terms, uint256 place) private pure returns (uint256) {
        unchecked {
            return Words.wordAt(Terms.unwrap(terms) + place);
        }
    }

    /// @dev The part of the arguments that no amendment changes.
    function dealAt(Terms terms) internal pure returns (uint256) {
        return wordOf(terms, DEAL);
    }

    /// @dev The part that one may replace.
    function rulesAt(Terms terms) internal pure returns (uint256) {
        return wordOf(terms, RULES);
    }

    /// @dev The last 32 bytes before the slots, as a word.
    function headOf(Terms terms) internal pure returns (uint256) {
        return wordOf(terms, HEAD);
    }

    /// @dev Bytes of one slot.
    function slotSize(Terms terms) internal pure returns (uint256) {
        return wordOf(terms, SLOT_BYTES);
    }

    function scheduleAt(Terms terms) internal pure returns (uint256) {
        return wordOf(terms, SCHEDULE);
    }

    /// @dev The first byte behind the arguments.
    function tailAt(Terms terms) internal pure returns (uint256) {
        return wordOf(terms, TAIL);
    }

    /// @dev The first byte behind everything.
    function endAt(Terms terms) internal pure returns (uint256) {
        return wordOf(terms, END);
    }

    /// @dev The program; empty if it is a registered one.
    function program(Terms terms) internal pure returns (bytes memory) {
        return Words.asBytes(wordOf(terms, PROGRAM));
    }

    // --- tail -------------------------------------------------------------------------------------------------------

    function isRegistered(Terms terms) internal pure returns (bool) {
        unchecked {
            return Words.byteAt(terms.endAt() - 1) & REGISTERED != 0;
        }
    }

    /// @dev Whether the program reads earlier periods.
    function isSequential(Terms terms) internal pure returns (bool) {
        unchecked {
            return Words.byteAt(terms.endAt() - 1) & SEQUENTIAL != 0;
        }
    }

    function termsHash(Terms terms) internal pure returns (bytes32) {
        unchecked {
            return bytes32(Words.wordAt(terms.tailAt()));
        }
    }

    /// @dev The account that keeps a registered program; the factory found its address from the program's hash.
    function store(Terms terms) internal pure returns (address) {
        unchecked {
            return Words.addressAt(terms.tailAt() + 32);
        }
    }

    function programHash(Terms terms) internal view returns (bytes32) {
        return keccak256(isRegistered(terms) ? ProgramStore.read(store(terms), isSequential(terms)) : terms.program());
    }

    /// @dev Of a sequential program that stands here: bit i of each says that it reads the sum of line or payee i.
    function past(Terms terms) internal pure returns (uint256 lines, uint256 payees) {
        return (Words.wordAt(terms.tailAt() + 32), Words.number(terms.tailAt() + 64, 8));
    }

    /// @dev keccak256 of the packed arguments.
    function argsHash(Terms terms) internal pure returns (bytes32 hash) {
        return Words.hash(terms.dealAt(), terms.tailAt() - terms.dealAt());
    }

    /// @dev What two terms must have in common so that one may replace the other.
    function dealHash(Terms terms) internal pure returns (bytes32 hash) {
        return Words.hash(terms.dealAt(), terms.rulesAt() - terms.dealAt());
    }

    /// @dev A copy of the packed arguments.
    function arguments(Terms terms) internal pure returns (bytes memory) {
        unchecked {
            return Words.copy(terms.dealAt(), terms.tailAt() - terms.dealAt());
        }
    }

    // --- deal -------------------------------------------------------------------------------------------------------

    function client(Terms terms) internal pure returns (address) {
        return Words.addressAt(terms.dealAt() + 2);
    }

    function token(Terms terms) internal pure returns (address) {
        unchecked {
            return Words.addressAt(terms.dealAt() + 22);
        }
    }

    function unitDecimals(Terms terms) internal pure returns (uint256) {
        return Words.bits(terms.headOf(), 144, 255);
    }

    function activateBy(Terms terms) internal pure returns (uint256) {
        return Words.bits(terms.headOf(), 104, type(uint40).max);
    }

    function periodCount(Terms terms) internal pure returns (uint256) {
        return Words.bits(terms.headOf(), 48, type(uint16).max);
    }

    /// @dev Share of each credit that is held back, 18 decimals.
    function holdbackRate(Terms terms) internal pure returns (uint256) {
        return has(terms, HOLDBACK) ? ShortNumbers.amountBefore(terms.rulesAt()) : 0;
    }

    /// @dev Seconds from the end of the last period to the release of holdback.
    function holdbackDelay(Terms terms) internal pure returns (uint256) {
        uint256 end = terms.rulesAt();
        return ShortNumbers.timeBefore(has(terms, HOLDBACK) ? ShortNumbers.startBefore(end) : end);
    }

    function slotCount(Terms terms) internal pure returns (uint256) {
        return terms.headOf() & 255;
    }

    function signerOf(Terms terms, uint256 slot) internal pure returns (address) {
        return Words.addressAt(slotAt(terms, slot));
    }

    function payoutOf(Terms terms, uint256 slot) internal pure returns (address) {
        unchecked {
            return Words.addressAt(slotAt(terms, slot) + (has(terms, PAYOUTS) ? 20 : 0));
        }
    }

    /// @dev What every holder of the slot deposits.
    function bondOf(Terms terms, uint256 slot) internal pure returns (uint256) {
        if (!has(terms, BONDS)) return 0;
        return Words.number(slotAt(terms, slot) + (has(terms, PAYOUTS) ? 40 : 20), MONEY);
    }

    /// @dev Who may step in; zero for nobody.
    function backupOf(Terms terms, uint256 slot) internal pure returns (address) {
        return has(terms, BACKUPS) ? Words.addressAt(slotAt(terms, slot) + slotSize(terms) - 20) : address(0);
    }

    /// @dev When a period ends. Periods are numbered from 1; 0 ends when the first starts.
    function endOf(Terms terms, uint256 period) internal pure returns (uint256) {
        unchecked {
            uint256 head = terms.headOf();
            uint256 start = Words.bits(head, 64, type(uint40).max);
            if (period == 0) return start;
            return start + Words.bits(head, 24, type(uint24).max) * stepsTo(terms, period);
        }
    }

    /// @dev Steps of the schedule from its start to the end of a period from 1 on: as if all were alike, and how far this
    /// one is from that.
    function stepsTo(Terms terms, uint256 period) internal pure returns (uint256 steps) {
        unchecked {
            uint256 at = terms.scheduleAt();
            steps = period * Words.number(at, 4);
            uint256 width = driftWidth(terms);
            if (width != 0) steps += uint256(Words.signedBits(at + 4, (period - 1) * width, width));
        }
    }

    /// @dev Bits of each period's drift; 0: all are alike.
    function driftWidth(Terms terms) internal pure returns (uint256) {
        return Words.bits(terms.headOf(), 16, 255);
    }

    /// @dev How many periods of the schedule have started at `time`.
    function startedAt(Terms terms, uint256 time) internal pure returns (uint256 low) {
        uint256 high = periodCount(terms);
        // Period n has started if period n - 1 has ended.
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (endOf(terms, middle) <= time) low = middle + 1;
            else high = middle;
        }
    }

    function has(Terms terms, uint256 flag) internal pure returns (bool) {
        return Words.bits(terms.headOf(), FLAGS, flag) != 0;
    }

    function cureWindow(Terms terms) internal pure returns (uint256) {
        return exitNumber(terms, 0, 4);
    }

    function noticeTime(Terms terms) internal pure returns (uint256) {
        return exitNumber(terms, 4, 4);
    }

    /// @dev Bit 0: the client, bit 1: a provider may end it for convenience.
    function convenience(Terms terms) internal pure returns (uint256) {
        return exitNumber(terms, 8, 1);
    }

    /// @dev Breaches in a row that are cause to step in and to end it; 0 is never.
    function streak(Terms terms) internal pure returns (uint256) {
        return exitNumber(terms, 9, 1);
    }

    /// @dev What a client's notice pays to a slot.
    function feeOf(Terms terms, uint256 slot) internal pure returns (uint256) {
        return exitNumber(terms, EXIT_SIZE + MONEY * slot, MONEY);
    }

    // --- bytes ------------------------------------------------------------------------------------------------------

    function slotAt(Terms terms, uint256 slot) internal pure returns (uint256) {
        unchecked {
            return terms.dealAt() + DEAL_HEAD + slot * terms.slotSize();
        }
    }

    /// @dev Bytes of the schedule.
    function scheduleSize(Terms terms) internal pure returns (uint256) {
        unchecked {
            return 4 + (driftWidth(terms) * periodCount(terms) + 7) / 8;
        }
    }

    function exitNumber(Terms terms, uint256 offset, uint256 width) private pure returns (uint256) {
        if (!has(terms, EXITS)) return 0;
        return Words.number(terms.scheduleAt() + scheduleSize(terms) + offset, width);
    }
}
