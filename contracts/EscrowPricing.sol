// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./DeployedTerms.sol";
import {EscrowPeriods} from "./EscrowPeriods.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Format, Header, RunError} from "./program/ProgramFormat.sol";
import {ProgramMachine} from "./program/ProgramMachine.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {ProgramStore} from "./program/ProgramStore.sol";
import {Words} from "./program/Words.sol";

/// @title From a period's values to its amounts
abstract contract EscrowPricing is EscrowPeriods {
    /// @dev Amounts are below 2^112 base units, so that no sum over 1,024 periods leaves 128 bits.
    int256 private constant MOST_AMOUNT = int256(uint256(type(uint112).max));

    /// @dev Runs the program on a period's values. Changes nothing.
    function _price(Turn memory turn, Terms memory terms, uint256 period, Values memory values)
        internal
        view
        returns (IOutcomeEscrow.Priced memory priced, Past memory past)
    {
        int256[] memory parameters = terms.parameters(values.parametersAt);
        int256[] memory earned;
        bool sequential = terms.isSequential();
        if (sequential) {
            past = _recall(turn, terms, period);
            earned = _earnedBefore(turn, past.payees);
        } else {
            past.code = terms.isRegistered() ? ProgramStore.read(_store(terms), false) : terms.program;
        }
        (priced.programError, priced.locals) =
            ProgramMachine.run(past.code, values.inputs, parameters, period, _carried[past.carried], past.runs, earned);
        int256 unit = int256(10 ** (18 - turn.terms.unitDecimals()));
        if (sequential && priced.programError == RunError.NONE) {
            (priced.sums, priced.programError) = ProgramState.addUp(
                _carried[past.carried], past.code, priced.locals, past.lines, past.payees, earned, unit
            );
        }
        if (priced.programError == RunError.NONE) _cut(priced, past.code, unit);
        if (priced.programError != RunError.NONE) priced.amounts = new int256[](turn.terms.slotCount());
    }

    /// @dev The payees' locals in base units; an error if one is too large for the books.
    function _cut(IOutcomeEscrow.Priced memory priced, bytes memory code, int256 unit) private pure {
        unchecked {
            Header header = Format.readHeader(code);
            uint256 table = Words.startOf(code) + header.payeeTable();
            uint256 locals = Words.startOf(priced.locals);
            int256[] memory amounts = new int256[](header.payees());
            for (uint256 i = 0; i < amounts.length; ++i) {
                int256 amount = Words.load(locals + 32 * Words.byteAt(table + i)) / unit;
                amounts[i] = amount;
                if (amount > MOST_AMOUNT || amount < -MOST_AMOUNT) priced.programError = RunError.AMOUNT_TOO_LARGE;
            }
            priced.amounts = amounts;
        }
    }
}
