// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DisputeActs} from "./DisputeActs.sol";
import {Receiver} from "../Doubles.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";

/// @title Funding, arrears, claims, withdrawals, closing; and what the token does by itself
abstract contract MoneyActs is DisputeActs {
    function deposit(uint256 seed) external acting(seed) {
        uint256 amount = oneIn(10) ? 0 : draw(args.reserve / (mood == Mood.Scarce ? 2 : 4));
        if (oneIn(16)) amount = 2 ** 104;
        if (!oneIn(4)) return funding(oneIn(2) ? client : ATTACKER, amount);
        uint256 value = bring(client, amount);
        bytes memory data = abi.encodeCall(IOutcomeEscrow.depositWithPermit, (amount, block.timestamp, 27, 0, 0));
        // A token of address zero has no permit, and the compiler's own check of that says nothing.
        if (kind != Kind.Native) perform(client, data, value, false);
    }

    function payArrears(uint256 seed) external acting(seed) {
        if (escrow.queueLength() == 0 && !oneIn(4)) return idle();
        bool sure = escrow.queueLength() != 0 && escrow.funds() != 0 && fresh;
        perform(KEEPER, abi.encodeCall(IOutcomeEscrow.payArrears, (1 + draw(3))), 0, sure);
    }

    function sync(uint256 seed) external acting(seed) {
        if (kind == Kind.Rebasing && oneIn(2)) return claiming();
        perform(KEEPER, abi.encodeCall(IOutcomeEscrow.sync, ()), 0, false);
    }

    /// @dev A tenure or the client that has something to claim, if any.
    function claimant() private returns (int256) {
        uint256 count = escrow.tenures();
        uint256 offset = draw(count + 1);
        for (uint256 i = 0; i <= count; ++i) {
            uint256 tenure = (i + offset) % (count + 1);
            if (tenure == count ? escrow.clientClaimable() != 0 : escrow.account(tenure).claimable != 0) {
                return tenure == count ? CLIENT : int256(tenure);
            }
        }
        return int256(draw(count + 3)) - 1;
    }

    function claim(uint256 seed) external acting(seed) {
        claiming();
    }

    function claiming() private {
        int256 provider = claimant();
        bool early = !oneIn(kind == Kind.Rebasing ? 4 : 2);
        address who = provider == CLIENT ? client : signer(draw(3));
        if (provider >= 0 && uint256(provider) < escrow.tenures()) who = escrow.account(uint256(provider)).holder;
        if (oneIn(8)) who = ATTACKER;
        address to = oneIn(4) ? [address(0), address(escrow), payout(0)][draw(3)] : address(0xF00D);
        uint256 balance = balanceOf(address(escrow));
        uint256 tracked = escrow.tracked();
        uint256 funds = escrow.funds();
        (bool done,) = perform(who, abi.encodeCall(IOutcomeEscrow.claim, (provider, to, early)), 0, false);
        if (!done) return;
        check(who != ATTACKER, "17: claimed by an attacker");
        // What funding bears harms no owner; what is left is covered in the share in which it was.
        uint256 owned = tracked - funds;
        uint256 left = escrow.tracked() - escrow.funds();
        if (balance >= owned) check(balanceOf(address(escrow)) >= left, "21: a claim took from others");
        else check(balanceOf(address(escrow)) * owned >= balance * left, "21: an early claim took from others");
    }

    function balanceOf(address who) internal view returns (uint256) {
        return kind == Kind.Native ? who.balance : odd.balanceOf(who);
    }

    function movePayout(uint256 seed) external acting(seed) {
        uint256 provider = draw(escrow.tenures() + 1);
        address who = provider < escrow.tenures() ? escrow.account(provider).holder : client;
        if (oneIn(6)) who = ATTACKER;
        address to = oneIn(6) ? address(escrow) : address(uint160(0x3000 + draw(64)));
        (bool done,) = perform(who, abi.encodeCall(IOutcomeEscrow.movePayout, (provider, to)), 0, false);
        if (done) check(who != ATTACKER, "17: an attacker moved a payout");
    }

    function withdraw(uint256 seed) external acting(seed) {
        uint256 cover = escrow.requiredCover() + args.reserve;
        uint256 funds = escrow.funds();
        uint256 spare = funds > cover ? funds - cover : 0;
        uint256 amount = spare == 0 || oneIn(6) ? draw(2 * args.reserve) : 1 + draw(spare);
        address who = oneIn(6) ? ATTACKER : client;
        bool owed = escrow.queueLength() != 0;
        (bool done,) = perform(who, abi.encodeCall(IOutcomeEscrow.withdraw, (amount)), 0, false);
        if (!done) return;
        check(who != ATTACKER, "17: an attacker withdrew");
        check(!owed, "9: the client withdrew while somebody was owed");
        check(escrow.funds() >= escrow.requiredCover(), "13: the client withdrew what the reserve needs");
    }

    function recordUncovered(uint256 seed) external acting(seed) {
        if (kind == Kind.Rebasing && oneIn(2)) return claiming();
        perform(KEEPER, abi.encodeCall(IOutcomeEscrow.recordUncovered, ()), 0, false);
    }

    function close(uint256 seed) external acting(seed) {
        uint256 last = escrow.lastPeriod();
        (bool done,) = perform(OUTSIDER, abi.encodeCall(IOutcomeEscrow.close, (draw(4))), 0, false);
        if (!done) return idle();
        uint256 end = last == 0 ? args.start : args.ends[last - 1];
        check(block.timestamp >= end + args.holdbackDelay, "18: closed before the holdback date");
        for (uint256 i = 1; i <= last; ++i) {
            check(timesSettled[i] != 0, "5: closed before every period was settled");
        }
    }

    // --- what the token does by itself ------------------------------------------------------------------------------

    function mischief(uint256 seed) external acting(seed) unruly {
        bool before = fresh;
        fresh = false;
        uint256 which = uint256(kind);
        if (oneIn(6)) return give();
        if (which == uint256(Kind.Native)) return setMood(Receiver.Mood(draw(6)));
        if (which == uint256(Kind.Fee)) return odd.setFee(oneIn(8) ? 100 : draw(20));
        if (which == uint256(Kind.FalseReturning) || which == uint256(Kind.Blacklisting)) {
            return odd.refuse(someone(), !oneIn(3));
        }
        if (which == uint256(Kind.Pausing)) return odd.setPaused(oneIn(2));
        // What a push left behind and what then vanished make an early claim.
        if (which == uint256(Kind.Rebasing)) return oneIn(3) ? odd.refuse(someone(), !oneIn(3)) : rebase();
        if (which == uint256(Kind.Reentering)) return lure();
        fresh = before;
    }

    function someone() private returns (address) {
        uint256 which = draw(6);
        return which < 3 ? payout(which) : which == 3 ? client : which == 4 ? address(escrow) : KEEPER;
    }

    /// @dev Money arrives that nobody deposited; the native coin comes as from a contract that ends itself.
    function give() private {
        uint256 amount = 1 + draw(args.reserve);
        if (kind == Kind.Native) vm.deal(address(escrow), address(escrow).balance + amount);
        else odd.mint(address(escrow), amount);
    }

    function rebase() private {
        uint256 balance = odd.balanceOf(address(escrow));
        uint256 funds = escrow.funds();
        if (oneIn(3) && balance > funds) {
            // More is lost than the client's funding can bear; then somebody wants its own.
            odd.burn(address(escrow), funds + 1 + draw(balance - funds));
            return claiming();
        }
        uint256 part = balance * draw(oneIn(2) ? 101 : 10) / 100;
        if (oneIn(2)) odd.mint(address(escrow), part);
        else odd.burn(address(escrow), part);
    }

    function setMood(Receiver.Mood mood) private {
        uint256 which = draw(4);
        Receiver(payable(which == 3 ? client : payout(which))).setMood(mood);
    }

    function lure() private {
        uint256 which = draw(6);
        bytes memory bait = abi.encodeCall(IOutcomeEscrow.payArrears, (1));
        if (which == 1) bait = abi.encodeCall(IOutcomeEscrow.sync, ());
        if (which == 2) bait = abi.encodeCall(IOutcomeEscrow.deposit, (0));
        if (which == 3) bait = abi.encodeCall(IOutcomeEscrow.close, (1));
        if (which == 4) bait = abi.encodeCall(IOutcomeEscrow.proposeDefault, (started()));
        odd.setBait(oneIn(5) ? address(0) : address(escrow), bait);
    }

    // --- closing alone ----------------------------------------------------------------------------------------------

    /// @notice Whatever has happened, an outsider alone closes, while all others are silent and the token stays as it is.
    function closeAlone() external {
        stir(1);
        if (address(escrow) == address(0)) return;
        if (stage() == IEscrowErrors.Stage.Offer) {
            if (block.timestamp < args.activateBy) vm.warp(args.activateBy);
            perform(OUTSIDER, abi.encodeCall(IOutcomeEscrow.cancel, ()), 0, true);
            return;
        }
        if (stage() == IEscrowErrors.Stage.Closed) return;
        for (uint256 period = 1; period <= escrow.lastPeriod(); ++period) {
            endAlone(period);
        }
        uint256 last = escrow.lastPeriod();
        later((last == 0 ? args.start : args.ends[last - 1]) + args.holdbackDelay);
        for (uint256 i = 0; i < 64 && !closed; ++i) {
            perform(OUTSIDER, abi.encodeCall(IOutcomeEscrow.close, (1 + i % 3)), 0, true);
        }
        check(closed, "12: closing does not end");
    }

    function endAlone(uint256 period) private {
        for (uint256 i = 0; i < 4; ++i) {
            (IEscrowErrors.PeriodStage is_, uint256 until) = window(period);
            if (is_ == IEscrowErrors.PeriodStage.Settled) return;
            later(is_ == IEscrowErrors.PeriodStage.None ? escrow.evidenceDue(period) : until);
            if (is_ == IEscrowErrors.PeriodStage.None) proposing(period);
            else if (is_ == IEscrowErrors.PeriodStage.Disputed) fallingBack(period);
            else settling(period, false);
        }
        (IEscrowErrors.PeriodStage now_,) = window(period);
        check(now_ == IEscrowErrors.PeriodStage.Settled, "12: a period cannot be ended");
    }

    function later(uint256 time) private {
        if (block.timestamp < time) vm.warp(time);
        watchCover();
    }
}
