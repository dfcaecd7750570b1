// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";
import {Seen} from "../Seen.sol";
import {Words} from "./Words.sol";

/// @title What `price` is asked and what it answers, as the contract ABI writes them
/// @notice The compiler writes and reads them word by word, which cost more than running the program. An array stands in
/// memory as it does in a call, so that it is copied as a whole, and an answer is read where it stands.
library PricedRows {
    // Places in an answer's row.
    uint256 private constant AMOUNTS = 0x20;
    uint256 private constant LOCALS = 0x40;
    uint256 private constant SUMS = 0x60;
    uint256 private constant HEAD = 0x80;

    /// @dev The call `price(period, rows)` of the values of so many views.
    function request(uint256 period, Seen first, uint256 count) internal pure returns (bytes memory data) {
        unchecked {
            uint256 start = Words.reserve(0) + 32;
            Words.store(start, int256(uint256(bytes32(IOutcomeEscrow.price.selector))));
            Words.store(start + 0x04, int256(period));
            Words.store(start + 0x24, 0x40);
            Words.store(start + 0x44, int256(count));
            // Offsets count from here.
            uint256 at = start + 0x64;
            uint256 to = at + 32 * count;
            for (uint256 i = 0; i < count; ++i) {
                Words.store(at + 32 * i, int256(to - at));
                to = Words.write(to, first.plus(i).given());
            }
            Words.reserve((to - start + 63) / 32);
            return Words.bytesAt(start, to);
        }
    }

    /// @dev Room for so many rows, of which all but the sums is still to be filled in.
    function reserve(uint256 count) internal pure returns (IOutcomeEscrow.Priced[] memory all) {
        unchecked {
            int256[] memory none;
            uint256 at = Words.reserve(1 + count);
            Words.store(at, int256(count));
            assembly ("memory-safe") {
                all := at
            }
            for (uint256 end = at + 32 * count; at != end;) {
                uint256 row = Words.reserve(HEAD / 32);
                Words.store(row + SUMS, int256(Words.startOf(none) - 32));
                Words.store(at += 32, int256(row));
            }
        }
    }

    /// @dev Answers the call with these and ends it.
    function giveBack(IOutcomeEscrow.Priced[] memory all) internal pure {
        unchecked {
            uint256 start = Words.reserve(0);
            Words.store(start, 0x20);
            Words.store(start + 0x20, int256(all.length));
            uint256 at = start + 0x40;
            uint256 to = at + 32 * all.length;
            for (uint256 i = 0; i < all.length; ++i) {
                Words.store(at + 32 * i, int256(to - at));
                to = write(to, all[i]);
            }
            assembly ("memory-safe") {
                return(start, sub(to, start))
            }
        }
    }

    function write(uint256 at, IOutcomeEscrow.Priced memory row) private pure returns (uint256 to) {
        unchecked {
            Words.store(at, int256(row.programError));
            Words.store(at + AMOUNTS, int256(HEAD));
            to = Words.write(at + HEAD, row.amounts);
            Words.store(at + LOCALS, int256(to - at));
            to = Words.write(to, row.locals);
            Words.store(at + SUMS, int256(to - at));
            to = Words.write(to, row.sums);
        }
    }

    /// @dev What `giveBack` answered, read where it stands: its offsets become addresses. Only of an answer of this code.
    function read(bytes memory answer) internal pure returns (IOutcomeEscrow.Priced[] memory all) {
        unchecked {
            uint256 start = Words.startOf(answer) + 0x40;
            uint256 end = start + 32 * Words.wordAt(start - 32);
            for (uint256 at = start; at != end; at += 32) {
                uint256 row = start + Words.wordAt(at);
                Words.store(at, int256(row));
                Words.store(row + AMOUNTS, int256(row) + Words.load(row + AMOUNTS));
                Words.store(row + LOCALS, int256(row) + Words.load(row + LOCALS));
                Words.store(row + SUMS, int256(row) + Words.load(row + SUMS));
            }
            assembly ("memory-safe") {
                all := sub(start, 0x20)
            }
        }
    }
}
