"""What goes out: alerts by webhook and mail, files to other keepers; each once, tried again with limits."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Any

import fsspec  # type: ignore[import-untyped,unused-ignore]
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from pyoutcome.database import open_database
from pyoutcome.service import sending
from pyoutcome.service.alerts import Herald
from pyoutcome.service.configuration import Setup
from pyoutcome.service.sending import SIGNATURE, Dispatch, alert_channels
from pyoutcome.settlement.outgoing import Outgoing
from pyoutcome.settlement.patience import HOUR, Patience
from pyoutcome.settlement.state import KeeperState
from tests.service.deals import write_keeper


class Hook:
    """A web server that keeps what is posted to it, and answers as a test says."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        self.closed = False
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((self.path, dict(self.headers), body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Letters:
    """A mail server that keeps what it is given."""

    def __init__(self, encryption: ssl.SSLContext | None = None) -> None:
        self.got: list[Message] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.answer = "250 Taken"
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self.check,
            auth_required=False,
            auth_require_tls=encryption is not None,
            require_starttls=encryption is not None,
            tls_context=encryption,
        )
        self.controller.start()

    async def handle_DATA(self, _: Any, __: Session, envelope: Envelope) -> str:  # noqa: N802 - as the server calls it
        if self.answer.startswith("250"):
            self.got.append(message_from_bytes(envelope.original_content or b""))
        return self.answer

    def check(self, *given: Any) -> AuthResult:
        login = given[-1]
        assert isinstance(login, LoginPassword)
        self.logins.append((login.login, login.password))
        return AuthResult(success=True)


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    if not made.closed:
        made.close()


@pytest.fixture
def letters() -> Iterator[Letters]:
    made = Letters()
    yield made
    made.controller.stop()


class Sender:
    """A dispatch on a fresh database, by a clock that a test moves."""

    def __init__(self, folder: Path, text: dict[str, object]) -> None:
        self.now = 1_700_000_000_000
        self.setup = Setup.load(write_keeper(folder, text))
        self.engine = open_database(folder / "keeper.sqlite")
        state = KeeperState(self.engine, "me", lambda: self.now)
        self.outgoing = Outgoing(state)
        self.herald = Herald(self.outgoing, alert_channels(self.setup))
        self.dispatch = Dispatch(self.setup, self.outgoing, Patience(3))


@pytest.fixture
def sender(tmp_path: Path, hook: Hook, letters: Letters, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    monkeypatch.setenv("HOOK", f"{hook.url}/services/T0/secret-path")
    monkeypatch.setenv("HOOK_KEY", "hook key")
    monkeypatch.setenv("MAIL_USER", "keeper")
    monkeypatch.setenv("MAIL_PASSWORD", "mail password")
    mail = {"host": "127.0.0.1", "port": letters.port, "from": "keeper@example.org", "to": ["ops@example.org"]}
    login = {"user": "env:MAIL_USER", "password": "env:MAIL_PASSWORD"}
    made = Sender(
        tmp_path, {"alerts": {"webhook": {"url": "env:HOOK", "secret": "env:HOOK_KEY"}, "mail": mail | login}}
    )
    yield made
    made.engine.dispose()


def test_an_alert_goes_out_by_webhook_signed_and_by_mail_once(sender: Sender, hook: Hook, letters: Letters) -> None:
    for _ in range(2):
        sender.herald.tell("dispute-opened", "arrivals", 3, "The arbitrator has to decide.")
        while sender.dispatch.flush():
            pass
    [(path, headers, body)] = hook.got
    assert "/services/T0/secret-path" == path
    assert f"sha256={hmac.new(b'hook key', body, hashlib.sha256).hexdigest()}" == headers[SIGNATURE]
    told = json.loads(body)
    assert ("dispute-opened", "arrivals", 3) == (told["kind"], told["agreement"], told["period"])
    [letter] = letters.got
    assert ("ops@example.org", "pyoutcome: dispute-opened: arrivals, period 3") == (letter["To"], letter["Subject"])
    assert "The arbitrator has to decide." in str(letter.get_payload())
    assert [(b"keeper", b"mail password")] == letters.logins


def test_what_is_refused_is_tried_again_and_given_up_after_the_last_try(
    sender: Sender, hook: Hook, letters: Letters
) -> None:
    hook.status, letters.answer = 500, "451 Later"
    sender.herald.tell("settled", "arrivals", 1, "Period 1 is settled.")
    for tries in (1, 2, 3):
        sender.dispatch.flush()
        assert tries == len(hook.got)
        assert not sender.dispatch.flush()
        sender.now += HOUR
    assert not sender.dispatch.flush()
    given_up = {channel: why for _, channel, why in sender.outgoing.given_up()}
    assert {"webhook", "mail"} == set(given_up)
    assert "refused with HTTP status 500" == given_up["webhook"]
    assert "451" in given_up["mail"]


def test_a_channel_that_is_down_keeps_nothing_from_the_other(sender: Sender, hook: Hook, letters: Letters) -> None:
    hook.close()
    hook.closed = True
    sender.herald.tell("settled", "arrivals", 1, "Period 1 is settled.")
    sender.dispatch.flush()
    assert 1 == len(letters.got)
    assert 1 == sender.outgoing.waiting()


def test_a_password_is_not_sent_in_the_clear_to_another_machine(
    sender: Sender, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LOOPBACK", ())
    sender.herald.tell("settled", "arrivals", 1, "Period 1 is settled.")
    sender.dispatch.flush()
    assert ([], []) == (letters.logins, letters.got)
    assert 1 == sender.outgoing.waiting()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_mail_is_encrypted_where_the_server_offers_it_and_another_machine_s_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    monkeypatch.setenv("MAIL_USER", "keeper")
    monkeypatch.setenv("MAIL_PASSWORD", "mail password")
    encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encryption.load_cert_chain(Path(__file__).with_name("mail-server.pem"))
    letters = Letters(encryption)
    try:
        mail = {"host": "127.0.0.1", "port": letters.port, "from": "keeper@example.org", "to": ["ops@example.org"]}
        login = {"user": "env:MAIL_USER", "password": "env:MAIL_PASSWORD"}
        sender = Sender(tmp_path, {"alerts": {"mail": mail | login}})
        if elsewhere:
            monkeypatch.setattr(sending, "LOOPBACK", ())
        sender.herald.tell("settled", "arrivals", 1, "Period 1 is settled.")
        sender.dispatch.flush()
        assert (0 if elsewhere else 1) == len(letters.got) == len(letters.logins)
        assert (1 if elsewhere else 0) == sender.outgoing.waiting()
        sender.engine.dispose()
    finally:
        letters.controller.stop()


def test_a_name_that_looks_like_a_header_stays_in_its_line(sender: Sender, letters: Letters) -> None:
    sender.herald.tell("refused", "arrivals", None, "x\n\nBcc: all@example.org\n.\nDATA")
    sender.dispatch.flush()
    [letter] = letters.got
    assert letter["Bcc"] is None


def test_files_go_to_inboxes_in_folders_and_object_stores_whole_and_once(tmp_path: Path) -> None:
    sender = Sender(tmp_path, {})
    made = tmp_path / "period-01.P1.json"
    made.write_bytes(b"a bundle")
    store = fsspec.filesystem("memory")
    places = {
        "inbox/{agreement}": (fsspec.filesystem("file"), str(tmp_path / "inbox" / "arrivals")),
        f"file://{tmp_path}/theirs": (fsspec.filesystem("file"), f"{tmp_path}/theirs"),
        "memory://partner/inbox/{agreement}/": (store, "/partner/inbox/arrivals"),
    }
    content = {"kind": "evidence", "file": str(made), "name": "one.12345678.json"}
    content["sha256"] = hashlib.sha256(b"a bundle").hexdigest()
    for again in range(2):
        for to in places:
            told = json.dumps({**content, "target": {"to": to}})
            sender.outgoing.put(f"file {again}", [to], "file", "arrivals", None, told)
        while sender.dispatch.flush():
            pass
    for system, root in places.values():
        assert b"a bundle" == system.cat_file(f"{root}/evidence/one.12345678.json")
        assert 1 == len(system.find(root))
    assert 0 == sender.outgoing.waiting()
    store.rm("/partner", recursive=True)
    sender.engine.dispose()


def test_a_store_that_refuses_a_file_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender(tmp_path, {})
    made = tmp_path / "a.json"
    made.write_bytes(b"a bundle")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("the secret of the address")

    target = {"to": "memory://partner/inbox"}
    content = {"kind": "reports", "file": str(made), "name": "a.json", "target": target}
    content["sha256"] = hashlib.sha256(b"a bundle").hexdigest()
    sender.outgoing.put("file", ["there"], "file", "arrivals", None, json.dumps(content))
    with monkeypatch.context() as broken:
        broken.setattr(fsspec.get_filesystem_class("memory"), "pipe_file", refuse)
        for _ in range(3):
            sender.dispatch.flush()
            sender.now += HOUR
    [(_, _, why)] = sender.outgoing.given_up()
    assert "memory://partner/inbox/reports/a.json cannot be written: PermissionError." == why
    sender.outgoing.retry()
    sender.dispatch.flush()
    assert ([], 0) == (sender.outgoing.given_up(), sender.outgoing.waiting())
    fsspec.filesystem("memory").rm("/partner", recursive=True)
    sender.engine.dispose()
