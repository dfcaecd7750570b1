// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Choices} from "./Choices.sol";
import {IArbitrable, IArbitrator} from "./IArbitration.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @title An ERC-792 court as the arbitrator of escrows
/// @notice Name this contract as the arbitrator, one that chooses. Once a period is in dispute anyone refers it and pays the
/// court's fee, once; `cost` says it beforehand. The court's choice i is version i-1: 1 the report, 2 the first challenge,
/// and so on; 0, its refusal, has the report stand, and so does its silence, by the escrow's own deadline.
/// @dev One adapter serves one court with one set of parameters and any number of escrows. It holds no money.
contract CourtAdapter is IArbitrable, Choices {
    /// @dev The report, the client's version and one for each of 32 providers. The adapter need not know how many there are:
    /// `enforce` treats a choice that is not there as a refusal.
    uint256 public constant MOST_CHOICES = 34;

    IArbitrator public immutable court;
    /// @notice The court's parameters, such as the number of jurors.
    bytes public extraData;

    struct Referral {
        IOutcomeEscrow escrow;
        uint256 period;
        bytes32 caseId;
    }

    mapping(uint256 disputeId => Referral) private _referrals;
    mapping(bytes32 caseId => bool) private _referred;

    event Referred(
        IOutcomeEscrow indexed escrow, uint256 indexed period, uint256 indexed disputeId, bytes32 caseId, uint256 cost
    );
    /// @notice Evidence for the court's eyes: where it is found. ERC-1497 without its registry of meta-evidence.
    event Evidence(uint256 indexed disputeId, address indexed party, string evidence);

    error NotCourt(address caller);
    error UnknownDispute(uint256 disputeId);
    error AlreadyReferred(bytes32 caseId);
    /// @dev The court asks `cost`.
    error WrongFee(uint256 given, uint256 cost);

    constructor(IArbitrator court_, bytes memory extraData_) {
        court = court_;
        extraData = extraData_;
    }

    /// @notice What it costs to refer a period.
    function cost() public view returns (uint256) {
        return court.arbitrationCost(extraData);
    }

    /// @notice Refers a period in dispute to the court. Anyone may; the fee is exact.
    function refer(IOutcomeEscrow escrow, uint256 period) external payable returns (uint256 disputeId) {
        bytes32 caseId = caseOf(escrow, period);
        if (_referred[caseId]) revert AlreadyReferred(caseId);
        uint256 fee = cost();
        if (msg.value != fee) revert WrongFee(msg.value, fee);
        _referred[caseId] = true;
        disputeId = court.createDispute{value: fee}(MOST_CHOICES, extraData);
        _referrals[disputeId] = Referral(escrow, period, caseId);
        emit Referred(escrow, period, disputeId, caseId, fee);
    }

    /// @notice Takes the dispute to the court's next instance. Anyone may; the fee is the court's.
    function appeal(uint256 disputeId) external payable {
        _demandReferral(disputeId);
        uint256 fee = court.appealCost(disputeId, extraData);
        if (msg.value != fee) revert WrongFee(msg.value, fee);
        court.appeal{value: fee}(disputeId, extraData);
    }

    /// @notice Shows the court where evidence is, such as a bundle's digest and address.
    function submitEvidence(uint256 disputeId, string calldata evidence) external {
        _demandReferral(disputeId);
        emit Evidence(disputeId, msg.sender, evidence);
    }

    /// @inheritdoc IArbitrable
    function rule(uint256 disputeId, uint256 ruling) external {
        if (msg.sender != address(court)) revert NotCourt(msg.sender);
        Referral memory referral = _demandReferral(disputeId);
        if (_decisions[referral.caseId].made) revert AlreadyDecided(referral.caseId);
        emit Ruling(court, disputeId, ruling);
        _decide(referral.escrow, referral.period, referral.caseId, ruling == 0 ? REFUSED : ruling - 1);
    }

    function _demandReferral(uint256 disputeId) private view returns (Referral memory referral) {
        referral = _referrals[disputeId];
        if (referral.caseId == 0) revert UnknownDispute(disputeId);
    }
}
