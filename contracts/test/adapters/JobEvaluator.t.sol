// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IAgenticCommerce} from "../../adapters/IAgenticCommerce.sol";
import {JobEvaluator} from "../../adapters/JobEvaluator.sol";
import {ProgramFault} from "../../program/ProgramFormat.sol";
import {TestToken} from "../../TestToken.sol";
import {Base} from "../Base.sol";
import {LocalJobs} from "./LocalJobs.sol";

/// @notice A verified report completes or rejects ERC-8183 jobs, and nothing else does.
contract JobEvaluatorTest is Base {
    // 1 if passed >= least and hours <= 48, else 0; a division by zero at 999 hours.
    bytes private constant PROGRAM =
        hex"010201000001010400400005000600343700080501033031380001013700040238001502050104021203e7212302050104021203e72123210900";
    uint256 private constant BUDGET = 1_000e6;

    uint256[3] private keys = [uint256(11), 22, 33];
    address private client = address(0xC1);
    address private provider = address(0xB0);
    TestToken private token;
    LocalJobs private jobs;
    JobEvaluator private evaluator;
    uint256 private job;

    function setUp() public {
        vm.warp(1_800_000_000);
        token = new TestToken("Test dollar", "TUSD");
        jobs = new LocalJobs(token);
        evaluator = new JobEvaluator(rules());
        job = submitted();
    }

    function rules() private view returns (JobEvaluator.Rules memory r) {
        r.program = PROGRAM;
        r.parameters = new int256[](1);
        r.parameters[0] = 0.95e18;
        r.kpis = new JobEvaluator.Kpi[](2);
        r.kpis[0] = JobEvaluator.Kpi(4, 0, 1e18);
        r.kpis[1] = JobEvaluator.Kpi(1, 0, 1000e18);
        r.verifiers = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            r.verifiers[i] = vm.addr(keys[i]);
        }
        r.quorum = 2;
    }

    function funded() private returns (uint256 id) {
        token.mint(client, BUDGET);
        vm.prank(client);
        id = jobs.createJob(provider, address(evaluator), block.timestamp + 7 days, "Port the parser");
        vm.prank(client);
        jobs.setBudget(id, BUDGET);
        vm.prank(client);
        token.approve(address(jobs), BUDGET);
        vm.prank(client);
        jobs.fund(id, BUDGET);
    }

    function submitted() private returns (uint256 id) {
        id = funded();
        vm.prank(provider);
        jobs.submit(id, "delivery");
    }

    function report(int256 passed, int256 hours_) private view returns (JobEvaluator.Report memory r) {
        r = JobEvaluator.Report(IAgenticCommerce(address(jobs)), job, "delivery", new int256[](2), "evidence");
        r.values[0] = passed;
        r.values[1] = hours_;
    }

    function signatures(JobEvaluator.Report memory r, uint256 a, uint256 b) private view returns (bytes[] memory list) {
        list = new bytes[](2);
        list[0] = signature(r, keys[a]);
        list[1] = signature(r, keys[b]);
    }

    function signature(JobEvaluator.Report memory r, uint256 key) private view returns (bytes memory) {
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(key, evaluator.digest(r));
        return abi.encodePacked(r_, s, v);
    }

    function indexes(uint256 a, uint256 b) private pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (a, b);
    }

    function status() private view returns (LocalJobs.Status s) {
        (,,,,, s,,,) = jobs.jobs(job);
    }

    function reason() private view returns (bytes32 r) {
        (,,,,,,, r,) = jobs.jobs(job);
    }

    function refuse(bytes memory why, JobEvaluator.Report memory r, uint256[] memory i, bytes[] memory s) private {
        vm.expectRevert(why);
        evaluator.evaluate(r, i, s);
        check(status() == LocalJobs.Status.Submitted, "nothing happened");
    }

    // --- the two outcomes -------------------------------------------------------------------------------------------

    function test_aReportThatMeetsTheRulePaysTheProvider() public {
        JobEvaluator.Report memory r = report(0.95e18, 48e18);
        evaluator.evaluate(r, indexes(0, 2), signatures(r, 0, 2));
        check(status() == LocalJobs.Status.Completed, "completed");
        equal(BUDGET, token.balanceOf(provider), "paid");
        equal(bytes32("evidence"), reason(), "the evidence is the attestation");
    }

    function test_aReportThatMissesItByTheLastDecimalRefundsTheClient() public {
        JobEvaluator.Report memory r = report(0.9499e18, 48e18);
        evaluator.evaluate(r, indexes(1, 2), signatures(r, 1, 2));
        check(status() == LocalJobs.Status.Rejected, "rejected");
        equal(BUDGET, token.balanceOf(client), "refunded");
        equal(bytes32("evidence"), reason(), "the evidence is the attestation");
    }

    function test_eachJobIsDecidedOnce() public {
        JobEvaluator.Report memory r = report(1e18, 1e18);
        bytes[] memory given = signatures(r, 0, 1);
        evaluator.evaluate(r, indexes(0, 1), given);
        vm.expectPartialRevert(LocalJobs.InvalidState.selector);
        evaluator.evaluate(r, indexes(0, 1), given);
    }

    function test_nothingIsCompletedBeforeItIsSubmitted() public {
        job = funded();
        JobEvaluator.Report memory r = report(1e18, 1e18);
        bytes[] memory given = signatures(r, 0, 1);
        vm.expectPartialRevert(LocalJobs.InvalidState.selector);
        evaluator.evaluate(r, indexes(0, 1), given);
    }

    function test_silentVerifiersLeaveTheJobToItsExpiry() public {
        vm.warp(block.timestamp + 7 days);
        jobs.claimRefund(job);
        equal(BUDGET, token.balanceOf(client), "refunded");
    }

    function test_theRuleCanBeReadBack() public view {
        equal(keccak256(abi.encode(rules())), keccak256(abi.encode(evaluator.rules())), "rules");
        int256[] memory values = report(1e18, 48.1e18).values;
        equal(int256(0), evaluator.amountOf(values), "too late");
    }

    // --- refusals ---------------------------------------------------------------------------------------------------

    function test_tooFewSignatures() public {
        JobEvaluator.Report memory r = report(1e18, 1e18);
        uint256[] memory one = new uint256[](1);
        bytes[] memory its = new bytes[](1);
        its[0] = signature(r, keys[0]);
        refuse(abi.encodeWithSelector(JobEvaluator.NoQuorum.selector, 1, 2), r, one, its);
        refuse(abi.encodeWithSelector(JobEvaluator.NoQuorum.selector, 2, 2), r, indexes(0, 1), its);
    }

    function test_aVerifierCountsOnceAndInOrder() public {
        JobEvaluator.Report memory r = report(1e18, 1e18);
        refuse(abi.encodeWithSelector(JobEvaluator.BadVerifierOrder.selector, 1), r, indexes(1, 1), signatures(r, 1, 1));
        refuse(abi.encodeWithSelector(JobEvaluator.BadVerifierOrder.selector, 0), r, indexes(1, 0), signatures(r, 1, 0));
        refuse(abi.encodeWithSelector(JobEvaluator.BadVerifierOrder.selector, 3), r, indexes(0, 3), signatures(r, 0, 1));
    }

    function test_aSignatureIsForOneReportOnly() public {
        JobEvaluator.Report memory r = report(0.5e18, 1e18);
        bytes[] memory given = signatures(r, 0, 1);
        bytes memory why = abi.encodeWithSelector(JobEvaluator.BadVerifierSignature.selector, 0);
        refuse(why, report(1e18, 1e18), indexes(0, 1), given);
        JobEvaluator.Report memory other = report(0.5e18, 1e18);
        other.deliverable = "another";
        refuse(why, other, indexes(0, 1), given);
        other = report(0.5e18, 1e18);
        other.evidenceDigest = "another";
        refuse(why, other, indexes(0, 1), given);
        other = report(0.5e18, 1e18);
        ++other.jobId;
        refuse(why, other, indexes(0, 1), given);
        other = report(0.5e18, 1e18);
        other.jobs = IAgenticCommerce(address(new LocalJobs(token)));
        refuse(why, other, indexes(0, 1), given);
        JobEvaluator twin = new JobEvaluator(rules());
        vm.expectRevert(why);
        twin.evaluate(r, indexes(0, 1), given);
    }

    function test_valuesKeepTheirRangeAndDecimals() public {
        JobEvaluator.Report memory r = report(1.0001e18, 1e18);
        refuse(
            abi.encodeWithSelector(JobEvaluator.BadValue.selector, 0, int256(1.0001e18)),
            r,
            indexes(0, 1),
            signatures(r, 0, 1)
        );
        r = report(1e18, -0.1e18);
        refuse(
            abi.encodeWithSelector(JobEvaluator.BadValue.selector, 1, int256(-0.1e18)),
            r,
            indexes(0, 1),
            signatures(r, 0, 1)
        );
        r = report(0.95001e18, 1e18);
        refuse(
            abi.encodeWithSelector(JobEvaluator.BadValue.selector, 0, int256(0.95001e18)),
            r,
            indexes(0, 1),
            signatures(r, 0, 1)
        );
        r.values = new int256[](3);
        refuse(
            abi.encodeWithSelector(JobEvaluator.WrongValueCount.selector, 3, 2), r, indexes(0, 1), signatures(r, 0, 1)
        );
    }

    function test_aProgramThatFailsDecidesNothing() public {
        JobEvaluator.Report memory r = report(0, 999e18);
        refuse(abi.encodeWithSelector(JobEvaluator.ProgramFailed.selector, 2), r, indexes(0, 1), signatures(r, 0, 1));
    }

    // --- rules that cannot be ---------------------------------------------------------------------------------------

    function demandBadRules(JobEvaluator.Rules memory r) private {
        vm.expectRevert(JobEvaluator.BadRules.selector);
        new JobEvaluator(r);
    }

    function test_rulesThatDoNotFitAreRefused() public {
        JobEvaluator.Rules memory r = rules();
        r.quorum = 0;
        demandBadRules(r);
        r.quorum = 4;
        demandBadRules(r);
        r = rules();
        r.verifiers[2] = r.verifiers[0];
        demandBadRules(r);
        r.verifiers[2] = address(0);
        demandBadRules(r);
        r = rules();
        r.verifiers = new address[](33);
        for (uint256 i = 0; i < 33; ++i) {
            r.verifiers[i] = address(uint160(i + 1));
        }
        demandBadRules(r);
        r = rules();
        r.kpis = new JobEvaluator.Kpi[](1);
        demandBadRules(r);
        r = rules();
        r.kpis[0].decimals = 19;
        demandBadRules(r);
        r.kpis[0] = JobEvaluator.Kpi(4, 1, 0);
        demandBadRules(r);
        r = rules();
        r.parameters = new int256[](2);
        demandBadRules(r);
    }

    function test_aProgramMustBeSound() public {
        JobEvaluator.Rules memory r = rules();
        r.program = hex"010201000001010400400005";
        vm.expectPartialRevert(JobEvaluator.BadProgram.selector);
        new JobEvaluator(r);
    }

    function test_aProgramOfTwoPayeesOrWithAMemoryIsRefused() public {
        JobEvaluator.Rules memory r = rules();
        r.kpis = new JobEvaluator.Kpi[](0);
        r.parameters = new int256[](0);
        r.program = hex"01000000000002010001010900010901";
        demandBadRules(r);
        r.program = hex"0100000000000101000b000900";
        demandBadRules(r);
        r.program = hex"01000000000001010001" hex"0900";
        check(address(new JobEvaluator(r)) != address(0), "a constant program fits");
    }
}
