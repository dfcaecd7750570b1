// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";
import {TestToken} from "../TestToken.sol";

/// @notice What the acts of the example agreement (three airlines, nine KPIs, twelve periods) cost inside the
/// transaction, and bounds that later changes must keep. A transaction adds 21,000 and its calldata.
contract GasTest is Fixture {
    bytes private constant PROGRAM = hex"01090100000c030200400141024203400441054206800781088209400a410b420c0d0e06000900060009010600090205"
        hex"0049040110011637f146004b005a120903050149040110011637f146004b005a120904050249040110011637f146004b"
        hex"005a120905050348032a0110011001000305050a0f0600220906050448032a0110011001000305050a0f060022090705"
        hex"0548032a0110011001000305050a0f060022090805064a02011401131904230302090905074a02011401131904230302"
        hex"090a05084a02011401131904230302090b080008032008062108092004011612280401163427090c0801080420080721"
        hex"080a2004011612280401163427090d0802080520080821080b2004011612280401163427090e";

    event Measured(string act, uint256 gas);

    function setUp() public override {
        super.setUp();
        describe(deployToken(), 3, 12);
        delete args.kpis;
        for (uint256 i = 0; i < 9; ++i) {
            if (i < 6) args.kpis.push(IOutcomeEscrow.Kpi(4, false, 0, 1e18, 0));
            else args.kpis.push(IOutcomeEscrow.Kpi(0, false, 0, 10_000e18, 0));
        }
        args.parameters.push(250_000e18);
        args.reserve = 1_560_000e6;
    }

    function deployToken() private returns (address) {
        return address(new TestToken("Test dollar", "TUSD"));
    }

    function test_theExampleAgreementCostsNoMoreThanThis() public {
        uint256 before = gasleft();
        programHash = factory.registerProgram(PROGRAM);
        within("register", before - gasleft(), 265_000);

        (, termsHash) = factory.predict(args, "agreement", programHash, 0);
        IOutcomeEscrow.Arguments memory copy = args;
        before = gasleft();
        escrow = IOutcomeEscrow(factory.create(copy, "agreement", programHash, 0));
        within("create", before - gasleft(), 720_000);

        TestToken(args.token).mint(client, 20_000_000e6);
        vm.prank(client);
        TestToken(args.token).approve(address(escrow), type(uint256).max);
        cool();
        vm.prank(client);
        before = gasleft();
        escrow.deposit(20_000_000e6);
        within("deposit", before - gasleft(), 70_000);

        bytes[] memory signatures = partySignatures();
        cool();
        before = gasleft();
        escrow.activate(signatures);
        within("activate", before - gasleft(), 62_000);

        // What they cost before programs could carry state: a program that reads no earlier period pays nothing for it.
        month(1, "settle, first period", 298_713);
        month(2, "settle, later period", 174_068);
    }

    function month(uint32 period, string memory what, uint256 most) private {
        int256[] memory values = new int256[](9);
        for (uint256 i = 0; i < 3; ++i) {
            values[i] = int256(0.75e18 + i * 0.05e18);
            values[3 + i] = int256(0.01e18 + i * 0.02e18);
            values[6 + i] = int256(1800e18 + i * 1000e18);
        }
        toEnd(period);
        (uint8[] memory indexes, bytes[] memory signatures) = signed(period, values, 0, 1);
        cool();
        uint256 before = gasleft();
        escrow.report(period, values, "evidence", indexes, signatures);
        within(what, before - gasleft(), most);
        check(account(0).paid > 0 && account(1).paid > 0 && account(2).paid > 0, "all three are paid");
    }

    /// @dev One register, one history, the sums to date of one line and one payee.
    function test_carryingStateCostsNoMoreThanThis() public {
        describe(deployToken(), 3, 3);
        args.reserve = 0;
        programHash = factory.registerProgram(IN_TURN);
        create();
        TestToken(args.token).mint(address(escrow), 10_000);
        escrow.activate(partySignatures());
        inTurn(1, "settle in turn, first period", 330_000);
        inTurn(2, "settle in turn, second period", 173_500);
        inTurn(3, "settle in turn, third period", 176_000);
    }

    function inTurn(uint32 period, string memory what, uint256 most) private {
        int256[] memory values = paying(90, 70, 100);
        toEnd(period);
        (uint8[] memory indexes, bytes[] memory signatures) = signed(period, values, 0, 1);
        cool();
        uint256 before = gasleft();
        escrow.report(period, values, "evidence", indexes, signatures);
        within(what, before - gasleft(), most);
    }

    /// @dev What every transaction finds cold.
    function cool() private {
        vm.cool(address(escrow));
        vm.cool(factory.implementation());
        vm.cool(factory.programStore(programHash));
        vm.cool(args.token);
    }

    function within(string memory act, uint256 used, uint256 most) private {
        emit Measured(act, used);
        check(used <= most, act);
    }
}
