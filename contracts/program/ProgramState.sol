// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Format, Header, RunError} from "./ProgramFormat.sol";
import {Words} from "./Words.sol";

/// @title What settled periods leave to later ones
/// @notice docs/program-format.md, section State; `pyoutcome/formula/state.py` is the same in Python.
/// @dev The number of periods and what each payee earned are the escrow's own books; here is the rest. A program that
/// reads no earlier period touches none of it.
library ProgramState {
    struct Carried {
        mapping(uint256 register => int256) registers;
        /// @dev Each history is a ring of one word more than it is deep: what its values added up to before each run. A
        /// sum of many periods is then the difference of two words, and the older one's place is written next.
        mapping(uint256 place => uint256) totals;
        /// @dev Values too large to be added up there.
        mapping(uint256 place => int256) large;
        /// @dev Only lines that some TODATE names, in whole base units, scaled.
        mapping(uint256 line => int256) toDate;
    }

    /// @dev A total is [248 sum, modulo 2^248][8 number]. The number is 128 behind a large value, which counts as zero in
    /// the sum, and falls by one with every other value: a large one is among the last n if it is above 128 - n.
    uint256 private constant NUMBER = 0xff;
    uint256 private constant JUST_NOW = 128;
    /// @dev Sums of 127 smaller values stay below 2^247, where modulo 2^248 says everything.
    int256 private constant LARGE = 2 ** 239;

    /// @dev The slot of carried state, as a word that memory can hold; `fromSlot` is the way back.
    function slotOf(Carried storage carried) internal pure returns (uint256 slot) {
        assembly ("memory-safe") {
            slot := carried.slot
        }
    }

    function fromSlot(uint256 slot) internal pure returns (Carried storage carried) {
        assembly ("memory-safe") {
            carried.slot := slot
        }
    }

    /// @dev Where a history keeps what it added up to before its `number`-th run (the first is 0).
    function place(uint256 history, uint256 depth, uint256 number) private pure returns (uint256) {
        unchecked {
            // Depths are 1 to 127.
            return (history << 8) | (number % (depth + 1));
        }
    }

    /// @dev What lies between two totals.
    function between(uint256 older, uint256 newer) private pure returns (int256) {
        unchecked {
            return int256((newer & ~NUMBER) - (older & ~NUMBER)) >> 8;
        }
    }

    /// @dev The value of a history's `number`-th run, one of the last as many as it is deep.
    function valueOf(Carried storage carried, uint256 history, uint256 depth, uint256 number)
        internal
        view
        returns (int256)
    {
        unchecked {
            uint256 later = carried.totals[place(history, depth, number + 1)];
            uint256 at = place(history, depth, number);
            return later & NUMBER == JUST_NOW ? carried.large[at] : between(carried.totals[at], later);
        }
    }

    /// @dev The sum of the `back` last values of a history, of fewer if fewer periods were run; added from the newest, and
    /// each partial sum has to fit, which those of values that are not large always do.
    function sumOfLast(Carried storage carried, uint256 history, uint256 depth, uint256 periods, uint256 back)
        internal
        view
        returns (int256 sum, uint256 error)
    {
        unchecked {
            uint256 last = back < periods ? periods - back : 0;
            uint256 newest = carried.totals[place(history, depth, periods)];
            if ((newest & NUMBER) + periods - last <= JUST_NOW) {
                return (between(carried.totals[place(history, depth, last)], newest), RunError.NONE);
            }
            for (uint256 number = periods; number != last;) {
                (sum, error) = add(sum, valueOf(carried, history, depth, --number));
                if (error != RunError.NONE) return (0, error);
            }
        }
    }

    /// @dev Keeps the value of a history's `number`-th run.
    function keepValue(Carried storage carried, uint256 history, uint256 depth, uint256 number, int256 value) private {
        unchecked {
            uint256 at = place(history, depth, number);
            uint256 total = carried.totals[at];
            uint256 since = total & NUMBER;
            if (value < LARGE && value > -LARGE) {
                total = (((total >> 8) + uint256(value)) << 8) | (since == 0 ? 0 : since - 1);
            } else {
                carried.large[at] = value;
                total = (total & ~NUMBER) | JUST_NOW;
            }
            carried.totals[place(history, depth, number + 1)] = total;
        }
    }

    /// @dev x + y, or an error.
    function add(int256 x, int256 y) private pure returns (int256 sum, uint256 error) {
        unchecked {
            sum = x + y;
            // It overflowed if both have the same sign and the sum has the other.
            if ((x ^ sum) & (y ^ sum) < 0) error = RunError.OVERFLOW;
        }
    }

    /// @dev v cut toward zero to whole base units of `unit`, still scaled.
    function toUnits(int256 v, int256 unit) internal pure returns (int256) {
        unchecked {
            return v - v % unit;
        }
    }

    /// @dev What the sums to date would be after a run, per line, without keeping them: 0 for lines that no TODATE names.
    /// @param lines bit i: some TODATE names line i
    /// @param payees bit i: some EARNED names payee i; only whether their sums fit is looked at
    function addUp(
        Carried storage carried,
        bytes memory program,
        int256[] memory locals,
        uint256 lines,
        uint256 payees,
        int256[] memory earned,
        int256 unit
    ) internal view returns (int256[] memory sums, uint256 error) {
        unchecked {
            Header header = Format.readHeader(program);
            sums = new int256[](header.lines());
            uint256 at = Words.startOf(program) + Format.HEADER;
            for (uint256 i = 0; lines >> i != 0 && error == RunError.NONE; ++i) {
                if ((lines >> i) & 1 == 0) continue;
                int256 change = toUnits(Words.item(locals, Words.byteAt(at + 2 * i)), unit);
                (sums[i], error) = add(carried.toDate[i], change);
            }
            at = Words.startOf(program) + header.payeeTable();
            for (uint256 i = 0; payees >> i != 0 && error == RunError.NONE; ++i) {
                if ((payees >> i) & 1 == 0) continue;
                int256 change = toUnits(Words.item(locals, Words.byteAt(at + i)), unit);
                (, error) = add(Words.item(earned, i), change);
            }
        }
    }

    /// @dev Keeps what a run without error leaves.
    /// @param periods how many periods had left something before
    /// @param sums what `addUp` gave
    function keep(
        Carried storage carried,
        bytes memory program,
        int256[] memory kpis,
        int256[] memory locals,
        uint256 periods,
        uint256 lines,
        int256[] memory sums
    ) internal {
        unchecked {
            Header header = Format.readHeader(program);
            uint256 at = Words.startOf(program) + header.registerTable();
            for (uint256 i = 0; i < header.registers(); ++i) {
                carried.registers[i] = Words.item(locals, Words.byteAt(at++));
            }
            for (uint256 i = 0; i < header.histories(); ++i) {
                // Bit 7: the source is a local.
                uint256 depth = Words.byteAt(at + 1);
                int256[] memory source = depth > 127 ? locals : kpis;
                keepValue(carried, i, depth & 127, periods, Words.item(source, Words.byteAt(at)));
                at += 3;
            }
            for (uint256 i = 0; lines >> i != 0; ++i) {
                if ((lines >> i) & 1 != 0) carried.toDate[i] = Words.item(sums, i);
            }
        }
    }

    /// @dev All of it as one row of words, in the order of docs/program-format.md.
    function words(
        Carried storage carried,
        bytes memory program,
        uint256 periods,
        uint256 lines,
        uint256 payees,
        int256[] memory earned
    ) internal view returns (int256[] memory row) {
        unchecked {
            Header header = Format.readHeader(program);
            row = new int256[](1 + header.registers() + Format.MOST_HISTORY + header.lines() + header.payees());
            uint256 end = Words.startOf(row);
            Words.store(end, int256(periods));
            uint256 at = Words.startOf(program) + header.historyTable() + 1;
            for (uint256 i = 0; periods != 0 && i < header.registers(); ++i) {
                Words.store(end += 32, carried.registers[i]);
            }
            for (uint256 i = 0; i < header.histories(); ++i) {
                end = unroll(carried, i, Words.byteAt(at + 3 * i) & 127, periods, end);
            }
            for (uint256 i = 0; lines >> i != 0; ++i) {
                if ((lines >> i) & 1 != 0) Words.store(end += 32, carried.toDate[i]);
            }
            for (uint256 i = 0; payees >> i != 0; ++i) {
                if ((payees >> i) & 1 != 0) Words.store(end += 32, Words.item(earned, i));
            }
            Words.shorten(row, (end + 32 - Words.startOf(row)) / 32);
        }
    }

    /// @dev Writes a history's values behind the word at `end`, newest first; gives the address of the last.
    function unroll(Carried storage carried, uint256 history, uint256 depth, uint256 periods, uint256 end)
        private
        view
        returns (uint256)
    {
        unchecked {
            for (uint256 back = 1; back <= depth && back <= periods; ++back) {
                Words.store(end += 32, valueOf(carried, history, depth, periods - back));
            }
            return end;
        }
    }
}
