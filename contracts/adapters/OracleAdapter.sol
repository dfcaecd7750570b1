// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {Choices} from "./Choices.sol";
import {IOptimisticOracle, IOracleCallback} from "./IOptimisticOracle.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @title An optimistic oracle as the arbitrator of escrows
/// @notice Name this contract as the arbitrator, one that chooses. Once a period is in dispute anyone asserts, with the
/// oracle's bond, which version is right. What nobody disputes in time, or the oracle's vote confirms, decides; the first
/// confirmed assertion stands. If none is confirmed before the escrow's deadline, the report stands.
/// @dev For each version one assertion can be open at a time, so that nobody blocks the right one by a wrong one. The bond
/// passes through to the oracle, which returns it to the asserter; the adapter keeps nothing.
contract OracleAdapter is IOracleCallback, Choices, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IOptimisticOracle public immutable oracle;
    IERC20 public immutable currency;
    /// @notice Seconds in which an assertion can be disputed.
    uint64 public immutable liveness;

    struct Assertion {
        IOutcomeEscrow escrow;
        uint256 period;
        bytes32 caseId;
        uint256 choice;
    }

    mapping(bytes32 assertionId => Assertion) private _assertions;
    mapping(bytes32 caseId => mapping(uint256 choice => bool)) private _open;

    event Asserted(
        IOutcomeEscrow indexed escrow, uint256 indexed period, bytes32 indexed assertionId, uint256 choice, uint256 bond
    );

    error NotOracle(address caller);
    error UnknownAssertion(bytes32 assertionId);
    error AlreadyAsserted(bytes32 caseId, uint256 choice);

    constructor(IOptimisticOracle oracle_, IERC20 currency_, uint64 liveness_) {
        (oracle, currency, liveness) = (oracle_, currency_, liveness_);
    }

    /// @notice The bond an assertion takes now.
    function bond() public view returns (uint256) {
        return oracle.getMinimumBond(address(currency));
    }

    /// @notice Asserts that version `choice` of a period in dispute is right: 0 the report, 1 the first challenge, ... The
    /// caller pays the bond (`currency`, by allowance) and gets it back from the oracle unless the assertion is found false.
    function assertVersion(IOutcomeEscrow escrow, uint256 period, uint256 choice)
        external
        nonReentrant
        returns (bytes32 assertionId)
    {
        bytes32 caseId = caseOf(escrow, period);
        if (_decisions[caseId].made) revert AlreadyDecided(caseId);
        if (_open[caseId][choice]) revert AlreadyAsserted(caseId, choice);
        _open[caseId][choice] = true;
        uint256 amount = bond();
        currency.safeTransferFrom(msg.sender, address(this), amount);
        currency.forceApprove(address(oracle), amount);
        assertionId = oracle.assertTruth(
            claim(escrow, period, choice),
            msg.sender,
            address(this),
            address(0),
            liveness,
            currency,
            amount,
            oracle.defaultIdentifier(),
            caseId
        );
        _assertions[assertionId] = Assertion(escrow, period, caseId, choice);
        emit Asserted(escrow, period, assertionId, choice, amount);
    }

    /// @notice The words the oracle's disputers and voters judge.
    function claim(IOutcomeEscrow escrow, uint256 period, uint256 choice) public view returns (bytes memory) {
        return abi.encodePacked(
            "The agreement with terms hash ",
            Strings.toHexString(uint256(escrow.termsHashOf(period)), 32),
            " is deployed as the escrow ",
            Strings.toHexString(address(escrow)),
            " on chain ",
            Strings.toString(block.chainid),
            ". Its measures, applied to the records of period ",
            Strings.toString(period),
            ", give the values of version ",
            Strings.toString(choice),
            " (0: the report or default; others: challenges in the order in which the escrow accepted them)."
        );
    }

    /// @inheritdoc IOracleCallback
    function assertionResolvedCallback(bytes32 assertionId, bool assertedTruthfully) external {
        if (msg.sender != address(oracle)) revert NotOracle(msg.sender);
        Assertion memory assertion = _assertions[assertionId];
        if (assertion.caseId == 0) revert UnknownAssertion(assertionId);
        _open[assertion.caseId][assertion.choice] = false;
        // Later ones change nothing: the oracle's call must not fail for them.
        if (!assertedTruthfully || _decisions[assertion.caseId].made) return;
        _decide(assertion.escrow, assertion.period, assertion.caseId, assertion.choice);
    }

    /// @inheritdoc IOracleCallback
    function assertionDisputedCallback(bytes32 assertionId) external view {
        if (msg.sender != address(oracle)) revert NotOracle(msg.sender);
        if (_assertions[assertionId].caseId == 0) revert UnknownAssertion(assertionId);
    }
}
