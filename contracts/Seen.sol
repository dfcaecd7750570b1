// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Words} from "./program/Words.sol";

/// @notice One view of a period, and what it comes to: the address of its words in memory. Several stand one behind the
/// other.
type Seen is uint256;

using SeenParts for Seen global;

/// @title The parts of a view
library SeenParts {
    uint256 private constant PARTY = 0x00;
    uint256 private constant STAKE = 0x20;
    uint256 private constant GIVEN = 0x40;
    uint256 private constant AMOUNTS = 0x60;
    uint256 private constant CARRIED = 0x80;
    uint256 private constant MARKS = 0xa0;
    uint256 private constant WORDS = 6;
    uint256 private constant SIZE = 32 * WORDS;

    /// @dev Room for so many; the first of them.
    function reserve(uint256 count) internal pure returns (Seen first) {
        unchecked {
            return Seen.wrap(Words.reserve(WORDS * count));
        }
    }

    /// @dev The one that stands so many places further.
    function plus(Seen first, uint256 index) internal pure returns (Seen) {
        unchecked {
            return Seen.wrap(Seen.unwrap(first) + SIZE * index);
        }
    }

    /// @dev A view that carries nothing on and marks nothing as missing, as far as is known yet.
    function fill(Seen s, int256 party_, uint256 stake_, int256[] memory given_, int256[] memory amounts_)
        internal
        pure
    {
        int256[] memory none;
        store(s, PARTY, party_);
        s.setStake(stake_);
        store(s, GIVEN, addressOf(given_));
        s.setAmounts(amounts_);
        s.setCarried(none);
        s.setMarks(0);
    }

    /// @dev Whose it is; of the report or default nothing.
    function party(Seen s) internal pure returns (int256) {
        return int256(load(s, PARTY));
    }

    function stake(Seen s) internal pure returns (uint256) {
        return load(s, STAKE);
    }

    function given(Seen s) internal pure returns (int256[] memory) {
        return Words.arrayAt(load(s, GIVEN));
    }

    function amounts(Seen s) internal pure returns (int256[] memory) {
        return Words.arrayAt(load(s, AMOUNTS));
    }

    /// @dev What the program would carry on, one row of words; empty for an independent program.
    function carried(Seen s) internal pure returns (int256[] memory) {
        return Words.arrayAt(load(s, CARRIED));
    }

    /// @dev Bit i: it says that the evidence of slot i is missing.
    function marks(Seen s) internal pure returns (uint256) {
        return load(s, MARKS);
    }

    function setStake(Seen s, uint256 stake_) internal pure {
        store(s, STAKE, int256(stake_));
    }

    function setAmounts(Seen s, int256[] memory amounts_) internal pure {
        store(s, AMOUNTS, addressOf(amounts_));
    }

    function setCarried(Seen s, int256[] memory carried_) internal pure {
        store(s, CARRIED, addressOf(carried_));
    }

    function setMarks(Seen s, uint256 marks_) internal pure {
        store(s, MARKS, int256(marks_));
    }

    function load(Seen s, uint256 place) private pure returns (uint256) {
        unchecked {
            return Words.wordAt(Seen.unwrap(s) + place);
        }
    }

    function store(Seen s, uint256 place, int256 word) private pure {
        unchecked {
            Words.store(Seen.unwrap(s) + place, word);
        }
    }

    function addressOf(int256[] memory items) private pure returns (int256) {
        unchecked {
            return int256(Words.startOf(items) - 32);
        }
    }
}
