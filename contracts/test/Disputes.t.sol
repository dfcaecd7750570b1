// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputing} from "./Disputing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Window, challenge, undisputed part, ruling, fallback.
contract DisputesTest is Disputing {
    // --- window -----------------------------------------------------------------------------------------------------

    function test_aReportWaitsForItsWindow() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 0, 0);
        check(stageOf(1) == IEscrowErrors.PeriodStage.Reported, "reported");
        equal(0, token.balanceOf(payout(0)), "nothing is paid yet");
        (, uint256 until, uint256 proposals,) = escrow.periodState(1);
        equal(block.timestamp + args.challengeWindow, until, "window");
        equal(1, proposals, "one proposal");
        bytes memory again = signed(1, paying(1, 0, 0), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadyProposed.selector, 1));
        escrow.report(again);
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, until));
        escrow.settle(1, versions[0].values);
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        escrow.settle(1, paying(1001, 0, 0));
        int256[] memory amounts = new int256[](3);
        amounts[0] = 1000;
        vm.expectEmit();
        emit IEscrowEvents.SettledInFull(1, amounts);
        escrow.settle(1, versions[0].values);
        equal(900, token.balanceOf(payout(0)), "paid");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.settle(1, versions[0].values);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProposed.selector, 2));
        escrow.settle(2, versions[0].values);
        checkBooks();
    }

    function test_moreWindowsThanPlacesAtOnce() public {
        args.challengeWindow = uint32(200 * DAY);
        describeMore();
        begin(100_000);
        vm.warp(args.ends[11]);
        for (uint32 i = 1; i <= 12; ++i) {
            report(i, paying(int256(uint256(i)), 0, 0));
        }
        vm.warp(block.timestamp + args.challengeWindow);
        for (uint32 i = 12; i != 0; --i) {
            check(stageOf(i) == IEscrowErrors.PeriodStage.Reported, "each has its window");
            escrow.settle(i, paying(int256(uint256(i)), 0, 0));
        }
        equal(78, token.balanceOf(payout(0)) + account(0).held, "all of them");
        checkBooks();
    }

    function describeMore() private {
        describe(address(token), 3, 12);
        withDisputes();
        args.challengeWindow = uint32(200 * DAY);
    }

    // --- challenge --------------------------------------------------------------------------------------------------

    function test_aChallengeNeedsStandingWindowAndDifference() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 0, 0);
        IOutcomeEscrow.Challenging memory c = IOutcomeEscrow.Challenging(1, CLIENT, 20, paying(900, 0, 0), "");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, address(this)));
        escrow.challenge(c, versions);
        refuseAs(
            client,
            IOutcomeEscrow.Challenging(1, 0, 20, paying(900, 0, 0), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, client)
        );
        refuseAs(
            client,
            IOutcomeEscrow.Challenging(2, CLIENT, 20, paying(900, 0, 0), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.NotProposed.selector, 2)
        );
        refuseAs(
            client,
            IOutcomeEscrow.Challenging(1, CLIENT, 20, paying(1000, 0, 0), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.EqualVersion.selector)
        );
        refuseAs(
            client,
            IOutcomeEscrow.Challenging(1, CLIENT, 20, new int256[](2), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.WrongValueCount.selector, 2, 3)
        );
        refuseAs(
            client, c, versionsOf(paying(999, 0, 0)), abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1)
        );
        approve(client, 500);
        // max(20, 10 % of 100) and max(20, 10 % of 401, rounded up).
        refuseAs(
            client,
            IOutcomeEscrow.Challenging(1, CLIENT, 19, paying(900, 0, 0), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, 19, 20)
        );
        refuseAs(
            client,
            IOutcomeEscrow.Challenging(1, CLIENT, 40, paying(599, 0, 0), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, 40, 41)
        );
        versions = challenge(1, versions, CLIENT, 41, paying(599, 0, 0));
        stakes = 41;
        checkBooks();
        refuseAs(client, c, versions, abi.encodeWithSelector(IEscrowErrors.AlreadyChallenged.selector, client));
        refuseAs(
            signer(0),
            IOutcomeEscrow.Challenging(1, 0, 50, paying(599, 0, 0), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.EqualVersion.selector)
        );
        toWindowEnd();
        refuseAs(
            signer(0),
            IOutcomeEscrow.Challenging(1, 0, 50, paying(1500, 0, 0), ""),
            versions,
            abi.encodeWithSelector(IEscrowErrors.TooLate.selector, block.timestamp)
        );
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        escrow.settle(1, paying(1000, 0, 0));
    }

    function refuseAs(
        address who,
        IOutcomeEscrow.Challenging memory c,
        IOutcomeEscrow.Version[] memory versions,
        bytes memory reason
    ) private {
        vm.prank(who);
        vm.expectRevert(reason);
        escrow.challenge(c, versions);
    }

    function test_anyoneSubmitsASignedChallengeAndPaysItsStake() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 0, 0);
        int256[] memory mine = paying(1200, 0, 0);
        bytes32 digest = Signing.given(separator(), "Challenge", address(escrow), termsHash, 1, 1, mine);
        approve(address(this), 20);
        IOutcomeEscrow.Challenging memory c =
            IOutcomeEscrow.Challenging(1, 0, 20, mine, signatureOf(PROVIDER_KEY + 1, digest));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, signer(0)));
        escrow.challenge(c, versions);
        c.signature = signatureOf(PROVIDER_KEY, digest);
        int256[] memory amounts = new int256[](3);
        amounts[0] = 1200;
        vm.expectEmit();
        emit IEscrowEvents.Challenged(1, 0, 20, mine, amounts);
        escrow.challenge(c, versions);
        // A signature for the first proposal is none for another.
        c.party = 1;
        versions = more(versions, 0, 20, mine);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, signer(1)));
        escrow.challenge(c, versions);
    }

    function test_aVersionOnWhichTheProgramFailsIsRefused() public {
        programHash =
            factory.registerProgram(abi.encodePacked(hex"0103000000000302000102", hex"050005012309000500090105000902"));
        begin(RESERVE);
        toEnd(1);
        report(1, paying(1, 1, 0));
        refuseAs(
            client,
            IOutcomeEscrow.Challenging(1, CLIENT, 20, paying(1, 0, 0), ""),
            versionsOf(paying(1, 1, 0)),
            abi.encodeWithSelector(IEscrowErrors.ProgramFailed.selector, 2)
        );
    }

    function test_aSignedChallengeIsOfSomebody() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 0, 0);
        int256[2] memory nobody = [int256(-2), 3];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, address(0)));
            escrow.challenge(IOutcomeEscrow.Challenging(1, nobody[i], 50, paying(600, 0, 0), "signed"), versions);
        }
    }

    function test_aChallengeKeepsToWhatAValueMayBe() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 0, 0);
        int256[3] memory wrong = [int256(1e24) + 1e12, -1e24 - 1e12, 1e11];
        for (uint256 i = 0; i < 3; ++i) {
            int256[] memory mine = paying(1000, 0, 0);
            mine[1] = wrong[i];
            refuseAs(
                client,
                IOutcomeEscrow.Challenging(1, CLIENT, 50, mine, ""),
                versions,
                abi.encodeWithSelector(IEscrowErrors.BadValue.selector, 1, wrong[i])
            );
        }
    }

    // --- dispute ----------------------------------------------------------------------------------------------------

    function test_theUndisputedPartIsPaidAtOnce() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, -100);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, block.timestamp + args.challengeWindow));
        escrow.dispute(1, versions);
        versions = challenge(1, versions, CLIENT, 100, paying(600, 500, 0));
        versions = challenge(1, versions, 2, 77, paying(1000, 500, 300));
        toWindowEnd();
        vm.expectEmit();
        emit IEscrowEvents.Disputed(1, block.timestamp + args.rulingWindow);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 0, 600, 0, 60, 540, 0);
        vm.expectEmit();
        emit IEscrowEvents.Credited(1, 1, 500, 0, 50, 450, 0);
        escrow.dispute(1, versions);
        equal(540, token.balanceOf(payout(0)), "the least of all versions");
        stakes = 177;
        checkBooks();
        check(stageOf(1) == IEscrowErrors.PeriodStage.Disputed, "disputed");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProposed.selector, 1));
        escrow.dispute(1, versions);
        bytes memory late = signed(1, paying(1, 0, 0), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadyProposed.selector, 1));
        escrow.report(late);
    }

    function test_noVersionsAtAllAreNotThoseAccepted() public {
        disputed();
        vm.warp(block.timestamp + args.rulingWindow);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        escrow.fallBack(1, new IOutcomeEscrow.Version[](0));
    }

    function test_theHoldbackOfTwoPiecesIsThatOfTheWhole() public {
        IOutcomeEscrow.Version[] memory versions = reported(30, 0, 0);
        versions = challenge(1, versions, CLIENT, 20, paying(19, 0, 0));
        toWindowEnd();
        escrow.dispute(1, versions);
        equal(1, account(0).held, "of 19");
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, paying(21, 0, 0), "");
        equal(2, account(0).held, "of 21");
        checkBooks();
    }

    /// @dev 5 of the undisputed 19 are there; the ruling adds 7, of which nothing is.
    function test_theHoldbackOfPiecesThatWereOwedIsThatOfTheWhole() public {
        args.reserve = 5;
        begin(5);
        toEnd(1);
        report(1, paying(30, 0, 0));
        IOutcomeEscrow.Version[] memory versions = versionsOf(paying(30, 0, 0));
        versions = challenge(1, versions, CLIENT, 20, paying(19, 0, 0));
        toWindowEnd();
        escrow.dispute(1, versions);
        equal(14, account(0).arrears, "owed");
        vm.prank(args.arbitrator);
        escrow.rule(1, versions, paying(26, 0, 0), "");
        equal(21, account(0).arrears, "owed");
        equal(0, account(0).held, "of 5");
        fund(100);
        escrow.payArrears(10);
        equal(2, account(0).held, "of 26");
        checkBooks();
    }

    function test_withoutAChallengeThereIsNoDispute() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 0, 0);
        toWindowEnd();
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.dispute(1, versions);
    }

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
        emit IEscrowEvents.Credited(1, 0, 900, 0, 90, 810, 0);
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

    // --- default ----------------------------------------------------------------------------------------------------

    function test_aChallengedDefaultIsReplacedOnlyWithItsStakes() public {
        begin(10_000);
        vm.warp(args.ends[0] + args.evidenceWindow);
        escrow.proposeDefault(1);
        int256[] memory missing = new int256[](3);
        (missing[0], missing[1], missing[2]) = (MISSING, MISSING, MISSING);
        IOutcomeEscrow.Version[] memory versions = versionsOf(missing);
        versions = challenge(1, versions, 0, 200, paying(700, 100, 200));
        bytes memory packed = signed(1, paying(650, 100, 200), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        escrow.report(packed);
        ++versions[1].stake;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        escrow.replace(packed, versions);
        --versions[1].stake;
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(1, 0, 200);
        escrow.replace(packed, versions);
        equal(200, token.balanceOf(payout(0)), "the stake is back");
        (IEscrowErrors.PeriodStage stage, uint256 until, uint256 proposals,) = escrow.periodState(1);
        check(stage == IEscrowErrors.PeriodStage.Reported && proposals == 2, "a report with a fresh window");
        equal(block.timestamp + args.challengeWindow, until, "fresh");
        checkBooks();
        vm.warp(until);
        escrow.settle(1, paying(650, 100, 200));
        equal(585 + 200, token.balanceOf(payout(0)), "paid");
        checkBooks();
    }

    function test_aDefaultCanBeDisputed() public {
        args.challengeWindow = 0;
        begin(10_000);
        vm.warp(args.ends[0] + args.evidenceWindow);
        escrow.proposeDefault(1);
        int256[] memory missing = new int256[](3);
        (missing[0], missing[1], missing[2]) = (MISSING, MISSING, MISSING);
        IOutcomeEscrow.Version[] memory versions = versionsOf(missing);
        versions = challenge(1, versions, 0, 200, paying(700, 100, 200));
        toWindowEnd();
        bytes memory late = signed(1, paying(650, 100, 200), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooLate.selector, block.timestamp));
        escrow.report(late);
        escrow.dispute(1, versions);
        vm.warp(block.timestamp + args.rulingWindow);
        escrow.fallBack(1, versions);
        equal(0 + 200, token.balanceOf(payout(0)), "the default stands, the stake is back");
        equal(90, token.balanceOf(payout(1)), "stand-in");
        checkBooks();
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
