// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Wallet} from "./Doubles.sol";
import {Fixture} from "./Fixture.sol";
import {Packing} from "./Packing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";

/// @notice Reports and defaults: who may do what, and when.
contract PeriodsTest is Fixture {
    /// @dev What a provider whose money was all there has got or will get.
    function earned(uint256 provider) private view returns (uint256) {
        return token.balanceOf(payout(provider)) + account(provider).held;
    }

    // --- reports ----------------------------------------------------------------------------------------------------

    function test_aReportSettlesAtOnce() public {
        begin(10_000);
        toEnd(1);
        int256[] memory values = paying(1000, 500, 0);
        bytes memory packed = signed(1, values, 0, 2);
        int256[] memory amounts = new int256[](3);
        (amounts[0], amounts[1]) = (1000, 500);

        vm.expectEmit();
        emit IEscrowEvents.ReportedInFull(bytes.concat(body(1, values, 5), packedAmounts(amounts)));
        escrow.report(packed);

        equal(100, account(0).held, "held back");
        equal(450, token.balanceOf(payout(1)), "paid");
        equal(900, token.balanceOf(payout(0)), "paid");
        check(stageOf(1) == IEscrowErrors.PeriodStage.Settled, "settled");
        checkBooks();
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.report(packed);
    }

    function test_theShortFormIsTheSame() public {
        begin(10_000);
        toEnd(1);
        bytes memory packed = signed(1, paying(1000, -1, 0), 0, 2);
        (bool done,) = address(escrow).call(bytes.concat(escrow.submit.selector, packed));
        check(done, "accepted");
        equal(900, token.balanceOf(payout(0)), "paid");
        equal(1, account(1).debt, "a negative amount is debt");
    }

    function test_aReportIsRefusedBeforeThePeriodEndsAndForPeriodsThatAreNone() public {
        begin(RESERVE);
        vm.warp(args.ends[0] - 1);
        refuse(1, paying(0, 0, 0), abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, args.ends[0]));
        refuse(0, paying(0, 0, 0), abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 0));
        refuse(5, paying(0, 0, 0), abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 5));
    }

    function test_thereIsNothingToSayOfPeriodsThatAreNone() public {
        begin(RESERVE);
        for (uint256 period = 0; period < 6; period += 5) {
            vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, period));
            escrow.periodState(period);
            vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, period));
            escrow.evidenceDue(period);
        }
    }

    function test_aReportNeedsAnActiveAgreement() public {
        create();
        toEnd(1);
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Offer);
        refuse(1, paying(0, 0, 0), reason);
    }

    function test_valuesAreChecked() public {
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(0, 0, 0);
        values[1] = 1e24 + 1e12;
        refuse(1, values, abi.encodeWithSelector(IEscrowErrors.BadValue.selector, 1, values[1]));
        values[1] = -1e24 - 1e12;
        refuse(1, values, abi.encodeWithSelector(IEscrowErrors.BadValue.selector, 1, values[1]));
        values[1] = MISSING;
        refuse(1, values, abi.encodeWithSelector(IEscrowErrors.BadValue.selector, 1, MISSING));
    }

    function test_valuesOfAKpiFromZeroAreChecked() public {
        // No bytes say its least value and its stand-in.
        args.kpis[1] = Packing.Kpi(6, true, 1, 0, 100 * UNIT, 0);
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(0, 0, 0);
        values[1] = 100 * UNIT + 1e12;
        refuse(1, values, abi.encodeWithSelector(IEscrowErrors.BadValue.selector, 1, values[1]));
        values[1] = -1e12;
        refuse(1, values, abi.encodeWithSelector(IEscrowErrors.BadValue.selector, 1, values[1]));
        values[1] = MISSING;
        report(1, values);
        toEnd(2);
        values[1] = 100 * UNIT;
        report(2, values);
        equal(90, token.balanceOf(payout(1)), "nothing, then 100 less holdback");
    }

    function test_aMissingValueTakesItsStandIn() public {
        args.kpis[0].ifMissing = 70 * UNIT;
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(0, 500, 70);
        values[0] = MISSING;
        report(1, values);
        equal(70, earned(0), "the stand-in is what the program gets");
        check(earned(1) == 500 && earned(2) == 70, "and all values behind it");
    }

    function refuse(uint32 period, int256[] memory values, bytes memory reason) private {
        refuse(signed(period, values, 0, 1), reason);
    }

    function refuse(bytes memory packed, bytes memory reason) private {
        vm.expectRevert(reason);
        escrow.report(packed);
    }

    function test_theQuorumIsChecked() public {
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(1, 2, 3);
        bytes32 digest = digestOf(1, values);
        bytes memory one = abi.encodePacked(uint8(65), signatureOf(VERIFIER_KEY, digest));
        bytes memory two = abi.encodePacked(uint8(65), signatureOf(VERIFIER_KEY + 1, digest));
        refuse(bytes.concat(body(1, values, 1), one), abi.encodeWithSelector(IEscrowErrors.NoQuorum.selector, 1, 2));
        refuse(body(1, values, 0), abi.encodeWithSelector(IEscrowErrors.NoQuorum.selector, 0, 2));
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.BadVerifierSignature.selector, 0);
        refuse(bytes.concat(body(1, values, 3), two, one), reason);
        reason = abi.encodeWithSelector(IEscrowErrors.BadVerifierSignature.selector, 2);
        refuse(bytes.concat(body(1, values, 5), one, one), reason);
        reason = abi.encodeWithSelector(IEscrowErrors.BadVerifierOrder.selector, 3);
        refuse(bytes.concat(body(1, values, 9), one, two), reason);
        reason = abi.encodeWithSelector(IEscrowErrors.BadVerifierSignature.selector, 1);
        refuse(bytes.concat(body(1, values, 3), one, hex"00"), reason);
    }

    function digestOf(uint32 period, int256[] memory values) private view returns (bytes32) {
        return Signing.report(separator(), address(escrow), termsHash, period, values, "evidence");
    }

    function test_aReportCutShortOrTooLongIsRefused() public {
        begin(RESERVE);
        toEnd(1);
        bytes memory whole = signed(1, paying(1, 2, 3), 0, 1);
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.BadReport.selector);
        refuse("", reason);
        refuse(bytes.concat(whole, hex"00"), reason);
        for (uint256 size = 0; size < whole.length; ++size) {
            bytes memory part = new bytes(size);
            for (uint256 i = 0; i < size; ++i) {
                part[i] = whole[i];
            }
            try escrow.report(part) {
                check(false, "a part was accepted");
            } catch {}
        }
        // 33 bytes are no value.
        refuse(abi.encodePacked(uint16(1), bytes32("evidence"), uint32(3), uint8(33), new bytes(200)), reason);
    }

    function test_aReportSignedForOtherValuesPeriodOrEvidenceIsRefused() public {
        begin(RESERVE);
        toEnd(2);
        bytes32 digest = digestOf(1, paying(1, 2, 3));
        bytes memory both = abi.encodePacked(
            uint8(65), signatureOf(VERIFIER_KEY, digest), uint8(65), signatureOf(VERIFIER_KEY + 1, digest)
        );
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.BadVerifierSignature.selector, 0);
        refuse(bytes.concat(body(1, paying(1, 2, 4), 3), both), reason);
        refuse(bytes.concat(body(2, paying(1, 2, 3), 3), both), reason);
        bytes memory other = bytes.concat(body(1, paying(1, 2, 3), 3), both);
        other[5] = 0x55;
        refuse(other, reason);
        escrow.report(bytes.concat(body(1, paying(1, 2, 3), 3), both));
    }

    function test_aSignatureInItsOtherFormIsRefused() public {
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(1, 2, 3);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(VERIFIER_KEY, digestOf(1, values));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory twin = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        refuse(
            abi.encodePacked(body(1, values, 3), uint8(65), twin),
            abi.encodeWithSelector(IEscrowErrors.BadVerifierSignature.selector, 0)
        );
    }

    function test_aVerifierMayBeAContractWallet() public {
        args.verifiers[1] = address(new Wallet(vm.addr(0x5A)));
        begin(RESERVE);
        toEnd(1);
        int256[] memory values = paying(1, 2, 3);
        bytes32 digest = digestOf(1, values);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0x5A, digest);
        bytes memory one = abi.encodePacked(uint8(65), signatureOf(VERIFIER_KEY, digest));
        escrow.report(bytes.concat(body(1, values, 3), one, hex"60", abi.encode(r, s, v)));
    }

    function test_periodsSettleInAnyOrder() public {
        begin(10_000);
        settle(3, 30, 0, 0);
        settle(1, 10, 0, 0);
        settle(2, 20, 0, 0);
        equal(60, earned(0), "all of them");
    }

    // --- defaults ---------------------------------------------------------------------------------------------------

    /// @dev Pays payees 1 and 2 their KPI, payee 0 one over its own: a base unit for the greatest; fails where that is 0.
    function dividing() private {
        programHash = factory.registerProgram(
            abi.encodePacked(hex"0103000000000302000102", hex"020500230900" hex"05010901" hex"05020902")
        );
    }

    function test_aReportOnWhichTheProgramFailsSettlesNothingUnlessTheTermsRefuseIt() public {
        dividing();
        begin(10_000);
        toEnd(1);
        report(1, paying(0, 500, 0));
        check(stageOf(1) == IEscrowErrors.PeriodStage.Settled, "settled");
        equal(0, earned(1), "with nothing");

        vm.warp(BEGIN);
        nonce = 1;
        args.refuses = true;
        begin(10_000);
        toEnd(1);
        refuse(1, paying(0, 500, 0), abi.encodeWithSelector(IEscrowErrors.ProgramFailed.selector, 2));
        check(stageOf(1) == IEscrowErrors.PeriodStage.None, "nothing stands");
        report(1, paying(1e12, 500, 0));
        equal(500, earned(1), "another report is accepted");
        // A default is no report: its values are the terms' own.
        vm.warp(args.ends[1] + args.evidenceWindow);
        escrow.proposeDefault(2);
        vm.warp(block.timestamp + args.defaultWindow);
        escrow.settle(2, new int256[](0));
        equal(500, earned(1), "nothing more");
        checkBooks();
    }

    function test_aReportThatCanBeChallengedIsRefusedAtOnceAsWell() public {
        dividing();
        withDisputes();
        args.refuses = true;
        begin(10_000);
        toEnd(1);
        refuse(1, paying(0, 500, 0), abi.encodeWithSelector(IEscrowErrors.ProgramFailed.selector, 2));
        report(1, paying(1e12, 500, 0));
        check(stageOf(1) == IEscrowErrors.PeriodStage.Reported, "reported");
        vm.warp(block.timestamp + args.challengeWindow);
        escrow.settle(1, paying(1e12, 500, 0));
        equal(500, earned(1), "paid");
        checkBooks();
    }

    function test_aStandInOneStepBelowTheLeastIsForTheProgramAlone() public {
        (args.kpis[0].low, args.kpis[0].ifMissing) = (0, -1e12);
        begin(10_000);
        toEnd(1);
        int256[] memory values = paying(0, 500, 0);
        values[0] = -1e12;
        refuse(1, values, abi.encodeWithSelector(IEscrowErrors.BadValue.selector, 0, int256(-1e12)));
        values[0] = type(int256).min;
        report(1, values);
        equal(1, account(0).debt, "the program got it");
    }

    function test_aDefaultWaitsForTheEvidenceThenForItsWindow() public {
        begin(10_000);
        uint40 due = args.ends[0] + args.evidenceWindow;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, due));
        escrow.proposeDefault(1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProposed.selector, 1));
        escrow.settle(1, new int256[](0));

        vm.warp(due);
        uint40 settlesAt = due + args.defaultWindow;
        vm.expectEmit();
        emit IEscrowEvents.DefaultProposed(1, settlesAt);
        escrow.proposeDefault(1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadyProposed.selector, 1));
        escrow.proposeDefault(1);
        (IEscrowErrors.PeriodStage stage, uint256 at, uint256 proposals,) = escrow.periodState(1);
        check(stage == IEscrowErrors.PeriodStage.Defaulted && at == settlesAt && proposals == 1, "proposed");

        vm.warp(settlesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, settlesAt));
        escrow.settle(1, new int256[](0));
        vm.warp(settlesAt);
        refuse(1, paying(9, 9, 9), abi.encodeWithSelector(IEscrowErrors.TooLate.selector, settlesAt));
        escrow.settle(1, new int256[](0));
        equal(0, earned(0), "its stand-in");
        equal(200, earned(2), "its stand-in");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.settle(1, new int256[](0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.proposeDefault(1);
    }

    function test_aReportInsideTheWindowReplacesTheDefault() public {
        begin(10_000);
        vm.warp(args.ends[0] + args.evidenceWindow);
        escrow.proposeDefault(1);
        vm.warp(block.timestamp + args.defaultWindow - 1);
        report(1, paying(7, 0, 0));
        equal(7, earned(0), "the report counts");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 1));
        escrow.settle(1, new int256[](0));
    }

    function test_anAgreementOverPastPeriodsDoesNotStartInDefault() public {
        args.activateBy = args.ends[3] + 365 * DAY;
        create();
        fund(RESERVE);
        vm.warp(args.ends[3] + 100 * DAY);
        escrow.accept("agreement", 0, partySignatures());
        escrow.activate();
        uint256 due = block.timestamp + args.evidenceWindow;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, due));
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
        emit IEscrowEvents.Settled(1, nothing, 2);
        report(1, paying(1, 0, 0));
        equal(0, earned(0), "nothing");
        equal(RESERVE, escrow.funds(), "nothing moved");
    }

    function test_amountsTooLargeForTheBooksSettleZeroWithTheirCode() public {
        int256 most = int256(uint256(type(uint112).max));
        args.kpis[0].high = most * UNIT + UNIT;
        args.kpiWidth = 24;
        begin(RESERVE);
        toEnd(2);
        int256[] memory nothing = new int256[](3);
        vm.expectEmit();
        emit IEscrowEvents.Settled(1, nothing, 8);
        report(1, paying(most + 1, 5, 5));
        report(2, paying(most, 0, 0));
        equal(uint256(most), earned(0) + account(0).arrears, "the largest amount is credited");
        checkBooks();
    }
}
