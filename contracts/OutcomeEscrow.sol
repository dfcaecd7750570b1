// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {Terms} from "./DeployedTerms.sol";
import {EscrowMoney} from "./EscrowMoney.sol";
import {EscrowPricing} from "./EscrowPricing.sol";
import {IOutcomeEscrow} from "./interfaces/IOutcomeEscrow.sol";
import {Messages} from "./Messages.sol";
import {ProgramStore} from "./program/ProgramStore.sol";
import {Push} from "./Push.sol";

/// @title The acts of an escrow
/// @notice IOutcomeEscrow says what each means. Every act first books what the token balance says (sync); then come
/// checks, effects, event, interaction.
/// @dev The code that all clones share; the factory deploys it once.
contract OutcomeEscrow is EscrowMoney, EscrowPricing, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;
    using SafeCast for uint256;

    /// @dev In a report: the value is missing.
    int256 private constant MISSING = type(int256).min;

    constructor() {
        // The shared code is no escrow: nothing can be done with it.
        _hot.stage = Stage.Closed;
    }

    // --- offer ------------------------------------------------------------------------------------------------------

    /// @inheritdoc IOutcomeEscrow
    function deposit(uint256 amount) external payable nonReentrant returns (uint256 credited) {
        Terms terms = _readTerms();
        address token = terms.token();
        uint256 needed = token == address(0) ? amount : 0;
        if (msg.value != needed) revert WrongValue(msg.value, needed);
        _sync(terms, msg.value);

        credited = token == address(0) ? amount : _pull(token, amount);
        if (credited == 0) revert NothingToDo();
        _receive(credited);
        emit Deposited(msg.sender, credited);
        // A loss not yet made good takes from the deposit at once.
        _sync(terms, 0);
    }

    /// @dev Takes tokens from the caller; returns what arrived, which a fee may have made less.
    function _pull(address token, uint256 amount) private returns (uint256 arrived) {
        uint256 before = Push.balance(token);
        SafeERC20.safeTransferFrom(IERC20(token), msg.sender, address(this), amount);
        return Math.saturatingSub(Push.balance(token), before);
    }

    /// @inheritdoc IOutcomeEscrow
    function activate(bytes[] calldata signatures) external nonReentrant {
        Terms terms = _readTerms();
        _sync(terms, 0);
        _demandStage(Stage.Offer);
        if (block.timestamp >= terms.activateBy()) revert TooLate(terms.activateBy());
        bytes32 digest = _termsHash(terms);
        _demandPartySignatures(terms, digest, signatures);
        if (_purse.funds < terms.reserve()) revert ShortOfFunds(_purse.funds, terms.reserve());

        _hot.stage = Stage.Active;
        _hot.activatedAt = uint40(block.timestamp);
        _hot.sequential = ProgramStore.isSequential(_store(terms));
        emit Activated(digest);
    }

    /// @dev The client first, then the providers in order, nobody else.
    function _demandPartySignatures(Terms terms, bytes32 digest, bytes[] calldata signatures) private view {
        uint256 parties = 1 + terms.providerCount();
        for (uint256 i = 0; i < parties; ++i) {
            address signer = i == 0 ? terms.client() : terms.providerSigner(i - 1);
            if (i >= signatures.length || !_hasSigned(signer, digest, signatures[i])) revert BadPartySignature(i);
        }
        if (signatures.length > parties) revert BadPartySignature(parties);
    }

    /// @inheritdoc IOutcomeEscrow
    function cancel() external nonReentrant {
        Terms terms = _readTerms();
        _sync(terms, 0);
        _demandStage(Stage.Offer);
        if (block.timestamp < terms.activateBy()) revert TooEarly(terms.activateBy());

        uint128 refund = _purse.funds;
        _hot.stage = Stage.Closed;
        _purse.funds = 0;
        _purse.tracked -= refund;
        emit Cancelled();
        if (refund != 0) Push.send(terms.token(), terms.client(), refund);
    }

    // --- periods ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IOutcomeEscrow
    function report(
        uint32 period,
        int256[] calldata values,
        bytes32 evidenceDigest,
        uint8[] calldata verifierIndexes,
        bytes[] calldata signatures
    ) external nonReentrant {
        Terms terms = _readTerms();
        bool below = _sync(terms, 0);
        _demandUnsettled(terms, period);
        if (block.timestamp < terms.endOf(period)) revert TooEarly(terms.endOf(period));
        _demandTurn(period);
        uint256 until = _proposedUntil(period);
        if (until != 0 && block.timestamp >= until) revert TooLate(until);
        int256[] memory inputs = _checkValues(terms, values);
        bytes32 digest =
            Messages.reportDigest(_separator(), address(this), _termsHash(terms), period, values, evidenceDigest);
        uint256 signers = _demandQuorum(terms, digest, verifierIndexes, signatures);

        emit Reported(period, evidenceDigest, values, signers);
        _settle(terms, period, inputs, below);
    }

    /// @dev Every value in its KPI's range and decimals, or missing where that is allowed; returns what the program gets.
    function _checkValues(Terms terms, int256[] calldata values) private pure returns (int256[] memory inputs) {
        if (values.length != terms.kpiCount()) revert WrongValueCount(values.length, terms.kpiCount());
        inputs = new int256[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            Kpi memory kpi = terms.kpi(i);
            int256 value = values[i];
            bool good = value == MISSING
                ? kpi.mayBeMissing
                : value >= kpi.low && value <= kpi.high && value % int256(10 ** (18 - kpi.decimals)) == 0;
            if (!good) revert BadValue(i, value);
            inputs[i] = value == MISSING ? kpi.ifMissing : value;
        }
    }

    /// @dev At least the quorum of verifiers, by strictly rising index, have signed. Bit i of the result: verifier i.
    function _demandQuorum(Terms terms, bytes32 digest, uint8[] calldata indexes, bytes[] calldata signatures)
        private
        view
        returns (uint256 signers)
    {
        if (indexes.length < terms.quorum()) revert NoQuorum(indexes.length, terms.quorum());
        if (signatures.length != indexes.length) revert NoQuorum(signatures.length, indexes.length);
        uint256 least = 0;
        for (uint256 i = 0; i < indexes.length; ++i) {
            uint256 index = indexes[i];
            if (index < least || index >= terms.verifierCount()) revert BadVerifierOrder(index);
            if (!_hasSigned(terms.verifier(index), digest, signatures[i])) revert BadVerifierSignature(index);
            signers |= 1 << index;
            least = index + 1;
        }
    }

    /// @dev ECDSA with low s in 65 bytes, or EIP-1271 if the signer is a contract; checked once, now.
    function _hasSigned(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        return SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature);
    }

    /// @inheritdoc IOutcomeEscrow
    function proposeDefault(uint32 period) external nonReentrant {
        Terms terms = _readTerms();
        _sync(terms, 0);
        _demandUnsettled(terms, period);
        if (_proposedUntil(period) != 0) revert AlreadyProposed(period);
        _demandTurn(period);
        uint256 due = _dueOf(terms, period);
        if (block.timestamp < due) revert TooEarly(due);

        uint40 settlesAt = uint40(block.timestamp + terms.defaultWindow());
        _hot.defaults = true;
        _settlesAt[period] = settlesAt;
        emit DefaultProposed(period, settlesAt);
    }

    /// @inheritdoc IOutcomeEscrow
    function settle(uint32 period) external nonReentrant {
        Terms terms = _readTerms();
        bool below = _sync(terms, 0);
        _demandUnsettled(terms, period);
        uint256 settlesAt = _proposedUntil(period);
        if (settlesAt == 0) revert NotProposed(period);
        if (block.timestamp < settlesAt) revert TooEarly(settlesAt);

        int256[] memory inputs = new int256[](terms.kpiCount());
        for (uint256 i = 0; i < inputs.length; ++i) {
            inputs[i] = terms.kpi(i).ifMissing;
        }
        _settle(terms, period, inputs, below);
    }

    /// @dev Runs the program on checked values and credits what it gives, once per period.
    function _settle(Terms terms, uint32 period, int256[] memory inputs, bool below) private {
        _settled.set(period);
        ++_hot.settled;
        (uint256 programError, int256[] memory amounts) = _price(terms, period, inputs);
        emit Settled(period, amounts, uint8(programError));
        _credit(terms, period, amounts, below);
    }

    // --- money ------------------------------------------------------------------------------------------------------

    /// @inheritdoc IOutcomeEscrow
    function payArrears(uint256 max) external nonReentrant {
        Terms terms = _readTerms();
        bool below = _sync(terms, 0);
        if (_hot.stage == Stage.Offer) revert WrongStage(Stage.Offer);
        if (!_serveQueue(terms, max, below)) revert NothingToDo();
    }

    /// @inheritdoc IOutcomeEscrow
    function sync() external nonReentrant {
        Terms terms = _readTerms();
        uint256 before = _purse.tracked;
        _sync(terms, 0);
        if (_purse.tracked == before) revert NothingToDo();
    }

    /// @inheritdoc IOutcomeEscrow
    function claim(uint8 provider, address to) external nonReentrant {
        _claim(provider, to, false);
    }

    /// @inheritdoc IOutcomeEscrow
    function claimEarly(uint8 provider, address to) external nonReentrant {
        _claim(provider, to, true);
    }

    function _claim(uint8 provider, address to, bool early) private {
        Terms terms = _readTerms();
        bool below = _sync(terms, 0);
        _demandSigner(terms, provider);
        uint256 amount = _books[provider].claimable;
        if (amount == 0) revert NothingToDo();
        _demandAddress(to, amount);
        uint256 pays = amount;
        if (below) {
            uint256 balance = Push.balance(terms.token());
            if (!early) revert BelowTracked(balance, _purse.tracked);
            pays = Math.mulDiv(amount, balance, _purse.tracked);
        }

        _books[provider].claimable = 0;
        _purse.tracked -= amount.toUint128();
        emit Claimed(provider, to, pays);
        if (pays != amount) emit GivenUp(provider, amount - pays);
        if (pays != 0) Push.send(terms.token(), to, pays);
    }

    /// @inheritdoc IOutcomeEscrow
    function movePayout(uint8 provider, address to) external nonReentrant {
        Terms terms = _readTerms();
        _sync(terms, 0);
        _demandSigner(terms, provider);
        _demandAddress(to, 0);

        _markExceptional(provider);
        _books[provider].payout = to;
        emit PayoutMoved(provider, to);
    }

    function _demandSigner(Terms terms, uint8 provider) private view {
        _demandProvider(terms, provider);
        if (msg.sender != terms.providerSigner(provider)) revert NotProvider(msg.sender);
    }

    /// @dev Money sent to nobody is lost, and money sent to the escrow itself would become client funding.
    function _demandAddress(address to, uint256 amount) private view {
        if (to == address(0) || to == address(this)) revert PushRefused(to, amount);
    }

    /// @inheritdoc IOutcomeEscrow
    function withdraw(uint256 amount) external nonReentrant {
        Terms terms = _readTerms();
        _sync(terms, 0);
        if (_hot.stage == Stage.Offer) revert WrongStage(Stage.Offer);
        if (msg.sender != terms.client()) revert NotClient(msg.sender);
        if (_queue.total != 0) revert ArrearsFirst(_queue.total);
        if (amount == 0) revert NothingToDo();
        uint256 cover = _hot.stage == Stage.Closed ? 0 : _requiredCover(terms) + terms.reserve();
        uint256 spare = Math.saturatingSub(_purse.funds, cover);
        if (amount > spare) revert ShortOfFunds(spare, amount);

        _purse.funds -= amount.toUint128();
        _purse.tracked -= amount.toUint128();
        emit Withdrawn(amount);
        Push.send(terms.token(), terms.client(), amount);
    }

    // --- closing ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IOutcomeEscrow
    function close(uint256 max) external nonReentrant {
        Terms terms = _readTerms();
        bool below = _sync(terms, 0);
        _demandStage(Stage.Active);
        if (_hot.settled != terms.periodCount()) revert TooEarly(0);
        if (block.timestamp < terms.holdbackRelease()) revert TooEarly(terms.holdbackRelease());

        uint256 providers = terms.providerCount();
        for (uint256 i = 0; i < providers; ++i) {
            _collectDebt(i);
        }
        // What the debts brought is funding; a loss not yet borne takes it first.
        below = _sync(terms, 0);
        bool served = _serveQueue(terms, max, below);
        if (_queue.length != 0 && _purse.funds != 0) {
            if (!served) revert NothingToDo();
            return;
        }
        _hot.stage = Stage.Closed;
        for (uint256 i = 0; i < providers; ++i) {
            _release(terms, i, below);
        }
        for (uint256 i = 0; i < providers; ++i) {
            _recordClaim(i);
        }
        _refund(terms, below);
    }

    /// @dev A provider has arrears or debt, never both.
    function _recordClaim(uint256 provider) private {
        if (!_isExceptional(provider)) return;
        int256 owed = int256(uint256(_books[provider].arrears)) - int256(uint256(_books[provider].debt));
        if (owed != 0) emit ClaimRecorded(uint8(provider), owed);
    }

    /// @dev Returns the remaining funding. A client that does not accept it prevents nothing; it can withdraw it later.
    function _refund(Terms terms, bool below) private {
        uint128 refund = below ? 0 : _purse.funds;
        if (refund != 0) {
            _purse.funds -= refund;
            _purse.tracked -= refund;
            if (!Push.push(terms.token(), terms.client(), refund)) {
                _purse.funds += refund;
                _purse.tracked += refund;
                refund = 0;
            }
        }
        emit Closed(refund);
    }
}
