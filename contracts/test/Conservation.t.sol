// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Base.sol";
import {Receiver, WildToken} from "./Doubles.sol";
import {Fixture} from "./Fixture.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Named actors that act at random on one escrow: the client, three providers of whom some refuse money, verifiers,
/// a keeper, a donor and a thief. What an act is refused for is part of the game; what must hold is checked after each.
contract Actors is Fixture {
    uint32 private constant PERIODS = 12;

    bool internal immutable native;
    /// @dev The program reads earlier periods, so that they settle in order.
    bool internal immutable inTurn;
    /// @dev Everything that ever crossed the border, by the acts themselves.
    uint256 public deposited;
    uint256 public donated;
    uint256 public stolen;
    uint256 public withdrawn;
    uint256 public claimed;
    uint256 public pushed;
    int256 public synced;
    uint256 public givenUp;
    /// @dev How often each act went through.
    mapping(bytes32 => uint256) public done;
    /// @dev First thing found that must never be; empty if nothing.
    string public broken;

    Receiver private receiver;

    constructor(bool native_, bool inTurn_) {
        native = native_;
        inTurn = inTurn_;
    }

    function setUp() public override {
        super.setUp();
        describe(native ? address(0) : address(token), 3, PERIODS);
        if (native) {
            receiver = Receiver(payable(deploy("Doubles.sol:Receiver")));
            args.providers[0].payout = address(receiver);
        }
        args.reserve = 500;
        if (inTurn) programHash = factory.registerProgram(IN_TURN);
        create();
        fund(2000);
        escrow.activate(partySignatures());
        vm.recordLogs();
    }

    function fund(uint256 amount) internal override {
        deposited += amount;
        if (!native) return super.fund(amount);
        vm.deal(client, client.balance + amount);
        vm.prank(client);
        escrow.deposit{value: amount}(amount);
    }

    // --- acts -------------------------------------------------------------------------------------------------------

    function clientDeposits(uint256 amount) external {
        fund(bound(amount, 1, 3000));
        finish("deposit");
    }

    function clientWithdraws(uint256 amount) external {
        amount = bound(amount, 1, 1500);
        vm.prank(client);
        try escrow.withdraw(amount) {
            withdrawn += amount;
            finish("withdraw");
        } catch {
            forget();
        }
    }

    function timePasses(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1 hours, 9 days));
    }

    function verifiersReport(uint32 period, int16 a, int16 b, int16 c) external {
        period = choose(period);
        int256[] memory values = paying(a / 16, b / 16, c / 16);
        (uint8[] memory indexes, bytes[] memory signatures) = signed(period, values, 0, 2);
        bool wasOwed = escrow.queueLength() != 0;
        try escrow.report(period, values, "evidence", indexes, signatures) {
            finishPeriod("report", wasOwed);
        } catch {
            forget();
        }
    }

    /// @dev Any period; in turn mostly the one whose turn it is.
    function choose(uint32 period) private view returns (uint32 chosen) {
        chosen = uint32(bound(period, 1, PERIODS));
        if (inTurn && period % 8 != 0) {
            for (chosen = 1; chosen < PERIODS && isSettled(chosen);) {
                ++chosen;
            }
        }
    }

    function isSettled(uint32 period) private view returns (bool) {
        (IOutcomeEscrow.PeriodStage stage,) = escrow.periodStage(period);
        return stage == IOutcomeEscrow.PeriodStage.Settled;
    }

    function keeperProposes(uint32 period) external {
        try escrow.proposeDefault(choose(period)) {
            finish("propose");
        } catch {
            forget();
        }
    }

    function keeperSettles(uint32 period) external {
        bool wasOwed = escrow.queueLength() != 0;
        try escrow.settle(choose(period)) {
            finishPeriod("settle", wasOwed);
        } catch {
            forget();
        }
    }

    function keeperPaysArrears(uint256 max) external {
        try escrow.payArrears(bound(max, 1, 4)) {
            finish("arrears");
        } catch {
            forget();
        }
    }

    function keeperCloses(uint256 max) external {
        try escrow.close(bound(max, 0, 4)) {
            finish("close");
        } catch {
            forget();
        }
    }

    function keeperSyncs() external {
        try escrow.sync() {
            finish("sync");
        } catch {
            forget();
        }
    }

    function providerClaims(uint8 provider, bool early) external {
        provider = uint8(bound(provider, 0, 2));
        uint256 before = balanceOf(address(0xC1A1));
        try this.claimAs(provider, early) {
            claimed += balanceOf(address(0xC1A1)) - before;
            finish(early ? bytes32("claimEarly") : bytes32("claim"));
        } catch {
            forget();
        }
    }

    /// @dev One call, so that the prank covers it.
    function claimAs(uint8 provider, bool early) external {
        vm.prank(signer(provider));
        if (early) escrow.claimEarly(provider, address(0xC1A1));
        else escrow.claim(provider, address(0xC1A1));
    }

    function providerMoves(uint8 provider, uint8 where) external {
        provider = uint8(bound(provider, 1, 2));
        vm.prank(signer(provider));
        escrow.movePayout(provider, address(uint160(0xBA40 + uint256(where) % 8)));
        finish("move");
    }

    function moodChanges(uint8 provider, uint8 mood) external {
        if (native) receiver.setMood(Receiver.Mood(mood % 5));
        else token.refuse(account(provider % 3).payout, mood % 2 == 0);
    }

    function donorGives(uint256 amount) external {
        amount = bound(amount, 1, 300);
        if (native) vm.deal(address(escrow), address(escrow).balance + amount);
        else token.mint(address(escrow), amount);
        donated += amount;
    }

    function thiefTakes(uint256 amount) external {
        amount = bound(amount, 0, balanceOf(address(escrow)) / 8);
        if (native) vm.deal(address(escrow), address(escrow).balance - amount);
        else token.burn(address(escrow), amount);
        stolen += amount;
    }

    // --- what the events say ----------------------------------------------------------------------------------------

    function balanceOf(address who) private view returns (uint256) {
        return native ? who.balance : token.balanceOf(who);
    }

    /// @dev Events of a refused act are recorded as well, though they never happened.
    function forget() private {
        vm.getRecordedLogs();
    }

    function finish(bytes32 act) private {
        ++done[act];
        readLogs(false);
    }

    function finishPeriod(bytes32 act, bool wasOwed) private {
        ++done[act];
        readLogs(wasOwed);
    }

    /// @dev Adds up what the act's events say. `wasOwed`: somebody was owed before a period settled.
    function readLogs(bool wasOwed) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(escrow)) continue;
            bytes32 kind = logs[i].topics[0];
            if (kind == IOutcomeEscrow.Paid.selector) pushed += abi.decode(logs[i].data, (uint256));
            else if (kind == IOutcomeEscrow.Synced.selector) synced += abi.decode(logs[i].data, (int256));
            else if (kind == IOutcomeEscrow.GivenUp.selector) givenUp += abi.decode(logs[i].data, (uint256));
            else if (kind == IOutcomeEscrow.Closed.selector) withdrawn += abi.decode(logs[i].data, (uint256));
            else if (kind == IOutcomeEscrow.Credited.selector) checkCredit(logs[i].data, wasOwed);
        }
    }

    function checkCredit(bytes memory data, bool wasOwed) private {
        (int256 amount, uint256 setOff, uint256 held, uint256 paid, uint256 owed) =
            abi.decode(data, (int256, uint256, uint256, uint256, uint256));
        if (amount > 0 && uint256(amount) != setOff + held + paid + owed) broken = "a credit does not add up";
        if (amount < 0 && setOff + held + paid + owed != 0) broken = "a debt was paid out";
        // New debt of this very period may empty the queue; then payment is right.
        if (wasOwed && held + paid != 0 && escrow.queueLength() != 0) {
            broken = "a later period was paid while an earlier one was owed";
        }
    }

    // --- laws -------------------------------------------------------------------------------------------------------

    function checkLaws() external view {
        checkBooks();
        check(bytes(broken).length == 0, broken);
        uint256 balance = balanceOf(address(escrow));
        equal(deposited + donated - stolen - withdrawn - claimed - pushed, balance, "what came is here or went");
        // Tracked changes only by what is booked: conservation over tracked amounts.
        int256 booked = int256(deposited) + synced - int256(withdrawn + claimed + pushed + givenUp);
        equal(booked, int256(escrow.tracked()), "tracked is what was booked");
        if (inTurn) checkTurns();
    }

    /// @dev No period settles before an earlier one, and what was paid by line 0 is what the line came to.
    function checkTurns() private view {
        for (uint32 period = 2; period <= PERIODS; ++period) {
            check(isSettled(period - 1) || !isSettled(period), "a period overtook another");
        }
        equal(account(0).earned * UNIT, escrow.toDate(0), "the sum to date is what the payee earned");
    }

    /// @dev An outsider alone, everyone else silent, brings the escrow to its end.
    function closeAlone() external {
        for (uint32 period = 1; period <= PERIODS; ++period) {
            (IOutcomeEscrow.PeriodStage stage,) = escrow.periodStage(period);
            if (stage == IOutcomeEscrow.PeriodStage.Settled) continue;
            if (stage == IOutcomeEscrow.PeriodStage.None) {
                uint256 due = escrow.evidenceDue(period);
                if (block.timestamp < due) vm.warp(due);
                escrow.proposeDefault(period);
            }
            (, uint40 settlesAt) = escrow.periodStage(period);
            if (block.timestamp < settlesAt) vm.warp(settlesAt);
            escrow.settle(period);
        }
        if (block.timestamp < args.holdbackRelease) vm.warp(args.holdbackRelease);
        for (uint256 i = 0; i < 40 && escrow.stage() != IOutcomeEscrow.Stage.Closed; ++i) {
            escrow.close(4);
        }
        check(escrow.stage() == IOutcomeEscrow.Stage.Closed, "closed by an outsider alone");
        finish("alone");
    }
}

/// @notice The laws of docs/protocol.md section 10 that this escrow is subject to, after every random act.
abstract contract Conservation is Fixture {
    Actors internal actors;

    function nativeCoin() internal pure virtual returns (bool);

    function inTurn() internal pure virtual returns (bool) {
        return false;
    }

    function setUp() public override {
        actors = new Actors(nativeCoin(), inTurn());
        actors.setUp();
        target(address(actors));
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory acts = new bytes4[](15);
        acts[0] = Actors.clientDeposits.selector;
        acts[1] = Actors.clientWithdraws.selector;
        acts[2] = Actors.timePasses.selector;
        acts[3] = Actors.verifiersReport.selector;
        acts[4] = Actors.keeperProposes.selector;
        acts[5] = Actors.keeperSettles.selector;
        acts[6] = Actors.keeperPaysArrears.selector;
        acts[7] = Actors.keeperCloses.selector;
        acts[8] = Actors.keeperSyncs.selector;
        acts[9] = Actors.providerClaims.selector;
        acts[10] = Actors.providerMoves.selector;
        acts[11] = Actors.moodChanges.selector;
        acts[12] = Actors.donorGives.selector;
        acts[13] = Actors.thiefTakes.selector;
        // Twice, so that most periods are reported.
        acts[14] = Actors.verifiersReport.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(actors), acts);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// forge-config: default.invariant.runs = 60
    /// forge-config: default.invariant.depth = 120
    function invariant_theBooksHoldAfterEveryAct() public view {
        actors.checkLaws();
    }

    /// @dev Once at the end of each run.
    function afterInvariant() public {
        if (actors.done("close") == 0) actors.closeAlone();
        actors.checkLaws();
    }
}

contract Erc20ConservationTest is Conservation {
    function nativeCoin() internal pure override returns (bool) {
        return false;
    }

    /// @dev The random game is worth something only if every act can go through in it.
    function test_everyActCanGoThrough() public {
        actors.clientDeposits(9);
        actors.timePasses(9 days - 1 hours);
        actors.timePasses(9 days - 1 hours);
        actors.moodChanges(0, 0);
        actors.verifiersReport(0, 1600, 1600, -100);
        actors.providerClaims(0, false);
        actors.donorGives(1);
        actors.keeperSyncs();
        actors.clientWithdraws(0);
        actors.providerMoves(1, 3);
        for (uint256 i = 0; i < 12; ++i) {
            actors.timePasses(9 days - 1 hours);
        }
        actors.keeperProposes(1);
        actors.timePasses(9 days - 1 hours);
        actors.keeperSettles(1);
        actors.verifiersReport(2, 30_000, 30_000, 0);
        actors.clientDeposits(2999);
        actors.keeperPaysArrears(3);
        actors.closeAlone();
        string[10] memory acts =
            ["deposit", "report", "claim", "sync", "withdraw", "move", "propose", "settle", "arrears", "alone"];
        for (uint256 i = 0; i < acts.length; ++i) {
            check(actors.done(bytes32(bytes(acts[i]))) != 0, acts[i]);
        }
        actors.checkLaws();
    }
}

contract NativeConservationTest is Conservation {
    function nativeCoin() internal pure override returns (bool) {
        return true;
    }
}

contract SequentialConservationTest is Conservation {
    function nativeCoin() internal pure override returns (bool) {
        return false;
    }

    function inTurn() internal pure override returns (bool) {
        return true;
    }

    function test_everyActInTurnCanGoThrough() public {
        for (uint256 i = 0; i < 12; ++i) {
            actors.timePasses(9 days - 1 hours);
        }
        actors.keeperProposes(1);
        actors.timePasses(9 days - 1 hours);
        actors.keeperSettles(1);
        actors.verifiersReport(1, 100, 32_000, 16);
        actors.clientDeposits(2999);
        actors.keeperPaysArrears(3);
        actors.closeAlone();
        string[6] memory acts = ["propose", "settle", "report", "deposit", "arrears", "alone"];
        for (uint256 i = 0; i < acts.length; ++i) {
            check(actors.done(bytes32(bytes(acts[i]))) != 0, acts[i]);
        }
        actors.checkLaws();
    }
}
