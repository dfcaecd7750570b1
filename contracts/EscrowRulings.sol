// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {Terms} from "./DeployedTerms.sol";
import {Turn} from "./EscrowState.sol";
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

    function _demandDispute(Turn memory turn, uint256 period) private view returns (Proposal memory p) {
        _demandUnsettled(turn, period);
        p = _proposalOf(turn, period);
        if (p.stage != PeriodStage.Disputed) revert NotDisputed(period, p.stage);
    }

    function rule(
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        int256[] calldata values,
        bytes calldata signature
    ) external nonReentrant {
        Turn memory turn = _begin();
        Proposal memory p = _demandDispute(turn, period);
        Terms memory terms = _termsOf(turn, period);
        _demandRuler(terms, period, p.proposals, values, signature);
        if (block.timestamp >= p.until) revert TooLate(p.until);
        if (terms.chooses()) revert NoSuchVersion(type(uint256).max);
        _demandVersions(p, period, versions);
        _rule(turn, terms, period, versions, values);
        _end(turn);
    }

    /// @dev The caller is the arbitrator, or has its signature.
    function _demandRuler(
        Terms memory terms,
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

    function _rule(
        Turn memory turn,
        Terms memory terms,
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        int256[] calldata values
    ) private {
        _read(terms, values);
        Seen[] memory seen = _seeAll(turn, terms, period, versions, values);
        Seen memory ruling = seen[versions.length];
        if (ruling.priced.programError != 0) revert ProgramFailed(ruling.priced.programError);
        if (!_isBetween(ruling, seen, versions.length)) revert RulingOutside();
        _decide(turn, terms, period, versions, seen, ruling);
    }

    function choose(uint256 period, IOutcomeEscrow.Version[] calldata versions, uint256 choice) external nonReentrant {
        Turn memory turn = _begin();
        Proposal memory p = _demandDispute(turn, period);
        Terms memory terms = _termsOf(turn, period);
        if (msg.sender != terms.arbitrator()) revert NotArbitrator(msg.sender);
        if (block.timestamp >= p.until) revert TooLate(p.until);
        if (!terms.chooses()) revert NoSuchVersion(choice);
        _demandVersions(p, period, versions);
        Seen[] memory seen = _seeAll(turn, terms, period, versions, new int256[](0));
        if (choice == type(uint256).max) _fallBack(turn, terms, period, versions, seen);
        else if (choice >= versions.length) revert NoSuchVersion(choice);
        else _decide(turn, terms, period, versions, seen, seen[choice]);
        _end(turn);
    }

    function fallBack(uint256 period, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        Proposal memory p = _demandDispute(turn, period);
        if (block.timestamp < p.until) revert TooEarly(p.until);
        _demandVersions(p, period, versions);
        Terms memory terms = _termsOf(turn, period);
        _fallBack(turn, terms, period, versions, _seeAll(turn, terms, period, versions, new int256[](0)));
        _end(turn);
    }

    function _fallBack(
        Turn memory turn,
        Terms memory terms,
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        Seen[] memory seen
    ) private {
        emit FellBack(period);
        _returnStakes(turn, period, versions);
        _finish(turn, terms, period, seen[0].values, seen[0].priced, _undisputed(seen, versions.length));
    }

    /// @dev A ruling: stakes of versions nearer to it than the report return, the others go to those they would harm.
    function _decide(
        Turn memory turn,
        Terms memory terms,
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        Seen[] memory seen,
        Seen memory ruling
    ) private {
        emit Ruled(period, ruling.values.given);
        Distance memory ofReport = _distance(ruling, seen[0]);
        for (uint256 i = 1; i < versions.length; ++i) {
            if (_isNearer(_distance(ruling, seen[i]), ofReport)) {
                _returnStake(turn, period, versions[i]);
            } else {
                _forfeit(turn, period, versions[i], seen[i].priced.amounts, ruling.priced.amounts);
            }
        }
        _finish(turn, terms, period, ruling.values, ruling.priced, _undisputed(seen, versions.length));
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
