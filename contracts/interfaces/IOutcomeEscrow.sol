// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowErrors} from "./IEscrowErrors.sol";
import {IEscrowEvents} from "./IEscrowEvents.sol";

/// @title The escrow of one agreement
/// @notice Holds the client's money, receives verified KPI values, runs the agreement's own program on them and pays.
/// What every act means is fixed by docs/protocol.md; `pyoutcome/protocol` is the readable reference.
/// @dev Money is in base units of the token. Formula values are int256 with 18 decimals. Nobody owns, upgrades or pauses an
/// escrow. Acts that take an amount from their caller draw it by `transferFrom`, or, with the native coin, take exactly
/// that value. Several contracts share the work (docs/decisions/0051-escrow-structure.md); seen from outside they are one.
interface IOutcomeEscrow is IEscrowErrors, IEscrowEvents {
    /// @notice One view of a period. The first of a list is the report or default; its party and stake are 0.
    struct Version {
        /// @dev Tenure of the challenger; -1 is the client.
        int256 party;
        uint256 stake;
        int256[] values;
        /// @dev What the program makes of them, base units per slot; not read while nobody has challenged.
        int256[] amounts;
    }

    /// @notice What the program makes of a period's values. With an error all amounts are 0.
    struct Priced {
        uint256 programError;
        /// @dev Base units per slot, truncated toward zero once.
        int256[] amounts;
        /// @dev Every local of the program, 18 decimals; none with an error.
        int256[] locals;
        /// @dev Sums to date by line, after the period; of a sequential program.
        int256[] sums;
    }

    /// @notice Money of one tenure, base units. What it earned and was paid is in the events.
    struct Account {
        uint256 held;
        uint256 debt;
        uint256 arrears;
        uint256 claimable;
        uint256 bond;
        address holder;
        address payout;
        uint256 slot;
        uint256 first;
        bool released;
    }

    // --- offer ------------------------------------------------------------------------------------------------------

    /// @notice Adds client funding; anyone may. Credits what arrives.
    function deposit(uint256 amount) external payable returns (uint256 credited);
    /// @notice The same with an ERC-2612 permit. A permit that fails is ignored when the allowance suffices.
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        returns (uint256 credited);
    /// @notice Takes a part of a slot's bond, never more than is missing.
    function postBond(uint256 slot, uint256 amount) external payable;
    /// @notice Checks the signatures over the terms (client, providers in order, then backups in order of their slots) and
    /// stores the acceptance. Anyone may submit, before `activateBy`.
    function accept(bytes32 agreementDigest, uint256 nonce, bytes[] calldata signatures) external;
    /// @notice Starts an accepted agreement whose bonds and first reserve are present. Anyone, before `activateBy`.
    function activate() external;
    /// @notice From `activateBy` on, ends an offer that was not activated; everybody gets its own back.
    function cancel() external;

    // --- periods ----------------------------------------------------------------------------------------------------

    /// @notice A packed report: [2 period][32 evidence digest][4 verifiers, bit i for verifier i], then per KPI [1 size
    /// n][n bytes, signed, in units of its decimals] or the byte 255 for a missing value, then per verifier that signed, by
    /// rising index, [1 size n][n bytes signature] over Report{escrow, termsHash, period, nonce 0, values,
    /// evidenceDigest}. Without a challenge window it settles at once.
    function report(bytes calldata packed) external;
    /// @notice The same; the bytes follow the selector without any more ado, which costs least.
    function submit() external;
    /// @notice Proposes each KPI's `ifMissing` for a period whose evidence is overdue.
    function proposeDefault(uint256 period) external;
    /// @notice A report instead of a default that was challenged: stakes go back, versions are void.
    function replace(bytes calldata packed, Version[] calldata versions) external;
    /// @notice Settles a report or default that nobody challenged, after its window. `values` as proposed.
    function settle(uint256 period, int256[] calldata values) external;
    /// @notice A supplier shows that it has its evidence, between the period's end and the moment evidence is due.
    function postDigest(uint256 period, bytes32 digest) external;
    /// @notice Settles an ended period on values that the client and its payees sign over Agreed (client, then holders by
    /// rising tenure). `versions` are those of a period in a window or dispute, else none.
    function agree(uint256 period, Version[] calldata versions, int256[] calldata values, bytes[] calldata signatures)
        external;

    struct Challenging {
        uint256 period;
        /// @dev Tenure of the challenger; -1 is the client.
        int256 party;
        /// @dev What the caller brings.
        uint256 stake;
        int256[] values;
        /// @dev Empty: the caller is the party.
        bytes signature;
    }

    // --- disputes ---------------------------------------------------------------------------------------------------

    /// @notice Puts a party's own values beside a report or default, inside its window. `versions` are those that are
    /// there. The caller pays the stake. Without a signature the caller is the party; with one anyone may submit for `party`.
    function challenge(Challenging calldata challenging, Version[] calldata versions) external payable;
    /// @notice Opens the dispute of a challenged period after its window: credits the undisputed part.
    function dispute(uint256 period, Version[] calldata versions) external;
    /// @notice A direct arbitrator's values, after the window, whether or not the dispute was opened; called by it, or by anyone with its signature over Ruling.
    function rule(uint256 period, Version[] calldata versions, int256[] calldata values, bytes calldata signature)
        external;
    /// @notice An adapter's choice of a version by its number; type(uint256).max refuses, which is the fallback.
    function choose(uint256 period, Version[] calldata versions, uint256 choice) external;
    /// @notice The report stands when the arbitrator was silent until its deadline. Anyone may.
    function fallBack(uint256 period, Version[] calldata versions) external;

    // --- money ------------------------------------------------------------------------------------------------------

    /// @notice Pays up to `max` queued arrears entries, oldest first.
    function payArrears(uint256 max) external;
    /// @notice Books a surplus or loss of the token balance.
    function sync() external;
    /// @notice A holder, or for -1 the client, fetches what a failed push left, to an address of its choice. While the
    /// balance does not cover what is tracked, only an `early` claim does, which takes floor(claimable x balance / tracked).
    function claim(int256 provider, address to, bool early) external;
    /// @notice A holder moves its tenure's payout address.
    function movePayout(uint256 provider, address to) external;
    /// @notice The client takes out funding above the required cover plus one reserve; refused while arrears exist.
    function withdraw(uint256 amount) external;
    /// @notice Puts on record that the reserve is not covered; the cure window runs.
    function recordUncovered() external;

    // --- change and exit --------------------------------------------------------------------------------------------

    /// @notice New rules from a period on. `signatures` over Amendment: client, then everyone who holds a period from
    /// `first` on by rising tenure, then, for each slot with a backup, the backup's or an empty one (it lapses). `program` is
    /// empty for a registered one.
    function amend(Amending calldata amending, bytes[] calldata signatures) external;
    /// @notice A slot goes to another holder from the next unstarted period, with the bond. `signatures` over Assignment:
    /// client, outgoing, incoming.
    function assign(uint256 slot, address incoming, address payout, uint256 first, bytes[] calldata signatures)
        external
        payable;
    /// @notice The client calls the slot's backup once the breach streak is reached; the caller pays its bond.
    function stepIn(uint256 slot, address payout) external payable;
    /// @notice Ends the agreement after the current period. `signatures` over Termination: client, then the holders of this and
    /// the next period by rising tenure.
    function terminateMutually(uint256 last, bytes[] calldata signatures) external;
    function terminateForConvenience() external;
    function terminateForStreak(uint256 slot) external;
    function terminateForUncovered() external;
    /// @notice Submits the present arbitrator's signed Finding. Anyone may.
    function terminateOnFinding(bytes32 cause, address party, uint256 nonce, bytes calldata signature) external;
    /// @notice All periods settled and the holdback date passed: debts take bonds and holdback, arrears are paid (up to
    /// `max` entries); then, with queue or funds empty, all is released and the rest returns to the client. Anyone may.
    function close(uint256 max) external;

    struct Amending {
        bytes32 agreementDigest;
        bytes32 programHash;
        bytes program;
        bytes arguments;
        uint256 nonce;
        uint256 first;
        uint256 deadline;
        /// @dev Per word that the program carries: its number to keep it, 255 to start anew; all the one or all the other.
        uint8[] carry;
    }

    // --- views ------------------------------------------------------------------------------------------------------

    /// @notice What the program makes of several rows of values for a period, as things stand.
    function price(uint256 period, int256[][] calldata given) external view returns (Priced[] memory);
    /// @notice The packed arguments (docs/protocol.md section 12).
    function arguments() external view returns (bytes memory);
    function programHash() external view returns (bytes32);
    function program() external view returns (bytes memory);
    function factory() external view returns (address);
    /// @notice The EIP-712 digest that the parties signed at the start, and that which governs a period.
    function termsHash() external view returns (bytes32);
    function termsHashOf(uint256 period) external view returns (bytes32);
    function stage() external view returns (Stage);
    function isAccepted() external view returns (bool);
    /// @notice Number of the last period; termination lowers it.
    function lastPeriod() external view returns (uint256);
    /// @notice Stage of a period; `until` is the end of its window, or the arbitrator's deadline; `proposals` the nonce of
    /// challenges and rulings, `agreements` that of agreements.
    function periodState(uint256 period)
        external
        view
        returns (PeriodStage stage, uint256 until, uint256 proposals, uint256 agreements);
    /// @notice From when missing evidence of a period allows a default. Reverts with OutOfTurn while it waits.
    function evidenceDue(uint256 period) external view returns (uint256);
    function carriedState() external view returns (int256[] memory words);
    /// @notice Client funding not owed to anyone.
    function funds() external view returns (uint256);
    /// @notice Everything the escrow accounts for.
    function tracked() external view returns (uint256);
    function clientClaimable() external view returns (uint256);
    /// @notice Reserve of the periods that have started and are not settled.
    function requiredCover() external view returns (uint256);
    function tenures() external view returns (uint256);
    function account(uint256 provider) external view returns (Account memory);
    function holderOf(uint256 slot, uint256 period) external view returns (uint256 provider);
    function queueLength() external view returns (uint256);
    /// @notice Nonces of assignments and terminations, and the moment from which the reserve is recorded as uncovered (0: it is
    /// not).
    function occasions() external view returns (uint256 assignments, uint256 terminations, uint256 uncoveredSince);
}
