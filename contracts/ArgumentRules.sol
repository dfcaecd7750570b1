// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {RuleTerms} from "./RuleTerms.sol";
import {ShortNumbers} from "./ShortNumbers.sol";
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
            if (terms.holdbackRate() > 1e18 || terms.holdbackDelay() > type(uint32).max) return 10;
            if (terms.token() != address(0) && terms.token().code.length == 0) return 13;

            address client = terms.client();
            address arbitrator = terms.arbitrator();
            if (client == address(0) || arbitrator == address(0) || client == arbitrator) return 1;
            uint256 verifiers = terms.verifierCount();
            if (verifiers == 0 || verifiers > MOST_PARTIES || !areVerifiers(terms, verifiers)) return 3;
            if (terms.quorum() == 0 || terms.quorum() > verifiers) return 4;
            if (!isWindow(terms.evidenceWindow()) || !isWindow(terms.defaultWindow()) || terms.rulingWindow() == 0) {
                return 9;
            }
            if (terms.stakeShare() > 1e18) return 16;
            if (
                terms.slotCount() != header.payees() || terms.kpiCount() != header.kpis()
                    || terms.parameterCount() != header.parameters()
            ) return 12;
            return brokenOfNumbers(terms);
        }
    }

    /// @dev At least a second, and 32 bits.
    function isWindow(uint256 time) private pure returns (bool) {
        return time != 0 && time <= type(uint32).max;
    }

    /// @dev The deal's size is what its counts say, and the rules behind it have at least their fixed part.
    function isDealSized(Terms terms) private pure returns (bool) {
        unchecked {
            uint256 size = terms.tailAt() - terms.dealAt();
            if (size < DeployedTerms.DEAL_HEAD + RuleTerms.RULES_HEAD) return false;
            uint256 slots = terms.slotCount();
            uint256 needed = DeployedTerms.DEAL_HEAD + slots * terms.slotSize() + terms.scheduleSize();
            if (terms.has(DeployedTerms.EXITS)) needed += DeployedTerms.EXIT_SIZE + DeployedTerms.MONEY * slots;
            uint256 rules = terms.rulesAt();
            // The delay of holdback, and its rate if there is some, are the last of the deal.
            uint256 end = terms.has(DeployedTerms.HOLDBACK) ? ShortNumbers.startBefore(rules) : rules;
            needed += rules - ShortNumbers.startBefore(end);
            return rules - terms.dealAt() == needed && needed + RuleTerms.RULES_HEAD <= size;
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
            uint256 width = terms.driftWidth();
            uint256 start = terms.endOf(0);
            if (count == 0 || count > MOST_PERIODS || width > 32 || start == 0) return false;
            // Periods that are all alike need one look. Ends before the start are above all others, which shows at the last.
            uint256 before = 0;
            uint256 at = terms.scheduleAt();
            uint256 length = Words.number(at, 4);
            if (width == 0) {
                before = length * count;
            } else {
                uint256 even = 0;
                for (uint256 offset = 0; offset != count * width; offset += width) {
                    even += length;
                    uint256 end = even + uint256(Words.signedBits(at + 4, offset, width));
                    if (end <= before) return false;
                    before = end;
                }
            }
            uint256 step = Words.number(terms.dealAt() + 55, 3);
            return step * before != 0 && before <= type(uint40).max && start + step * before <= type(uint40).max;
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
            uint256 end = terms.parametersEnd();
            uint256 slots = terms.slotCount();
            for (uint256 i = 0; i < count; ++i) {
                if (at + 2 > end) return 15;
                at = endOfKpi(at, slots);
                if (at == 0) return 6;
            }
            for (uint256 i = terms.parameterCount(); i != 0; --i) {
                if (at + 2 > end) return 15;
                uint256 width = Words.byteAt(at);
                uint256 exponent = Words.byteAt(at + 1);
                if (width == 0 || width > 32 || exponent > MOST_EXPONENT) return 7;
                int256 digits = Words.signed(at + 2, width);
                int256 scale = int256(10 ** exponent);
                if (digits > type(int256).max / scale || digits < type(int256).min / scale) return 7;
                at += 2 + width;
            }
            if (at != end) return 15;
            return terms.reserve() < 1 << (8 * DeployedTerms.MONEY) ? 0 : 11;
        }
    }

    /// @dev Where a KPI ends that has width and decimals within bounds, a stand-in between low and high or one step below, and a
    /// supplier that exists; 0 if it has not.
    function endOfKpi(uint256 at, uint256 slots) private pure returns (uint256 end) {
        unchecked {
            uint256 first = Words.byteAt(at);
            uint256 width = Words.byteAt(at + 1);
            if (width == 0 || width > MOST_WIDTH || first & RuleTerms.DECIMALS > 18) return 0;
            int256 high = Words.signed(at + 2, width);
            end = at + 2 + width;
            if (first & RuleTerms.FROM_ZERO != 0) {
                if (high < 0) return 0;
            } else {
                int256 ifMissing = Words.signed(end + width, width);
                int256 low = Words.signed(end, width);
                if (ifMissing < low - 1 || low > high || ifMissing > high) return 0;
                end += 2 * width;
            }
            if (first & RuleTerms.SUPPLIED != 0) {
                uint256 supplier = Words.byteAt(end++);
                if (supplier != RuleTerms.CLIENT_SUPPLIES && supplier >= slots) return 0;
            }
        }
    }
}
