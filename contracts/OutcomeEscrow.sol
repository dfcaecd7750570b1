// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {DeployedTerms, Terms} from "./DeployedTerms.sol";
import {EscrowHolders} from "./EscrowHolders.sol";
import {EscrowPricing} from "./EscrowPricing.sol";
import {EscrowValues} from "./EscrowValues.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {Proposal} from "./Proposals.sol";
import {Push} from "./Push.sol";
import {Words} from "./program/Words.sol";

/// @title What happens to an escrow every period, in the ordinary case
/// @notice IOutcomeEscrow says what each act means. Checks, effects, event, interaction.
/// @dev The code that all clones share, and the one that has the machine. Ordinary is: nobody owes or is owed, no holder
/// changed, no evidence is missing, the balance is what the books say, and the funds suffice. Any other case, and any other
/// act, is for the contract at `_implementation()`, reached by delegatecall with the same call before anything was changed;
/// that one passes on what it does not know. Nobody can change any of them.
contract OutcomeEscrow is EscrowPricing, Proxy {
    uint256 private constant ONE = 1e18;

    /// @notice The factory that created this escrow.
    address public immutable factory;
    address private immutable _settling;
    address private immutable _disputes;
    address private immutable _rulings;
    uint256 private immutable _chainId;
    bytes32 private immutable _domainSeparator;

    constructor(address settling, address disputes, address rulings) {
        factory = msg.sender;
        _settling = settling;
        _disputes = disputes;
        _rulings = rulings;
        _chainId = block.chainid;
        _domainSeparator = Messages.domainSeparator(msg.sender);
    }

    /// @dev Where the rest of the work is done.
    function _implementation() internal view override returns (address) {
        _demandEscrow();
        bytes4 act = msg.sig;
        if (
            act == IOutcomeEscrow.challenge.selector || act == IOutcomeEscrow.dispute.selector
                || act == IOutcomeEscrow.agree.selector
        ) return _disputes;
        if (
            act == IOutcomeEscrow.rule.selector || act == IOutcomeEscrow.choose.selector
                || act == IOutcomeEscrow.fallBack.selector
        ) return _rulings;
        return _settling;
    }

    function _factory() internal view override returns (address) {
        return factory;
    }

    /// @dev Computed again if the chain's id has changed, so that signatures for one branch are worth nothing on the other.
    function _separator() internal view override returns (bytes32) {
        return block.chainid == _chainId ? _domainSeparator : Messages.domainSeparator(factory);
    }

    // --- acts -------------------------------------------------------------------------------------------------------

    function report(bytes calldata packed) external {
        if (!_reportPlainly(packed)) _fallback();
    }

    function submit() external {
        if (!_reportPlainly(msg.data[4:])) _fallback();
    }

    function settle(uint256 period, int256[] calldata values) external {
        if (!_settlePlainly(period, values)) _fallback();
    }

    function deposit(uint256 amount) external payable returns (uint256 credited) {
        credited = _depositPlainly(amount);
        if (credited == 0) _fallback();
    }

    function accept(bytes32 agreementDigest, uint256 nonce, bytes[] calldata signatures) external nonReentrant {
        // No money moves, so the balance is not asked for.
        Turn memory turn = _open();
        _demandStage(turn, Stage.Offer);
        Terms terms = turn.terms;
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

    /// @notice What the program makes of several rows of values for a period as things stand. Values are not checked against
    /// the KPIs.
    function price(uint256 period, int256[][] calldata given)
        external
        view
        returns (IOutcomeEscrow.Priced[] memory all)
    {
        Turn memory turn = _open();
        if (period == 0 || period > turn.terms.periodCount()) revert NoSuchPeriod(period);
        Terms terms = _termsOf(turn, period);
        all = new IOutcomeEscrow.Priced[](given.length);
        for (uint256 i = 0; i < given.length; ++i) {
            if (given[i].length != terms.kpiCount()) revert WrongValueCount(given[i].length, terms.kpiCount());
            Values memory values;
            Past memory past;
            _standInFor(terms, given[i], values);
            _price(turn, terms, period, values, all[i], past);
        }
    }

    // --- the ordinary case ------------------------------------------------------------------------------------------

    /// @dev Whether the books say what the balance says, and nothing is open that every act may end.
    function _isQuiet(Turn memory turn) private view returns (bool) {
        unchecked {
            if (turn.flags & (UNCOVERED | ASSIGNED | OWING | LACKING) != 0 || turn.stage != ACTIVE) return false;
            return Push.balance(turn.terms.token()) == turn.funds + turn.others;
        }
    }

    /// @dev Each returns false, with nothing changed, if the case is not ordinary.
    function _reportPlainly(bytes calldata given) private nonReentrant returns (bool) {
        Turn memory turn = _open();
        if (!_isQuiet(turn)) return false;
        bytes memory packed = given;
        // Room for the amounts behind it.
        Words.reserve(turn.terms.slotCount() + 1);
        uint256 period = _periodOf(turn, packed);
        Terms terms = turn.terms;
        if (_is(turn, AMENDED)) terms = _termsOf(turn, period);
        Values memory values;
        (Proposal p, uint256 at) = _take(turn, terms, period, packed, values);
        uint256 window = terms.challengeWindow();
        if (window != 0) {
            _openWindow(turn, period, p, values, _saidIn(packed, at), window);
            _commit(turn);
            return true;
        }
        if (values.lacking != 0 || !p.isNone()) return false;
        IOutcomeEscrow.Priced memory priced;
        Past memory past;
        _price(turn, terms, period, values, priced, past);
        if (!_isPlain(turn, priced)) return false;
        emit ReportedInFull(_withAmounts(packed, at, priced.amounts));
        _settlePlain(turn, terms, period, values, priced, past);
        return true;
    }

    /// @dev A packed report up to the end of its values at `at`, and its amounts, 14 bytes each, in place of what stood there.
    function _withAmounts(bytes memory packed, uint256 at, int256[] memory amounts)
        private
        pure
        returns (bytes memory)
    {
        unchecked {
            uint256 from = Words.startOf(amounts);
            for (uint256 end = from + 32 * amounts.length; from != end; from += 32) {
                Words.store(at, Words.load(from) << 144);
                at += 14;
            }
            return Words.bytesAt(Words.startOf(packed), at);
        }
    }

    function _settlePlainly(uint256 period, int256[] calldata given) private nonReentrant returns (bool) {
        Turn memory turn = _open();
        if (!_isQuiet(turn)) return false;
        Proposal p = _demandProposed(turn, period);
        Terms terms = turn.terms;
        if (_is(turn, AMENDED)) terms = _termsOf(turn, period);
        Values memory values;
        _proposed(terms, period, p, given, values);
        if (values.lacking != 0) return false;
        IOutcomeEscrow.Priced memory priced;
        Past memory past;
        _price(turn, terms, period, values, priced, past);
        if (!_isPlain(turn, priced)) return false;
        emit SettledInFull(period, priced.amounts);
        _settlePlain(turn, terms, period, values, priced, past);
        return true;
    }

    function _depositPlainly(uint256 amount) private nonReentrant returns (uint256 credited) {
        Turn memory turn = _open();
        bool quiet = turn.stage != CLOSED && !_is(turn, UNCOVERED);
        if (!quiet || _balance(turn, _brought(turn)) != turn.funds + turn.others) return 0;
        credited = _pull(turn, amount);
        if (credited == 0) revert NothingToDo();
        turn.funds += credited;
        emit Deposited(msg.sender, credited);
        _commit(turn);
    }

    /// @dev No error, no negative amount, and the funds suffice: then they are on their way.
    function _isPlain(Turn memory turn, IOutcomeEscrow.Priced memory priced) private pure returns (bool) {
        unchecked {
            if (priced.programError != 0 || turn.terms.has(DeployedTerms.RESTATES)) return false;
            uint256 total = 0;
            uint256 at = Words.startOf(priced.amounts);
            for (uint256 end = at + 32 * priced.amounts.length; at != end; at += 32) {
                uint256 amount = Words.wordAt(at);
                // A negative one is above all of 112 bits, and at most 32 of those are added up.
                if (amount > type(uint112).max) return false;
                total += amount;
            }
            if (total > turn.funds) return false;
            turn.funds -= total;
            turn.others += total;
            return true;
        }
    }

    function _settlePlain(
        Turn memory turn,
        Terms terms,
        uint256 period,
        Values memory values,
        IOutcomeEscrow.Priced memory priced,
        Past memory past
    ) private {
        unchecked {
            _setSettled(turn, period);
            if (terms.isSequential()) _keep(past, values, priced);
            int256[] memory amounts = priced.amounts;
            uint256 rate = turn.terms.holdbackRate();
            for (uint256 i = 0; rate != 0 && i < amounts.length; ++i) {
                uint256 held = uint256(Words.item(amounts, i)) * rate / ONE;
                if (held == 0) continue;
                _books[i].held += uint104(held);
                amounts[i] -= int256(held);
            }
            uint256 paid = 0;
            for (uint256 i = 0; i < amounts.length; ++i) {
                uint256 amount = uint256(Words.item(amounts, i));
                paid |= amount;
                _pay(turn, i, amount, true);
            }
            // Every push writes the slot.
            if (paid == 0) _commit(turn);
        }
    }
}
