// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {Packing} from "./Packing.sol";
import {Signing} from "./Signing.sol";
import {EscrowBatch} from "../EscrowBatch.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";
import {Messages} from "../Messages.sol";
import {Format, Op, ProgramFault} from "../program/ProgramFormat.sol";
import {ProgramStore} from "../program/ProgramStore.sol";

contract EscrowFactoryTest is Fixture {
    function test_aProgramIsStoredUnderItsHashBehindAStop() public {
        bytes memory program = passThrough(5);
        bytes32 hash = keccak256(program);
        address store = factory.programStore(hash);
        check(!factory.isRegistered(hash), "not before");

        vm.expectEmit();
        emit IEscrowFactory.ProgramRegistered(hash, store);
        equal(hash, factory.registerProgram(program), "its hash");

        check(factory.isRegistered(hash), "registered");
        equal(keccak256(abi.encodePacked(hex"00", program)), keccak256(store.code), "STOP and program");
        equal(hash, keccak256(ProgramStore.read(store)), "as it is read");
        equal(hash, factory.registerProgram(program), "again does nothing");
    }

    function test_aFaultyProgramIsRefusedWithItsFault() public {
        bytes memory program = passThrough(2);
        program[11] = 0x77;
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadProgram.selector, ProgramFault.Index, 10));
        factory.registerProgram(program);
    }

    function test_theLongestProgramAndOneByteMore() public {
        // KPI 0 turned over and over, then stored.
        bytes memory head = hex"010100000000010100" hex"0500";
        bytes memory tail = hex"0900";
        bytes memory turns = new bytes(Format.MOST_BYTES - head.length - tail.length);
        for (uint256 i = 0; i < turns.length; ++i) {
            turns[i] = bytes1(uint8(Op.NEG));
        }
        factory.registerProgram(bytes.concat(head, turns, tail));
        bytes memory longer = bytes.concat(head, turns, bytes1(uint8(Op.NEG)), tail);
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadProgram.selector, ProgramFault.Size, 0));
        factory.registerProgram(longer);
    }

    function test_addressAndTermsHashAreKnownBeforeCreation() public {
        nonce = 7;
        (address predicted, bytes32 hash) = factory.predict(offer());

        vm.expectEmit();
        emit IEscrowFactory.EscrowCreated(predicted, client, hash, "agreement");
        address made = factory.create(offer(), new bytes[](0));

        equal(predicted, made, "address");
        equal(hash, IOutcomeEscrow(made).termsHash(), "terms hash");
        equal(made, factory.create(offer(), new bytes[](0)), "creating again returns it");
    }

    function test_theEscrowSaysWhatItWasMadeFrom() public {
        create();
        equal(programHash, escrow.programHash(), "program hash");
        equal(programHash, keccak256(escrow.program()), "program");
        equal(address(factory), escrow.factory(), "factory");
        equal(keccak256(Packing.pack(args)), keccak256(escrow.arguments()), "arguments");
        equal(factory.domainSeparator(), Messages.domainSeparator(address(factory)), "both ways to the domain agree");
        bytes32 kind = keccak256("Terms(bytes32 agreementDigest,bytes32 programHash,bytes32 argsHash,uint256 nonce)");
        bytes memory data = abi.encode(kind, bytes32("agreement"), programHash, keccak256(Packing.pack(args)), 0);
        equal(Signing.typed(separator(), data), escrow.termsHash(), "what the parties sign");
    }

    function test_aProgramMayStandInTheEscrowItself() public {
        IEscrowFactory.Offer memory o = offer();
        o.program = IN_TURN;
        o.programHash = 0;
        (, termsHash) = factory.predict(o);
        escrow = IOutcomeEscrow(factory.create(o, partySignatures()));
        equal(keccak256(IN_TURN), escrow.programHash(), "its hash");
        equal(keccak256(IN_TURN), keccak256(escrow.program()), "itself");
        check(!factory.isRegistered(keccak256(IN_TURN)), "not registered");
        fund(10_000);
        escrow.activate();
        settle(1, 10, 7, 300);
        settle(2, 10, 5, 300);
        equal(int256(2), escrow.carriedState()[0], "it carries");
        equal(uint256(180 + 270), token.balanceOf(payout(2)), "300, then what is left of 500");
        o.program[11] = 0x77;
        vm.expectPartialRevert(IEscrowFactory.BadProgram.selector);
        factory.create(o, new bytes[](0));
    }

    function testFuzz_everyArgumentMovesTheAddressAndTheTermsHash(uint256 seed) public {
        (address before, bytes32 hash) = factory.predict(offer());
        uint256 which = seed % 12;
        if (which == 0) args.client = address(uint160(uint256(keccak256(abi.encode(seed)))));
        else if (which == 1) args.token = address(0);
        else if (which == 2) args.quorum = 3;
        else if (which == 3) args.verifiers[2] = address(uint160(uint256(keccak256(abi.encode(seed)))));
        else if (which == 4) args.slots[1].payout = address(uint160(uint256(keccak256(abi.encode(seed)))));
        else if (which == 5) args.kpis[2].high += int256(1 + seed % 1e6) * UNIT;
        else if (which == 6) withDisputes();
        else if (which == 7) args.ends[3] += uint40(1 + seed % 30_000) * DAY;
        else if (which == 8) args.holdbackRate += 1;
        else if (which == 9) args.slots[0].bond = 1 + seed % 1e6;
        else if (which == 10) args.restates = true;
        else args.reserve += 1;

        (address moved, bytes32 changed) = factory.predict(offer());
        check(moved != before, "address");
        check(changed != hash, "terms hash");
    }

    function test_anUnregisteredProgramIsRefused() public {
        programHash = "none";
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.UnknownProgram.selector, bytes32("none")));
        factory.create(offer(), new bytes[](0));
    }

    function test_partiesThatBreakARuleAreRefusedByItsNumber() public {
        args.client = address(0);
        refused(1);
        args.client = args.arbitrator;
        refused(1);
        args.client = client;
        args.arbitrator = address(0);
        refused(1);
        args.arbitrator = address(7);
        args.unitDecimals = 19;
        refused(2);
        args.unitDecimals = 6;
        args.verifiers[1] = args.verifiers[0];
        refused(3);
        args.verifiers[1] = address(0);
        refused(3);
        args.verifiers[1] = address(1);
        args.quorum = 0;
        refused(4);
        args.quorum = 4;
        refused(4);
        args.quorum = 3;
        args.slots[1].signer = args.slots[0].signer;
        refused(5);
        args.slots[1].signer = address(0);
        refused(5);
        args.slots[1].signer = address(1);
        args.slots[2].payout = address(0);
        refused(5);
        args.slots[2].payout = address(2);
        create();
    }

    function test_numbersThatBreakARuleAreRefusedByItsNumber() public {
        args.kpis[0].decimals = 18;
        args.kpiWidth = 25;
        refused(6);
        args.kpiWidth = 0;
        refused(6);
        (args.kpiWidth, args.kpis[0].decimals) = (8, 6);
        args.kpis[0].low = 2 * UNIT;
        refused(6);
        (args.kpis[0].low, args.kpis[0].ifMissing) = (1e24 + UNIT, 1e24);
        refused(6);
        args.kpis[0].low = -UNIT;
        args.kpis[0].ifMissing = 2e24;
        refused(6);
        args.kpis[0].ifMissing = 0;
        args.kpis[0].supplier = 3;
        refused(6);
        args.kpis[0].supplier = 255;
        args.ends[1] = args.ends[0];
        refused(8);
        args.ends[1] = args.ends[0] + DAY;
        args.activateBy = 0;
        refused(8);
        args.activateBy = BEGIN;
        args.evidenceWindow = 0;
        refused(9);
        args.evidenceWindow = 1;
        args.defaultWindow = 0;
        refused(9);
        args.defaultWindow = 1;
        args.stakeFixed = 1;
        refused(9);
        args.rulingWindow = 1;
        args.stakeShare = 1e18 + 1;
        refused(16);
        args.stakeShare = 1e18;
        args.holdbackRate = 1e18 + 1;
        refused(10);
        args.holdbackRate = 1e18;
        args.parameters.push(1);
        refused(12);
        args.parameters.pop();
        args.token = address(0x7043);
        refused(13);
        args.token = address(token);
        create();
    }

    function test_periodsThatAreAllAlikeAreSaidOnce() public {
        args.width = 0;
        args.unit = 1 days;
        begin(10_000);
        for (uint32 i = 1; i <= 4; ++i) {
            equal(args.ends[i - 1] + args.evidenceWindow, escrow.evidenceDue(i), "end");
            settle(i, 1, 0, 0);
        }
    }

    /// @dev However the bytes are cut, lengthened or changed, nothing is created that cannot be read.
    function testFuzz_packedArgumentsAreNotBelieved(uint16 at, uint8 changed, uint16 cut) public {
        IEscrowFactory.Offer memory o = offer();
        bytes memory packed = o.arguments;
        cut = uint16(bound(cut, 0, packed.length));
        bytes memory part = new bytes(cut);
        for (uint256 i = 0; i < cut; ++i) {
            part[i] = packed[i];
        }
        o.arguments = part;
        // Cut in the number that ends them they may be other arguments, with another hash.
        createsWhatIsGiven(o);
        o.arguments = bytes.concat(packed, new bytes(1 + at % 50));
        vm.expectRevert();
        factory.create(o, new bytes[](0));
        packed[at % packed.length] = bytes1(changed);
        o.arguments = packed;
        createsWhatIsGiven(o);
    }

    function createsWhatIsGiven(IEscrowFactory.Offer memory o) private {
        try factory.create(o, new bytes[](0)) returns (address made) {
            IOutcomeEscrow(made).stage();
            equal(keccak256(o.arguments), keccak256(IOutcomeEscrow(made).arguments()), "as given");
        } catch {}
    }

    function test_argumentsTooLongForTheCodeAreRefused() public {
        args.width = 32;
        for (uint256 i = 0; i < 40; ++i) {
            args.parameters.push(1);
        }
        IEscrowFactory.Offer memory o = offer();
        o.arguments = bytes.concat(o.arguments, new bytes(24_500));
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadArguments.selector, 14));
        factory.create(o, new bytes[](0));
    }

    function test_argumentsCutShortAreRefusedAsSuch() public {
        IEscrowFactory.Offer memory o = offer();
        bytes memory packed = o.arguments;
        o.arguments = new bytes(9);
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadArguments.selector, 15));
        factory.create(o, new bytes[](0));
        // The last KPI, and what stands behind it, without a byte of the KPI.
        bytes memory behind = bytes.concat(
            Packing.time(args.defaultWindow), Packing.time(args.evidenceWindow), Packing.amount(args.reserve)
        );
        assembly ("memory-safe") {
            mstore(packed, sub(mload(packed), add(mload(behind), 27)))
        }
        packed = bytes.concat(packed, behind);
        o.arguments = packed;
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadArguments.selector, 15));
        factory.create(o, new bytes[](0));
    }

    function test_longAgreementsKeepTheirPeriodsApart() public {
        describe(address(token), 3, 100);
        (args.reserve, args.holdbackRate) = (0, 0);
        begin(10_000);
        vm.warp(args.ends[99]);
        settle(100, 5, 0, 0);
        settle(37, 7, 0, 0);
        settle(1, 9, 0, 0);
        check(uint8(stageOf(36)) == 0 && uint8(stageOf(37)) == 4 && uint8(stageOf(100)) == 4, "each for itself");
        equal(21, token.balanceOf(payout(0)), "paid");
        bytes memory again = signed(37, paying(7, 0, 0), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.AlreadySettled.selector, 37));
        escrow.report(again);
    }

    // --- many at once -----------------------------------------------------------------------------------------------

    function test_oneBadOfferStopsNoneOfTheOthers() public {
        IEscrowFactory.Offer[] memory offers = new IEscrowFactory.Offer[](3);
        bytes[][] memory signatures = new bytes[][](3);
        for (uint256 i = 0; i < 3; ++i) {
            nonce = i;
            args.quorum = i == 1 ? 9 : 2;
            offers[i] = offer();
            if (i != 1) {
                (, termsHash) = factory.predict(offers[i]);
                signatures[i] = partySignatures();
            }
        }
        signatures[2] = new bytes[](0);
        vm.expectEmit();
        emit IEscrowFactory.NotCreated(1);
        address[] memory made = factory.createMany(offers, signatures, 1_000_000);
        check(IOutcomeEscrow(made[0]).isAccepted(), "signed");
        check(made[1] == address(0), "refused");
        check(!IOutcomeEscrow(made[2]).isAccepted() && made[2].code.length != 0, "unsigned");
        vm.expectPartialRevert(IEscrowErrors.TooLittleGas.selector);
        factory.createMany{gas: 900_000}(offers, signatures, 1_000_000);
    }

    function test_oneBadReportStopsNoneOfTheOthers() public {
        EscrowBatch batch = EscrowBatch(deploy("EscrowBatch.sol"));
        bytes memory items = abi.encodePacked(uint32(500_000));
        address[3] memory made;
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(BEGIN);
            nonce = i;
            begin(10_000);
            made[i] = address(escrow);
            toEnd(1);
            bytes memory packed = signed(1, paying(int256(100 * i), 0, 0), 0, 1);
            if (i == 1) packed[50] = 0x7f;
            items = abi.encodePacked(items, made[i], uint16(packed.length), packed);
        }
        bytes memory data = bytes.concat(EscrowBatch.submitMany.selector, items);
        vm.expectEmit(true, false, false, false);
        emit EscrowBatch.Refused(made[1], 0);
        (bool done,) = address(batch).call(data);
        check(done, "done");
        check(uint8(stage1(made[0])) == 4 && uint8(stage1(made[1])) == 0 && uint8(stage1(made[2])) == 4, "all but one");
        (done,) = address(batch).call{gas: 400_000}(data);
        check(!done, "with too little gas it is refused as a whole");
    }

    function test_oneBadSettlementStopsNoneOfTheOthers() public {
        EscrowBatch batch = EscrowBatch(deploy("EscrowBatch.sol"));
        bytes memory items = abi.encodePacked(uint32(500_000));
        withDisputes();
        address[3] memory made;
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(BEGIN);
            nonce = i;
            begin(10_000);
            made[i] = address(escrow);
            toEnd(1);
            int256[] memory values = paying(int256(100 * i), 0, 0);
            report(1, values);
            if (i == 1) values = paying(7, 0, 0);
            bytes memory item = abi.encode(uint256(1), values);
            items = abi.encodePacked(items, made[i], uint16(item.length), item);
        }
        bytes memory data = bytes.concat(EscrowBatch.settleMany.selector, items);
        vm.warp(args.ends[0] + args.challengeWindow);
        vm.expectEmit(true, false, false, false);
        emit EscrowBatch.Refused(made[1], 0);
        (bool done,) = address(batch).call(data);
        check(done, "done");
        check(uint8(stage1(made[0])) == 4 && uint8(stage1(made[1])) == 2 && uint8(stage1(made[2])) == 4, "all but one");
        (done,) = address(batch).call{gas: 400_000}(data);
        check(!done, "with too little gas it is refused as a whole");
    }

    function stage1(address made) private view returns (IEscrowErrors.PeriodStage stage) {
        (stage,,,) = IOutcomeEscrow(made).periodState(1);
    }

    function refused(uint8 rule) private {
        IEscrowFactory.Offer memory o = offer();
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadArguments.selector, rule));
        factory.create(o, new bytes[](0));
    }
}
