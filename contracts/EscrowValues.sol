// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./DeployedTerms.sol";
import {RuleTerms} from "./RuleTerms.sol";
import {EscrowMoney} from "./EscrowMoney.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {ProgramStore} from "./program/ProgramStore.sol";
import {Words} from "./program/Words.sol";

/// @title A period's values, and what periods leave to later ones
/// @notice Only a sequential program reads or writes carried state, and only a run without error changes it.
abstract contract EscrowValues is EscrowMoney {
    /// @dev The client's bit among those whose evidence is missing; slots have the low ones.
    uint256 internal constant CLIENT_LACKS = 1 << 255;

    /// @dev A period's values: as given, as the program gets them, and whose evidence is missing (bit i: slot i).
    struct Values {
        int256[] given;
        int256[] inputs;
        uint256 lacking;
        /// @dev Where the terms' parameters stand: behind the KPIs.
        uint256 parametersAt;
    }

    /// @dev A sequential program, and what it needs to read earlier periods.
    struct Past {
        bytes code;
        /// @dev Bit i: it reads the sum to date of line i, and of payee i.
        uint256 lines;
        uint256 payees;
        /// @dev Number of its carried state, and how many runs left something there.
        uint256 carried;
        uint256 runs;
    }

    // --- values -----------------------------------------------------------------------------------------------------

    /// @dev Checks values against the KPIs: in range and decimals, or missing where that is allowed.
    function _check(Terms terms, int256[] memory given) internal pure {
        unchecked {
            uint256 count = terms.kpiCount();
            if (given.length != count) revert WrongValueCount(given.length, count);
            uint256 at = terms.kpisAt();
            for (uint256 i = 0; i < count; ++i) {
                at = RuleTerms.accept(at, Words.item(given, i), MISSING);
                if (at == 0) revert BadValue(i, Words.item(given, i));
            }
        }
    }

    /// @dev What stands in for a missing value of the KPI at `at`.
    function _standIn(uint256 at, Values memory values) internal pure returns (int256) {
        RuleTerms.Kpi memory kpi;
        RuleTerms.kpiAt(at, kpi);
        values.lacking |= kpi.supplier == RuleTerms.CLIENT_SUPPLIES ? CLIENT_LACKS : 1 << kpi.supplier;
        return kpi.ifMissing;
    }

    /// @dev Every KPI missing, whether it may be or not: what a default proposes.
    function _allMissing(Terms terms) internal pure returns (int256[] memory given) {
        given = new int256[](terms.kpiCount());
        for (uint256 i = 0; i < given.length; ++i) {
            given[i] = MISSING;
        }
    }

    /// @dev Values that were checked when they were accepted.
    function _standInFor(Terms terms, int256[] memory given, Values memory values) internal pure {
        unchecked {
            uint256 count = given.length;
            int256[] memory inputs = Words.array(count);
            (values.given, values.inputs, values.lacking) = (given, inputs, 0);
            uint256 from = Words.startOf(given);
            uint256 toInput = Words.startOf(inputs) - from;
            uint256 at = terms.kpisAt();
            for (uint256 end = from + 32 * count; from != end; from += 32) {
                int256 value = Words.load(from);
                if (value == MISSING) value = _standIn(at, values);
                Words.store(from + toInput, value);
                at = RuleTerms.nextKpi(at);
            }
            values.parametersAt = at;
        }
    }

    // --- carried state ----------------------------------------------------------------------------------------------

    /// @dev Fetches a sequential program and what it needs to read earlier periods.
    function _recall(Turn memory turn, Terms terms, uint256 period, Past memory past) internal view {
        if (terms.isRegistered()) {
            address store = terms.store();
            past.code = ProgramStore.read(store, true);
            (past.lines, past.payees) = (ProgramStore.readLines(store), ProgramStore.readPayees(store));
        } else {
            past.code = terms.program();
            (past.lines, past.payees) = terms.past();
        }
        past.carried = _carriedOf(turn, period);
        past.runs = past.carried == 0 ? _life.runs : _runs[past.carried];
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
    function _keep(Past memory past, Values memory values, IOutcomeEscrow.Priced memory priced) internal {
        _life.turnAt = uint40(block.timestamp);
        if (priced.programError == 0) {
            ProgramState.keep(
                _carried[past.carried], past.code, values.inputs, priced.locals, past.runs, past.lines, priced.sums
            );
            if (past.carried == 0) ++_life.runs;
            else ++_runs[past.carried];
            for (uint256 i = 0; past.payees >> i != 0; ++i) {
                if ((past.payees >> i) & 1 != 0) _earned[i] += priced.amounts[i];
            }
        }
    }
}
