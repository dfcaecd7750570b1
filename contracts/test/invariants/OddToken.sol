// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that can be made to do what each class of real token does.
contract OddToken is ERC20 {
    uint8 private immutable _decimals;
    /// @dev Share of each transfer that is burnt, in hundredths.
    uint256 public fee;
    bool public paused;
    mapping(address => bool) public refused;
    /// @dev Refusals answer false instead of reverting.
    bool public quiet;
    /// @dev Transfers answer nothing.
    bool public mute;
    /// @dev Whom each transfer calls, with what.
    address public prey;
    bytes public bait;
    /// @dev Whether such a call ever succeeded.
    bool public reentered;

    constructor(uint8 decimals_) ERC20("Odd", "ODD") {
        _decimals = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
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

    function setPaused(bool paused_) external {
        paused = paused_;
    }

    function refuse(address who, bool refused_) external {
        refused[who] = refused_;
    }

    function setQuiet(bool quiet_) external {
        quiet = quiet_;
    }

    function setMute(bool mute_) external {
        mute = mute_;
    }

    function setBait(address prey_, bytes calldata bait_) external {
        (prey, bait) = (prey_, bait_);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (!_allows(to)) return false;
        super.transfer(to, amount);
        _answer();
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (!_allows(to) || !_allows(from)) return false;
        super.transferFrom(from, to, amount);
        _answer();
        return true;
    }

    function _allows(address who) private view returns (bool) {
        if (!paused && !refused[who]) return true;
        require(quiet, "refused");
        return false;
    }

    function _answer() private view {
        if (!mute) return;
        assembly ("memory-safe") {
            return(0, 0)
        }
    }

    function _update(address from, address to, uint256 amount) internal override {
        bool moves = from != address(0) && to != address(0);
        uint256 cut = moves ? amount * fee / 100 : 0;
        super._update(from, to, amount - cut);
        if (cut != 0) super._update(from, address(0), cut);
        if (!moves || prey == address(0)) return;
        (bool done,) = prey.call(bait);
        reentered = reentered || done;
    }
}
