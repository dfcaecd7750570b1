// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The part of forge's cheat codes that these tests use.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    /// @dev Gas of the last call; where each call is a transaction of its own (`isolate`), that transaction's.
    function lastCallGas() external view returns (Gas memory gas);
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    /// @dev Makes the account and its storage cold again, as at the start of a transaction.
    function cool(address who) external;
    function deal(address who, uint256 amount) external;
    function label(address who, string calldata name) external;
    function expectRevert() external;
    function expectRevert(bytes4 selector) external;
    function expectRevert(bytes calldata reason) external;
    function expectPartialRevert(bytes4 selector) external;
    function expectEmit() external;
    /// @dev Which topics and whether data have to be equal.
    function expectEmit(bool one, bool two, bool three, bool data) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    /// @dev Creation code of a compiled contract. Naming one here instead of `new` keeps it out of the test's own code, which
    /// halves the time the compiler needs.
    function getCode(string calldata artifact) external view returns (bytes memory);
    function envOr(string calldata name, bool otherwise) external view returns (bool);
    function isFile(string calldata path) external view returns (bool);
    function replace(string calldata text, string calldata from, string calldata to)
        external
        pure
        returns (string memory);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    /// @dev Gives an account code.
    function etch(address who, bytes calldata code) external;
    function createDir(string calldata path, bool parents) external;
    function writeFile(string calldata path, string calldata data) external;
    function writeLine(string calldata path, string calldata line) external;
    /// @dev Replaces one value of a JSON file that exists.
    function writeJson(string calldata json, string calldata path, string calldata key) external;
    function toString(uint256 number) external pure returns (string memory);
    function toString(bytes calldata data) external pure returns (string memory);
}

/// @title What every test stands on (forge-std is not on npm whole)
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqual(uint256 expected, uint256 actual, string what);
    error NotEqualSigned(int256 expected, int256 actual, string what);
    error NotTrue(string what);

    /// @dev Contracts whose functions an invariant test calls at random; forge asks for them by this name.
    address[] private _targets;

    function targetContracts() public view returns (address[] memory) {
        return _targets;
    }

    function target(address subject) internal {
        _targets.push(subject);
    }

    function check(bool holds, string memory what) internal pure {
        if (!holds) revert NotTrue(what);
    }

    function equal(uint256 expected, uint256 actual, string memory what) internal pure {
        if (expected != actual) revert NotEqual(expected, actual, what);
    }

    function equal(int256 expected, int256 actual, string memory what) internal pure {
        if (expected != actual) revert NotEqualSigned(expected, actual, what);
    }

    function equal(address expected, address actual, string memory what) internal pure {
        equal(uint160(expected), uint160(actual), what);
    }

    function equal(bytes32 expected, bytes32 actual, string memory what) internal pure {
        equal(uint256(expected), uint256(actual), what);
    }

    /// @dev Whether production contracts are deployed as they are shipped, and not as forge compiles them.
    function shipped() internal view returns (bool) {
        return !vm.envOr("ESCROW_FROM_SOURCES", false);
    }

    /// @dev What creates a contract, by its file's name: what is shipped of a production contract, what forge made of a test's.
    function creationCode(string memory file) private view returns (bytes memory) {
        string memory artifact = string.concat("pyoutcome/chain/artifacts/", vm.replace(file, ".sol", ".json"));
        if (!shipped() || !vm.isFile(artifact)) return vm.getCode(file);
        return vm.parseJsonBytes(vm.readFile(artifact), ".creation");
    }

    /// @dev Deploys a compiled contract by its file's name; it takes no arguments.
    function deploy(string memory file) internal returns (address made) {
        return deployWith(file, "");
    }

    /// @dev The same with ABI-encoded constructor arguments.
    function deployWith(string memory file, bytes memory arguments) internal returns (address made) {
        bytes memory code = bytes.concat(creationCode(file), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        check(made != address(0), "deployed");
    }

    /// @dev A value within low..high made from any.
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        return high - low == type(uint256).max ? x : low + x % (high - low + 1);
    }
}
