// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PeriodActs} from "./PeriodActs.sol";
import {Signing} from "../Signing.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";

/// @title Challenge, ruling, fallback, replacement, agreement
abstract contract DisputeActs is PeriodActs {
    function given(string memory name, uint256 period, uint256 number, int256[] memory values)
        internal
        view
        returns (bytes32)
    {
        return Signing.given(
            separator(), name, address(escrow), escrow.termsHashOf(period), uint32(period), uint32(number), values
        );
    }

    function idle() internal override {
        uint256 period;
        if (stage() == IEscrowErrors.Stage.Active) {
            if (mood != Mood.Wild && oneIn(2)) return goOn();
            if (oneIn(3)) period = find(IEscrowErrors.PeriodStage.None, true);
            if (period != 0) return reporting(period, drawValues(), true);
            if (oneIn(2)) period = find(IEscrowErrors.PeriodStage.Reported, false);
            if (period != 0) return challenging(period);
            if (oneIn(2)) period = find(IEscrowErrors.PeriodStage.Disputed, false);
            if (period != 0) return args.chooses ? choosing(period) : ruling(period);
        }
        if (oneIn(4)) pass();
    }

    /// @dev What is due in the ordinary case; if nothing is, time goes on.
    function goOn() internal override {
        if (mood == Mood.Scarce) return quarrel();
        uint256 period = find(IEscrowErrors.PeriodStage.None, true);
        if (mood == Mood.Slack && oneIn(4)) return press();
        bool absent = mood == Mood.Slack && oneIn(3);
        if (period != 0 && absent && block.timestamp >= escrow.evidenceDue(period)) return proposing(period);
        if (period != 0 && !absent) return reporting(period, drawValues(), true);
        period = find(IEscrowErrors.PeriodStage.Reported, true);
        if (period == 0) period = find(IEscrowErrors.PeriodStage.Defaulted, true);
        if (period != 0) return settling(period, false);
        period = find(IEscrowErrors.PeriodStage.Disputed, true);
        if (period != 0) return fallingBack(period);
        pass();
    }

    /// @dev A report, a challenge, the dispute, its ruling.
    function quarrel() private {
        uint256 period = find(IEscrowErrors.PeriodStage.Disputed, false);
        if (period != 0) return args.chooses ? choosing(period) : ruling(period);
        period = find(IEscrowErrors.PeriodStage.Reported, true);
        if (period != 0) return settling(period, false);
        period = find(IEscrowErrors.PeriodStage.Reported, false);
        if (period != 0 && versionsAt(period).length == 1) return challenging(period);
        period = find(IEscrowErrors.PeriodStage.None, true);
        if (period != 0) return reporting(period, drawValues(), true);
        pass();
    }

    /// @dev What a client does about a provider that shows no evidence.
    function press() internal virtual;

    // --- challenge --------------------------------------------------------------------------------------------------

    function challenge(uint256 seed) external acting(seed) unruly {
        uint256 period = find(IEscrowErrors.PeriodStage.Reported, false);
        if (period == 0) period = find(IEscrowErrors.PeriodStage.Defaulted, false);
        if (period == 0 && !oneIn(4)) return idle();
        if (period == 0) period = 1 + draw(5);
        challenging(period);
    }

    function challengeAgain(uint256 seed) external acting(seed) unruly {
        uint256 period = find(IEscrowErrors.PeriodStage.Reported, false);
        if (period == 0) return idle();
        challenging(period);
    }

    function challenging(uint256 period) private {
        IOutcomeEscrow.Challenging memory c;
        c.period = period;
        uint256 slot = draw(4);
        c.party = slot == 3 ? CLIENT : int256(escrow.holderOf(slot, period));
        address party = slot == 3 ? client : escrow.account(uint256(c.party)).holder;
        IOutcomeEscrow.Version[] memory all = versionsAt(period);
        c.values = all[draw(all.length)].values;
        if (!oneIn(12)) c.values = differently(c.values);
        c.stake = stakeFor(period, all[0].values, c.values);
        if (oneIn(4)) c.stake *= 2;
        if (oneIn(8)) c.stake /= 2;
        address who = party;
        if (oneIn(3)) {
            (,, uint256 proposals,) = stateOf(period);
            c.signature = signAs(party, given("Challenge", period, proposals, c.values));
            who = KEEPER;
        } else if (oneIn(8)) {
            who = ATTACKER;
        }
        if (oneIn(10)) all[0].values[0] += base;
        submit(who, c, all);
    }

    function submit(address who, IOutcomeEscrow.Challenging memory c, IOutcomeEscrow.Version[] memory all) private {
        uint256 until = type(uint256).max;
        (, until,,) = stateOf(c.period);
        uint256 value = bring(who, c.stake);
        bytes memory data = abi.encodeCall(IOutcomeEscrow.challenge, (c, all));
        bool done;
        if (c.signature.length == 0) (done,) = perform(who, data, value, false);
        else done = performSigned(who, data, value, false);
        if (!done) return;
        check(block.timestamp < until, "18: challenged when the window was over");
        versions[c.period] = abi.encode(more(c.period, all, c.party, stakeOf[c.period][c.party], c.values));
    }

    function stateOf(uint256 period)
        internal
        view
        returns (IEscrowErrors.PeriodStage is_, uint256 until, uint256 proposals, uint256 agreements)
    {
        if (period == 0 || period > escrow.lastPeriod()) return (is_, 0, 0, 0);
        return escrow.periodState(period);
    }

    function differently(int256[] memory others) private returns (int256[] memory values) {
        values = new int256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            values[i] = others[i];
        }
        for (uint256 i = 1 + draw(3); i != 0; --i) {
            uint256 kpi = draw(3);
            values[kpi] = drawValue(kpi);
        }
    }

    function stakeFor(uint256 period, int256[] memory report_, int256[] memory mine) private view returns (uint256) {
        int256[][] memory rows = new int256[][](2);
        (rows[0], rows[1]) = (report_, mine);
        if (period > args.ends.length) return args.stakeFixed;
        IOutcomeEscrow.Priced[] memory priced = escrow.price(period, rows);
        uint256 apart = 0;
        for (uint256 i = 0; i < 3; ++i) {
            int256 difference = priced[0].amounts[i] - priced[1].amounts[i];
            apart += uint256(difference < 0 ? -difference : difference);
        }
        uint256 share = (apart * args.stakeShare + 1e18 - 1) / 1e18;
        return share > args.stakeFixed ? share : args.stakeFixed;
    }

    /// @dev Whether the arbitrator may decide on a period or was to have decided, and until when. Once the window of a
    /// challenged period is over nobody needs to open the dispute first.
    function disputed(uint256 period) internal view returns (bool, uint256) {
        (IEscrowErrors.PeriodStage is_, uint256 until,,) = stateOf(period);
        if (is_ == IEscrowErrors.PeriodStage.Disputed) return (true, until);
        bool challenged = (is_ == IEscrowErrors.PeriodStage.Reported || is_ == IEscrowErrors.PeriodStage.Defaulted)
            && versionsAt(period).length > 1;
        if (!challenged || block.timestamp < until) return (false, 0);
        return (true, until + args.rulingWindow);
    }

    // --- ruling -----------------------------------------------------------------------------------------------------

    function rule(uint256 seed) external acting(seed) {
        uint256 period = find(IEscrowErrors.PeriodStage.Disputed, false);
        if (period == 0 && !oneIn(6)) return settleInstead();
        if (period == 0) period = 1 + draw(5);
        if (args.chooses != oneIn(10)) choosing(period);
        else ruling(period);
    }

    function settleInstead() private {
        uint256 period = find(IEscrowErrors.PeriodStage.Reported, true);
        if (period == 0) idle();
        else settling(period, false);
    }

    function ruling(uint256 period) private {
        IOutcomeEscrow.Version[] memory all = versionsAt(period);
        int256[] memory values = between(all[draw(all.length)].values, all[draw(all.length)].values);
        if (oneIn(8)) values = drawValues();
        (, uint256 until) = disputed(period);
        (,, uint256 proposals,) = stateOf(period);
        bytes memory signature = "";
        address who = args.arbitrator;
        if (oneIn(2)) {
            who = KEEPER;
            address by = oneIn(10) ? client : args.arbitrator;
            signature = signAs(by, given("Ruling", period, proposals, values));
        } else if (oneIn(10)) {
            who = ATTACKER;
        }
        bytes memory data = abi.encodeCall(IOutcomeEscrow.rule, (period, all, values, signature));
        (bool done,) = perform(who, data, 0, false);
        if (!done) return;
        check(who != ATTACKER, "17: ruled by an attacker");
        check(block.timestamp < until, "18: ruled when the arbitrator's time was over");
        if (signature.length != 0) played.push(Played(data, 0));
    }

    /// @dev Half way, in multiples of every KPI's decimals.
    function between(int256[] memory one, int256[] memory other) private returns (int256[] memory values) {
        values = new int256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            bool whole = one[i] == MISSING || other[i] == MISSING || oneIn(2);
            values[i] = whole ? one[i] : (one[i] + other[i]) / 2 / stepOf(i) * stepOf(i);
        }
    }

    function choosing(uint256 period) private {
        IOutcomeEscrow.Version[] memory all = versionsAt(period);
        uint256 choice = oneIn(6) ? type(uint256).max : draw(all.length + 1);
        (, uint256 until) = disputed(period);
        address who = oneIn(10) ? ATTACKER : args.arbitrator;
        (bool done,) = perform(who, abi.encodeCall(IOutcomeEscrow.choose, (period, all, choice)), 0, false);
        if (!done) return;
        check(who != ATTACKER, "17: chosen by an attacker");
        check(block.timestamp < until, "18: chosen when the arbitrator's time was over");
    }

    function fallBack(uint256 seed) external acting(seed) {
        uint256 period = find(IEscrowErrors.PeriodStage.Disputed, true);
        if (period == 0 && !oneIn(4)) return idle();
        if (period == 0) period = 1 + draw(5);
        fallingBack(period);
    }

    function fallingBack(uint256 period) internal {
        (bool is_, uint256 until) = disputed(period);
        bool sure = is_ && block.timestamp >= until && stage() == IEscrowErrors.Stage.Active;
        bytes memory data = abi.encodeCall(IOutcomeEscrow.fallBack, (period, versionsAt(period)));
        (bool done,) = perform(OUTSIDER, data, 0, sure);
        if (done) check(sure, "18: fallback within the arbitrator's time");
    }

    // --- replacement and agreement ----------------------------------------------------------------------------------

    function replace(uint256 seed) external acting(seed) {
        uint256 period = find(IEscrowErrors.PeriodStage.Defaulted, false);
        if (period == 0 && !oneIn(6)) return idle();
        if (period == 0) period = 1 + draw(5);
        int256[] memory values = drawValues();
        (, uint256 until,,) = stateOf(period);
        bytes memory packed = signedBy(period, values, 6);
        bytes memory data = abi.encodeCall(IOutcomeEscrow.replace, (packed, versionsAt(period)));
        bool inside = block.timestamp < until || until == 0;
        if (!performSigned(KEEPER, data, 0, false)) return;
        check(inside, "18: replaced when the window was over");
        noteReport(period, values);
    }

    function agree(uint256 seed) external acting(seed) unruly {
        if (oneIn(2)) return idle();
        uint256 period = started();
        period = period == 0 || oneIn(8) ? draw(6) : 1 + draw(period);
        if (period == 0 || period > escrow.lastPeriod()) return idle();
        (,,, uint256 agreements) = stateOf(period);
        int256[] memory values = oneIn(12) ? new int256[](2) : drawValues();
        bytes[] memory signatures = signAll(bound_(period), given("Agreed", period, agreements, values));
        if (oneIn(8)) signatures[draw(signatures.length)] = signAs(args.arbitrator, bytes32(seed));
        bytes memory data = abi.encodeCall(IOutcomeEscrow.agree, (period, versionsAt(period), values, signatures));
        performSigned(KEEPER, data, 0, false);
    }

    /// @dev Whom an agreement on a period binds.
    function bound_(uint256 period) private view returns (uint256 bits) {
        bits = holdersOf(period);
        if (isCarriedOn(period)) bits |= currentHolders();
    }

    function isCarriedOn(uint256 period) internal view virtual returns (bool);

    function holdersOf(uint256 period) internal view returns (uint256 bits) {
        for (uint256 slot = 0; slot < 3; ++slot) {
            bits |= 1 << escrow.holderOf(slot, period);
        }
    }

    function currentHolders() internal view returns (uint256) {
        uint256 current = started();
        if (current == 0) current = 1;
        return holdersOf(current) | holdersOf(current < args.ends.length ? current + 1 : current);
    }

    /// @dev The client's signature, then those of the tenures marked.
    function signAll(uint256 bits, bytes32 digest) internal view returns (bytes[] memory all) {
        uint256 count = 1;
        for (uint256 rest = bits; rest != 0; rest &= rest - 1) {
            ++count;
        }
        all = new bytes[](count);
        all[0] = signatureOf(CLIENT_KEY, digest);
        count = 1;
        for (uint256 i = 0; bits >> i != 0; ++i) {
            if ((bits >> i) & 1 != 0) all[count++] = signAs(escrow.account(i).holder, digest);
        }
    }
}
