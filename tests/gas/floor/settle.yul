// The least a settlement can be: signatures of verifiers over packed bytes, one word of storage, the money, one event. It
// checks nothing else. Which parts it has, the braces say. Call data: [8 period][16 value], then per signature 65 bytes.
object "Floor" {
    code {
        datacopy(0, dataoffset("Runtime"), datasize("Runtime"))
        return(0, datasize("Runtime"))
    }
    object "Runtime" {
        code {
            let said := calldataload(0)
            let period := shr(192, said)
            let value := and(shr(64, said), 0xffffffffffffffffffffffffffffffff)
            mstore(0, ${domain})
            mstore(32, said)
            let digest := keccak256(0, 56)
            ${signatures}
            ${curve}
            ${state}
            sstore(0, period)
            mstore(0, 0xa9059cbb)
            mstore(32, ${payee})
            mstore(64, value)
            if iszero(call(gas(), ${token}, 0, 28, 68, 0, 0)) { revert(0, 0) }
            mstore(0, period)
            mstore(32, value)
            log1(0, 64, ${topic})

            // Whether the 65 bytes at `at` are the signer's over the digest.
            function recover(digest_, at) -> signer {
                mstore(0, digest_)
                mstore(32, byte(0, calldataload(add(at, 64))))
                calldatacopy(64, at, 64)
                pop(staticcall(gas(), 1, 0, 128, 0, 32))
                signer := mload(0)
            }

            // A straight piece from (x0, y0) to (x1, y1).
            function piece(x, x0, y0, x1, y1) -> y {
                y := add(y0, div(mul(sub(x, x0), sub(y1, y0)), sub(x1, x0)))
            }
        }
    }
}
