// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IAgenticCommerce} from "./IAgenticCommerce.sol";
import {Messages} from "../Messages.sol";
import {Format, Header, ProgramFault} from "../program/ProgramFormat.sol";
import {ProgramMachine} from "../program/ProgramMachine.sol";
import {ProgramState} from "../program/ProgramState.sol";
import {ProgramStore} from "../program/ProgramStore.sol";
import {ProgramVerifier} from "../program/ProgramVerifier.sol";

/// @title A verified report as the evaluator of ERC-8183 jobs
/// @notice Name this contract as a job's evaluator. Its verifiers measure what was delivered and sign KPI values; anyone
/// submits them; the program that was fixed with this contract decides: the job is completed if its only payee's amount is
/// above zero, and rejected otherwise. The evidence digest is the job's attestation reason.
/// @dev One contract holds one rule, with its verifiers, and serves any number of jobs on any job contract; its address is
/// what client and provider agree on. It holds no money and nobody owns it. Silence leaves the job to its own expiry.
/// The standard has no way to read what a provider submitted: verifiers sign after the submission, over what it names.
contract JobEvaluator is EIP712 {
    bytes32 private constant REPORT_TYPE =
        keccak256("JobReport(address jobs,uint256 jobId,bytes32 deliverable,int256[] values,bytes32 evidenceDigest)");
    uint256 private constant MOST_VERIFIERS = 32;

    struct Kpi {
        /// @dev A value is a multiple of 10**(18 - decimals).
        uint8 decimals;
        int256 low;
        int256 high;
    }

    struct Rules {
        bytes program;
        int256[] parameters;
        Kpi[] kpis;
        address[] verifiers;
        uint256 quorum;
    }

    struct Report {
        IAgenticCommerce jobs;
        uint256 jobId;
        /// @dev What the provider submitted and the verifiers measured.
        bytes32 deliverable;
        /// @dev One per KPI, 18 decimals.
        int256[] values;
        bytes32 evidenceDigest;
    }

    /// @notice The program, as code behind one byte.
    address public immutable store;
    uint256 public immutable quorum;
    int256[] private _parameters;
    Kpi[] private _kpis;
    address[] private _verifiers;
    /// @dev Stays empty: the program reads no earlier job.
    ProgramState.Carried private _carried;

    /// @notice A report decided a job. `amount` is what the program gave, 18 decimals.
    event Evaluated(
        IAgenticCommerce indexed jobs, uint256 indexed jobId, bytes32 deliverable, int256[] values, int256 amount
    );

    /// @dev The program is refused at a byte, reads earlier periods, or does not fit the rules.
    error BadProgram(ProgramFault fault, uint256 offset);
    error BadRules();
    error WrongValueCount(uint256 given, uint256 needed);
    error BadValue(uint256 kpi, int256 value);
    error BadVerifierOrder(uint256 index);
    error BadVerifierSignature(uint256 index);
    error NoQuorum(uint256 given, uint256 needed);
    error ProgramFailed(uint256 programError);

    constructor(Rules memory given) EIP712(Messages.NAME, Messages.VERSION) {
        (ProgramFault fault, uint256 offset, Format.Past memory past) = ProgramVerifier.verify(given.program);
        if (fault != ProgramFault.None) revert BadProgram(fault, offset);
        _demandFitting(given, past.sequential);
        quorum = given.quorum;
        _parameters = given.parameters;
        _verifiers = given.verifiers;
        for (uint256 i = 0; i < given.kpis.length; ++i) {
            _kpis.push(given.kpis[i]);
        }
        store = Create2.deploy(0, 0, ProgramStore.creationCode(given.program, past));
    }

    function _demandFitting(Rules memory given, bool sequential) private pure {
        Header header = Format.readHeader(given.program);
        bool fits = !sequential && header.payees() == 1 && header.kpis() == given.kpis.length
            && header.parameters() == given.parameters.length;
        uint256 count = given.verifiers.length;
        fits = fits && count <= MOST_VERIFIERS && given.quorum != 0 && given.quorum <= count;
        for (uint256 i = 0; i < count; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                fits = fits && given.verifiers[i] != given.verifiers[j];
            }
            fits = fits && given.verifiers[i] != address(0);
        }
        for (uint256 i = 0; i < given.kpis.length; ++i) {
            fits = fits && given.kpis[i].decimals <= 18 && given.kpis[i].low <= given.kpis[i].high;
        }
        if (!fits) revert BadRules();
    }

    /// @notice Decides a job by a report. `indexes` are those of the verifiers that signed, rising. Anyone may.
    function evaluate(Report calldata report, uint256[] calldata indexes, bytes[] calldata signatures) external {
        _demandValues(report.values);
        _demandQuorum(digest(report), indexes, signatures);
        int256 amount = amountOf(report.values);
        emit Evaluated(report.jobs, report.jobId, report.deliverable, report.values, amount);
        if (amount > 0) report.jobs.complete(report.jobId, report.evidenceDigest, "");
        else report.jobs.reject(report.jobId, report.evidenceDigest, "");
    }

    /// @notice What the program gives for values, 18 decimals; above zero completes a job.
    function amountOf(int256[] memory values) public view returns (int256) {
        bytes memory program = ProgramStore.read(store, false);
        (uint256 programError, int256[] memory locals) =
            ProgramMachine.run(program, values, _parameters, 1, _carried, 0, new int256[](0));
        if (programError != 0) revert ProgramFailed(programError);
        return ProgramMachine.payeeAmounts(program, locals)[0];
    }

    /// @notice What each verifier signs.
    function digest(Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    REPORT_TYPE,
                    report.jobs,
                    report.jobId,
                    report.deliverable,
                    keccak256(abi.encodePacked(report.values)),
                    report.evidenceDigest
                )
            )
        );
    }

    /// @notice The rule, as it was given.
    function rules() external view returns (Rules memory) {
        return Rules(ProgramStore.read(store, false), _parameters, _kpis, _verifiers, quorum);
    }

    function _demandValues(int256[] calldata values) private view {
        if (values.length != _kpis.length) revert WrongValueCount(values.length, _kpis.length);
        for (uint256 i = 0; i < values.length; ++i) {
            Kpi memory kpi = _kpis[i];
            int256 unit = int256(10 ** (18 - kpi.decimals));
            if (values[i] < kpi.low || values[i] > kpi.high || values[i] % unit != 0) revert BadValue(i, values[i]);
        }
    }

    function _demandQuorum(bytes32 digest_, uint256[] calldata indexes, bytes[] calldata signatures) private view {
        if (indexes.length < quorum || signatures.length != indexes.length) revert NoQuorum(indexes.length, quorum);
        for (uint256 i = 0; i < indexes.length; ++i) {
            uint256 index = indexes[i];
            if (index >= _verifiers.length || (i != 0 && index <= indexes[i - 1])) revert BadVerifierOrder(index);
            if (!SignatureChecker.isValidSignatureNow(_verifiers[index], digest_, signatures[i])) {
                revert BadVerifierSignature(index);
            }
        }
    }
}
