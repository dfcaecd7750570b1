// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {Turn} from "./EscrowState.sol";
import {Proposal} from "./Proposals.sol";
import {EscrowVersions} from "./EscrowVersions.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";

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
        bytes32 hash = _demandVersions(p, c.period, versions);
        for (uint256 i = 1; i < versions.length; ++i) {
            if (versions[i].party == c.party) revert AlreadyChallenged(_addressOf(turn, c.period, c.party));
        }
        (uint256 needed, int256[] memory amounts, int256[] memory reported) = _demandDifferent(turn, terms, c, versions);
        uint256 arrived = _pull(turn, c.stake);
        if (arrived < needed) revert ShortOfFunds(arrived, needed);

        turn.others += arrived;
        if (p.challenges() == 0) hash = _withAmounts(hash, reported);
        hash = _chain(hash, c.party, arrived, c.values, amounts);
        _propose(turn, c.period, p.challenged(p.challenges() + 1, hash));
        emit Challenged(c.period, c.party, arrived, c.values, amounts);
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

    /// @dev The version changes something against each that is there; returns the stake it needs, its amounts and the report's.
    function _demandDifferent(
        Turn memory turn,
        Terms terms,
        IOutcomeEscrow.Challenging calldata c,
        IOutcomeEscrow.Version[] calldata versions
    ) private view returns (uint256 needed, int256[] memory amounts, int256[] memory reported) {
        _read(terms, c.values);
        Seen[] memory seen = _seeAll(turn, terms, c.period, versions, c.values);
        Seen memory mine = seen[versions.length];
        if (mine.priced.programError != 0) revert ProgramFailed(mine.priced.programError);
        for (uint256 i = 0; i < versions.length; ++i) {
            Distance memory d = _distance(mine, seen[i]);
            if (d.amounts == 0 && d.carried == 0 && d.marks == 0) revert EqualVersion();
        }
        return (_stakeUp(terms, mine, seen[0]), mine.priced.amounts, seen[0].priced.amounts);
    }

    // --- dispute ----------------------------------------------------------------------------------------------------

    function dispute(uint256 period, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        _demandUnsettled(turn, period);
        Proposal p = _proposalOf(turn, period);
        if (p.isNone() || p.stage() == PeriodStage.Disputed) revert NotProposed(period);
        if (block.timestamp < p.until()) revert TooEarly(p.until());
        _demandVersions(p, period, versions);
        if (p.challenges() == 0) revert NothingToDo();
        Terms terms = _termsOf(turn, period);

        uint256 until = p.until() + terms.rulingWindow();
        _propose(turn, period, p.moved(PeriodStage.Disputed, until));
        emit Disputed(period, until);
        _credit(
            turn,
            period,
            _undisputed(_seeAll(turn, terms, period, versions, new int256[](0)), versions.length),
            new int256[](0)
        );
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
        Seen memory agreed;
        agreed.values = _read(terms, values);
        agreed.priced = _askOne(period, values);
        if (agreed.priced.programError != 0) revert ProgramFailed(agreed.priced.programError);
        emit Agreed(period, _notes[period].agreements++, values);
        int256[] memory before = _takeBack(turn, terms, period, versions);
        _finish(turn, terms, period, agreed.values, agreed.priced, before);
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
        _demandVersions(p, period, versions);
        if (p.stage() == PeriodStage.Disputed) {
            before = _undisputed(_seeAll(turn, terms, period, versions, new int256[](0)), versions.length);
        }
        _returnStakes(turn, period, versions);
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
