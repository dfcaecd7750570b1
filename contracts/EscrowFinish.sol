// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {Terms} from "./DeployedTerms.sol";
import {EscrowCredits} from "./EscrowCredits.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {PricedRows} from "./program/PricedRows.sol";
import {Seen, SeenParts} from "./Seen.sol";

/// @title Settling a period, whatever the case
/// @notice OutcomeEscrow settles the ordinary ones by itself. The machine is there; here it is asked.
abstract contract EscrowFinish is EscrowCredits {
    /// @dev What the program makes of the values of several views of a period, asked of the escrow itself, whose code has
    /// the machine.
    function _ask(uint256 period, Seen first, uint256 count) internal view returns (IOutcomeEscrow.Priced[] memory) {
        return PricedRows.read(Address.functionStaticCall(address(this), PricedRows.request(period, first, count)));
    }

    function _askOne(uint256 period, int256[] memory given) internal view returns (IOutcomeEscrow.Priced memory) {
        Seen seen = SeenParts.reserve(1);
        seen.fill(0, 0, given, given);
        return _ask(period, seen, 1)[0];
    }

    /// @dev Settles a period on a version: amounts credited less what was credited before, state carried on.
    function _finish(
        Turn memory turn,
        Terms terms,
        uint256 period,
        Values memory values,
        IOutcomeEscrow.Priced memory priced,
        int256[] memory before
    ) internal {
        Past memory past;
        if (terms.isSequential()) _recall(turn, terms, period, past);
        bool first = before.length == 0 && values.lacking == 0 && !turn.below;
        if (first && !_is(turn, ASSIGNED | OWING | LACKING) && _isPlain(turn, priced)) {
            emit SettledInFull(period, priced.amounts);
            _settlePlain(turn, terms, period, values, priced, past);
            return;
        }
        _setSettled(turn, period);
        // A sequential program's due date depends on the turn that ends now.
        if (values.lacking != 0 || _is(turn, LACKING)) _noteLacking(turn, terms, period, uint32(values.lacking));
        if (terms.isSequential()) _keep(past, values, priced);
        emit Settled(period, priced.amounts, uint8(priced.programError));
        _credit(turn, period, priced.amounts, before);
        if (!_is(turn, ASSIGNED)) return;
        for (uint256 slot = 0; slot < priced.amounts.length; ++slot) {
            _releaseOutgoing(turn, _holderOf(turn, slot, period));
        }
    }

    /// @dev Whose evidence a settled period lacks, and when it was due: a breach unless it was shown to be there in time.
    function _noteLacking(Turn memory turn, Terms terms, uint256 period, uint32 lacking) private {
        Notes storage notes = _notes[period];
        if (lacking == 0 && notes.lacking == 0) return;
        turn.flags |= LACKING;
        if (notes.due == 0) notes.due = uint40(_dueOf(turn, terms, period));
        notes.lacking = lacking;
    }
}
