// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {RuleTerms} from "./RuleTerms.sol";
import {EscrowStreaks} from "./EscrowStreaks.sol";
import {Turn} from "./EscrowState.sol";
import {IEscrowFactory} from "./interfaces/IEscrowFactory.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {Header} from "./program/ProgramFormat.sol";
import {Format} from "./program/ProgramFormat.sol";
import {Words} from "./program/Words.sol";

/// @title Change of parties and terms: amendment, assignment, step-in; and evidence shown in time
/// @notice `pyoutcome/protocol/parties.py` is the same in Python. Accounts belong to tenures and stay with them.
/// @dev Reached from OutcomeEscrow by delegatecall; passes on what it does not know.
contract EscrowChanges is EscrowStreaks, Proxy {
    uint256 private constant ANEW = 255;

    address private immutable _further;

    constructor(address further) {
        _further = further;
    }

    function _implementation() internal view override returns (address) {
        _demandEscrow();
        return _further;
    }

    // --- evidence ---------------------------------------------------------------------------------------------------

    function postDigest(uint256 period, bytes32 digest) external nonReentrant {
        Turn memory turn = _begin();
        _demandPeriod(turn, period);
        int256 party = _partyOf(turn, period, msg.sender);
        Terms terms = _termsOf(turn, period);
        uint256 slot = party == CLIENT ? RuleTerms.CLIENT_SUPPLIES : _slotOf(turn, uint256(party));
        if (!_supplies(terms, slot)) revert NotAParty(msg.sender);
        uint256 end = turn.terms.endOf(period);
        if (block.timestamp < end) revert TooEarly(end);
        Notes storage notes = _notes[period];
        // While a sequential program waits for an earlier period nobody knows yet when evidence is due.
        if (!terms.isSequential() || _firstUnsettled(turn) >= period) {
            uint256 due = notes.due != 0 ? notes.due : _dueOf(turn, terms, period);
            if (block.timestamp >= due) revert TooLate(due);
        }
        if (party == CLIENT ? notes.clientPosted : (notes.posted >> slot) & 1 != 0) revert NothingToDo();
        if (party == CLIENT) notes.clientPosted = true;
        else notes.posted |= uint32(1 << slot);
        emit DigestPosted(period, party, digest);
        _end(turn);
    }

    function _supplies(Terms terms, uint256 supplier) private pure returns (bool) {
        RuleTerms.Kpi memory kpi;
        uint256 at = terms.kpisAt();
        for (uint256 i = terms.kpiCount(); i != 0; --i) {
            at = RuleTerms.kpiAt(at, kpi);
            if (kpi.supplier == supplier) return true;
        }
        return false;
    }

    // --- amendment --------------------------------------------------------------------------------------------------

    function amend(IOutcomeEscrow.Amending calldata amending, bytes[] calldata signatures) external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        if (block.timestamp >= amending.deadline) revert TooLate(amending.deadline);
        (bytes memory blob, bytes32 hash) = IEscrowFactory(IOutcomeEscrow(address(this)).factory())
            .prepare(
                IEscrowFactory.Offer(
                    amending.agreementDigest, amending.programHash, amending.program, amending.arguments, amending.nonce
                )
            );
        Terms terms = DeployedTerms.inside(bytes.concat(blob));
        _demandSound(turn, amending, terms, hash);
        _demandAmendmentSigned(turn, amending, hash, signatures);
        uint256 number = _is(turn, AMENDED) ? _life.amendments + 1 : 1;
        _carriedBy[number] = _carryOf(turn, amending, terms, number);
        _accept(turn, number, amending.first, hash, blob);
        _end(turn);
    }

    function _accept(Turn memory turn, uint256 number, uint256 first, bytes32 hash, bytes memory blob) private {
        // Creation code as in ProgramStore: it leaves STOP and the blob. A hash is accepted once, so the salt is new.
        bytes memory code = abi.encodePacked(hex"61", uint16(blob.length + 1), hex"80600a3d393df300", blob);
        address store = Create2.deploy(0, hash, code);
        _amendments[number] = Amendment(store, uint16(first), uint40(block.timestamp));
        _life.amendments = uint16(number);
        _known[hash] = true;
        turn.flags |= AMENDED;
        emit Amended(first, hash, store);
    }

    function _demandAmendmentSigned(
        Turn memory turn,
        IOutcomeEscrow.Amending calldata amending,
        bytes32 hash,
        bytes[] calldata signatures
    ) private {
        bytes32 previous = _termsAt(turn, _is(turn, AMENDED) ? _life.amendments : 0).termsHash();
        bytes32 digest =
            Messages.amendmentDigest(_separator(), previous, hash, amending.first, amending.carry, amending.deadline);
        uint256 used = _demandParties(turn, digest, _concerned(turn, amending.first), signatures);
        _demandNoMore(_noteBackups(turn, digest, used, signatures), signatures);
    }

    /// @dev It contradicts nothing that has happened.
    function _demandSound(Turn memory turn, IOutcomeEscrow.Amending calldata a, Terms terms, bytes32 hash)
        private
        view
    {
        if (_known[hash] || hash == turn.terms.termsHash()) revert BadAmendment(Amiss.Known);
        if (a.first == 0 || a.first > _lastOf(turn)) revert BadAmendment(Amiss.First);
        uint256 started = _started(turn);
        for (uint256 period = a.first; period <= started; ++period) {
            if (_isSettled(turn, period) || !_proposalOf(turn, period).isNone()) {
                revert BadAmendment(Amiss.Touched);
            }
        }
        if (terms.dealHash() != turn.terms.dealHash()) revert BadAmendment(Amiss.Deal);
    }

    /// @dev Everyone who holds a period from `first` on, begun or not.
    function _concerned(Turn memory turn, uint256 first) private view returns (uint256 bits) {
        bits = _holdersOf(turn, first);
        uint256 count = _tenureCount(turn);
        for (uint256 tenure = turn.terms.slotCount(); tenure < count; ++tenure) {
            if (_tenures[tenure].first > first && _tenures[tenure].first <= _lastOf(turn)) bits |= 1 << tenure;
        }
    }

    /// @dev A backup signs as well, or lapses: it accepted other terms.
    function _noteBackups(Turn memory turn, bytes32 digest, uint256 used, bytes[] calldata signatures)
        private
        returns (uint256)
    {
        uint256 slots = turn.terms.slotCount();
        for (uint256 slot = 0; slot < slots; ++slot) {
            address backup = turn.terms.backupOf(slot);
            if (backup == address(0) || _lapsed[slot]) continue;
            if (used >= signatures.length) revert BadPartySignature(backup);
            bytes calldata signature = signatures[used++];
            if (signature.length != 0) {
                _demandSigned(backup, digest, signature);
                continue;
            }
            _lapsed[slot] = true;
            emit BackupLapsed(slot);
        }
        return used;
    }

    /// @dev Under which number the new program's carried state is kept: that of the rules before, or a new one.
    function _carryOf(Turn memory turn, IOutcomeEscrow.Amending calldata a, Terms terms, uint256 number)
        private
        view
        returns (uint256)
    {
        Past memory fresh;
        Past memory old;
        uint256 words = 0;
        if (terms.isSequential()) {
            _recall(turn, terms, a.first, fresh);
            words = _shapeOf(fresh);
        }
        if (a.carry.length != words) revert BadAmendment(Amiss.Carry);
        bool keeps = words != 0 && a.carry[0] != ANEW;
        bool before = a.first > 1 && _termsOf(turn, a.first - 1).isSequential();
        if (before) _recall(turn, _termsOf(turn, a.first - 1), a.first - 1, old);
        // What a payee earned in periods before is known only if the rules before read it.
        if (a.first > 1 && fresh.payees & ~old.payees != 0) revert BadAmendment(Amiss.Carry);
        for (uint256 i = 0; i < words; ++i) {
            if (a.carry[i] != (keeps ? i : ANEW)) revert BadAmendment(Amiss.Carry);
        }
        if (!keeps) return number;
        if (!before || !_isAlike(fresh, old)) revert BadAmendment(Amiss.Carry);
        return old.carried;
    }

    /// @dev How many words a program carries.
    function _shapeOf(Past memory past) private pure returns (uint256 words) {
        Header header = Format.readHeader(past.code);
        words = 1 + header.registers();
        uint256 at = Words.startOf(past.code) + header.historyTable();
        for (uint256 i = 0; i < header.histories(); ++i) {
            words += Words.byteAt(at + 3 * i + 1) & 127;
        }
        for (uint256 bits = past.lines; bits != 0; bits &= bits - 1) {
            ++words;
        }
    }

    /// @dev Both carry the same words in the same places.
    function _isAlike(Past memory one, Past memory other) private pure returns (bool) {
        Header a = Format.readHeader(one.code);
        Header b = Format.readHeader(other.code);
        if (a.registers() != b.registers() || a.histories() != b.histories() || one.lines != other.lines) return false;
        for (uint256 i = 0; i < a.histories(); ++i) {
            uint256 depth = Words.byteAt(Words.startOf(one.code) + a.historyTable() + 3 * i + 1);
            uint256 otherDepth = Words.byteAt(Words.startOf(other.code) + b.historyTable() + 3 * i + 1);
            if (depth & 127 != otherDepth & 127) return false;
        }
        return true;
    }

    // --- change of holder -------------------------------------------------------------------------------------------

    function assign(uint256 slot, address incoming, address payout, uint256 first, bytes[] calldata signatures)
        external
        payable
        nonReentrant
    {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        uint256 next = _demandNext(turn, slot);
        if (first != next) revert OtherMoment(first, next);
        _demandFree(turn, incoming);
        uint256 outgoing = _holderOf(turn, slot, first);
        bytes32 digest = Messages.assignmentDigest(
            _separator(), _termsOf(turn, first).termsHash(), slot, incoming, payout, first, _life.assignments
        );
        if (signatures.length != 3) revert BadPartySignature(address(0));
        _demandSigned(turn.terms.client(), digest, signatures[0]);
        _demandSigned(_signerOf(turn, outgoing), digest, signatures[1]);
        _demandSigned(incoming, digest, signatures[2]);
        uint256 tenure = _beginTenure(turn, slot, incoming, payout, first);
        emit Assigned(slot, tenure, incoming, first);
        _releaseOutgoing(turn, outgoing);
        _end(turn);
    }

    function stepIn(uint256 slot, address payout) external payable nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Active);
        uint256 first = _demandNext(turn, slot);
        if (msg.sender != turn.terms.client()) revert NotClient(msg.sender);
        address backup = turn.terms.backupOf(slot);
        if (backup == address(0) || _lapsed[slot] || !_hasStreak(turn, slot)) revert NoCause();
        uint256 outgoing = _holderOf(turn, slot, first);
        uint256 tenure = _beginTenure(turn, slot, backup, payout, first);
        _lapsed[slot] = true;
        emit SteppedIn(slot, tenure, backup, first);
        _releaseOutgoing(turn, outgoing);
        _end(turn);
    }

    /// @dev The next unstarted period; the slot exists.
    function _demandNext(Turn memory turn, uint256 slot) private view returns (uint256 first) {
        if (slot >= turn.terms.slotCount()) revert NoSuchProvider(slot);
        first = turn.terms.startedAt(block.timestamp) + 1;
        if (first > _lastOf(turn)) revert NoSuchPeriod(first);
    }

    /// @dev Opens the account of a new holder, whose whole bond comes with the act.
    function _beginTenure(Turn memory turn, uint256 slot, address holder, address payout, uint256 first)
        private
        returns (uint256 tenure)
    {
        if (payout == address(0) || payout == address(this)) revert PushRefused(payout, 0);
        uint256 bond = turn.terms.bondOf(slot);
        uint256 arrived = _pull(turn, bond);
        if (arrived < bond) revert ShortOfFunds(arrived, bond);
        tenure = _tenureCount(turn);
        // One bit each marks tenures where several are meant.
        if (tenure > 255) revert TooMuch(tenure);
        uint256 before = _holderOf(turn, slot, turn.terms.periodCount());
        turn.flags |= ASSIGNED;
        turn.others += arrived;
        _tenures[tenure] = Tenure(holder, uint8(slot), uint16(first), uint16(before));
        _latest[slot] = tenure;
        ++_life.tenures;
        ++_life.assignments;
        _books[tenure].payout = payout;
        _books[tenure].bond = uint104(arrived);
        if (arrived != 0) emit BondPosted(tenure, arrived);
    }

    /// @dev Nobody takes over who has another part in the agreement, or had one.
    function _demandFree(Turn memory turn, address incoming) private view {
        Terms terms = _termsAt(turn, _is(turn, AMENDED) ? _life.amendments : 0);
        bool taken = incoming == address(0) || incoming == terms.client() || incoming == terms.arbitrator();
        for (uint256 i = terms.verifierCount(); i != 0 && !taken; --i) {
            taken = terms.verifier(i - 1) == incoming;
        }
        for (uint256 i = terms.slotCount(); i != 0 && !taken; --i) {
            taken = terms.backupOf(i - 1) == incoming && !_lapsed[i - 1];
        }
        for (uint256 i = _tenureCount(turn); i != 0 && !taken; --i) {
            taken = _signerOf(turn, i - 1) == incoming;
        }
        if (taken) revert BadIncoming(incoming);
    }
}
