// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The escrow of one agreement
/// @notice Holds the client's money, receives verified KPI values, runs the agreement's own program on them and pays.
/// What every act means is fixed by docs/protocol.md; `pyoutcome/protocol` is the readable reference.
/// @dev Money is in base units of the token. Formula values are int256 with 18 decimals.
/// Nobody owns, upgrades or pauses an escrow.
interface IOutcomeEscrow {
    // --- what is signed ---------------------------------------------------------------------------------------------

    /// @notice One provider: who signs for it and where its money goes.
    struct Provider {
        /// @dev Signs the terms; moves `payout`. May be a contract (EIP-1271).
        address signer;
        /// @dev First payout address; the provider's signer may change it later.
        address payout;
    }

    /// @notice What a reported KPI value must satisfy.
    struct Kpi {
        /// @dev A value is a multiple of 10**(18 - decimals). 0 to 18.
        uint8 decimals;
        /// @dev A report may mark the value missing; `ifMissing` then stands in its place.
        bool mayBeMissing;
        /// @dev Least and greatest value, 18 decimals.
        int256 low;
        int256 high;
        /// @dev The value used for a missing value and in a default.
        int256 ifMissing;
    }

    /// @notice Every deployed argument. `argsHash` = keccak256(abi.encode(Arguments)).
    struct Arguments {
        address client;
        /// @dev ERC-20 address, or zero for the native coin.
        address token;
        /// @dev Decimals of the token; program amounts are truncated toward zero to it. 0 to 18.
        uint8 unitDecimals;
        /// @dev Reports need this many distinct verifiers.
        uint8 quorum;
        /// @dev Verifiers in the order of their index.
        address[] verifiers;
        address arbitrator;
        Provider[] providers;
        Kpi[] kpis;
        /// @dev The program's parameter vector, 18 decimals.
        int256[] parameters;
        /// @dev Activation is possible before, cancellation from this time on.
        uint40 activateBy;
        /// @dev Start of period 1.
        uint40 start;
        /// @dev End of each period, rising; a period starts where the one before it ends.
        uint40[] ends;
        /// @dev Seconds after which missing evidence allows a default.
        uint32 evidenceWindow;
        /// @dev Seconds in which a report can replace a proposed default.
        uint32 defaultWindow;
        /// @dev Share of each credit that is held back, 18 decimals, at most 1.
        uint64 holdbackRate;
        /// @dev From this time on holdback is released by closing.
        uint40 holdbackRelease;
        /// @dev Cover of one period, base units.
        uint128 reserve;
    }

    // --- what can be read -------------------------------------------------------------------------------------------

    enum Stage {
        Offer,
        Active,
        Closed
    }

    enum PeriodStage {
        None,
        Defaulted,
        Settled
    }

    /// @notice Money of one provider, base units.
    struct Account {
        /// @dev Sum of settled amounts, signed.
        int256 earned;
        /// @dev Paid out or made claimable so far.
        uint256 paid;
        /// @dev Kept until the holdback date.
        uint256 held;
        /// @dev What the provider owes; taken out of its later credits.
        uint256 debt;
        /// @dev Credited but not yet covered by funds.
        uint256 arrears;
        /// @dev Paid money whose push failed; the provider fetches it.
        uint256 claimable;
        address payout;
    }

    // --- events -----------------------------------------------------------------------------------------------------

    /// @notice All signatures are verified and the first reserve is present.
    event Activated(bytes32 indexed termsHash);
    /// @notice The offer lapsed; the client has its money back.
    event Cancelled();
    /// @notice `amount` arrived and is client funding.
    event Deposited(address indexed from, uint256 amount);
    /// @notice The client took out funding above the required cover.
    event Withdrawn(uint256 amount);
    /// @notice Verified values of a period. Bit i of `verifiers` is set if verifier i signed.
    /// A missing value is type(int256).min.
    event Reported(uint32 indexed period, bytes32 indexed evidenceDigest, int256[] values, uint256 verifiers);
    /// @notice Evidence is overdue; each KPI's `ifMissing` is proposed.
    event DefaultProposed(uint32 indexed period, uint40 settlesAt);
    /// @notice The program's result, one signed amount per provider in base units. `programError` is 0, or the code with
    /// which the program failed (then all amounts are 0).
    event Settled(uint32 indexed period, int256[] amounts, uint8 programError);
    /// @notice How an amount was credited: a positive `amount` = setOff + held + paid + owed; a negative one is new debt.
    event Credited(
        uint32 indexed period,
        uint8 indexed provider,
        int256 amount,
        uint256 setOff,
        uint256 held,
        uint256 paid,
        uint256 owed
    );
    /// @notice `amount` left the escrow for the provider.
    event Paid(uint8 indexed provider, address indexed to, uint256 amount);
    /// @notice The push of `amount` failed; the provider can claim it.
    event Deferred(uint8 indexed provider, uint256 amount);
    /// @notice The provider fetched what a failed push left.
    event Claimed(uint8 indexed provider, address indexed to, uint256 amount);
    /// @notice With an early claim, made while the balance did not cover what is tracked, the provider gave up `amount`
    /// of its claimable money (a Claimed event comes before).
    event GivenUp(uint8 indexed provider, uint256 amount);
    /// @notice Arrears of a period were funded and this part of them went to holdback (before the ArrearsPaid of the rest).
    event ArrearsHeld(uint32 indexed period, uint8 indexed provider, uint256 amount);
    /// @notice Arrears of a period became paid money (a Paid or Deferred event follows if `amount` is not 0).
    event ArrearsPaid(uint32 indexed period, uint8 indexed provider, uint256 amount);
    /// @notice New debt cancelled the provider's own arrears of a period.
    event ArrearsSetOff(uint32 indexed period, uint8 indexed provider, uint256 amount);
    /// @notice Holdback left the held account; `setOff` of it cancelled debt, `paid` of it became paid money.
    event HoldbackReleased(uint8 indexed provider, uint256 amount, uint256 setOff, uint256 paid);
    /// @notice The provider moved its payout address.
    event PayoutMoved(uint8 indexed provider, address to);
    /// @notice Surplus found (positive) became client funding; a loss (negative) was taken from it.
    event Synced(int256 change);
    /// @notice What remained owed when the escrow closed: positive to the provider, negative by it.
    event ClaimRecorded(uint8 indexed provider, int256 amount);
    /// @notice The client's remaining funding was returned. `amount` may be 0.
    event Closed(uint256 amount);

    // --- errors -----------------------------------------------------------------------------------------------------

    /// @dev The act is not possible in this stage of the agreement.
    error WrongStage(Stage stage);
    /// @dev The act is not possible yet; it will be from `possibleFrom`, or, if that is 0, once an earlier step is done.
    error TooEarly(uint256 possibleFrom);
    /// @dev The act was possible before `possibleUntil`.
    error TooLate(uint256 possibleUntil);
    error NoSuchPeriod(uint32 period);
    error AlreadySettled(uint32 period);
    error NotProposed(uint32 period);
    error AlreadyProposed(uint32 period);
    /// @dev The program reads earlier periods, so they settle in order: period `first` comes first.
    error OutOfTurn(uint32 first);
    /// @dev The signature of party `index` (0 client, then the providers) does not cover these terms, or is one too many.
    error BadPartySignature(uint256 index);
    /// @dev Verifier `index` did not sign exactly this report.
    error BadVerifierSignature(uint256 index);
    /// @dev Verifier indices must rise strictly and exist.
    error BadVerifierOrder(uint256 index);
    error NoQuorum(uint256 given, uint256 needed);
    error WrongValueCount(uint256 given, uint256 needed);
    /// @dev The value of KPI `kpi` is outside its range, not a multiple of its decimals, or missing where it may not be.
    error BadValue(uint256 kpi, int256 value);
    error NotClient(address caller);
    error NotProvider(address caller);
    error NoSuchProvider(uint8 provider);
    /// @dev The balance is below what the act needs.
    error ShortOfFunds(uint256 available, uint256 needed);
    error NothingToDo();
    error PushRefused(address to, uint256 amount);
    /// @dev The client takes nothing out while `owed` is in arrears.
    error ArrearsFirst(uint256 owed);
    /// @dev The balance does not cover what is tracked; `claimEarly` takes the covered share.
    error BelowTracked(uint256 balance, uint256 tracked);
    /// @dev `value` native coin came with the call, which takes exactly `needed` (0 for an ERC-20 escrow).
    error WrongValue(uint256 value, uint256 needed);
    /// @dev A push needs its gas allowance, so that no payee's push fails for want of gas; `needed` must be left.
    error TooLittleGas(uint256 available, uint256 needed);

    // --- acts -------------------------------------------------------------------------------------------------------

    /// @notice Adds client funding; anyone may. Credits what arrives. With the native coin `amount` must equal the value.
    function deposit(uint256 amount) external payable returns (uint256 credited);

    /// @notice Starts the agreement: all parties' signatures over the terms (client first, then the providers in order),
    /// before `activateBy`, with the first reserve present. Anyone may submit.
    function activate(bytes[] calldata signatures) external;

    /// @notice From `activateBy` on, ends an offer that was not activated; the funding goes back to the client. Refused
    /// while the client does not accept it.
    function cancel() external;

    /// @notice Verified values of a period that has ended; settles it in the same transaction. Anyone may submit. If the
    /// program reads earlier periods, they have to be settled, and what this one leaves to later ones is kept.
    /// @param verifierIndexes strictly rising indexes of the verifiers that signed
    /// @param signatures their signatures over Report{escrow, termsHash, period, nonce, values, evidenceDigest}
    function report(
        uint32 period,
        int256[] calldata values,
        bytes32 evidenceDigest,
        uint8[] calldata verifierIndexes,
        bytes[] calldata signatures
    ) external;

    /// @notice Proposes each KPI's `ifMissing` for a period whose evidence is overdue.
    function proposeDefault(uint32 period) external;

    /// @notice Settles a proposed default whose window is over.
    function settle(uint32 period) external;

    /// @notice Pays up to `max` queued arrears entries, oldest first.
    function payArrears(uint256 max) external;

    /// @notice Books a surplus or loss of the token balance.
    function sync() external;

    /// @notice The provider's signer fetches what a failed push left, to an address of its choice. Refused while the
    /// balance does not cover what is tracked.
    function claim(uint8 provider, address to) external;

    /// @notice As `claim`, but while the balance does not cover what is tracked it takes floor(claimable x balance /
    /// tracked) and gives up the rest.
    function claimEarly(uint8 provider, address to) external;

    /// @notice The provider's signer moves its payout address.
    function movePayout(uint8 provider, address to) external;

    /// @notice The client takes out funding above the required cover plus one reserve, and all of it from a closed
    /// escrow; refused while arrears exist.
    function withdraw(uint256 amount) external;

    /// @notice All periods settled and the holdback date passed: debts take holdback, which becomes client funding; arrears
    /// are paid (up to `max` entries); then, with the queue or the funds empty, holdback is released, what remains owed
    /// is recorded as claims, and the rest returns to the client (if it does not accept, it can withdraw it later).
    /// With both left, the next call goes on. Anyone may.
    function close(uint256 max) external;

    // --- views ------------------------------------------------------------------------------------------------------

    function arguments() external view returns (Arguments memory);
    function agreementDigest() external view returns (bytes32);
    function programHash() external view returns (bytes32);
    function program() external view returns (bytes memory);
    function nonce() external view returns (uint256);
    function factory() external view returns (address);
    /// @notice The EIP-712 digest that the parties signed.
    function termsHash() external view returns (bytes32);
    function stage() external view returns (Stage);
    /// @notice Stage of a period; for a proposed default the time from which it can be settled.
    function periodStage(uint32 period) external view returns (PeriodStage stage, uint40 settlesAt);
    /// @notice From when an unsettled period without evidence can be defaulted: its end, the activation, or, if the program
    /// reads earlier periods, the settlement of the one before, whichever is last, plus the evidence window. Reverts
    /// with OutOfTurn while earlier periods are not settled.
    function evidenceDue(uint32 period) external view returns (uint256);
    /// @notice What settled periods left to later ones, as one row of words in the order of docs/program-format.md:
    /// the number of periods run without error, registers (none before the first), histories (each newest first),
    /// sums to date by line, earned by payee (both 18 decimals, whole base units). One 0 if the program is independent.
    function carriedState() external view returns (int256[] memory words);
    /// @notice Register `index` after the last period run without error; 0 before the first, and for one that is none.
    function register(uint8 index) external view returns (int256 value);
    /// @notice What line `line` came to in all settled periods, 18 decimals, whole base units; 0 for a line whose sum the
    /// program does not read.
    function toDate(uint8 line) external view returns (int256 sum);
    /// @notice Client funding not owed to anyone.
    function funds() external view returns (uint256);
    /// @notice Everything the escrow accounts for: funds + held + claimable of all.
    function tracked() external view returns (uint256);
    /// @notice Reserve times the periods that have started and are not settled.
    function requiredCover() external view returns (uint256);
    function account(uint8 provider) external view returns (Account memory);
    /// @notice Number of queued arrears entries not yet paid in full.
    function queueLength() external view returns (uint256);
}
