// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The verifier's way past what is plainly right
/// @notice Instructions that no jump leads to or past, in their commonest forms. Whatever is not plainly right here is left
/// to ProgramVerifier, which says what is wrong with it, or that nothing is.
/// @dev Assembly for its price: who creates an agreement with a program of its own pays for each byte of it. Numbers of
/// instructions are those of ProgramFormat.sol's Op, places those of ProgramVerifier's Pass.
library ProgramStraight {
    /// @notice Goes on from instruction to instruction while each is right.
    /// @param pass address of a Pass without pending jumps, not behind a JMP
    /// @param sizes bytes of each instruction below STEP, four bits per opcode
    /// @param pops words it takes from the stack, likewise
    function goOn(uint256 pass, uint256 sizes, uint256 pops) internal pure {
        assembly ("memory-safe") {
            /// Bytes of a CURVEC at `at` up to its end; 0 if it is not plainly right. Its numbers are so small that no
            /// product with their power of ten has more than 126 bits.
            function curve(at, end) -> size {
                let rows := byte(1, mload(at))
                let form := shl(16, mload(at))
                let width := byte(0, form)
                let other := byte(2, form)
                if or(gt(add(at, 6), end), lt(rows, 2)) { leave }
                if or(iszero(width), gt(add(shl(3, width), shl(2, byte(1, form))), 126)) { leave }
                if or(iszero(other), gt(add(shl(3, other), shl(2, byte(3, form))), 126)) { leave }
                let stride := add(width, other)
                let last := add(add(at, 6), mul(rows, stride))
                if gt(last, end) { leave }
                // The x ascend.
                let shift := sub(256, shl(3, width))
                let from := add(at, 6)
                let before := sar(shift, mload(from))
                for { from := add(from, stride) } lt(from, last) { from := add(from, stride) } {
                    let x := sar(shift, mload(from))
                    if iszero(slt(before, x)) { leave }
                    before := x
                }
                size := sub(last, at)
            }

            let at := mload(pass)
            let end := mload(add(pass, 0x20))
            let depth := mload(add(pass, 0x80))
            let sets := mload(add(pass, 0xc0))
            for {} lt(at, end) {} {
                let op := byte(0, mload(at))
                let n := byte(1, mload(at))
                let size
                let fresh := depth
                switch lt(op, 0x40)
                case 0 {
                    if or(xor(op, 0x49), iszero(depth)) { break }
                    size := curve(at, end)
                }
                default {
                    size := and(shr(shl(2, op), sizes), 15)
                    let taken := and(shr(shl(2, op), pops), 15)
                    if gt(taken, depth) { break }
                    fresh := add(sub(depth, taken), 1)
                    if gt(size, 1) {
                        let good := 0
                        switch op
                        // PUSH8
                        case 0x03 { good := 1 }
                        // PUSH: so few digits that any power of ten fits.
                        case 0x04 {
                            good := and(lt(sub(n, 1), 16), lt(byte(2, mload(at)), 37))
                            size := add(size, n)
                        }
                        // KPI, PARAM, GET
                        case 0x05 { good := lt(n, byte(1, mload(add(pass, 0x40)))) }
                        case 0x06 { good := lt(n, byte(2, mload(add(pass, 0x40)))) }
                        case 0x08 { good := lt(n, sets) }
                        // SET
                        case 0x09 {
                            good := and(and(eq(depth, 1), eq(n, sets)), lt(n, 255))
                            fresh := 0
                        }
                        if or(iszero(good), gt(add(at, size), end)) { break }
                        sets := add(sets, eq(op, 0x09))
                    }
                }
                if or(iszero(size), gt(fresh, 64)) { break }
                depth := fresh
                if gt(depth, mload(add(pass, 0xa0))) { mstore(add(pass, 0xa0), depth) }
                mstore(add(pass, 0x140), op)
                mstore(add(pass, 0x180), at)
                at := add(at, size)
            }
            mstore(pass, at)
            mstore(add(pass, 0x80), depth)
            mstore(add(pass, 0xc0), sets)
        }
    }
}
