// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IOptimisticOracle, IOracleCallback} from "../../adapters/IOptimisticOracle.sol";

/// @notice An optimistic oracle written for the tests: an assertion with a bond is true if nobody disputes it within its
/// liveness; a disputed one is decided by a vote, and the loser's bond goes to the winner but for a half that is burnt.
contract LocalOracle is IOptimisticOracle {
    uint256 public constant MINIMUM_BOND = 500e6;
    bytes32 public constant defaultIdentifier = "ASSERT_TRUTH";

    struct Assertion {
        address asserter;
        address disputer;
        address recipient;
        IERC20 currency;
        uint256 bond;
        uint256 expires;
        bool settled;
        bytes claim;
    }

    address public immutable voters;
    mapping(bytes32 assertionId => Assertion) public assertions;
    uint256 private _count;

    constructor(address voters_) {
        voters = voters_;
    }

    function getMinimumBond(address) external pure returns (uint256) {
        return MINIMUM_BOND;
    }

    function assertTruth(
        bytes calldata claim,
        address asserter,
        address recipient,
        address,
        uint64 liveness,
        IERC20 currency,
        uint256 bond,
        bytes32,
        bytes32
    ) external returns (bytes32 assertionId) {
        require(bond >= MINIMUM_BOND, "bond");
        assertionId = keccak256(abi.encode(claim, ++_count));
        require(currency.transferFrom(msg.sender, address(this), bond), "bond");
        assertions[assertionId] =
            Assertion(asserter, address(0), recipient, currency, bond, block.timestamp + liveness, false, claim);
    }

    function dispute(bytes32 assertionId) external {
        Assertion storage it = assertions[assertionId];
        require(it.disputer == address(0) && block.timestamp < it.expires, "late");
        it.disputer = msg.sender;
        require(it.currency.transferFrom(msg.sender, address(this), it.bond), "bond");
        IOracleCallback(it.recipient).assertionDisputedCallback(assertionId);
    }

    /// @dev Undisputed: true once its liveness is over.
    function settle(bytes32 assertionId) external {
        require(assertions[assertionId].disputer == address(0), "disputed");
        require(block.timestamp >= assertions[assertionId].expires, "early");
        _resolve(assertionId, true);
    }

    function vote(bytes32 assertionId, bool truth) external {
        require(msg.sender == voters && assertions[assertionId].disputer != address(0), "vote");
        _resolve(assertionId, truth);
    }

    function _resolve(bytes32 assertionId, bool truth) private {
        Assertion storage it = assertions[assertionId];
        require(!it.settled, "settled");
        it.settled = true;
        uint256 amount = it.disputer == address(0) ? it.bond : it.bond * 3 / 2;
        require(it.currency.transfer(truth ? it.asserter : it.disputer, amount), "bond");
        IOracleCallback(it.recipient).assertionResolvedCallback(assertionId, truth);
    }
}
