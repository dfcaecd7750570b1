// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Base.sol";
import {Fixture} from "./Fixture.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";

/// @notice Cover, every path of termination, and closing with bonds.
contract ExitsTest is Fixture {
    function setUp() public override {
        super.setUp();
        args.cureWindow = uint32(4 * DAY);
        args.notice = uint32(12 * DAY);
        args.convenience = 3;
        args.streak = 2;
        args.slots[0].fee = 70;
        args.slots[2].fee = 30;
    }

    function as_(address who) private {
        vm.prank(who);
    }

    // --- cover ------------------------------------------------------------------------------------------------------

    function test_anUncoveredReserveIsRecordedAndEndsWithTheCover() public {
        begin(RESERVE);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.recordUncovered();
        toEnd(1);
        vm.expectEmit();
        emit IEscrowEvents.UncoveredRecorded(block.timestamp, RESERVE, 2 * RESERVE);
        escrow.recordUncovered();
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.recordUncovered();
        fund(RESERVE - 1);
        (,, uint256 since) = escrow.occasions();
        equal(block.timestamp, since, "still on record");
        token.mint(client, 1);
        vm.prank(client);
        token.approve(address(escrow), 1);
        vm.expectEmit();
        emit IEscrowEvents.Covered();
        vm.prank(client);
        escrow.deposit(1);
        (,, since) = escrow.occasions();
        equal(0, since, "ended");
    }

    function test_aSettlementThatLeavesTheReserveCoveredEndsTheRecord() public {
        begin(RESERVE);
        toEnd(1);
        escrow.recordUncovered();
        vm.expectEmit();
        emit IEscrowEvents.Covered();
        report(1, paying(0, 0, 0));
    }

    function test_whoIsLeftUncoveredBeyondTheCureWindowMayEndIt() public {
        begin(RESERVE);
        toEnd(1);
        as_(signer(1));
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForUncovered();
        escrow.recordUncovered();
        uint256 curedBy = block.timestamp + args.cureWindow;
        vm.warp(curedBy - 1);
        as_(signer(1));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, curedBy));
        escrow.terminateForUncovered();
        vm.warp(curedBy);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProvider.selector, address(this)));
        escrow.terminateForUncovered();
        vm.expectEmit();
        emit IEscrowEvents.Terminated(2, IEscrowEvents.Cause.Uncovered);
        as_(signer(1));
        escrow.terminateForUncovered();
        equal(2, escrow.lastPeriod(), "the current period is the last");
    }

    // --- mutual -----------------------------------------------------------------------------------------------------

    function mutual(uint32 last, uint32 number) private view returns (bytes[] memory) {
        return allSign(Signing.termination(separator(), address(escrow), termsHash, last, number));
    }

    function test_allTogetherEndItAfterTheCurrentPeriod() public {
        begin(10_000);
        vm.warp(args.ends[0] + 1);
        bytes[] memory signatures = mutual(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherMoment.selector, 1, 2));
        escrow.terminateMutually(1, signatures);
        signatures = mutual(2, 0);
        bytes memory own = signatures[3];
        signatures[3] = signatures[0];
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, signer(2)));
        escrow.terminateMutually(2, signatures);
        signatures[3] = own;
        escrow.terminateMutually(2, signatures);
        equal(2, escrow.lastPeriod(), "shorter");
        bytes memory late = signed(3, paying(1, 1, 1), 0, 1);
        vm.warp(args.ends[2]);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 3));
        escrow.report(late);
        signatures = mutual(2, 1);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.terminateMutually(2, signatures);
        equal(2 * RESERVE, escrow.requiredCover(), "no cover for periods that will not come");

        settle(1, 100, 0, 0);
        settle(2, 0, 0, 0);
        uint256 release = args.ends[1] + args.holdbackDelay;
        vm.warp(release - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, release));
        escrow.close(0);
        vm.warp(release);
        escrow.close(0);
        equal(100, token.balanceOf(payout(0)), "holdback follows the last period");
        checkBooks();
    }

    // --- convenience ------------------------------------------------------------------------------------------------

    function test_theClientsNoticePaysItsFeeAtOnce() public {
        begin(RESERVE + 99);
        as_(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, 99, 100));
        escrow.terminateForConvenience();
        fund(1);
        vm.expectEmit();
        emit IEscrowEvents.Terminated(2, IEscrowEvents.Cause.Convenience);
        vm.expectEmit();
        emit IEscrowEvents.FeePaid(0, 70, 0);
        vm.expectEmit();
        emit IEscrowEvents.Paid(0, payout(0), 70);
        vm.expectEmit();
        emit IEscrowEvents.FeePaid(2, 30, 0);
        as_(client);
        escrow.terminateForConvenience();
        equal(0, account(0).held, "no holdback on fees");
        checkBooks();
    }

    function test_aFeeCancelsDebtFirstAndOvertakesNoArrears() public {
        args.reserve = 0;
        begin(0);
        settle(1, -50, 5, 0);
        fund(1000);
        as_(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.ArrearsFirst.selector, 5));
        escrow.terminateForConvenience();
        escrow.payArrears(1);
        vm.expectEmit();
        emit IEscrowEvents.FeePaid(0, 70, 50);
        as_(client);
        escrow.terminateForConvenience();
        equal(20, token.balanceOf(payout(0)), "the rest");
        equal(0, account(0).debt, "cancelled");
        checkBooks();
    }

    function test_aProvidersNoticeIsFree() public {
        begin(RESERVE);
        as_(signer(1));
        escrow.terminateForConvenience();
        equal(2, escrow.lastPeriod(), "the period running when the notice is over");
        as_(signer(0));
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.terminateForConvenience();
    }

    function test_noticeIsForThoseTheTermsName() public {
        args.convenience = 2;
        begin(RESERVE);
        as_(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProvider.selector, client));
        escrow.terminateForConvenience();
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotClient.selector, address(this)));
        escrow.terminateForConvenience();
    }

    function test_noProvidersNoticeWhereOnlyTheClientMay() public {
        args.convenience = 1;
        begin(RESERVE);
        as_(signer(0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotClient.selector, signer(0)));
        escrow.terminateForConvenience();
    }

    // --- streak -----------------------------------------------------------------------------------------------------

    /// @dev A period in which KPI 0, which provider 0 supplies, is missing.
    function lacking(uint32 period) private {
        if (block.timestamp < args.ends[period - 1]) toEnd(period);
        int256[] memory values = paying(0, 1, 1);
        values[0] = MISSING;
        report(period, values);
    }

    function test_missingEvidenceInARowIsCauseOnceItIsDue() public {
        begin(10_000);
        lacking(1);
        lacking(2);
        as_(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForStreak(0);
        vm.warp(args.ends[1] + args.evidenceWindow - 1);
        as_(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForStreak(0);
        vm.warp(args.ends[1] + args.evidenceWindow);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotClient.selector, address(this)));
        escrow.terminateForStreak(0);
        as_(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForStreak(1);
        as_(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchProvider.selector, 3));
        escrow.terminateForStreak(3);
        vm.expectEmit();
        emit IEscrowEvents.Terminated(3, IEscrowEvents.Cause.Streak);
        as_(client);
        escrow.terminateForStreak(0);
    }

    function test_aPeriodShownInTimeIsPassedOverAndAKeptOneEndsTheRow() public {
        begin(10_000);
        lacking(1);
        toEnd(2);
        as_(signer(0));
        escrow.postDigest(2, "bundle");
        lacking(2);
        toEnd(3);
        settle(3, 1, 1, 1);
        lacking(4);
        vm.warp(args.ends[3] + args.evidenceWindow);
        as_(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForStreak(0);
    }

    function test_aNeutralPeriodIsNoBreachItself() public {
        begin(10_000);
        lacking(1);
        toEnd(2);
        as_(signer(0));
        escrow.postDigest(2, "bundle");
        lacking(2);
        vm.warp(args.ends[1] + args.evidenceWindow);
        as_(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForStreak(0);
    }

    function test_theRowOfWhoLeavesIsNoCauseAgainstWhoComes() public {
        begin(10_000);
        lacking(1);
        lacking(2);
        vm.warp(args.ends[1] + args.evidenceWindow);
        address incoming = vm.addr(INCOMING_KEY);
        bytes32 digest = Signing.assignment(separator(), address(escrow), termsHash, 0, incoming, address(0x1C0), 4, 0);
        bytes[] memory signatures = new bytes[](3);
        signatures[0] = signatureOf(CLIENT_KEY, digest);
        signatures[1] = signatureOf(PROVIDER_KEY, digest);
        signatures[2] = signatureOf(INCOMING_KEY, digest);
        escrow.assign(0, incoming, address(0x1C0), 4, signatures);
        as_(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForStreak(0);
    }

    function test_breachesOnBothSidesOfANeutralPeriodAreARow() public {
        args.ends.push(args.ends[3] + 10 * DAY);
        begin(10_000);
        lacking(1);
        toEnd(2);
        as_(signer(0));
        escrow.postDigest(2, "bundle");
        lacking(2);
        lacking(3);
        vm.warp(args.ends[2] + args.evidenceWindow);
        as_(client);
        escrow.terminateForStreak(0);
        equal(4, escrow.lastPeriod(), "ended");
    }

    function test_evidenceIsShownBetweenThePeriodsEndAndTheDueDateOnce() public {
        args.kpis[1].supplier = 255;
        args.kpis[2].supplier = 0;
        begin(RESERVE);
        vm.warp(args.ends[0] - 1);
        as_(signer(0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, args.ends[0]));
        escrow.postDigest(1, "bundle");
        as_(signer(0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 5));
        escrow.postDigest(5, "bundle");
        vm.warp(args.ends[0]);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, address(this)));
        escrow.postDigest(1, "bundle");
        as_(signer(2));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, signer(2)));
        escrow.postDigest(1, "bundle");
        vm.expectEmit();
        emit IEscrowEvents.DigestPosted(1, CLIENT, "its own");
        as_(client);
        escrow.postDigest(1, "its own");
        as_(client);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.postDigest(1, "again");
        as_(signer(0));
        escrow.postDigest(1, "bundle");
        as_(signer(0));
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.postDigest(1, "bundle");
        uint256 due = args.ends[1] + args.evidenceWindow;
        vm.warp(due);
        as_(signer(0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooLate.selector, due));
        escrow.postDigest(2, "bundle");
    }

    // --- finding ----------------------------------------------------------------------------------------------------

    function test_theArbitratorsFindingEndsItOnce() public {
        begin(RESERVE);
        bytes32 digest = Signing.finding(separator(), address(escrow), termsHash, "fraud", signer(1), 7);
        bytes memory wrong = signatureOf(CLIENT_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotArbitrator.selector, args.arbitrator));
        escrow.terminateOnFinding("fraud", signer(1), 7, wrong);
        bytes memory signature = signatureOf(ARBITRATOR_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotArbitrator.selector, args.arbitrator));
        escrow.terminateOnFinding("delay", signer(1), 7, signature);
        vm.expectEmit();
        emit IEscrowEvents.Found("fraud", signer(1), 7);
        vm.expectEmit();
        emit IEscrowEvents.Terminated(1, IEscrowEvents.Cause.Finding);
        escrow.terminateOnFinding("fraud", signer(1), 7, signature);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.UsedNonce.selector, 7, 0));
        escrow.terminateOnFinding("fraud", signer(1), 7, signature);
    }

    function test_nothingEndsAnOffer() public {
        create();
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Offer);
        vm.expectRevert(reason);
        escrow.terminateForConvenience();
        vm.expectRevert(reason);
        escrow.terminateForStreak(0);
        vm.expectRevert(reason);
        escrow.terminateForUncovered();
        vm.expectRevert(reason);
        escrow.terminateOnFinding("", address(0), 0, "");
        vm.expectRevert(reason);
        escrow.terminateMutually(0, new bytes[](0));
        vm.expectRevert(reason);
        escrow.close(0);
        vm.expectRevert(reason);
        escrow.recordUncovered();
    }

    // --- closing ----------------------------------------------------------------------------------------------------

    function test_atClosingDebtTakesTheBondThenTheHoldback() public {
        withBonds();
        begin(10_000);
        settle(1, 1000, 1000, 0);
        settle(2, -150, -20, -700);
        settle(3, 0, 0, 0);
        settle(4, 0, 0, 0);
        vm.warp(releaseDate());
        vm.expectEmit();
        emit IEscrowEvents.BondTaken(0, 100);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(0, 50, 50, 0);
        vm.expectEmit();
        emit IEscrowEvents.BondTaken(1, 20);
        vm.expectEmit();
        emit IEscrowEvents.BondTaken(2, 300);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(0, 50, 0, 50);
        vm.expectEmit();
        emit IEscrowEvents.Paid(0, payout(0), 50);
        vm.expectEmit();
        emit IEscrowEvents.BondReturned(1, 180);
        vm.expectEmit();
        emit IEscrowEvents.Paid(1, payout(1), 180);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(1, 100, 0, 100);
        vm.expectEmit();
        emit IEscrowEvents.Paid(1, payout(1), 100);
        vm.expectEmit();
        emit IEscrowEvents.ClaimRecorded(2, -400);
        escrow.close(0);
        equal(10_000 - 2000 + 470, token.balanceOf(client), "the rest");
        equal(0, escrow.tracked(), "empty");
        checkBooks();
    }

    function test_aReleaseOfNothingIsNotTold() public {
        withBonds();
        args.slots[0].bond = 0;
        begin(RESERVE);
        for (uint32 period = 1; period < 5; ++period) {
            settle(period, period == 1 ? int256(100) : int256(0), 0, 0);
        }
        vm.warp(releaseDate());
        vm.recordLogs();
        escrow.close(0);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (uint256 bonds, uint256 holdbacks) = (0, 0);
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEscrowEvents.BondReturned.selector) ++bonds;
            if (logs[i].topics[0] == IEscrowEvents.HoldbackReleased.selector) ++holdbacks;
        }
        equal(2, bonds, "slot 0 posted none");
        equal(1, holdbacks, "only slot 0 earned");
    }
}
