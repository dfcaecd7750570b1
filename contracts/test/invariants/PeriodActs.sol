// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cast} from "./Cast.sol";
import {Signing} from "../Signing.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";

/// @title Offer, reports, defaults, windows
abstract contract PeriodActs is Cast {
    /// @dev Starts an act: draws up the offer if there is none, and mostly carries it on before anything else. Half of the
    /// acts of a story that is about something serve that.
    modifier acting(uint256 seed) {
        stir(seed);
        if (address(escrow) == address(0)) drawUp();
        else if (stage() == IEscrowErrors.Stage.Offer && !oneIn(12)) carryOn();
        else if (mood != Mood.Wild && stage() == IEscrowErrors.Stage.Active && oneIn(2)) goOn();
        else _;
    }

    /// @dev What the story is about.
    function goOn() internal virtual;

    /// @dev An act after which a case is no ordinary one any more: where all is calm, seldom.
    modifier unruly() {
        if (mood == Mood.Calm && !oneIn(24)) idle();
        else _;
    }

    /// @dev The next step of an offer; seldom it lapses.
    function carryOn() private {
        if (block.timestamp >= args.activateBy) return cancelling();
        if (oneIn(mood == Mood.Wild || !escrow.isAccepted() ? 6 : 24)) return muddle();
        if (oneIn(mood == Mood.Wild ? 60 : 400)) return vm.warp(args.activateBy + draw(2));
        if (!escrow.isAccepted()) {
            bytes memory data = abi.encodeCall(IOutcomeEscrow.accept, ("agreement", nonce, partySignatures()));
            performSigned(KEEPER, data, 0, true);
            return;
        }
        for (uint256 slot = 0; slot < 3; ++slot) {
            uint256 missing = args.slots[slot].bond - escrow.account(slot).bond;
            if (missing != 0) return bonding(slot, oneIn(2) ? missing : 1 + draw(missing));
        }
        // An ordinary client pays ahead: for the periods to come, each of which costs a reserve at most.
        uint256 ahead = mood == Mood.Calm ? args.ends.length : mood == Mood.Scarce ? 0 : draw(3);
        if (escrow.funds() < args.reserve) return funding(client, args.reserve + ahead * args.reserve);
        perform(OUTSIDER, abi.encodeCall(IOutcomeEscrow.activate, ()), 0, false);
        watchCover();
    }

    function cancelling() internal {
        bool early = block.timestamp < args.activateBy;
        (bool done,) = perform(OUTSIDER, abi.encodeCall(IOutcomeEscrow.cancel, ()), 0, false);
        check(!(done && early), "18: cancelled before the offer lapsed");
    }

    function bonding(uint256 slot, uint256 amount) internal {
        uint256 value = bring(KEEPER, amount);
        perform(KEEPER, abi.encodeCall(IOutcomeEscrow.postBond, (slot, amount)), value, false);
    }

    function funding(address who, uint256 amount) internal {
        uint256 value = bring(who, amount);
        perform(who, abi.encodeCall(IOutcomeEscrow.deposit, (amount)), value, false);
    }

    // --- by anyone --------------------------------------------------------------------------------------------------

    /// @notice Acts of the offer when they are not due, or not in order.
    function offer_(uint256 seed) external acting(seed) {
        muddle();
    }

    function muddle() private {
        uint256 which = draw(5);
        if (which == 0) return bonding(draw(4), draw(200) * scale);
        if (which == 1) return cancelling();
        if (which == 2) {
            perform(ATTACKER, abi.encodeCall(IOutcomeEscrow.activate, ()), 0, false);
            return;
        }
        bytes[] memory signatures = partySignatures();
        if (oneIn(3)) signatures[draw(signatures.length)] = signatureOf(CLIENT_KEY + 1, termsHash);
        bytes memory data = abi.encodeCall(IOutcomeEscrow.accept, ("agreement", oneIn(2) ? 1 : nonce, signatures));
        performSigned(ATTACKER, data, 0, false);
    }

    function wait(uint256 seed) external acting(seed) {
        pass();
    }

    function waitOrWork(uint256 seed) external acting(seed) {
        idle();
    }

    // --- report and default -----------------------------------------------------------------------------------------

    function report(uint256 seed) external acting(seed) {
        uint256 period = find(IEscrowErrors.PeriodStage.None, true);
        if (period == 0) period = find(IEscrowErrors.PeriodStage.Defaulted, false);
        if (period == 0) return oneIn(2) ? idle() : misreport(1 + draw(5));
        if (oneIn(4)) return misreport(period);
        reporting(period, drawValues(), true);
    }

    function reporting(uint256 period, int256[] memory values, bool sure) internal {
        if (stage() != IEscrowErrors.Stage.Active) sure = false;
        bytes memory packed = signedBy(period, values, [3, 5, 6, 7][draw(4)]);
        bytes memory data = oneIn(2)
            ? abi.encodeCall(IOutcomeEscrow.report, (packed))
            : abi.encodePacked(IOutcomeEscrow.submit.selector, packed);
        IOutcomeEscrow.Version[] memory before = versionsAt(period);
        if (before.length > 1) sure = false;
        bool done = performSigned(KEEPER, data, 0, sure);
        if (done) noteReport(period, values);
    }

    function noteReport(uint256 period, int256[] memory values) internal {
        check(block.timestamp >= args.ends[period - 1], "18: reported before the period's end");
        versions[period] = abi.encode(versionsOf(period, values));
    }

    function versionsAt(uint256 period) internal view returns (IOutcomeEscrow.Version[] memory all) {
        if (versions[period].length == 0) return versionsOf(new int256[](3));
        return abi.decode(versions[period], (IOutcomeEscrow.Version[]));
    }

    /// @dev A packed report with the signatures of the verifiers marked in `signers`.
    function signedBy(uint256 period, int256[] memory values, uint8 signers)
        internal
        view
        returns (bytes memory packed)
    {
        bytes32 digest = Signing.report(
            separator(), address(escrow), escrow.termsHashOf(period), uint32(period), values, "evidence"
        );
        packed = body(uint32(period), values, signers);
        for (uint8 i = 0; i < 8; ++i) {
            if ((signers >> i) & 1 == 0) continue;
            packed = abi.encodePacked(packed, uint8(65), signatureOf(VERIFIER_KEY + i, digest));
        }
    }

    /// @dev A report with something wrong.
    function misreport(uint256 period) private {
        int256[] memory values = drawValues();
        uint256 which = draw(7);
        if (which == 0) values[draw(3)] = oneIn(2) ? MISSING : int256(2e24);
        bytes memory packed = signedBy(period, values, which == 1 ? 1 : which == 2 ? 9 : 3);
        if (which == 5) packed[packed.length - 1 - draw(130)] ^= 0x10;
        if (which == 3) packed[draw(packed.length)] ^= 0x10;
        if (which == 4) packed = cut(packed, draw(packed.length));
        bytes memory data = abi.encodeCall(IOutcomeEscrow.report, (packed));
        bool done = performSigned(ATTACKER, data, 0, false);
        if (!done) return;
        check(which == 6 || which == 0, "17: a report that no quorum signed");
        noteReport(period, values);
    }

    function cut(bytes memory packed, uint256 size) internal pure returns (bytes memory part) {
        part = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            part[i] = packed[i];
        }
    }

    function proposeDefault(uint256 seed) external acting(seed) unruly {
        uint256 period = find(IEscrowErrors.PeriodStage.None, true);
        if (period == 0 && !oneIn(3)) return idle();
        if (period == 0 || oneIn(8)) period = draw(6);
        proposing(period);
    }

    function proposing(uint256 period) internal {
        bool active = stage() == IEscrowErrors.Stage.Active && period != 0 && period <= escrow.lastPeriod();
        bool due = false;
        if (active && isTurn(period)) due = block.timestamp >= escrow.evidenceDue(period);
        if (active) {
            (IEscrowErrors.PeriodStage is_,) = window(period);
            active = is_ == IEscrowErrors.PeriodStage.None;
        }
        (bool done,) = perform(KEEPER, abi.encodeCall(IOutcomeEscrow.proposeDefault, (period)), 0, active && due);
        if (!done) return;
        check(due, "18: a default before evidence was due");
        versions[period] = abi.encode(versionsOf(period, allMissing()));
    }

    function settle(uint256 seed) external acting(seed) {
        uint256 period = find(IEscrowErrors.PeriodStage.Reported, true);
        if (period == 0) period = find(IEscrowErrors.PeriodStage.Defaulted, true);
        if (period == 0 && !oneIn(3)) return idle();
        if (period == 0 || oneIn(8)) period = 1 + draw(5);
        settling(period, oneIn(8));
    }

    /// @dev Settles what nobody challenged, or opens the dispute of what somebody did.
    function settling(uint256 period, bool wrong) internal {
        IOutcomeEscrow.Version[] memory all = versionsAt(period);
        bool sure = false;
        uint256 until = 0;
        if (stage() == IEscrowErrors.Stage.Active && period <= escrow.lastPeriod()) {
            IEscrowErrors.PeriodStage is_;
            (is_, until) = window(period);
            bool waits = is_ == IEscrowErrors.PeriodStage.Reported || is_ == IEscrowErrors.PeriodStage.Defaulted;
            sure = waits && block.timestamp >= until && !wrong;
        }
        bool challenged = all.length > 1 != wrong;
        if (wrong) all[0].values[draw(3)] += base;
        bytes memory data = challenged
            ? abi.encodeCall(IOutcomeEscrow.dispute, (period, all))
            : abi.encodeCall(IOutcomeEscrow.settle, (period, all[0].values));
        (bool done,) = perform(OUTSIDER, data, 0, sure);
        if (done) check(block.timestamp >= until, "18: settled or disputed inside the window");
    }

    function postDigest(uint256 seed) external acting(seed) {
        uint256 period = oneIn(8) ? draw(6) : started();
        if (period > 1 && !oneIn(4)) --period;
        address who = oneIn(6) ? ATTACKER : oneIn(4) ? client : signer(draw(3));
        if (mood == Mood.Slack && who == signer(slack) && !oneIn(8)) return idle();
        (bool done,) = perform(who, abi.encodeCall(IOutcomeEscrow.postDigest, (period, bytes32(seed))), 0, false);
        if (done) check(block.timestamp >= args.ends[period - 1], "18: a digest before the period's end");
        if (done && isTurn(period) && timesSettled[period] == 0) {
            check(block.timestamp < escrow.evidenceDue(period), "18: a digest when evidence was due");
        }
    }
}
