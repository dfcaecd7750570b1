// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {Terms} from "./DeployedTerms.sol";
import {Turn} from "./EscrowState.sol";
import {Proposal} from "./Proposals.sol";
import {EscrowVersions} from "./EscrowVersions.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {Words} from "./program/Words.sol";
import {Seen} from "./Seen.sol";

/// @title Ruling and fallback
/// @notice `pyoutcome/protocol/disputes.py` is the same in Python. Whatever path a dispute takes, the period's total is its
/// final version's amounts; the path decides only when it moves.
/// @dev Reached from OutcomeEscrow by delegatecall; passes on what it does not know.
contract EscrowRulings is EscrowVersions, Proxy {
    address private immutable _further;

    constructor(address further) {
        _further = further;
    }

    function _implementation() internal view override returns (address) {
        _demandEscrow();
        return _further;
    }

    /// @dev A dispute about to be decided.
    struct Case {
        Terms terms;
        uint256 period;
        Proposal proposal;
        /// @dev The arbitrator's deadline.
        uint256 until;
        /// @dev The first of the versions, and how many there are.
        Seen first;
        uint256 count;
    }

    /// @dev A dispute, or a challenged period whose window is over: then nothing is credited yet, and the deadline is as if
    /// the dispute had been opened.
    function _demandDispute(Turn memory turn, uint256 period) private view returns (Case memory c) {
        c.period = period;
        _demandUnsettled(turn, period);
        Proposal p = _proposalOf(turn, period);
        c.proposal = p;
        c.until = p.until();
        c.terms = _termsOf(turn, period);
        if (p.stage() == PeriodStage.Disputed) return c;
        if (p.challenges() == 0 || block.timestamp < c.until) revert NotDisputed(period, p.stage());
        c.until += c.terms.rulingWindow();
    }

    /// @dev What was credited when the dispute was opened; nothing if it was not.
    function _creditedBy(Case memory c) private pure returns (int256[] memory before) {
        if (c.proposal.stage() == PeriodStage.Disputed) before = _undisputed(c.first, c.count);
    }

    /// @dev Takes the versions handed in, with room for `more`.
    function _hear(Case memory c, IOutcomeEscrow.Version[] calldata versions, uint256 more) private pure {
        c.count = versions.length;
        (c.first,) = _demandVersions(c.proposal, c.period, versions, more);
    }

    function rule(
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        int256[] calldata values,
        bytes calldata signature
    ) external nonReentrant {
        Turn memory turn = _begin();
        Case memory c = _demandDispute(turn, period);
        _demandRuler(c.terms, period, c.proposal.proposals(), values, signature);
        if (block.timestamp >= c.until) revert TooLate(c.until);
        if (c.terms.chooses()) revert NoSuchVersion(type(uint256).max);
        int256[] memory given = Words.fromCall(values);
        _check(c.terms, given);
        _hear(c, versions, 1);
        Seen ruling = c.first.plus(c.count);
        ruling.fill(0, 0, given, new int256[](0));
        IOutcomeEscrow.Priced[] memory all = _look(turn, c.terms, period, c.first, c.count + 1, c.count);
        IOutcomeEscrow.Priced memory priced = all[all.length - 1];
        if (priced.programError != 0) revert ProgramFailed(priced.programError);
        if (!_isBetween(ruling, c.first, c.count)) revert RulingOutside();
        _decide(turn, c, ruling, priced);
        _end(turn);
    }

    /// @dev The caller is the arbitrator, or has its signature.
    function _demandRuler(
        Terms terms,
        uint256 period,
        uint256 nonce,
        int256[] calldata values,
        bytes calldata signature
    ) private view {
        if (signature.length != 0) {
            bytes32 digest = _digest(terms, Messages.RULING_TYPE, period, nonce, values);
            _demandSigned(terms.arbitrator(), digest, signature);
        } else if (msg.sender != terms.arbitrator()) {
            revert NotArbitrator(msg.sender);
        }
    }

    function choose(uint256 period, IOutcomeEscrow.Version[] calldata versions, uint256 choice) external nonReentrant {
        Turn memory turn = _begin();
        Case memory c = _demandDispute(turn, period);
        if (msg.sender != c.terms.arbitrator()) revert NotArbitrator(msg.sender);
        if (block.timestamp >= c.until) revert TooLate(c.until);
        if (!c.terms.chooses()) revert NoSuchVersion(choice);
        _hear(c, versions, 0);
        IOutcomeEscrow.Priced[] memory all = _look(turn, c.terms, period, c.first, c.count, c.count);
        if (choice == type(uint256).max) {
            _fallBack(turn, c);
        } else if (choice >= c.count) {
            revert NoSuchVersion(choice);
        } else {
            Seen chosen = c.first.plus(choice);
            IOutcomeEscrow.Priced memory priced;
            if (all.length != 0) priced = all[choice];
            // Only of the report the program may have failed.
            else if (choice == 0) priced = _askOne(period, chosen.given());
            else priced.amounts = chosen.amounts();
            _decide(turn, c, chosen, priced);
        }
        _end(turn);
    }

    function fallBack(uint256 period, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        Case memory c = _demandDispute(turn, period);
        if (block.timestamp < c.until) revert TooEarly(c.until);
        _hear(c, versions, 0);
        _look(turn, c.terms, period, c.first, c.count, c.count);
        _fallBack(turn, c);
        _end(turn);
    }

    function _fallBack(Turn memory turn, Case memory c) private {
        emit FellBack(c.period);
        _returnStakes(turn, c.period, c.first, c.count);
        _conclude(turn, c, c.first, _askOne(c.period, c.first.given()));
    }

    /// @dev A ruling: stakes of versions nearer to it than the report return, the others go to those they would harm.
    function _decide(Turn memory turn, Case memory c, Seen ruling, IOutcomeEscrow.Priced memory priced) private {
        emit Ruled(c.period, ruling.given());
        for (uint256 i = 1; i < c.count; ++i) {
            Seen version = c.first.plus(i);
            if (_isNearer(ruling, version, c.first)) _returnStake(turn, c.period, version);
            else _forfeit(turn, c.period, version, ruling.amounts());
        }
        _conclude(turn, c, ruling, priced);
    }

    /// @dev Settles the period on a view.
    function _conclude(Turn memory turn, Case memory c, Seen seen, IOutcomeEscrow.Priced memory priced) private {
        Values memory values;
        _standInFor(c.terms, seen.given(), values);
        _finish(turn, c.terms, c.period, values, priced, _creditedBy(c));
    }

    // --- stakes -----------------------------------------------------------------------------------------------------

    /// @dev Shares a lost stake among those the version would have harmed, by cumulated floors; never its own party. If it
    /// would have harmed nobody else, it goes to the other side: to client funding, or to the payees in equal parts.
    function _forfeit(Turn memory turn, uint256 period, Seen version, int256[] memory ruled) private {
        unchecked {
            (int256[] memory harm, uint256 total) = _harmBy(turn, period, version, ruled);
            uint256 cumulated = 0;
            uint256 given = 0;
            for (uint256 i = 0; i < harm.length; ++i) {
                if (harm[i] == 0) continue;
                cumulated += uint256(harm[i]);
                uint256 upTo = Math.mulDiv(version.stake(), cumulated, total);
                if (upTo == given) continue;
                _loseStake(turn, period, version, _ownerOf(turn, period, i, harm.length - 1), upTo - given);
                given = upTo;
            }
        }
    }

    /// @dev What it would have taken from each slot and, last, from the client; or the equal parts of the other side.
    function _harmBy(Turn memory turn, uint256 period, Seen version, int256[] memory ruled)
        private
        view
        returns (int256[] memory harm, uint256 total)
    {
        unchecked {
            int256[] memory amounts = version.amounts();
            uint256 slots = amounts.length;
            harm = new int256[](slots + 1);
            for (uint256 i = 0; i <= slots; ++i) {
                int256 less = i == slots ? _sum(amounts) - _sum(ruled) : Words.item(ruled, i) - Words.item(amounts, i);
                if (less <= 0 || _ownerOf(turn, period, i, slots) == version.party()) continue;
                harm[i] = less;
                total += uint256(less);
            }
            if (total != 0) return (harm, total);
            bool byClient = version.party() == CLIENT;
            for (uint256 i = 0; i <= slots; ++i) {
                if (byClient != (i < slots)) continue;
                harm[i] = 1;
                ++total;
            }
        }
    }

    /// @dev The owner number of a slot's holder; of what stands behind the slots, the client.
    function _ownerOf(Turn memory turn, uint256 period, uint256 slot, uint256 slots) private view returns (int256) {
        return slot == slots ? CLIENT : int256(_holderOf(turn, slot, period));
    }

    function _loseStake(Turn memory turn, uint256 period, Seen version, int256 to, uint256 amount) private {
        emit StakeLost(period, version.party(), to, amount);
        if (to == CLIENT) {
            turn.others -= amount;
            turn.funds += amount;
        } else {
            _pay(turn, uint256(to), amount, false);
        }
    }
}
