// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./DeployedTerms.sol";
import {EscrowPeriods} from "./EscrowPeriods.sol";
import {Turn} from "./EscrowState.sol";
import {Proposal} from "./Proposals.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {ProgramState} from "./program/ProgramState.sol";
import {ProgramStore} from "./program/ProgramStore.sol";

/// @title What can be read from an escrow
/// @dev The last contract that OutcomeEscrow's calls reach: a function that is not here does not exist.
contract EscrowViews is EscrowPeriods {
    fallback() external {
        revert NoSuchFunction(msg.sig);
    }

    // --- terms ------------------------------------------------------------------------------------------------------

    function arguments() external view returns (bytes memory) {
        return _open().terms.arguments();
    }

    function programHash() external view returns (bytes32) {
        return _open().terms.programHash();
    }

    function program() external view returns (bytes memory) {
        Terms terms = _open().terms;
        return terms.isRegistered() ? ProgramStore.read(terms.store(), terms.isSequential()) : terms.program();
    }

    function termsHash() external view returns (bytes32) {
        return _open().terms.termsHash();
    }

    function termsHashOf(uint256 period) external view returns (bytes32) {
        return _termsOf(_open(), period).termsHash();
    }

    // --- stages -----------------------------------------------------------------------------------------------------

    function stage() external view returns (Stage) {
        return Stage(_open().stage);
    }

    function isAccepted() external view returns (bool) {
        return _is(_open(), ACCEPTED);
    }

    function lastPeriod() external view returns (uint256) {
        return _lastOf(_open());
    }

    function periodState(uint256 period)
        external
        view
        returns (PeriodStage periodStage, uint256 until, uint256 proposals, uint256 agreements)
    {
        Turn memory turn = _open();
        _demandExisting(turn, period);
        agreements = _notes[period].agreements;
        Proposal p = _proposalOf(turn, period);
        (periodStage, until, proposals) = (p.stage(), p.until(), p.proposals());
        if (_isSettled(turn, period)) (periodStage, until) = (PeriodStage.Settled, 0);
    }

    function _demandExisting(Turn memory turn, uint256 period) private view {
        if (period == 0 || period > _lastOf(turn)) revert NoSuchPeriod(period);
    }

    function evidenceDue(uint256 period) external view returns (uint256) {
        Turn memory turn = _open();
        _demandExisting(turn, period);
        Terms terms = _termsOf(turn, period);
        if (terms.isSequential()) _demandOrder(turn, period);
        return _dueOf(turn, terms, period);
    }

    /// @notice What settled periods left to the next one, in the order of docs/program-format.md; one 0 if its program is
    /// independent.
    function carriedState() external view returns (int256[] memory) {
        Turn memory turn = _open();
        uint256 period = _firstUnsettled(turn);
        uint256 last = _lastOf(turn);
        Terms terms = _termsOf(turn, period > last ? last : period);
        if (!terms.isSequential()) return new int256[](1);
        Past memory past;
        _recall(turn, terms, period > last ? last : period, past);
        return ProgramState.words(
            _carried[past.carried], past.code, past.runs, past.lines, past.payees, _earnedBefore(turn, past.payees)
        );
    }

    // --- money ------------------------------------------------------------------------------------------------------

    function funds() external view returns (uint256) {
        return _open().funds;
    }

    function tracked() external view returns (uint256) {
        Turn memory turn = _open();
        return turn.funds + turn.others;
    }

    function clientClaimable() external view returns (uint256) {
        return _clientClaimable;
    }

    function requiredCover() external view returns (uint256) {
        return _requiredCover(_open());
    }

    function tenures() external view returns (uint256) {
        return _tenureCount(_open());
    }

    function holderOf(uint256 slot, uint256 period) external view returns (uint256) {
        Turn memory turn = _open();
        if (slot >= turn.terms.slotCount()) revert NoSuchProvider(slot);
        return _holderOf(turn, slot, period);
    }

    function account(uint256 provider) external view returns (IOutcomeEscrow.Account memory) {
        Turn memory turn = _open();
        if (provider >= _tenureCount(turn)) revert NoSuchProvider(provider);
        Books storage books = _books[provider];
        return IOutcomeEscrow.Account({
            held: books.held,
            debt: books.debt,
            arrears: books.arrears,
            claimable: books.claimable,
            bond: books.bond,
            holder: _signerOf(turn, provider),
            payout: _payoutOf(turn, provider),
            slot: _slotOf(turn, provider),
            first: _firstOf(turn, provider),
            released: books.released
        });
    }

    function queueLength() external view returns (uint256) {
        return _queue.length;
    }

    function occasions() external view returns (uint256 assignments, uint256 terminations, uint256 uncoveredSince) {
        return (_life.assignments, _life.terminations, _life.uncoveredSince);
    }
}
