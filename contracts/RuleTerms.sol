// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {ShortNumbers} from "./ShortNumbers.sol";
import {Words} from "./program/Words.sol";

/// @title Reads the part of packed arguments that an amendment may replace
/// @notice docs/protocol.md section 12 fixes the bytes.
library RuleTerms {
    // Bits of the rules' flags.
    uint256 internal constant CHOOSES = 1;
    uint256 internal constant DISPUTES = 2;
    uint256 internal constant REFUSES = 4;

    // Bytes before the verifiers, and of the part on disputes.
    uint256 internal constant RULES_HEAD = 25;
    uint256 internal constant DISPUTE_SIZE = 29;

    uint256 internal constant CLIENT_SUPPLIES = 255;

    // Bits of a KPI's first byte.
    uint256 internal constant MAY_BE_MISSING = 128;
    /// @dev Least value and stand-in are 0, and do not stand there.
    uint256 internal constant FROM_ZERO = 64;
    /// @dev Its supplier stands there; else it is slot 0.
    uint256 internal constant SUPPLIED = 32;
    uint256 internal constant DECIMALS = 31;

    /// @dev A KPI as its bytes say. Numbers are multiples of `step`.
    struct Kpi {
        uint256 decimals;
        bool mayBeMissing;
        uint256 supplier;
        int256 step;
        int256 low;
        int256 high;
        int256 ifMissing;
    }

    // --- rules ------------------------------------------------------------------------------------------------------

    /// @dev Whether the arbitrator chooses among versions; otherwise it rules values.
    function chooses(Terms terms) internal pure returns (bool) {
        return Words.byteAt(terms.rulesAt()) & CHOOSES != 0;
    }

    /// @dev Whether a report on which the program fails is refused; otherwise it settles zero.
    function refuses(Terms terms) internal pure returns (bool) {
        return Words.byteAt(terms.rulesAt()) & REFUSES != 0;
    }

    function quorum(Terms terms) internal pure returns (uint256) {
        unchecked {
            return Words.byteAt(terms.rulesAt() + 1);
        }
    }

    function verifierCount(Terms terms) internal pure returns (uint256) {
        unchecked {
            return Words.byteAt(terms.rulesAt() + 2);
        }
    }

    function kpiCount(Terms terms) internal pure returns (uint256) {
        unchecked {
            return Words.byteAt(terms.rulesAt() + 3);
        }
    }

    function parameterCount(Terms terms) internal pure returns (uint256) {
        unchecked {
            return Words.byteAt(terms.rulesAt() + 4);
        }
    }

    function reserve(Terms terms) internal pure returns (uint256) {
        return ShortNumbers.amountBefore(terms.tailAt());
    }

    function evidenceWindow(Terms terms) internal pure returns (uint256) {
        return ShortNumbers.timeBefore(ShortNumbers.startBefore(terms.tailAt()));
    }

    function defaultWindow(Terms terms) internal pure returns (uint256) {
        return ShortNumbers.timeBefore(ShortNumbers.startBefore(ShortNumbers.startBefore(terms.tailAt())));
    }

    /// @dev Where the parameters end.
    function parametersEnd(Terms terms) internal pure returns (uint256) {
        return ShortNumbers.startBefore(ShortNumbers.startBefore(ShortNumbers.startBefore(terms.tailAt())));
    }

    function arbitrator(Terms terms) internal pure returns (address) {
        unchecked {
            return Words.addressAt(terms.rulesAt() + 5);
        }
    }

    /// @dev Where the first verifier's address stands, of 20 bytes as each.
    function verifiersAt(Terms terms) internal pure returns (uint256) {
        unchecked {
            return terms.rulesAt() + RULES_HEAD;
        }
    }

    function verifier(Terms terms, uint256 index) internal pure returns (address) {
        unchecked {
            return Words.addressAt(verifiersAt(terms) + 20 * index);
        }
    }

    /// @dev Seconds in which a report can be challenged; 0: it settles at once.
    function challengeWindow(Terms terms) internal pure returns (uint256) {
        return disputes(terms) ? Words.number(disputeAt(terms), 4) : 0;
    }

    /// @dev Seconds the arbitrator has. Terms that say nothing of disputes give it as long as a default's window.
    function rulingWindow(Terms terms) internal pure returns (uint256) {
        return disputes(terms) ? Words.number(disputeAt(terms) + 4, 4) : defaultWindow(terms);
    }

    function stakeFixed(Terms terms) internal pure returns (uint256) {
        return disputes(terms) ? Words.number(disputeAt(terms) + 8, DeployedTerms.MONEY) : 0;
    }

    /// @dev Share of the sum of absolute differences, 18 decimals.
    function stakeShare(Terms terms) internal pure returns (uint256) {
        return disputes(terms) ? Words.number(disputeAt(terms) + 21, 8) : 0;
    }

    /// @dev Where the first KPI stands.
    function kpisAt(Terms terms) internal pure returns (uint256) {
        unchecked {
            return disputeAt(terms) + (disputes(terms) ? DISPUTE_SIZE : 0);
        }
    }

    /// @dev The KPI at `at`, and where the next one stands.
    function kpiAt(uint256 at, Kpi memory kpi) internal pure returns (uint256 next) {
        unchecked {
            uint256 first = Words.byteAt(at);
            uint256 width = Words.byteAt(at + 1);
            kpi.decimals = first & DECIMALS;
            kpi.mayBeMissing = first & MAY_BE_MISSING != 0;
            kpi.step = int256(10 ** (18 - kpi.decimals));
            at += 2;
            kpi.high = Words.signed(at, width) * kpi.step;
            at += width;
            (kpi.low, kpi.ifMissing) = (0, 0);
            if (first & FROM_ZERO == 0) {
                kpi.low = Words.signed(at, width) * kpi.step;
                kpi.ifMissing = Words.signed(at + width, width) * kpi.step;
                at += 2 * width;
            }
            kpi.supplier = 0;
            if (first & SUPPLIED != 0) kpi.supplier = Words.byteAt(at++);
            return at;
        }
    }

    /// @dev The first two bytes of a KPI: its bits, and how many bytes its numbers have.
    function formOf(uint256 at) internal pure returns (uint256) {
        return Words.uint16At(at);
    }

    /// @dev One unit of the last decimal.
    function stepOf(uint256 form) internal pure returns (int256) {
        unchecked {
            return int256(10 ** (18 - (form >> 8 & DECIMALS)));
        }
    }

    /// @dev Where the KPI behind the one at `at`, which begins with `form`, stands, if a value in units of its decimals is
    /// within its bounds; else 0.
    function pass(uint256 at, uint256 form, int256 digits) internal pure returns (uint256 next) {
        unchecked {
            uint256 width = form & 255;
            next = at + 2 + width;
            if (form & FROM_ZERO << 8 != 0) {
                // Less than 0 is more than any bound here.
                if (uint256(digits) > uint256(Words.signed(at + 2, width))) return 0;
            } else {
                if (digits > Words.signed(at + 2, width) || digits < Words.signed(next, width)) return 0;
                next += 2 * width;
            }
            if (form & SUPPLIED << 8 != 0) ++next;
        }
    }

    /// @dev The same for a value, which may also be `missing` where that is allowed.
    function accept(uint256 at, int256 value, int256 missing) internal pure returns (uint256 next) {
        unchecked {
            uint256 form = formOf(at);
            if (value == missing) return form & MAY_BE_MISSING << 8 == 0 ? 0 : nextKpi(at);
            int256 step = stepOf(form);
            return value % step == 0 ? pass(at, form, value / step) : 0;
        }
    }

    /// @dev Where the KPI behind the one at `at` stands.
    function nextKpi(uint256 at) internal pure returns (uint256 next) {
        unchecked {
            uint256 form = formOf(at);
            next = at + 2 + (form & 255);
            if (form & FROM_ZERO << 8 == 0) next += 2 * (form & 255);
            if (form & SUPPLIED << 8 != 0) ++next;
        }
    }

    /// @dev The parameter vector, whose first number stands at `at`.
    function parameters(Terms terms, uint256 at) internal pure returns (int256[] memory values) {
        unchecked {
            uint256 count = parameterCount(terms);
            values = Words.array(count);
            uint256 to = Words.startOf(values);
            for (uint256 end = to + 32 * count; to != end; to += 32) {
                uint256 width = Words.byteAt(at);
                Words.store(to, Words.signed(at + 2, width) * int256(10 ** Words.byteAt(at + 1)));
                at += 2 + width;
            }
        }
    }

    function disputes(Terms terms) private pure returns (bool) {
        return Words.byteAt(terms.rulesAt()) & DISPUTES != 0;
    }

    function disputeAt(Terms terms) private pure returns (uint256) {
        unchecked {
            return terms.rulesAt() + RULES_HEAD + 20 * verifierCount(terms);
        }
    }
}
