// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeployedTerms} from "../DeployedTerms.sol";

/// @title Everything an escrow is deployed with, and its packed form (docs/protocol.md section 12)
/// @dev The tests' own encoder, written from the page and not from the reader.
library Packing {
    struct Slot {
        address signer;
        address payout;
        uint256 bond;
        address backup;
        uint256 fee;
    }

    struct Kpi {
        uint8 decimals;
        bool mayBeMissing;
        uint8 supplier;
        int256 low;
        int256 high;
        int256 ifMissing;
    }

    struct Arguments {
        // deal
        address client;
        address token;
        uint8 unitDecimals;
        uint40 activateBy;
        uint40 start;
        uint40[] ends;
        uint64 holdbackRate;
        uint32 holdbackDelay;
        bool restates;
        Slot[] slots;
        uint32 cureWindow;
        uint32 notice;
        uint8 convenience;
        uint8 streak;
        // rules
        bool chooses;
        bool refuses;
        uint8 quorum;
        address[] verifiers;
        address arbitrator;
        uint32 evidenceWindow;
        uint32 defaultWindow;
        uint104 reserve;
        uint32 challengeWindow;
        uint32 rulingWindow;
        uint104 stakeFixed;
        uint64 stakeShare;
        Kpi[] kpis;
        int256[] parameters;
        // form
        /// @dev Seconds of one step of the schedule, and bits of each period's drift; width 0: all periods are alike.
        uint24 unit;
        uint8 width;
        /// @dev Bytes of each number of a KPI.
        uint8 kpiWidth;
    }

    function pack(Arguments memory a) internal pure returns (bytes memory) {
        return bytes.concat(deal(a), rules(a));
    }

    function deal(Arguments memory a) internal pure returns (bytes memory packed) {
        uint8 flags = flagsOf(a);
        packed = abi.encodePacked(a.client, a.token, a.unitDecimals, a.activateBy, a.start, uint16(a.ends.length));
        packed = abi.encodePacked(packed, a.unit, a.width, flags, uint8(a.slots.length));
        for (uint256 i = 0; i < a.slots.length; ++i) {
            Slot memory slot = a.slots[i];
            packed = abi.encodePacked(packed, slot.signer);
            if (flags & 1 != 0) packed = abi.encodePacked(packed, slot.payout);
            if (flags & 2 != 0) packed = abi.encodePacked(packed, uint104(slot.bond));
            if (flags & 4 != 0) packed = abi.encodePacked(packed, slot.backup);
        }
        packed = bytes.concat(packed, schedule(a));
        if (flags & 8 != 0) {
            packed = abi.encodePacked(packed, a.cureWindow, a.notice, a.convenience, a.streak);
            for (uint256 i = 0; i < a.slots.length; ++i) {
                packed = abi.encodePacked(packed, uint104(a.slots[i].fee));
            }
        }
        packed = bytes.concat(packed, time(a.holdbackDelay));
        if (flags & 32 != 0) packed = bytes.concat(packed, amount(a.holdbackRate));
        return abi.encodePacked(uint16(packed.length + 2), packed);
    }

    /// @dev The length that all periods would have if they were alike, and how far each end is from that.
    function schedule(Arguments memory a) private pure returns (bytes memory packed) {
        uint256 count = a.ends.length;
        if (count == 0) return new bytes(4);
        int256 length = int256(uint256(a.ends[count - 1] - a.start) / a.unit / count);
        bytes memory drifts = new bytes((count * a.width + 7) / 8);
        for (uint256 i = 0; i < count; ++i) {
            int256 drift = int256(uint256((a.ends[i] - a.start) / a.unit)) - length * int256(i + 1);
            for (uint256 bit = 0; bit < a.width; ++bit) {
                uint256 place = i * a.width + bit;
                if ((uint256(drift) >> (a.width - 1 - bit)) & 1 != 0) {
                    drifts[place / 8] |= bytes1(uint8(128 >> (place % 8)));
                }
            }
        }
        return bytes.concat(bytes4(uint32(uint256(length))), drifts);
    }

    /// @dev Digits without zeros at the end, then how many bytes those are and how many zeros there were.
    function amount(uint256 number) internal pure returns (bytes memory) {
        uint8 zeros = 0;
        while (number != 0 && number % 10 == 0 && zeros < 15) {
            number /= 10;
            ++zeros;
        }
        return short(number, zeros);
    }

    /// @dev The same in the longest unit that leaves nothing over.
    function time(uint256 number) internal pure returns (bytes memory) {
        if (number == 0) return hex"00";
        if (number % 1 days == 0) return short(number / 1 days, 3);
        if (number % 1 hours == 0) return short(number / 1 hours, 2);
        if (number % 1 minutes == 0) return short(number / 1 minutes, 1);
        return short(number, 0);
    }

    function short(uint256 digits, uint8 form) private pure returns (bytes memory) {
        uint256 width = 0;
        while (digits >> (8 * width) != 0) {
            ++width;
        }
        return bytes.concat(narrow(int256(digits), width), bytes1(uint8(16 * width + form)));
    }

    function flagsOf(Arguments memory a) private pure returns (uint8 flags) {
        for (uint256 i = 0; i < a.slots.length; ++i) {
            Slot memory slot = a.slots[i];
            if (slot.payout != slot.signer) flags |= 1;
            if (slot.bond != 0) flags |= 2;
            if (slot.backup != address(0)) flags |= 4;
        }
        if (a.cureWindow != 0 || a.notice != 0 || a.convenience != 0 || a.streak != 0) flags |= 8;
        if (a.restates) flags |= 16;
        if (a.holdbackRate != 0) flags |= 32;
    }

    function rules(Arguments memory a) internal pure returns (bytes memory packed) {
        bool disputes = a.challengeWindow != 0 || a.stakeFixed != 0 || a.stakeShare != 0 || a.rulingWindow != 0;
        packed = abi.encodePacked(
            uint8((a.chooses ? 1 : 0) | (disputes ? 2 : 0) | (a.refuses ? 4 : 0)),
            a.quorum,
            uint8(a.verifiers.length),
            uint8(a.kpis.length),
            uint8(a.parameters.length)
        );
        packed = abi.encodePacked(packed, a.arbitrator);
        for (uint256 i = 0; i < a.verifiers.length; ++i) {
            packed = abi.encodePacked(packed, a.verifiers[i]);
        }
        if (disputes) {
            packed = abi.encodePacked(packed, a.challengeWindow, a.rulingWindow, a.stakeFixed, a.stakeShare);
        }
        for (uint256 i = 0; i < a.kpis.length; ++i) {
            packed = bytes.concat(packed, kpiOf(a.kpis[i], a.kpiWidth));
        }
        for (uint256 i = 0; i < a.parameters.length; ++i) {
            packed = bytes.concat(packed, parameter(a.parameters[i]));
        }
        packed = bytes.concat(packed, time(a.defaultWindow), time(a.evidenceWindow), amount(a.reserve));
    }

    function kpiOf(Kpi memory kpi, uint8 width) private pure returns (bytes memory packed) {
        int256 step = int256(10 ** (18 - kpi.decimals));
        bool fromZero = kpi.low == 0 && kpi.ifMissing == 0;
        uint8 first = kpi.decimals | (kpi.mayBeMissing ? 128 : 0) | (fromZero ? 64 : 0) | (kpi.supplier != 0 ? 32 : 0);
        packed = bytes.concat(bytes1(first), bytes1(width), narrow(kpi.high / step, width));
        if (!fromZero) {
            packed = bytes.concat(packed, narrow(kpi.low / step, width), narrow(kpi.ifMissing / step, width));
        }
        if (kpi.supplier != 0) packed = bytes.concat(packed, bytes1(kpi.supplier));
    }

    /// @dev A parameter as its digits without zeros at the end, and how many zeros those were.
    function parameter(int256 word) internal pure returns (bytes memory) {
        uint8 zeros = 0;
        while (word != 0 && word % 10 == 0 && zeros < 36) {
            word /= 10;
            ++zeros;
        }
        uint256 width = 1;
        while (width < 32 && (word >> (8 * width - 1)) != (word < 0 ? -1 : int256(0))) {
            ++width;
        }
        return bytes.concat(bytes1(uint8(width)), bytes1(zeros), narrow(word, width));
    }

    /// @dev The last `width` bytes of a word.
    function narrow(int256 number, uint256 width) internal pure returns (bytes memory packed) {
        packed = new bytes(width);
        for (uint256 i = 0; i < width; ++i) {
            packed[width - 1 - i] = bytes1(uint8(uint256(number) >> (8 * i)));
        }
    }

    /// @dev A value of a report with `decimals`, in as few bytes as it takes; MISSING as 255.
    function value(int256 word, uint8 decimals) internal pure returns (bytes memory) {
        if (word == type(int256).min) return hex"ff";
        // What is finer than the KPI's decimals cannot be said in this form.
        int256 digits = word / int256(10 ** (18 - decimals));
        uint256 width = 0;
        while (
            width < 32 && (width == 0 ? digits != 0 : (digits >> (8 * width - 1)) != (digits < 0 ? -1 : int256(0)))
        ) {
            ++width;
        }
        return bytes.concat(bytes1(uint8(width)), narrow(digits, width));
    }
}
