// The least a report and, later, its settlement can be: with a signature the first, without one the second.
// Call data: [8 period][16 value], and of a report [65 signature].
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
            if gt(calldatasize(), 24) {
                mstore(0, digest)
                mstore(32, byte(0, calldataload(88)))
                calldatacopy(64, 24, 64)
                pop(staticcall(gas(), 1, 0, 128, 0, 32))
                if iszero(eq(mload(0), ${verifier0})) { revert(0, 0) }
                sstore(1, add(digest, timestamp()))
                mstore(0, period)
                log1(0, 32, ${topic})
                stop()
            }
            if lt(sload(1), digest) { revert(0, 0) }
            sstore(0, period)
            mstore(0, 0xa9059cbb)
            mstore(32, ${payee})
            mstore(64, value)
            if iszero(call(gas(), ${token}, 0, 28, 68, 0, 0)) { revert(0, 0) }
            mstore(0, period)
            mstore(32, value)
            log1(0, 64, ${topic})
        }
    }
}
