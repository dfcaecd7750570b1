// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {Turn} from "./EscrowState.sol";
import {Proposal} from "./Proposals.sol";
import {EscrowVersions} from "./EscrowVersions.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {Words} from "./program/Words.sol";
import {Seen} from "./Seen.sol";

/// @title Challenge of a period, the undisputed part, and agreement
/// @notice `pyoutcome/protocol/disputes.py` is the same in Python.
/// @dev Reached from OutcomeEscrow by delegatecall; passes on what it does not know.
contract EscrowDisputes is EscrowVersions, Proxy {
    address private immutable _further;

    constructor(address further) {
        _further = further;
    }

    function _implementation() internal view override returns (address) {
        _demandEscrow();
        return _further;
    }

    // --- challenge --------------------------------------------------------------------------------------------------

    function challenge(IOutcomeEscrow.Challenging calldata c, IOutcomeEscrow.Version[] calldata versions)
        external
        payable
        nonReentrant
    {
        Turn memory turn = _begin();
        _demandUnsettled(turn, c.period);
        Proposal p = _proposalOf(turn, c.period);
        if (p.isNone()) revert NotProposed(c.period);
        if (p.stage() == PeriodStage.Disputed || block.timestamp >= p.until()) revert TooLate(p.until());
        Terms terms = _termsOf(turn, c.period);
        _demandChallenger(turn, terms, c, p.proposals());
        (Seen first, bytes32 hash) = _demandVersions(p, c.period, versions, 1);
        for (uint256 i = 1; i < versions.length; ++i) {
            if (first.plus(i).party() == c.party) revert AlreadyChallenged(_addressOf(turn, c.period, c.party));
        }
        Seen mine = first.plus(versions.length);
        mine.fill(c.party, 0, Words.fromCall(c.values), new int256[](0));
        uint256 needed = _demandDifferent(turn, terms, c.period, first, versions.length);
        uint256 arrived = _pullAtOnce(turn, c.stake);
        if (arrived < needed) revert ShortOfFunds(arrived, needed);

        turn.others += arrived;
        mine.setStake(arrived);
        if (p.challenges() == 0) hash = _withAmounts(hash, first.amounts());
        _proposeAgain(turn, c.period, p.challenged(p.challenges() + 1, _chain(hash, mine)));
        emit Challenged(c.period, c.party, arrived, mine.given(), mine.amounts());
        _end(turn);
    }

    /// @dev The caller is the party, or has its signature.
    function _demandChallenger(Turn memory turn, Terms terms, IOutcomeEscrow.Challenging calldata c, uint256 nonce)
        private
        view
    {
        if (c.signature.length == 0) {
            if (_partyOf(turn, c.period, msg.sender) != c.party) {
                revert NotAParty(msg.sender);
            }
            return;
        }
        bytes32 digest = _digest(terms, Messages.CHALLENGE_TYPE, c.period, nonce, c.values);
        _demandSigned(_addressOf(turn, c.period, c.party), digest, c.signature);
    }

    /// @dev The version behind the first `count` changes something against each of them; returns the stake it needs.
    function _demandDifferent(Turn memory turn, Terms terms, uint256 period, Seen first, uint256 count)
        private
        view
        returns (uint256 needed)
    {
        Seen mine = first.plus(count);
        _check(terms, mine.given());
        IOutcomeEscrow.Priced[] memory priced = _look(turn, terms, period, first, count + 1, count);
        uint256 error = priced[priced.length - 1].programError;
        if (error != 0) revert ProgramFailed(error);
        uint256 apart = _apart(mine.amounts(), first.amounts());
        if (_isEqual(mine, first, apart)) revert EqualVersion();
        for (uint256 i = 1; i < count; ++i) {
            Seen other = first.plus(i);
            if (_isEqual(mine, other, _apart(mine.amounts(), other.amounts()))) revert EqualVersion();
        }
        return _stakeUp(terms, apart);
    }

    // --- dispute ----------------------------------------------------------------------------------------------------

    function dispute(uint256 period, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        _demandUnsettled(turn, period);
        Proposal p = _proposalOf(turn, period);
        if (p.isNone() || p.stage() == PeriodStage.Disputed) revert NotProposed(period);
        if (block.timestamp < p.until()) revert TooEarly(p.until());
        (Seen first,) = _demandVersions(p, period, versions, 0);
        if (p.challenges() == 0) revert NothingToDo();
        Terms terms = _termsOf(turn, period);

        uint256 until = p.until() + terms.rulingWindow();
        _proposeAgain(turn, period, p.moved(PeriodStage.Disputed, until));
        emit Disputed(period, until);
        _look(turn, terms, period, first, versions.length, versions.length);
        _credit(turn, period, _undisputed(first, versions.length), new int256[](0));
        _end(turn);
    }

    // --- agreement --------------------------------------------------------------------------------------------------

    function agree(
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        int256[] calldata values,
        bytes[] calldata signatures
    ) external nonReentrant {
        Turn memory turn = _begin();
        _demandPeriod(turn, period);
        Terms terms = _termsOf(turn, period);
        _demandTurn(turn, terms, period);
        _demandConsent(turn, terms, period, values, signatures);
        Values memory agreed;
        _check(terms, values);
        _standInFor(terms, values, agreed);
        IOutcomeEscrow.Priced memory priced = _askOne(period, agreed.given);
        if (priced.programError != 0) revert ProgramFailed(priced.programError);
        emit Agreed(period, _notes[period].agreements++, values);
        int256[] memory before = _takeBack(turn, terms, period, versions);
        _finish(turn, terms, period, agreed, priced, before);
        _end(turn);
    }

    /// @dev Ends what was in dispute, whose stakes return; gives what the period's slots were credited so far.
    function _takeBack(Turn memory turn, Terms terms, uint256 period, IOutcomeEscrow.Version[] calldata versions)
        private
        returns (int256[] memory before)
    {
        if (_isSettled(turn, period)) {
            before = new int256[](turn.terms.slotCount());
            for (uint256 i = 0; i < before.length; ++i) {
                before[i] = _credits[period][i].amount;
            }
            return before;
        }
        Proposal p = _proposalOf(turn, period);
        if (p.challenges() == 0) return before;
        (Seen first,) = _demandVersions(p, period, versions, 0);
        if (p.stage() == PeriodStage.Disputed) {
            _look(turn, terms, period, first, versions.length, versions.length);
            before = _undisputed(first, versions.length);
        }
        _returnStakes(turn, period, first, versions.length);
    }

    /// @dev The client and the period's payees have signed; where registers carry the values on, the present holders too. A
    /// settled period is restated only where its credits are kept and no sequential program stands on it.
    function _demandConsent(
        Turn memory turn,
        Terms terms,
        uint256 period,
        int256[] calldata values,
        bytes[] calldata signatures
    ) private view {
        bool carried = _isCarriedOn(turn, terms, period);
        if (_isSettled(turn, period) && (carried || !turn.terms.has(DeployedTerms.RESTATES))) {
            revert NotRestatable(period);
        }
        uint256 bound = _holdersOf(turn, period);
        if (carried) bound |= _currentHolders(turn);
        bytes32 digest = _digest(terms, Messages.AGREED_TYPE, period, _notes[period].agreements, values);
        _demandNoMore(_demandParties(turn, digest, bound, signatures), signatures);
    }

    /// @dev Whether a sequential program governs the period or a later one.
    function _isCarriedOn(Turn memory turn, Terms terms, uint256 period) private view returns (bool) {
        if (terms.isSequential()) return true;
        if (!_is(turn, AMENDED)) return false;
        uint256 last = _lastOf(turn);
        for (uint256 i = _amendmentOf(turn, period) + 1; i <= _life.amendments; ++i) {
            if (_amendments[i].first <= last && _termsAt(turn, i).isSequential()) return true;
        }
        return false;
    }
}
