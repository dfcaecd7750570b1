// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Why an escrow refuses an act
/// @notice `pyoutcome/protocol/refusals.py` has the same, by the name in lower case.
interface IEscrowErrors {
    enum Stage {
        Offer,
        Active,
        Closed
    }

    enum PeriodStage {
        None,
        Defaulted,
        Reported,
        Disputed,
        Settled
    }

    /// @dev Why an amendment contradicts what has happened or itself.
    enum Amiss {
        Previous,
        Known,
        First,
        Touched,
        Deal,
        Carry
    }

    /// @dev The act is not possible in this stage of the agreement.
    error WrongStage(Stage stage);
    /// @dev The period is not in dispute.
    error NotDisputed(uint256 period, PeriodStage stage);
    /// @dev The act is not possible yet; it will be from `possibleFrom`, or, if that is 0, once an earlier step is done.
    error TooEarly(uint256 possibleFrom);
    /// @dev The act was possible before `possibleUntil`.
    error TooLate(uint256 possibleUntil);
    error NoSuchPeriod(uint256 period);
    error AlreadySettled(uint256 period);
    error NotProposed(uint256 period);
    error AlreadyProposed(uint256 period);
    /// @dev The program reads earlier periods, so they settle in order: period `first` comes first.
    error OutOfTurn(uint256 first);
    /// @dev The signature of `party` does not cover exactly this, or (zero) there is one too many.
    error BadPartySignature(address party);
    /// @dev The digest and nonce handed in belong to other terms.
    error OtherTerms(bytes32 termsHash);
    /// @dev Verifier `index` did not sign exactly this report.
    error BadVerifierSignature(uint256 index);
    /// @dev There is no verifier `index`.
    error BadVerifierOrder(uint256 index);
    error NoQuorum(uint256 given, uint256 needed);
    error WrongValueCount(uint256 given, uint256 needed);
    /// @dev The value of KPI `kpi` is outside its range, not a multiple of its decimals, or missing where it may not be.
    error BadValue(uint256 kpi, int256 value);
    /// @dev The packed report is cut short or has bytes too many.
    error BadReport();
    /// @dev The versions handed in are not those that were accepted.
    error OtherVersions(uint256 period);
    error NotClient(address caller);
    error NotProvider(address caller);
    error NoSuchProvider(uint256 provider);
    error NotAParty(address caller);
    error NotArbitrator(address caller);
    error AlreadyChallenged(address caller);
    error EqualVersion();
    error ProgramFailed(uint256 programError);
    error RulingOutside();
    error NoSuchVersion(uint256 choice);
    error UsedNonce(uint256 given, uint256 expected);
    /// @dev The signatures name another period than the one from which the act would take effect now.
    error OtherMoment(uint256 signed, uint256 present);
    error BadAmendment(Amiss why);
    error BadIncoming(address party);
    error NotRestatable(uint256 period);
    /// @dev Only `missing` of the bond is missing.
    error BondExceeded(uint256 missing);
    error NoCause();
    /// @dev The balance is below what the act needs.
    error ShortOfFunds(uint256 available, uint256 needed);
    error NothingToDo();
    error PushRefused(address to, uint256 amount);
    /// @dev The client takes nothing out while `owed` is in arrears.
    error ArrearsFirst(uint256 owed);
    /// @dev The balance does not cover what is tracked; an early claim takes the covered share.
    error BelowTracked(uint256 balance, uint256 tracked);
    /// @dev `value` native coin came with the call, which takes exactly `needed` (0 for an ERC-20 escrow).
    error WrongValue(uint256 value, uint256 needed);
    /// @dev A push needs its gas allowance, so that no payee's push fails for want of gas; `needed` must be left.
    error TooLittleGas(uint256 available, uint256 needed);
    /// @dev More than the books can hold.
    error TooMuch(uint256 amount);
    /// @dev There is no such function.
    error NoSuchFunction(bytes4 selector);
}
