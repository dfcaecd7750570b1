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
import {Seen} from "./Seen.sol";

/// @title Several views of one period: what each comes to, and how far they are apart
/// @notice Only the hash of the versions is stored; whoever acts on them hands them in, and they are priced again.
abstract contract EscrowVersions is EscrowStakes {
    using Math for uint256;

    /// @dev A run of a sequential program, and what there was before it.
    struct Run {
        Past past;
        Values values;
        IOutcomeEscrow.Priced priced;
    }

    // --- what they come to ------------------------------------------------------------------------------------------

    /// @dev What `count` views come to, of which the first `accepted` are accepted versions. Amounts that are part of what
    /// is stored are believed; a sequential program is asked again for what it carries. Gives what was asked for, which is
    /// of the last views.
    function _look(Turn memory turn, Terms terms, uint256 period, Seen first, uint256 count, uint256 accepted)
        internal
        view
        returns (IOutcomeEscrow.Priced[] memory priced)
    {
        unchecked {
            uint256 slots = (1 << turn.terms.slotCount()) - 1;
            for (uint256 i = 0; i < count; ++i) {
                Seen seen = first.plus(i);
                seen.setMarks(_lackingIn(terms, seen.given()) & slots);
            }
            // Without a challenge the report's amounts are not known yet.
            uint256 known = accepted == 1 || terms.isSequential() ? 0 : accepted;
            if (count == known) return priced;
            priced = _ask(period, first.plus(known), count - known);
            for (uint256 i = known; i < count; ++i) {
                first.plus(i).setAmounts(priced[i - known].amounts);
            }
            if (terms.isSequential()) _lookAhead(turn, terms, period, first, priced);
        }
    }

    /// @dev Whose evidence is missing, by these values.
    function _lackingIn(Terms terms, int256[] memory given) private pure returns (uint256) {
        unchecked {
            uint256 at = Words.startOf(given);
            for (uint256 end = at + 32 * given.length; at != end; at += 32) {
                if (Words.load(at) != MISSING) continue;
                Values memory values;
                _standInFor(terms, given, values);
                return values.lacking;
            }
            return 0;
        }
    }

    /// @dev What each view would carry on.
    function _lookAhead(
        Turn memory turn,
        Terms terms,
        uint256 period,
        Seen first,
        IOutcomeEscrow.Priced[] memory priced
    ) private view {
        Run memory run;
        _recall(turn, terms, period, run.past);
        for (uint256 i = 0; i < priced.length; ++i) {
            _standInFor(terms, first.plus(i).given(), run.values);
            run.priced = priced[i];
            first.plus(i).setCarried(_carriedAfter(run));
        }
    }

    /// @dev What a program would carry on after a run: the count, registers, histories (newest first, filled up with zeros)
    /// and sums to date; as they were if the run failed.
    function _carriedAfter(Run memory run) private view returns (int256[] memory row) {
        Past memory past = run.past;
        bool ran = run.priced.programError == 0;
        Header header = Format.readHeader(past.code);
        row = new int256[](1 + header.registers() + Format.MOST_HISTORY + header.lines());
        row[0] = int256(past.runs + (ran ? 1 : 0));
        uint256 size = 1;
        uint256 at = Words.startOf(past.code) + header.registerTable();
        for (uint256 i = 0; i < header.registers(); ++i) {
            row[size++] = ran ? run.priced.locals[Words.byteAt(at)] : _carried[past.carried].registers[i];
            ++at;
        }
        for (uint256 i = 0; i < header.histories(); ++i) {
            uint256 from = size;
            size += Words.byteAt(at + 1) & 127;
            if (ran) {
                int256[] memory source = Words.byteAt(at + 1) > 127 ? run.priced.locals : run.values.inputs;
                row[from++] = source[Words.byteAt(at)];
            }
            // The rest moves on by one place.
            _unroll(past, i, Words.byteAt(at + 1) & 127, row, from, size);
            at += 3;
        }
        for (uint256 i = 0; past.lines >> i != 0; ++i) {
            if ((past.lines >> i) & 1 == 0) continue;
            row[size++] = ran ? run.priced.sums[i] : _carried[past.carried].toDate[i];
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

    /// @dev Whether they say the same, of which the amounts are `apart`.
    function _isEqual(Seen one, Seen other, uint256 apart) internal pure returns (bool) {
        return apart == 0 && one.marks() == other.marks() && _apart(one.carried(), other.carried()) == 0;
    }

    /// @dev Whether `one` is nearer to a view than `other` is: by amounts; if they tie, by what is carried on; then by marks.
    function _isNearer(Seen seen, Seen one, Seen other) internal pure returns (bool) {
        uint256 first = _apart(seen.amounts(), one.amounts());
        uint256 second = _apart(seen.amounts(), other.amounts());
        if (first != second) return first < second;
        first = _apart(seen.carried(), one.carried());
        second = _apart(seen.carried(), other.carried());
        if (first != second) return first < second;
        return _count(seen.marks() ^ one.marks()) < _count(seen.marks() ^ other.marks());
    }

    /// @dev How many bits are set.
    function _count(uint256 bits) private pure returns (uint256 count) {
        unchecked {
            for (; bits != 0; bits &= bits - 1) {
                ++count;
            }
        }
    }

    /// @dev Sum of absolute differences of as many words; one that no word can hold counts as the largest.
    function _apart(int256[] memory one, int256[] memory other) internal pure returns (uint256 sum) {
        unchecked {
            for (uint256 i = 0; i < one.length; ++i) {
                (int256 x, int256 y) = (Words.item(one, i), Words.item(other, i));
                uint256 part = x < y ? uint256(y) - uint256(x) : uint256(x) - uint256(y);
                sum += part;
                if (sum < part) return type(uint256).max;
            }
        }
    }

    /// @dev max(fixed, share x sum of absolute differences), rounded up.
    function _stakeUp(Terms terms, uint256 apart) internal pure returns (uint256) {
        return Math.max(terms.stakeFixed(), (terms.stakeShare() * apart).ceilDiv(1e18));
    }

    /// @dev Per slot max(0, the lowest amount over the first `count` versions): what every possible ruling gives at least.
    function _undisputed(Seen first, uint256 count) internal pure returns (int256[] memory amounts) {
        amounts = new int256[](first.amounts().length);
        for (uint256 slot = 0; slot < amounts.length; ++slot) {
            int256 least = type(int256).max;
            for (uint256 i = 0; i < count; ++i) {
                least = SignedMath.min(least, Words.item(first.plus(i).amounts(), slot));
            }
            amounts[slot] = SignedMath.max(0, least);
        }
    }

    /// @dev Amounts, their sum and what is carried on each lie between the least and the greatest of the versions, and every
    /// mark is one of theirs.
    function _isBetween(Seen ruling, Seen first, uint256 count) internal pure returns (bool) {
        unchecked {
            uint256 any = 0;
            uint256 all = type(uint256).max;
            bool above = false;
            bool below = false;
            int256 ruled = _sum(ruling.amounts());
            for (uint256 i = 0; i < count; ++i) {
                Seen seen = first.plus(i);
                any |= seen.marks();
                all &= seen.marks();
                int256 sum = _sum(seen.amounts());
                above = above || ruled >= sum;
                below = below || ruled <= sum;
            }
            if (ruling.marks() & ~any != 0 || all & ~ruling.marks() != 0) return false;
            if (!above || !below) return false;
            int256[] memory figures = ruling.amounts();
            for (uint256 i = 0; i < figures.length; ++i) {
                if (!_isAmong(Words.item(figures, i), first, count, i, false)) return false;
            }
            figures = ruling.carried();
            for (uint256 i = 0; i < figures.length; ++i) {
                if (!_isAmong(Words.item(figures, i), first, count, i, true)) return false;
            }
            return true;
        }
    }

    function _isAmong(int256 figure, Seen first, uint256 count, uint256 index, bool carried)
        private
        pure
        returns (bool)
    {
        unchecked {
            bool above = false;
            bool below = false;
            for (uint256 i = 0; i < count; ++i) {
                Seen seen = first.plus(i);
                int256 other = Words.item(carried ? seen.carried() : seen.amounts(), index);
                above = above || figure >= other;
                below = below || figure <= other;
            }
            return above && below;
        }
    }

    /// @dev At most 32 amounts of 112 bits.
    function _sum(int256[] memory amounts) internal pure returns (int256 sum) {
        unchecked {
            uint256 at = Words.startOf(amounts);
            for (uint256 end = at + 32 * amounts.length; at != end; at += 32) {
                sum += Words.load(at);
            }
        }
    }
}
