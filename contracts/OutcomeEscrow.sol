// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {Terms} from "./DeployedTerms.sol";
import {EscrowHolders} from "./EscrowHolders.sol";
import {EscrowPricing} from "./EscrowPricing.sol";
import {EscrowValues} from "./EscrowValues.sol";
import {Turn} from "./EscrowState.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {Proposal} from "./Proposals.sol";
import {Push} from "./Push.sol";
import {PricedRows} from "./program/PricedRows.sol";
import {Words} from "./program/Words.sol";

/// @title What happens to an escrow every period, in the ordinary case
/// @notice IOutcomeEscrow says what each act means. Checks, effects, event, interaction.
/// @dev The code that all clones share, and the one that has the machine. Ordinary is: nobody owes or is owed, no holder
/// changed, no evidence is missing, the balance is what the books say, and the funds suffice. Any other case, and any other
/// act, is for the contract at `_implementation()`, reached by delegatecall with the same call before anything was changed;
/// that one passes on what it does not know. Nobody can change any of them.
contract OutcomeEscrow is EscrowPricing, Proxy {
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
        all = PricedRows.reserve(given.length);
        Values memory values;
        Past memory past;
        for (uint256 i = 0; i < given.length; ++i) {
            int256[] memory row = Words.fromCall(given[i]);
            if (row.length != terms.kpiCount()) revert WrongValueCount(row.length, terms.kpiCount());
            _standInFor(terms, row, values);
            _price(turn, terms, period, values, all[i], past);
        }
        PricedRows.giveBack(all);
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
            if (terms.refuses()) return false;
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
        _proposed(terms, period, p, Words.fromCall(given), values);
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
        credited = _pullAtOnce(turn, amount);
        if (credited == 0) revert NothingToDo();
        turn.funds += credited;
        emit Deposited(msg.sender, credited);
        _commit(turn);
    }
}
