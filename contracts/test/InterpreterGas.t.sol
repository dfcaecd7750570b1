// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {Packing} from "./Packing.sol";
import {TestToken} from "../TestToken.sol";

/// @notice What a payment rule adds to a settlement: the gas of a report, less that of the same report in an escrow of
/// the same arguments whose program is a constant amount.
/// @dev The figures are in gas.json. None may rise; `GAS_SNAPSHOT=true forge test --match-contract InterpreterGas` writes
/// them anew. The programs are what `pyoutcome` makes of tests/contracts/gas/*.yaml, which
/// tests/contracts/test_interpreter_gas.py checks.
contract InterpreterGasTest is Fixture {
    bytes private constant CONSTANT = hex"010301000001010100400006000900";
    bytes private constant CURVE = hex"010301000001010200400005004904011001104600503c5a5f5f6e0600220900";
    bytes private constant BANDS = hex"010301000001010100400005024a0301150112010a02080405020900";
    bytes private constant SUMLAST = hex"01030100010101040140008cff0106000500220900080001030c0600220d000c2128270901";
    bytes private constant SCORECARD = hex"01030100000101030040000401110505004904011001104600503c5a5f5f6e220401110305014904020f011003b60003d432"
        hex"03e36403e7692220040111020502490401130111050b0a0a2804640022200600220900";
    bytes private constant SCORECARD_ON_STACK = hex"010302000001010b00400004011105050004011107010401110804011106040111090401105f0401105f0600410422040111"
        hex"0305010401105f01040110620401110504020f03e30204020f03e70600410422200401110205020332060003640204011404"
        hex"040111040401150101410422200601220900";

    string private constant SNAPSHOT = "contracts/test/gas.json";
    /// @dev What was asked for: a scorecard of three KPIs with curves of four points.
    uint256 private constant MOST_FOR_SCORECARD = 8000;
    int256 private constant FEE = 250_000e18;
    /// @dev Long enough for a history of twelve months to be full.
    uint32 private constant MONTHS = 14;

    event Measured(string rule, uint256 gas);

    function setUp() public override {
        super.setUp();
        describe(address(new TestToken("Test dollar", "TUSD")), 1, MONTHS);
        args.reserve = 0;
        delete args.kpis;
        args.kpis.push(Packing.Kpi(4, false, 0, 0, 1e18, 0));
        args.kpis.push(Packing.Kpi(4, false, 0, 0, 1e18, 0));
        args.kpis.push(Packing.Kpi(0, false, 0, 0, 10_000e18, 0));
        args.parameters.push(FEE);
    }

    /// @dev On each curve's last segment, the most expensive place: 52 % + 30.75 % + 4 % of the fee.
    function test_aScorecardOfThreeCurves() public {
        uint256 added = addedBy(SCORECARD, values(0.93e18, 0.997e18, 700e18), 216_875e6);
        check(added <= MOST_FOR_SCORECARD || !shipped(), "a scorecard costs more than was asked for");
        hold("scorecard", added);
    }

    /// @dev The same numbers, but each curve has a term among them.
    function test_aScorecardOfThreeCurvesOnTheStack() public {
        args.parameters[0] = 1.1e18;
        args.parameters.push(FEE);
        hold("scorecard_on_stack", addedBy(SCORECARD_ON_STACK, values(0.93e18, 0.998e18, 700e18), 220_625e6));
    }

    function test_oneCurve() public {
        hold("curve", addedBy(CURVE, values(0.93e18, 0, 0), 260_000e6));
    }

    function test_oneTableOfBands() public {
        hold("bands", addedBy(BANDS, values(0, 0, 5000e18), 30_000e6));
    }

    /// @dev Carrying the history is part of it.
    function test_aSumOfTwelveMonths() public {
        hold("sumlast", addedBy(SUMLAST, values(0.9e18, 0, 0), 225_000e6));
    }

    /// @dev The gas that a program adds to the last month's report, and its amount that month checked.
    function addedBy(bytes memory program, int256[] memory reported, int256 amount) private returns (uint256) {
        bytes memory constant_ = CONSTANT;
        constant_[2] = bytes1(uint8(args.parameters.length));
        constant_[12] = bytes1(uint8(args.parameters.length - 1));
        uint256 least = lastMonth(constant_, reported, FEE / UNIT);
        return lastMonth(program, reported, amount) - least;
    }

    function lastMonth(bytes memory program, int256[] memory reported, int256 amount) private returns (uint256) {
        vm.warp(BEGIN);
        programHash = factory.registerProgram(program);
        create();
        TestToken(args.token).mint(address(escrow), uint256(MONTHS) * 250_000e6 * 2);
        escrow.accept("agreement", 0, partySignatures());
        escrow.activate();
        for (uint32 month = 1; month < MONTHS; ++month) {
            toEnd(month);
            report(month, reported);
        }
        toEnd(MONTHS);
        bytes memory packed = signed(MONTHS, reported, 0, 1);
        int256 earned = received();
        vm.cool(address(escrow));
        vm.cool(factory.implementation());
        vm.cool(factory.programStore(programHash));
        vm.cool(args.token);
        uint256 before = gasleft();
        escrow.report(packed);
        uint256 used = before - gasleft();
        equal(amount, received() - earned, "what the rule pays");
        return used;
    }

    /// @dev What the provider has and what is held back from it.
    function received() private view returns (int256) {
        return int256(TestToken(args.token).balanceOf(payout(0)) + account(0).held);
    }

    function values(int256 onTime, int256 uptime, int256 tickets) private pure returns (int256[] memory reported) {
        reported = new int256[](3);
        (reported[0], reported[1], reported[2]) = (onTime, uptime, tickets);
    }

    /// @dev No more than the snapshot says; or the snapshot says so from now on.
    function hold(string memory rule, uint256 used) private {
        emit Measured(rule, used);
        if (!shipped()) return;
        string memory key = string.concat(".", rule);
        if (vm.envOr("GAS_SNAPSHOT", false)) {
            vm.writeJson(vm.toString(used), SNAPSHOT, key);
        } else {
            check(used <= vm.parseJsonUint(vm.readFile(SNAPSHOT), key), string.concat(rule, " costs more than before"));
        }
    }
}
