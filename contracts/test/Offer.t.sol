// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Wallet} from "./Doubles.sol";
import {Fixture} from "./Fixture.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowEvents} from "../interfaces/IEscrowEvents.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice Offer: signatures, bonds, activation, cancelling.
contract OfferTest is Fixture {
    function refuseAccept(bytes[] memory signatures, address party) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, party));
        escrow.accept("agreement", 0, signatures);
    }

    function test_acceptanceNeedsEverySignatureInOrder() public {
        create();
        bytes[] memory signatures = partySignatures();
        (signatures[2], signatures[3]) = (signatures[3], signatures[2]);
        refuseAccept(signatures, signer(1));
        refuseAccept(new bytes[](0), client);
        signatures = new bytes[](5);
        for (uint256 i = 0; i < 4; ++i) {
            signatures[i] = partySignatures()[i];
        }
        refuseAccept(signatures, address(0));

        vm.expectEmit();
        emit IEscrowEvents.Accepted(termsHash);
        escrow.accept("agreement", 0, partySignatures());
        check(escrow.isAccepted(), "stored");
        signatures = partySignatures();
        vm.expectRevert(IEscrowErrors.NothingToDo.selector);
        escrow.accept("agreement", 0, signatures);
    }

    function test_acceptanceNamesTheTermsThatStandInTheCode() public {
        create();
        bytes[] memory signatures = partySignatures();
        vm.expectPartialRevert(IEscrowErrors.OtherTerms.selector);
        escrow.accept("another", 0, signatures);
        vm.expectPartialRevert(IEscrowErrors.OtherTerms.selector);
        escrow.accept("agreement", 1, signatures);
        equal(termsHash, escrow.termsHash(), "factory and escrow agree");
    }

    function test_signaturesForAnotherEscrowOrChainAreWorthNothing() public {
        create();
        bytes[] memory signatures = partySignatures();
        nonce = 1;
        (, bytes32 other) = factory.predict(offer());
        nonce = 0;
        signatures[0] = signatureOf(CLIENT_KEY, other);
        refuseAccept(signatures, client);
        signatures = partySignatures();
        vm.chainId(77);
        vm.expectPartialRevert(IEscrowErrors.OtherTerms.selector);
        escrow.accept("agreement", 0, signatures);
    }

    function test_backupsSignToo() public {
        args.slots[1].backup = vm.addr(BACKUP_KEY + 1);
        create();
        bytes[] memory signatures = partySignatures();
        signatures[4] = signatureOf(BACKUP_KEY, termsHash);
        refuseAccept(signatures, args.slots[1].backup);
        bytes[] memory short = new bytes[](4);
        for (uint256 i = 0; i < 4; ++i) {
            short[i] = signatures[i];
        }
        refuseAccept(short, args.slots[1].backup);
        escrow.accept("agreement", 0, partySignatures());
    }

    function test_aContractWalletSignsForItself() public {
        args.slots[0].signer = address(new Wallet(vm.addr(0x5A)));
        args.client = address(new Wallet(vm.addr(0x5B)));
        create();
        bytes[] memory signatures = partySignatures();
        (signatures[0], signatures[1]) = (walletSignature(0x5B), walletSignature(0x5C));
        refuseAccept(signatures, args.slots[0].signer);
        signatures[1] = walletSignature(0x5A);
        escrow.accept("agreement", 0, signatures);
    }

    function walletSignature(uint256 key) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, termsHash);
        return abi.encode(r, s, v);
    }

    function test_theFactoryCreatesAndAcceptsAtOnce() public {
        (, termsHash) = factory.predict(offer());
        bytes[] memory signatures = partySignatures();
        escrow = IOutcomeEscrow(factory.create(offer(), signatures));
        check(escrow.isAccepted(), "accepted");
        check(escrow.stage() == IEscrowErrors.Stage.Offer, "but not active: there is no reserve");
        equal(address(escrow), factory.create(offer(), signatures), "creating it again returns it");
    }

    function test_activationNeedsAcceptanceReserveAndBonds() public {
        withBonds();
        create();
        fund(RESERVE - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BadPartySignature.selector, client));
        escrow.activate();
        escrow.accept("agreement", 0, partySignatures());
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, 0, 100));
        escrow.activate();
        post(0, 100);
        post(1, 150);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, 150, 200));
        escrow.activate();
        post(1, 50);
        post(2, 300);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.ShortOfFunds.selector, RESERVE - 1, RESERVE));
        escrow.activate();
        fund(1);
        vm.expectEmit();
        emit IEscrowEvents.Activated(termsHash);
        escrow.activate();
        check(escrow.stage() == IEscrowErrors.Stage.Active, "active");
        checkBooks();
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Active));
        escrow.activate();
    }

    function post(uint256 slot, uint256 amount) private {
        approve(address(this), amount);
        escrow.postBond(slot, amount);
    }

    function test_aBondIsNeverExceeded() public {
        withBonds();
        create();
        post(0, 60);
        approve(address(this), 41);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BondExceeded.selector, 40));
        escrow.postBond(0, 41);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.BondExceeded.selector, 40));
        escrow.postBond(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoSuchProvider.selector, 3));
        escrow.postBond(3, 1);
        vm.expectEmit();
        emit IEscrowEvents.BondPosted(0, 40);
        escrow.postBond(0, 40);
        equal(100, account(0).bond, "whole");
        checkBooks();
    }

    function test_activationAndCancellingMeetAtOneMoment() public {
        withBonds();
        create();
        fund(RESERVE);
        post(1, 150);
        escrow.accept("agreement", 0, partySignatures());
        vm.warp(args.activateBy - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, args.activateBy));
        escrow.cancel();

        vm.warp(args.activateBy);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooLate.selector, args.activateBy));
        escrow.activate();
        vm.expectEmit();
        emit IEscrowEvents.Cancelled();
        vm.expectEmit();
        emit IEscrowEvents.Refunded(RESERVE);
        vm.expectEmit();
        emit IEscrowEvents.BondReturned(1, 150);
        vm.expectEmit();
        emit IEscrowEvents.Paid(1, payout(1), 150);
        escrow.cancel();
        equal(RESERVE, token.balanceOf(client), "the client has its money back");
        equal(0, escrow.tracked(), "nothing is left");
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Closed));
        escrow.cancel();
    }

    function test_acceptanceIsTooLateFromActivateByOn() public {
        create();
        bytes[] memory signatures = partySignatures();
        vm.warp(args.activateBy);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooLate.selector, args.activateBy));
        escrow.accept("agreement", 0, signatures);
    }

    function test_aClientThatCannotReceiveDoesNotHoldTheBonds() public {
        withBonds();
        create();
        fund(7);
        post(0, 100);
        token.refuse(client, true);
        vm.warp(args.activateBy);
        vm.expectEmit();
        emit IEscrowEvents.ClientDeferred(7);
        escrow.cancel();
        equal(100, token.balanceOf(payout(0)), "the bond is back");
        equal(7, escrow.clientClaimable(), "the client's is kept for it");
        checkBooks();
        vm.prank(client);
        escrow.claim(CLIENT, address(9), false);
        equal(7, token.balanceOf(address(9)), "fetched elsewhere");
        equal(0, escrow.tracked(), "empty");
    }

    function test_theSharedCodeIsNoEscrow() public {
        bytes memory reason = abi.encodeWithSelector(IEscrowErrors.WrongStage.selector, IEscrowErrors.Stage.Closed);
        IOutcomeEscrow shared = IOutcomeEscrow(factory.implementation());
        vm.expectRevert(reason);
        shared.deposit(1);
        vm.expectRevert(reason);
        shared.stage();
        vm.expectRevert(reason);
        shared.close(0);
    }

    function test_whatIsNoFunctionIsRefused() public {
        create();
        (bool done, bytes memory reason) = address(escrow).call(hex"12345678");
        check(!done, "refused");
        check(bytes4(reason) == IEscrowErrors.NoSuchFunction.selector, "by its name");
        vm.deal(address(this), 5);
        (done,) = address(escrow).call{value: 5}("");
        check(!done, "plain coin is refused");
    }
}
