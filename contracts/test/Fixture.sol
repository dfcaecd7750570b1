// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {WildToken} from "./Doubles.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";
import {Messages} from "../Messages.sol";

/// @title One agreement with named actors, ready to be changed and created
/// @dev Its program pays provider i the value of KPI i, so that a test says amounts outright. Token and program have six
/// decimals in common: a value of 1e12 is one base unit.
abstract contract Fixture is Base {
    uint256 internal constant CLIENT_KEY = 0xC11E47;
    uint256 internal constant PROVIDER_KEY = 0xA0;
    uint256 internal constant VERIFIER_KEY = 0xB0;
    int256 internal constant UNIT = 1e12;
    int256 internal constant MISSING = type(int256).min;
    uint40 internal constant DAY = 1 days;
    uint40 internal constant BEGIN = 1_700_000_000;
    uint256 internal constant RESERVE = 3000;

    /// @dev A program in turn for three KPIs k0, k1, k2 and three payees, which reads all that earlier periods leave:
    /// register `sum` starts at one base unit, next prev.sum + k0; line 0, paid to payee 0, is sum / 3 - to_date;
    /// payee 1 gets k1 + sum_last(k1, 2) + lag(k1, 3), payee 2 gets min(k2 * k2 / k2, 500 base units - earned_before).
    bytes internal constant IN_TURN = hex"01030001010103030240010103ff02030404010c0109000700050020090108010303"
        hex"230c0021090205010d0002200e00032009030502050205022404010e050b0221270904";

    IEscrowFactory internal factory;
    WildToken internal token;
    IOutcomeEscrow internal escrow;
    bytes32 internal programHash;
    bytes32 internal termsHash;
    address internal client;

    IOutcomeEscrow.Arguments internal args;

    function setUp() public virtual {
        vm.warp(BEGIN);
        factory = IEscrowFactory(deploy("EscrowFactory.sol"));
        token = WildToken(deploy("Doubles.sol:WildToken"));
        client = vm.addr(CLIENT_KEY);
        programHash = factory.registerProgram(passThrough(3));
        describe(address(token), 3, 4);
    }

    /// @dev The program that pays each of `n` providers its KPI.
    function passThrough(uint8 n) internal pure returns (bytes memory program) {
        program = abi.encodePacked(uint8(1), n, uint8(0), uint8(0), uint8(0), uint8(0), n, uint8(1));
        bytes memory code;
        for (uint8 i = 0; i < n; ++i) {
            program = abi.encodePacked(program, i);
            code = abi.encodePacked(code, uint8(5), i, uint8(9), i);
        }
        return abi.encodePacked(program, code);
    }

    /// @dev Sets `args`: `providers` providers and KPIs, `periods` periods of ten days, two of three verifiers, holdback
    /// of 10 %.
    function describe(address currency, uint256 providers, uint256 periods) internal {
        delete args;
        args.client = client;
        args.token = currency;
        args.unitDecimals = 6;
        args.quorum = 2;
        for (uint256 i = 0; i < 3; ++i) {
            args.verifiers.push(vm.addr(VERIFIER_KEY + i));
        }
        args.arbitrator = address(0xA4B);
        for (uint256 i = 0; i < providers; ++i) {
            args.providers.push(IOutcomeEscrow.Provider(vm.addr(PROVIDER_KEY + i), payout(i)));
            args.kpis.push(IOutcomeEscrow.Kpi(6, i == 0, -1e24, 1e24, int256(i) * 100 * UNIT));
        }
        args.activateBy = BEGIN + 5 * DAY;
        args.start = BEGIN;
        for (uint40 i = 1; i <= periods; ++i) {
            args.ends.push(BEGIN + i * 10 * DAY);
        }
        args.evidenceWindow = uint32(3 * DAY);
        args.defaultWindow = uint32(2 * DAY);
        args.holdbackRate = 0.1e18;
        args.holdbackRelease = args.ends[periods - 1] + 30 * DAY;
        args.reserve = uint128(RESERVE);
    }

    function payout(uint256 provider) internal pure returns (address) {
        return address(uint160(0xBA40 + provider));
    }

    function signer(uint256 provider) internal view returns (address) {
        return args.providers[provider].signer;
    }

    /// @dev Creates the escrow of `args`.
    function create() internal {
        (, termsHash) = factory.predict(args, "agreement", programHash, 0);
        escrow = IOutcomeEscrow(factory.create(args, "agreement", programHash, 0));
    }

    function fund(uint256 amount) internal virtual {
        token.mint(client, amount);
        vm.prank(client);
        token.approve(address(escrow), amount);
        vm.prank(client);
        escrow.deposit(amount);
    }

    /// @dev Creates, funds and activates.
    function begin(uint256 amount) internal {
        create();
        if (amount != 0) fund(amount);
        escrow.activate(partySignatures());
    }

    function partySignatures() internal view returns (bytes[] memory signatures) {
        signatures = new bytes[](1 + args.providers.length);
        signatures[0] = signatureOf(CLIENT_KEY, termsHash);
        for (uint256 i = 0; i < args.providers.length; ++i) {
            signatures[i + 1] = signatureOf(PROVIDER_KEY + i, termsHash);
        }
    }

    function signatureOf(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    // --- reports ----------------------------------------------------------------------------------------------------

    /// @dev KPI values that make the program pay these amounts of base units.
    function paying(int256 a, int256 b, int256 c) internal pure returns (int256[] memory values) {
        values = new int256[](3);
        (values[0], values[1], values[2]) = (a * UNIT, b * UNIT, c * UNIT);
    }

    /// @dev Reports with the first two verifiers.
    function report(uint32 period, int256[] memory values) internal {
        (uint8[] memory indexes, bytes[] memory signatures) = signed(period, values, 0, 1);
        escrow.report(period, values, "evidence", indexes, signatures);
    }

    function signed(uint32 period, int256[] memory values, uint8 one, uint8 two)
        internal
        view
        returns (uint8[] memory indexes, bytes[] memory signatures)
    {
        bytes32 digest = this.digestOf(address(escrow), termsHash, period, values);
        indexes = new uint8[](2);
        signatures = new bytes[](2);
        (indexes[0], indexes[1]) = (one, two);
        signatures[0] = signatureOf(VERIFIER_KEY + one, digest);
        signatures[1] = signatureOf(VERIFIER_KEY + two, digest);
    }

    function digestOf(address subject, bytes32 terms, uint32 period, int256[] calldata values)
        external
        view
        returns (bytes32)
    {
        return Messages.reportDigest(factory.domainSeparator(), subject, terms, period, values, "evidence");
    }

    /// @dev To the moment a period ends.
    function toEnd(uint32 period) internal {
        vm.warp(args.ends[period - 1]);
    }

    /// @dev Ends the period and reports it.
    function settle(uint32 period, int256 a, int256 b, int256 c) internal {
        if (block.timestamp < args.ends[period - 1]) toEnd(period);
        report(period, paying(a, b, c));
    }

    function account(uint256 provider) internal view returns (IOutcomeEscrow.Account memory) {
        return escrow.account(uint8(provider));
    }

    /// @dev What holds of an escrow at any moment.
    function checkBooks() internal view {
        uint256 own = escrow.funds();
        bool owed = false;
        for (uint256 i = 0; i < args.providers.length; ++i) {
            IOutcomeEscrow.Account memory books = account(i);
            own += books.held + books.claimable;
            owed = owed || books.arrears != 0;
            check(books.debt == 0 || books.arrears == 0, "debt and arrears at once");
            int256 credits = int256(books.paid) + int256(books.held) + int256(books.arrears) - int256(books.debt);
            equal(books.earned, credits, "account identity");
        }
        equal(escrow.tracked(), own, "tracked is the sum of what it is for");
        check(owed == (escrow.queueLength() != 0), "the queue has what is owed");
    }
}
