// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice The waterfall: debt, set-off, holdback, shortage, arrears, withdrawal, closing.
contract MoneyTest is Fixture {
    function test_debtIsSetOffAgainstLaterCreditsBeforeHoldback() public {
        begin(10_000);
        settle(1, -300, 1000, 0);
        equal(300, account(0).debt, "debt");
        equal(900, token.balanceOf(payout(1)), "no payee's debt touches another's money");

        toEnd(2);
        vm.expectEmit();
        emit IEscrowEvents.Credited(2, 0, 200, 200, 0, 0, 0);
        report(2, paying(200, 0, 0));
        equal(100, account(0).debt, "what is left of it");

        toEnd(3);
        vm.expectEmit();
        emit IEscrowEvents.Credited(3, 0, 1100, 100, 100, 900, 0);
        report(3, paying(1100, 0, 0));
        equal(0, account(0).debt, "paid off");
        equal(900, token.balanceOf(payout(0)), "the rest is paid");
        checkBooks();
    }

    function test_aShortageIsSharedByFloorsOfCumulatedSums() public {
        args.reserve = 0;
        begin(1001);
        toEnd(1);
        // 1001 over 700, 700, 701: floors of cumulated shares are 333, 667, 1001.
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 0, 700, 0, 33, 300, 367);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 1, 700, 0, 33, 301, 366);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 2, 701, 0, 33, 301, 367);
        report(1, paying(700, 700, 701));
        equal(0, escrow.funds(), "to the last unit");
        equal(3, escrow.queueLength(), "the rest is queued");
        checkBooks();
    }

    function test_whileAnyoneIsOwedNewSumsJoinTheQueue() public {
        args.reserve = 0;
        begin(500);
        settle(1, 1000, 0, 0);
        fund(10_000);
        settle(2, 0, 1000, 0);
        equal(0, token.balanceOf(payout(1)), "nothing is paid to a later period while an earlier one is owed");
        equal(1000, account(1).arrears, "all of it is owed");

        vm.expectEmit();
        emit IEscrowEvents.ArrearsHeld(1, 0, 50);
        vm.expectEmit();
        emit IEscrowEvents.ArrearsPaid(1, 0, 450);
        vm.expectEmit();
        emit IEscrowEvents.Paid(0, payout(0), 450);
        escrow.payArrears(1);
        equal(1, escrow.queueLength(), "one entry a call");
        escrow.payArrears(5);
        equal(900, token.balanceOf(payout(0)), "as if it had been paid at once");
        equal(100, account(0).held, "holdback as well");
        equal(900, token.balanceOf(payout(1)), "then the later period");
        checkBooks();
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.payArrears(5);
    }

    function test_anEntryIsPaidAsFarAsTheFundsGo() public {
        args.reserve = 0;
        begin(0);
        settle(1, 1000, 500, 0);
        fund(305);
        escrow.payArrears(9);
        equal(695, account(0).arrears, "a part");
        equal(30, account(0).held, "with its holdback");
        fund(696);
        escrow.payArrears(9);
        equal(0, account(0).arrears, "the rest");
        equal(100, account(0).held, "truncated once, not once per part");
        equal(499, account(1).arrears, "then the next");
        checkBooks();
    }

    function test_newDebtCancelsOwnArrearsOldestFirst() public {
        args.reserve = 0;
        begin(0);
        settle(1, 100, 40, 7);
        settle(2, 200, 50, 8);
        toEnd(3);
        vm.expectEmit();
        emit IEscrowEvents.Credited(3, 0, -150, 0, 0, 0, 0);
        vm.expectEmit();
        emit IEscrowEvents.ArrearsSetOff(1, 0, 100);
        vm.expectEmit();
        emit IEscrowEvents.ArrearsSetOff(2, 0, 50);
        report(3, paying(-150, 0, 0));
        equal(150, account(0).arrears, "what is left of the second");
        equal(0, account(0).debt, "no debt");
        equal(5, escrow.queueLength(), "the first is gone");
        checkBooks();

        settle(4, -151, 0, 0);
        equal(0, account(0).arrears, "gone");
        equal(1, account(0).debt, "the rest is debt");
        equal(4, escrow.queueLength(), "the others' entries");
        fund(1000);
        escrow.payArrears(4);
        equal(36 + 45, token.balanceOf(payout(1)), "the others are paid in full, less holdback");
        equal(7 + 8, token.balanceOf(payout(2)) + account(2).held, "the others are paid in full, less holdback");
        equal(0, escrow.queueLength(), "done");
        checkBooks();
    }

    function test_theQueueKeepsItsOrderWhenItsLastEntryIsSetOff() public {
        args.reserve = 0;
        args.holdbackRate = 0;
        begin(0);
        settle(1, 10, 20, 30);
        settle(2, 0, 0, -30);
        settle(3, 0, 0, 40);
        settle(4, 0, -20, 0);
        equal(2, escrow.queueLength(), "the first and the last made");
        fund(10);
        escrow.payArrears(1);
        equal(10, token.balanceOf(payout(0)), "the oldest first");
        fund(40);
        escrow.payArrears(1);
        equal(40, token.balanceOf(payout(2)), "then the last");
        equal(0, escrow.queueLength(), "empty");
        checkBooks();
    }

    function test_theClientWithdrawsOnlyAboveCoverAndOneReserve() public {
        begin(4 * RESERVE);
        // Period 1 has started: its cover and one more.
        equal(RESERVE, escrow.requiredCover(), "one period");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotClient.selector, address(this)));
        escrow.withdraw(1);
        withdrawal(
            2 * RESERVE + 1, abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, 2 * RESERVE, 2 * RESERVE + 1)
        );
        withdrawal(0, abi.encodeWithSelector(IEscrowErrors.NothingToDo.selector));
        toEnd(1);
        equal(2 * RESERVE, escrow.requiredCover(), "two periods");
        settle(1, 0, 0, 0);
        equal(RESERVE, escrow.requiredCover(), "one is settled");
        vm.expectEmit();
        emit IEscrowEvents.Withdrawn(2 * RESERVE);
        vm.prank(client);
        escrow.withdraw(2 * RESERVE);
        equal(2 * RESERVE, token.balanceOf(client), "sent");
        checkBooks();
    }

    function test_noWithdrawalWhileAnyoneIsOwed() public {
        args.reserve = 0;
        begin(0);
        settle(1, 5, 0, 0);
        fund(1000);
        withdrawal(1, abi.encodeWithSelector(IEscrowErrors.ArrearsFirst.selector, 5));
        escrow.payArrears(1);
        vm.prank(client);
        escrow.withdraw(1);
    }

    function test_noWithdrawalFromAnOffer() public {
        create();
        fund(5);
        withdrawal(1, abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Offer));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Offer));
        escrow.payArrears(1);
    }

    function withdrawal(uint256 amount, bytes memory reason) private {
        vm.prank(client);
        vm.expectRevert(reason);
        escrow.withdraw(amount);
    }

    // --- closing ----------------------------------------------------------------------------------------------------

    function test_closingWaitsForEveryPeriodAndTheHoldbackDate() public {
        begin(10_000);
        settle(1, 100, 0, 0);
        settle(2, 0, 0, 0);
        settle(3, 0, 0, 0);
        vm.warp(releaseDate());
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, 0));
        escrow.close(9);
        settle(4, 0, 0, 0);
        vm.warp(releaseDate() - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, releaseDate()));
        escrow.close(9);
        vm.warp(releaseDate());
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(0, 10, 0, 10);
        vm.expectEmit();
        emit IEscrowEvents.Paid(0, payout(0), 10);
        vm.expectEmit();
        emit IEscrowEvents.Closed(9900);
        escrow.close(9);
        equal(100, token.balanceOf(payout(0)), "all of it");
        equal(9900, token.balanceOf(client), "the rest");
        equal(0, escrow.tracked(), "empty");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Closed));
        escrow.close(9);
    }

    function test_atClosingDebtTakesHoldbackAndTheRestIsRecorded() public {
        begin(10_000);
        settle(1, 1000, 1000, 0);
        settle(2, -60, -300, 0);
        settle(3, 0, 0, 0);
        settle(4, 0, 0, 0);
        vm.warp(releaseDate());
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(0, 60, 60, 0);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(1, 100, 100, 0);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(0, 40, 0, 40);
        vm.expectEmit();
        emit IEscrowEvents.Paid(0, payout(0), 40);
        vm.expectEmit();
        emit IEscrowEvents.ClaimRecorded(1, -200);
        vm.expectEmit();
        emit IEscrowEvents.Closed(8160);
        escrow.close(0);
        checkBooks();
    }

    function test_closingPaysArrearsFirstInSteps() public {
        args.reserve = 0;
        begin(0);
        settle(1, 100, 200, 300);
        settle(2, 0, 0, 0);
        settle(3, 0, 0, 0);
        settle(4, 0, 0, 0);
        vm.warp(releaseDate());
        fund(10_000);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.close(0);
        escrow.close(2);
        check(escrow.stage() == IEscrowErrors.Stage.Active, "goes on");
        equal(1, escrow.queueLength(), "one is left");
        escrow.close(2);
        check(escrow.stage() == IEscrowErrors.Stage.Closed, "closed");
        equal(100, token.balanceOf(payout(0)), "holdback released too");
        equal(9400, token.balanceOf(client), "the rest");
        equal(0, escrow.tracked(), "empty");
    }

    function test_withoutFundsClosingRecordsClaimsThatCanStillBePaid() public {
        args.reserve = 0;
        begin(0);
        settle(1, 100, 0, 0);
        settle(2, 0, 0, 0);
        settle(3, 0, 0, 0);
        settle(4, 0, 0, 0);
        vm.warp(releaseDate());
        vm.expectEmit();
        emit IEscrowEvents.ClaimRecorded(0, 100);
        escrow.close(0);

        fund(150);
        vm.expectEmit();
        emit IEscrowEvents.Refunded(50);
        escrow.payArrears(1);
        equal(100, token.balanceOf(payout(0)), "no holdback any more");
        equal(50, token.balanceOf(client), "the rest goes back at once");
        equal(0, escrow.tracked(), "empty");
    }

    // --- whoever pays, whatever comes -------------------------------------------------------------------------------

    function testFuzz_whatIsPaidHeldAndOwedAddsUp(
        uint256 funding,
        int64[3] calldata first,
        int64[3] calldata second,
        uint64 rate
    ) public {
        args.reserve = 0;
        args.holdbackRate = uint64(bound(rate, 0, 1e18));
        for (uint256 i = 0; i < 3; ++i) {
            (args.kpis[i].low, args.kpis[i].high) = (-1e40, 1e40);
        }
        args.kpiWidth = 16;
        begin(0);
        funding = bound(funding, 1, 3 * uint256(uint64(type(int64).max)));
        fund(funding);
        settle(1, first[0], first[1], first[2]);
        checkBooks();
        settle(2, second[0], second[1], second[2]);
        checkBooks();

        uint256 left = token.balanceOf(address(escrow));
        uint256 paid = 0;
        for (uint256 i = 0; i < 3; ++i) {
            IOutcomeEscrow.Account memory books = account(i);
            int256 has = int256(token.balanceOf(payout(i)) + books.held + books.arrears) - int256(books.debt);
            equal(int256(first[i]) + second[i], has, "paid, held and owed add up to all amounts");
            paid += token.balanceOf(payout(i));
        }
        equal(funding, left + paid, "nothing is lost");
        equal(left, escrow.tracked(), "tracked is there");
        if (escrow.queueLength() != 0) equal(0, escrow.funds(), "nobody is owed while there is funding");
    }

    function testFuzz_piecesAreHeldBackLikeTheWhole(uint64 amount, uint64[4] calldata pieces) public {
        amount = uint64(bound(amount, 1, 1e6));
        args.reserve = 0;
        args.kpis[0].high = 1e40;
        args.kpiWidth = 16;
        begin(0);
        settle(1, int256(uint256(amount)) + 1, 0, 0);
        for (uint256 i = 0; i < 4; ++i) {
            if (escrow.queueLength() == 0) break;
            fund(bound(pieces[i], 1, 1 + amount / 3));
            escrow.payArrears(1);
        }
        IOutcomeEscrow.Account memory books = account(0);
        uint256 funded = token.balanceOf(payout(0)) + books.held;
        equal(funded / 10, books.held, "trunc(rate x funded)");
        checkBooks();
    }
}
