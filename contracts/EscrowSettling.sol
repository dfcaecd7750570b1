// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {Terms} from "./DeployedTerms.sol";
import {EscrowStakes} from "./EscrowStakes.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Proposal, Proposals} from "./Proposals.sol";
import {Messages} from "./Messages.sol";
import {Words} from "./program/Words.sol";
import {Seen} from "./Seen.sol";

/// @title Funding, activation, reports, defaults, arrears: every case
/// @notice Every act first books what the token balance says; then come checks, effects, event, interaction.
/// `pyoutcome/protocol/periods.py` and `money.py` are the same in Python.
/// @dev Reached from OutcomeEscrow by delegatecall; passes on what it does not know.
contract EscrowSettling is EscrowStakes, Proxy {
    address private immutable _further;

    constructor(address further) {
        _further = further;
    }

    function _implementation() internal view override returns (address) {
        _demandEscrow();
        return _further;
    }

    // --- funding ----------------------------------------------------------------------------------------------------

    function deposit(uint256 amount) external payable nonReentrant returns (uint256 credited) {
        return _deposit(amount);
    }

    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
        returns (uint256 credited)
    {
        // Somebody may have used the permit already; then the allowance is there, and if it is not, drawing fails.
        try IERC20Permit(_open().terms.token()).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        return _deposit(amount);
    }

    function _deposit(uint256 amount) private returns (uint256 credited) {
        Turn memory turn = _begin();
        credited = _pull(turn, amount);
        if (credited == 0) revert NothingToDo();
        turn.funds += credited;
        emit Deposited(msg.sender, credited);
        _end(turn);
    }

    function activate() external nonReentrant {
        Turn memory turn = _begin();
        _demandStage(turn, Stage.Offer);
        if (block.timestamp >= turn.terms.activateBy()) revert TooLate(turn.terms.activateBy());
        if (!_is(turn, ACCEPTED)) revert BadPartySignature(turn.terms.client());
        uint256 slots = turn.terms.slotCount();
        for (uint256 slot = 0; slot < slots; ++slot) {
            uint256 bond = turn.terms.bondOf(slot);
            if (bond != 0 && _books[slot].bond < bond) revert ShortOfFunds(_books[slot].bond, bond);
        }
        if (turn.funds < turn.terms.reserve()) revert ShortOfFunds(turn.funds, turn.terms.reserve());
        turn.stage = ACTIVE;
        _life.activatedAt = uint40(block.timestamp);
        emit Activated(turn.terms.termsHash());
        _end(turn);
    }

    // --- periods ----------------------------------------------------------------------------------------------------

    function report(bytes calldata packed) external nonReentrant {
        Turn memory turn = _begin();
        _report(turn, packed);
        _end(turn);
    }

    function submit() external nonReentrant {
        Turn memory turn = _begin();
        _report(turn, msg.data[4:]);
        _end(turn);
    }

    function _report(Turn memory turn, bytes memory packed) private {
        uint256 period = _periodOf(turn, packed);
        Terms terms = _termsOf(turn, period);
        Values memory values;
        (Proposal p, uint256 at) = _take(turn, terms, period, packed, values);
        bytes memory said = _saidIn(packed, at);
        uint256 window = terms.challengeWindow();
        bool refuses = terms.refuses();
        if (window != 0 && !refuses) return _openWindow(turn, period, p, values, said, window);
        IOutcomeEscrow.Priced memory priced = _askOne(period, values.given);
        if (refuses && priced.programError != 0) revert ProgramFailed(priced.programError);
        if (window != 0) return _openWindow(turn, period, p, values, said, window);
        emit Reported(period, said);
        _finish(turn, terms, period, values, priced, new int256[](0));
    }

    function proposeDefault(uint256 period) external nonReentrant {
        Turn memory turn = _begin();
        _demandUnsettled(turn, period);
        if (!_proposalOf(turn, period).isNone()) revert AlreadyProposed(period);
        Terms terms = _termsOf(turn, period);
        if (terms.isSequential()) _demandOrder(turn, period);
        uint256 due = _dueOf(turn, terms, period);
        if (block.timestamp < due) revert TooEarly(due);

        uint256 until = block.timestamp + terms.defaultWindow();
        bytes32 hash = Messages.hashWords(_allMissing(terms));
        _propose(turn, period, Proposals.made(period, PeriodStage.Defaulted, 1, 0, until, hash));
        emit DefaultProposed(period, until);
        _end(turn);
    }

    function settle(uint256 period, int256[] calldata given) external nonReentrant {
        Turn memory turn = _begin();
        Proposal p = _demandProposed(turn, period);
        Terms terms = _termsOf(turn, period);
        Values memory values;
        _proposed(terms, period, p, Words.fromCall(given), values);
        _finish(turn, terms, period, values, _askOne(period, values.given), new int256[](0));
        _end(turn);
    }

    /// @dev A report instead of a default that somebody challenged: stakes go back, versions are void.
    function replace(bytes calldata packed, IOutcomeEscrow.Version[] calldata versions) external nonReentrant {
        Turn memory turn = _begin();
        if (packed.length < 38) revert BadReport();
        uint256 period = uint16(bytes2(packed[0:2]));
        _demandUnsettled(turn, period);
        Proposal p = _proposalOf(turn, period);
        if (p.stage() == PeriodStage.Defaulted && p.challenges() != 0 && block.timestamp < p.until()) {
            (Seen first,) = _demandVersions(p, period, versions, 0);
            _returnStakes(turn, period, first, versions.length);
            _propose(turn, period, p.challenged(0, 0));
        }
        _report(turn, packed);
        _end(turn);
    }

    // --- money ------------------------------------------------------------------------------------------------------

    function payArrears(uint256 max) external nonReentrant {
        Turn memory turn = _begin();
        if (turn.stage == OFFER) revert WrongStage(Stage(turn.stage));
        if (!_serveQueue(turn, max)) revert NothingToDo();
        _end(turn);
    }

    function sync() external nonReentrant {
        Turn memory turn = _begin();
        uint256 word = turn.funds | (turn.others << 104);
        if (word == turn.stored & (2 ** 208 - 1)) revert NothingToDo();
        _end(turn);
    }
}
