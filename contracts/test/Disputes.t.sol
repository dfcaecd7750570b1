// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputing} from "./Disputing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Window, challenge, undisputed part, default.
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

    function test_aWindowInAPlaceOfItsOwnIsChallengedThere() public {
        describeMore();
        begin(100_000);
        vm.warp(args.ends[11]);
        for (uint32 i = 1; i <= 6; ++i) {
            report(i, paying(10, 0, 0));
        }
        // The second period has the place that the sixth would have had.
        IOutcomeEscrow.Version[] memory versions =
            challenge(6, versionsOf(paying(10, 0, 0)), CLIENT, 100, paying(4, 0, 0));
        vm.warp(block.timestamp + args.challengeWindow);
        escrow.settle(2, paying(10, 0, 0));
        escrow.dispute(6, versions);
        check(stageOf(6) == IEscrowErrors.PeriodStage.Disputed, "the sixth");
        check(stageOf(2) == IEscrowErrors.PeriodStage.Settled, "the second");
        vm.prank(args.arbitrator);
        escrow.rule(6, versions, paying(10, 0, 0), "");
        check(stageOf(6) == IEscrowErrors.PeriodStage.Settled, "ruled");
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
}
