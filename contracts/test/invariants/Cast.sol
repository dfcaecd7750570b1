// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";
import {Shadow} from "./Shadow.sol";
import {Vm} from "../Base.sol";
import {Receiver, WildToken} from "../Doubles.sol";
import {Fixture} from "../Fixture.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";

/// @title Named actors, a token of some kind, an agreement drawn at random, and how an act is done
abstract contract Cast is Fixture, Shadow {
    enum Kind {
        Native,
        Plain,
        Fee,
        NoReturn,
        FalseReturning,
        Blacklisting,
        Pausing,
        Rebasing,
        Reentering,
        LowDecimals,
        HighDecimals
    }

    /// @dev What kind of story is played. Calm: the ordinary case for many periods. Slack: one provider shows no evidence.
    /// Scarce: much is earned, owed and quarrelled over, and little is there.
    enum Mood {
        Wild,
        Calm,
        Slack,
        Scarce
    }

    /// @dev 23: an act was refused by a fault of the code, not in words.
    error Fault(bytes act, bytes answer);
    /// @dev 12: an act that the rules allow was refused.
    error Blocked(bytes act, bytes answer);

    /// @dev An act that took a signature.
    struct Played {
        bytes data;
        uint256 value;
    }

    address internal constant KEEPER = address(0x4EE9E4);
    address internal constant OUTSIDER = address(0x0075DE);
    address internal constant ATTACKER = address(0xA77AC4);

    Kind internal immutable kind;
    Mood internal mood;
    /// @dev In a slack story: whose evidence is missing.
    uint256 internal slack;
    OddToken internal odd;
    uint256 private _entropy;
    /// @dev One base unit as a value of the formula.
    int256 internal base;
    /// @dev The reserve, and by what amounts are multiplied.
    uint256 internal scale;
    bool internal sequential;
    /// @dev No amount is more than a third of the reserve.
    bool internal modest;
    bool internal coveredAtStarts;
    bool internal amended;
    bool internal closed;
    /// @dev Nothing happened to the token since the last act.
    bool internal fresh;
    uint256 public calls;

    mapping(address => uint256) internal keyOf;
    mapping(uint256 period => bytes) internal versions;
    Played[] internal played;

    constructor(Kind kind_) {
        kind = kind_;
        coveredAtStarts = true;
        vm.warp(BEGIN);
        factory = deployFactory();
        client = vm.addr(CLIENT_KEY);
        uint8 decimals = kind_ == Kind.LowDecimals ? 2 : kind_ == Kind.HighDecimals ? 18 : 6;
        odd = new OddToken(decimals);
        token = WildToken(address(odd));
        odd.setMute(kind_ == Kind.NoReturn);
        odd.setQuiet(kind_ == Kind.FalseReturning);
        base = int256(10 ** (18 - decimals));
        scale = decimals == 18 ? 1e18 : 1;
    }

    function subject() internal view override returns (IOutcomeEscrow) {
        return escrow;
    }

    // --- chance -----------------------------------------------------------------------------------------------------

    function stir(uint256 seed) internal {
        _entropy = seed;
        ++calls;
    }

    /// @dev A number below n.
    function draw(uint256 n) internal returns (uint256) {
        _entropy = uint256(keccak256(abi.encode(_entropy)));
        return _entropy % n;
    }

    function oneIn(uint256 n) internal returns (bool) {
        return draw(n) == 0;
    }

    // --- the agreement ----------------------------------------------------------------------------------------------

    /// @dev Draws an offer and creates its escrow.
    function drawUp() internal {
        mood = [Mood.Calm, Mood.Calm, Mood.Slack, Mood.Scarce, Mood.Scarce, Mood.Wild, Mood.Wild][draw(7)];
        describe(
            kind == Kind.Native ? address(0) : address(odd), 3, mood == Mood.Calm ? 24 : mood == Mood.Wild ? 8 : 12
        );
        sequential = oneIn(4) && (mood == Mood.Wild || mood == Mood.Slack);
        modest = !sequential && mood != Mood.Scarce && (oneIn(2) || mood == Mood.Calm);
        programHash = factory.registerProgram(sequential ? IN_TURN : passThrough(3));
        (args.unitDecimals, args.kpiWidth) = (odd.decimals(), 16);
        for (uint256 i = 0; i < 3; ++i) {
            if (kind == Kind.HighDecimals) args.kpis[i].decimals = 18;
            if (oneIn(2)) args.kpis[i].mayBeMissing = true;
            if (oneIn(2)) args.slots[i].backup = vm.addr(BACKUP_KEY + i);
        }
        if (oneIn(4)) args.kpis[2].supplier = 255;
        if (!oneIn(mood == Mood.Calm ? 2 : 4) || mood == Mood.Scarce) withDisputes();
        (args.chooses, args.restates) = (oneIn(4), oneIn(2) && mood != Mood.Calm);
        args.stakeFixed = uint104(20 * scale);
        if (oneIn(4)) args.stakeShare = 1e18;
        if (args.challengeWindow == 0) (args.chooses, args.stakeFixed, args.stakeShare) = (false, 0, 0);
        if (oneIn(2)) withBonds();
        args.reserve = uint104(RESERVE * scale);
        args.holdbackRate = [uint64(0.1e18), 0, 0.333333333333333333e18, 1e18][draw(4)];
        // A rate that has to be rounded, where sums come in pieces.
        if (mood == Mood.Scarce) args.holdbackRate = 0.333333333333333333e18;
        rate = args.holdbackRate;
        (args.cureWindow, args.notice) = (uint32(3 * DAY), uint32(12 * DAY));
        (args.convenience, args.streak) = (uint8(draw(4)), uint8(oneIn(4) ? 0 : oneIn(4) ? 2 : 1));
        if (mood == Mood.Slack) slacken();
        for (uint256 i = 0; i < 3; ++i) {
            args.slots[i].fee = (50 + i) * scale;
            args.slots[i].bond *= scale;
        }
        create();
        cast();
    }

    /// @dev One provider whose evidence is missing period by period, which is cause for its backup and for the client.
    function slacken() private {
        slack = draw(2);
        args.kpis[slack].mayBeMissing = true;
        args.slots[slack].backup = vm.addr(BACKUP_KEY + slack);
        args.streak = uint8(1 + draw(2));
    }

    function cast() private {
        learn(CLIENT_KEY);
        learn(ARBITRATOR_KEY);
        for (uint256 i = 0; i < 3; ++i) {
            learn(PROVIDER_KEY + i);
            learn(BACKUP_KEY + i);
            learn(VERIFIER_KEY + i);
        }
        for (uint256 i = 0; i < 8; ++i) {
            learn(INCOMING_KEY + i);
        }
        if (kind != Kind.Native) return;
        bytes memory code = address(new Receiver()).code;
        vm.etch(client, code);
        for (uint256 i = 0; i < 3; ++i) {
            vm.etch(payout(i), code);
        }
    }

    function learn(uint256 key) private {
        keyOf[vm.addr(key)] = key;
    }

    function signAs(address who, bytes32 digest) internal view returns (bytes memory) {
        return signatureOf(keyOf[who], digest);
    }

    // --- values -----------------------------------------------------------------------------------------------------

    /// @dev One value, of an amount that may be negative and, where the token has few decimals, not whole.
    function drawValue(uint256 kpi) internal returns (int256) {
        int256 third = int256(uint256(RESERVE) / 3);
        if (mood == Mood.Slack && kpi == slack && !oneIn(8)) return MISSING;
        if (mood == Mood.Calm) return int256(oneIn(8) ? 0 : 1 + draw(uint256(third))) * base * int256(scale);
        int256 amount = int256(draw(uint256(third) * 3 / 2 + 1)) - third / 2;
        if (mood == Mood.Scarce) amount = oneIn(3) ? -third / 2 - amount : 3 * third + amount;
        if (!modest && oneIn(3)) amount *= 4;
        if (oneIn(8)) amount = 0;
        if (oneIn(6) && args.kpis[kpi].mayBeMissing) return MISSING;
        int256 value = amount * base * int256(scale);
        return amount < third && amount > 0 ? value + int256(draw(1e6)) * stepOf(kpi) % base : value;
    }

    function stepOf(uint256 kpi) internal view override returns (int256) {
        return int256(10 ** (18 - args.kpis[kpi].decimals));
    }

    function drawValues() internal returns (int256[] memory values) {
        values = new int256[](3);
        bool good = oneIn(2);
        for (uint256 i = 0; i < 3; ++i) {
            values[i] = drawValue(i);
            // Nothing missing, nobody owes: the ordinary case.
            bool absent = mood == Mood.Slack && i == slack;
            if (good && values[i] < 0 && !absent) values[i] = base * int256(scale);
        }
    }

    function allMissing() internal pure returns (int256[] memory values) {
        values = new int256[](3);
        (values[0], values[1], values[2]) = (MISSING, MISSING, MISSING);
    }

    function isSequential(uint256 period) internal view virtual returns (bool);

    function expected(uint256 period, int256[] memory values) internal view override returns (int256[] memory amounts) {
        if (isSequential(period)) return amounts;
        amounts = new int256[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            amounts[i] = (values[i] == MISSING ? args.kpis[i].ifMissing : values[i]) / base;
        }
    }

    // --- time -------------------------------------------------------------------------------------------------------

    function started() internal view returns (uint256 count) {
        uint256 last = escrow.lastPeriod();
        for (count = 0; count < last && block.timestamp >= (count == 0 ? args.start : args.ends[count - 1]);) {
            ++count;
        }
    }

    /// @dev The last period that anything can be done about: the one after those that have started.
    function reachable() internal view returns (uint256) {
        uint256 last = escrow.lastPeriod();
        uint256 begun = started();
        return begun < last ? begun + 1 : last;
    }

    function stage() internal view returns (IEscrowErrors.Stage) {
        return escrow.stage();
    }

    function window(uint256 period) internal view returns (IEscrowErrors.PeriodStage periodStage, uint256 until) {
        (periodStage, until,,) = escrow.periodState(period);
    }

    /// @dev The first period of a stage that time or turn allows to act on; 0 if none.
    function find(IEscrowErrors.PeriodStage wanted, bool over) internal returns (uint256) {
        // Now and then the other side of the window is tried, where the act is to be refused.
        bool waits = wanted == IEscrowErrors.PeriodStage.Reported || wanted == IEscrowErrors.PeriodStage.Disputed;
        if (waits && oneIn(4)) over = !over;
        uint256 last = reachable();
        uint256 offset = draw(last + 1);
        for (uint256 i = 0; i <= last; ++i) {
            uint256 period = (i + offset) % (last + 1);
            if (period == 0) continue;
            (IEscrowErrors.PeriodStage is_, uint256 until) = window(period);
            if (is_ != wanted || !isTurn(period)) continue;
            if (wanted == IEscrowErrors.PeriodStage.None) {
                if (block.timestamp >= args.ends[period - 1]) return period;
            } else if (over == (block.timestamp >= until)) {
                return period;
            }
        }
        return 0;
    }

    function isTurn(uint256 period) internal view returns (bool) {
        if (!isSequential(period)) return true;
        for (uint256 i = 1; i < period; ++i) {
            (IEscrowErrors.PeriodStage is_,) = window(i);
            if (is_ != IEscrowErrors.PeriodStage.Settled) return false;
        }
        return true;
    }

    /// @dev To the next moment at which something changes, or one second beside it; or by some days.
    function pass() internal {
        uint256 now_ = block.timestamp;
        uint256 next = now_ + 1 + draw(2 days);
        if (!oneIn(4) && address(escrow) != address(0)) {
            uint256 edge = nextEdge(now_);
            if (edge != type(uint256).max) next = edge + draw(3) - 1;
        }
        if (next > now_) vm.warp(next);
        watchCover();
    }

    function watchCover() internal {
        if (address(escrow) == address(0) || stage() != IEscrowErrors.Stage.Active) return;
        if (escrow.funds() < escrow.requiredCover()) coveredAtStarts = false;
    }

    function nextEdge(uint256 now_) private view returns (uint256 edge) {
        edge = sooner(type(uint256).max, args.activateBy, now_);
        uint256 last = escrow.lastPeriod();
        uint256 near = reachable();
        for (uint256 i = 1; i <= near; ++i) {
            edge = sooner(edge, args.ends[i - 1], now_);
            (IEscrowErrors.PeriodStage is_, uint256 until) = window(i);
            if (is_ != IEscrowErrors.PeriodStage.None) {
                edge = sooner(edge, until, now_);
            } else if (block.timestamp >= args.ends[i - 1] && isTurn(i)) {
                edge = sooner(edge, escrow.evidenceDue(i), now_);
            }
        }
        (,, uint256 since) = escrow.occasions();
        if (since != 0) edge = sooner(edge, since + args.cureWindow, now_);
        if (last != 0) edge = sooner(edge, args.ends[last - 1] + args.holdbackDelay, now_);
    }

    function sooner(uint256 edge, uint256 other, uint256 now_) private pure returns (uint256) {
        return other > now_ && other < edge ? other : edge;
    }

    /// @dev What to do when an act makes no sense now: something else that does, or time goes on.
    function idle() internal virtual;

    // --- acts -------------------------------------------------------------------------------------------------------

    /// @dev Gives somebody what an act draws from it; the native coin to send along.
    function bring(address who, uint256 amount) internal returns (uint256 value) {
        if (kind == Kind.Native) {
            vm.deal(who, who.balance + amount);
            return amount;
        }
        odd.mint(who, amount);
        vm.prank(who);
        odd.approve(address(escrow), amount);
    }

    /// @dev Does an act. `sure`: the rules say that it cannot be refused now.
    function perform(address who, bytes memory data, uint256 value, bool sure)
        internal
        returns (bool done, bytes memory answer)
    {
        return performWith(who, data, value, sure, gasleft());
    }

    function performWith(address who, bytes memory data, uint256 value, bool sure, uint256 gasLimit)
        internal
        returns (bool done, bytes memory answer)
    {
        // What the books cannot hold shows again when something was paid out; the next act books it.
        bool vast = balance_() > type(uint104).max;
        vm.recordLogs();
        vm.prank(who);
        (done, answer) = address(escrow).call{value: value, gas: gasLimit}(data);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!done) {
            // Too little gas for anything leaves no words.
            if (gasLimit > 1e6 || answer.length != 0) checkRefusal(answer, data);
            if (sure) revert Blocked(data, answer);
            return (done, answer);
        }
        reach("act", bytes32(bytes4(data)));
        fold(logs);
        // Acceptance does not ask for the balance.
        if (bytes4(data) != IOutcomeEscrow.accept.selector) fresh = !vast;
        noteStage();
        laws();
    }

    function checkRefusal(bytes memory answer, bytes memory data) private {
        check(answer.length >= 4, "23: refused without words");
        bytes4 reason = bytes4(answer);
        reach("refusal", bytes32(reason));
        if (reason == bytes4(keccak256("Panic(uint256)"))) revert Fault(data, answer);
    }

    function noteStage() private {
        IEscrowErrors.Stage now_ = stage();
        reach("stage", bytes32(uint256(now_)));
        check(!closed || now_ == IEscrowErrors.Stage.Closed, "19: closed is final");
        closed = now_ == IEscrowErrors.Stage.Closed;
        uint256 last = reachable();
        for (uint256 i = 1; i <= last; ++i) {
            (IEscrowErrors.PeriodStage is_,) = window(i);
            reach("period", bytes32(uint256(is_)));
            check((is_ == IEscrowErrors.PeriodStage.Settled) == (timesSettled[i] != 0), "24: settled without saying so");
        }
    }

    /// @dev An act with a signature, kept so that it can be tried again.
    function performSigned(address who, bytes memory data, uint256 value, bool sure) internal returns (bool done) {
        (done,) = perform(who, data, value, sure);
        if (done) played.push(Played(data, value));
    }

    // --- laws -------------------------------------------------------------------------------------------------------

    function balance_() private view returns (uint256) {
        return kind == Kind.Native ? address(escrow).balance : odd.balanceOf(address(escrow));
    }

    /// @dev What holds at any moment.
    function laws() public view {
        if (address(escrow) == address(0)) return;
        checkAccounts();
        uint256 tracked = escrow.tracked();
        uint256 funds = escrow.funds();
        if (fresh) {
            uint256 balance = balance_();
            // What the books cannot hold is not believed.
            if (balance > type(uint104).max) balance = type(uint104).max;
            check(balance <= tracked, "1: more than is tracked after an act");
            check(balance == tracked || funds == 0, "1: below tracked although there is funding");
        }
        check(!odd.reentered(), "23: an act within an act");
        uint256 queued = escrow.queueLength();
        if (closed) check(funds == 0 || queued != 0, "19: funding in a closed escrow");
        (,, uint256 since) = escrow.occasions();
        if (since != 0) check(funds < escrow.requiredCover(), "22: on record as uncovered although covered");
        if (kind == Kind.Plain || kind == Kind.NoReturn || kind > Kind.Reentering) {
            equal(0, ghostDeferred, "23: a push failed although the token refuses nobody");
        }
        if (modest && coveredAtStarts && !lossy && !restated && !amended) {
            equal(0, queued, "13: owed although every start was covered");
        }
    }
}
