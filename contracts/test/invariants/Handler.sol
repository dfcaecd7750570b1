// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cast} from "./Cast.sol";
import {MoneyActs} from "./MoneyActs.sol";
import {Packing} from "../Packing.sol";
import {Signing} from "../Signing.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IEscrowFactory} from "../../interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";

/// @title Everything that can be done to one agreement, in any order
/// @notice Each function is one act, with arguments that make sense most of the time. The last ones change parties and terms,
/// end the agreement, and play what was signed once more.
contract Handler is MoneyActs {
    struct Change {
        uint256 first;
        bool sequential;
        bytes32 termsHash;
    }

    Change[] private _changes;
    mapping(uint256 slot => bool) private _lapsed;
    uint256 private _newcomers;

    constructor(uint8 kind_) Cast(Kind(kind_)) {}

    // --- rules of a period ------------------------------------------------------------------------------------------

    function isSequential(uint256 period) internal view override returns (bool) {
        for (uint256 i = _changes.length; i != 0; --i) {
            if (_changes[i - 1].first <= period) return _changes[i - 1].sequential;
        }
        return sequential;
    }

    function isCarriedOn(uint256 period) internal view override returns (bool) {
        if (isSequential(period)) return true;
        uint256 governing = 0;
        for (uint256 i = _changes.length; i != 0 && governing == 0; --i) {
            if (_changes[i - 1].first <= period) governing = i;
        }
        uint256 last = escrow.lastPeriod();
        for (uint256 i = governing; i < _changes.length; ++i) {
            if (_changes[i].first <= last && _changes[i].sequential) return true;
        }
        return false;
    }

    // --- amendment --------------------------------------------------------------------------------------------------

    function amend(uint256 seed) external acting(seed) unruly {
        if (oneIn(2)) return idle();
        uint256 first = oneIn(6) ? draw(6) : started() + 1;
        bool inTurn = oneIn(3);
        Packing.Arguments memory a = args;
        a.reserve = uint104((1 + draw(4)) * args.reserve / 2);
        a.evidenceWindow = uint32((1 + draw(3)) * DAY);
        if (a.challengeWindow != 0) a.challengeWindow = uint32((1 + draw(5)) * DAY);
        if (oneIn(10)) a.holdbackDelay += 1;
        amending(first, inTurn, a);
    }

    function amending(uint256 first, bool inTurn, Packing.Arguments memory a) private {
        IOutcomeEscrow.Amending memory m;
        m.agreementDigest = "agreement";
        m.programHash = factory.registerProgram(inTurn ? IN_TURN : passThrough(3));
        m.arguments = Packing.pack(a);
        m.nonce = draw(2);
        m.first = first;
        m.deadline = block.timestamp + draw(3);
        bool before = first > 1 && isSequential(first - 1);
        m.carry = new uint8[](inTurn ? 6 : 0);
        bool keeps = before && oneIn(2);
        for (uint8 i = 0; i < m.carry.length; ++i) {
            m.carry[i] = keeps ? i : 255;
        }
        IEscrowFactory.Offer memory made =
            IEscrowFactory.Offer(m.agreementDigest, m.programHash, "", m.arguments, m.nonce);
        (, bytes32 hash) = factory.predict(made);
        bytes32 previous = _changes.length == 0 ? termsHash : _changes[_changes.length - 1].termsHash;
        bytes32 digest =
            Signing.amendment(separator(), address(escrow), previous, hash, uint32(first), m.carry, uint40(m.deadline));
        bytes[] memory signatures = withBackups(signAll(concerned(first), digest), digest);
        if (oneIn(8)) signatures[0] = signatures[1];
        if (!performSigned(KEEPER, abi.encodeCall(IOutcomeEscrow.amend, (m, signatures)), 0, false)) return;
        check(block.timestamp < m.deadline, "18: amended at its deadline");
        check(signatures[0].length != 0, "17: amended");
        accepted(first, inTurn, hash, a, signatures);
    }

    function accepted(uint256 first, bool inTurn, bytes32 hash, Packing.Arguments memory a, bytes[] memory signatures)
        private
    {
        _changes.push(Change(first, inTurn, hash));
        amended = true;
        args.reserve = a.reserve;
        args.evidenceWindow = a.evidenceWindow;
        args.challengeWindow = a.challengeWindow;
        uint256 at = signatures.length;
        for (uint256 slot = 3; slot != 0; --slot) {
            if (!hasBackup(slot - 1)) continue;
            if (signatures[--at].length == 0) _lapsed[slot - 1] = true;
        }
    }

    function hasBackup(uint256 slot) private view returns (bool) {
        return args.slots[slot].backup != address(0) && !_lapsed[slot];
    }

    function withBackups(bytes[] memory signatures, bytes32 digest) private returns (bytes[] memory all) {
        uint256 count = signatures.length;
        for (uint256 slot = 0; slot < 3; ++slot) {
            if (hasBackup(slot)) ++count;
        }
        all = new bytes[](count);
        for (uint256 i = 0; i < signatures.length; ++i) {
            all[i] = signatures[i];
        }
        count = signatures.length;
        for (uint256 slot = 0; slot < 3; ++slot) {
            if (hasBackup(slot)) all[count++] = oneIn(3) ? bytes("") : signatureOf(BACKUP_KEY + slot, digest);
        }
    }

    /// @dev Everyone who holds a period from `first` on.
    function concerned(uint256 first) private view returns (uint256 bits) {
        bits = holdersOf(first);
        uint256 count = escrow.tenures();
        uint256 last = escrow.lastPeriod();
        for (uint256 i = 3; i < count; ++i) {
            uint256 begins = escrow.account(i).first;
            if (begins > first && begins <= last) bits |= 1 << i;
        }
    }

    // --- change of holder -------------------------------------------------------------------------------------------

    function assign(uint256 seed) external acting(seed) unruly {
        if (oneIn(2)) return idle();
        uint8 slot = uint8(draw(oneIn(10) ? 5 : 3));
        uint32 first = uint32(started() + (oneIn(10) ? 2 : 1));
        address incoming = vm.addr(INCOMING_KEY + (_newcomers % 8));
        if (oneIn(10)) incoming = signer(draw(3));
        address to = oneIn(20) ? address(escrow) : address(uint160(0x1C00 + _newcomers));
        uint256 holder = slot < 3 ? escrow.holderOf(slot, first) : 0;
        (uint256 number,,) = escrow.occasions();
        bytes32 digest = Signing.assignment(
            separator(), address(escrow), escrow.termsHashOf(first), slot, incoming, to, first, uint32(number)
        );
        bytes[] memory signatures = new bytes[](oneIn(20) ? 2 : 3);
        signatures[0] = signAs(oneIn(12) ? signer(0) : client, digest);
        signatures[1] = signAs(escrow.account(holder).holder, digest);
        if (signatures.length == 3) signatures[2] = signAs(incoming, digest);
        uint256 bond = slot < 3 ? args.slots[slot].bond : 0;
        uint256 value = bring(KEEPER, bond);
        bytes memory data = abi.encodeCall(IOutcomeEscrow.assign, (slot, incoming, to, first, signatures));
        if (performSigned(KEEPER, data, value, false)) ++_newcomers;
    }

    function stepIn(uint256 seed) external acting(seed) {
        steppingIn();
    }

    function press() internal override {
        if (oneIn(2)) return steppingIn();
        uint256 before = escrow.lastPeriod();
        if (!terminatingForStreak()) return;
        reach("cause", bytes32(uint256(2)));
        check(escrow.lastPeriod() < before, "24: a termination that ends nothing earlier");
    }

    function steppingIn() private {
        uint256 slot = mood == Mood.Slack && !oneIn(4) ? slack : draw(oneIn(10) ? 5 : 3);
        address who = oneIn(10) ? ATTACKER : client;
        uint256 value = bring(who, slot < 3 ? args.slots[slot].bond : 0);
        bytes memory data = abi.encodeCall(IOutcomeEscrow.stepIn, (slot, address(uint160(0x5E00 + slot))));
        (bool done,) = perform(who, data, value, false);
        if (!done) return;
        check(who == client && hasBackup(slot), "17: stepped in without right");
        _lapsed[slot] = true;
    }

    // --- termination ------------------------------------------------------------------------------------------------

    function terminate(uint256 seed) external acting(seed) unruly {
        if (oneIn(4)) return idle();
        uint256 before = escrow.lastPeriod();
        uint256 begun = started();
        // A client whose provider is slack waits for its cause.
        uint256 which = mood == Mood.Slack && !oneIn(8) ? 2 : draw(5);
        bool done;
        if (which == 0) done = terminatingMutually(begun);
        else if (which == 1) done = terminatingByNotice();
        else if (which == 2) done = terminatingForStreak();
        else if (which == 3) done = terminatingForUncovered();
        else done = terminatingOnFinding(seed);
        if (!done) return;
        reach("cause", bytes32(which));
        check(escrow.lastPeriod() < before, "24: a termination that ends nothing earlier");
        check(escrow.lastPeriod() >= begun, "24: ended before a period that has started");
    }

    function terminatingMutually(uint256 begun) private returns (bool) {
        (, uint256 number,) = escrow.occasions();
        uint256 last = oneIn(8) ? begun + 1 : begun;
        bytes32 terms = escrow.termsHashOf(begun == 0 ? 1 : begun);
        bytes32 digest = Signing.termination(separator(), address(escrow), terms, uint32(last), uint32(number));
        bytes[] memory signatures = signAll(currentHolders(), digest);
        return performSigned(KEEPER, abi.encodeCall(IOutcomeEscrow.terminateMutually, (last, signatures)), 0, false);
    }

    function terminatingByNotice() private returns (bool done) {
        address who = oneIn(6) ? ATTACKER : oneIn(2) ? client : signer(draw(3));
        // The fees have to be there, above what the reserve needs.
        if (who == client && !oneIn(4)) funding(client, escrow.requiredCover() + 200 * scale);
        (done,) = perform(who, abi.encodeCall(IOutcomeEscrow.terminateForConvenience, ()), 0, false);
        if (done) check(who != ATTACKER, "17: terminated by an attacker");
    }

    function terminatingForStreak() private returns (bool done) {
        address who = oneIn(6) ? ATTACKER : client;
        uint256 slot = mood == Mood.Slack && !oneIn(4) ? slack : draw(oneIn(6) ? 5 : 3);
        (done,) = perform(who, abi.encodeCall(IOutcomeEscrow.terminateForStreak, (slot)), 0, false);
        if (done) check(who == client && args.streak != 0, "17: terminated without a streak");
    }

    function terminatingForUncovered() private returns (bool done) {
        address who = oneIn(6) ? ATTACKER : signer(draw(3));
        (,, uint256 since) = escrow.occasions();
        (done,) = perform(who, abi.encodeCall(IOutcomeEscrow.terminateForUncovered, ()), 0, false);
        if (!done) return false;
        check(who != ATTACKER, "17: terminated by an attacker");
        check(since != 0 && block.timestamp >= since + args.cureWindow, "18: terminated within the cure window");
    }

    function terminatingOnFinding(uint256 seed) private returns (bool) {
        uint256 begun = started();
        bytes32 terms = escrow.termsHashOf(begun == 0 ? 1 : begun);
        bytes32 digest = Signing.finding(separator(), address(escrow), terms, bytes32(seed), client, seed);
        bytes memory signature = signAs(oneIn(6) ? client : args.arbitrator, digest);
        return performSigned(
            KEEPER,
            abi.encodeCall(IOutcomeEscrow.terminateOnFinding, (bytes32(seed), client, seed, signature)),
            0,
            false
        );
    }

    // --- senseless --------------------------------------------------------------------------------------------------

    /// @notice What was signed once is played again: it is refused.
    function replay(uint256 seed) external acting(seed) {
        if (played.length == 0) return idle();
        Played memory again = played[oneIn(2) ? played.length - 1 : draw(played.length)];
        uint256 value = bring(ATTACKER, again.value == 0 ? args.reserve : again.value);
        (bool done,) = perform(ATTACKER, again.data, again.value == 0 ? 0 : value, false);
        check(!done, "17: a signature was used twice");
    }

    /// @notice Calls that make no sense: unknown functions, coin where none belongs, too little gas.
    function stray(uint256 seed) external acting(seed) {
        uint256 which = draw(4);
        if (which == 0) {
            // Of a hash: the fuzzer knows selectors of functions there are, whose arguments these are not.
            perform(ATTACKER, abi.encodeWithSelector(bytes4(keccak256(abi.encode(seed))), seed, seed), 0, false);
        } else if (which == 1) {
            vm.deal(ATTACKER, 1 ether);
            perform(ATTACKER, abi.encodeCall(IOutcomeEscrow.deposit, (7)), 8, false);
        } else if (which == 2) {
            short();
        } else {
            perform(ATTACKER, abi.encodeCall(IOutcomeEscrow.settle, (draw(8), new int256[](draw(5)))), 0, false);
        }
    }

    /// @dev Settling or cancelling with less gas than a push needs: it does not make the push fail.
    function short() private {
        uint256 period = find(IEscrowErrors.PeriodStage.Reported, true);
        if (period == 0) return idle();
        IOutcomeEscrow.Version[] memory all = versionsAt(period);
        bytes memory data = abi.encodeCall(IOutcomeEscrow.settle, (period, all[0].values));
        performWith(KEEPER, data, 0, false, 120_000 + draw(400_000));
    }
}
