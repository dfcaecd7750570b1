// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";

import {IEscrowErrors} from "./interfaces/IEscrowErrors.sol";

/// @title Sends money out: the native coin (token zero) or an ERC-20
/// @dev No function here copies return data beyond one word, so a receiver cannot make the sender pay for it.
library Push {
    using SafeERC20 for IERC20;

    /// @dev Gas a receiver or token gets in `push`: enough for the tokens and wallets in use, several times over.
    uint256 internal constant ALLOWANCE = 150_000;
    /// @dev What must be left before a push. A call passes on at most 63/64 of the gas; before that the EVM charges at
    /// most 36,600 for a cold, new account with value.
    uint256 internal constant NEEDED = ALLOWANCE + ALLOWANCE / 63 + 40_000;

    /// @dev Sends with a fixed gas allowance; false if the receiver or token refuses. The allowance is checked first, so
    /// that nobody can make a push fail by giving the transaction too little gas.
    function push(address token, address to, uint256 amount) internal returns (bool sent) {
        if (gasleft() < NEEDED) revert IEscrowErrors.TooLittleGas(gasleft(), NEEDED);
        if (token == address(0)) {
            (sent,,) = attempt(to, amount, "", ALLOWANCE);
            return sent;
        }
        uint256 size;
        uint256 answer;
        bytes4 selector = IERC20.transfer.selector;
        uint256 allowance = ALLOWANCE;
        // The call's bytes stand in free memory, which stays free.
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), to)
            mstore(add(data, 0x24), amount)
            sent := call(allowance, token, 0, data, 0x44, 0x00, 0x20)
            size := returndatasize()
            answer := mload(0x00)
        }
        // A token answers with nothing (and has code) or with the word 1.
        return sent && (size == 0 ? token.code.length != 0 : size > 31 && answer == 1);
    }

    /// @dev Sends with all the gas there is, for an owner that fetches its own money; reverts if refused.
    function send(address token, address to, uint256 amount) internal {
        bool sent =
            token == address(0) ? LowLevelCall.callNoReturn(to, amount, "") : IERC20(token).trySafeTransfer(to, amount);
        if (!sent) revert IEscrowErrors.PushRefused(to, amount);
    }

    /// @dev What this contract has.
    function balance(address token) internal view returns (uint256 amount) {
        if (token == address(0)) return address(this).balance;
        bytes4 selector = IERC20.balanceOf.selector;
        bool told;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            mstore(0x04, address())
            told := staticcall(gas(), token, 0x00, 0x24, 0x00, 0x20)
            told := and(told, gt(returndatasize(), 0x1f))
            amount := mload(0x00)
        }
        // Whatever is wrong with the token, it shows itself what.
        if (!told) return IERC20(token).balanceOf(address(this));
    }

    /// @dev A call with a bound of gas, of whose answer only size and first word are looked at.
    function attempt(address target, uint256 value, bytes memory data, uint256 allowance)
        internal
        returns (bool done, uint256 size, uint256 answer)
    {
        assembly ("memory-safe") {
            done := call(allowance, target, value, add(data, 0x20), mload(data), 0x00, 0x20)
            size := returndatasize()
            answer := mload(0x00)
        }
    }
}
