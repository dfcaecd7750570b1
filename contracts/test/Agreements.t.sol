// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputing} from "./Disputing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Client and payees settle, end a dispute, or restate.
contract AgreementsTest is Disputing {
    function agreeing(uint32 period, uint32 number, int256[] memory values) private view returns (bytes[] memory) {
        return allSign(Signing.given(separator(), "Agreed", address(escrow), termsHash, period, number, values));
    }

    function test_clientAndPayeesSettleAPeriodOnTheirOwnValues() public {
        begin(10_000);
        toEnd(1);
        int256[] memory values = paying(10, 20, 30);
        bytes[] memory signatures = agreeing(1, 0, values);
        IOutcomeEscrow.Version[] memory none = new IOutcomeEscrow.Version[](0);
        (signatures[1], signatures[2]) = (signatures[2], signatures[1]);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, signer(0)));
        escrow.agree(1, none, values, signatures);
        signatures = agreeing(1, 0, values);
        vm.warp(args.ends[0] - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, args.ends[0]));
        escrow.agree(1, none, values, signatures);
        vm.warp(args.ends[0]);
        vm.expectEmit();
        emit IEscrowEvents.Agreed(1, 0, values);
        escrow.agree(1, none, values, signatures);
        equal(9, token.balanceOf(payout(0)), "paid");
        checkBooks();
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotRestatable.selector, 1));
        escrow.agree(1, none, values, signatures);
    }

    function test_anAgreementEndsADispute() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        int256[] memory values = paying(100, 500, 0);
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(1, CLIENT, 100);
        escrow.agree(1, versions, values, agreeing(1, 0, values));
        stakes = 0;
        equal(500, account(0).debt, "below what was undisputed: its payee signed it");
        checkBooks();
    }

    function test_anAgreementReturnsNoStakesButThoseAccepted() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        int256[] memory values = paying(100, 500, 0);
        bytes[] memory signatures = agreeing(1, 0, values);
        ++versions[1].stake;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        escrow.agree(1, versions, values, signatures);
    }

    function test_noAgreementOnAPeriodThatIsNone() public {
        begin(10_000);
        vm.warp(args.ends[3] + 20 * DAY);
        int256[] memory values = paying(1, 2, 3);
        bytes[] memory signatures = agreeing(5, 0, values);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 5));
        escrow.agree(5, new IOutcomeEscrow.Version[](0), values, signatures);
    }

    function test_whatWasAgreedIsNeitherChallengedNorDisputed() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 0, 0);
        versions = challenge(1, versions, CLIENT, 100, paying(0, 0, 0));
        int256[] memory values = paying(500, 0, 0);
        escrow.agree(1, versions, values, agreeing(1, 0, values));
        approve(signer(0), 100);
        vm.prank(signer(0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.challenge(IOutcomeEscrow.Challenging(1, 0, 100, paying(2000, 0, 0), ""), versions);
        vm.warp(block.timestamp + args.challengeWindow);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.dispute(1, versions);
        checkBooks();
    }

    function test_aSettledPeriodIsRestatedWhereTheTermsKeepItsCredits() public {
        args.restates = true;
        args.challengeWindow = 0;
        begin(10_000);
        settle(1, 1005, 0, 0);
        int256[] memory values = paying(1500, 7, -40);
        vm.expectEmit();
        emit IEscrowEvents.Settled(1, threeOf(1500, 7, -40), 0);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 2, -40, 0, 0, 0, 0);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 0, 495, 0, 50, 445, 0);
        escrow.agree(1, new IOutcomeEscrow.Version[](0), values, agreeing(1, 0, values));
        equal(150, account(0).held, "trunc of the whole, not of the parts");
        bytes[] memory used = agreeing(1, 0, values);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, client));
        escrow.agree(1, new IOutcomeEscrow.Version[](0), values, used);
        values = paying(0, 0, 0);
        escrow.agree(1, new IOutcomeEscrow.Version[](0), values, agreeing(1, 1, values));
        equal(1500, account(0).debt, "all of it is owed back");
        checkBooks();
    }
}
