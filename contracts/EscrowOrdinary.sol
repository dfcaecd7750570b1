// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {EscrowPeriods} from "./EscrowPeriods.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Words} from "./program/Words.sol";

/// @title Settling a period in the ordinary case
/// @notice Nobody owes or is owed, no holder changed, no evidence is missing, the balance is what the books say, and the
/// funds suffice: every amount goes to its slot, less its holdback. One event says it (IEscrowEvents.SettledInFull).
abstract contract EscrowOrdinary is EscrowPeriods {
    /// @dev 1 with 18 decimals.
    uint256 internal constant ONE = 1e18;

    /// @dev No error, no negative amount, and the funds suffice: then they are on their way.
    function _isPlain(Turn memory turn, IOutcomeEscrow.Priced memory priced) internal pure returns (bool) {
        unchecked {
            if (priced.programError != 0 || turn.terms.has(DeployedTerms.RESTATES)) return false;
            uint256 total = 0;
            uint256 at = Words.startOf(priced.amounts);
            for (uint256 end = at + 32 * priced.amounts.length; at != end; at += 32) {
                uint256 amount = Words.wordAt(at);
                // A negative one is above all of 112 bits, and at most 32 of those are added up.
                if (amount > type(uint112).max) return false;
                total += amount;
            }
            if (total > turn.funds) return false;
            turn.funds -= total;
            turn.others += total;
            return true;
        }
    }

    function _settlePlain(
        Turn memory turn,
        Terms terms,
        uint256 period,
        Values memory values,
        IOutcomeEscrow.Priced memory priced,
        Past memory past
    ) internal {
        unchecked {
            _setSettled(turn, period);
            if (terms.isSequential()) _keep(past, values, priced);
            int256[] memory amounts = priced.amounts;
            uint256 rate = turn.terms.holdbackRate();
            uint256 end = Words.startOf(amounts) + 32 * amounts.length;
            if (rate != 0) {
                uint256 slot = 0;
                for (uint256 at = Words.startOf(amounts); at != end; at += 32) {
                    uint256 amount = Words.wordAt(at);
                    uint256 held = amount * rate / ONE;
                    if (held != 0) {
                        _books[slot].held += uint104(held);
                        Words.store(at, int256(amount - held));
                    }
                    ++slot;
                }
            }
            uint256 paid = 0;
            for (uint256 i = 0; i < amounts.length; ++i) {
                uint256 amount = uint256(Words.item(amounts, i));
                paid |= amount;
                _pay(turn, i, amount, true);
            }
            // Every push writes the slot.
            if (paid == 0) _commit(turn);
        }
    }
}
