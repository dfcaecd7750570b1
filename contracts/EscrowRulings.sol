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
        Turn turn;
        Terms terms;
        uint256 period;
        Proposal proposal;
        /// @dev The arbitrator's deadline.
        uint256 until;
        Seen[] seen;
    }

    /// @dev A dispute, or a challenged period whose window is over: then nothing is credited yet, and the deadline is as if
    /// the dispute had been opened.
    function _demandDispute(uint256 period) private returns (Case memory c) {
        c.turn = _begin();
        c.period = period;
        _demandUnsettled(c.turn, period);
        Proposal p = _proposalOf(c.turn, period);
        c.proposal = p;
        c.until = p.until();
        c.terms = _termsOf(c.turn, period);
        if (p.stage() == PeriodStage.Disputed) return c;
        if (p.challenges() == 0 || block.timestamp < c.until) revert NotDisputed(period, p.stage());
        c.until += c.terms.rulingWindow();
    }

    /// @dev What was credited when the dispute was opened; nothing if it was not.
    function _creditedBy(Case memory c, uint256 count) private pure returns (int256[] memory before) {
        if (c.proposal.stage() == PeriodStage.Disputed) before = _undisputed(c.seen, count);
    }

    function _look(Case memory c, IOutcomeEscrow.Version[] calldata versions, int256[] memory another) private view {
        _demandVersions(c.proposal, c.period, versions);
        c.seen = _seeAll(c.turn, c.terms, c.period, versions, another);
    }

    function rule(
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        int256[] calldata values,
        bytes calldata signature
    ) external nonReentrant {
        Case memory c = _demandDispute(period);
        _demandRuler(c.terms, period, c.proposal.proposals(), values, signature);
        if (block.timestamp >= c.until) revert TooLate(c.until);
        if (c.terms.chooses()) revert NoSuchVersion(type(uint256).max);
        _look(c, versions, _read(c.terms, values).given);
        Seen memory ruling = c.seen[versions.length];
        if (ruling.priced.programError != 0) revert ProgramFailed(ruling.priced.programError);
        if (!_isBetween(ruling, c.seen, versions.length)) revert RulingOutside();
        _decide(c, versions, ruling);
        _end(c.turn);
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
        Case memory c = _demandDispute(period);
        if (msg.sender != c.terms.arbitrator()) revert NotArbitrator(msg.sender);
        if (block.timestamp >= c.until) revert TooLate(c.until);
        if (!c.terms.chooses()) revert NoSuchVersion(choice);
        _look(c, versions, new int256[](0));
        if (choice == type(uint256).max) {
            _fallBack(c, versions);
        } else if (choice >= versions.length) {
            revert NoSuchVersion(choice);
        } else {
            // Only of the report the program may have failed.
            if (choice == 0) c.seen[0].priced = _askOne(period, versions[0].values);
            _decide(c, versions, c.seen[choice]);
        }
        _end(c.turn);
    }

    function fallBack(uint256 period, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Case memory c = _demandDispute(period);
        if (block.timestamp < c.until) revert TooEarly(c.until);
        _look(c, versions, new int256[](0));
        _fallBack(c, versions);
        _end(c.turn);
    }

    function _fallBack(Case memory c, IOutcomeEscrow.Version[] calldata versions) private {
        emit FellBack(c.period);
        _returnStakes(c.turn, c.period, versions);
        int256[] memory before = _creditedBy(c, versions.length);
        IOutcomeEscrow.Priced memory priced = _askOne(c.period, versions[0].values);
        _finish(c.turn, c.terms, c.period, c.seen[0].values, priced, before);
    }

    /// @dev A ruling: stakes of versions nearer to it than the report return, the others go to those they would harm.
    function _decide(Case memory c, IOutcomeEscrow.Version[] calldata versions, Seen memory ruling) private {
        emit Ruled(c.period, ruling.values.given);
        Distance memory ofReport = _distance(ruling, c.seen[0]);
        for (uint256 i = 1; i < versions.length; ++i) {
            if (_isNearer(_distance(ruling, c.seen[i]), ofReport)) {
                _returnStake(c.turn, c.period, versions[i]);
            } else {
                _forfeit(c.turn, c.period, versions[i], c.seen[i].priced.amounts, ruling.priced.amounts);
            }
        }
        int256[] memory before = _creditedBy(c, versions.length);
        _finish(c.turn, c.terms, c.period, ruling.values, ruling.priced, before);
    }

    // --- stakes -----------------------------------------------------------------------------------------------------

    /// @dev Shares a lost stake among those the version would have harmed, by cumulated floors; never its own party. If it
    /// would have harmed nobody else, it goes to the other side: to client funding, or to the payees in equal parts.
    function _forfeit(
        Turn memory turn,
        uint256 period,
        IOutcomeEscrow.Version calldata version,
        int256[] memory amounts,
        int256[] memory ruled
    ) private {
        uint256 slots = amounts.length;
        int256[] memory owners = new int256[](slots + 1);
        uint256[] memory harm = new uint256[](slots + 1);
        uint256 total = 0;
        for (uint256 i = 0; i <= slots; ++i) {
            owners[i] = i == slots ? CLIENT : int256(_holderOf(turn, i, period));
            int256 less = i == slots ? _sum(amounts) - _sum(ruled) : ruled[i] - amounts[i];
            if (less > 0 && owners[i] != version.party) harm[i] = uint256(less);
            total += harm[i];
        }
        if (total == 0) {
            bool byClient = version.party == CLIENT;
            for (uint256 i = 0; i <= slots; ++i) {
                harm[i] = byClient == (i < slots) ? 1 : 0;
                total += harm[i];
            }
        }
        uint256 cumulated = 0;
        uint256 given = 0;
        for (uint256 i = 0; i <= slots; ++i) {
            cumulated += harm[i];
            uint256 upTo = Math.mulDiv(version.stake, cumulated, total);
            if (upTo != given) _loseStake(turn, period, version.party, owners[i], upTo - given);
            given = upTo;
        }
    }

    function _loseStake(Turn memory turn, uint256 period, int256 party, int256 to, uint256 amount) private {
        emit StakeLost(period, party, to, amount);
        if (to == CLIENT) {
            turn.others -= amount;
            turn.funds += amount;
        } else {
            _pay(turn, uint256(to), amount, false);
        }
    }
}
