"""What goes out: alerts by webhook and mail, bundles and reports to other keepers. A thread of its own, with limits."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import smtplib
import ssl
from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import PyoutcomeError, StoreError
from pyoutcome.evidence.bundles.storage import open_storage
from pyoutcome.service.configuration import Mail, Setup, Target, Webhook
from pyoutcome.service.logs import say
from pyoutcome.settlement.outgoing import Item, Outgoing
from pyoutcome.settlement.patience import Patience

if TYPE_CHECKING:
    from pyoutcome.service.homes import Homes

WEBHOOK: Final = "webhook"
MAIL: Final = "mail"
LOG: Final = "log"
"""Where alerts go if nothing else is configured: they are in the log anyway."""
FILE: Final = "file"
"""Kind of what goes to another keeper; its channel is the address."""
SIGNATURE: Final = "X-Pyoutcome-Signature"
SECONDS: Final = 10
"""How long one delivery may take to connect, and to be answered."""
AT_ONCE: Final = 20
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
MOST_KNOWN: Final = 50_000
"""Files whose queueing is remembered; beyond that the database is asked again."""


def alert_channels(setup: Setup) -> list[str]:
    """The channels that are configured for alerts."""
    alerts = setup.configuration.alerts
    named = [name for name, given in ((WEBHOOK, alerts.webhook), (MAIL, alerts.mail)) if given is not None]
    return named or [LOG]


def _tls(*, verified: bool) -> ssl.SSLContext:
    """Of a server on this machine nobody can ask for a certificate that others believe."""
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Undelivered(Exception):  # noqa: N818 - not an error of ours: it is kept with the item and tried again
    """Why something did not arrive."""


class Dispatch:
    """Sends what is queued."""

    def __init__(self, setup: Setup, outgoing: Outgoing, patience: Patience) -> None:
        self._setup = setup
        self.outgoing = outgoing
        self._patience = patience
        self._stop = Event()

    def run(self) -> None:
        """Sends until it is stopped."""
        while not self._stop.is_set():
            try:
                idle = not self.flush()
            except StoreError as error:
                say("sending-failed", logging.WARNING, code=error.code, why=error.why)
                idle = True
            if idle:
                self._stop.wait(self._setup.configuration.poll)

    def stop(self) -> None:
        """Ends ``run`` after what is being sent."""
        self._stop.set()

    def flush(self) -> bool:
        """Sends what is due now; whether there was anything. StoreError."""
        items = self.outgoing.claim(AT_ONCE)
        for item in items:
            try:
                self._send(item)
                error = None
            except (Undelivered, PyoutcomeError, OSError, smtplib.SMTPException) as failure:
                error = _reason(failure)
            if item.channel == LOG:
                self.outgoing.note(item, None, self._patience)  # it was told when it was queued
                continue
            over = self.outgoing.note(item, error, self._patience)
            level = logging.INFO if error is None else logging.ERROR if over else logging.WARNING
            event = "sent" if error is None else "given-up" if over else "not-sent"
            channel = "keeper" if item.kind == FILE else item.channel
            say(event, level, what=item.key, channel=channel, attempts=item.attempts + 1, why=error)
        return bool(items)

    def _send(self, item: Item) -> None:
        alerts = self._setup.configuration.alerts
        if item.kind == FILE:
            self._hand_on(item)
        elif item.channel == WEBHOOK and alerts.webhook is not None:
            self._post_alert(alerts.webhook, item)
        elif item.channel == MAIL and alerts.mail is not None:
            self._mail(alerts.mail, item)

    # --- alerts -------------------------------------------------------------------------------------------------------

    def _post_alert(self, hook: Webhook, item: Item) -> None:
        body = json.dumps({**json.loads(item.content), "key": item.key, "at": item.made_at}).encode()
        signed = hmac.new(self._setup.secret(hook.secret).encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", SIGNATURE: f"sha256={signed}"}
        _post(self._setup.secret(hook.url), body, headers)

    def _mail(self, mail: Mail, item: Item) -> None:
        told = json.loads(item.content)
        about = f"{told['agreement']}" + (f", period {told['period']}" if told["period"] else "")
        message = EmailMessage()
        message["From"], message["To"] = mail.sender, ", ".join(mail.to)
        message["Subject"] = f"pyoutcome: {told['kind']}: {about}"
        message["Message-ID"] = f"<{hashlib.sha256(item.key.encode()).hexdigest()[:32]}@pyoutcome>"
        message.set_content(f"{told['text']}\n\nAgreement: {about}\nKind: {told['kind']}\n")
        with smtplib.SMTP(mail.host, mail.port, timeout=SECONDS) as server:
            server.ehlo()
            here = mail.host in LOOPBACK
            encrypted = server.has_extn("starttls")
            if encrypted:
                server.starttls(context=_tls(verified=not here))
                server.ehlo()
            if mail.user is not None and mail.password is not None:
                if not encrypted and not here:
                    raise Undelivered("the mail server offers no encryption, and the password is not sent in the clear")
                server.login(self._setup.secret(mail.user), self._setup.secret(mail.password))
            server.send_message(message)

    # --- exchange -----------------------------------------------------------------------------------------------------

    def _hand_on(self, item: Item) -> None:
        told = json.loads(item.content)
        target = Target.model_validate(told["target"])
        data = Path(told["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != told["sha256"]:
            raise Undelivered("the file has changed since; what it is now goes out by itself")
        if not target.to.startswith(("https://", "http://")):
            inbox = self._setup.place(target.to.replace("{agreement}", item.agreement))
            kind = told["kind"]
            # The name holds the content's digest: what is there under it is the same.
            open_storage(f"{inbox.rstrip('/')}/{kind}" if isinstance(inbox, str) else inbox / kind).put(
                told["name"], data
            )
            return
        address = f"{target.to.rstrip('/')}/agreements/{target.agreement or item.agreement}/{told['kind']}"
        key = "" if target.key is None else self._setup.secret(target.key)
        _post(address, data, {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})


def _post(address: str, body: bytes, headers: dict[str, str]) -> None:
    import requests

    try:
        answer = requests.post(address, data=body, headers=headers, timeout=SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        # Its text may hold the address, and the address an access key.
        raise Undelivered(f"no answer ({type(error).__name__})") from None
    if not 200 <= answer.status_code < 300:
        raise Undelivered(f"refused with HTTP status {answer.status_code}")


def _reason(failure: Exception) -> str:
    if isinstance(failure, PyoutcomeError):
        return failure.why
    if isinstance(failure, OSError) and not isinstance(failure, smtplib.SMTPException):
        return failure.strerror or type(failure).__name__
    return str(failure)


class Exchange:
    """Queues what is made here for those who need it."""

    def __init__(self, outgoing: Outgoing, homes: Homes) -> None:
        self._outgoing = outgoing
        self._homes = homes
        self._known: set[tuple[str, str, int]] = set()

    def offer(self, agreement: str, files: Iterable[tuple[str, Path]]) -> None:
        """Queues files (``evidence`` or ``reports``, and the path) for an agreement's targets, unless they were."""
        targets = self._homes.kept[agreement].duties.exchange
        for kind, path in files if targets else ():
            if not path.exists():
                continue
            seen = (agreement, str(path), path.stat().st_mtime_ns)
            if seen in self._known:
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            for target in targets:
                content = {
                    "kind": kind,
                    "file": str(path.resolve()),
                    "name": f"{path.stem}.{digest[:8]}.json",
                    "sha256": digest,
                    "target": target.model_dump(by_alias=True, exclude_none=True),
                }
                key = f"file {agreement} {path.name} {digest}"
                self._outgoing.put(key, [target.to[:300]], FILE, agreement, None, json.dumps(content))
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known.add(seen)
