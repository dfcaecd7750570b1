// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {WildToken} from "./Doubles.sol";
import {Packing} from "./Packing.sol";
import {Signing} from "./Signing.sol";
import {IEscrowErrors} from "../interfaces/IEscrowErrors.sol";
import {IEscrowFactory} from "../interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "../interfaces/IOutcomeEscrow.sol";

/// @title One agreement with named actors, ready to be changed and created
/// @dev Its program pays provider i the value of KPI i, so that a test says amounts outright. Token and program have six
/// decimals in common: a value of 1e12 is one base unit.
abstract contract Fixture is Base {
    uint256 internal constant CLIENT_KEY = 0xC11E47;
    uint256 internal constant PROVIDER_KEY = 0xA0;
    uint256 internal constant VERIFIER_KEY = 0xB0;
    uint256 internal constant BACKUP_KEY = 0xD0;
    uint256 internal constant INCOMING_KEY = 0xE0;
    uint256 internal constant ARBITRATOR_KEY = 0xAB1;
    int256 internal constant UNIT = 1e12;
    int256 internal constant MISSING = type(int256).min;
    int256 internal constant CLIENT = -1;
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
    uint256 internal nonce;

    Packing.Arguments internal args;

    function setUp() public virtual {
        vm.warp(BEGIN);
        factory = deployFactory();
        token = WildToken(deploy("Doubles.sol:WildToken"));
        client = vm.addr(CLIENT_KEY);
        programHash = factory.registerProgram(passThrough(3));
        describe(address(token), 3, 4);
    }

    /// @dev The last contract first: each is told whom it passes on to.
    function deployFactory() internal returns (IEscrowFactory) {
        address further = deploy("EscrowViews.sol");
        further = deployWith("EscrowChanges.sol", abi.encode(further));
        further = deployWith("EscrowExits.sol", abi.encode(further));
        address disputes = deployWith("EscrowDisputes.sol", abi.encode(further));
        address settling = deployWith("EscrowSettling.sol", abi.encode(further));
        address rulings = deployWith("EscrowRulings.sol", abi.encode(further));
        return IEscrowFactory(deployWith("EscrowFactory.sol", abi.encode(settling, disputes, rulings)));
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
    /// of 10 %, no challenge window.
    function describe(address currency, uint256 providers, uint256 periods) internal {
        delete args;
        args.client = client;
        args.token = currency;
        args.unitDecimals = 6;
        args.quorum = 2;
        for (uint256 i = 0; i < 3; ++i) {
            args.verifiers.push(vm.addr(VERIFIER_KEY + i));
        }
        args.arbitrator = vm.addr(ARBITRATOR_KEY);
        for (uint256 i = 0; i < providers; ++i) {
            args.slots.push(Packing.Slot(vm.addr(PROVIDER_KEY + i), payout(i), 0, address(0), 0));
            args.kpis.push(Packing.Kpi(6, i == 0, uint8(i), -1e24, 1e24, int256(i) * 100 * UNIT));
        }
        args.activateBy = BEGIN + 5 * DAY;
        args.start = BEGIN;
        for (uint40 i = 1; i <= periods; ++i) {
            args.ends.push(BEGIN + i * 10 * DAY);
        }
        (args.unit, args.width, args.kpiWidth) = (uint24(DAY), 16, 8);
        args.evidenceWindow = uint32(3 * DAY);
        args.defaultWindow = uint32(2 * DAY);
        args.holdbackRate = 0.1e18;
        args.holdbackDelay = uint32(30 * DAY);
        args.reserve = uint104(RESERVE);
    }

    /// @dev Reports can be challenged for four days; the arbitrator has six.
    function withDisputes() internal {
        args.challengeWindow = uint32(4 * DAY);
        args.rulingWindow = uint32(6 * DAY);
        args.stakeFixed = 20;
        args.stakeShare = 0.1e18;
    }

    function withBonds() internal {
        for (uint256 i = 0; i < args.slots.length; ++i) {
            args.slots[i].bond = 100 * (i + 1);
        }
    }

    function payout(uint256 provider) internal pure returns (address) {
        return address(uint160(0xBA40 + provider));
    }

    function signer(uint256 provider) internal view returns (address) {
        return args.slots[provider].signer;
    }

    function releaseDate() internal view returns (uint256) {
        return args.ends[args.ends.length - 1] + args.holdbackDelay;
    }

    function offer() internal view returns (IEscrowFactory.Offer memory) {
        return IEscrowFactory.Offer("agreement", programHash, "", Packing.pack(args), nonce);
    }

    /// @dev Creates the escrow of `args`.
    function create() internal {
        (, termsHash) = factory.predict(offer());
        escrow = IOutcomeEscrow(factory.create(offer(), new bytes[](0)));
    }

    function fund(uint256 amount) internal virtual {
        approve(client, amount);
        vm.prank(client);
        escrow.deposit(amount);
    }

    /// @dev Gives somebody tokens and lets the escrow draw them.
    function approve(address who, uint256 amount) internal {
        token.mint(who, amount);
        vm.prank(who);
        token.approve(address(escrow), amount);
    }

    /// @dev Creates, funds, bonds and activates.
    function begin(uint256 amount) internal {
        create();
        if (amount != 0) fund(amount);
        for (uint256 i = 0; i < args.slots.length; ++i) {
            uint256 bond = args.slots[i].bond;
            if (bond == 0) continue;
            approve(args.slots[i].signer, bond);
            vm.prank(args.slots[i].signer);
            escrow.postBond(i, bond);
        }
        escrow.accept("agreement", nonce, partySignatures());
        escrow.activate();
    }

    /// @dev Client, providers, backups.
    function partySignatures() internal view returns (bytes[] memory signatures) {
        uint256 count = 1 + args.slots.length;
        for (uint256 i = 0; i < args.slots.length; ++i) {
            if (args.slots[i].backup != address(0)) ++count;
        }
        signatures = new bytes[](count);
        signatures[0] = signatureOf(CLIENT_KEY, termsHash);
        uint256 next = 1 + args.slots.length;
        for (uint256 i = 0; i < args.slots.length; ++i) {
            signatures[i + 1] = signatureOf(PROVIDER_KEY + i, termsHash);
            if (args.slots[i].backup != address(0)) signatures[next++] = signatureOf(BACKUP_KEY + i, termsHash);
        }
    }

    function signatureOf(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The signatures of these keys over one digest.
    function signatures2(uint256 one, uint256 two, bytes32 digest) internal pure returns (bytes[] memory all) {
        all = new bytes[](2);
        (all[0], all[1]) = (signatureOf(one, digest), signatureOf(two, digest));
    }

    /// @dev Client, then all first providers.
    function allSign(bytes32 digest) internal view returns (bytes[] memory all) {
        all = new bytes[](1 + args.slots.length);
        all[0] = signatureOf(CLIENT_KEY, digest);
        for (uint256 i = 0; i < args.slots.length; ++i) {
            all[i + 1] = signatureOf(PROVIDER_KEY + i, digest);
        }
    }

    function separator() internal view returns (bytes32) {
        return factory.domainSeparator();
    }

    // --- reports ----------------------------------------------------------------------------------------------------

    /// @dev KPI values that make the program pay these amounts of base units.
    function paying(int256 a, int256 b, int256 c) internal pure returns (int256[] memory values) {
        values = new int256[](3);
        (values[0], values[1], values[2]) = (a * UNIT, b * UNIT, c * UNIT);
    }

    /// @dev Reports with the first two verifiers.
    function report(uint32 period, int256[] memory values) internal {
        escrow.report(signed(period, values, 0, 1));
    }

    /// @dev The packed report with the signatures of two verifiers, given by rising index.
    function signed(uint32 period, int256[] memory values, uint8 one, uint8 two) internal view returns (bytes memory) {
        bytes32 digest = Signing.report(separator(), address(escrow), termsHash, period, values, "evidence");
        bytes memory packed = body(period, values, uint32((1 << one) | (1 << two)));
        packed = abi.encodePacked(packed, uint8(65), signatureOf(VERIFIER_KEY + one, digest));
        return abi.encodePacked(packed, uint8(65), signatureOf(VERIFIER_KEY + two, digest));
    }

    function signedByOne(uint32 period, int256[] memory values) internal view returns (bytes memory) {
        bytes32 digest = Signing.report(separator(), address(escrow), termsHash, period, values, "evidence");
        return abi.encodePacked(body(period, values, 1), uint8(65), signatureOf(VERIFIER_KEY, digest));
    }

    function body(uint32 period, int256[] memory values, uint32 signers) internal view returns (bytes memory packed) {
        packed = abi.encodePacked(uint16(period), bytes32("evidence"), signers);
        for (uint256 i = 0; i < values.length; ++i) {
            packed = bytes.concat(packed, Packing.value(values[i], args.kpis[i].decimals));
        }
    }

    /// @dev As ReportedInFull has them.
    function packedAmounts(int256[] memory amounts) internal pure returns (bytes memory packed) {
        for (uint256 i = 0; i < amounts.length; ++i) {
            packed = abi.encodePacked(packed, uint112(uint256(amounts[i])));
        }
    }

    /// @dev To the moment a period ends.
    function toEnd(uint32 period) internal {
        vm.warp(args.ends[period - 1]);
    }

    /// @dev Ends the period and reports it; with a window, waits until it is over and settles.
    function settle(uint32 period, int256 a, int256 b, int256 c) internal {
        if (block.timestamp < args.ends[period - 1]) toEnd(period);
        report(period, paying(a, b, c));
        if (args.challengeWindow == 0) return;
        vm.warp(block.timestamp + args.challengeWindow);
        escrow.settle(period, paying(a, b, c));
    }

    // --- disputes ---------------------------------------------------------------------------------------------------

    /// @dev What the program makes of values; asked of the escrow, which tests do elsewhere.
    function amountsOf(uint256 period, int256[] memory values) private view returns (int256[] memory) {
        if (values.length != args.kpis.length) return new int256[](0);
        int256[][] memory rows = new int256[][](1);
        rows[0] = values;
        return escrow.price(period, rows)[0].amounts;
    }

    /// @dev Of the first period, or of any that the same program prices from the same state.
    function versionsOf(int256[] memory values) internal view returns (IOutcomeEscrow.Version[] memory) {
        return versionsOf(1, values);
    }

    function versionsOf(uint256 period, int256[] memory values)
        internal
        view
        returns (IOutcomeEscrow.Version[] memory versions)
    {
        versions = new IOutcomeEscrow.Version[](1);
        versions[0] = IOutcomeEscrow.Version(0, 0, values, amountsOf(period, values));
    }

    function more(IOutcomeEscrow.Version[] memory versions, int256 party, uint256 stake, int256[] memory values)
        internal
        view
        returns (IOutcomeEscrow.Version[] memory)
    {
        return more(1, versions, party, stake, values);
    }

    function more(
        uint256 period,
        IOutcomeEscrow.Version[] memory versions,
        int256 party,
        uint256 stake,
        int256[] memory values
    ) internal view returns (IOutcomeEscrow.Version[] memory all) {
        all = new IOutcomeEscrow.Version[](versions.length + 1);
        for (uint256 i = 0; i < versions.length; ++i) {
            all[i] = versions[i];
        }
        all[versions.length] = IOutcomeEscrow.Version(party, stake, values, amountsOf(period, values));
    }

    /// @dev A party challenges in person; returns the versions with its own.
    function challenge(
        uint32 period,
        IOutcomeEscrow.Version[] memory versions,
        int256 party,
        uint256 stake,
        int256[] memory values
    ) internal returns (IOutcomeEscrow.Version[] memory) {
        address who = party == CLIENT ? client : escrow.account(uint256(party)).holder;
        approve(who, stake);
        vm.prank(who);
        escrow.challenge(IOutcomeEscrow.Challenging(period, party, stake, values, ""), versions);
        return more(versions, party, stake, values);
    }

    function account(uint256 provider) internal view returns (IOutcomeEscrow.Account memory) {
        return escrow.account(provider);
    }

    function stageOf(uint32 period) internal view returns (IEscrowErrors.PeriodStage stage) {
        (stage,,,) = escrow.periodState(period);
    }

    // --- books ------------------------------------------------------------------------------------------------------

    /// @dev Stakes that tests know to be in the escrow.
    uint256 internal stakes;

    /// @dev What holds of an escrow at any moment.
    function checkBooks() internal view {
        uint256 own = escrow.funds() + escrow.clientClaimable() + stakes;
        bool owed = false;
        for (uint256 i = 0; i < escrow.tenures(); ++i) {
            IOutcomeEscrow.Account memory books = account(i);
            own += books.held + books.claimable + books.bond;
            owed = owed || books.arrears != 0;
            check(books.debt == 0 || books.arrears == 0, "debt and arrears at once");
        }
        equal(own, escrow.tracked(), "tracked is the sum of what it is for");
        check(owed == (escrow.queueLength() != 0), "the queue has what is owed");
    }

    function threeOf(int256 a, int256 b, int256 c) internal pure returns (int256[] memory amounts) {
        amounts = new int256[](3);
        (amounts[0], amounts[1], amounts[2]) = (a, b, c);
    }
}
