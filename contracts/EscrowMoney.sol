// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {EscrowHolders} from "./EscrowHolders.sol";
import {Turn} from "./EscrowState.sol";
import {Push} from "./Push.sol";

/// @title The border to the token: what arrives, what is pushed, and what the balance says
/// @notice docs/protocol.md section 7; `pyoutcome/protocol/tokens.py` is the same in Python.
/// @dev Conservation holds over tracked amounts: funds and others. Money on its way out is among the others until it is
/// pushed; the hot slot is written before every push.
abstract contract EscrowMoney is EscrowHolders {
    /// @dev Begins an act: reads terms and hot slot, and books what the balance says.
    function _begin() internal returns (Turn memory turn) {
        turn = _open();
        _sync(turn, _brought(turn));
    }

    /// @dev Ends an act: what came in bears a loss not yet borne, money found after closing goes to the client, and a record
    /// that the reserve is not covered ends.
    function _end(Turn memory turn) internal {
        if (turn.below) _sync(turn, 0);
        if (turn.stage == CLOSED && turn.funds != 0 && !_isQueued(turn)) {
            uint256 amount = turn.funds;
            turn.funds = 0;
            turn.others += amount;
            emit Refunded(amount);
            _payClient(turn, amount);
        }
        if (_is(turn, UNCOVERED) && turn.funds >= _requiredCover(turn)) {
            turn.flags &= ~UNCOVERED;
            _life.uncoveredSince = 0;
            emit Covered();
        }
        _commit(turn);
    }

    function _isQueued(Turn memory turn) internal view returns (bool) {
        return _is(turn, OWING) && _queue.length != 0;
    }

    /// @dev A surplus becomes client funding, a loss takes client funding first.
    /// @param uncounted native coin that came with this call and is not yet booked
    function _sync(Turn memory turn, uint256 uncounted) internal {
        uint256 balance = _balance(turn, uncounted);
        uint256 tracked = turn.funds + turn.others;
        turn.below = false;
        if (balance == tracked) return;
        if (balance > tracked) {
            turn.funds += balance - tracked;
            emit Synced(int256(balance - tracked));
            return;
        }
        uint256 booked = Math.min(tracked - balance, turn.funds);
        turn.below = booked != tracked - balance;
        if (booked == 0) return;
        turn.funds -= booked;
        emit Synced(-int256(booked));
    }

    /// @dev Native coin that came with this call and is not booked yet.
    function _brought(Turn memory turn) internal view returns (uint256) {
        return turn.terms.token() == address(0) ? msg.value : 0;
    }

    /// @dev What the escrow has, without `uncounted` of it. What the books cannot hold is not believed.
    function _balance(Turn memory turn, uint256 uncounted) internal view returns (uint256) {
        return Math.min(Push.balance(turn.terms.token()) - uncounted, MONEY);
    }

    /// @dev Takes what the caller brings with this act; returns what arrived, which a token's fee may have made less.
    function _pull(Turn memory turn, uint256 amount) internal returns (uint256 arrived) {
        address token = turn.terms.token();
        return _pullOnto(token, amount, token == address(0) ? 0 : Push.balance(token));
    }

    /// @dev The same while nothing has moved since the books were compared with the balance, which they then tell.
    function _pullAtOnce(Turn memory turn, uint256 amount) internal returns (uint256 arrived) {
        uint256 tracked = turn.funds + turn.others;
        if (turn.below || tracked >= MONEY) return _pull(turn, amount);
        return _pullOnto(turn.terms.token(), amount, tracked);
    }

    function _pullOnto(address token, uint256 amount, uint256 before) private returns (uint256 arrived) {
        uint256 needed = token == address(0) ? amount : 0;
        if (msg.value != needed) revert WrongValue(msg.value, needed);
        if (token == address(0) || amount == 0) return amount;
        SafeERC20.safeTransferFrom(IERC20(token), msg.sender, address(this), amount);
        arrived = Math.saturatingSub(Push.balance(token), before);
    }

    /// @dev Pushes money that left every account to a tenure; what cannot be pushed becomes claimable.
    /// @param quiet another event has said that it is paid
    function _pay(Turn memory turn, uint256 tenure, uint256 amount, bool quiet) internal {
        if (amount == 0) return;
        address to = _payoutOf(turn, tenure);
        if (_tryPush(turn, to, amount)) {
            if (!quiet) emit Paid(tenure, to, amount);
            return;
        }
        _books[tenure].claimable += uint104(amount);
        emit Deferred(tenure, amount);
    }

    function _payClient(Turn memory turn, uint256 amount) internal {
        if (amount == 0 || _tryPush(turn, turn.terms.client(), amount)) return;
        _clientClaimable += amount;
        emit ClientDeferred(amount);
    }

    /// @dev To a tenure, or to the client for -1.
    function _payParty(Turn memory turn, int256 party, uint256 amount) internal {
        if (party == CLIENT) _payClient(turn, amount);
        else _pay(turn, uint256(party), amount, false);
    }

    function _tryPush(Turn memory turn, address to, uint256 amount) private returns (bool sent) {
        if (turn.below) return false;
        turn.others -= amount;
        _commit(turn);
        sent = Push.push(turn.terms.token(), to, amount);
        if (sent) return true;
        turn.others += amount;
        _commit(turn);
    }

    /// @dev Sends what is tracked no more to an address the owner names; reverts if it is refused.
    function _sendOut(Turn memory turn, address to, uint256 amount) internal {
        _commit(turn);
        if (amount != 0) Push.send(turn.terms.token(), to, amount);
    }
}
