// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RuleTerms} from "./RuleTerms.sol";
import {Words} from "./program/Words.sol";

/// @notice The terms of an escrow in memory: where their parts begin. All are addresses of memory.
struct Terms {
    /// @dev The program as `bytes`; empty if it is a registered one.
    bytes program;
    /// @dev The part of the arguments that no amendment changes, and the part that one may replace.
    uint256 deal;
    uint256 rules;
    /// @dev The last 32 bytes before the slots, as a word; bytes of one slot; where the schedule begins.
    uint256 head;
    uint256 slotBytes;
    uint256 schedule;
    /// @dev The first byte behind the arguments.
    uint256 tail;
    /// @dev The first byte behind everything.
    uint256 end;
}

using DeployedTerms for Terms global;
using RuleTerms for Terms global;

/// @title Reads packed arguments where they stand
/// @notice What never changes lives in code: program ++ arguments ++ tail, written by the factory. docs/protocol.md
/// section 12 fixes the bytes of the arguments. The tail is [32 program hash if registered][40 lines and payees if the
/// program stands here and is sequential][32 terms hash][2 size of the arguments][1 kind].
/// @dev Indexes are not checked here; the caller has compared them with the counts, and the factory has checked sizes.
library DeployedTerms {
    // Bits of the kind.
    uint256 internal constant REGISTERED = 1;
    uint256 internal constant SEQUENTIAL = 2;

    // Bits of the deal's flags.
    uint256 internal constant PAYOUTS = 1;
    uint256 internal constant BONDS = 2;
    uint256 internal constant BACKUPS = 4;
    uint256 internal constant EXITS = 8;
    uint256 internal constant RESTATES = 16;

    /// @dev Where they stand in `head`.
    uint256 private constant FLAGS = 8;

    // Bytes before the slots, of the part on exits, and of a sum of money.
    uint256 internal constant DEAL_HEAD = 73;
    uint256 internal constant EXIT_SIZE = 10;
    uint256 internal constant MONEY = 13;

    /// @dev Copies the terms in the code of `account`, behind its first `prefix` bytes, into memory.
    function read(Terms memory terms, address account, uint256 prefix) internal view {
        uint256 start;
        uint256 size;
        // The word before the bytes becomes the length of the program, so that it is a `bytes` where it stands.
        assembly ("memory-safe") {
            size := sub(extcodesize(account), prefix)
            start := add(mload(0x40), 0x20)
            mstore(0x40, and(add(add(start, size), 0x3f), not(0x1f)))
            extcodecopy(account, start, prefix, size)
        }
        locate(terms, start, size);
    }

    /// @dev The same for terms that are already in memory.
    function inside(bytes memory blob) internal pure returns (Terms memory terms) {
        uint256 start;
        assembly ("memory-safe") {
            start := add(blob, 0x20)
        }
        locate(terms, start, blob.length);
    }

    function locate(Terms memory terms, uint256 start, uint256 size) private pure {
        unchecked {
            uint256 end = start + size;
            uint256 last = Words.wordAt(end - 32);
            uint256 tail = end - 35;
            if (last & REGISTERED != 0) tail -= 32;
            else if (last & SEQUENTIAL != 0) tail -= 40;
            uint256 deal = tail - Words.bits(last, 8, type(uint16).max);
            uint256 head = Words.wordAt(deal + DEAL_HEAD - 32);
            uint256 slot = 20;
            if (head & (255 << FLAGS) != 0) {
                slot += 20 * Words.bits(head, FLAGS, 1) + MONEY * Words.bits(head, FLAGS + 1, 1)
                    + 20 * Words.bits(head, FLAGS + 2, 1);
            }
            terms.end = end;
            terms.tail = tail;
            terms.deal = deal;
            terms.rules = deal + Words.number(deal, 2);
            terms.head = head;
            terms.slotBytes = slot;
            terms.schedule = deal + DEAL_HEAD + slot * (head & 255);
            terms.program = Words.bytesAt(start, deal);
        }
    }

    // --- tail -------------------------------------------------------------------------------------------------------

    function isRegistered(Terms memory terms) internal pure returns (bool) {
        unchecked {
            return Words.byteAt(terms.end - 1) & REGISTERED != 0;
        }
    }

    /// @dev Whether the program reads earlier periods.
    function isSequential(Terms memory terms) internal pure returns (bool) {
        unchecked {
            return Words.byteAt(terms.end - 1) & SEQUENTIAL != 0;
        }
    }

    function termsHash(Terms memory terms) internal pure returns (bytes32) {
        unchecked {
            return bytes32(uint256(Words.load(terms.end - 35)));
        }
    }

    function programHash(Terms memory terms) internal pure returns (bytes32) {
        return isRegistered(terms) ? bytes32(uint256(Words.load(terms.tail))) : keccak256(terms.program);
    }

    /// @dev Of a sequential program that stands here: bit i of each says that it reads the sum of line or payee i.
    function past(Terms memory terms) internal pure returns (uint256 lines, uint256 payees) {
        return (uint256(Words.load(terms.tail)), Words.number(terms.tail + 32, 8));
    }

    /// @dev keccak256 of the packed arguments.
    function argsHash(Terms memory terms) internal pure returns (bytes32 hash) {
        return Words.hash(terms.deal, terms.tail - terms.deal);
    }

    /// @dev What two terms must have in common so that one may replace the other.
    function dealHash(Terms memory terms) internal pure returns (bytes32 hash) {
        return Words.hash(terms.deal, terms.rules - terms.deal);
    }

    /// @dev A copy of the packed arguments.
    function arguments(Terms memory terms) internal pure returns (bytes memory) {
        return part(terms.deal, terms.tail);
    }

    // --- deal -------------------------------------------------------------------------------------------------------

    function client(Terms memory terms) internal pure returns (address) {
        return Words.addressAt(terms.deal + 2);
    }

    function token(Terms memory terms) internal pure returns (address) {
        unchecked {
            return Words.addressAt(terms.deal + 22);
        }
    }

    function unitDecimals(Terms memory terms) internal pure returns (uint256) {
        return Words.bits(terms.head, 240, 255);
    }

    function activateBy(Terms memory terms) internal pure returns (uint256) {
        return Words.bits(terms.head, 200, type(uint40).max);
    }

    function periodCount(Terms memory terms) internal pure returns (uint256) {
        return Words.bits(terms.head, 144, type(uint16).max);
    }

    /// @dev Share of each credit that is held back, 18 decimals.
    function holdbackRate(Terms memory terms) internal pure returns (uint256) {
        return Words.bits(terms.head, 48, type(uint64).max);
    }

    /// @dev Seconds from the end of the last period to the release of holdback.
    function holdbackDelay(Terms memory terms) internal pure returns (uint256) {
        return Words.bits(terms.head, 16, type(uint32).max);
    }

    function slotCount(Terms memory terms) internal pure returns (uint256) {
        return terms.head & 255;
    }

    function signerOf(Terms memory terms, uint256 slot) internal pure returns (address) {
        return Words.addressAt(slotAt(terms, slot));
    }

    function payoutOf(Terms memory terms, uint256 slot) internal pure returns (address) {
        unchecked {
            return Words.addressAt(slotAt(terms, slot) + (has(terms, PAYOUTS) ? 20 : 0));
        }
    }

    /// @dev What every holder of the slot deposits.
    function bondOf(Terms memory terms, uint256 slot) internal pure returns (uint256) {
        if (!has(terms, BONDS)) return 0;
        return Words.number(slotAt(terms, slot) + (has(terms, PAYOUTS) ? 40 : 20), MONEY);
    }

    /// @dev Who may step in; zero for nobody.
    function backupOf(Terms memory terms, uint256 slot) internal pure returns (address) {
        return has(terms, BACKUPS) ? Words.addressAt(slotAt(terms, slot) + slotSize(terms) - 20) : address(0);
    }

    /// @dev When a period ends. Periods are numbered from 1; 0 ends when the first starts.
    function endOf(Terms memory terms, uint256 period) internal pure returns (uint256) {
        unchecked {
            uint256 head = terms.head;
            uint256 start = Words.bits(head, 160, type(uint40).max);
            if (period == 0) return start;
            uint256 step = Words.bits(head, 120, 2 ** 24 - 1);
            uint256 width = Words.bits(head, 112, 255);
            uint256 at = terms.schedule;
            if (width == 0) return start + step * period * Words.number(at, 4);
            return start + step * Words.number(at + (period - 1) * width, width);
        }
    }

    /// @dev How many periods of the schedule have started at `time`.
    function startedAt(Terms memory terms, uint256 time) internal pure returns (uint256 low) {
        uint256 high = periodCount(terms);
        // Period n has started if period n - 1 has ended.
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (endOf(terms, middle) <= time) low = middle + 1;
            else high = middle;
        }
    }

    function has(Terms memory terms, uint256 flag) internal pure returns (bool) {
        return Words.bits(terms.head, FLAGS, flag) != 0;
    }

    function cureWindow(Terms memory terms) internal pure returns (uint256) {
        return exitNumber(terms, 0, 4);
    }

    function noticeTime(Terms memory terms) internal pure returns (uint256) {
        return exitNumber(terms, 4, 4);
    }

    /// @dev Bit 0: the client, bit 1: a provider may end it for convenience.
    function convenience(Terms memory terms) internal pure returns (uint256) {
        return exitNumber(terms, 8, 1);
    }

    /// @dev Breaches in a row that are cause to step in and to end it; 0 is never.
    function streak(Terms memory terms) internal pure returns (uint256) {
        return exitNumber(terms, 9, 1);
    }

    /// @dev What a client's notice pays to a slot.
    function feeOf(Terms memory terms, uint256 slot) internal pure returns (uint256) {
        return exitNumber(terms, EXIT_SIZE + MONEY * slot, MONEY);
    }

    // --- bytes ------------------------------------------------------------------------------------------------------

    /// @dev Bytes of one slot.
    function slotSize(Terms memory terms) internal pure returns (uint256) {
        return terms.slotBytes;
    }

    function slotAt(Terms memory terms, uint256 slot) internal pure returns (uint256) {
        unchecked {
            return terms.deal + DEAL_HEAD + slot * terms.slotBytes;
        }
    }

    /// @dev Bytes of the schedule.
    function scheduleSize(Terms memory terms) internal pure returns (uint256) {
        unchecked {
            uint256 width = Words.bits(terms.head, 112, 255);
            return width == 0 ? 4 : width * periodCount(terms);
        }
    }

    function exitNumber(Terms memory terms, uint256 offset, uint256 width) private pure returns (uint256) {
        if (!has(terms, EXITS)) return 0;
        return Words.number(terms.schedule + scheduleSize(terms) + offset, width);
    }

    /// @dev A copy of the bytes from one address of memory up to another.
    function part(uint256 from, uint256 to) internal pure returns (bytes memory copy) {
        assembly ("memory-safe") {
            let size := sub(to, from)
            copy := mload(0x40)
            mstore(copy, size)
            mcopy(add(copy, 0x20), from, size)
            mstore(add(add(copy, 0x20), size), 0)
            mstore(0x40, and(add(add(copy, size), 0x5f), not(0x1f)))
        }
    }
}
