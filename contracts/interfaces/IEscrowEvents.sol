// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What an escrow says happened
/// @notice `pyoutcome/protocol/events.py` has one dataclass for each. Money is in base units. `provider` is the number of a
/// tenure: the first ones are the slots in order; -1, where it can stand, is the client. Together with the terms the events
/// are complete: whoever folds them has the escrow's books.
interface IEscrowEvents {
    // --- offer ------------------------------------------------------------------------------------------------------

    /// @notice Everyone whose signature the terms need has signed them; the acceptance is stored.
    event Accepted(bytes32 indexed termsHash);
    /// @notice The first reserve and all bonds are present.
    event Activated(bytes32 indexed termsHash);
    /// @notice The offer lapsed; everybody has its own money back.
    event Cancelled();
    /// @notice Bond arrived for a provider.
    event BondPosted(uint256 indexed provider, uint256 amount);

    // --- client funding ---------------------------------------------------------------------------------------------

    /// @notice `amount` arrived and is client funding.
    event Deposited(address indexed from, uint256 amount);
    /// @notice The client took out funding above the required cover.
    event Withdrawn(uint256 amount);
    /// @notice Surplus found (positive) became client funding; a loss (negative) was taken from it.
    event Synced(int256 change);
    /// @notice Client funding went back to the client, of a cancelled offer or after closing.
    event Refunded(uint256 amount);
    event UncoveredRecorded(uint256 since, uint256 funds, uint256 required);
    event Covered();

    // --- periods ----------------------------------------------------------------------------------------------------

    /// @notice A report was accepted. `said` is what IOutcomeEscrow.report took, from the evidence digest to the last value.
    event Reported(uint256 indexed period, bytes said);
    /// @notice Reported and SettledInFull in one: what IOutcomeEscrow.report took, from the period to the last value, and then
    /// each amount in 14 bytes.
    event ReportedInFull(bytes said);
    /// @notice Evidence is overdue; each KPI's `ifMissing` is proposed.
    event DefaultProposed(uint256 indexed period, uint256 settlesAt);
    /// @notice A supplier showed in time that it has its evidence.
    event DigestPosted(uint256 indexed period, int256 indexed provider, bytes32 digest);
    /// @notice The program's result, one signed amount per slot. `programError` is 0, or the code with which the program
    /// failed (then all amounts are 0). Credited, Paid and Deferred say where the money went.
    event Settled(uint256 indexed period, int256[] amounts, uint8 programError);
    /// @notice The same as Settled without error, Credited for each amount above 0 with set-off and owed of 0 and
    /// held = trunc(holdback rate x amount), and Paid for each rest above 0 for which no Deferred follows in this act.
    event SettledInFull(uint256 indexed period, int256[] amounts);
    /// @notice How an amount was credited: a positive `amount` = setOff + held + paid + owed; a negative one is new debt.
    event Credited(
        uint256 indexed period,
        uint256 indexed provider,
        int256 amount,
        uint256 setOff,
        uint256 held,
        uint256 paid,
        uint256 owed
    );
    /// @notice Client and payees settled the period on these values; `nonce` is how often they had before.
    event Agreed(uint256 indexed period, uint256 nonce, int256[] values);

    // --- disputes ---------------------------------------------------------------------------------------------------

    /// @notice A party gave its version of a period and staked `stake`.
    event Challenged(uint256 indexed period, int256 indexed party, uint256 stake, int256[] values, int256[] amounts);
    /// @notice The window closed with several versions; the undisputed part is credited.
    event Disputed(uint256 indexed period, uint256 deadline);
    event Ruled(uint256 indexed period, int256[] values);
    /// @notice The arbitrator refused or was silent; the report stands.
    event FellBack(uint256 indexed period);
    event StakeReturned(uint256 indexed period, int256 indexed party, uint256 amount);
    /// @notice Part of a lost stake went to `to`.
    event StakeLost(uint256 indexed period, int256 indexed party, int256 indexed to, uint256 amount);

    // --- providers' money -------------------------------------------------------------------------------------------

    /// @notice `amount` left the escrow for the provider.
    event Paid(uint256 indexed provider, address indexed to, uint256 amount);
    /// @notice The push of `amount` failed; the provider can claim it.
    event Deferred(uint256 indexed provider, uint256 amount);
    event ClientDeferred(uint256 amount);
    /// @notice An owner fetched what a failed push left; an early claim gave up `givenUp` besides.
    event Claimed(uint256 indexed provider, address indexed to, uint256 amount);
    event GivenUp(uint256 indexed provider, uint256 amount);
    event ClientClaimed(address indexed to, uint256 amount, uint256 givenUp);
    /// @notice Arrears of a period were funded and this part of them went to holdback (before the ArrearsPaid of the rest).
    event ArrearsHeld(uint256 indexed period, uint256 indexed provider, uint256 amount);
    /// @notice Arrears of a period became paid money (a Paid or Deferred event follows if `amount` is not 0).
    event ArrearsPaid(uint256 indexed period, uint256 indexed provider, uint256 amount);
    /// @notice New debt cancelled the provider's own arrears of a period.
    event ArrearsSetOff(uint256 indexed period, uint256 indexed provider, uint256 amount);
    /// @notice Holdback left the held account; `setOff` of it cancelled debt, `paid` of it became paid money.
    event HoldbackReleased(uint256 indexed provider, uint256 amount, uint256 setOff, uint256 paid);
    /// @notice A provider's debt took this from its bond; it became client funding.
    event BondTaken(uint256 indexed provider, uint256 amount);
    /// @notice Bond left the bond account (a Paid or Deferred event follows).
    event BondReturned(uint256 indexed provider, uint256 amount);
    /// @notice The fee of a client's notice: `setOff` of it cancelled debt, the rest is paid.
    event FeePaid(uint256 indexed provider, uint256 amount, uint256 setOff);
    event PayoutMoved(uint256 indexed provider, address to);

    // --- change and exit --------------------------------------------------------------------------------------------

    /// @notice New terms govern from a period on; `store` keeps them as code behind one byte.
    event Amended(uint256 indexed first, bytes32 termsHash, address store);
    event BackupLapsed(uint256 indexed slot);
    event Assigned(uint256 indexed slot, uint256 indexed provider, address holder, uint256 first);
    event SteppedIn(uint256 indexed slot, uint256 indexed provider, address holder, uint256 first);
    /// @notice The agreement ends after period `last`.
    event Terminated(uint256 last, Cause cause);
    /// @notice The arbitrator found `cause` (keccak256 of its words) against `party`.
    event Found(bytes32 cause, address party, uint256 nonce);
    /// @notice What remained owed when the escrow closed: positive to the provider, negative by it.
    event ClaimRecorded(uint256 indexed provider, int256 amount);
    event Closed(uint256 amount);

    enum Cause {
        Mutual,
        Convenience,
        Streak,
        Uncovered,
        Finding
    }
}
