// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputing} from "./Disputing.sol";
import {Packing} from "./Packing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Disputes and agreements where values decide what later periods start from.
contract SequentialDisputesTest is Disputing {
    /// @dev One register that starts at 1 and becomes KPI 0; payees 0 to 2 get the KPIs.
    bytes private constant REMEMBERS = hex"0103000100000301" hex"01" hex"020304" hex"020900" hex"05000901" hex"05000902"
        hex"05010903" hex"05020904";

    function setUp() public override {
        super.setUp();
        programHash = factory.registerProgram(IN_TURN);
    }

    /// @dev Period 1 settled, period 2 reported with sums that leave payee 0 one base unit either way.
    function secondReported(int256 k2) private returns (IOutcomeEscrow.Version[] memory versions) {
        begin(10_000);
        settle(1, 3, 5, 1);
        toEndAfter(2);
        report(2, paying(3, 0, k2));
        versions = versionsOf(paying(3, 0, k2));
    }

    function toEndAfter(uint32 period) private {
        if (block.timestamp < args.ends[period - 1]) toEnd(period);
    }

    function windowOver() private {
        (, uint256 until,,) = escrow.periodState(2);
        vm.warp(until);
    }

    function ruled(IOutcomeEscrow.Version[] memory versions, int256[] memory values, bytes4 reason) private {
        vm.prank(args.arbitrator);
        vm.expectPartialRevert(reason);
        escrow.rule(2, versions, values, "");
    }

    // --- what is carried --------------------------------------------------------------------------------------------

    function test_aVersionMayDifferInWhatIsCarriedAlone() public {
        IOutcomeEscrow.Version[] memory versions = secondReported(1);
        versions = challenge(2, versions, CLIENT, 20, paying(4, 0, 1));
        equal(versions[0].amounts[0], versions[1].amounts[0], "the same amounts");
        windowOver();
        escrow.dispute(2, versions);
        // The same amounts once more, but a register that lies outside the two.
        ruled(versions, paying(5, 0, 1), IEscrowErrors.RulingOutside.selector);
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(2, CLIENT, 20);
        vm.prank(args.arbitrator);
        escrow.rule(2, versions, paying(4, 0, 1), "");
        equal(8 * UNIT, escrow.carriedState()[1], "1 + 3 + 4");
        checkBooks();
    }

    function test_aStakeIsLostWhereTheReportCarriesWhatIsRuled() public {
        IOutcomeEscrow.Version[] memory versions = secondReported(1);
        versions = challenge(2, versions, 1, 20, paying(4, 0, 1));
        windowOver();
        escrow.dispute(2, versions);
        vm.expectEmit();
        emit IEscrowEvents.StakeLost(2, 1, CLIENT, 20);
        vm.prank(args.arbitrator);
        escrow.rule(2, versions, paying(3, 0, 1), "");
        equal(7 * UNIT, escrow.carriedState()[1], "1 + 3 + 3");
        checkBooks();
    }

    function test_aReportOnWhichTheProgramFailsCarriesWhatWasThere() public {
        IOutcomeEscrow.Version[] memory versions = secondReported(0);
        versions = challenge(2, versions, 0, 20, paying(3, 0, 1));
        windowOver();
        escrow.dispute(2, versions);
        ruled(versions, paying(3, 0, 0), IEscrowErrors.ProgramFailed.selector);
        vm.expectEmit();
        emit IEscrowEvents.StakeReturned(2, 0, 20);
        vm.prank(args.arbitrator);
        escrow.rule(2, versions, paying(3, 0, 1), "");
        equal(int256(2), escrow.carriedState()[0], "two runs without error");
        checkBooks();
    }

    // --- agreement --------------------------------------------------------------------------------------------------

    function test_whoeverIsBoundByWhatIsCarriedSignsAnAgreement() public {
        begin(10_000);
        address incoming = vm.addr(INCOMING_KEY);
        bytes32 digest = Signing.assignment(separator(), address(escrow), termsHash, 0, incoming, address(0x1C0), 2, 0);
        bytes[] memory three = new bytes[](3);
        (three[0], three[1]) = (signatureOf(CLIENT_KEY, digest), signatureOf(PROVIDER_KEY, digest));
        three[2] = signatureOf(INCOMING_KEY, digest);
        escrow.assign(0, incoming, address(0x1C0), 2, three);
        toEnd(1);
        int256[] memory values = paying(3, 0, 1);
        digest = Signing.given(separator(), "Agreed", address(escrow), termsHash, 1, 0, values);
        IOutcomeEscrow.Version[] memory none = new IOutcomeEscrow.Version[](0);
        bytes[] memory four = allSign(digest);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, incoming));
        escrow.agree(1, none, values, four);
        bytes[] memory five = new bytes[](5);
        for (uint256 i = 0; i < 4; ++i) {
            five[i] = four[i];
        }
        five[4] = signatureOf(INCOMING_KEY, digest);
        escrow.agree(1, none, values, five);
        equal(int256(1), escrow.carriedState()[0], "one run");
        checkBooks();
    }

    function test_noAgreementOnValuesOnWhichTheProgramFails() public {
        begin(10_000);
        toEnd(1);
        int256[] memory values = paying(3, 0, 0);
        bytes[] memory all = allSign(Signing.given(separator(), "Agreed", address(escrow), termsHash, 1, 0, values));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.ProgramFailed.selector, 2));
        escrow.agree(1, new IOutcomeEscrow.Version[](0), values, all);
    }

    // --- amendment --------------------------------------------------------------------------------------------------

    function amendment(uint32 first, bytes32 hash, uint256 words, bool keeps)
        private
        view
        returns (IOutcomeEscrow.Amending memory a)
    {
        uint8[] memory carry = new uint8[](words);
        for (uint256 i = 0; i < words; ++i) {
            carry[i] = keeps ? uint8(i) : 255;
        }
        a = IOutcomeEscrow.Amending("amended", hash, "", Packing.pack(args), 5, first, block.timestamp + DAY, carry);
    }

    function amending(IOutcomeEscrow.Amending memory a) private view returns (bytes[] memory) {
        (, bytes32 hash) =
            factory.prepare(IEscrowFactory.Offer(a.agreementDigest, a.programHash, a.program, a.arguments, a.nonce));
        return allSign(
            Signing.amendment(
                separator(), address(escrow), termsHash, hash, uint32(a.first), a.carry, uint40(a.deadline)
            )
        );
    }

    function refuse(IOutcomeEscrow.Amending memory a) private {
        bytes[] memory signatures = amending(a);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadAmendment.selector, IEscrowErrors.Amiss.Carry));
        escrow.amend(a, signatures);
    }

    function test_onlyWhatIsAlikeIsCarriedOn() public {
        begin(10_000);
        settle(1, 3, 0, 1);
        refuse(amendment(3, factory.registerProgram(REMEMBERS), 2, true));
        bytes memory deeper = IN_TURN;
        deeper[12] = 0x04;
        refuse(amendment(3, factory.registerProgram(deeper), 7, true));
        // KPI 0 instead of KPI 1 in the history is alike: the same words in the same places.
        bytes memory alike = IN_TURN;
        alike[11] = 0x00;
        IOutcomeEscrow.Amending memory a = amendment(3, factory.registerProgram(alike), 6, true);
        escrow.amend(a, amending(a));
    }

    function test_anIndependentProgramLeavesNothingToKeep() public {
        programHash = factory.registerProgram(passThrough(3));
        begin(10_000);
        refuse(amendment(2, factory.registerProgram(REMEMBERS), 2, true));
        // It would read what payees earned before, which nobody has counted.
        refuse(amendment(2, keccak256(IN_TURN), 6, false));
    }

    function test_aPeriodOnWhichASequentialProgramStandsIsNotRestated() public {
        programHash = factory.registerProgram(passThrough(3));
        args.restates = true;
        args.challengeWindow = 0;
        begin(10_000);
        settle(1, 10, 20, 30);
        int256[] memory values = paying(11, 20, 30);
        bytes32 digest = Signing.given(separator(), "Agreed", address(escrow), termsHash, 1, 0, values);
        IOutcomeEscrow.Amending memory a = amendment(3, programHash, 0, false);
        escrow.amend(a, amending(a));
        // Another independent program later is no obstacle.
        escrow.agree(1, new IOutcomeEscrow.Version[](0), values, allSign(digest));
        (, termsHash) =
            factory.prepare(IEscrowFactory.Offer(a.agreementDigest, a.programHash, a.program, a.arguments, a.nonce));
        a = amendment(4, factory.registerProgram(REMEMBERS), 2, false);
        a.nonce = 6;
        escrow.amend(a, amending(a));
        bytes[] memory all = allSign(digest);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotRestatable.selector, 1));
        escrow.agree(1, new IOutcomeEscrow.Version[](0), values, all);
    }
}
