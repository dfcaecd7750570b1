// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {Packing} from "./Packing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Assignment, step-in, amendment.
contract ChangesTest is Fixture {
    address private incoming;

    function setUp() public override {
        super.setUp();
        withBonds();
        incoming = vm.addr(INCOMING_KEY);
    }

    // --- assignment -------------------------------------------------------------------------------------------------

    function assigning(uint8 slot, uint32 first, uint32 number, uint256 outgoing)
        private
        view
        returns (bytes[] memory all)
    {
        bytes32 digest = Signing.assignment(
            separator(), address(escrow), termsHash, slot, incoming, address(0x1C0), first, number
        );
        all = new bytes[](3);
        all[0] = signatureOf(CLIENT_KEY, digest);
        all[1] = signatureOf(outgoing, digest);
        all[2] = signatureOf(INCOMING_KEY, digest);
    }

    function test_aSlotGoesToAnotherHolderFromTheNextPeriod() public {
        begin(10_000);
        bytes[] memory signatures = assigning(0, 2, 0, PROVIDER_KEY);
        approve(address(this), 100);
        vm.expectEmit();
        emit IEscrowEvents.BondPosted(3, 100);
        vm.expectEmit();
        emit IEscrowEvents.Assigned(0, 3, incoming, 2);
        escrow.assign(0, incoming, address(0x1C0), 2, signatures);
        equal(4, escrow.tenures(), "a tenure more");
        equal(0, escrow.holderOf(0, 1), "period 1 is the old holder's");
        equal(3, escrow.holderOf(0, 2), "period 2 the new one's");
        equal(100, account(0).bond, "its last period is open");
        checkBooks();

        vm.warp(args.ends[0]);
        settle(1, 1000, 0, 0);
        equal(1000 + 100, token.balanceOf(payout(0)), "bond and holdback are released with its last period");
        check(account(0).released, "released");
        settle(2, 500, 0, 0);
        equal(450, token.balanceOf(address(0x1C0)), "the new holder is paid");
        equal(50, account(3).held, "its own holdback");
        checkBooks();
    }

    function test_anAssignmentNamesItsMomentAndItsParties() public {
        begin(10_000);
        vm.warp(args.ends[0]);
        bytes[] memory signatures = assigning(0, 2, 0, PROVIDER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherMoment.selector, 2, 3));
        escrow.assign(0, incoming, address(0x1C0), 2, signatures);
        signatures = assigning(0, 3, 0, PROVIDER_KEY + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, signer(0)));
        escrow.assign(0, incoming, address(0x1C0), 3, signatures);
        signatures = assigning(0, 3, 0, PROVIDER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchProvider.selector, 3));
        escrow.assign(3, incoming, address(0x1C0), 3, signatures);
        address[6] memory taken = [client, args.arbitrator, args.verifiers[2], signer(1), address(0), signer(0)];
        for (uint256 i = 0; i < taken.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadIncoming.selector, taken[i]));
            escrow.assign(0, taken[i], address(0x1C0), 3, signatures);
        }
        signatures = assigningTo(address(0), 3);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.PushRefused.selector, address(0), 0));
        escrow.assign(0, incoming, address(0), 3, signatures);
        vm.warp(args.ends[2]);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 5));
        escrow.assign(0, incoming, address(0x1C0), 5, signatures);
    }

    function test_anOfferIsNeitherAssignedNorAmendedNorSteppedInto() public {
        create();
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Offer);
        bytes[] memory signatures = assigningTo(address(0x1C0), 2);
        vm.warp(args.ends[0] - 1);
        vm.expectRevert(reason);
        escrow.assign(0, incoming, address(0x1C0), 2, signatures);
        IOutcomeEscrow.Amending memory a = amendment(3);
        signatures = amending(a);
        vm.expectRevert(reason);
        escrow.amend(a, signatures);
        vm.prank(client);
        vm.expectRevert(reason);
        escrow.stepIn(0, address(0xBAC));
    }

    function test_whoComesSignsToo() public {
        begin(10_000);
        approve(address(this), 500);
        bytes[] memory signatures = assigning(0, 2, 0, PROVIDER_KEY);
        signatures[2] = signatures[1];
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, incoming));
        escrow.assign(0, incoming, address(0x1C0), 2, signatures);
    }

    function assigningTo(address payout_, uint32 first) private view returns (bytes[] memory all) {
        all = new bytes[](3);
        bytes32 digest =
            Signing.assignment(factory.domainSeparator(), address(escrow), termsHash, 0, incoming, payout_, first, 0);
        (all[0], all[1]) = (signatureOf(CLIENT_KEY, digest), signatureOf(PROVIDER_KEY, digest));
        all[2] = signatureOf(INCOMING_KEY, digest);
    }

    function test_aSignatureIsUsedOnce() public {
        begin(10_000);
        bytes[] memory signatures = assigning(0, 2, 0, PROVIDER_KEY);
        approve(address(this), 500);
        escrow.assign(0, incoming, address(0x1C0), 2, signatures);
        incoming = vm.addr(INCOMING_KEY + 1);
        bytes32 digest = Signing.assignment(separator(), address(escrow), termsHash, 0, incoming, address(0x1C0), 2, 0);
        signatures[0] = signatureOf(CLIENT_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, client));
        escrow.assign(0, incoming, address(0x1C0), 2, signatures);
    }

    function test_theOutgoingHoldersDebtTakesItsBond() public {
        begin(10_000);
        settle(1, 0, -30, 0);
        approve(address(this), 200);
        escrow.assign(1, incoming, address(0x1C0), 3, assigning(1, 3, 0, PROVIDER_KEY + 1));
        settle(2, 0, -40, 0);
        equal(0, account(1).debt, "paid by the bond");
        equal(200 - 70, token.balanceOf(payout(1)), "the rest of the bond");
        checkBooks();
    }

    // --- step-in ----------------------------------------------------------------------------------------------------

    function lacking(uint32 period) private {
        toEnd(period);
        int256[] memory values = paying(0, 1, 1);
        values[0] = MISSING;
        report(period, values);
    }

    function test_theBackupStepsInAfterTheStreak() public {
        args.slots[0].backup = vm.addr(BACKUP_KEY);
        (args.streak, args.cureWindow) = (1, 1);
        begin(10_000);
        vm.prank(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.stepIn(0, address(0xBAC));
        lacking(1);
        vm.warp(args.ends[0] + args.evidenceWindow);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotClient.selector, address(this)));
        escrow.stepIn(0, address(0xBAC));
        vm.prank(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.stepIn(1, address(0xBAC));
        approve(client, 100);
        vm.expectEmit();
        emit IEscrowEvents.SteppedIn(0, 3, args.slots[0].backup, 3);
        vm.prank(client);
        escrow.stepIn(0, address(0xBAC));
        equal(3, escrow.holderOf(0, 3), "from the next period");
        checkBooks();
        vm.prank(client);
        vm.expectRevert(IEscrowErrors.NoCause.selector);
        escrow.stepIn(0, address(0xBAC));
        settle(2, 10, 0, 0);
        check(account(0).released, "the old holder is done");
        settle(3, 20, 0, 0);
        equal(18, token.balanceOf(address(0xBAC)), "the backup is paid");
        checkBooks();
    }

    // --- amendment --------------------------------------------------------------------------------------------------

    function amendment(uint32 first) private view returns (IOutcomeEscrow.Amending memory a) {
        a = IOutcomeEscrow.Amending({
            agreementDigest: "amended",
            programHash: programHash,
            program: "",
            arguments: Packing.pack(args),
            nonce: 5,
            first: first,
            deadline: block.timestamp + DAY,
            carry: new uint8[](0)
        });
    }

    function hashOf(IOutcomeEscrow.Amending memory a) private view returns (bytes32 hash) {
        (, hash) =
            factory.prepare(IEscrowFactory.Offer(a.agreementDigest, a.programHash, a.program, a.arguments, a.nonce));
    }

    function amending(IOutcomeEscrow.Amending memory a) private view returns (bytes[] memory) {
        return allSign(
            Signing.amendment(
                separator(), address(escrow), termsHash, hashOf(a), uint32(a.first), a.carry, uint40(a.deadline)
            )
        );
    }

    function refuse(IOutcomeEscrow.Amending memory a, IEscrowErrors.Amiss why) private {
        bytes[] memory signatures = amending(a);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadAmendment.selector, why));
        escrow.amend(a, signatures);
    }

    function test_newRulesGovernFromTheirFirstPeriodOn() public {
        begin(10_000);
        settle(1, 100, 0, 0);
        bytes32 before = termsHash;
        args.challengeWindow = uint32(DAY);
        args.rulingWindow = uint32(DAY);
        args.reserve = 500;
        args.kpis[1].ifMissing = 7 * UNIT;
        args.verifiers[0] = vm.addr(VERIFIER_KEY + 9);
        IOutcomeEscrow.Amending memory a = amendment(3);
        bytes[] memory signatures = amending(a);
        bytes32 hash = hashOf(a);
        escrow.amend(a, signatures);
        equal(before, escrow.termsHashOf(2), "earlier periods keep theirs");
        equal(hash, escrow.termsHashOf(3), "later ones have the new");
        vm.warp(args.ends[2]);
        equal(RESERVE + 500 + 500, escrow.requiredCover(), "each by its own reserve");

        args.challengeWindow = 0;
        report(2, paying(50, 0, 0));
        equal(90 + 45, token.balanceOf(payout(0)), "settles at once, as before");
        termsHash = hash;
        bytes memory old = signed(3, paying(60, 0, 0), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadVerifierSignature.selector, 0));
        escrow.report(old);
        escrow.report(signed(3, paying(60, 0, 0), 1, 2));
        check(stageOf(3) == IEscrowErrors.PeriodStage.Reported, "has a window");
        checkBooks();
        (a.nonce, a.deadline) = (6, block.timestamp + DAY);
        refuse(a, IEscrowErrors.Amiss.Touched);
        a.nonce = 5;
        refuse(a, IEscrowErrors.Amiss.Known);
    }

    function test_anAmendmentIsSignedByAllItBinds() public {
        begin(10_000);
        IOutcomeEscrow.Amending memory a = amendment(2);
        bytes[] memory signatures = amending(a);
        signatures[2] = signatures[1];
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, signer(1)));
        escrow.amend(a, signatures);
        signatures = amending(a);
        vm.warp(a.deadline);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooLate.selector, a.deadline));
        escrow.amend(a, signatures);
    }

    function test_anAmendmentContradictsNothing() public {
        begin(10_000);
        settle(1, 0, 0, 0);
        refuse(amendment(1), IEscrowErrors.Amiss.Touched);
        refuse(amendment(0), IEscrowErrors.Amiss.First);
        refuse(amendment(5), IEscrowErrors.Amiss.First);
        IOutcomeEscrow.Amending memory a = amendment(2);
        a.carry = new uint8[](1);
        refuse(a, IEscrowErrors.Amiss.Carry);
        args.holdbackRate = 0;
        refuse(amendment(2), IEscrowErrors.Amiss.Deal);
    }

    function test_aBackupThatDoesNotSignLapses() public {
        args.slots[1].backup = vm.addr(BACKUP_KEY + 1);
        begin(10_000);
        IOutcomeEscrow.Amending memory a = amendment(2);
        bytes[] memory own = amending(a);
        bytes[] memory signatures = new bytes[](5);
        for (uint256 i = 0; i < 4; ++i) {
            signatures[i] = own[i];
        }
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, args.slots[1].backup));
        escrow.amend(a, own);
        vm.expectEmit();
        emit IEscrowEvents.BackupLapsed(1);
        escrow.amend(a, signatures);
    }

    function test_aHolderBoundForLaterSignsToo() public {
        begin(10_000);
        approve(address(this), 100);
        escrow.assign(0, incoming, address(0x1C0), 2, assigning(0, 2, 0, PROVIDER_KEY));
        IOutcomeEscrow.Amending memory a = amendment(2);
        bytes[] memory signatures = amending(a);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, signer(1)));
        escrow.amend(a, signatures);
        bytes32 digest =
            Signing.amendment(separator(), address(escrow), termsHash, hashOf(a), 2, a.carry, uint40(a.deadline));
        // Client, providers 1 and 2, the incoming one: the outgoing holder has no say in periods it does not hold.
        signatures[1] = signatureOf(PROVIDER_KEY + 1, digest);
        signatures[2] = signatureOf(PROVIDER_KEY + 2, digest);
        signatures[3] = signatureOf(INCOMING_KEY, digest);
        escrow.amend(a, signatures);
    }

    // --- amendment of what is carried -------------------------------------------------------------------------------

    function inTurn() private returns (uint8[] memory keep, uint8[] memory anew) {
        programHash = factory.registerProgram(IN_TURN);
        begin(10_000);
        settle(1, 3, 0, 1);
        // Count, one register, a history of three, one sum to date.
        keep = new uint8[](6);
        anew = new uint8[](6);
        for (uint8 i = 0; i < 6; ++i) {
            (keep[i], anew[i]) = (i, 255);
        }
    }

    function test_anAmendmentKeepsWhatIsCarried() public {
        (uint8[] memory keep,) = inTurn();
        args.evidenceWindow += 1;
        IOutcomeEscrow.Amending memory a = amendment(2);
        a.carry = keep;
        escrow.amend(a, amending(a));
        termsHash = hashOf(a);
        int256[] memory before = escrow.carriedState();
        equal(int256(1), before[0], "one run");
        settle(2, 3, 0, 1);
        int256[] memory now_ = escrow.carriedState();
        equal(int256(2), now_[0], "goes on");
        equal(before[1] + 3 * UNIT, now_[1], "the register goes on");
    }

    function test_anAmendmentStartsAnew() public {
        (, uint8[] memory anew) = inTurn();
        args.evidenceWindow += 1;
        IOutcomeEscrow.Amending memory a = amendment(2);
        a.carry = anew;
        escrow.amend(a, amending(a));
        equal(int256(0), escrow.carriedState()[0], "no runs");
        termsHash = hashOf(a);
        settle(2, 3, 0, 1);
        equal(int256(1), escrow.carriedState()[0], "its first run");
        equal(4 * UNIT, escrow.carriedState()[1], "from its start value");
    }

    function test_whatIsCarriedIsKeptWholeOrNotAtAll() public {
        (uint8[] memory keep,) = inTurn();
        args.evidenceWindow += 1;
        IOutcomeEscrow.Amending memory a = amendment(2);
        keep[3] = 255;
        a.carry = keep;
        refuse(a, IEscrowErrors.Amiss.Carry);
        a.carry = new uint8[](0);
        refuse(a, IEscrowErrors.Amiss.Carry);
    }
}
