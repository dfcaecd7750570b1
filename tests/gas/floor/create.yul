// The least a creation can be: two signatures over the arguments, a minimal proxy with them behind its code, one event.
// Call data: [65 signature][65 signature][arguments].
object "Floor" {
    code {
        datacopy(0, dataoffset("Runtime"), datasize("Runtime"))
        return(0, datasize("Runtime"))
    }
    object "Runtime" {
        code {
            let size := sub(calldatasize(), 130)
            // ERC-1167 with `size` bytes more, as creation code of 10 bytes: PUSH2 size, DUP1, PUSH1 10, ...
            mstore(256, or(shl(248, 0x61), or(shl(232, add(size, 45)), shl(176, 0x80600a3d393df3))))
            mstore(266, shl(176, 0x363d3d373d3d3d363d73))
            mstore(276, shl(96, address()))
            mstore(296, shl(136, 0x5af43d82803e903d91602b57fd5bf3))
            calldatacopy(311, 130, size)
            let terms := keccak256(311, size)
            mstore(0, ${domain})
            mstore(32, terms)
            let digest := keccak256(0, 64)
            if iszero(eq(recover(digest, 0), ${client})) { revert(0, 0) }
            if iszero(eq(recover(digest, 65), ${payee})) { revert(0, 0) }
            let made := create2(0, 256, add(size, 55), digest)
            if iszero(made) { revert(0, 0) }
            mstore(0, made)
            log1(0, 32, ${topic})

            function recover(digest_, at) -> signer {
                mstore(0, digest_)
                mstore(32, byte(0, calldataload(add(at, 64))))
                calldatacopy(64, at, 64)
                pop(staticcall(gas(), 1, 0, 128, 0, 32))
                signer := mload(0)
            }
        }
    }
}
