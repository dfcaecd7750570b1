// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./DeployedTerms.sol";
import {EscrowState} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {RunError} from "./program/ProgramFormat.sol";
import {ProgramMachine} from "./program/ProgramMachine.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {ProgramStore} from "./program/ProgramStore.sol";

/// @title From a period's values to its amounts, and what periods leave to later ones
/// @notice Runs the program once. Only a sequential program reads or writes carried state, and only a run without error
/// changes it.
abstract contract EscrowPricing is EscrowState {
    /// @dev Amounts are below 2^112 base units, so that no sum over 1,024 periods leaves 128 bits.
    int256 private constant MOST_AMOUNT = int256(uint256(type(uint112).max));

    /// @dev Each provider's signed amount in base units, truncated toward zero once; all 0 with a program error.
    function _price(Terms terms, uint32 period, int256[] memory inputs)
        internal
        returns (uint256 programError, int256[] memory amounts)
    {
        address store = _store(terms);
        if (_hot.sequential) {
            _hot.turnAt = uint40(block.timestamp);
            (programError, amounts) = _priceInTurn(terms, store, period, inputs);
        } else {
            bytes memory code = ProgramStore.read(store, false);
            int256[] memory locals;
            int256[] memory nothing;
            (programError, locals) = ProgramMachine.run(code, inputs, terms.parameters(), period, _carried, 0, nothing);
            if (programError == RunError.NONE) (programError, amounts) = _amounts(code, locals, _unit(terms));
        }
        if (programError != RunError.NONE) amounts = new int256[](terms.providerCount());
    }

    /// @dev The same for a program that reads earlier periods. A run without error changes what they left.
    function _priceInTurn(Terms terms, address store, uint32 period, int256[] memory inputs)
        private
        returns (uint256 programError, int256[] memory amounts)
    {
        bytes memory code = ProgramStore.read(store, true);
        int256 unit = _unit(terms);
        uint256 periods = _hot.carried;
        uint256 lines = ProgramStore.readLines(store);
        uint256 payees = ProgramStore.readPayees(store);
        int256[] memory earned = _earned(terms, payees, unit);
        int256[] memory locals;
        (programError, locals) = ProgramMachine.run(code, inputs, terms.parameters(), period, _carried, periods, earned);
        if (programError != RunError.NONE) return (programError, amounts);
        int256[] memory sums;
        (sums, programError) = ProgramState.addUp(_carried, code, locals, lines, payees, earned, unit);
        if (programError != RunError.NONE) return (programError, amounts);
        (programError, amounts) = _amounts(code, locals, unit);
        if (programError != RunError.NONE) return (programError, amounts);

        ProgramState.keep(_carried, code, inputs, locals, periods, lines, sums);
        ++_hot.carried;
    }

    /// @dev The payees' locals in base units; an error if one is too large for the books.
    function _amounts(bytes memory code, int256[] memory locals, int256 unit)
        private
        pure
        returns (uint256 programError, int256[] memory amounts)
    {
        amounts = ProgramMachine.payeeAmounts(code, locals);
        for (uint256 i = 0; i < amounts.length; ++i) {
            amounts[i] /= unit;
            if (amounts[i] > MOST_AMOUNT || amounts[i] < -MOST_AMOUNT) programError = RunError.AMOUNT_TOO_LARGE;
        }
    }

    /// @dev What each payee of `payees` (bit i: payee i) earned in all settled periods, scaled; the books have it.
    function _earned(Terms terms, uint256 payees, int256 unit) private view returns (int256[] memory earned) {
        earned = new int256[](terms.providerCount());
        for (uint256 i = 0; i < earned.length; ++i) {
            if ((payees >> i) & 1 != 0) earned[i] = _books[i].earned * unit;
        }
    }

    /// @dev One base unit of the token as a word.
    function _unit(Terms terms) private pure returns (int256) {
        return int256(10 ** (18 - terms.unitDecimals()));
    }

    /// @inheritdoc IOutcomeEscrow
    function carriedState() external view returns (int256[] memory) {
        Terms terms = _readTerms();
        address store = _store(terms);
        if (!ProgramStore.isSequential(store)) return new int256[](1);
        uint256 payees = ProgramStore.readPayees(store);
        return ProgramState.words(
            _carried,
            ProgramStore.read(store, true),
            _hot.carried,
            ProgramStore.readLines(store),
            payees,
            _earned(terms, payees, _unit(terms))
        );
    }

    /// @inheritdoc IOutcomeEscrow
    function register(uint8 index) external view returns (int256) {
        return _carried.registers[index];
    }

    /// @inheritdoc IOutcomeEscrow
    function toDate(uint8 line) external view returns (int256) {
        return _carried.toDate[line];
    }
}
