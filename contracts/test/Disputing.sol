// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @title An agreement whose reports can be challenged, and its first period on the way
abstract contract Disputing is Fixture {
    function setUp() public virtual override {
        super.setUp();
        withDisputes();
    }

    function reported(int256 a, int256 b, int256 c) internal returns (IOutcomeEscrow.Version[] memory) {
        begin(10_000);
        toEnd(1);
        report(1, paying(a, b, c));
        return versionsOf(paying(a, b, c));
    }

    function toWindowEnd() internal {
        (, uint256 until,,) = escrow.periodState(1);
        vm.warp(until);
    }

    /// @dev The report says 1000, 500, -100; the client 600, 500, 0; provider 2 says 1000, 500, 300.
    function disputed() internal returns (IOutcomeEscrow.Version[] memory versions) {
        versions = reported(1000, 500, -100);
        versions = challenge(1, versions, CLIENT, 100, paying(600, 500, 0));
        versions = challenge(1, versions, 2, 77, paying(1000, 500, 300));
        toWindowEnd();
        escrow.dispute(1, versions);
        stakes = 177;
    }
}
