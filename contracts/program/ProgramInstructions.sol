// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What each instruction does
/// @notice docs/program-format.md fixes the meaning; `pyoutcome/formula/machine.py` is the same in Python.
/// @dev Assembly for its price: what a rule adds to a settlement is this loop, and contracts/test/gas.json holds it to its
/// cost. One block, because functions cannot be shared between blocks. Numbers of instructions are those of
/// ProgramFormat.sol's Op, of errors those of RunError and of the frame those of Frame: assembly cannot name another
/// library's constants. Programs are verified: nothing but arithmetic is checked.
library ProgramInstructions {
    /// @notice Runs instructions from `at` until the end, an error, or one that reads earlier periods, before which it stops.
    /// @param frame address of what the run works on; its locals are written
    /// @param at address of an instruction
    /// @param top address of the stack's topmost word; below the lowest stands a word that means nothing
    /// @return stopped the frame's end, also with an error, or address of the instruction that reads earlier periods
    /// @return highest `top` at that moment
    /// @return error the run-time error, or 0
    function execute(uint256 frame, uint256 at, uint256 top)
        internal
        pure
        returns (uint256 stopped, uint256 highest, uint256 error)
    {
        assembly ("memory-safe") {
            // --- arithmetic --------------------------------------------------------------------------------------------

            /// |x|, of which the least int256 has 2^255.
            function size(x) -> s {
                let sign := sar(255, x)
                s := sub(xor(x, sign), sign)
            }

            /// x + y; error 1 if both have the same sign and the sum has the other.
            function sum(x, y) -> s, fault {
                s := add(x, y)
                fault := slt(and(xor(x, s), xor(y, s)), 0)
            }

            /// x - y; error 1 if the signs differ and the result does not have that of x.
            function difference(x, y) -> d, fault {
                d := sub(x, y)
                fault := slt(and(xor(x, y), xor(x, d)), 0)
            }

            /// trunc(x * y / z) with a product of 512 bits; error 2 if z is 0.
            function quotient(x, y, z) -> q, fault {
                if iszero(z) {
                    fault := 2
                    leave
                }
                // Two factors of 128 bits have a product of at most 2^254: one division of words is exact. First the
                // cheaper test, for factors that are not negative.
                if iszero(shr(127, or(x, y))) {
                    q := sdiv(mul(x, y), z)
                    leave
                }
                if iszero(or(xor(x, signextend(15, x)), xor(y, signextend(15, y)))) {
                    q := sdiv(mul(x, y), z)
                    leave
                }
                let negative := slt(xor(xor(x, y), z), 0)
                x := size(x)
                y := size(y)
                z := size(z)
                // x * y = high * 2^256 + low: modulo 2^256 - 1 the product is high + low.
                let low := mul(x, y)
                let high := mulmod(x, y, not(0))
                high := sub(sub(high, low), lt(high, low))
                // The quotient would have more than 256 bits.
                if iszero(lt(high, z)) {
                    fault := 1
                    leave
                }
                // Without the remainder the division is exact, and so is a multiplication by z's inverse modulo 2^256,
                // which an odd number has. So first both lose the power of two in z.
                let rest := mulmod(x, y, z)
                high := sub(high, gt(rest, low))
                low := sub(low, rest)
                let power := and(z, sub(0, z))
                z := div(z, power)
                // 2^256 / power is 0 modulo 2^256 for power 1, as it must be here.
                low := or(div(low, power), mul(high, add(div(sub(0, power), power), 1)))
                // 3z xor 2 is right in 4 bits; each step doubles them.
                let inverse := xor(mul(3, z), 2)
                for { let bits := 4 } lt(bits, 256) { bits := shl(1, bits) } {
                    inverse := mul(inverse, sub(2, mul(z, inverse)))
                }
                q := mul(low, inverse)
                // At most 2^255 - 1, and one more with a minus.
                fault := gt(q, sub(shl(255, 1), iszero(negative)))
                if negative { q := sub(0, q) }
            }

            /// The multiple of `unit` that `mode` chooses: 0 down, 1 up, 2 half_up, 3 half_even, 4 floor, 5 ceil.
            function round(x, unit, mode) -> r, fault {
                if iszero(sgt(unit, 0)) {
                    fault := 4
                    leave
                }
                let rest := smod(x, unit)
                r := sub(x, rest)
                if iszero(rest) { leave }
                // Twice the remainder's size is below 2^256.
                let twice := shl(1, size(rest))
                let away := mode
                switch mode
                case 2 { away := iszero(lt(twice, unit)) }
                case 3 { away := or(gt(twice, unit), and(eq(twice, unit), sdiv(r, unit))) }
                case 4 { away := slt(x, 0) }
                case 5 { away := sgt(x, 0) }
                if and(away, 1) {
                    // One step on, with the sign of x; it overflowed if the result has another.
                    let sign := sar(255, x)
                    r := add(r, sub(xor(unit, sign), sign))
                    fault := slt(xor(r, x), 0)
                }
            }

            /// Bit `side` of the four bits of `rule` that `relation` chooses. Side: 0 x = y, 1 x > y, 2 x < y.
            function compare(x, y, relation, rule) -> holds {
                let side := add(sgt(x, y), shl(1, slt(x, y)))
                holds := and(shr(add(shl(2, relation), side), rule), 1)
            }

            // --- tables ------------------------------------------------------------------------------------------------
            // Numbers are in two alternating columns x and y. `form` begins with the bytes wx, ex, wy, ey: a number has wx
            // (wy) bytes and means that times 10^ex (10^ey). The stack is two columns of 32 bytes, times 10^0.

            /// The y at an address.
            function valueAt(from, form) -> y {
                y := mul(sar(sub(256, shl(3, byte(2, form))), mload(from)), exp(10, byte(3, form)))
            }

            /// The y of the first row that holds, else the one after all rows. `edges` points to two bits per row:
            /// 0 at_least, 1 above, 2 at_most, 3 below.
            function step(x, from, rows, form, edges) -> y {
                let shift := sub(256, shl(3, byte(0, form)))
                let scale := exp(10, byte(1, form))
                for { let row := 0 } lt(row, rows) { row := add(row, 1) } {
                    let edge := and(shr(shl(1, and(row, 3)), byte(0, mload(add(edges, shr(2, row))))), 3)
                    let holds := compare(x, mul(sar(shift, mload(from)), scale), edge, 0x4523)
                    from := add(from, byte(0, form))
                    if holds { break }
                    from := add(from, byte(2, form))
                }
                y := valueAt(from, form)
            }

            /// Flat outside the constant points, straight lines between: y0 + trunc((y1 - y0) * (x - x0) / (x1 - x0)).
            /// `last` is the last point's address. Numbers lie within 2^126: no difference or product overflows.
            function constantCurve(x, from, last, form) -> y {
                let shift := sub(256, shl(3, byte(0, form)))
                let scale := exp(10, byte(1, form))
                if iszero(slt(x, mul(sar(shift, mload(last)), scale))) {
                    y := valueAt(add(last, byte(0, form)), form)
                    leave
                }
                let right := mul(sar(shift, mload(from)), scale)
                if slt(x, right) {
                    y := valueAt(add(from, byte(0, form)), form)
                    leave
                }
                last := add(byte(0, form), byte(2, form))
                for {} 1 {} {
                    from := add(from, last)
                    right := mul(sar(shift, mload(from)), scale)
                    if slt(x, right) { break }
                }
                // From x0 on.
                let left := mul(sar(shift, mload(sub(from, last))), scale)
                right := sub(right, left)
                x := sub(x, left)
                shift := sub(256, shl(3, byte(2, form)))
                scale := exp(10, byte(3, form))
                y := sar(shift, mload(sub(from, byte(2, form))))
                let rise := mul(sub(sar(shift, mload(add(from, byte(0, form)))), y), scale)
                y := add(mul(y, scale), sdiv(mul(rise, x), right))
            }

            /// The same on the stack, where every difference has to fit.
            function curve(x, from, last) -> y, fault {
                if iszero(slt(x, mload(last))) {
                    y := mload(add(last, 32))
                    leave
                }
                if iszero(sgt(x, mload(from))) {
                    y := mload(add(from, 32))
                    leave
                }
                for {} iszero(slt(x, mload(from))) {} { from := add(from, 64) }
                let left := mload(sub(from, 64))
                y := mload(sub(from, 32))
                let rise, run, excess
                rise, fault := difference(mload(add(from, 32)), y)
                run, excess := difference(mload(from), left)
                fault := or(fault, excess)
                x, excess := difference(x, left)
                fault := or(fault, excess)
                if fault { leave }
                // The part is no larger than the rise, and y + part lies between two words.
                rise, fault := quotient(rise, x, run)
                y := add(y, rise)
            }

            /// Each rate applies to the part of x inside its band, the last one to what lies above, each truncated alone.
            function bands(x, from, rows, form) -> total, fault {
                let xScale := exp(10, byte(1, form))
                let yScale := exp(10, byte(3, form))
                let lower := 0
                for {} sgt(x, lower) {} {
                    let upper := x
                    if rows {
                        upper := mul(sar(sub(256, shl(3, byte(0, form))), mload(from)), xScale)
                        if sgt(upper, x) { upper := x }
                        from := add(from, byte(0, form))
                        rows := sub(rows, 1)
                    }
                    let rate := mul(sar(sub(256, shl(3, byte(2, form))), mload(from)), yScale)
                    // 0 <= lower <= upper, so the difference fits.
                    rate, fault := quotient(sub(upper, lower), rate, 1000000000000000000)
                    if fault { leave }
                    total, fault := sum(total, rate)
                    if fault { leave }
                    lower := upper
                    from := add(from, byte(2, form))
                }
            }

            /// Whether each x on the stack is above the one before it, the first above `before`; or, not `strictly`, equal.
            function ascend(from, rows, before, strictly) -> good {
                for {} rows { rows := sub(rows, 1) } {
                    let x := mload(from)
                    if or(slt(x, before), and(strictly, eq(x, before))) { leave }
                    before := x
                    from := add(from, 64)
                }
                good := 1
            }

            // --- the loop ----------------------------------------------------------------------------------------------
            // The topmost word is `last`, those below it are in memory, the next one at `top`. Frequent instructions come
            // first and end in `continue`. An empty stack leaves a word without meaning in `last`.

            let last := mload(top)
            top := sub(top, 32)
            for { let op := byte(0, mload(at)) } 1 { op := byte(0, mload(at)) } {
                if lt(op, 0x20) {
                    // KPI, PARAM, GET i: the word of that vector. Bits 5, 6 and 8.
                    if and(shr(op, 0x160), 1) {
                        top := add(top, 32)
                        mstore(top, last)
                        last := mload(add(mload(add(frame, shl(5, op))), shl(5, byte(1, mload(at)))))
                        at := add(at, 2)
                        continue
                    }
                    // PUSH k, e, m: m * 10^e, m having k bytes.
                    if eq(op, 0x04) {
                        top := add(top, 32)
                        mstore(top, last)
                        let word := mload(at)
                        let width := byte(1, word)
                        last := mul(sar(sub(256, shl(3, width)), mload(add(at, 3))), exp(10, byte(2, word)))
                        at := add(at, add(3, width))
                        continue
                    }
                    // SET i: the word becomes local i, and the stack is empty. The last instruction is one.
                    if eq(op, 0x09) {
                        mstore(add(mload(add(frame, 0x100)), shl(5, byte(1, mload(at)))), last)
                        top := sub(top, 32)
                        at := add(at, 2)
                        if lt(at, mload(frame)) { continue }
                        error := 0
                        break
                    }
                    // ZERO, ONE, PUSH8 n: 0, 1 or n.
                    if lt(op, 0x04) {
                        top := add(top, 32)
                        mstore(top, last)
                        last := sub(op, 1)
                        at := add(at, 1)
                        if eq(op, 0x03) {
                            last := byte(0, mload(at))
                            at := add(at, 1)
                        }
                        last := mul(last, 1000000000000000000)
                        continue
                    }
                    // REG, EARNED, TODATE, SUMLAST, LAG read earlier periods.
                    if iszero(eq(op, 0x0a)) {
                        error := 0
                        break
                    }
                    // PERIOD: its number.
                    top := add(top, 32)
                    mstore(top, last)
                    last := mload(add(frame, 0x20))
                    at := add(at, 1)
                    continue
                }
                if lt(op, 0x23) {
                    let x := mload(top)
                    top := sub(top, 32)
                    at := add(at, 1)
                    // MUL: trunc(x * y / 10^18).
                    if eq(op, 0x22) {
                        // Neither is negative nor has more than 127 bits: one division of words is exact.
                        if iszero(shr(127, or(x, last))) {
                            last := div(mul(x, last), 1000000000000000000)
                            continue
                        }
                        last, error := quotient(x, last, 1000000000000000000)
                        if error { break }
                        continue
                    }
                    // ADD: x + y.
                    if eq(op, 0x20) {
                        last, error := sum(x, last)
                        if error { break }
                        continue
                    }
                    // SUB: x - y.
                    last, error := difference(x, last)
                    if error { break }
                    continue
                }
                if gt(op, 0x3f) {
                    let rows := byte(1, mload(at))
                    // CURVEC: the curve through constant points.
                    if eq(op, 0x49) {
                        let form := shl(16, mload(at))
                        let stride := add(byte(0, form), byte(2, form))
                        let from := add(at, 6)
                        at := add(from, mul(rows, stride))
                        last := constantCurve(last, from, sub(at, stride), form)
                        continue
                    }
                    at := add(at, 2)
                    // STEP, STEPC have two bits per row.
                    let edges := at
                    if iszero(and(op, 7)) { at := add(at, shr(2, add(rows, 3))) }
                    let form := mload(at)
                    let from := add(at, 4)
                    switch lt(op, 0x48)
                    case 0 {
                        // Behind the rows stands one y more.
                        at := add(from, add(mul(rows, add(byte(0, form), byte(2, form))), byte(2, form)))
                    }
                    default {
                        form := shl(224, 0x20002000)
                        // Numbers on the stack: STEP, BANDS 2 per row and one, CURVE 2 per row, PICK 1 per row.
                        let words := add(shl(lt(op, 0x43), rows), iszero(and(op, 1)))
                        top := add(top, 32)
                        mstore(top, last)
                        from := sub(add(top, 32), shl(5, words))
                        last := mload(sub(from, 32))
                        top := sub(from, 64)
                    }
                    error := 0
                    switch and(op, 7)
                    case 0 { last := step(last, from, rows, form, edges) }
                    case 1 {
                        // CURVE: its points ascend, or error 5.
                        if iszero(ascend(add(from, 64), sub(rows, 1), mload(from), 1)) {
                            error := 5
                            break
                        }
                        last, error := curve(last, from, add(from, shl(6, sub(rows, 1))))
                    }
                    case 2 {
                        // BANDS: its edges do not descend, from 0 on, or error 6.
                        if lt(op, 0x48) {
                            if iszero(ascend(from, rows, 0, 0)) {
                                error := 6
                                break
                            }
                        }
                        last, error := bands(last, from, rows, form)
                    }
                    default {
                        // PICK: the value with the number x, or error 7. A negative x is far above all rows here.
                        let choice := sub(div(last, 1000000000000000000), 1)
                        if or(mod(last, 1000000000000000000), iszero(lt(choice, rows))) {
                            error := 7
                            break
                        }
                        last := mload(add(from, shl(5, choice)))
                    }
                    if error { break }
                    continue
                }
                if lt(op, 0x30) {
                    at := add(at, 1)
                    // NEG, ABS: -x, |x|.
                    if lt(sub(op, 0x25), 2) {
                        if or(eq(op, 0x25), slt(last, 0)) {
                            last := sub(0, last)
                            // Only the least int256 is its own negation, but for 0.
                            if eq(last, shl(255, 1)) {
                                error := 1
                                break
                            }
                        }
                        continue
                    }
                    let x := mload(top)
                    top := sub(top, 32)
                    error := 0
                    switch op
                    // MIN, MAX.
                    case 0x27 { if slt(x, last) { last := x } }
                    case 0x28 { if sgt(x, last) { last := x } }
                    // DIV: trunc(x * 10^18 / y).
                    case 0x23 { last, error := quotient(x, 1000000000000000000, last) }
                    // ROUND mode: x to a multiple of the last word.
                    case 0x2a {
                        last, error := round(x, last, byte(0, mload(at)))
                        at := add(at, 1)
                    }
                    default {
                        // Three words: w x last.
                        let w := mload(top)
                        top := sub(top, 32)
                        switch op
                        // MULDIV: trunc(w * x / last).
                        case 0x24 { last, error := quotient(w, x, last) }
                        // CLAMP: w within x..last; error 3 if x is above.
                        case 0x29 {
                            error := mul(3, sgt(x, last))
                            if slt(w, last) { last := w }
                            if slt(last, x) { last := x }
                        }
                        // OUTSIDE: max(x - w, w - last, 0).
                        default {
                            let fault
                            x, fault := difference(x, w)
                            last, error := difference(w, last)
                            error := or(error, fault)
                            if slt(last, x) { last := x }
                            if slt(last, 0) { last := 0 }
                        }
                    }
                    if error { break }
                    continue
                }
                // JZ, JMP d: go on d bytes behind the instruction; JZ only if its word is 0.
                if gt(op, 0x36) {
                    let distance := and(shr(232, mload(at)), 0xffff)
                    at := add(at, 3)
                    if eq(op, 0x38) {
                        at := add(at, distance)
                        continue
                    }
                    if iszero(last) { at := add(at, distance) }
                    last := mload(top)
                    top := sub(top, 32)
                    continue
                }
                at := add(at, 1)
                // NOT: 1 if the word is 0.
                if eq(op, 0x36) {
                    last := iszero(last)
                    continue
                }
                // LT, LE, EQ, GT, GE, NE, whose last three bits are 0 to 5.
                last := compare(mload(top), last, and(op, 7), 0x632154)
                top := sub(top, 32)
            }
            // With an error there is nowhere to go on.
            stopped := at
            if error { stopped := mload(frame) }
            highest := add(top, 32)
            mstore(highest, last)
        }
    }
}
