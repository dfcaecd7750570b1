// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Everyone who can do something to an escrow, as a random player calls them. What an act is refused for is part of the
/// game; what must hold is checked after each.
contract Actors is Fixture {
    uint32 private constant PERIODS = 8;

    bool internal immutable inTurn;
    /// @dev What owners fetched.
    uint256 public claimed;
    /// @dev How often each act went through.
    mapping(bytes32 => uint256) public done;

    /// @dev The versions of each period, as the players hand them in.
    mapping(uint256 => IOutcomeEscrow.Version[]) private versions;

    constructor(bool inTurn_) {
        inTurn = inTurn_;
    }

    function setUp() public override {
        super.setUp();
        describe(address(token), 3, PERIODS);
        withDisputes();
        withBonds();
        args.kpis[1].mayBeMissing = true;
        args.restates = !inTurn;
        (args.cureWindow, args.notice, args.convenience, args.streak) = (uint32(3 * DAY), uint32(12 * DAY), 3, 1);
        args.slots[0].backup = vm.addr(BACKUP_KEY);
        args.slots[1].fee = 40;
        args.reserve = 500;
        if (inTurn) programHash = factory.registerProgram(IN_TURN);
        begin(2000);
    }

    // --- money ------------------------------------------------------------------------------------------------------

    function clientDeposits(uint256 amount) external {
        amount = bound(amount, 1, 3000);
        fund(amount);
        ++done["deposit"];
    }

    function clientWithdraws(uint256 amount) external {
        vm.prank(client);
        act("withdraw", abi.encodeCall(escrow.withdraw, (bound(amount, 1, 1500))));
    }

    function keeperPaysArrears(uint256 max) external {
        act("arrears", abi.encodeCall(escrow.payArrears, (bound(max, 1, 4))));
    }

    function keeperCloses(uint256 max) external {
        act("close", abi.encodeCall(escrow.close, (bound(max, 0, 4))));
    }

    function keeperSyncs() external {
        act("sync", abi.encodeCall(escrow.sync, ()));
    }

    function ownerClaims(uint8 owner, bool early) external {
        int256 who = int256(uint256(owner) % (escrow.tenures() + 1)) - 1;
        uint256 before = token.balanceOf(address(0xC1A1));
        vm.prank(who == CLIENT ? client : account(uint256(who)).holder);
        act("claim", abi.encodeCall(escrow.claim, (who, address(0xC1A1), early)));
        claimed += token.balanceOf(address(0xC1A1)) - before;
    }

    function moodChanges(uint8 who, bool refuses) external {
        token.refuse(who % 4 == 3 ? client : payout(who % 4), refuses);
    }

    function donorGives(uint256 amount) external {
        amount = bound(amount, 1, 300);
        token.mint(address(escrow), amount);
    }

    function thiefTakes(uint256 amount) external {
        amount = bound(amount, 0, token.balanceOf(address(escrow)) / 8);
        token.burn(address(escrow), amount);
    }

    function timePasses(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1 hours, 6 days));
    }

    // --- periods ----------------------------------------------------------------------------------------------------

    function choose(uint32 seed) private view returns (uint32 period) {
        period = uint32(bound(seed, 1, PERIODS));
        for (uint32 i = 1; i <= PERIODS && seed % 4 != 0; ++i) {
            if (!isSettled(i)) return i;
        }
    }

    function isSettled(uint32 period) private view returns (bool) {
        return period > escrow.lastPeriod() || stageOf(period) == IEscrowErrors.PeriodStage.Settled;
    }

    function verifiersReport(uint32 seed, int16 a, int16 b, int16 c) external {
        uint32 period = choose(seed);
        int256[] memory values = paying(a / 16, b / 16, c / 16);
        if (seed % 5 == 0) values[0] = MISSING;
        bytes memory packed = signed(period, values, 0, 2);
        bytes memory data = abi.encodeCall(escrow.report, (packed));
        if (versions[period].length > 1) data = abi.encodeCall(escrow.replace, (packed, versions[period]));
        if (act("report", data)) note(period, values);
    }

    function note(uint32 period, int256[] memory values) private {
        delete versions[period];
        versions[period].push(IOutcomeEscrow.Version(0, 0, values, amountsAt(period, values)));
        stakesOf(period);
    }

    function amountsAt(uint32 period, int256[] memory values) private view returns (int256[] memory) {
        int256[][] memory rows = new int256[][](1);
        rows[0] = values;
        return escrow.price(period, rows)[0].amounts;
    }

    function keeperProposes(uint32 seed) external {
        uint32 period = choose(seed);
        int256[] memory values = new int256[](3);
        (values[0], values[1], values[2]) = (MISSING, MISSING, MISSING);
        if (act("propose", abi.encodeCall(escrow.proposeDefault, (period)))) note(period, values);
    }

    function keeperSettles(uint32 seed) external {
        uint32 period = choose(seed);
        int256[] memory values = versions[period].length == 0 ? new int256[](3) : versions[period][0].values;
        if (act("settle", abi.encodeCall(escrow.settle, (period, values)))) finished(period);
        else act("dispute", abi.encodeCall(escrow.dispute, (period, versions[period])));
    }

    function partyChallenges(uint32 seed, int8 party, int16 a, int16 b, int16 c) external {
        uint32 period = choose(seed);
        int256 who = int256(uint256(uint8(party)) % 4) - 1;
        if (who != CLIENT) who = int256(holder(uint256(who), period));
        address caller = who == CLIENT ? client : account(uint256(who)).holder;
        int256[] memory values = paying(a / 16, b / 16, c / 16);
        approve(caller, 1200);
        vm.prank(caller);
        bytes memory data = abi.encodeCall(
            escrow.challenge, (IOutcomeEscrow.Challenging(period, who, 1200, values, ""), versions[period])
        );
        if (!act("challenge", data)) return;
        versions[period].push(IOutcomeEscrow.Version(who, 1200, values, amountsAt(period, values)));
        stakesOf(period);
    }

    function holder(uint256 slot, uint32 period) private view returns (uint256) {
        return escrow.holderOf(slot, period);
    }

    function arbitratorRules(uint32 seed, uint8 which) external {
        uint32 period = choose(seed);
        uint256 count = versions[period].length;
        if (count == 0) return;
        int256[] memory values = versions[period][which % count].values;
        vm.prank(args.arbitrator);
        if (act("rule", abi.encodeCall(escrow.rule, (period, versions[period], values, "")))) finished(period);
    }

    function keeperFallsBack(uint32 seed) external {
        uint32 period = choose(seed);
        if (act("fallBack", abi.encodeCall(escrow.fallBack, (period, versions[period])))) finished(period);
    }

    function allAgree(uint32 seed, int16 a, int16 b, int16 c) external {
        uint32 period = seed % 2 == 0 ? uint32(bound(seed, 1, PERIODS)) : choose(seed);
        if (period > escrow.lastPeriod()) return;
        int256[] memory values = paying(a / 16, b / 16, c / 16);
        (,,, uint256 number) = escrow.periodState(period);
        bytes32 digest =
            Signing.given(separator(), "Agreed", address(escrow), termsHash, period, uint32(number), values);
        bytes memory data =
            abi.encodeCall(escrow.agree, (period, versions[period], values, holdersSign(period, digest)));
        if (act("agree", data)) finished(period);
    }

    /// @dev Client and all who hold the period, and in turn all who hold the present and the next one, by rising tenure.
    function holdersSign(uint32 period, bytes32 digest) private view returns (bytes[] memory all) {
        uint256 bits = 0;
        for (uint256 slot = 0; slot < 3; ++slot) {
            bits |= 1 << escrow.holderOf(slot, period);
            if (!inTurn) continue;
            uint32 current = 1;
            while (current < PERIODS && current < escrow.lastPeriod() && args.ends[current - 1] <= block.timestamp) {
                ++current;
            }
            bits |= 1 << escrow.holderOf(slot, current);
            bits |= 1 << escrow.holderOf(slot, current < PERIODS ? current + 1 : current);
        }
        uint256 count = 1;
        for (uint256 rest = bits; rest != 0; rest &= rest - 1) {
            ++count;
        }
        all = new bytes[](count);
        all[0] = signatureOf(CLIENT_KEY, digest);
        uint256 next = 1;
        for (uint256 tenure = 0; bits >> tenure != 0; ++tenure) {
            if ((bits >> tenure) & 1 != 0) {
                all[next++] = signatureOf(tenure < 3 ? PROVIDER_KEY + tenure : BACKUP_KEY, digest);
            }
        }
    }

    function finished(uint32 period) private {
        delete versions[period];
        stakesOf(period);
    }

    // --- change and exit --------------------------------------------------------------------------------------------

    function backupStepsIn() external {
        approve(client, 100);
        vm.prank(client);
        act("stepIn", abi.encodeCall(escrow.stepIn, (0, address(0xBAC))));
    }

    function somebodyEndsIt(uint8 how) external {
        if (how % 16 == 0) {
            vm.prank(how % 32 == 0 ? client : signer(1));
            act("end", abi.encodeCall(escrow.terminateForConvenience, ()));
        } else if (how % 16 == 1) {
            act("uncovered", abi.encodeCall(escrow.recordUncovered, ()));
        } else if (how % 16 == 2) {
            vm.prank(signer(2));
            act("end", abi.encodeCall(escrow.terminateForUncovered, ()));
        } else {
            vm.prank(signer(0));
            act("digest", abi.encodeCall(escrow.postDigest, (choose(how), "bundle")));
        }
    }

    // --- laws -------------------------------------------------------------------------------------------------------

    function act(bytes32 name, bytes memory data) private returns (bool good) {
        (good,) = address(escrow).call(data);
        if (good) ++done[name];
    }

    mapping(uint256 => uint256) private stakedOn;

    /// @dev Keeps `stakes` the sum of all that is staked.
    function stakesOf(uint32 period) private {
        stakes -= stakedOn[period];
        stakedOn[period] = versions[period].length == 0 ? 0 : 1200 * (versions[period].length - 1);
        stakes += stakedOn[period];
    }

    function checkLaws() external view {
        checkBooks();
        uint256 out = claimed + token.balanceOf(client) + token.balanceOf(address(0xBAC));
        for (uint256 i = 0; i < 3; ++i) {
            out += token.balanceOf(payout(i));
        }
        // Whoever challenges in vain keeps what it was given for the stake.
        uint256 idle = 0;
        for (uint256 i = 0; i < 3; ++i) {
            idle += token.balanceOf(signer(i));
        }
        idle += token.balanceOf(vm.addr(BACKUP_KEY));
        equal(token.totalSupply(), token.balanceOf(address(escrow)) + out + idle, "nothing is lost or made");
        if (inTurn) {
            for (uint32 period = 2; period <= escrow.lastPeriod(); ++period) {
                check(isSettled(period - 1) || !isSettled(period), "a period overtook another");
            }
        }
    }

    /// @dev An outsider alone, everyone else silent, brings the escrow to its end.
    function closeAlone() external {
        for (uint32 period = 1; period <= escrow.lastPeriod(); ++period) {
            if (isSettled(period)) continue;
            if (stageOf(period) == IEscrowErrors.PeriodStage.None) {
                uint256 due = escrow.evidenceDue(period);
                if (block.timestamp < due) vm.warp(due);
                escrow.proposeDefault(period);
                int256[] memory values = new int256[](3);
                (values[0], values[1], values[2]) = (MISSING, MISSING, MISSING);
                note(period, values);
            }
            (, uint256 until,,) = escrow.periodState(period);
            if (block.timestamp < until) vm.warp(until);
            if (versions[period].length == 1) {
                escrow.settle(period, versions[period][0].values);
            } else {
                vm.warp(block.timestamp + args.rulingWindow);
                escrow.fallBack(period, versions[period]);
            }
            finished(period);
        }
        vm.warp(block.timestamp + 365 days);
        for (uint256 i = 0; i < 40 && escrow.stage() != IEscrowErrors.Stage.Closed; ++i) {
            escrow.close(4);
        }
        check(escrow.stage() == IEscrowErrors.Stage.Closed, "closed by an outsider alone");
    }
}

/// @notice The laws of docs/protocol.md section 10 that show from outside, after every random act.
abstract contract Conservation is Fixture {
    Actors internal actors;

    function inTurn() internal pure virtual returns (bool);

    function setUp() public override {
        actors = new Actors(inTurn());
        actors.setUp();
        target(address(actors));
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory acts = new bytes4[](24);
        acts[0] = Actors.clientDeposits.selector;
        acts[1] = Actors.clientWithdraws.selector;
        acts[2] = Actors.keeperPaysArrears.selector;
        acts[3] = Actors.keeperCloses.selector;
        acts[4] = Actors.keeperSyncs.selector;
        acts[5] = Actors.ownerClaims.selector;
        acts[6] = Actors.moodChanges.selector;
        acts[7] = Actors.donorGives.selector;
        acts[8] = Actors.thiefTakes.selector;
        acts[9] = Actors.timePasses.selector;
        acts[10] = Actors.keeperProposes.selector;
        acts[11] = Actors.keeperSettles.selector;
        acts[12] = Actors.partyChallenges.selector;
        acts[13] = Actors.arbitratorRules.selector;
        acts[14] = Actors.keeperFallsBack.selector;
        acts[15] = Actors.allAgree.selector;
        acts[16] = Actors.backupStepsIn.selector;
        acts[17] = Actors.somebodyEndsIt.selector;
        // More often, so that most periods go their way.
        acts[18] = Actors.verifiersReport.selector;
        acts[19] = Actors.verifiersReport.selector;
        acts[20] = Actors.timePasses.selector;
        acts[21] = Actors.partyChallenges.selector;
        acts[22] = Actors.keeperSettles.selector;
        acts[23] = Actors.arbitratorRules.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(actors), acts);
    }

    /// forge-config: default.invariant.runs = 40
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

contract IndependentConservationTest is Conservation {
    function inTurn() internal pure override returns (bool) {
        return false;
    }
}

contract SequentialConservationTest is Conservation {
    function inTurn() internal pure override returns (bool) {
        return true;
    }
}
