// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Choices} from "../../adapters/Choices.sol";
import {OracleAdapter} from "../../adapters/OracleAdapter.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";
import {TestToken} from "../../TestToken.sol";
import {Disputing} from "../Disputing.sol";
import {LocalOracle} from "./LocalOracle.sol";

/// @notice A dispute of a real escrow decided by an optimistic oracle: undisputed, voted true, voted false, too late.
contract OracleAdapterTest is Disputing {
    address private constant VOTERS = address(0x707E);
    address private constant ASSERTER = address(0xA55);
    address private constant DISPUTER = address(0xD15);
    uint64 private constant LIVENESS = 2 hours;
    uint256 private constant BOND = 500e6;

    TestToken private money;
    LocalOracle private oracle;
    OracleAdapter private adapter;

    function setUp() public override {
        super.setUp();
        money = new TestToken("Bond dollar", "BUSD");
        oracle = new LocalOracle(VOTERS);
        adapter = new OracleAdapter(oracle, money, LIVENESS);
        args.arbitrator = address(adapter);
        args.chooses = true;
        money.mint(ASSERTER, 10 * BOND);
        money.mint(DISPUTER, 10 * BOND);
        vm.prank(ASSERTER);
        money.approve(address(adapter), type(uint256).max);
        vm.prank(DISPUTER);
        money.approve(address(oracle), type(uint256).max);
    }

    function asserted(uint256 choice) private returns (bytes32) {
        vm.prank(ASSERTER);
        return adapter.assertVersion(escrow, 1, choice);
    }

    function disputeIt(bytes32 assertionId) private {
        vm.prank(DISPUTER);
        oracle.dispute(assertionId);
    }

    function test_nothingEntersWhileTheBondIsFetched() public {
        adapter = new OracleAdapter(oracle, token, LIVENESS);
        args.arbitrator = address(adapter);
        disputed();
        token.mint(ASSERTER, BOND);
        vm.prank(ASSERTER);
        token.approve(address(adapter), BOND);
        bytes[] memory bait = new bytes[](1);
        bait[0] = abi.encodeCall(OracleAdapter.assertVersion, (escrow, 1, 1));
        token.lure(address(adapter), bait);
        asserted(0);
        equal(uint256(2), token.refusalCount(), "fetched and passed on");
        for (uint256 i = 0; i < 2; ++i) {
            bytes4 refusal = token.refusals(i);
            check(refusal == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "refused inside");
        }
    }

    // --- the ways it ends -------------------------------------------------------------------------------------------

    function test_whatNobodyDisputesIsPaid() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        equal(BOND, adapter.bond(), "the bond is said first");
        bytes32 id = asserted(2);
        equal(uint256(0), money.balanceOf(address(adapter)), "the adapter keeps nothing");
        vm.warp(block.timestamp + LIVENESS);
        oracle.settle(id);
        equal(10 * BOND, money.balanceOf(ASSERTER), "the bond is back");
        check(stageOf(1) == IEscrowErrors.PeriodStage.Disputed, "the oracle's word alone moves nothing");
        adapter.enforce(escrow, 1, versions);
        stakes = 0;
        equal(270 + 77 + 43, token.balanceOf(payout(2)), "the version of provider 2");
        checkBooks();
    }

    function test_aVoteConfirms() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        bytes32 id = asserted(0);
        disputeIt(id);
        vm.prank(VOTERS);
        oracle.vote(id, true);
        adapter.enforce(escrow, 1, versions);
        equal(100, account(2).debt, "the report");
    }

    function test_aFalseAssertionDecidesNothingAndCostsItsBond() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        bytes32 id = asserted(1);
        disputeIt(id);
        vm.prank(VOTERS);
        oracle.vote(id, false);
        equal(9 * BOND, money.balanceOf(ASSERTER), "lost");
        bytes32 caseId = adapter.caseOf(escrow, 1);
        vm.expectRevert(abi.encodeWithSelector(Choices.NotDecided.selector, caseId));
        adapter.enforce(escrow, 1, versions);
        // The same version can be asserted again.
        id = asserted(1);
        vm.warp(block.timestamp + LIVENESS);
        oracle.settle(id);
        equal(uint256(1), adapter.decisionOf(caseId).choice, "now confirmed");
    }

    function test_aWrongAssertionDoesNotBlockTheRightOne() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        bytes32 wrong = asserted(1);
        disputeIt(wrong);
        bytes32 right = asserted(2);
        vm.warp(block.timestamp + LIVENESS);
        oracle.settle(right);
        vm.prank(VOTERS);
        oracle.vote(wrong, true);
        equal(uint256(2), adapter.decisionOf(adapter.caseOf(escrow, 1)).choice, "the first confirmed one stands");
        adapter.enforce(escrow, 1, versions);
    }

    function test_aVersionThatIsNotThereIsARefusal() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        bytes32 id = asserted(9);
        vm.warp(block.timestamp + LIVENESS);
        oracle.settle(id);
        adapter.enforce(escrow, 1, versions);
        equal(100, account(2).debt, "the report");
        equal(100, token.balanceOf(client), "stakes return");
    }

    function test_anOracleTooLateIsTheEscrowsOwnFallback() public {
        IOutcomeEscrow.Version[] memory versions = disputed();
        bytes32 id = asserted(2);
        disputeIt(id);
        (, uint256 deadline,,) = escrow.periodState(1);
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotArbitrator.selector, address(this)));
        escrow.choose(1, versions, 2);
        escrow.fallBack(1, versions);
        vm.prank(VOTERS);
        oracle.vote(id, true);
        vm.expectRevert(abi.encodeWithSelector(Choices.NotDisputed.selector, escrow, 1));
        adapter.enforce(escrow, 1, versions);
    }

    // --- refusals ---------------------------------------------------------------------------------------------------

    function test_onlyADisputeIsAssertedAndEachVersionOnceAtATime() public {
        reported(1000, 500, -100);
        vm.expectRevert(abi.encodeWithSelector(Choices.NotDisputed.selector, escrow, 1));
        asserted(0);
    }

    function test_oneOpenAssertionPerVersion() public {
        disputed();
        bytes32 caseId = adapter.caseOf(escrow, 1);
        bytes32 id = asserted(2);
        vm.prank(ASSERTER);
        vm.expectRevert(abi.encodeWithSelector(OracleAdapter.AlreadyAsserted.selector, caseId, 2));
        adapter.assertVersion(escrow, 1, 2);
        vm.warp(block.timestamp + LIVENESS);
        oracle.settle(id);
        vm.prank(ASSERTER);
        vm.expectRevert(abi.encodeWithSelector(Choices.AlreadyDecided.selector, caseId));
        adapter.assertVersion(escrow, 1, 1);
    }

    function test_onlyTheOracleCallsBackAndOnlyOnItsAssertions() public {
        disputed();
        bytes32 id = asserted(2);
        vm.expectRevert(abi.encodeWithSelector(OracleAdapter.NotOracle.selector, address(this)));
        adapter.assertionResolvedCallback(id, true);
        vm.expectRevert(abi.encodeWithSelector(OracleAdapter.NotOracle.selector, address(this)));
        adapter.assertionDisputedCallback(id);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(OracleAdapter.UnknownAssertion.selector, bytes32("other")));
        adapter.assertionResolvedCallback("other", true);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(OracleAdapter.UnknownAssertion.selector, bytes32("other")));
        adapter.assertionDisputedCallback("other");
    }

    function test_theClaimNamesTermsEscrowChainPeriodAndVersion() public {
        create();
        bytes memory one = adapter.claim(escrow, 1, 2);
        check(keccak256(one) != keccak256(adapter.claim(escrow, 2, 2)), "period");
        check(keccak256(one) != keccak256(adapter.claim(escrow, 1, 1)), "version");
        vm.chainId(5);
        check(keccak256(one) != keccak256(adapter.claim(escrow, 1, 2)), "chain");
    }
}
