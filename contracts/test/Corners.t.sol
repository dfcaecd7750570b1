// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Base.sol";
import {Disputing} from "./Disputing.sol";
import {Packing} from "./Packing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

interface IPermitting {
    function mint(address to, uint256 amount) external;
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function balanceOf(address who) external view returns (uint256);
}

/// @notice Stands in front of one part of the escrow as a clone does.
contract Front {
    address private immutable _part;

    constructor(address part) {
        _part = part;
    }

    fallback() external {
        (bool done, bytes memory answer) = _part.delegatecall(msg.data);
        assembly ("memory-safe") {
            if done { return(add(answer, 0x20), mload(answer)) }
            revert(add(answer, 0x20), mload(answer))
        }
    }
}

/// @notice What happens seldom: permits, parts on their own, ends before the beginning, many holders, odd questions.
contract CornersTest is Disputing {
    address private incoming;

    function setUp() public override {
        super.setUp();
        incoming = vm.addr(INCOMING_KEY);
    }

    // --- permit -----------------------------------------------------------------------------------------------------

    function permitted(address currency, uint256 amount) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes memory data = abi.encode(kind, client, address(escrow), amount, uint256(0), block.timestamp);
        return vm.sign(CLIENT_KEY, Signing.typed(IPermitting(currency).DOMAIN_SEPARATOR(), data));
    }

    function test_aPermitFundsInOneStep() public {
        IPermitting currency = IPermitting(deployWith("TestToken.sol", abi.encode("Test", "T")));
        args.token = address(currency);
        create();
        currency.mint(client, 100);
        (uint8 v, bytes32 r, bytes32 s) = permitted(address(currency), 60);
        vm.prank(client);
        equal(60, escrow.depositWithPermit(60, block.timestamp, v, r, s), "credited");
        equal(60, escrow.funds(), "funds");
        // The permit is used up, and the allowance with it.
        vm.prank(client);
        vm.expectRevert();
        escrow.depositWithPermit(40, block.timestamp, v, r, s);
    }

    function test_aPermitThatFailsIsIgnoredWhereTheAllowanceSuffices() public {
        create();
        approve(client, 50);
        vm.prank(client);
        equal(50, escrow.depositWithPermit(50, block.timestamp, 27, "", ""), "drawn by the allowance");
    }

    // --- amounts ----------------------------------------------------------------------------------------------------

    function test_aDepositOfWhichNothingArrivesIsNone() public {
        create();
        token.setFee(100);
        token.mint(address(escrow), 5);
        approve(client, 10);
        vm.prank(client);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.deposit(10);
    }

    function test_eachPayeeIsCreditedByOneEventAtMost() public {
        args.challengeWindow = 0;
        begin(10_000);
        toEnd(1);
        vm.recordLogs();
        report(1, paying(10, 0, -5));
        uint256 credited = 0;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEscrowEvents.Credited.selector) ++credited;
        }
        equal(2, credited, "one each, and none for nothing");
    }

    function test_moreThanTheBooksHoldIsRefused() public {
        create();
        approve(client, 2 ** 104);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooMuch.selector, 2 ** 104));
        escrow.deposit(2 ** 104);
    }

    function test_theWholeIncomingBondArrivesOrNothing() public {
        withBonds();
        begin(10_000);
        token.setFee(10);
        approve(address(this), 200);
        bytes[] memory all = assigning(2, 0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, 90, 100));
        escrow.assign(0, incoming, address(0x1C0), 2, all);
    }

    // --- stages -----------------------------------------------------------------------------------------------------

    function test_theWrongStageIsRefused() public {
        create();
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Offer);
        vm.expectRevert(reason);
        escrow.payArrears(1);
        begin(10_000);
        reason = abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Active);
        vm.expectRevert(reason);
        escrow.cancel();
        vm.expectRevert(reason);
        escrow.postBond(0, 1);
        bytes[] memory all = partySignatures();
        vm.expectRevert(reason);
        escrow.accept("agreement", nonce, all);
    }

    function test_nothingToPayIsNothingToDo() public {
        begin(10_000);
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.payArrears(1);
    }

    // --- parts on their own -----------------------------------------------------------------------------------------

    function test_aPartIsNoEscrowAndPassesOnWhatItDoesNotKnow() public {
        address views = deploy("EscrowViews.sol");
        string[5] memory parts =
            ["EscrowChanges.sol", "EscrowExits.sol", "EscrowDisputes.sol", "EscrowSettling.sol", "EscrowRulings.sol"];
        for (uint256 i = 0; i < parts.length; ++i) {
            address part = deployWith(parts[i], abi.encode(views));
            (bool done, bytes memory reason) = part.call(hex"12345678");
            check(!done && bytes4(reason) == IEscrowErrors.WrongStage.selector, "no escrow");
            (done, reason) = address(new Front(part)).call(hex"12345678");
            check(!done && bytes4(reason) == IEscrowErrors.NoSuchFunction.selector, "passed on");
        }
    }

    // --- holders ----------------------------------------------------------------------------------------------------

    function assigning(uint32 first, uint32 number) private view returns (bytes[] memory all) {
        return assigningFrom(PROVIDER_KEY, INCOMING_KEY, first, number);
    }

    function assigningFrom(uint256 from, uint256 to, uint32 first, uint32 number)
        private
        view
        returns (bytes[] memory all)
    {
        bytes32 digest = Signing.assignment(
            separator(), address(escrow), termsHash, 0, vm.addr(to), address(0x1C0), first, number
        );
        all = new bytes[](3);
        (all[0], all[1], all[2]) = (signatureOf(CLIENT_KEY, digest), signatureOf(from, digest), signatureOf(to, digest));
    }

    function test_anAssignmentHasThreeSignatures() public {
        begin(10_000);
        bytes[] memory all = assigning(2, 0);
        bytes[] memory four = new bytes[](4);
        for (uint256 i = 0; i < 3; ++i) {
            four[i] = all[i];
        }
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, address(0)));
        escrow.assign(0, incoming, address(0x1C0), 2, four);
    }

    function test_aSlotChangesHandsTwiceBeforeItsPeriodIsSettled() public {
        args.challengeWindow = 0;
        begin(10_000);
        escrow.assign(0, incoming, address(0x1C0), 2, assigning(2, 0));
        escrow.assign(
            0, vm.addr(INCOMING_KEY + 1), address(0x1C0), 2, assigningFrom(INCOMING_KEY, INCOMING_KEY + 1, 2, 1)
        );
        check(account(3).released, "it never had a period");
        check(!account(0).released, "period 1 is open");
        settle(1, 100, 0, 0);
        check(account(0).released, "released");
        equal(100, token.balanceOf(payout(0)), "with its holdback");
        checkBooks();
    }

    function test_moreHoldersThanBitsAreRefused() public {
        begin(10_000);
        uint256 from = PROVIDER_KEY;
        for (uint32 number = 0; number < 253; ++number) {
            uint256 to = INCOMING_KEY + 0x1000 + number;
            escrow.assign(0, vm.addr(to), address(0x1C0), 2, assigningFrom(from, to, 2, number));
            from = to;
        }
        bytes[] memory all = assigningFrom(from, INCOMING_KEY, 2, 253);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooMuch.selector, 256));
        escrow.assign(0, incoming, address(0x1C0), 2, all);
    }

    function test_onlyThePeriodsOwnPartiesChallenge() public {
        begin(10_000);
        escrow.assign(0, incoming, address(0x1C0), 2, assigning(2, 0));
        toEnd(1);
        report(1, paying(100, 0, 0));
        IOutcomeEscrow.Version[] memory versions = versionsOf(paying(100, 0, 0));
        IOutcomeEscrow.Challenging memory c = IOutcomeEscrow.Challenging(1, 4, 20, paying(90, 0, 0), new bytes(65));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, address(0)));
        escrow.challenge(c, versions);
        c.party = -2;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, address(0)));
        escrow.challenge(c, versions);
        c.party = 3;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotAParty.selector, incoming));
        escrow.challenge(c, versions);
    }

    // --- amendment --------------------------------------------------------------------------------------------------

    function amendment(uint32 first) private view returns (IOutcomeEscrow.Amending memory) {
        return IOutcomeEscrow.Amending(
            "amended", programHash, "", Packing.pack(args), 5, first, block.timestamp + DAY, new uint8[](0)
        );
    }

    function digestOf(IOutcomeEscrow.Amending memory a) private view returns (bytes32) {
        (, bytes32 hash) =
            factory.prepare(IEscrowFactory.Offer(a.agreementDigest, a.programHash, a.program, a.arguments, a.nonce));
        return
            Signing.amendment(
                separator(), address(escrow), termsHash, hash, uint32(a.first), a.carry, uint40(a.deadline)
            );
    }

    function fifth(bytes32 digest, uint256 key) private view returns (bytes[] memory five) {
        bytes[] memory four = allSign(digest);
        five = new bytes[](5);
        for (uint256 i = 0; i < 4; ++i) {
            five[i] = four[i];
        }
        five[4] = signatureOf(key, digest);
    }

    function test_aBackupThatSignsStays() public {
        args.slots[1].backup = vm.addr(BACKUP_KEY + 1);
        begin(10_000);
        IOutcomeEscrow.Amending memory a = amendment(2);
        bytes32 digest = digestOf(a);
        bytes[] memory five = fifth(digest, BACKUP_KEY);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, args.slots[1].backup));
        escrow.amend(a, five);
        escrow.amend(a, fifth(digest, BACKUP_KEY + 1));
        // It is still somebody who may not take over.
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadIncoming.selector, args.slots[1].backup));
        escrow.assign(0, args.slots[1].backup, address(0x1C0), 2, new bytes[](3));
    }

    function test_whoIsBoundForALaterPeriodSignsAnAmendmentOfThisOne() public {
        begin(10_000);
        escrow.assign(0, incoming, address(0x1C0), 2, assigning(2, 0));
        IOutcomeEscrow.Amending memory a = amendment(1);
        bytes32 digest = digestOf(a);
        bytes[] memory four = allSign(digest);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, incoming));
        escrow.amend(a, four);
        escrow.amend(a, fifth(digest, INCOMING_KEY));
    }

    function test_evidenceOfAnAmendedPastPeriodIsDueAWindowAfterTheAmendment() public {
        begin(10_000);
        vm.warp(args.ends[0] + 2 * DAY);
        equal(args.ends[0] + args.evidenceWindow, escrow.evidenceDue(1), "after the period");
        IOutcomeEscrow.Amending memory a = amendment(1);
        escrow.amend(a, allSign(digestOf(a)));
        equal(block.timestamp + args.evidenceWindow, escrow.evidenceDue(1), "after the amendment");
    }

    // --- ends -------------------------------------------------------------------------------------------------------

    function test_allTogetherEndItBeforeItBegins() public {
        args.start = BEGIN + DAY;
        begin(10_000);
        bytes32 digest = Signing.termination(separator(), address(escrow), termsHash, 0, 0);
        escrow.terminateMutually(0, allSign(digest));
        equal(0, escrow.lastPeriod(), "no period");
        vm.warp(args.start + args.holdbackDelay);
        escrow.close(0);
        equal(10_000, token.balanceOf(client), "everything is the client's");
    }

    function test_noCauseOnceTheReserveIsThere() public {
        begin(RESERVE);
        toEnd(1);
        escrow.recordUncovered();
        vm.warp(block.timestamp + args.cureWindow);
        // It arrived in this very act.
        token.mint(address(escrow), RESERVE);
        vm.prank(signer(1));
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForUncovered();
    }

    function test_oneBreachIsNoStreakOfTwo() public {
        args.kpis[0].mayBeMissing = true;
        args.challengeWindow = 0;
        args.streak = 2;
        begin(10_000);
        toEnd(1);
        int256[] memory values = paying(0, 1, 1);
        values[0] = MISSING;
        report(1, values);
        vm.warp(args.ends[0] + args.evidenceWindow);
        vm.prank(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.terminateForStreak(0);
    }

    // --- rulings ----------------------------------------------------------------------------------------------------

    function test_aChoiceComesBeforeItsDeadline() public {
        args.chooses = true;
        IOutcomeEscrow.Version[] memory versions = disputed();
        (, uint256 deadline,,) = escrow.periodState(1);
        vm.warp(deadline);
        vm.prank(args.arbitrator);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooLate.selector, deadline));
        escrow.choose(1, versions, 1);
    }

    function test_anAdapterMayChooseTheReport() public {
        args.chooses = true;
        IOutcomeEscrow.Version[] memory versions = disputed();
        vm.prank(args.arbitrator);
        escrow.choose(1, versions, 0);
        stakes = 0;
        equal(900 + 100, token.balanceOf(payout(0)), "the report, and the stake of the version that harmed it");
        equal(100, account(2).debt, "the report");
        checkBooks();
    }

    function test_aRulingMarksNobodysEvidenceMissingThatNoVersionDoes() public {
        IOutcomeEscrow.Version[] memory versions = reported(0, 10, 0);
        versions = challenge(1, versions, CLIENT, 20, paying(0, 9, 0));
        toWindowEnd();
        escrow.dispute(1, versions);
        int256[] memory values = paying(0, 10, 0);
        values[0] = MISSING;
        vm.prank(args.arbitrator);
        vm.expectRevert(IEscrowErrors.RulingOutside.selector);
        escrow.rule(1, versions, values, "");
    }

    function test_aReplacementThatIsNoReportIsRefused() public {
        begin(10_000);
        vm.expectRevert(IEscrowErrors.BadReport.selector);
        escrow.replace(new bytes(37), new IOutcomeEscrow.Version[](0));
    }

    // --- questions --------------------------------------------------------------------------------------------------

    function test_whatIsNotThereIsNotAnswered() public {
        begin(10_000);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 0));
        escrow.periodState(0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 5));
        escrow.periodState(5);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchProvider.selector, 3));
        escrow.holderOf(3, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchProvider.selector, 3));
        escrow.account(3);
        int256[][] memory rows = new int256[][](1);
        rows[0] = new int256[](3);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 0));
        escrow.price(0, rows);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 5));
        escrow.price(5, rows);
        rows[0] = new int256[](2);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongValueCount.selector, 2, 3));
        escrow.price(1, rows);
    }

    function test_theCoverOfALongAgreementCountsItsSettledPeriods() public {
        describe(address(token), 3, 40);
        begin(10_000);
        settle(1, 1, 1, 1);
        settle(2, 1, 1, 1);
        equal(RESERVE, escrow.requiredCover(), "period 3 has started");
    }

    // --- creation ----------------------------------------------------------------------------------------------------

    function test_signaturesMayComeAfterCreation() public {
        create();
        equal(address(escrow), factory.create(offer(), partySignatures()), "the same escrow");
        check(escrow.isAccepted(), "accepted");
        equal(address(escrow), factory.create(offer(), partySignatures()), "once more changes nothing");
    }
}
