// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Choices} from "../../adapters/Choices.sol";
import {CourtAdapter} from "../../adapters/CourtAdapter.sol";
import {IEscrowErrors} from "../../interfaces/IEscrowErrors.sol";
import {IOutcomeEscrow} from "../../interfaces/IOutcomeEscrow.sol";
import {Disputing} from "../Disputing.sol";
import {LocalCourt} from "./LocalCourt.sol";

/// @notice A dispute of a real escrow decided by a court of ERC-792: referral, ruling, appeal, refusal, silence.
contract CourtAdapterTest is Disputing {
    address private constant JUDGE = address(0x10D6E);
    uint256 private constant FEE = 0.1 ether;

    LocalCourt private court;
    CourtAdapter private adapter;

    function setUp() public override {
        super.setUp();
        court = new LocalCourt(JUDGE);
        adapter = new CourtAdapter(court, "three jurors");
        args.arbitrator = address(adapter);
        args.chooses = true;
        vm.deal(address(this), 10 ether);
    }

    /// @dev The three versions of Disputing, referred to the court as its dispute 0.
    function referred() private returns (IOutcomeEscrow.Version[] memory versions) {
        versions = disputed();
        equal(FEE, adapter.cost(), "what it costs is said first");
        equal(uint256(0), adapter.refer{value: FEE}(escrow, 1), "the first dispute");
        equal(FEE, address(court).balance, "the fee is the court's");
        equal(uint256(0), address(adapter).balance, "the adapter keeps nothing");
    }

    function ruledFinally(uint256 ruling) private {
        vm.prank(JUDGE);
        court.giveRuling(0, ruling);
        vm.warp(block.timestamp + court.APPEAL_PERIOD());
        court.executeRuling(0);
    }

    // --- the ways it ends -------------------------------------------------------------------------------------------

    function test_theCourtsChoiceIsPaid() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        ruledFinally(3);
        check(stageOf(1) == IEscrowErrors.PeriodStage.Disputed, "a ruling alone moves nothing");
        adapter.enforce(escrow, 1, versions);
        stakes = 0;
        check(stageOf(1) == IEscrowErrors.PeriodStage.Settled, "settled");
        equal(
            270 + 77 + 43, token.balanceOf(payout(2)), "the version of provider 2, its stake, a share of the client's"
        );
        checkBooks();
    }

    function test_theFirstChoiceIsTheReport() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        ruledFinally(1);
        adapter.enforce(escrow, 1, versions);
        equal(100, account(2).debt, "the report");
    }

    function test_anAppealChangesTheRuling() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        vm.prank(JUDGE);
        court.giveRuling(0, 3);
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.WrongFee.selector, 1 ether, 0.3 ether));
        adapter.appeal{value: 1 ether}(0);
        adapter.appeal{value: 0.3 ether}(0);
        vm.prank(JUDGE);
        court.giveRuling(0, 1);
        court.executeRuling(0);
        adapter.enforce(escrow, 1, versions);
        equal(100, account(2).debt, "the report");
    }

    function test_aCourtThatRefusesLetsTheReportStand() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        ruledFinally(0);
        adapter.enforce(escrow, 1, versions);
        stakes = 0;
        equal(100, account(2).debt, "the report");
        equal(100, token.balanceOf(client), "stakes return");
        checkBooks();
    }

    function test_aChoiceThatIsNotThereIsARefusal() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        ruledFinally(4);
        adapter.enforce(escrow, 1, versions);
        equal(100, account(2).debt, "the report");
        equal(100, token.balanceOf(client), "stakes return");
    }

    function test_aSilentCourtIsTheEscrowsOwnFallback() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        (, uint256 deadline,,) = escrow.periodState(1);
        vm.warp(deadline);
        escrow.fallBack(1, versions);
        ruledFinally(3);
        vm.expectRevert(abi.encodeWithSelector(Choices.NotDisputed.selector, escrow, 1));
        adapter.enforce(escrow, 1, versions);
        equal(100, account(2).debt, "the report");
    }

    // --- refusals ---------------------------------------------------------------------------------------------------

    function test_onlyADisputeIsReferredOnceForTheExactFee() public {
        IOutcomeEscrow.Version[] memory versions = reported(1000, 500, -100);
        vm.expectRevert(abi.encodeWithSelector(Choices.NotDisputed.selector, escrow, 1));
        adapter.refer{value: FEE}(escrow, 1);
        versions = challenge(1, versions, CLIENT, 100, paying(600, 500, 0));
        toWindowEnd();
        escrow.dispute(1, versions);
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.WrongFee.selector, FEE - 1, FEE));
        adapter.refer{value: FEE - 1}(escrow, 1);
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.WrongFee.selector, FEE + 1, FEE));
        adapter.refer{value: FEE + 1}(escrow, 1);
        adapter.refer{value: FEE}(escrow, 1);
        bytes32 caseId = adapter.caseOf(escrow, 1);
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.AlreadyReferred.selector, caseId));
        adapter.refer{value: FEE}(escrow, 1);
    }

    function test_nothingIsEnforcedBeforeTheCourtHasDecided() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        bytes32 caseId = adapter.caseOf(escrow, 1);
        vm.expectRevert(abi.encodeWithSelector(Choices.NotDecided.selector, caseId));
        adapter.enforce(escrow, 1, versions);
        vm.prank(JUDGE);
        court.giveRuling(0, 3);
        vm.expectRevert(abi.encodeWithSelector(Choices.NotDecided.selector, caseId));
        adapter.enforce(escrow, 1, versions);
        check(!adapter.decisionOf(caseId).made, "an appealable ruling is no decision");
    }

    function test_theEscrowChecksTheVersionsHandedIn() public {
        IOutcomeEscrow.Version[] memory versions = referred();
        ruledFinally(3);
        versions[2].values[2] += UNIT;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OtherVersions.selector, 1));
        adapter.enforce(escrow, 1, versions);
    }

    function test_onlyTheCourtRulesAndOnlyOnItsDisputes() public {
        referred();
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.NotCourt.selector, address(this)));
        adapter.rule(0, 3);
        vm.prank(address(court));
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.UnknownDispute.selector, 1));
        adapter.rule(1, 3);
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.UnknownDispute.selector, 1));
        adapter.appeal(1);
        ruledFinally(3);
        bytes32 caseId = adapter.caseOf(escrow, 1);
        vm.prank(address(court));
        vm.expectRevert(abi.encodeWithSelector(Choices.AlreadyDecided.selector, caseId));
        adapter.rule(0, 1);
        equal(uint256(2), adapter.decisionOf(caseId).choice, "the first decision stands");
    }

    function test_evidenceIsShownForADisputeThatExists() public {
        referred();
        vm.expectEmit();
        emit CourtAdapter.Evidence(0, address(this), "bundle 0xabc");
        adapter.submitEvidence(0, "bundle 0xabc");
        vm.expectRevert(abi.encodeWithSelector(CourtAdapter.UnknownDispute.selector, 7));
        adapter.submitEvidence(7, "bundle 0xabc");
    }
}
