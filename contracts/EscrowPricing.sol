// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./DeployedTerms.sol";
import {EscrowOrdinary} from "./EscrowOrdinary.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Format, Header, RunError} from "./program/ProgramFormat.sol";
import {ProgramMachine} from "./program/ProgramMachine.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {ProgramStore} from "./program/ProgramStore.sol";
import {Words} from "./program/Words.sol";

/// @title From a period's values to its amounts
abstract contract EscrowPricing is EscrowOrdinary {
    /// @dev Amounts are below 2^112 base units, so that no sum over 1,024 periods leaves 128 bits.
    int256 private constant MOST_AMOUNT = int256(uint256(type(uint112).max));

    /// @dev Runs the program on a period's values. Changes nothing but what it writes into `priced` and `past`.
    function _price(
        Turn memory turn,
        Terms terms,
        uint256 period,
        Values memory values,
        IOutcomeEscrow.Priced memory priced,
        Past memory past
    ) internal view {
        unchecked {
            int256[] memory parameters = terms.parameters(values.parametersAt);
            bool sequential = terms.isSequential();
            int256[] memory earned;
            if (sequential) {
                _recall(turn, terms, period, past);
                if (past.payees != 0) earned = _earnedBefore(turn, past.payees);
            } else {
                past.code = terms.isRegistered() ? ProgramStore.read(terms.store(), false) : terms.program();
            }
            bytes memory code = past.code;
            uint256 error;
            ProgramState.Carried storage carried = sequential ? _carried[past.carried] : ProgramState.fromSlot(0);
            (error, priced.locals) =
                ProgramMachine.run(code, values.inputs, parameters, period, carried, past.runs, earned);
            int256 unit = int256(10 ** (18 - turn.terms.unitDecimals()));
            if (sequential && error == RunError.NONE) {
                (priced.sums, error) =
                    ProgramState.addUp(carried, code, priced.locals, past.lines, past.payees, earned, unit);
            }
            if (error == RunError.NONE) error = _cut(priced, code, unit);
            if (error != RunError.NONE) priced.amounts = new int256[](turn.terms.slotCount());
            priced.programError = error;
        }
    }

    /// @dev The payees' locals in base units; an error if one is too large for the books.
    function _cut(IOutcomeEscrow.Priced memory priced, bytes memory code, int256 unit)
        private
        pure
        returns (uint256 error)
    {
        unchecked {
            Header header = Format.readHeader(code);
            uint256 table = Words.startOf(code) + header.payeeTable();
            uint256 locals = Words.startOf(priced.locals);
            int256[] memory amounts = Words.array(header.payees());
            uint256 to = Words.startOf(amounts);
            for (uint256 end = to + 32 * amounts.length; to != end; to += 32) {
                int256 amount = Words.load(locals + 32 * Words.byteAt(table++)) / unit;
                Words.store(to, amount);
                if (amount > MOST_AMOUNT || amount < -MOST_AMOUNT) error = RunError.AMOUNT_TOO_LARGE;
            }
            priced.amounts = amounts;
        }
    }
}
