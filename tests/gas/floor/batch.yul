// The least a batch can be: per item a signature, one word of storage, the money, one event, all in one contract.
// Call data: per item [8 item][8 period][16 value][65 signature]. A slot has [8 period][20 payee].
object "Floor" {
    code {
        datacopy(0, dataoffset("Runtime"), datasize("Runtime"))
        return(0, datasize("Runtime"))
    }
    object "Runtime" {
        code {
            for { let at := 0 } lt(at, calldatasize()) { at := add(at, 97) } {
                let said := calldataload(at)
                mstore(0, ${domain})
                mstore(32, said)
                mstore(0, keccak256(0, 64))
                mstore(32, byte(0, calldataload(add(at, 96))))
                calldatacopy(64, add(at, 32), 64)
                pop(staticcall(gas(), 1, 0, 128, 0, 32))
                if iszero(eq(mload(0), ${verifier0})) { revert(0, 0) }

                let item := shr(192, said)
                let period := and(shr(128, said), 0xffffffffffffffff)
                let value := and(said, 0xffffffffffffffffffffffffffffffff)
                let payee := ${payee}
                ${payees}
                sstore(item, or(payee, shl(160, period)))
                mstore(0, 0xa9059cbb)
                mstore(32, payee)
                mstore(64, value)
                if iszero(call(gas(), ${token}, 0, 28, 68, 0, 0)) { revert(0, 0) }
                mstore(0, item)
                mstore(32, period)
                mstore(64, value)
                log1(0, 96, ${topic})
            }
        }
    }
}
