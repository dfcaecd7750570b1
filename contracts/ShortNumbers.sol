// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Words} from "./program/Words.sol";

/// @title Numbers in as few bytes as they take, read from their ends
/// @notice [w digits][1: 16 w + k]. An amount is digits x 10^k; a time is digits x the k-th unit. Several of them stand one
/// behind the other where a part of the arguments ends, which is known, so that nothing before them has to be walked.
library ShortNumbers {
    /// @dev Seconds of the units 0 to 3, 24 bits each: a second, a minute, an hour, a day. Any other unit is nothing.
    uint256 private constant UNITS = 1 | 60 << 24 | 3_600 << 48 | 86_400 << 72;

    /// @dev Where the number that ends before `end` begins.
    function startBefore(uint256 end) internal pure returns (uint256) {
        unchecked {
            return end - 1 - (Words.byteAt(end - 1) >> 4);
        }
    }

    /// @dev Less than 2^120 x 10^15.
    function amountBefore(uint256 end) internal pure returns (uint256) {
        unchecked {
            uint256 form = Words.byteAt(end - 1);
            return digitsBefore(end, form) * 10 ** (form & 15);
        }
    }

    /// @dev Seconds.
    function timeBefore(uint256 end) internal pure returns (uint256) {
        unchecked {
            uint256 form = Words.byteAt(end - 1);
            return digitsBefore(end, form) * Words.bits(UNITS, 24 * (form & 15), type(uint24).max);
        }
    }

    function digitsBefore(uint256 end, uint256 form) private pure returns (uint256) {
        unchecked {
            uint256 width = form >> 4;
            return Words.number(end - 1 - width, width);
        }
    }
}
