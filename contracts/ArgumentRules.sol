// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Header} from "./program/ProgramFormat.sol";

/// @title The rules that deployed arguments keep
/// @notice Numbered as in docs/protocol.md section 1; `pyoutcome/protocol/arguments.py` refuses by the same numbers.
/// Rules 12 and 13 need what only the chain knows: the program and the token's code. Rule 14 is the factory's own.
library ArgumentRules {
    uint256 private constant MOST_VERIFIERS = 32;
    uint256 private constant MOST_PROVIDERS = 32;
    uint256 private constant MOST_KPIS = 128;
    uint256 private constant MOST_PARAMETERS = 256;
    uint256 private constant MOST_PERIODS = 1024;
    /// @dev Rule 14: a clone's code holds at most 24,576 bytes (EIP-170), 45 of them the proxy; terms are whole words.
    uint256 internal constant MOST_TERMS = 24_512;

    /// @dev The number of the first broken rule, or 0.
    function firstBroken(IOutcomeEscrow.Arguments calldata args, Header header) internal view returns (uint8) {
        if (args.client == address(0) || args.arbitrator == address(0) || args.client == args.arbitrator) return 1;
        if (args.unitDecimals > 18) return 2;
        if (!areVerifiers(args.verifiers)) return 3;
        if (args.quorum == 0 || args.quorum > args.verifiers.length) return 4;
        if (!areProviders(args.providers)) return 5;
        if (!areKpis(args.kpis)) return 6;
        if (args.parameters.length > MOST_PARAMETERS) return 7;
        if (!arePeriods(args.start, args.ends) || args.activateBy == 0) return 8;
        if (args.evidenceWindow == 0 || args.defaultWindow == 0) return 9;
        if (args.holdbackRate > 1e18 || args.holdbackRelease < args.ends[args.ends.length - 1]) return 10;
        // Rule 11, the reserve fits 128 bits: its type says so.
        if (
            args.providers.length != header.payees() || args.kpis.length != header.kpis()
                || args.parameters.length != header.parameters()
        ) return 12;
        if (args.token != address(0) && args.token.code.length == 0) return 13;
        return 0;
    }

    function areVerifiers(address[] calldata verifiers) private pure returns (bool) {
        if (verifiers.length == 0 || verifiers.length > MOST_VERIFIERS) return false;
        for (uint256 i = 0; i < verifiers.length; ++i) {
            if (verifiers[i] == address(0)) return false;
            for (uint256 j = 0; j < i; ++j) {
                if (verifiers[j] == verifiers[i]) return false;
            }
        }
        return true;
    }

    function areProviders(IOutcomeEscrow.Provider[] calldata providers) private pure returns (bool) {
        if (providers.length == 0 || providers.length > MOST_PROVIDERS) return false;
        for (uint256 i = 0; i < providers.length; ++i) {
            if (providers[i].signer == address(0) || providers[i].payout == address(0)) return false;
            for (uint256 j = 0; j < i; ++j) {
                if (providers[j].signer == providers[i].signer) return false;
            }
        }
        return true;
    }

    function areKpis(IOutcomeEscrow.Kpi[] calldata kpis) private pure returns (bool) {
        if (kpis.length == 0 || kpis.length > MOST_KPIS) return false;
        for (uint256 i = 0; i < kpis.length; ++i) {
            IOutcomeEscrow.Kpi calldata kpi = kpis[i];
            // The least int256 marks a missing value, so no KPI may reach it.
            if (kpi.decimals > 18 || kpi.low == type(int256).min) return false;
            if (kpi.ifMissing < kpi.low || kpi.ifMissing > kpi.high) return false;
            if (kpi.ifMissing % int256(10 ** (18 - kpi.decimals)) != 0) return false;
        }
        return true;
    }

    function arePeriods(uint256 start, uint40[] calldata ends) private pure returns (bool) {
        if (start == 0 || ends.length == 0 || ends.length > MOST_PERIODS) return false;
        uint256 before = start;
        for (uint256 i = 0; i < ends.length; ++i) {
            if (ends[i] <= before) return false;
            before = ends[i];
        }
        return true;
    }
}
