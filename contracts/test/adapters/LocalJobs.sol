// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IAgenticCommerce} from "../../adapters/IAgenticCommerce.sol";

/// @notice An ERC-8183 job contract without hooks and fees, written from the specification for the tests.
contract LocalJobs is IAgenticCommerce {
    enum Status {
        Open,
        Funded,
        Submitted,
        Completed,
        Rejected,
        Expired
    }

    struct Job {
        address client;
        address provider;
        address evaluator;
        uint256 budget;
        uint256 expiredAt;
        Status status;
        bytes32 deliverable;
        bytes32 reason;
        string description;
    }

    IERC20 public immutable token;
    mapping(uint256 jobId => Job) public jobs;
    uint256 public jobCount;

    error InvalidState(Status status);
    error Unauthorized(address caller);

    constructor(IERC20 token_) {
        token = token_;
    }

    function createJob(address provider, address evaluator, uint256 expiredAt, string calldata description)
        external
        returns (uint256 jobId)
    {
        require(evaluator != address(0) && expiredAt > block.timestamp, "job");
        jobId = ++jobCount;
        jobs[jobId] = Job(msg.sender, provider, evaluator, 0, expiredAt, Status.Open, 0, 0, description);
    }

    function setBudget(uint256 jobId, uint256 amount) external {
        Job storage job = _in(jobId, Status.Open);
        if (msg.sender != job.client && msg.sender != job.provider) revert Unauthorized(msg.sender);
        job.budget = amount;
    }

    function fund(uint256 jobId, uint256 expectedBudget) external {
        Job storage job = _in(jobId, Status.Open);
        if (msg.sender != job.client) revert Unauthorized(msg.sender);
        require(job.budget != 0 && job.budget == expectedBudget && job.provider != address(0), "budget");
        job.status = Status.Funded;
        require(token.transferFrom(msg.sender, address(this), job.budget), "token");
    }

    function submit(uint256 jobId, bytes32 deliverable) external {
        Job storage job = _in(jobId, Status.Funded);
        if (msg.sender != job.provider) revert Unauthorized(msg.sender);
        (job.status, job.deliverable) = (Status.Submitted, deliverable);
    }

    function complete(uint256 jobId, bytes32 reason, bytes calldata) external {
        Job storage job = _in(jobId, Status.Submitted);
        if (msg.sender != job.evaluator) revert Unauthorized(msg.sender);
        _end(job, Status.Completed, reason, job.provider);
    }

    function reject(uint256 jobId, bytes32 reason, bytes calldata) external {
        Job storage job = jobs[jobId];
        if (job.status == Status.Open) {
            if (msg.sender != job.client) revert Unauthorized(msg.sender);
            (job.status, job.reason) = (Status.Rejected, reason);
            return;
        }
        if (job.status != Status.Funded && job.status != Status.Submitted) revert InvalidState(job.status);
        if (msg.sender != job.evaluator) revert Unauthorized(msg.sender);
        _end(job, Status.Rejected, reason, job.client);
    }

    function claimRefund(uint256 jobId) external {
        Job storage job = jobs[jobId];
        if (job.status != Status.Funded && job.status != Status.Submitted) revert InvalidState(job.status);
        require(block.timestamp >= job.expiredAt, "early");
        _end(job, Status.Expired, 0, job.client);
    }

    function _end(Job storage job, Status status, bytes32 reason, address to) private {
        (job.status, job.reason) = (status, reason);
        require(token.transfer(to, job.budget), "token");
    }

    function _in(uint256 jobId, Status status) private view returns (Job storage job) {
        job = jobs[jobId];
        if (job.status != status) revert InvalidState(job.status);
    }
}
