// The least a dispute can be: a stake comes in for another value; a ruling sends the stake back and the money out. Call data: [1 act][8 period][16 value].
object "Floor" {
    code {
        datacopy(0, dataoffset("Runtime"), datasize("Runtime"))
        return(0, datasize("Runtime"))
    }
    object "Runtime" {
        code {
            let said := calldataload(0)
            let period := and(shr(184, said), 0xffffffffffffffff)
            let value := and(shr(56, said), 0xffffffffffffffffffffffffffffffff)
            switch byte(0, said)
            case 0 {
                if iszero(eq(caller(), ${client})) { revert(0, 0) }
                mstore(0, 0x23b872dd)
                mstore(32, ${client})
                mstore(64, address())
                mstore(96, value)
                if iszero(call(gas(), ${token}, 0, 28, 100, 0, 0)) { revert(0, 0) }
                sstore(1, add(value, sload(1)))
            }
            default {
                if iszero(eq(caller(), ${arbitrator})) { revert(0, 0) }
                if iszero(sload(1)) { revert(0, 0) }
                pay(${client}, value)
                pay(${payee}, value)
                sstore(1, 1)
                sstore(0, period)
            }
            mstore(0, period)
            mstore(32, value)
            log1(0, 64, ${topic})

            function pay(to, amount) {
                mstore(0, 0xa9059cbb)
                mstore(32, to)
                mstore(64, amount)
                if iszero(call(gas(), ${token}, 0, 28, 68, 0, 0)) { revert(0, 0) }
            }
        }
    }
}
