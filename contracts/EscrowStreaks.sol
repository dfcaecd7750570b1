// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EscrowCredits} from "./EscrowCredits.sol";
import {Turn} from "./EscrowState.sol";

/// @title Breaches in a row
/// @notice docs/protocol.md section 4, Breach.
abstract contract EscrowStreaks is EscrowCredits {
    /// @dev Whether the holder of the slot's next period has breached as often in a row as the terms say: counted back from
    /// its latest settled period in the order of periods. A neutral period is passed over; a kept, an open or an
    /// unsettled one ends the row.
    function _hasStreak(Turn memory turn, uint256 slot) internal view returns (bool) {
        uint256 needed = turn.terms.streak();
        if (needed == 0 || !_is(turn, LACKING)) return false;
        uint256 period = _started(turn);
        uint256 coming = period < turn.terms.periodCount() ? period + 1 : period;
        uint256 first = _firstOf(turn, _holderOf(turn, slot, coming));
        while (period >= first && !_isSettled(turn, period)) {
            --period;
        }
        uint256 count = 0;
        for (; period >= first && _isSettled(turn, period); --period) {
            Notes memory notes = _notes[period];
            if ((notes.lacking >> slot) & 1 == 0) return false;
            if ((notes.posted >> slot) & 1 != 0) continue;
            if (block.timestamp < notes.due) return false;
            if (++count == needed) return true;
        }
        return false;
    }
}
