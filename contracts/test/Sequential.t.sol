// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {ProgramStore} from "../program/ProgramStore.sol";

/// @notice A program that reads earlier periods: their order, and what they leave to later ones.
contract SequentialTest is Fixture {
    function setUp() public override {
        super.setUp();
        describe(address(token), 3, 5);
        programHash = factory.registerProgram(IN_TURN);
    }

    // --- the store --------------------------------------------------------------------------------------------------

    function test_theStoreSaysWhatTheProgramReads() public view {
        address store = factory.programStore(keccak256(IN_TURN));
        // Bit 0: line 0. Bit 2: payee 2.
        bytes memory code = abi.encodePacked(hex"fe", uint256(1), uint64(4), IN_TURN);
        equal(keccak256(code), keccak256(store.code), "INVALID, lines, payees, program");
        check(ProgramStore.isSequential(store), "sequential");
        equal(1, ProgramStore.readLines(store), "lines");
        equal(4, ProgramStore.readPayees(store), "payees");
        equal(keccak256(IN_TURN), keccak256(ProgramStore.read(store)), "the program as it is read");
    }

    function test_theEscrowGivesTheProgramAsItWasRegistered() public {
        create();
        equal(keccak256(IN_TURN), keccak256(escrow.program()), "before it is active");
        fund(RESERVE);
        escrow.accept("agreement", 0, partySignatures());
        escrow.activate();
        equal(keccak256(IN_TURN), keccak256(escrow.program()), "and after");
    }

    // --- order ------------------------------------------------------------------------------------------------------

    function test_periodsSettleInOrderOnly() public {
        begin(10_000);
        vm.warp(args.ends[2] + args.evidenceWindow);
        outOfTurn(2, 1);
        outOfTurn(3, 1);
        settle(1, 10, 7, 300);
        outOfTurn(3, 2);
        settle(2, 10, 7, 300);
        settle(3, 10, 7, 300);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 2));
        escrow.proposeDefault(2);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchPeriod.selector, 6));
        escrow.proposeDefault(6);
    }

    /// @dev Nothing can be done about `period` yet: `first` comes before.
    function outOfTurn(uint32 period, uint32 first) private {
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.OutOfTurn.selector, first);
        int256[] memory given = paying(1, 1, 1);
        bytes memory packed = signed(period, given, 0, 1);
        vm.expectRevert(reason);
        escrow.report(packed);
        vm.expectRevert(reason);
        escrow.proposeDefault(period);
        vm.expectRevert(reason);
        escrow.evidenceDue(period);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotProposed.selector, period));
        escrow.settle(period, given);
    }

    function test_aPeriodThatHasNotEndedIsTooEarlyWhateverItsTurn() public {
        begin(10_000);
        toEnd(1);
        int256[] memory given = paying(1, 1, 1);
        bytes memory packed = signed(2, given, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, args.ends[1]));
        escrow.report(packed);
    }

    function test_evidenceIsDueAWindowAfterTheTurn() public {
        begin(10_000);
        equal(args.ends[0] + args.evidenceWindow, escrow.evidenceDue(1), "of the first, after its end");
        // The first period is reported when the second has long ended.
        uint256 turn = args.ends[1] + 4 * DAY;
        vm.warp(turn);
        settle(1, 1, 1, 1);
        uint256 due = turn + args.evidenceWindow;
        equal(due, escrow.evidenceDue(2), "of the second, after its turn");
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, due));
        escrow.proposeDefault(2);
        vm.warp(due);
        escrow.proposeDefault(2);
        (, uint256 settlesAt,,) = escrow.periodState(2);
        vm.warp(settlesAt);
        escrow.settle(2, values());
        equal(args.ends[2] + args.evidenceWindow, escrow.evidenceDue(3), "of the third, after its end again");
    }

    // --- what is carried --------------------------------------------------------------------------------------------

    function test_whatPeriodsLeaveIsReadByLaterOnes() public {
        begin(10_000);
        carried(hex"", 0);

        // sum 11, a third of it 3.67; three units are paid, and the rest comes later.
        pays(1, paying(10, 7, 300), 3, 7, 300);
        carried(abi.encode(11, 7), 1);
        // sum 21, 7 less 3; 5 and the 7 before; 300, but only 200 of 500 are left.
        pays(2, paying(10, 5, 300), 4, 12, 200);
        carried(abi.encode(21, 5, 7), 2);
        pays(3, paying(1, 1, 1), 0, 13, 0);
        carried(abi.encode(22, 1, 5, 7), 3);
        // lag(k1, 3) is 7 for the first time.
        pays(4, paying(2, 2, -20), 1, 2 + 1 + 5 + 7, -20);
        carried(abi.encode(24, 2, 1, 5), 4);
        owing = true;
        pays(5, paying(0, 0, 30), 0, 2 + 1 + 5, 20);
        carried(abi.encode(24, 0, 2, 1), 5);
        checkBooks();
    }

    /// @dev The register and the history, newest first, in base units; then the line's sum and what payee 2 earned.
    function carried(bytes memory left, uint256 periods) private view {
        int256[] memory words = escrow.carriedState();
        equal(left.length / 32 + 3, words.length, "words");
        equal(int256(periods), words[0], "periods");
        for (uint256 i = 0; i < left.length / 32; ++i) {
            int256 word;
            assembly ("memory-safe") {
                word := mload(add(left, add(0x20, mul(i, 0x20))))
            }
            equal(word * UNIT, words[1 + i], "left");
        }
        equal(lineSum * UNIT, words[words.length - 2], "line 0 is all that payee 0 earned");
        equal(earnedByTwo * UNIT, words[words.length - 1], "earned");
    }

    /// @dev Somebody had debt: periods settle at length.
    bool private owing;
    int256 private lineSum;
    int256 private earnedByTwo;

    function values() private pure returns (int256[] memory) {
        return new int256[](0);
    }

    function pays(uint32 period, int256[] memory given, int256 a, int256 b, int256 c) private {
        (lineSum, earnedByTwo) = (lineSum + a, earnedByTwo + c);
        int256[] memory amounts = new int256[](3);
        (amounts[0], amounts[1], amounts[2]) = (a, b, c);
        toEnd(period);
        bytes memory packed = signed(period, given, 0, 1);
        vm.expectEmit();
        if (c < 0 || owing) emit IEscrowEvents.Settled(period, amounts, 0);
        else emit IEscrowEvents.ReportedInFull(bytes.concat(body(period, given, 3), packedAmounts(amounts)));
        escrow.report(packed);
    }

    function test_aProgramErrorLeavesTheStateAndPassesTheTurnOn() public {
        begin(10_000);
        settle(1, 10, 7, 300);
        (lineSum, earnedByTwo) = (3, 300);
        bytes32 before = keccak256(abi.encode(escrow.carriedState()));
        toEnd(2);
        int256[] memory given = paying(10, 7, 0);
        bytes memory packed = signed(2, given, 0, 1);
        vm.expectEmit();
        emit IEscrowEvents.Settled(2, new int256[](3), 2);
        escrow.report(packed);

        equal(before, keccak256(abi.encode(escrow.carriedState())), "as after period 1");
        // sum 12, a third less 3; period 2 left nothing.
        pays(3, paying(1, 1, 1), 1, 8, 1);
        carried(abi.encode(12, 1, 7), 2);
    }

    function test_amountsTooLargeForTheBooksLeaveTheState() public {
        int256 most = int256(uint256(type(uint112).max));
        args.kpis[0].high = 4 * most * UNIT;
        args.kpiWidth = 24;
        begin(RESERVE);
        settle(1, 10, 7, 300);
        (lineSum, earnedByTwo) = (3, 300);
        bytes32 before = keccak256(abi.encode(escrow.carriedState()));
        toEnd(2);
        int256[] memory given = paying(4 * most, 0, 1);
        bytes memory packed = signed(2, given, 0, 1);
        vm.expectEmit();
        emit IEscrowEvents.Settled(2, new int256[](3), 8);
        escrow.report(packed);
        equal(before, keccak256(abi.encode(escrow.carriedState())), "as after period 1");
    }

    function test_aDefaultCarriesTheStandIns() public {
        begin(10_000);
        vm.warp(escrow.evidenceDue(1));
        escrow.proposeDefault(1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OutOfTurn.selector, 1));
        escrow.proposeDefault(2);
        carried(hex"", 0);
        vm.warp(block.timestamp + args.defaultWindow);
        escrow.settle(1, values());
        // Stand-ins 0, 100 and 200; a third of one unit is none.
        earnedByTwo = 200;
        carried(abi.encode(1, 100), 1);
    }

    function test_anIndependentProgramCarriesNothing() public {
        programHash = factory.registerProgram(passThrough(3));
        begin(10_000);
        settle(2, 10, 20, 30);
        int256[] memory words = escrow.carriedState();
        equal(1, words.length, "one word");
        equal(int256(0), words[0], "no period");
        equal(uint256(args.ends[0]) + args.evidenceWindow, escrow.evidenceDue(1), "due after its end");
    }
}
