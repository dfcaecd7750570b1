"""keeper.yaml: every mistake with its place, no secret in it, paths from where it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome.errors import PyoutcomeError, SettlementError
from pyoutcome.service.configuration import Setup

WHOLE = """
database: postgresql://keeper@db/keeper
inbox: arriving
agreements:
  arrivals:
    workspace: deals/arrivals
    as: [UA, V1]
    pays: UA
    defaults: yes
    exchange:
      - to: ../partner/inbox/arrivals
      - {to: "https://partner.example/keeper", key: env:PARTNER_KEY, agreement: their-name}
workspaces:
  - {folder: many, as: [V1]}
poll: 5 seconds
attempts: 6
http:
  port: 9000
  keys:
    airline: {key: env:AIRLINE_KEY, agreements: [arrivals], may: [evidence, records]}
    operator: {key: file:operator.key, agreements: [all], may: [read]}
alerts:
  webhook: {url: env:HOOK, secret: file:hook.key}
  mail: {host: localhost, port: 25, from: keeper@example.org, to: [ops@example.org]}
  evidence_due: 3 days
"""


def load(folder: Path, text: str) -> Setup:
    path = folder / "keeper.yaml"
    path.write_text(text, encoding="utf-8")
    return Setup.load(path)


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    setup = load(tmp_path, WHOLE)
    given = setup.configuration
    assert (5, 6, 3 * 86_400) == (given.poll, given.attempts, given.alerts.evidence_due)
    assert ("postgresql://keeper@db/keeper", tmp_path / "arriving") == (setup.database, setup.inbox)
    [kept] = setup.agreements()
    assert ("arrivals", tmp_path / "deals" / "arrivals") == (kept.name, kept.folder)
    assert (("UA", "V1"), "UA", True, False) == (
        kept.duties.sign, kept.duties.pays, kept.duties.defaults, kept.duties.close,
    )  # fmt: skip


def test_a_folder_of_workspaces_is_looked_through_anew(tmp_path: Path) -> None:
    setup = load(tmp_path, "workspaces: [{folder: many, as: [V1]}]")
    assert [] == list(setup.agreements())
    for name in ("b", "a", "not-one"):
        (tmp_path / "many" / name).mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "many" / name / "workspace.json").write_text("{}", encoding="utf-8")
    assert ["a", "b"] == [kept.name for kept in setup.agreements()]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("databse: x", "unknown-key", 1),
        ("poll: 5", "not-a-duration", 1),
        ("agreements:\n  one:\n    as: [V1]", "missing-key", 3),
        ("agreements:\n  one: {workspace: w, pays: [UA]}", "wrong-shape", 2),
        ("http:\n  keys:\n    me: {key: sesame, agreements: [all], may: [read]}", "secret-in-file", 3),
        ("http:\n  keys:\n    me: {key: env:KEY, agreements: [all], may: [everything]}", "unknown-word", 3),
        ("alerts:\n  webhook: {url: https://hooks.example/T0/B1, secret: env:S}", "secret-in-file", 2),
        ("alerts:\n  mail: {host: h, from: a, to: [b], user: env:U}", "mail-login-incomplete", 2),
        ("inbox: https://keeper.example/inbox", "inbox-address", 1),
        ("inbox: s3://user:sesame@bucket/inbox", "inbox-address", 1),
        ("inbox: simplecache::s3://bucket/inbox", "inbox-address", 1),
        ("agreements:\n  one:\n    workspace: w\n    exchange: [{to: ftp://partner/inbox}]", "inbox-address", 4),
        ("poll: 1 second\npoll: 2 seconds", "duplicate-key", 2),
        ("a: &x 1\nb: *x", "yaml-feature-refused", 1),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, code: str, line: int) -> None:
    with pytest.raises(PyoutcomeError) as refused:
        load(tmp_path, text)
    assert refused.value.where is not None
    assert (code, line) == (refused.value.code, refused.value.where.line)
    assert "sesame" not in str(refused.value)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = load(tmp_path, WHOLE)
    monkeypatch.setenv("AIRLINE_KEY", "open sesame")
    (tmp_path / "operator.key").write_text("swordfish\n", encoding="utf-8")
    assert "open sesame" == setup.secret("env:AIRLINE_KEY")
    assert "swordfish" == setup.secret("file:operator.key")
    for missing in ("env:NOT_THERE", "file:not-there", "file:."):
        with pytest.raises(SettlementError) as refused:
            setup.secret(missing)
        assert "secret-missing" == refused.value.code


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("s3://bucket/inbox", "s3://bucket/inbox"),
        ("file:///srv/inbox", Path("/srv/inbox")),
        ("/srv/in", Path("/srv/in")),
    ],
)
def test_an_inbox_is_a_folder_or_a_place_in_an_object_store(tmp_path: Path, given: str, place: Path | str) -> None:
    assert place == load(tmp_path, f"inbox: {given}").inbox
