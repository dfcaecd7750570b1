// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";

/// @notice What the random plays found, as the shortest sequence that shows it.
contract FoundTest is Fixture {
    /// @dev The native coin that came with a call was taken from a balance already cut to what the books hold: a
    /// subtraction below zero, or a loss booked where there was none.
    function test_moreNativeCoinThanTheBooksHoldIsRefusedInWords() public {
        describe(address(0), 3, 4);
        create();
        vm.deal(client, 2 ** 105);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooMuch.selector, 2 ** 104));
        escrow.deposit{value: 2 ** 104}(2 ** 104);
    }

    function test_nativeCoinBesideWhatTheBooksHoldIsNoLoss() public {
        describe(address(0), 3, 4);
        create();
        vm.deal(client, 2 ** 105);
        vm.prank(client);
        escrow.deposit{value: 10}(10);
        uint256 most = 2 ** 104 - 1;
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooMuch.selector, most + 5));
        escrow.deposit{value: most - 5}(most - 5);
        equal(10, escrow.funds(), "as before");
    }
}
