// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputing} from "./Disputing.sol";
import {Packing} from "./Packing.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";

/// @notice Packed arguments that break a rule of docs/protocol.md section 1, one at a time.
contract ArgumentsTest is Disputing {
    /// @dev What stands behind KPIs and parameters.
    function ending() private view returns (bytes memory) {
        return
            bytes.concat(
                Packing.time(args.defaultWindow), Packing.time(args.evidenceWindow), Packing.amount(args.reserve)
            );
    }

    /// @dev The first bytes of packed arguments.
    function first(bytes memory packed, uint256 size) private pure returns (bytes memory front) {
        front = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            front[i] = packed[i];
        }
    }

    /// @dev All up to the last of the three KPIs, of 2 bytes, three numbers of 8 and a supplier.
    function beforeLastKpi() private view returns (bytes memory) {
        bytes memory packed = Packing.pack(args);
        uint256 at = packed.length - ending().length - 27;
        check(packed[at] == 0x26 && packed[at + 1] == 0x08 && packed[at + 26] == 0x02, "where the KPI is");
        return first(packed, at);
    }

    function test_aKpiThatIsNotThereIsNone() public {
        // What stands where it should begin would be a KPI of 30 decimals.
        args.defaultWindow = 30 days;
        check(ending()[0] == 0x1e, "30");
        refuseOffer(bytes.concat(beforeLastKpi(), ending()), 15);
    }

    function test_aParameterThatIsNotThereIsNone() public {
        withParameter();
        // What stands where it should begin would be a number of 33 bytes.
        args.defaultWindow = 33 days;
        bytes memory packed = Packing.pack(args);
        refuseOffer(bytes.concat(first(packed, packed.length - ending().length - 3), ending()), 15);
    }

    function test_nothingStandsBehindTheLastNumber() public {
        bytes memory packed = Packing.pack(args);
        bytes memory front = first(packed, packed.length - ending().length);
        refuseOffer(bytes.concat(front, hex"00", ending()), 15);
    }

    function test_aKpiFromZeroHasNoLessAsItsMost() public {
        // 6 decimals, from zero, supplied by slot 2: bits 64 and 32.
        refuseOffer(bytes.concat(beforeLastKpi(), hex"6601ff02", ending()), 6);
        IEscrowFactory.Offer memory made = offer();
        made.arguments = bytes.concat(beforeLastKpi(), hex"66010002", ending());
        factory.create(made, new bytes[](0));
    }

    /// @dev Payee 0 gets parameter 0, the others their KPI.
    function withParameter() private {
        args.challengeWindow = 0;
        programHash = factory.registerProgram(hex"0103010000000301000102060009000501090105020902");
        args.parameters.push(70 * UNIT);
    }

    function test_parametersAreWhatWasSigned() public {
        withParameter();
        begin(10_000);
        settle(1, 1, 2, 3);
        equal(63, token.balanceOf(payout(0)), "70 less holdback");
    }

    function refuseOffer(bytes memory packed, uint8 rule) private {
        IEscrowFactory.Offer memory made = offer();
        made.arguments = packed;
        vm.expectRevert(abi.encodeWithSelector(IEscrowFactory.BadArguments.selector, rule));
        factory.create(made, new bytes[](0));
    }

    function test_parametersThatBreakARuleAreRefused() public {
        withParameter();
        bytes memory packed = Packing.pack(args);
        bytes memory behind = ending();
        // Width 1, 13 zeros, 7.
        uint256 at = packed.length - behind.length - 3;
        check(packed[at] == 0x01 && packed[at + 1] == 0x0d, "where the parameter is");
        packed[at] = 0x00;
        refuseOffer(packed, 7);
        packed[at] = 0x21;
        refuseOffer(packed, 7);
        packed[at] = 0x01;
        packed[at + 1] = 0x25;
        refuseOffer(packed, 7);
        refuseOffer(bytes.concat(first(packed, at + 1), behind), 15);
        bytes memory front = first(packed, at);
        refuseOffer(bytes.concat(front, hex"2001", bytes32(uint256(type(int256).max)), behind), 7);
        refuseOffer(bytes.concat(front, hex"2001", bytes32(uint256(1) << 255), behind), 7);
        // A reserve of 105 bits.
        behind =
            bytes.concat(Packing.time(args.defaultWindow), Packing.time(args.evidenceWindow), Packing.amount(1 << 104));
        refuseOffer(bytes.concat(front, hex"010d07", behind), 11);
    }

    function test_agreementsWithoutPeriodsOrKpisAreRefused() public {
        delete args.ends;
        refuseOffer(Packing.pack(args), 8);
        describe(address(token), 3, 4);
        args.width = 33;
        refuseOffer(Packing.pack(args), 8);
        args.width = 16;
        bytes memory packed = Packing.pack(args);
        // A step of no seconds.
        (packed[55], packed[56], packed[57]) = (0, 0, 0);
        refuseOffer(packed, 8);
        describe(address(token), 3, 4);
        programHash = factory.registerProgram(hex"010000000000030100010202090002090102" hex"0902");
        delete args.kpis;
        refuseOffer(Packing.pack(args), 6);
    }

    function test_argumentsBeyondTheirOwnLengthAreRefused() public {
        refuseOffer(new bytes(70_000), 14);
    }
}
