// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {EscrowCredits} from "./EscrowCredits.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {RunError} from "./program/ProgramFormat.sol";
import {ProgramMachine} from "./program/ProgramMachine.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {ProgramStore} from "./program/ProgramStore.sol";

/// @title From a period's values to its amounts, and what periods leave to later ones
/// @notice Only a sequential program reads or writes carried state, and only a run without error changes it.
abstract contract EscrowPricing is EscrowCredits {
    /// @dev Amounts are below 2^112 base units, so that no sum over 1,024 periods leaves 128 bits.
    int256 private constant MOST_AMOUNT = int256(uint256(type(uint112).max));
    /// @dev The client's bit among those whose evidence is missing; slots have the low ones.
    uint256 internal constant CLIENT_LACKS = 1 << 255;

    /// @dev A period's values: as given, as the program gets them, and whose evidence is missing (bit i: slot i).
    struct Values {
        int256[] given;
        int256[] inputs;
        uint256 lacking;
    }

    /// @dev What the program makes of them. With an error all amounts are 0.
    struct Priced {
        uint256 error;
        /// @dev Base units per slot, truncated toward zero once.
        int256[] amounts;
        int256[] locals;
        // Of a sequential program:
        bytes code;
        uint256 lines;
        uint256 payees;
        uint256 runs;
        int256[] sums;
    }

    // --- values -----------------------------------------------------------------------------------------------------

    /// @dev Checks values against the KPIs: in range and decimals, or missing where that is allowed.
    function _read(Terms memory terms, int256[] memory given) internal pure returns (Values memory values) {
        uint256 count = terms.kpiCount();
        if (given.length != count) revert WrongValueCount(given.length, count);
        values.given = given;
        values.inputs = new int256[](count);
        DeployedTerms.Kpi memory kpi;
        uint256 at = terms.kpisAt();
        for (uint256 i = 0; i < count; ++i) {
            at = DeployedTerms.kpiAt(at, kpi);
            values.inputs[i] = _accept(kpi, i, given[i], values);
        }
    }

    /// @dev One value as the program gets it; refuses what the KPI does not allow.
    function _accept(DeployedTerms.Kpi memory kpi, uint256 index, int256 value, Values memory values)
        internal
        pure
        returns (int256)
    {
        if (value != MISSING) {
            if (value < kpi.low || value > kpi.high || value % kpi.step != 0) revert BadValue(index, value);
            return value;
        }
        if (!kpi.mayBeMissing) revert BadValue(index, value);
        return _standIn(kpi, values);
    }

    function _standIn(DeployedTerms.Kpi memory kpi, Values memory values) private pure returns (int256) {
        values.lacking |= kpi.supplier == DeployedTerms.CLIENT_SUPPLIES ? CLIENT_LACKS : 1 << kpi.supplier;
        return kpi.ifMissing;
    }

    /// @dev Every KPI missing, whether it may be or not: what a default proposes.
    function _allMissing(Terms memory terms) internal pure returns (int256[] memory given) {
        given = new int256[](terms.kpiCount());
        for (uint256 i = 0; i < given.length; ++i) {
            given[i] = MISSING;
        }
    }

    /// @dev Values that were checked when they were accepted.
    function _standInFor(Terms memory terms, int256[] memory given) internal pure returns (Values memory values) {
        uint256 count = terms.kpiCount();
        values.given = given;
        values.inputs = new int256[](count);
        DeployedTerms.Kpi memory kpi;
        uint256 at = terms.kpisAt();
        for (uint256 i = 0; i < count; ++i) {
            at = DeployedTerms.kpiAt(at, kpi);
            values.inputs[i] = given[i] == MISSING ? _standIn(kpi, values) : given[i];
        }
    }

    // --- amounts ----------------------------------------------------------------------------------------------------

    /// @dev Runs the program on a period's values. Changes nothing.
    function _price(Turn memory turn, Terms memory terms, uint256 period, Values memory values)
        internal
        view
        returns (Priced memory priced)
    {
        uint256 parametersAt = _parametersAt(terms);
        int256[] memory parameters = terms.parameters(parametersAt);
        uint256 carried = 0;
        int256[] memory earned;
        bool sequential = terms.isSequential();
        if (sequential) {
            carried = _recall(turn, terms, period, priced);
            earned = _earnedBefore(turn, priced.payees);
        } else {
            priced.code = terms.isRegistered() ? ProgramStore.read(_store(terms), false) : terms.program;
        }
        (priced.error, priced.locals) = ProgramMachine.run(
            priced.code, values.inputs, parameters, period, _carried[carried], priced.runs, earned
        );
        int256 unit = int256(10 ** (18 - turn.terms.unitDecimals()));
        if (sequential && priced.error == RunError.NONE) {
            (priced.sums, priced.error) = ProgramState.addUp(
                _carried[carried], priced.code, priced.locals, priced.lines, priced.payees, earned, unit
            );
        }
        if (priced.error == RunError.NONE) _cut(priced, unit);
        if (priced.error != RunError.NONE) priced.amounts = new int256[](turn.terms.slotCount());
    }

    /// @dev The payees' locals in base units; an error if one is too large for the books.
    function _cut(Priced memory priced, int256 unit) private pure {
        unchecked {
            priced.amounts = ProgramMachine.payeeAmounts(priced.code, priced.locals);
            for (uint256 i = 0; i < priced.amounts.length; ++i) {
                int256 amount = priced.amounts[i] / unit;
                priced.amounts[i] = amount;
                if (amount > MOST_AMOUNT || amount < -MOST_AMOUNT) priced.error = RunError.AMOUNT_TOO_LARGE;
            }
        }
    }

    /// @dev Parameters stand behind the KPIs.
    function _parametersAt(Terms memory terms) private pure returns (uint256 at) {
        if (terms.parameterCount() == 0) return 0;
        DeployedTerms.Kpi memory kpi;
        at = terms.kpisAt();
        for (uint256 i = terms.kpiCount(); i != 0; --i) {
            at = DeployedTerms.kpiAt(at, kpi);
        }
    }

    /// @dev The account that keeps a registered program.
    function _store(Terms memory terms) internal view returns (address) {
        return Create3.computeAddress(terms.programHash(), _factory());
    }

    function _factory() internal view virtual returns (address) {
        return IOutcomeEscrow(address(this)).factory();
    }

    // --- carried state ----------------------------------------------------------------------------------------------

    /// @dev Fetches a sequential program and what it needs to read earlier periods; returns the number of its carried state.
    function _recall(Turn memory turn, Terms memory terms, uint256 period, Priced memory priced)
        internal
        view
        returns (uint256 carried)
    {
        if (terms.isRegistered()) {
            address store = _store(terms);
            priced.code = ProgramStore.read(store, true);
            (priced.lines, priced.payees) = (ProgramStore.readLines(store), ProgramStore.readPayees(store));
        } else {
            priced.code = terms.program;
            (priced.lines, priced.payees) = terms.past();
        }
        carried = _carriedOf(turn, period);
        priced.runs = carried == 0 ? _life.runs : _runs[carried];
    }

    function _carriedOf(Turn memory turn, uint256 period) internal view returns (uint256) {
        return _is(turn, AMENDED) ? _carriedBy[_amendmentOf(turn, period)] : 0;
    }

    /// @dev What each payee of `payees` (bit i: payee i) earned in all settled periods, scaled.
    function _earnedBefore(Turn memory turn, uint256 payees) internal view returns (int256[] memory earned) {
        int256 unit = int256(10 ** (18 - turn.terms.unitDecimals()));
        earned = new int256[](turn.terms.slotCount());
        for (uint256 i = 0; payees >> i != 0; ++i) {
            if ((payees >> i) & 1 != 0) earned[i] = _earned[i] * unit;
        }
    }

    /// @dev Keeps what a settled period of a sequential program leaves.
    function _keep(Turn memory turn, uint256 period, Values memory values, Priced memory priced) internal {
        Life memory life = _life;
        life.turnAt = uint40(block.timestamp);
        if (priced.error == RunError.NONE) {
            uint256 carried = _carriedOf(turn, period);
            ProgramState.keep(
                _carried[carried], priced.code, values.inputs, priced.locals, priced.runs, priced.lines, priced.sums
            );
            if (carried == 0) ++life.runs;
            else ++_runs[carried];
            for (uint256 i = 0; priced.payees >> i != 0; ++i) {
                if ((priced.payees >> i) & 1 != 0) _earned[i] += priced.amounts[i];
            }
        }
        _life = life;
    }
}
