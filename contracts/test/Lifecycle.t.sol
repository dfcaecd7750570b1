// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Wallet} from "./Doubles.sol";
import {Fixture} from "./Fixture.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Offer, signatures, reports, defaults: who may do what, and when.
contract LifecycleTest is Fixture {
    // --- offer ------------------------------------------------------------------------------------------------------

    function test_activationNeedsEverySignatureInOrder() public {
        create();
        fund(RESERVE);
        bytes[] memory signatures = partySignatures();
        (signatures[2], signatures[3]) = (signatures[3], signatures[2]);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadPartySignature.selector, 2));
        escrow.activate(signatures);

        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadPartySignature.selector, 0));
        escrow.activate(new bytes[](0));

        signatures = new bytes[](5);
        for (uint256 i = 0; i < 4; ++i) {
            signatures[i] = partySignatures()[i];
        }
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadPartySignature.selector, 4));
        escrow.activate(signatures);

        vm.expectEmit();
        emit IOutcomeEscrow.Activated(termsHash);
        escrow.activate(partySignatures());
        check(escrow.stage() == IOutcomeEscrow.Stage.Active, "active");
    }

    function test_signaturesForAnotherEscrowOrChainAreWorthNothing() public {
        create();
        fund(RESERVE);
        bytes[] memory signatures = partySignatures();
        (, bytes32 other) = factory.predict(args, "agreement", programHash, 1);
        signatures[0] = signatureOf(CLIENT_KEY, other);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadPartySignature.selector, 0));
        escrow.activate(signatures);

        signatures = partySignatures();
        vm.chainId(77);
        check(escrow.termsHash() != termsHash, "another chain, another digest");
        (, bytes32 there) = factory.predict(args, "agreement", programHash, 0);
        equal(there, escrow.termsHash(), "factory and escrow recompute alike");
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadPartySignature.selector, 0));
        escrow.activate(signatures);
    }

    function test_activationNeedsTheFirstReserve() public {
        create();
        fund(RESERVE - 1);
        bytes[] memory signatures = partySignatures();
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.ShortOfFunds.selector, RESERVE - 1, RESERVE));
        escrow.activate(signatures);
    }

    function test_activationAndCancellingMeetAtOneMoment() public {
        create();
        fund(RESERVE);
        bytes[] memory signatures = partySignatures();
        vm.warp(args.activateBy - 1);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.TooEarly.selector, args.activateBy));
        escrow.cancel();

        vm.warp(args.activateBy);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.TooLate.selector, args.activateBy));
        escrow.activate(signatures);

        vm.expectEmit();
        emit IOutcomeEscrow.Cancelled();
        escrow.cancel();
        equal(RESERVE, token.balanceOf(client), "the client has its money back");
        equal(0, escrow.tracked(), "nothing is left");
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.WrongStage.selector, IOutcomeEscrow.Stage.Closed));
        escrow.cancel();
    }

    function test_aContractWalletSignsForItself() public {
        args.providers[0].signer = address(new Wallet(vm.addr(0x5A)));
        args.client = address(new Wallet(vm.addr(0x5B)));
        create();
        fund(RESERVE);
        bytes[] memory signatures = partySignatures();
        (signatures[0], signatures[1]) = (walletSignature(0x5B), walletSignature(0x5C));
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadPartySignature.selector, 1));
        escrow.activate(signatures);
        signatures[1] = walletSignature(0x5A);
        escrow.activate(signatures);
    }

    function walletSignature(uint256 key) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, termsHash);
        return abi.encode(r, s, v);
    }

    // --- reports ----------------------------------------------------------------------------------------------------

    function test_aReportSettlesAtOnce() public {
        begin(10_000);
        toEnd(1);
        int256[] memory values = paying(1000, 500, 0);
        (uint8[] memory indexes, bytes[] memory signatures) = signed(1, values, 0, 2);
        int256[] memory amounts = new int256[](3);
        (amounts[0], amounts[1]) = (1000, 500);

        vm.expectEmit();
        emit IOutcomeEscrow.Reported(1, "evidence", values, 5);
        vm.expectEmit();
        emit IOutcomeEscrow.Settled(1, amounts, 0);
        vm.expectEmit();
        emit IOutcomeEscrow.Credited(1, 0, 1000, 0, 100, 900, 0);
        vm.expectEmit();
        emit IOutcomeEscrow.Credited(1, 1, 500, 0, 50, 450, 0);
        vm.expectEmit();
        emit IOutcomeEscrow.Paid(0, payout(0), 900);
        vm.expectEmit();
        emit IOutcomeEscrow.Paid(1, payout(1), 450);
        escrow.report(1, values, "evidence", indexes, signatures);

        equal(900, token.balanceOf(payout(0)), "paid");
        (IOutcomeEscrow.PeriodStage stage,) = escrow.periodStage(1);
        check(stage == IOutcomeEscrow.PeriodStage.Settled, "settled");
        checkBooks();
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.AlreadySettled.selector, 1));
        escrow.report(1, values, "evidence", indexes, signatures);
    }

    function test_aReportIsRefusedBeforeThePeriodEndsAndForPeriodsThatAreNone() public {
        begin(RESERVE);
        vm.warp(args.ends[0] - 1);
        refuse(1, paying(0, 0, 0), abi.encodeWithSelector(IOutcomeEscrow.TooEarly.selector, args.ends[0]));
        refuse(0, paying(0, 0, 0), abi.encodeWithSelector(IOutcomeEscrow.NoSuchPeriod.selector, 0));
        refuse(5, paying(0, 0, 0), abi.encodeWithSelector(IOutcomeEscrow.NoSuchPeriod.selector, 5));
    }

    function test_aReportNeedsAnActiveAgreement() public {
        create();
        toEnd(1);
        bytes memory reason = abi.encodeWithSelector(IOutcomeEscrow.WrongStage.selector, IOutcomeEscrow.Stage.Offer);
        refuse(1, paying(0, 0, 0), reason);
    }

    function test_valuesAreChecked() public {
        begin(RESERVE);
        toEnd(1);
        refuse(1, new int256[](2), abi.encodeWithSelector(IOutcomeEscrow.WrongValueCount.selector, 2, 3));
        int256[] memory values = paying(0, 0, 0);
        values[1] = 1e24 + 1e12;
        refuse(1, values, abi.encodeWithSelector(IOutcomeEscrow.BadValue.selector, 1, values[1]));
        values[1] = -1e24 - 1e12;
        refuse(1, values, abi.encodeWithSelector(IOutcomeEscrow.BadValue.selector, 1, values[1]));
        values[1] = 1e12 + 1;
        refuse(1, values, abi.encodeWithSelector(IOutcomeEscrow.BadValue.selector, 1, values[1]));
        values[1] = MISSING;
        refuse(1, values, abi.encodeWithSelector(IOutcomeEscrow.BadValue.selector, 1, MISSING));
    }

    function test_aMissingValueTakesItsStandIn() public {
        args.kpis[0].ifMissing = 70 * UNIT;
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(0, 0, 0);
        values[0] = MISSING;
        report(1, values);
        equal(int256(70), account(0).earned, "the stand-in is what the program gets");
    }

    function refuse(uint32 period, int256[] memory values, bytes memory reason) private {
        (uint8[] memory indexes, bytes[] memory signatures) = signed(period, values, 0, 1);
        vm.expectRevert(reason);
        escrow.report(period, values, "evidence", indexes, signatures);
    }

    function test_theQuorumIsChecked() public {
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(1, 2, 3);
        (uint8[] memory indexes, bytes[] memory signatures) = signed(1, values, 0, 1);

        uint8[] memory wrong = new uint8[](1);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.NoQuorum.selector, 1, 2));
        escrow.report(1, values, "evidence", wrong, signatures);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.NoQuorum.selector, 1, 2));
        escrow.report(1, values, "evidence", indexes, new bytes[](1));

        indexes[0] = 1;
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadVerifierSignature.selector, 1));
        escrow.report(1, values, "evidence", indexes, signatures);
        signatures[0] = signatures[1];
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadVerifierOrder.selector, 1));
        escrow.report(1, values, "evidence", indexes, signatures);
        indexes[1] = 3;
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadVerifierOrder.selector, 3));
        escrow.report(1, values, "evidence", indexes, signatures);
    }

    function test_aReportSignedForOtherValuesPeriodOrEvidenceIsRefused() public {
        begin(RESERVE);
        toEnd(2);
        (uint8[] memory indexes, bytes[] memory signatures) = signed(1, paying(1, 2, 3), 0, 1);
        bytes memory reason = abi.encodeWithSelector(IOutcomeEscrow.BadVerifierSignature.selector, 0);
        vm.expectRevert(reason);
        escrow.report(1, paying(1, 2, 4), "evidence", indexes, signatures);
        vm.expectRevert(reason);
        escrow.report(2, paying(1, 2, 3), "evidence", indexes, signatures);
        vm.expectRevert(reason);
        escrow.report(1, paying(1, 2, 3), "other", indexes, signatures);
    }

    function test_aSignatureInItsOtherFormIsRefused() public {
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(1, 2, 3);
        (uint8[] memory indexes, bytes[] memory signatures) = signed(1, values, 0, 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(VERIFIER_KEY, this.digestOf(address(escrow), termsHash, 1, values));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        signatures[0] = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.BadVerifierSignature.selector, 0));
        escrow.report(1, values, "evidence", indexes, signatures);
    }

    function test_periodsSettleInAnyOrder() public {
        begin(10_000);
        settle(3, 30, 0, 0);
        settle(1, 10, 0, 0);
        settle(2, 20, 0, 0);
        equal(int256(60), account(0).earned, "all of them");
    }

    // --- defaults ---------------------------------------------------------------------------------------------------

    function test_aDefaultWaitsForTheEvidenceThenForItsWindow() public {
        begin(10_000);
        uint40 due = args.ends[0] + args.evidenceWindow;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.TooEarly.selector, due));
        escrow.proposeDefault(1);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.NotProposed.selector, 1));
        escrow.settle(1);

        vm.warp(due);
        uint40 settlesAt = due + args.defaultWindow;
        vm.expectEmit();
        emit IOutcomeEscrow.DefaultProposed(1, settlesAt);
        escrow.proposeDefault(1);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.AlreadyProposed.selector, 1));
        escrow.proposeDefault(1);
        (IOutcomeEscrow.PeriodStage stage, uint40 at) = escrow.periodStage(1);
        check(stage == IOutcomeEscrow.PeriodStage.Defaulted && at == settlesAt, "proposed");

        vm.warp(settlesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.TooEarly.selector, settlesAt));
        escrow.settle(1);
        vm.warp(settlesAt);
        refuse(1, paying(9, 9, 9), abi.encodeWithSelector(IOutcomeEscrow.TooLate.selector, settlesAt));
        escrow.settle(1);
        equal(int256(0), account(0).earned, "its stand-in");
        equal(int256(200), account(2).earned, "its stand-in");
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.AlreadySettled.selector, 1));
        escrow.settle(1);
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.AlreadySettled.selector, 1));
        escrow.proposeDefault(1);
    }

    function test_aReportInsideTheWindowReplacesTheDefault() public {
        begin(10_000);
        vm.warp(args.ends[0] + args.evidenceWindow);
        escrow.proposeDefault(1);
        vm.warp(block.timestamp + args.defaultWindow - 1);
        report(1, paying(7, 0, 0));
        equal(int256(7), account(0).earned, "the report counts");
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.AlreadySettled.selector, 1));
        escrow.settle(1);
    }

    function test_anAgreementOverPastPeriodsDoesNotStartInDefault() public {
        args.activateBy = args.ends[3] + 365 * DAY;
        args.holdbackRelease = args.activateBy;
        create();
        fund(RESERVE);
        vm.warp(args.ends[3] + 100 * DAY);
        escrow.activate(partySignatures());
        uint256 due = block.timestamp + args.evidenceWindow;
        vm.expectRevert(abi.encodeWithSelector(IOutcomeEscrow.TooEarly.selector, due));
        escrow.proposeDefault(1);
    }

    // --- the program ------------------------------------------------------------------------------------------------

    function test_aProgramErrorSettlesZeroWithItsCode() public {
        // KPI 0 divided by KPI 1 for every provider.
        bytes memory header = hex"0103000000000302000102";
        programHash = factory.registerProgram(abi.encodePacked(header, hex"050005012309000500090105000902"));
        begin(RESERVE);
        toEnd(1);
        int256[] memory nothing = new int256[](3);
        vm.expectEmit();
        emit IOutcomeEscrow.Settled(1, nothing, 2);
        report(1, paying(1, 0, 0));
        equal(int256(0), account(0).earned, "nothing");
        equal(RESERVE, escrow.funds(), "nothing moved");
    }

    function test_amountsTooLargeForTheBooksSettleZeroWithTheirCode() public {
        int256 most = int256(uint256(type(uint112).max));
        args.kpis[0].high = most * UNIT + UNIT;
        begin(RESERVE);
        toEnd(2);
        int256[] memory nothing = new int256[](3);
        vm.expectEmit();
        emit IOutcomeEscrow.Settled(1, nothing, 8);
        report(1, paying(most + 1, 5, 5));
        report(2, paying(most, 0, 0));
        equal(most, account(0).earned, "the largest amount is credited");
        checkBooks();
    }
}
