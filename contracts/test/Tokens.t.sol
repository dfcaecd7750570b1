// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Receiver} from "./Doubles.sol";
import {Fixture} from "./Fixture.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";
import {Push} from "../Push.sol";
import {TestToken} from "../TestToken.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @notice Tokens that refuse, charge, vanish or appear: what the escrow keeps.
contract TokensTest is Fixture {
    function test_onePayeeThatCannotBePaidBlocksNobody() public {
        refusedAndClaimed(false, false);
    }

    function test_aTokenThatAnswersFalseIsARefusal() public {
        refusedAndClaimed(true, false);
    }

    function test_aTokenThatBurnsTheGasIsARefusal() public {
        refusedAndClaimed(false, true);
    }

    function refusedAndClaimed(bool quiet, bool burning) private {
        begin(10_000);
        token.refuse(payout(0), true);
        token.setQuiet(quiet);
        token.setBurning(burning);
        toEnd(1);
        vm.expectEmit();
        emit IEscrowEvents.Deferred(0, 900);
        report(1, paying(1000, 500, 0));
        equal(450, token.balanceOf(payout(1)), "the other is paid");
        equal(900, account(0).claimable, "claimable");
        checkBooks();

        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProvider.selector, address(this)));
        escrow.claim(0, address(this), false);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchProvider.selector, 3));
        escrow.claim(3, address(this), false);
        claiming(0, address(0), abi.encodeWithSelector(IEscrowErrors.PushRefused.selector, address(0), 900));
        claiming(0, address(escrow), abi.encodeWithSelector(IEscrowErrors.PushRefused.selector, address(escrow), 900));
        token.setBurning(false);
        claiming(0, payout(0), abi.encodeWithSelector(IEscrowErrors.PushRefused.selector, payout(0), 900));
        address elsewhere = address(0xE15E);
        vm.expectEmit();
        emit IEscrowEvents.Claimed(0, elsewhere, 900);
        vm.prank(signer(0));
        escrow.claim(0, elsewhere, false);
        equal(900, token.balanceOf(elsewhere), "fetched");
        claiming(0, elsewhere, abi.encodeWithSelector(IEscrowErrors.NothingToDo.selector));
        checkBooks();
    }

    function claiming(uint8 provider, address to, bytes memory reason) private {
        vm.prank(signer(provider));
        vm.expectRevert(reason);
        escrow.claim(int8(provider), to, false);
    }

    function test_aProviderMovesItsPayout() public {
        begin(10_000);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProvider.selector, address(this)));
        escrow.movePayout(1, address(5));
        vm.prank(signer(1));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.PushRefused.selector, address(escrow), 0));
        escrow.movePayout(1, address(escrow));
        vm.expectEmit();
        emit IEscrowEvents.PayoutMoved(1, address(0x333));
        vm.prank(signer(1));
        escrow.movePayout(1, address(0x333));
        settle(1, 100, 100, 0);
        equal(90, token.balanceOf(address(0x333)), "to the new one");
        equal(90, token.balanceOf(payout(0)), "the others as before");
    }

    // --- what arrives and what is sent ------------------------------------------------------------------------------

    function test_aDepositCreditsWhatArrives() public {
        create();
        token.setFee(10);
        token.mint(client, 1000);
        vm.prank(client);
        token.approve(address(escrow), 1000);
        vm.expectEmit();
        emit IEscrowEvents.Deposited(client, 900);
        vm.prank(client);
        equal(900, escrow.deposit(1000), "credited");
        equal(900, escrow.tracked(), "tracked");
        token.setFee(100);
        token.mint(client, 1);
        vm.prank(client);
        token.approve(address(escrow), 1);
        vm.prank(client);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.deposit(1);
    }

    function test_aPaymentCountsWhatIsSent() public {
        begin(10_000);
        token.setFee(10);
        settle(1, 1000, 0, 0);
        equal(810, token.balanceOf(payout(0)), "the receiver bears the token's fee");
        equal(100, account(0).held, "what was sent counts");
        equal(token.balanceOf(address(escrow)), escrow.tracked(), "the escrow's books are right");
    }

    function test_aSurplusBecomesFunding() public {
        begin(RESERVE);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.sync();
        token.mint(address(escrow), 77);
        vm.expectEmit();
        emit IEscrowEvents.Synced(77);
        escrow.sync();
        equal(RESERVE + 77, escrow.funds(), "funding");
    }

    function test_aLossTakesFundingFirstThenNothingIsPushedUntilItIsMadeGood() public {
        begin(10_000);
        settle(1, 1000, 0, 0);
        // 9,000 funding and 100 held; all but 60 vanishes.
        token.burn(address(escrow), 9040);
        vm.expectEmit();
        emit IEscrowEvents.Synced(-9000);
        escrow.sync();
        equal(0, escrow.funds(), "funding is gone");
        equal(100, escrow.tracked(), "what is held is still owed");

        settle(2, 50, 0, 0);
        equal(50, account(0).arrears, "no funding");
        // A deposit makes good the loss first.
        fund(30);
        equal(0, escrow.funds(), "taken at once");
        fund(30);
        equal(20, escrow.funds(), "the rest is funding");
        escrow.payArrears(1);
        equal(900 + 18, token.balanceOf(payout(0)), "pushed again");
        checkBooks();
    }

    function test_belowTrackedAnOwnerMayClaimEarlyAtTheCoveredShare() public {
        args.holdbackRate = 0;
        begin(RESERVE);
        token.refuse(payout(0), true);
        token.refuse(payout(1), true);
        settle(1, 1000, 1000, 0);
        token.burn(address(escrow), RESERVE - 2000 + 500);

        claiming(0, address(9), abi.encodeWithSelector(IEscrowErrors.BelowTracked.selector, 1500, 2000));
        vm.expectEmit();
        emit IEscrowEvents.Claimed(0, address(9), 750);
        vm.expectEmit();
        emit IEscrowEvents.GivenUp(0, 250);
        vm.prank(signer(0));
        escrow.claim(0, address(9), true);
        equal(750, token.balanceOf(address(9)), "its share");
        equal(1000, escrow.tracked(), "the other's");
        token.mint(address(escrow), 250);
        vm.prank(signer(1));
        escrow.claim(1, address(8), true);
        equal(1000, token.balanceOf(address(8)), "made good: in full");
        equal(0, escrow.tracked(), "nothing is left");
    }

    function test_belowTrackedHoldbackBecomesClaimable() public {
        closeShortBy(50);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(0, 40, 40, 0);
        vm.expectEmit();
        emit IEscrowEvents.Synced(-40);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(0, 60, 0, 60);
        vm.expectEmit();
        emit IEscrowEvents.Deferred(0, 60);
        vm.expectEmit();
        emit IEscrowEvents.HoldbackReleased(2, 50, 0, 50);
        vm.expectEmit();
        emit IEscrowEvents.Deferred(2, 50);
        vm.expectEmit();
        emit IEscrowEvents.Closed(0);
        escrow.close(0);
        checkBooks();
        token.mint(address(escrow), 10);
        vm.prank(signer(0));
        escrow.claim(0, address(9), false);
        equal(60, token.balanceOf(address(9)), "made good: in full");
    }

    function test_atClosingWhatDebtsBringMakesALossGoodFirst() public {
        closeShortBy(10);
        escrow.close(0);
        equal(900 + 60, token.balanceOf(payout(0)), "pushed, because the loss is made good");
        equal(30, token.balanceOf(client), "the client has the rest");
        equal(0, escrow.tracked(), "empty");
    }

    /// @dev All periods settled, 100 and 50 held, a debt of 40, no funding, and `loss` of what is held vanished.
    function closeShortBy(uint256 loss) private {
        begin(RESERVE);
        settle(1, 1000, 0, 0);
        settle(2, -40, 0, 500);
        settle(3, 0, 0, 0);
        settle(4, 0, 0, 0);
        token.burn(address(escrow), token.balanceOf(address(escrow)) - (150 - loss));
        escrow.sync();
        vm.warp(releaseDate());
    }

    function test_aClientThatCannotReceivePreventsNothing() public {
        begin(RESERVE);
        for (uint32 i = 1; i <= 4; ++i) {
            settle(i, 10, 0, 0);
        }
        token.refuse(client, true);
        vm.warp(releaseDate());
        vm.expectEmit();
        emit IEscrowEvents.Closed(RESERVE - 40);
        vm.expectEmit();
        emit IEscrowEvents.ClientDeferred(RESERVE - 40);
        escrow.close(0);
        equal(RESERVE - 40, escrow.clientClaimable(), "still the client's");
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.PushRefused.selector, client, RESERVE - 40));
        escrow.claim(CLIENT, client, false);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotClient.selector, address(this)));
        escrow.claim(CLIENT, client, false);
        token.refuse(client, false);
        vm.prank(client);
        escrow.claim(CLIENT, client, false);
        checkBooks();
    }

    function test_aDepositIntoAClosedEscrowGoesBack() public {
        create();
        vm.warp(args.activateBy);
        escrow.cancel();
        fund(5);
        equal(5, token.balanceOf(client), "back at once");
        equal(0, escrow.tracked(), "empty");
    }

    // --- native coin ------------------------------------------------------------------------------------------------

    function native() private returns (Receiver receiver) {
        receiver = Receiver(payable(deploy("Doubles.sol:Receiver")));
        args.token = address(0);
        args.unitDecimals = 6;
        args.slots[0].payout = address(receiver);
        create();
        vm.deal(client, 100_000);
        vm.prank(client);
        escrow.deposit{value: 10_000}(10_000);
        equal(10_000, escrow.funds(), "booked once");
        escrow.accept("agreement", 0, partySignatures());
        escrow.activate();
    }

    function test_theNativeCoinGoesTheSameWay() public {
        Receiver receiver = native();
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongValue.selector, 5, 6));
        escrow.deposit{value: 5}(6);
        settle(1, 1000, 500, 0);
        equal(900, address(receiver).balance, "paid");
        equal(450, payout(1).balance, "paid");
        vm.deal(address(escrow), address(escrow).balance + 7);
        escrow.sync();
        equal(10_000 - 1350 + 7 - 150, escrow.funds(), "forced coin is funding");
        for (uint32 i = 2; i <= 4; ++i) {
            settle(i, 0, 0, 0);
        }
        vm.warp(releaseDate());
        escrow.close(0);
        equal(90_000 + 8507, client.balance, "the rest");
        equal(0, escrow.tracked(), "empty");
    }

    function test_anErc20EscrowTakesNoNativeCoin() public {
        create();
        vm.deal(client, 5);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongValue.selector, 5, 0));
        escrow.deposit{value: 5}(5);
    }

    function test_aReceiverThatRefusesBurnsOrShoutsBlocksNobody() public {
        Receiver receiver = native();
        Receiver.Mood[3] memory moods = [Receiver.Mood.Refuse, Receiver.Mood.Burn, Receiver.Mood.Shout];
        for (uint32 i = 0; i < 3; ++i) {
            receiver.setMood(moods[i]);
            settle(i + 1, 100, 100, 0);
            equal(90 * (i + 1), account(0).claimable, "claimable");
            equal(90 * (i + 1), payout(1).balance, "the next is paid");
        }
        checkBooks();
        vm.prank(signer(0));
        escrow.claim(0, address(0x600D), false);
        equal(270, address(0x600D).balance, "fetched elsewhere");
    }

    function test_nobodyEntersDuringAPush() public {
        Receiver receiver = native();
        receiver.setMood(Receiver.Mood.Reenter);
        settle(1, 1000, 0, 0);
        check(receiver.refusal() == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "refused inside");
        equal(900, address(receiver).balance, "paid once");
    }

    /// @dev Every act that is guarded, with arguments that can be read.
    function acts() private view returns (bytes[] memory all) {
        IOutcomeEscrow.Version[] memory none = new IOutcomeEscrow.Version[](0);
        IOutcomeEscrow.Amending memory amending;
        IOutcomeEscrow.Challenging memory challenging;
        (int256[] memory values, bytes[] memory signatures) = (new int256[](3), new bytes[](3));
        all = new bytes[](33);
        uint256 n = 0;
        all[n++] = abi.encodeCall(IOutcomeEscrow.deposit, (5));
        all[n++] = abi.encodeCall(IOutcomeEscrow.depositWithPermit, (5, 0, 0, 0, 0));
        all[n++] = abi.encodeCall(IOutcomeEscrow.postBond, (0, 5));
        all[n++] = abi.encodeCall(IOutcomeEscrow.accept, ("agreement", 0, signatures));
        all[n++] = abi.encodeCall(IOutcomeEscrow.activate, ());
        all[n++] = abi.encodeCall(IOutcomeEscrow.cancel, ());
        all[n++] = abi.encodeCall(IOutcomeEscrow.report, ("report"));
        all[n++] = abi.encodePacked(IOutcomeEscrow.submit.selector, "report");
        all[n++] = abi.encodeCall(IOutcomeEscrow.proposeDefault, (2));
        all[n++] = abi.encodeCall(IOutcomeEscrow.replace, ("report", none));
        all[n++] = abi.encodeCall(IOutcomeEscrow.settle, (2, values));
        all[n++] = abi.encodeCall(IOutcomeEscrow.postDigest, (2, "bundle"));
        all[n++] = abi.encodeCall(IOutcomeEscrow.agree, (2, none, values, signatures));
        all[n++] = abi.encodeCall(IOutcomeEscrow.challenge, (challenging, none));
        all[n++] = abi.encodeCall(IOutcomeEscrow.dispute, (2, none));
        all[n++] = abi.encodeCall(IOutcomeEscrow.rule, (2, none, values, ""));
        all[n++] = abi.encodeCall(IOutcomeEscrow.choose, (2, none, 0));
        all[n++] = abi.encodeCall(IOutcomeEscrow.fallBack, (2, none));
        all[n++] = abi.encodeCall(IOutcomeEscrow.payArrears, (1));
        all[n++] = abi.encodeCall(IOutcomeEscrow.sync, ());
        all[n++] = abi.encodeCall(IOutcomeEscrow.claim, (0, address(0xE15E), false));
        all[n++] = abi.encodeCall(IOutcomeEscrow.movePayout, (0, address(0xE15E)));
        all[n++] = abi.encodeCall(IOutcomeEscrow.withdraw, (5));
        all[n++] = abi.encodeCall(IOutcomeEscrow.recordUncovered, ());
        all[n++] = abi.encodeCall(IOutcomeEscrow.amend, (amending, signatures));
        all[n++] = abi.encodeCall(IOutcomeEscrow.assign, (0, client, client, 2, signatures));
        all[n++] = abi.encodeCall(IOutcomeEscrow.stepIn, (0, client));
        all[n++] = abi.encodeCall(IOutcomeEscrow.terminateMutually, (2, signatures));
        all[n++] = abi.encodeCall(IOutcomeEscrow.terminateForConvenience, ());
        all[n++] = abi.encodeCall(IOutcomeEscrow.terminateForStreak, (0));
        all[n++] = abi.encodeCall(IOutcomeEscrow.terminateForUncovered, ());
        all[n++] = abi.encodeCall(IOutcomeEscrow.terminateOnFinding, (0, client, 0, ""));
        all[n++] = abi.encodeCall(IOutcomeEscrow.close, (1));
    }

    function noneEntered(uint256 count) private view {
        equal(count, token.refusalCount(), "tried");
        for (uint256 i = 0; i < count; ++i) {
            bytes4 refusal = token.refusals(i);
            check(refusal == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, vm.toString(i));
        }
    }

    function test_noActEntersAnother() public {
        begin(10_000);
        token.refuse(payout(0), true);
        settle(1, 1000, 0, 0);
        bytes[] memory all = acts();
        token.lure(address(escrow), all);
        vm.prank(signer(0));
        escrow.claim(0, address(0xE15E), false);
        noneEntered(all.length);
    }

    /// @dev Where the books do not say what the balance says, the ordinary acts go another way, with a guard of its own.
    function test_nothingEntersTheLongWayOfOrdinaryActs() public {
        args.challengeWindow = uint32(DAY);
        args.rulingWindow = uint32(DAY);
        begin(10_000);
        bytes[] memory bait = new bytes[](1);
        bait[0] = abi.encodeCall(IOutcomeEscrow.sync, ());
        token.lure(address(escrow), bait);
        token.mint(address(escrow), 1);
        fund(5);
        noneEntered(1);

        toEnd(1);
        report(1, paying(100, 0, 0));
        vm.warp(block.timestamp + DAY);
        token.mint(address(escrow), 1);
        token.lure(address(escrow), bait);
        escrow.settle(1, paying(100, 0, 0));
        noneEntered(1);
    }

    function test_nothingEntersTheLongWayOfReports() public {
        begin(10_000);
        bytes[] memory bait = new bytes[](1);
        bait[0] = abi.encodeCall(IOutcomeEscrow.sync, ());
        toEnd(1);
        token.mint(address(escrow), 1);
        token.lure(address(escrow), bait);
        report(1, paying(100, 0, 0));
        noneEntered(1);
        toEnd(2);
        token.mint(address(escrow), 1);
        token.lure(address(escrow), bait);
        (bool done,) =
            address(escrow).call(abi.encodePacked(IOutcomeEscrow.submit.selector, signed(2, paying(100, 0, 0), 0, 1)));
        check(done, "submitted");
        noneEntered(1);
    }

    function test_tooLittleGasNeverMakesAPushOrTheProgramFail() public {
        Receiver receiver = native();
        receiver.setMood(Receiver.Mood.Work);
        toEnd(1);
        int256[] memory values = paying(1000, 500, 0);
        bytes memory packed = signed(1, values, 0, 1);
        uint256 refusals = 0;
        for (uint256 gas = 60_000; gas < 800_000; gas += 4000) {
            try this.reportWith(gas, packed) {}
            catch (bytes memory outcome) {
                (bool done, uint256 paid, uint256 claimable) = abi.decode(outcome, (bool, uint256, uint256));
                check(done || gas < 4 * Push.NEEDED, "refused only for want of gas");
                equal(done ? 900 : 0, paid, "paid, or nothing happened");
                equal(0, claimable, "no push failed");
                if (!done) ++refusals;
            }
        }
        check(refusals != 0, "with too little gas it is refused");
    }

    /// @dev Reports with a limit of gas, says what came of it, and undoes it by reverting.
    function reportWith(uint256 gas, bytes memory packed) external {
        bool done = false;
        try escrow.report{gas: gas}(packed) {
            done = true;
        } catch {}
        bytes memory outcome =
            abi.encode(done, args.slots[0].payout.balance, account(0).claimable + account(1).claimable);
        assembly ("memory-safe") {
            revert(add(outcome, 0x20), mload(outcome))
        }
    }

    function test_theTestTokenIsWorthlessOnPurpose() public {
        TestToken money = new TestToken("Test dollar", "TUSD");
        money.mint(client, 5);
        equal(6, money.decimals(), "decimals");
        equal(5, money.balanceOf(client), "anyone mints");
    }
}
