"""Inspecting: an escrow read from the chain alone, and no contract that only looks like one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.contract import contract
from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.factory import deploy_factory
from pyoutcome.chain.network import Network
from pyoutcome.chain.sender import Sender
from pyoutcome.cli.app import app
from pyoutcome.decimals import ONE
from pyoutcome.errors import PyoutcomeError
from pyoutcome.formula import encode, parse
from pyoutcome.terms import Agreement
from pyoutcome.workspace import Workspace, inspect_escrow
from pyoutcome.workspace.addresses import read_address
from tests.anvil import running_anvil
from tests.chain.echo import CREATION
from tests.workspace.conftest import AGREEMENT, AIRLINES

NOBODY = "0x" + "11" * 20


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(PyoutcomeError) as caught:
        yield
    assert code == caught.value.code


def escrow_of(workspace: Workspace) -> str:
    return workspace.desk.escrow.address


def test_an_escrow_tells_everything_without_a_file(active: Workspace) -> None:
    found = inspect_escrow(active.network, escrow_of(active))

    assert active.agreement.program().data == found.program == encode(found.rule).data
    assert active.desk.deal == found.deal
    assert ("active", "", None, ()) == (found.stage, found.unproven, found.agreement, found.differences)
    assert [f"kpi{at}" for at in range(1, 10)] == [kpi.full_name for kpi in found.rule.kpis]
    assert [(kpi.low, kpi.high, kpi.decimals) for kpi in active.agreement.kpis] == [
        (kpi.low, kpi.high, kpi.decimals) for kpi in found.rule.kpis
    ]
    assert (("term1", 250_000 * ONE),) == found.rule.parameters
    assert dict(found.formulas)["amount of provider1"] == "min(max(line1 + line4 - line7 + line10, 180000), 520000)"
    assert all(parse(text) for _, text in found.formulas)
    assert "line1 is term1, owed to provider1." in found.words
    assert found.bounds is not None
    assert [(180_000_000_000, 520_000_000_000)] * 3 == [(each.least, each.most) for each in found.bounds]


def test_with_its_agreement_it_has_the_names_and_is_compared(active: Workspace) -> None:
    found = inspect_escrow(active.network, escrow_of(active), active.desk.settings.factory, active.agreement)
    assert active.agreement.rule() == found.rule
    assert (active.agreement.id, ()) == (found.agreement, found.differences)
    assert AIRLINES == tuple(payee.name for payee in found.rule.payees)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("monthly_fee: 250000", "monthly_fee: 250001", ["another digest", "parameters"]),
        ("otherwise: 15%", "otherwise: 16%", ["another digest", "program is not"]),
        ("title: Fixed fee", "title: Fee", ["another digest"]),
        ("evidence_within: 10 days", "evidence_within: 11 days", ["another digest", "evidence window"]),
        ("quorum: 2", "quorum: 3", ["another digest", "quorum"]),
        ("    V3: {name: Third verifier}\n", "", ["another digest", "another number"]),
    ],
)
def test_every_difference_to_an_agreement_is_told(active: Workspace, before: str, after: str, told: list[str]) -> None:
    text = AGREEMENT.read_text(encoding="utf-8")
    assert 1 == text.count(before)
    other = Agreement.parse(text.replace(before, after))
    found = inspect_escrow(active.network, escrow_of(active), agreement=other)
    assert len(told) == len(found.differences)
    assert all(word in said for word, said in zip(told, found.differences, strict=True))
    assert ("fee.UA" in dict(found.formulas)) == (other.program().hash == found.deal.program_hash)


def test_no_contract_another_contract_and_a_rubbish_contract_are_told_apart(active: Workspace) -> None:
    network, signer = active.network, active.network.test_accounts()[0]
    echo = Sender(network).send(Call(signer.address, None, CREATION), signer).created
    assert echo is not None
    with refused("no-contract"):
        inspect_escrow(network, NOBODY)
    with refused("not-our-contract"):
        inspect_escrow(network, echo)
    with pytest.raises(PyoutcomeError, match=r"call-refused|not-our-contract"):
        inspect_escrow(network, active.desk.settings.token)
    with pytest.raises(PyoutcomeError, match=r"call-refused|not-our-contract|foreign-code"):
        inspect_escrow(network, active.desk.settings.factory)


@pytest.mark.parametrize("text", ["", "deal", "0x12", NOBODY[2:], NOBODY + "1", "0x" + "zz" * 20, "0x" + "aB" * 20])
def test_an_address_is_checked_before_anything_is_asked(text: str) -> None:
    with refused("bad-address"):
        read_address(text)


def test_an_address_without_capitals_has_no_checksum_to_be_wrong(active: Workspace) -> None:
    assert escrow_of(active) == read_address(escrow_of(active).lower())


def test_it_must_come_from_the_factory_that_was_named(active: Workspace) -> None:
    other = deploy_factory(active.network, active.network.test_accounts()[0])
    with refused("foreign-code"):
        inspect_escrow(active.network, escrow_of(active), other.address)


class Impostor:
    """A network in front of the real one on which one contract answers one question otherwise."""

    def __init__(self, real: Network, address: str, function: str, answer: Callable[[bytes], bytes]) -> None:
        self._real, self._address, self._answer = real, address, answer
        self._selector = contract(EscrowClient.artifact, *EscrowClient.parts).functions[function].selector

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def call(self, call: Call, block: int | None = None) -> bytes:
        told = self._real.call(call, block)
        meant = call.to == self._address and call.data[:4] == self._selector
        return self._answer(told) if meant else told


class OtherCode:
    """A network in front of the real one on which one contract has other code."""

    def __init__(self, real: Network, address: str) -> None:
        self._real, self._address = real, address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def code(self, address: str) -> bytes:
        return self._real.code(address) + (b"\0" if address == self._address else b"")


def test_code_that_only_answers_alike_is_refused(active_again: Workspace) -> None:
    deal = active_again.desk.settings
    for address in (escrow_of(active_again), deal.factory, active_again.desk.factory.implementation):
        network: Any = OtherCode(active_again.network, address)
        with refused("foreign-code"):
            inspect_escrow(network, escrow_of(active_again))


def flipped(at: int) -> Callable[[bytes], bytes]:
    """The answer with one bit of a byte changed; ``at`` counts from the end if negative."""

    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[at] ^= 1
        return bytes(changed)

    return change


ANSWERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    (function, answer)
    for function in ("arguments", "programHash", "program", "termsHash", "factory")
    for answer in (lambda _: b"", lambda _: b"\xff" * 64, lambda data: data[:-1], flipped(31), flipped(-1))
]


@pytest.mark.parametrize("place", range(len(ANSWERS)), ids=lambda at: f"{ANSWERS[at][0]}-{at % 5}")
def test_no_false_answer_is_believed(active_again: Workspace, place: int) -> None:
    address = escrow_of(active_again)
    network: Any = Impostor(active_again.network, address, *ANSWERS[place])
    with pytest.raises(PyoutcomeError) as caught:
        inspect_escrow(network, address)
    assert caught.value.code in {"not-our-contract", "foreign-code"}


def test_every_word_of_the_terms_is_verified(active_again: Workspace) -> None:
    """Whichever word of the arguments is answered otherwise, the escrow's own code gives it away."""
    address = escrow_of(active_again)
    whole = inspect_escrow(active_again.network, address)
    for at in range(0, len(whole.arguments.pack()), 16):
        # Behind the two words that say where the bytes begin and how many they are.
        network: Any = Impostor(active_again.network, address, "arguments", flipped(64 + at))
        with pytest.raises(PyoutcomeError) as caught:
            inspect_escrow(network, address)
        assert caught.value.code in {"not-our-contract", "foreign-code"}


@pytest.fixture(scope="module")
def active_again(active_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One workspace for all tests that only read."""
    import shutil

    folder = tmp_path_factory.mktemp("reading") / "deal"
    shutil.copytree(active_template, folder)
    with Workspace.open(folder) as workspace:
        yield workspace


def ask(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["inspect", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_command_reads_an_embedded_escrow(active: Workspace, tmp_path: Path) -> None:
    address, folder = escrow_of(active), str(active.files.folder)
    active.close()

    status, out = ask(address, "-w", folder, "--json")
    document = json.loads(out)
    assert 0 == status
    assert "min(max(line1 + line4 - line7 + line10, 180000), 520000)" == document["formulas"]["amount of provider1"]
    assert {"name": "kpi4", "decimals": "4", "low": "0", "high": "1", "if_missing": "1", "may_be_missing": True} == (
        document["kpis"][3]
    )
    assert "0x" + active.agreement.program().hash.hex() == document["program_hash"]

    status, out = ask(address, "-w", folder, "--agreement", str(AGREEMENT))
    assert 0 == status
    for said in ("code verified", "5% of every credit", "a whole number from 0 to 10,000", "520,000.00", "volume.EV"):
        assert said in out
    assert "the escrow is what punctual-arrivals says" in out

    other = tmp_path / "other.yaml"
    other.write_text(AGREEMENT.read_text(encoding="utf-8").replace("15%", "16%"), encoding="utf-8")
    status, out = ask(address, "-w", folder, "--agreement", str(other))
    assert 1 == status
    assert "The program is not the one that the agreement file means." in out


def test_the_command_needs_an_address_and_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, code in (
        ((NOBODY,), "network-needed"),
        (("deal", "--network", "http://127.0.0.1:9"), "bad-address"),
    ):
        assert code in ask(*arguments)[1]


def test_the_command_reads_a_node_without_any_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_anvil() as url:
        with Workspace.create(tmp_path / "deal", AGREEMENT, network=url) as workspace:
            for party in ("client", *AIRLINES):
                workspace.sign(party)
            workspace.deploy()
            address = escrow_of(workspace)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("NODE", url)
        status, out = ask(address, "--network", "env:NODE", "--json")
        assert (0, "offer") == (status, json.loads(out)["stage"])
        assert "no-contract" in ask(NOBODY, "--network", url)[1]
