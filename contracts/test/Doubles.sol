// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @notice A token that does what the worst real ones do, one fault at a time.
contract WildToken is ERC20 {
    /// @dev Share of each transfer that is burnt, in hundredths; taken from what arrives.
    uint256 public fee;
    mapping(address => bool) public refused;
    /// @dev Refusals answer false instead of reverting.
    bool public quiet;
    /// @dev Refusals burn all gas given.
    bool public burning;
    address private _prey;
    bytes[] private _baits;
    /// @dev What the prey answered to each call during a transfer; nothing if it let it in.
    bytes4[] public refusals;

    constructor() ERC20("Wild", "WILD") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external {
        _burn(from, amount);
    }

    function setFee(uint256 fee_) external {
        fee = fee_;
    }

    function refuse(address who, bool refused_) external {
        refused[who] = refused_;
    }

    function setQuiet(bool quiet_) external {
        quiet = quiet_;
    }

    function setBurning(bool burning_) external {
        burning = burning_;
    }

    /// @dev From now on every transfer calls the prey with each of these.
    function lure(address prey, bytes[] memory baits) external {
        _prey = prey;
        delete _baits;
        for (uint256 i = 0; i < baits.length; ++i) {
            _baits.push(baits[i]);
        }
        delete refusals;
    }

    function refusalCount() external view returns (uint256) {
        return refusals.length;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (refused[to]) {
            if (burning) {
                while (true) {}
            }
            require(quiet, "refused");
            return false;
        }
        return super.transfer(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 cut = from == address(0) || to == address(0) ? 0 : amount * fee / 100;
        super._update(from, to, amount - cut);
        if (cut != 0) super._update(from, address(0), cut);
        for (uint256 i = 0; from != address(0) && to != address(0) && i < _baits.length; ++i) {
            (bool done, bytes memory answer) = _prey.call(_baits[i]);
            refusals.push(done ? bytes4(0) : bytes4(answer));
        }
    }
}

/// @notice A receiver of native coin that can refuse, burn gas, answer at length, call back, or work for 100,000 gas.
contract Receiver {
    enum Mood {
        Accept,
        Refuse,
        Burn,
        Shout,
        Reenter,
        Work
    }

    Mood public mood;
    /// @dev What the call back answered: nothing yet, or the selector of the escrow's refusal.
    bytes4 public refusal;

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    receive() external payable {
        if (mood == Mood.Refuse) revert("refused");
        if (mood == Mood.Burn) {
            while (true) {}
        }
        if (mood == Mood.Shout) {
            assembly ("memory-safe") {
                revert(0, 1000000)
            }
        }
        if (mood == Mood.Work) {
            uint256 enough = gasleft() - 100_000;
            while (gasleft() > enough) {}
        }
        if (mood == Mood.Reenter) {
            try IOutcomeEscrow(msg.sender).payArrears(1) {}
            catch (bytes memory reason) {
                refusal = bytes4(reason);
            }
        }
    }
}

/// @notice A wallet that is a contract: what its owner signed counts as signed by it (EIP-1271).
contract Wallet is IERC1271 {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    function isValidSignature(bytes32 digest, bytes memory signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s, uint8 v) = abi.decode(signature, (bytes32, bytes32, uint8));
        return ecrecover(digest, v, r, s) == _owner ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
