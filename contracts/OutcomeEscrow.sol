// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {Terms} from "./DeployedTerms.sol";
import {EscrowHolders} from "./EscrowHolders.sol";
import {EscrowPeriods} from "./EscrowPeriods.sol";
import {EscrowPricing} from "./EscrowPricing.sol";
import {Turn} from "./EscrowState.sol";
import {Messages} from "./Messages.sol";

/// @title The acts of an escrow that happen every period
/// @notice IOutcomeEscrow says what each means. Every act first books what the token balance says; then come checks, effects,
/// event, interaction.
/// @dev The code that all clones share. What happens seldom is in the contract at `_implementation()`, which a call of any
/// other function reaches by delegatecall; that one passes on what it does not know either. Nobody can change it.
contract OutcomeEscrow is EscrowPeriods, Proxy {
    /// @notice The factory that created this escrow.
    address public immutable factory;
    address private immutable _further;
    uint256 private immutable _chainId;
    bytes32 private immutable _domainSeparator;

    constructor(address further) {
        factory = msg.sender;
        _further = further;
        _chainId = block.chainid;
        _domainSeparator = Messages.domainSeparator(msg.sender);
    }

    function _implementation() internal view override returns (address) {
        return _further;
    }

    function _factory() internal view override returns (address) {
        return factory;
    }

    /// @dev Computed again if the chain's id has changed, so that signatures for one branch are worth nothing on the other.
    function _separator() internal view override returns (bytes32) {
        return block.chainid == _chainId ? _domainSeparator : Messages.domainSeparator(factory);
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

    function accept(bytes32 agreementDigest, uint256 nonce, bytes[] calldata signatures) external nonReentrant {
        // No money moves, so the balance is not asked for.
        Turn memory turn = _open();
        _demandStage(turn, Stage.Offer);
        Terms memory terms = turn.terms;
        if (block.timestamp >= terms.activateBy()) revert TooLate(terms.activateBy());
        if (_is(turn, ACCEPTED)) revert NothingToDo();
        // The arguments' hash is computed from what stands in the code, never taken as input.
        bytes32 digest =
            Messages.termsDigest(_separator(), agreementDigest, terms.programHash(), terms.argsHash(), nonce);
        if (digest != terms.termsHash()) revert OtherTerms(digest);
        uint256 slots = terms.slotCount();
        uint256 used = _demandParties(turn, digest, (1 << slots) - 1, signatures);
        for (uint256 slot = 0; slot < slots; ++slot) {
            address backup = terms.backupOf(slot);
            if (backup == address(0)) continue;
            if (used >= signatures.length) revert BadPartySignature(backup);
            _demandSigned(backup, digest, signatures[used++]);
        }
        _demandNoMore(used, signatures);
        turn.flags |= ACCEPTED;
        emit Accepted(digest);
        _commit(turn);
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
        turn.stage = Stage.Active;
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

    function proposeDefault(uint256 period) external nonReentrant {
        Turn memory turn = _begin();
        _demandUnsettled(turn, period);
        Proposal memory p = _proposalOf(turn, period);
        if (p.stage != PeriodStage.None) revert AlreadyProposed(period);
        Terms memory terms = _termsOf(turn, period);
        if (terms.isSequential()) _demandOrder(turn, period);
        uint256 due = _dueOf(turn, terms, period);
        if (block.timestamp < due) revert TooEarly(due);

        (p.stage, p.proposals, p.until) = (PeriodStage.Defaulted, 1, block.timestamp + terms.defaultWindow());
        p.hash = uint256(Messages.hashWords(_allMissing(terms)));
        _propose(turn, period, p);
        emit DefaultProposed(period, p.until);
        _end(turn);
    }

    function settle(uint256 period, int256[] calldata values) external nonReentrant {
        Turn memory turn = _begin();
        _demandUnsettled(turn, period);
        Proposal memory p = _proposalOf(turn, period);
        if (p.stage != PeriodStage.Reported && p.stage != PeriodStage.Defaulted) revert NotProposed(period);
        if (block.timestamp < p.until) revert TooEarly(p.until);
        Terms memory terms = _termsOf(turn, period);
        int256[] memory given = p.stage == PeriodStage.Defaulted ? _allMissing(terms) : values;
        if (p.challenges != 0 || !_isHash(p, Messages.hashWords(given))) revert OtherVersions(period);
        Values memory proposed = _standInFor(terms, given);
        _finish(turn, terms, period, proposed, _price(turn, terms, period, proposed), new int256[](0));
        _end(turn);
    }

    // --- money ------------------------------------------------------------------------------------------------------

    function payArrears(uint256 max) external nonReentrant {
        Turn memory turn = _begin();
        if (turn.stage == Stage.Offer) revert WrongStage(turn.stage);
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
