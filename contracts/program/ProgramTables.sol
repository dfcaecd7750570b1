// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Words} from "./Words.sol";

/// @title Constant columns of tables, read when a program is registered
/// @dev A cursor over numbers inside the program; ProgramInstructions reads the same bytes when it runs.
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
}
