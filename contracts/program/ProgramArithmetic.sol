// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {RunError} from "./ProgramFormat.sol";

/// @title Exact arithmetic on int256 words that answers with an error number instead of reverting
/// @notice Every function returns (result, error); with an error the result means nothing. `trunc` is toward zero.
library ProgramArithmetic {
    uint256 private constant LEAST_INT256_SIZE = 2 ** 255;

    function add(int256 x, int256 y) internal pure returns (int256 sum, uint256 error) {
        unchecked {
            sum = x + y;
            // It overflowed if both have the same sign and the sum has the other.
            if ((x ^ sum) & (y ^ sum) < 0) error = RunError.OVERFLOW;
        }
    }

    function subtract(int256 x, int256 y) internal pure returns (int256 difference, uint256 error) {
        unchecked {
            difference = x - y;
            // It overflowed if the signs differ and the result does not have that of x.
            if ((x ^ y) & (x ^ difference) < 0) error = RunError.OVERFLOW;
        }
    }

    /// @dev trunc(x * y / z) with a product of 512 bits.
    function multiplyDivide(int256 x, int256 y, int256 z) internal pure returns (int256 result, uint256 error) {
        if (z == 0) return (0, RunError.DIVISION_BY_ZERO);
        unchecked {
            // Two factors of 128 bits have a product below 2^254: one division of words is exact.
            if (x == int128(x) && y == int128(y)) return (x * y / z, RunError.NONE);
        }
        uint256 divisor = SignedMath.abs(z);
        (uint256 high,) = Math.mul512(SignedMath.abs(x), SignedMath.abs(y));
        if (high >= divisor) return (0, RunError.OVERFLOW);
        return withSign(Math.mulDiv(SignedMath.abs(x), SignedMath.abs(y), divisor), (x ^ y ^ z) < 0);
    }

    function negate(int256 x) internal pure returns (int256 result, uint256 error) {
        if (x == type(int256).min) return (0, RunError.OVERFLOW);
        unchecked {
            return (-x, RunError.NONE);
        }
    }

    function absolute(int256 x) internal pure returns (int256 result, uint256 error) {
        return x < 0 ? negate(x) : (x, RunError.NONE);
    }

    function clamp(int256 x, int256 low, int256 high) internal pure returns (int256 result, uint256 error) {
        if (low > high) return (0, RunError.CLAMP_LOW_ABOVE_HIGH);
        return (SignedMath.min(SignedMath.max(x, low), high), RunError.NONE);
    }

    /// @dev How far x is outside low..high: max(low - x, x - high, 0).
    function outside(int256 x, int256 low, int256 high) internal pure returns (int256 result, uint256 error) {
        (int256 below, uint256 belowError) = subtract(low, x);
        (int256 above, uint256 aboveError) = subtract(x, high);
        return (SignedMath.max(SignedMath.max(below, above), 0), belowError | aboveError);
    }

    /// @dev The multiple of `step` that `mode` chooses for x: 0 down, 1 up, 2 half_up, 3 half_even, 4 floor, 5 ceil.
    function round(int256 x, int256 step, uint256 mode) internal pure returns (int256 result, uint256 error) {
        if (step <= 0) return (0, RunError.ROUND_STEP_NOT_POSITIVE);
        unchecked {
            uint256 size = SignedMath.abs(x);
            uint256 unit = uint256(step);
            uint256 rest = size % unit;
            if (rest == 0) return (x, RunError.NONE);
            // size < 2^255 + 1 and unit < 2^255, so neither sum nor difference wraps.
            uint256 nearer = size - rest;
            bool away;
            if (mode == 0) away = false;
            else if (mode == 1) away = true;
            else if (mode == 2) away = rest >= unit - rest;
            else if (mode == 3) away = rest > unit - rest || (rest == unit - rest && (nearer / unit) % 2 == 1);
            else if (mode == 4) away = x < 0;
            else away = x > 0;
            return withSign(away ? nearer + unit : nearer, x < 0);
        }
    }

    /// @dev The word of a size and a sign, if there is one.
    function withSign(uint256 size, bool negative) internal pure returns (int256 result, uint256 error) {
        unchecked {
            if (size > (negative ? LEAST_INT256_SIZE : LEAST_INT256_SIZE - 1)) return (0, RunError.OVERFLOW);
            // For 2^255 the conversion wraps to the least int256, whose negation is itself.
            return (negative ? -int256(size) : int256(size), RunError.NONE);
        }
    }
}
