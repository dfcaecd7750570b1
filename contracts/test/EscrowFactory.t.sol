// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";
import {Messages} from "../Messages.sol";
import {ProgramFault} from "../program/ProgramFormat.sol";
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

    function test_addressAndTermsHashAreKnownBeforeCreation() public {
        (address predicted, bytes32 hash) = factory.predict(args, "agreement", programHash, 7);

        vm.expectEmit();
        emit IEscrowFactory.EscrowCreated(predicted, client, hash, "agreement");
        address made = factory.create(args, "agreement", programHash, 7);

        equal(predicted, made, "address");
        equal(hash, IOutcomeEscrow(made).termsHash(), "terms hash");
        equal(made, factory.create(args, "agreement", programHash, 7), "creating again returns it");
    }

    function test_theEscrowSaysWhatItWasMadeFrom() public {
        create();
        equal("agreement", escrow.agreementDigest(), "agreement");
        equal(programHash, escrow.programHash(), "program hash");
        equal(programHash, keccak256(escrow.program()), "program");
        equal(0, escrow.nonce(), "nonce");
        equal(address(factory), escrow.factory(), "factory");
        equal(keccak256(abi.encode(args)), keccak256(abi.encode(escrow.arguments())), "arguments");
        equal(factory.domainSeparator(), Messages.domainSeparator(address(factory)), "both ways to the domain agree");
    }

    function testFuzz_everyArgumentMovesTheAddressAndTheTermsHash(uint256 seed) public {
        (address before, bytes32 hash) = factory.predict(args, "agreement", programHash, 0);
        uint256 which = seed % 10;
        if (which == 0) args.client = address(uint160(seed | 1));
        else if (which == 1) args.token = address(uint160(seed | 1));
        else if (which == 2) args.quorum = 3;
        else if (which == 3) args.verifiers[2] = address(uint160(seed | 1));
        else if (which == 4) args.providers[1].payout = address(uint160(seed | 1));
        else if (which == 5) args.kpis[2].high += int256(seed % 1e18) + 1;
        else if (which == 6) args.parameters.push(int256(seed));
        else if (which == 7) args.ends[3] += uint40(seed % 1e6) + 1;
        else if (which == 8) args.holdbackRate += 1;
        else args.reserve += 1;

        (address moved, bytes32 changed) = factory.predict(args, "agreement", programHash, 0);
        check(moved != before, "address");
        check(changed != hash, "terms hash");
    }

    function test_anUnregisteredProgramIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.UnknownProgram.selector, bytes32("none")));
        factory.create(args, "agreement", "none", 0);
    }

    function test_argumentsThatBreakARuleAreRefusedByItsNumber() public {
        args.client = address(0);
        refused(1);
        args.client = args.arbitrator;
        refused(1);
        args.client = client;
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
        args.providers[1].signer = args.providers[0].signer;
        refused(5);
        args.providers[1].signer = address(1);
        args.providers[2].payout = address(0);
        refused(5);
        args.providers[2].payout = address(2);
    }

    function test_numbersThatBreakARuleAreRefusedByItsNumber() public {
        args.kpis[0].decimals = 19;
        refused(6);
        args.kpis[0].decimals = 6;
        args.kpis[0].low = type(int256).min;
        refused(6);
        args.kpis[0].low = 1;
        refused(6);
        args.kpis[0].low = -1;
        args.kpis[0].ifMissing = 1;
        refused(6);
        args.kpis[0].ifMissing = 0;
        args.ends[1] = args.ends[0];
        refused(8);
        args.ends[1] = args.ends[0] + 1;
        args.start = 0;
        refused(8);
        args.start = BEGIN;
        args.activateBy = 0;
        refused(8);
        args.activateBy = BEGIN;
        args.evidenceWindow = 0;
        refused(9);
        args.evidenceWindow = 1;
        args.defaultWindow = 0;
        refused(9);
        args.defaultWindow = 1;
        args.holdbackRate = 1e18 + 1;
        refused(10);
        args.holdbackRate = 1e18;
        args.holdbackRelease = args.ends[3] - 1;
        refused(10);
        args.holdbackRelease = args.ends[3];
        args.parameters.push(1);
        refused(12);
        args.parameters.pop();
        args.token = address(0x7043);
        refused(13);
        args.token = address(token);
        create();
    }

    function test_argumentsTooLongForTheCodeAreRefused() public {
        while (args.ends.length < 716) {
            args.ends.push(args.ends[args.ends.length - 1] + 1);
        }
        args.holdbackRelease = args.ends[715];
        create();
        equal(716, escrow.arguments().ends.length, "still fits");
        while (args.ends.length < 717) {
            args.ends.push(args.ends[args.ends.length - 1] + 1);
        }
        args.holdbackRelease = args.ends[716];
        refused(14);
    }

    function refused(uint8 rule) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadArguments.selector, rule));
        factory.create(args, "agreement", programHash, 0);
    }

    function test_theSharedCodeIsNoEscrow() public {
        IOutcomeEscrow shared = IOutcomeEscrow(factory.implementation());
        bytes memory closed = abi.encodeWithSelector(IOutcomeEscrow.WrongStage.selector, IOutcomeEscrow.Stage.Closed);
        vm.expectRevert(closed);
        shared.deposit(1);
        vm.expectRevert(closed);
        shared.sync();
        vm.expectRevert(closed);
        shared.termsHash();
    }
}
