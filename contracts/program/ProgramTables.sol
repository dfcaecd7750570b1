// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Format, RunError} from "./ProgramFormat.sol";
import {ProgramArithmetic} from "./ProgramArithmetic.sol";
import {Words} from "./Words.sol";

/// @title The table instructions: step, curve, bands and pick
/// @notice Each exists with its numbers on the stack and, but for pick, with constant columns inside the program.
/// @dev A table is a cursor over numbers in memory, so that one rule serves both forms.
library ProgramTables {
    /// @dev Where a table's numbers are: pairs (x, y) at `base`, `base + stride`, ...; a last lone y may follow.
    struct Columns {
        uint256 base;
        uint256 stride;
        /// @dev From a pair's x to its y.
        uint256 yOffset;
        /// @dev Bits by which a loaded word is shifted right: 256 less the column's width.
        uint256 xShift;
        uint256 yShift;
        int256 xScale;
        int256 yScale;
    }

    /// @dev Numbers on the stack: whole words.
    function onStack(uint256 base) internal pure returns (Columns memory c) {
        // Field by field: a struct built in a return statement is allocated twice. Shifts are 0.
        c.base = base;
        c.stride = 64;
        c.yOffset = 32;
        c.xScale = 1;
        c.yScale = 1;
    }

    /// @dev Numbers inside the program; `at` is where their four bytes of widths and exponents stand.
    function inProgram(uint256 at) internal pure returns (Columns memory c) {
        unchecked {
            uint256 xWidth = Words.byteAt(at);
            uint256 yWidth = Words.byteAt(at + 2);
            c.base = at + 4;
            c.stride = xWidth + yWidth;
            c.yOffset = xWidth;
            c.xShift = 256 - 8 * xWidth;
            c.yShift = 256 - 8 * yWidth;
            c.xScale = int256(10 ** Words.byteAt(at + 1));
            c.yScale = int256(10 ** Words.byteAt(at + 3));
        }
    }

    /// @dev Bytes from the four header bytes of constant columns to the end of `n` pairs, and of one more y if `lone`.
    function sizeInProgram(uint256 at, uint256 n, bool lone) internal pure returns (uint256) {
        unchecked {
            uint256 yWidth = Words.byteAt(at + 2);
            return 4 + n * (Words.byteAt(at) + yWidth) + (lone ? yWidth : 0);
        }
    }

    function xAt(Columns memory c, uint256 i) internal pure returns (int256) {
        unchecked {
            return (Words.load(c.base + i * c.stride) >> c.xShift) * c.xScale;
        }
    }

    function yAt(Columns memory c, uint256 i) internal pure returns (int256) {
        unchecked {
            return (Words.load(c.base + i * c.stride + c.yOffset) >> c.yShift) * c.yScale;
        }
    }

    /// @dev The lone y after n pairs: it stands where the next x would.
    function yAfter(Columns memory c, uint256 n) internal pure returns (int256) {
        unchecked {
            return (Words.load(c.base + n * c.stride) >> c.yShift) * c.yScale;
        }
    }

    /// @dev The value of the first row that holds, else the last value. `edges` points to two bits per row.
    function step(Columns memory c, uint256 n, uint256 edges, int256 x) internal pure returns (int256) {
        unchecked {
            for (uint256 i = 0; i < n; ++i) {
                int256 edge = xAt(c, i);
                uint256 kind = (Words.byteAt(edges + i / 4) >> (2 * (i % 4))) & 3;
                bool holds = kind == 0 ? x >= edge : kind == 1 ? x > edge : kind == 2 ? x <= edge : x < edge;
                if (holds) return yAt(c, i);
            }
            return yAfter(c, n);
        }
    }

    /// @dev Piecewise linear through n points, flat outside; checks first that x1 < x2 < ... < xn unless `checked`.
    function curve(Columns memory c, uint256 n, int256 x, bool checked)
        internal
        pure
        returns (int256 result, uint256 error)
    {
        unchecked {
            if (!checked) {
                for (uint256 i = 1; i < n; ++i) {
                    if (xAt(c, i - 1) >= xAt(c, i)) return (0, RunError.CURVE_POINTS_NOT_INCREASING);
                }
            }
            int256 left = xAt(c, 0);
            if (x <= left) return (yAt(c, 0), RunError.NONE);
            for (uint256 i = 1; i < n; ++i) {
                int256 right = xAt(c, i);
                if (x < right) return onSegment(x, left, right, yAt(c, i - 1), yAt(c, i));
                left = right;
            }
            return (yAt(c, n - 1), RunError.NONE);
        }
    }

    /// @dev y0 + trunc((y1 - y0) * (x - x0) / (x1 - x0)); every difference has to fit.
    function onSegment(int256 x, int256 x0, int256 x1, int256 y0, int256 y1)
        private
        pure
        returns (int256 result, uint256 error)
    {
        (int256 rise, uint256 riseError) = ProgramArithmetic.subtract(y1, y0);
        (int256 along, uint256 alongError) = ProgramArithmetic.subtract(x, x0);
        (int256 run, uint256 runError) = ProgramArithmetic.subtract(x1, x0);
        if (riseError | alongError | runError != 0) return (0, RunError.OVERFLOW);
        // |along| <= |run|, so the quotient is no larger than the rise and always fits.
        (int256 part,) = ProgramArithmetic.multiplyDivide(rise, along, run);
        return ProgramArithmetic.add(y0, part);
    }

    /// @dev Graduated: each rate applies to the part of x inside its band, truncated on its own. Checks first that
    /// 0 <= u1 <= u2 <= ... <= un unless `checked`.
    function bands(Columns memory c, uint256 n, int256 x, bool checked)
        internal
        pure
        returns (int256 result, uint256 error)
    {
        unchecked {
            int256 lower = 0;
            if (!checked) {
                for (uint256 i = 0; i < n; ++i) {
                    int256 edge = xAt(c, i);
                    if (edge < lower) return (0, RunError.BANDS_EDGES_DECREASING);
                    lower = edge;
                }
                lower = 0;
            }
            if (x <= 0) return (0, RunError.NONE);
            int256 part;
            for (uint256 i = 0; i < n && x > lower; ++i) {
                int256 upper = xAt(c, i);
                // 0 <= lower <= both, so the difference fits.
                (part, error) =
                    ProgramArithmetic.multiplyDivide(SignedMath.min(x, upper) - lower, yAt(c, i), Format.ONE);
                if (error != 0) return (0, error);
                (result, error) = ProgramArithmetic.add(result, part);
                if (error != 0) return (0, error);
                lower = upper;
            }
            if (x > lower) {
                (part, error) = ProgramArithmetic.multiplyDivide(x - lower, yAfter(c, n), Format.ONE);
                if (error != 0) return (0, error);
                (result, error) = ProgramArithmetic.add(result, part);
            }
        }
    }

    /// @dev The value with the number x, of n words at `base`.
    function pick(uint256 base, uint256 n, int256 x) internal pure returns (int256 result, uint256 error) {
        unchecked {
            int256 choice = x / Format.ONE;
            if (x % Format.ONE != 0 || choice < 1 || choice > int256(n)) return (0, RunError.CHOICE_OUT_OF_RANGE);
            return (Words.load(base + 32 * uint256(choice - 1)), RunError.NONE);
        }
    }
}
