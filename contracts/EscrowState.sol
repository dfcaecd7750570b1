// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {ProgramStore} from "./program/ProgramStore.sol";

/// @title What an escrow remembers, and everything that can be read from it
/// @dev What never changes is in the clone's code (DeployedTerms). Storage is laid out so that an ordinary settlement
/// writes the hot slot, the purse, one word of settled periods and one word per provider; the other words of an
/// account and the queue are read only for a provider marked exceptional, and carried state only for a sequential program.
abstract contract EscrowState is IOutcomeEscrow {
    using BitMaps for BitMaps.BitMap;

    /// @dev One slot that every act reads.
    struct Hot {
        Stage stage;
        uint40 activatedAt;
        /// @dev Number of settled periods.
        uint32 settled;
        /// @dev Whether a default was ever proposed.
        bool defaults;
        /// @dev Bit i: provider i ever had debt, arrears, claimable money or a moved payout. Never cleared.
        uint64 exceptional;
        /// @dev Known from activation on: the program reads earlier periods. Only then do the next two change.
        bool sequential;
        /// @dev When the latest period settled: the turn of the next one.
        uint40 turnAt;
        /// @dev Periods run without error; they left what `_carried` has.
        uint32 carried;
    }

    /// @dev Money by what it is for. tracked = funds + held and claimable of all providers.
    struct Purse {
        uint128 funds;
        uint128 tracked;
    }

    /// @dev A provider's books. What was paid is not stored: paid = earned - held - arrears + debt.
    struct Books {
        int128 earned;
        uint128 held;
        // Only read and written for an exceptional provider:
        uint128 debt;
        uint128 claimable;
        uint128 arrears;
        /// @dev The provider's own entries in the queue, oldest and newest; linked by `next`.
        uint32 oldest;
        uint32 newest;
        /// @dev Zero: as in the terms.
        address payout;
    }

    /// @dev One sum in arrears, an entry of a list in the order of payment. 0 is no entry.
    struct Owed {
        uint128 amount;
        uint32 period;
        uint8 provider;
        /// @dev The same provider's next entry.
        uint32 nextOwn;
        /// @dev What of the period's credit was funded before: holdback is a share of all that is ever funded.
        uint128 funded;
        uint32 before;
        uint32 next;
    }

    /// @dev The arrears of all providers, oldest first; one slot.
    struct Queue {
        uint32 head;
        uint32 tail;
        /// @dev Number of the entry made last.
        uint32 last;
        /// @dev How many entries the list has, and their sum.
        uint32 length;
        uint128 total;
    }

    Hot internal _hot;
    Purse internal _purse;
    Queue internal _queue;
    BitMaps.BitMap internal _settled;
    /// @dev From when a proposed default can be settled.
    mapping(uint256 period => uint40) internal _settlesAt;
    mapping(uint256 provider => Books) internal _books;
    mapping(uint256 entry => Owed) internal _owed;
    ProgramState.Carried internal _carried;

    /// @inheritdoc IOutcomeEscrow
    address public immutable factory;
    /// @dev The shared code itself is no escrow.
    address private immutable _shared;
    uint256 private immutable _chainId;
    bytes32 private immutable _domainSeparator;

    constructor() {
        factory = msg.sender;
        _shared = address(this);
        _chainId = block.chainid;
        _domainSeparator = Messages.domainSeparator(msg.sender);
    }

    // --- terms ------------------------------------------------------------------------------------------------------

    /// @dev The terms in this clone's code.
    function _readTerms() internal view returns (Terms) {
        if (address(this) == _shared) revert WrongStage(Stage.Closed);
        return DeployedTerms.read();
    }

    /// @dev Computed again if the chain's id has changed, so that signatures for one branch are worth nothing on the other.
    function _separator() internal view returns (bytes32) {
        return block.chainid == _chainId ? _domainSeparator : Messages.domainSeparator(factory);
    }

    function _termsHash(Terms terms) internal view returns (bytes32) {
        return Messages.termsDigest(
            _separator(), terms.agreementDigest(), terms.programHash(), terms.argsHash(), terms.nonce()
        );
    }

    /// @dev The account that keeps the program.
    function _store(Terms terms) internal view returns (address) {
        return Create3.computeAddress(terms.programHash(), factory);
    }

    /// @inheritdoc IOutcomeEscrow
    function arguments() external view returns (Arguments memory) {
        _readTerms().answer();
    }

    /// @inheritdoc IOutcomeEscrow
    function agreementDigest() external view returns (bytes32) {
        return _readTerms().agreementDigest();
    }

    /// @inheritdoc IOutcomeEscrow
    function programHash() external view returns (bytes32) {
        return _readTerms().programHash();
    }

    /// @inheritdoc IOutcomeEscrow
    function program() external view returns (bytes memory) {
        return ProgramStore.read(_store(_readTerms()));
    }

    /// @inheritdoc IOutcomeEscrow
    function nonce() external view returns (uint256) {
        return _readTerms().nonce();
    }

    /// @inheritdoc IOutcomeEscrow
    function termsHash() external view returns (bytes32) {
        return _termsHash(_readTerms());
    }

    // --- stages -----------------------------------------------------------------------------------------------------

    function _demandStage(Stage wanted) internal view {
        if (_hot.stage != wanted) revert WrongStage(_hot.stage);
    }

    function _demandPeriod(Terms terms, uint32 period) internal pure {
        if (period == 0 || period > terms.periodCount()) revert NoSuchPeriod(period);
    }

    function _demandUnsettled(Terms terms, uint32 period) internal view {
        _demandStage(Stage.Active);
        _demandPeriod(terms, period);
        if (_settled.get(period)) revert AlreadySettled(period);
    }

    /// @dev In a sequential program an unsettled period waits until all earlier ones are settled.
    function _demandTurn(uint32 period) internal view {
        if (_hot.sequential && period != _hot.settled + 1) revert OutOfTurn(_hot.settled + 1);
    }

    /// @dev From when missing evidence of an unsettled period whose turn has come allows a default.
    function _dueOf(Terms terms, uint32 period) internal view returns (uint256) {
        return Math.max(Math.max(terms.endOf(period), _hot.activatedAt), _hot.turnAt) + terms.evidenceWindow();
    }

    /// @dev When a proposed default can be settled; 0 if none is proposed.
    function _proposedUntil(uint32 period) internal view returns (uint256) {
        return _hot.defaults ? _settlesAt[period] : 0;
    }

    /// @inheritdoc IOutcomeEscrow
    function stage() external view returns (Stage) {
        return _hot.stage;
    }

    /// @inheritdoc IOutcomeEscrow
    function periodStage(uint32 period) external view returns (PeriodStage, uint40 settlesAt) {
        _demandPeriod(_readTerms(), period);
        if (_settled.get(period)) return (PeriodStage.Settled, 0);
        settlesAt = _settlesAt[period];
        return (settlesAt == 0 ? PeriodStage.None : PeriodStage.Defaulted, settlesAt);
    }

    /// @inheritdoc IOutcomeEscrow
    function evidenceDue(uint32 period) external view returns (uint256) {
        Terms terms = _readTerms();
        _demandUnsettled(terms, period);
        _demandTurn(period);
        return _dueOf(terms, period);
    }

    // --- money ------------------------------------------------------------------------------------------------------

    function _isExceptional(uint256 provider) internal view returns (bool) {
        return (_hot.exceptional >> provider) & 1 != 0;
    }

    function _markExceptional(uint256 provider) internal {
        // forge-lint: disable-next-line(incorrect-shift) one bit per provider, of which there are at most 32
        if (!_isExceptional(provider)) _hot.exceptional |= uint64(1 << provider);
    }

    function _payoutOf(Terms terms, uint256 provider) internal view returns (address) {
        address moved = _isExceptional(provider) ? _books[provider].payout : address(0);
        return moved == address(0) ? terms.providerPayout(provider) : moved;
    }

    function _requiredCover(Terms terms) internal view returns (uint256) {
        uint256 started = 0;
        uint256 count = terms.periodCount();
        while (started < count && terms.startOf(started + 1) <= block.timestamp) ++started;
        // Only a period that has ended is settled, so every settled one is among the started.
        return terms.reserve() * (started - _hot.settled);
    }

    function _demandProvider(Terms terms, uint8 provider) internal pure {
        if (provider >= terms.providerCount()) revert NoSuchProvider(provider);
    }

    /// @inheritdoc IOutcomeEscrow
    function funds() external view returns (uint256) {
        return _purse.funds;
    }

    /// @inheritdoc IOutcomeEscrow
    function tracked() external view returns (uint256) {
        return _purse.tracked;
    }

    /// @inheritdoc IOutcomeEscrow
    function requiredCover() external view returns (uint256) {
        return _requiredCover(_readTerms());
    }

    /// @inheritdoc IOutcomeEscrow
    function account(uint8 provider) external view returns (Account memory) {
        Terms terms = _readTerms();
        _demandProvider(terms, provider);
        Books storage books = _books[provider];
        int256 paid = int256(books.earned) - int256(uint256(books.held)) - int256(uint256(books.arrears))
            + int256(uint256(books.debt));
        return Account({
            earned: books.earned,
            paid: uint256(paid),
            held: books.held,
            debt: books.debt,
            arrears: books.arrears,
            claimable: books.claimable,
            payout: _payoutOf(terms, provider)
        });
    }

    /// @inheritdoc IOutcomeEscrow
    function queueLength() external view returns (uint256) {
        return _queue.length;
    }
}
