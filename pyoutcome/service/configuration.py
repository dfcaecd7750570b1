"""The keeper's configuration file, ``keeper.yaml``: read as strictly as an agreement, every problem with its line.

No secret stands in it: keys, passwords and addresses that contain one are named as ``env:NAME`` or ``file:PATH``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from pyoutcome.errors import SettlementError
from pyoutcome.evidence.sources.remote import without_secrets
from pyoutcome.service.letterbox import STORES, is_object_store
from pyoutcome.terms.loader import read_file
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import raise_problems, refusing, translate
from pyoutcome.terms.scalars import Duration, Line, Slug, Whole, YesNo
from pyoutcome.workspace.files import MARK

DAY: Final = 86_400
LOCAL: Final = "file://"
"""Begins the address of a folder."""
MOST_SECRET: Final = 4096
"""Characters a secret may have."""


@refusing
def _secret(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("env:", "file:")) or value in ("env:", "file:"):
        raise SettlementError(
            "secret-in-file",
            "A secret does not belong into the configuration.",
            "Write env:NAME for an environment variable, or file:PATH for a file that only the keeper may read.",
        )
    return value


SecretName = Annotated[str, BeforeValidator(_secret)]
"""Where a secret lies: ``env:NAME`` or ``file:PATH``."""
Kind = Literal["evidence", "reports", "records"]
"""What may arrive."""


@refusing
def _inbox(value: object) -> str:
    if not isinstance(value, str) or "://" not in value or is_object_store(value) or value.startswith(LOCAL):
        return str(value)
    raise SettlementError(
        "inbox-address",
        f"{without_secrets(value)} cannot be an inbox.",
        f"Name a folder, or an address without a password and a query that begins with one of "
        f"{', '.join(f'{each}://' for each in STORES)}.",
    )


@refusing
def _target(value: object) -> str:
    given = str(value)
    return given if given.startswith(("https://", "http://")) else _inbox(value)


InboxPlace = Annotated[Line, AfterValidator(_inbox)]
TargetPlace = Annotated[Line, AfterValidator(_target)]


class Target(Part):
    """Another keeper's inbox."""

    to: TargetPlace
    """A folder or place in an object store, which is that inbox for this agreement, or the keeper's https address."""
    key: SecretName | None = None
    """The key for an address."""
    agreement: Slug | None = None
    """What the other keeper calls this agreement, if it calls it otherwise."""


class Duties(Part):
    """What the keeper does for an agreement."""

    sign: Annotated[tuple[Line, ...], Field(alias="as")] = ()
    """The parties whose keys lie in the workspace and for which it measures, verifies and claims."""
    pays: Line | None = None
    """The party that submits transactions; without it none are submitted but claims."""
    defaults: YesNo = False
    """Whether it proposes the default of an overdue period."""
    claims: YesNo = True
    """Whether money that could not be paid to those it signs for is claimed."""
    close: YesNo = False
    """Whether it closes the agreement once all is settled and the holdback date has passed."""
    without_records: YesNo = False
    """Whether evidence is signed of a period in which there is no record at all."""
    exchange: tuple[Target, ...] = ()
    """Who gets the bundles and reports made here."""


class Place(Duties):
    """One agreement."""

    workspace: Line
    """Its workspace's folder."""


class Many(Duties):
    """Every workspace in a folder, each named as its folder."""

    folder: Line


class Key(Part):
    """Who may post what."""

    key: SecretName
    agreements: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Names, or ``all``."""
    may: Annotated[tuple[Kind | Literal["read"], ...], Field(min_length=1)]
    """What may be posted; ``read`` for status and metrics."""


class Http(Part):
    """The HTTP inbox."""

    host: Line = "127.0.0.1"
    port: Whole = 8780
    keys: Annotated[dict[Slug, Key], Field(default_factory=dict)]
    most_bytes: Whole = 64 << 20
    """Bytes a posted file may have."""


class Webhook(Part):
    """An address that alerts are posted to."""

    url: SecretName
    secret: SecretName
    """Key of the HMAC-SHA256 in the header ``X-Pyoutcome-Signature``."""


class Mail(Part):
    """A mail server that alerts go out by."""

    host: Line
    port: Whole = 587
    sender: Annotated[Line, Field(alias="from")]
    to: Annotated[tuple[Line, ...], Field(min_length=1)]
    user: SecretName | None = None
    password: SecretName | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Mail:
        return _checked_mail(self)


@refusing
def _checked_mail(mail: Mail) -> Mail:
    if (mail.user is None) != (mail.password is None):
        raise SettlementError(
            "mail-login-incomplete",
            "A mail server is given a user and a password, or neither.",
            "Add the other one, or delete both.",
        )
    return mail


class Alerts(Part):
    """Who is told what."""

    webhook: Webhook | None = None
    mail: Mail | None = None
    evidence_due: Duration = 2 * DAY
    """How long before the deadline missing evidence is told."""


class Configuration(Part):
    """The whole file."""

    database: Line = "keeper.sqlite"
    """A file's path, or postgresql://USER@HOST/NAME."""
    inbox: InboxPlace | None = None
    """Where files of others arrive, AGREEMENT/{records,evidence,reports}/ in it: a folder, or an object store."""
    agreements: Annotated[dict[Slug, Place], Field(default_factory=dict)]
    workspaces: tuple[Many, ...] = ()
    poll: Duration = 2
    """Between two looks at chains and inbox."""
    look_again: Duration = 60
    """Between two looks at something that others have to do."""
    attempts: Whole = 12
    """Failures in a row after which a period is parked."""
    confirmations: Whole | None = None
    """Blocks after which a transaction counts as final; by default what suits the network."""
    batch: Line | None = None
    """Address of the contract that hands in many reports at once; without it each goes by itself."""
    open_at_once: Whole = 32
    """Workspaces kept open."""
    http: Http | None = None
    alerts: Annotated[Alerts, Field(default_factory=Alerts)]


@dataclass(frozen=True)
class KeptAgreement:
    """One agreement and what is done for it."""

    name: str
    folder: Path
    duties: Duties


class Setup:
    """The configuration with its paths, which are relative to its file."""

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        self.configuration = configuration
        self.folder = folder

    @classmethod
    def load(cls, path: Path) -> Setup:
        """Reads the file. AgreementError with file and line for what does not belong there."""
        tree = read_file(path)
        try:
            return cls(Configuration.model_validate(tree.plain()), path.resolve().parent)
        except ValidationError as error:
            return raise_problems(translate(error, tree))

    @property
    def database(self) -> str | Path:
        """The database's address or path."""
        given = self.configuration.database
        return given if "://" in given else self.folder / given

    @property
    def inbox(self) -> Path | str | None:
        """The inbox: a folder's path, or the address of a place in an object store."""
        given = self.configuration.inbox
        return None if given is None else self.place(given)

    def place(self, given: str) -> Path | str:
        """A folder's path, which starts at the file's folder, or an address as it is."""
        if given.startswith(LOCAL):
            return Path(given.removeprefix(LOCAL))
        return given if "://" in given else self.folder / given

    def agreements(self) -> Iterator[KeptAgreement]:
        """The agreements as they are now; folders are looked through anew."""
        for name, place in self.configuration.agreements.items():
            yield KeptAgreement(name, self.folder / place.workspace, place)
        for many in self.configuration.workspaces:
            folder = self.folder / many.folder
            for each in sorted(folder.iterdir()) if folder.is_dir() else ():
                if (each / MARK).is_file() and each.name not in self.configuration.agreements:
                    yield KeptAgreement(each.name, each, many)

    def secret(self, name: str) -> str:
        """The secret that ``env:NAME`` or ``file:PATH`` names. SettlementError ``secret-missing``."""
        where, _, what = name.partition(":")
        if where == "env":
            found = os.environ.get(what, "")
        else:
            try:
                with (self.folder / what).open(encoding="utf-8") as file:
                    found = file.read(MOST_SECRET + 1).strip()
            except (OSError, UnicodeDecodeError):
                found = ""
        if not found or len(found) > MOST_SECRET:
            raise SettlementError(
                "secret-missing",
                f"The secret {name} is empty, too long or not there.",
                "Set the variable, or write the file, before the keeper starts.",
                secret=name,
            )
        return found
