// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputing} from "./Disputing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Ruling, choice, stakes, fallback; and that the totals do not depend on the path.
contract RulingsTest is Disputing {
    function test_aRulingBetweenTheVersionsCreditsTheRest() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        int256[] memory ruling = paying(900, 500, 50);
        ruled(versions, paying(1001, 500, 0), IEscrowErrors.RulingOutside.selector);
        ruled(versions, paying(599, 500, 0), IEscrowErrors.RulingOutside.selector);
        // Each amount lies between, the sum of 1000, 500, 300 at most: 1800; 1000, 500, -100 at least 1100.
        ruled(versions, paying(600, 500, -100), IEscrowErrors.RulingOutside.selector);
        ruled(more(versions, 1, 5, paying(1, 1, 1)), ruling, IEscrowErrors.OtherVersions.selector);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotArbitrator.selector, address(this)));
        escrow.rule(1, versions, ruling, "");

        // Distance to the report 100 + 150, to the client's 300 + 50, to provider 2's 100 + 250: both stakes are lost.
        // The client's would have harmed 0 by 300 and 2 by 50; provider 2's would have harmed the client.
        vm.expectEmit();
        emit IEscrowEvents.Ruled(1, ruling);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(1, CLIENT, 0, 85);
        vm.expectEmit();
        emit IEscrowEvents.Paid(0, payout(0), 85);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(1, CLIENT, 2, 15);
        vm.expectEmit();
        emit IEscrowEvents.Paid(2, payout(2), 15);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(1, 2, CLIENT, 77);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 0, 300, 0, 30, 270, 0);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 2, 50, 0, 5, 45, 0);
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, ruling, "");
        stakes = 0;
        equal(540 + 85 + 270, token.balanceOf(payout(0)), "undisputed part, stake, rest");
        equal(90, account(0).held, "holdback as of the whole");
        equal(10_000 - 1450 + 77, escrow.funds(), "the client has the other stake");
        checkBooks();
        vm.prank(args.arbitrator);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.rule(1, versions, ruling, "");
    }

    function ruled(IOutcomeEscrow.Version[] memory versions, int256[] memory values, bytes4 reason) private {
        vm.prank(args.arbitrator);
        vm.expectPartialRevert(reason);
        escrow.rule(1, versions, values, "");
    }

    function test_theNearerVersionGetsItsStakeBack() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        int256[] memory ruling = paying(600, 500, 10);
        bytes32 digest = Signing.given(separator(), "Ruling", address(escrow), termsHash, 1, 1, ruling);
        bytes memory signature = signatureOf(CLIENT_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, args.arbitrator));
        escrow.rule(1, versions, ruling, signature);
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(1, CLIENT, 100);
        escrow.rule(1, versions, ruling, signatureOf(ARBITRATOR_KEY, digest));
        equal(100, token.balanceOf(client), "back");
        stakes = 0;
        checkBooks();
    }

    function test_aRulingComesBeforeItsDeadlineAndTheFallbackFromItOn() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        (, uint256 deadline,,) = escrow.periodState(1);
        vm.warp(deadline - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, deadline));
        escrow.fallBack(1, versions);
        vm.warp(deadline);
        ruled(versions, paying(900, 500, 50), IEscrowErrors.TooLate.selector);
        vm.expectEmit();
        emit IEscrowEvents.FellBack(1);
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(1, CLIENT, 100);
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(1, 2, 77);
        escrow.fallBack(1, versions);
        stakes = 0;
        equal(900, token.balanceOf(payout(0)), "the report stands");
        equal(100, account(2).debt, "its debt as well");
        equal(100, token.balanceOf(client), "stakes are back");
        equal(77, token.balanceOf(payout(2)), "stakes are back");
        checkBooks();
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.fallBack(1, versions);
    }

    function test_onlyWhatIsInDisputeIsRuled() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, -100);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.NotDisputed.selector, 1, IEscrowErrors.PeriodStage.Reported)
        );
        escrow.fallBack(1, versions);
        ruled(versions, paying(1, 1, 1), IEscrowErrors.NotDisputed.selector);
    }

    function test_anAdapterChoosesAmongTheVersions() public {
        args.chooses = true;
        IOutcomeEscrow.Version[] memory versions = disputed();
        ruled(versions, paying(900, 500, 50), IEscrowErrors.NoSuchVersion.selector);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotArbitrator.selector, address(this)));
        escrow.choose(1, versions, 1);
        vm.prank(args.arbitrator);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchVersion.selector, 3));
        escrow.choose(1, versions, 3);
        vm.prank(args.arbitrator);
        escrow.choose(1, versions, 2);
        stakes = 0;
        // The client's lost stake goes to those whom its version harmed, by 400 and 300.
        equal(270 + 77 + 43, token.balanceOf(payout(2)), "version 2, its stake, a share of the client's");
        checkBooks();
    }

    function test_anAdapterThatRefusesIsTheFallback() public {
        args.chooses = true;
        IOutcomeEscrow.Version[] memory versions = disputed();
        vm.prank(args.arbitrator);
        escrow.choose(1, versions, type(uint256).max);
        stakes = 0;
        equal(900, token.balanceOf(payout(0)), "the report");
        equal(100, account(2).debt, "the report");
        checkBooks();
    }

    function test_aDirectArbitratorDoesNotChoose() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        vm.prank(args.arbitrator);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchVersion.selector, 1));
        escrow.choose(1, versions, 1);
    }

    function test_theLostStakeOfAVersionThatHarmsNobodyElseGoesToTheOtherSide() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, 0);
        // It lowers only its own amount, to freeze the period.
        versions = challenge(1, versions, 0, 50, paying(500, 500, 0));
        toWindowEnd();
        escrow.dispute(1, versions);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(1, 0, CLIENT, 50);
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, paying(1000, 500, 0), "");
        checkBooks();
    }

    function test_theClientsOwnHarmlessStakeGoesToThePayeesInEqualParts() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, 0);
        versions = challenge(1, versions, CLIENT, 100, paying(2000, 500, 0));
        toWindowEnd();
        escrow.dispute(1, versions);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(1, CLIENT, 0, 33);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(1, CLIENT, 1, 33);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(1, CLIENT, 2, 34);
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, paying(1000, 500, 0), "");
        checkBooks();
    }

    function test_aChallengeOfMissingEvidenceAlone() public {
        // KPI 0 is missing and its stand-in pays the same as the true value.
        begin(10_000);
        toEnd(1);
        int256[] memory values = paying(0, 10, 0);
        values[0] = MISSING;
        report(1, values);
        IOutcomeEscrow.Version[] memory versions = versionsOf(values);
        versions = challenge(1, versions, 0, 20, paying(0, 10, 0));
        toWindowEnd();
        escrow.dispute(1, versions);
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(1, 0, 20);
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, paying(0, 10, 0), "");
        checkBooks();
    }

    function test_aRulingNeedsNoOpening() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, -100);
        versions = challenge(1, versions, CLIENT, 100, paying(600, 500, 0));
        stakes = 100;
        ruled(versions, paying(900, 500, 0), IEscrowErrors.NotDisputed.selector);
        toWindowEnd();
        vm.expectEmit();
        emit IEscrowEvents.SettledInFull(1, threeOf(900, 500, 0));
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, paying(900, 500, 0), "");
        stakes = 0;
        checkBooks();
    }

    function test_theDeadlineRunsFromTheWindowWhetherOrNotTheDisputeIsOpened() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, -100);
        versions = challenge(1, versions, CLIENT, 100, paying(600, 500, 0));
        toWindowEnd();
        uint256 deadline = block.timestamp + args.rulingWindow;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, deadline));
        escrow.fallBack(1, versions);
        vm.warp(deadline);
        ruled(versions, paying(900, 500, 0), IEscrowErrors.TooLate.selector);
        escrow.fallBack(1, versions);
        equal(900, token.balanceOf(payout(0)), "the report stands");
        checkBooks();
    }

    function test_amountsThatTheProgramDoesNotGiveAreNotBelieved() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, -100);
        versions = challenge(1, versions, CLIENT, 100, paying(600, 500, 0));
        versions[0].amounts[0] = 600;
        toWindowEnd();
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        escrow.dispute(1, versions);
    }

    // --- whatever the path ------------------------------------------------------------------------------------------

    /// @dev However much was disputed, the final totals are those of the final version.
    function testFuzz_theTotalsDoNotDependOnThePath(int16[3] calldata r, int16[3] calldata v, uint8 funding) public {
        args.reserve = 0;
        begin(0);
        fund(1 + uint256(funding) * 300);
        toEnd(1);
        int256[] memory first = paying(r[0], r[1], r[2]);
        int256[] memory mine = paying(v[0], v[1], v[2]);
        if (keccak256(abi.encode(first)) == keccak256(abi.encode(mine))) return;
        report(1, first);
        IOutcomeEscrow.Version[] memory versions = versionsOf(first);
        versions = challenge(1, versions, 1, 100_000, mine);
        toWindowEnd();
        escrow.dispute(1, versions);
        stakes = 100_000;
        checkBooks();
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, mine, "");
        stakes = 0;
        checkBooks();
        fund(200_000);
        if (escrow.queueLength() != 0) escrow.payArrears(9);
        for (uint256 i = 0; i < 3; ++i) {
            IOutcomeEscrow.Account memory books = account(i);
            uint256 has = token.balanceOf(payout(i)) + books.held - (i == 1 ? 100_000 : 0);
            equal(int256(v[i]), int256(has) - int256(books.debt), "the version that was ruled");
            if (v[i] > 0) equal(uint256(int256(v[i])) / 10, books.held, "holdback of the whole");
        }
    }
}
