// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {RuleTerms} from "./RuleTerms.sol";
import {Header} from "./program/ProgramFormat.sol";
import {Words} from "./program/Words.sol";

/// @title The rules that packed arguments keep
/// @notice Numbered as in docs/protocol.md section 1; `pyoutcome/protocol/arguments.py` refuses by the same numbers.
/// @dev The bytes are hostile: every size is compared before what it promises is believed. Memory behind the arguments may
/// be read meanwhile; it means nothing.
library ArgumentRules {
    uint256 private constant MOST_PARTIES = 32;
    uint256 private constant MOST_KPIS = 128;
    uint256 private constant MOST_PERIODS = 1024;
    /// @dev Rule 14: a clone's code holds at most 24,576 bytes (EIP-170), 45 of them the proxy.
    uint256 internal constant MOST_TERMS = 24_512;
    /// @dev A multiplication by 10^18 of what has more bytes could leave a word.
    uint256 private constant MOST_WIDTH = 24;
    uint256 private constant MOST_EXPONENT = 36;

    /// @dev The number of the first broken rule, or 0.
    function firstBroken(Terms terms, Header header) internal view returns (uint8) {
        unchecked {
            if (!isDealSized(terms)) return 15;
            if (terms.slotCount() == 0 || terms.slotCount() > MOST_PARTIES || !areSlots(terms)) return 5;
            if (terms.unitDecimals() > 18) return 2;
            if (!arePeriods(terms) || terms.activateBy() == 0) return 8;
            if (terms.holdbackRate() > 1e18) return 10;
            if (terms.token() != address(0) && terms.token().code.length == 0) return 13;

            address client = terms.client();
            address arbitrator = terms.arbitrator();
            if (client == address(0) || arbitrator == address(0) || client == arbitrator) return 1;
            uint256 verifiers = terms.verifierCount();
            if (verifiers == 0 || verifiers > MOST_PARTIES || !areVerifiers(terms, verifiers)) return 3;
            if (terms.quorum() == 0 || terms.quorum() > verifiers) return 4;
            if (terms.evidenceWindow() == 0 || terms.defaultWindow() == 0 || terms.rulingWindow() == 0) return 9;
            if (terms.stakeShare() > 1e18) return 16;
            if (
                terms.slotCount() != header.payees() || terms.kpiCount() != header.kpis()
                    || terms.parameterCount() != header.parameters()
            ) return 12;
            return brokenOfNumbers(terms);
        }
    }

    /// @dev The deal's size is what its counts say, and the rules behind it have at least their fixed part.
    function isDealSized(Terms terms) private pure returns (bool) {
        unchecked {
            uint256 size = terms.tailAt() - terms.dealAt();
            if (size < DeployedTerms.DEAL_HEAD + RuleTerms.RULES_HEAD) return false;
            uint256 slots = terms.slotCount();
            uint256 needed = DeployedTerms.DEAL_HEAD + slots * terms.slotSize() + terms.scheduleSize();
            if (terms.has(DeployedTerms.EXITS)) needed += DeployedTerms.EXIT_SIZE + DeployedTerms.MONEY * slots;
            return terms.rulesAt() - terms.dealAt() == needed && needed + RuleTerms.RULES_HEAD <= size;
        }
    }

    /// @dev Signers and backups exist and all differ; payouts exist.
    function areSlots(Terms terms) private pure returns (bool) {
        uint256 slots = terms.slotCount();
        for (uint256 i = 0; i < slots; ++i) {
            address signer = terms.signerOf(i);
            if (signer == address(0) || terms.payoutOf(i) == address(0)) return false;
            for (uint256 j = 0; j < i; ++j) {
                if (terms.signerOf(j) == signer) return false;
            }
        }
        return true;
    }

    /// @dev Each period ends after it starts, within the times that 40 bits can say.
    function arePeriods(Terms terms) private pure returns (bool) {
        unchecked {
            uint256 count = terms.periodCount();
            uint256 width = Words.byteAt(terms.dealAt() + 58);
            if (count == 0 || count > MOST_PERIODS || width > 4 || terms.endOf(0) == 0) return false;
            uint256 at = terms.scheduleAt();
            // Steps from the start; periods that are all alike need one look.
            uint256 before = width == 0 ? Words.number(at, 4) == 0 ? 1 : 0 : 0;
            if (before != 0 || Words.number(terms.dealAt() + 55, 3) == 0) return false;
            for (uint256 i = width == 0 ? count : 0; i < count; ++i) {
                uint256 end = Words.number(at, width);
                if (end <= before) return false;
                before = end;
                at += width;
            }
            return terms.endOf(count) <= type(uint40).max;
        }
    }

    function areVerifiers(Terms terms, uint256 count) private pure returns (bool) {
        // They stand in the arguments, whose end shows later; what lies behind it is no verifier, and then the size is wrong.
        for (uint256 i = 0; i < count; ++i) {
            address verifier = terms.verifier(i);
            if (verifier == address(0)) return false;
            for (uint256 j = 0; j < i; ++j) {
                if (terms.verifier(j) == verifier) return false;
            }
        }
        return true;
    }

    /// @dev KPIs and parameters: sound numbers, and the last one ends where the arguments end.
    function brokenOfNumbers(Terms terms) private pure returns (uint8) {
        unchecked {
            uint256 at = terms.kpisAt();
            uint256 count = terms.kpiCount();
            if (count == 0 || count > MOST_KPIS) return 6;
            uint256 slots = terms.slotCount();
            for (uint256 i = 0; i < count; ++i) {
                if (at + 3 > terms.tailAt()) return 15;
                uint256 supplier = Words.byteAt(at + 1);
                uint256 width = Words.byteAt(at + 2);
                if (width == 0 || width > MOST_WIDTH || Words.byteAt(at) & 127 > 18) return 6;
                if (supplier != RuleTerms.CLIENT_SUPPLIES && supplier >= slots) return 6;
                int256 ifMissing = Words.signed(at + 3 + 2 * width, width);
                if (ifMissing < Words.signed(at + 3, width) || ifMissing > Words.signed(at + 3 + width, width)) {
                    return 6;
                }
                at += 3 + 3 * width;
            }
            for (uint256 i = terms.parameterCount(); i != 0; --i) {
                if (at + 2 > terms.tailAt()) return 15;
                uint256 width = Words.byteAt(at);
                uint256 exponent = Words.byteAt(at + 1);
                if (width == 0 || width > 32 || exponent > MOST_EXPONENT) return 7;
                int256 digits = Words.signed(at + 2, width);
                int256 scale = int256(10 ** exponent);
                if (digits > type(int256).max / scale || digits < type(int256).min / scale) return 7;
                at += 2 + width;
            }
            return at == terms.tailAt() ? 0 : 15;
        }
    }
}
