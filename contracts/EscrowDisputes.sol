// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {Turn} from "./EscrowState.sol";
import {EscrowVersions} from "./EscrowVersions.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";

/// @title Challenge of a period, ruling, fallback, and agreement
/// @notice `pyoutcome/protocol/disputes.py` is the same in Python. Whatever path a dispute takes, the period's total is its
/// final version's amounts; the path decides only when it moves.
/// @dev Reached from OutcomeEscrow by delegatecall; passes on what it does not know.
contract EscrowDisputes is EscrowVersions, Proxy {
    address private immutable _further;

    constructor(address further) {
        _further = further;
    }

    function _implementation() internal view override returns (address) {
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
        Proposal memory p = _proposalOf(turn, c.period);
        if (p.stage == PeriodStage.None) revert NotProposed(c.period);
        if (p.stage == PeriodStage.Disputed || block.timestamp >= p.until) revert TooLate(p.until);
        Terms memory terms = _termsOf(turn, c.period);
        _demandChallenger(turn, terms, c, p.proposals);
        bytes32 hash = _demandVersions(p, c.period, versions);
        for (uint256 i = 1; i < versions.length; ++i) {
            if (versions[i].party == c.party) revert AlreadyChallenged(_addressOf(turn, c.period, c.party));
        }
        (uint256 needed, int256[] memory amounts) = _demandDifferent(turn, terms, c, versions);
        uint256 arrived = _pull(turn, c.stake);
        if (arrived < needed) revert ShortOfFunds(arrived, needed);

        turn.others += arrived;
        ++p.challenges;
        p.hash = uint256(_chain(hash, c.party, arrived, c.values));
        _propose(turn, c.period, p);
        emit Challenged(c.period, c.party, arrived, c.values, amounts);
        _end(turn);
    }

    /// @dev The caller is the party, or has its signature.
    function _demandChallenger(
        Turn memory turn,
        Terms memory terms,
        IOutcomeEscrow.Challenging calldata c,
        uint256 nonce
    ) private view {
        if (c.signature.length == 0) {
            if (_partyOf(turn, c.period, msg.sender) != c.party) revert NotAParty(msg.sender);
            return;
        }
        bytes32 digest = _digest(terms, Messages.CHALLENGE_TYPE, c.period, nonce, c.values);
        _demandSigned(_addressOf(turn, c.period, c.party), digest, c.signature);
    }

    /// @dev The version changes something against each that is there; returns its amounts and the stake it needs.
    function _demandDifferent(
        Turn memory turn,
        Terms memory terms,
        IOutcomeEscrow.Challenging calldata c,
        IOutcomeEscrow.Version[] calldata versions
    ) private view returns (uint256 needed, int256[] memory amounts) {
        Seen memory mine = _see(turn, terms, c.period, _read(terms, c.values));
        if (mine.priced.error != 0) revert ProgramFailed(mine.priced.error);
        Seen[] memory seen = _seeAll(turn, terms, c.period, versions);
        for (uint256 i = 0; i < seen.length; ++i) {
            Distance memory d = _distance(mine, seen[i]);
            if (d.amounts == 0 && d.carried == 0 && d.marks == 0) revert EqualVersion();
        }
        return (_stakeUp(terms, mine, seen[0]), mine.priced.amounts);
    }

    function _digest(Terms memory terms, bytes32 kind, uint256 period, uint256 nonce, int256[] calldata values)
        private
        view
        returns (bytes32)
    {
        return
            Messages.valuesDigest(_separator(), kind, terms.termsHash(), period, nonce, Messages.hashWords(values));
    }

    /// @dev A report instead of a default that somebody challenged: stakes go back, versions are void.
    function replace(bytes calldata packed, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        if (packed.length < 38) revert BadReport();
        uint256 period = uint16(bytes2(packed[0:2]));
        _demandUnsettled(turn, period);
        Proposal memory p = _proposalOf(turn, period);
        if (p.stage == PeriodStage.Defaulted && p.challenges != 0 && block.timestamp < p.until) {
            _demandVersions(p, period, versions);
            _returnStakes(turn, period, versions);
            p.challenges = 0;
            _propose(turn, period, p);
        }
        _report(turn, packed);
        _end(turn);
    }

    // --- dispute ----------------------------------------------------------------------------------------------------

    function dispute(uint256 period, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        _demandUnsettled(turn, period);
        Proposal memory p = _proposalOf(turn, period);
        if (p.stage != PeriodStage.Reported && p.stage != PeriodStage.Defaulted) revert NotProposed(period);
        if (block.timestamp < p.until) revert TooEarly(p.until);
        _demandVersions(p, period, versions);
        if (p.challenges == 0) revert NothingToDo();
        Terms memory terms = _termsOf(turn, period);

        p.stage = PeriodStage.Disputed;
        p.until += terms.rulingWindow();
        _propose(turn, period, p);
        emit Disputed(period, p.until);
        _credit(turn, period, _undisputed(_seeAll(turn, terms, period, versions)), new int256[](0));
        _end(turn);
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
        Seen memory ruling = _see(turn, terms, period, _read(terms, values));
        if (ruling.priced.error != 0) revert ProgramFailed(ruling.priced.error);
        Seen[] memory seen = _seeAll(turn, terms, period, versions);
        if (!_isBetween(ruling, seen)) revert RulingOutside();
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
        Seen[] memory seen = _seeAll(turn, terms, period, versions);
        if (choice == type(uint256).max) _fallBack(turn, terms, period, versions, seen);
        else if (choice >= seen.length) revert NoSuchVersion(choice);
        else _decide(turn, terms, period, versions, seen, seen[choice]);
        _end(turn);
    }

    function fallBack(uint256 period, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        Proposal memory p = _demandDispute(turn, period);
        if (block.timestamp < p.until) revert TooEarly(p.until);
        _demandVersions(p, period, versions);
        Terms memory terms = _termsOf(turn, period);
        _fallBack(turn, terms, period, versions, _seeAll(turn, terms, period, versions));
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
        _finish(turn, terms, period, seen[0].values, seen[0].priced, _undisputed(seen));
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
        for (uint256 i = 1; i < seen.length; ++i) {
            if (_isNearer(_distance(ruling, seen[i]), ofReport)) {
                _returnStake(turn, period, versions[i]);
            } else {
                _forfeit(turn, period, versions[i], seen[i].priced.amounts, ruling.priced.amounts);
            }
        }
        _finish(turn, terms, period, ruling.values, ruling.priced, _undisputed(seen));
    }

    // --- stakes -----------------------------------------------------------------------------------------------------

    function _returnStakes(Turn memory turn, uint256 period, IOutcomeEscrow.Version[] calldata versions) private {
        for (uint256 i = 1; i < versions.length; ++i) {
            _returnStake(turn, period, versions[i]);
        }
    }

    function _returnStake(Turn memory turn, uint256 period, IOutcomeEscrow.Version calldata version) private {
        emit StakeReturned(period, version.party, version.stake);
        _payParty(turn, version.party, version.stake);
    }

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

    // --- agreement --------------------------------------------------------------------------------------------------

    function agree(
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions,
        int256[] calldata values,
        bytes[] calldata signatures
    ) external nonReentrant {
        Turn memory turn = _begin();
        _demandPeriod(turn, period);
        Terms memory terms = _termsOf(turn, period);
        _demandTurn(turn, terms, period);
        _demandConsent(turn, terms, period, values, signatures);
        Seen memory agreed = _see(turn, terms, period, _read(terms, values));
        if (agreed.priced.error != 0) revert ProgramFailed(agreed.priced.error);
        emit Agreed(period, _notes[period].agreements++, values);
        int256[] memory before = _takeBack(turn, terms, period, versions);
        _finish(turn, terms, period, agreed.values, agreed.priced, before);
        _end(turn);
    }

    /// @dev Ends what was in dispute, whose stakes return; gives what the period's slots were credited so far.
    function _takeBack(
        Turn memory turn,
        Terms memory terms,
        uint256 period,
        IOutcomeEscrow.Version[] calldata versions
    ) private returns (int256[] memory before) {
        if (_isSettled(turn, period)) {
            before = new int256[](turn.terms.slotCount());
            for (uint256 i = 0; i < before.length; ++i) {
                before[i] = _credits[period][i].amount;
            }
            return before;
        }
        Proposal memory p = _proposalOf(turn, period);
        if (p.challenges == 0) return before;
        _demandVersions(p, period, versions);
        if (p.stage == PeriodStage.Disputed) before = _undisputed(_seeAll(turn, terms, period, versions));
        _returnStakes(turn, period, versions);
    }

    /// @dev The client and the period's payees have signed; where registers carry the values on, the present holders too. A
    /// settled period is restated only where its credits are kept and no sequential program stands on it.
    function _demandConsent(
        Turn memory turn,
        Terms memory terms,
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
    function _isCarriedOn(Turn memory turn, Terms memory terms, uint256 period) private view returns (bool) {
        if (terms.isSequential()) return true;
        if (!_is(turn, AMENDED)) return false;
        uint256 last = _lastOf(turn);
        for (uint256 i = _amendmentOf(turn, period) + 1; i <= _life.amendments; ++i) {
            if (_amendments[i].first <= last && _termsAt(turn, i).isSequential()) return true;
        }
        return false;
    }
}
