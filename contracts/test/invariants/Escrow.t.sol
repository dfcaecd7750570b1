// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";

/// @notice What the invariant contracts ask of the handler.
interface IHandler {
    function laws() external view;
    function closeAlone() external;
    function reached() external view returns (string memory);
    function setUp() external;
}

/// @title Whatever is done in whatever order, the invariants of docs/invariants.md hold
/// @notice One contract per kind of token. The handler checks after every act; forge asks for the laws once more after every
/// call, and at the end of every run an outsider closes the escrow alone. What the runs reached stands in build/reach.
abstract contract EscrowInvariants is Base {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    IHandler private _handler;
    string private _file;

    constructor(uint8 kind) {
        _file = string.concat("build/reach/", vm.toString(kind), ".txt");
        _handler = IHandler(deployWith("Handler.sol:Handler", abi.encode(kind)));
        target(address(_handler));
        vm.createDir("build/reach", true);
        vm.writeFile(_file, "");
    }

    function excludeSelectors() external view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0].addr = address(_handler);
        excluded[0].selectors = new bytes4[](2);
        excluded[0].selectors[0] = IHandler.setUp.selector;
        excluded[0].selectors[1] = IHandler.closeAlone.selector;
    }

    function invariant_theLawsHold() external view {
        _handler.laws();
    }

    function afterInvariant() external {
        _handler.closeAlone();
        _handler.laws();
        vm.writeLine(_file, _handler.reached());
    }
}

contract NativeCoinInvariants is EscrowInvariants(0) {}

contract PlainTokenInvariants is EscrowInvariants(1) {}

contract FeeOnTransferInvariants is EscrowInvariants(2) {}

contract NoReturnInvariants is EscrowInvariants(3) {}

contract FalseReturningInvariants is EscrowInvariants(4) {}

contract BlacklistingInvariants is EscrowInvariants(5) {}

contract PausingInvariants is EscrowInvariants(6) {}

contract RebasingInvariants is EscrowInvariants(7) {}

contract ReenteringInvariants is EscrowInvariants(8) {}

contract LowDecimalsInvariants is EscrowInvariants(9) {}

contract HighDecimalsInvariants is EscrowInvariants(10) {}
