// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Terms} from "./DeployedTerms.sol";
import {EscrowStakes} from "./EscrowStakes.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Format, Header} from "./program/ProgramFormat.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {Words} from "./program/Words.sol";

/// @title Several views of one period: what each comes to, and how far they are apart
/// @notice Only the hash of the versions is stored; whoever acts on them hands them in, and they are priced again.
abstract contract EscrowVersions is EscrowStakes {
    using Math for uint256;

    /// @dev A version and what it comes to.
    struct Seen {
        Values values;
        IOutcomeEscrow.Priced priced;
        /// @dev What the program would carry on, one row of words; empty for an independent program.
        int256[] carried;
        /// @dev Bit i: it says that the evidence of slot i is missing.
        uint256 marks;
    }

    /// @dev How far two versions are apart, most important first.
    struct Distance {
        uint256 amounts;
        uint256 carried;
        uint256 marks;
    }

    // --- what they come to ------------------------------------------------------------------------------------------

    /// @dev What accepted versions come to, and behind them, if there is one, a new version that was checked. Amounts that
    /// are part of what is stored are believed; a sequential program is asked again for what it carries.
    function _seeAll(
        Turn memory turn,
        Terms terms,
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        int256[] memory another
    ) internal view returns (Seen[] memory seen) {
        uint256 count = versions.length + (another.length == 0 ? 0 : 1);
        // Without a challenge the report's amounts are not known yet.
        uint256 known = versions.length == 1 || terms.isSequential() ? 0 : versions.length;
        seen = new Seen[](count);
        int256[][] memory rows = new int256[][](count - known);
        for (uint256 i = 0; i < count; ++i) {
            int256[] memory given = i < versions.length ? versions[i].values : another;
            _standInFor(terms, given, seen[i].values);
            seen[i].marks = seen[i].values.lacking & ((1 << turn.terms.slotCount()) - 1);
            if (i < known) seen[i].priced.amounts = versions[i].amounts;
            else rows[i - known] = given;
        }
        if (count == known) return seen;
        IOutcomeEscrow.Priced[] memory priced = _ask(period, rows);
        for (uint256 i = known; i < count; ++i) {
            seen[i].priced = priced[i - known];
        }
        if (terms.isSequential()) _seeCarried(turn, terms, period, seen);
    }

    function _seeCarried(Turn memory turn, Terms terms, uint256 period, Seen[] memory seen) private view {
        Past memory past;
        _recall(turn, terms, period, past);
        for (uint256 i = 0; i < seen.length; ++i) {
            seen[i].carried = _carriedAfter(past, seen[i].values, seen[i].priced);
        }
    }

    /// @dev What a program would carry on after a run: the count, registers, histories (newest first, filled up with zeros)
    /// and sums to date; as they were if the run failed.
    function _carriedAfter(Past memory past, Values memory values, IOutcomeEscrow.Priced memory priced)
        private
        view
        returns (int256[] memory row)
    {
        bool ran = priced.programError == 0;
        Header header = Format.readHeader(past.code);
        row = new int256[](1 + header.registers() + Format.MOST_HISTORY + header.lines());
        row[0] = int256(past.runs + (ran ? 1 : 0));
        uint256 size = 1;
        uint256 at = Words.startOf(past.code) + header.registerTable();
        for (uint256 i = 0; i < header.registers(); ++i) {
            row[size++] = ran ? priced.locals[Words.byteAt(at)] : _carried[past.carried].registers[i];
            ++at;
        }
        for (uint256 i = 0; i < header.histories(); ++i) {
            uint256 from = size;
            size += Words.byteAt(at + 1) & 127;
            if (ran) {
                int256[] memory source = Words.byteAt(at + 1) > 127 ? priced.locals : values.inputs;
                row[from++] = source[Words.byteAt(at)];
            }
            // The rest moves on by one place.
            _unroll(past, i, Words.byteAt(at + 1) & 127, row, from, size);
            at += 3;
        }
        for (uint256 i = 0; past.lines >> i != 0; ++i) {
            if ((past.lines >> i) & 1 != 0) row[size++] = ran ? priced.sums[i] : _carried[past.carried].toDate[i];
        }
        Words.shorten(row, size);
    }

    /// @dev Writes a history's values, newest first, to row[from] up to row[to - 1].
    function _unroll(Past memory past, uint256 history, uint256 depth, int256[] memory row, uint256 from, uint256 to)
        private
        view
    {
        for (uint256 number = past.runs; number != 0 && from < to; ++from) {
            row[from] = ProgramState.valueOf(_carried[past.carried], history, depth, --number);
        }
    }

    // --- how they compare -------------------------------------------------------------------------------------------

    function _distance(Seen memory one, Seen memory other) internal pure returns (Distance memory d) {
        d.amounts = _apart(one.priced.amounts, other.priced.amounts);
        d.carried = _apart(one.carried, other.carried);
        for (uint256 bits = one.marks ^ other.marks; bits != 0; bits &= bits - 1) {
            ++d.marks;
        }
    }

    /// @dev Sum of absolute differences; one that no word can hold counts as the largest.
    function _apart(int256[] memory one, int256[] memory other) internal pure returns (uint256 sum) {
        unchecked {
            for (uint256 i = 0; i < one.length; ++i) {
                uint256 part =
                    one[i] < other[i] ? uint256(other[i]) - uint256(one[i]) : uint256(one[i]) - uint256(other[i]);
                sum = sum.saturatingAdd(part);
            }
        }
    }

    function _isNearer(Distance memory one, Distance memory other) internal pure returns (bool) {
        if (one.amounts != other.amounts) return one.amounts < other.amounts;
        if (one.carried != other.carried) return one.carried < other.carried;
        return one.marks < other.marks;
    }

    /// @dev max(fixed, share x sum of absolute differences), rounded up.
    function _stakeUp(Terms terms, Seen memory version, Seen memory report) internal pure returns (uint256) {
        uint256 apart = _apart(version.priced.amounts, report.priced.amounts);
        return Math.max(terms.stakeFixed(), (terms.stakeShare() * apart).ceilDiv(1e18));
    }

    /// @dev Per slot max(0, the lowest amount over the first `count` versions): what every possible ruling gives at least.
    function _undisputed(Seen[] memory seen, uint256 count) internal pure returns (int256[] memory amounts) {
        amounts = new int256[](seen[0].priced.amounts.length);
        for (uint256 slot = 0; slot < amounts.length; ++slot) {
            int256 least = seen[0].priced.amounts[slot];
            for (uint256 i = 1; i < count; ++i) {
                least = SignedMath.min(least, seen[i].priced.amounts[slot]);
            }
            amounts[slot] = SignedMath.max(0, least);
        }
    }

    /// @dev Amounts, their sum and what is carried on each lie between the least and the greatest of the versions, and every
    /// mark is one of theirs.
    function _isBetween(Seen memory ruling, Seen[] memory seen, uint256 count) internal pure returns (bool) {
        uint256 any = 0;
        uint256 all = type(uint256).max;
        int256 least = type(int256).max;
        int256 most = type(int256).min;
        for (uint256 i = 0; i < count; ++i) {
            any |= seen[i].marks;
            all &= seen[i].marks;
            int256 sum = _sum(seen[i].priced.amounts);
            least = SignedMath.min(least, sum);
            most = SignedMath.max(most, sum);
        }
        if (ruling.marks & ~any != 0 || all & ~ruling.marks != 0) return false;
        int256 ruled = _sum(ruling.priced.amounts);
        if (ruled < least || ruled > most) return false;
        for (uint256 i = 0; i < ruling.priced.amounts.length; ++i) {
            if (!_isAmong(ruling.priced.amounts[i], seen, count, i, false)) return false;
        }
        for (uint256 i = 0; i < ruling.carried.length; ++i) {
            if (!_isAmong(ruling.carried[i], seen, count, i, true)) return false;
        }
        return true;
    }

    function _isAmong(int256 figure, Seen[] memory seen, uint256 count, uint256 index, bool carried)
        private
        pure
        returns (bool)
    {
        bool above = false;
        bool below = false;
        for (uint256 i = 0; i < count; ++i) {
            int256 other = carried ? seen[i].carried[index] : seen[i].priced.amounts[index];
            above = above || figure >= other;
            below = below || figure <= other;
        }
        return above && below;
    }

    /// @dev At most 32 amounts of 112 bits.
    function _sum(int256[] memory amounts) internal pure returns (int256 sum) {
        for (uint256 i = 0; i < amounts.length; ++i) {
            sum += amounts[i];
        }
    }
}
