"""The log: one JSON object a line, and no secret in it, whatever a message or a library brings along."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.service.logs import HIDDEN, Redactor, logger, say, start_log
from tests.service.deals import ENDS, make_deal, write_keeper
from tests.service.processes import log_of, running, wait_for


def lines(redactor: Redactor, *, as_lines: bool = True) -> tuple[io.StringIO, logging.Handler]:
    stream = io.StringIO()
    return stream, start_log(redactor, stream, lines=as_lines)


def test_a_line_is_one_json_object_with_its_facts() -> None:
    stream, _ = lines(Redactor())
    say("look", agreement="arrivals", period=3, why='Two\nlines, "quoted".', nothing=None)
    [line] = stream.getvalue().splitlines()
    told = json.loads(line)
    assert ("look", "info", "arrivals", 3, 'Two\nlines, "quoted".') == tuple(
        told[name] for name in ("event", "level", "agreement", "period", "why")
    )
    assert "nothing" not in told


@settings(max_examples=50)
@given(
    secret=st.text(min_size=4, max_size=40).filter(lambda text: text.strip() == text),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_a_secret_appears_nowhere(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.hide(secret)
    for as_lines in (True, False):
        stream, _ = lines(redactor, as_lines=as_lines)
        say("x", why=f"{before}{secret}{after}", inside={"list": [secret]})
        logger.error("fault", exc_info=ValueError(secret))
        text = stream.getvalue()
        told = [json.loads(line) for line in text.splitlines()] if as_lines else []
        # A secret that is part of the form itself ("time", "level") is in no value.
        values = [value for line in told for name, value in line.items() if name in ("why", "trace")]
        assert not any(secret in value.replace(HIDDEN, "") for value in values)
    logger.handlers.clear()


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("https://node.example/v3/0123456789abcdef", "https://node.example"),
        ("https://user:sesame@node.example:8545/key?x=1", "https://node.example:8545"),
        ("postgresql://keeper:sesame@db/keeper", "postgresql://db"),
    ],
)
def test_of_an_address_only_scheme_host_and_port_are_left(address: str, left: str) -> None:
    assert f"at {left} it failed" == Redactor().clean(f"at {address} it failed")


def test_a_run_tells_none_of_its_secrets(tmp_path: Path, url: str) -> None:
    """Node's access key, keystore password, HTTP key, webhook's address and key: all are used, and none is told."""
    node = url.replace("://", "://me:access-key-4711@")
    with make_deal(tmp_path / "deal", url, periods=1) as deal:
        written = deal.files.settings.read_text("utf-8").replace(url, "env:NODE")
        deal.files.settings.write_text(written, encoding="utf-8")
        secrets = {
            "NODE": node,
            "HTTP_KEY": "http-key-4712",
            "HOOK": "http://127.0.0.1:9/services/hook-path-4713",
            "HOOK_KEY": "hook-key-4714",
            "MAIL_USER": "mail-user-4715",
            "MAIL_PASSWORD": "mail-password-4716",
            "PYOUTCOME_PASSWORD_P1": "password-4717",
        }
        keys = {"me": {"key": "env:HTTP_KEY", "agreements": ["all"], "may": ["read"]}}
        mail = {"host": "127.0.0.1", "port": 9, "from": "a@example.org", "to": ["b@example.org"]}
        config = write_keeper(
            tmp_path,
            {
                "agreements": {"parcels": {"workspace": "deal", "as": ["P1", "V1", "V2"], "pays": "client"}},
                "poll": "1 second",
                "http": {"port": 0, "keys": keys},
                "alerts": {
                    "webhook": {"url": "env:HOOK", "secret": "env:HOOK_KEY"},
                    "mail": {**mail, "user": "env:MAIL_USER", "password": "env:MAIL_PASSWORD"},
                },
            },
        )
        deal.network.advance_to(ENDS[0])
        with running(config, **secrets):
            wait_for(lambda: sum(line["event"] == "not-sent" for line in log_of(config)) >= 2, "both channels")
        text = (tmp_path / "log.jsonl").read_text("utf-8")
    assert "alert" in text
    for number in range(4711, 4718):
        assert str(number) not in text
