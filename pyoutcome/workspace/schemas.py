"""What files look like: schemas for editors, validators and tools of others, each made of the models that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyoutcome.errors import WorkspaceError, did_you_mean
from pyoutcome.terms.schema import render, schema_of, write_file_schema, write_terms_schema
from pyoutcome.workspace.files import not_written

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement


def _bundle() -> dict[str, Any]:
    from pyoutcome.evidence.bundles.manifest import Manifest

    return schema_of(Manifest, "pyoutcome evidence bundle")


def _report() -> dict[str, Any]:
    from pyoutcome.workspace.settings import SignedReport

    return schema_of(SignedReport, "pyoutcome signed report")


_SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "file": write_file_schema,
    "terms": write_terms_schema,
    "bundle": _bundle,
    "report": _report,
}
KINDS: Final = tuple(_SCHEMAS)
"""``file``: the agreement file as people write it; ``terms``: its canonical form, which is hashed; ``bundle``: a
provider's evidence; ``report``: a verifier's signed report."""
LANGUAGES: Final = ("json-schema", "concerto")


def write_schema(of: str = "file", language: str = "json-schema") -> str:
    """The text of a schema. WorkspaceError ``unknown-schema``."""
    _refuse_unknown(of, language)
    if language == "concerto":
        from pyoutcome.terms.concerto import write_model

        return write_model()
    return render(_SCHEMAS[of]())


def write_instance(agreement: Agreement, of: str = "terms", language: str = "json-schema") -> str:
    """An agreement in the form that ``write_schema`` describes: the canonical bytes, or a Concerto instance.

    WorkspaceError ``unknown-schema``; ``instance-of-terms`` for anything but terms.
    """
    _refuse_unknown(of, language)
    if of != "terms":
        raise WorkspaceError(
            "instance-of-terms",
            f"Only the terms of an agreement can be written from its file, not {of!r}.",
            "Give --of terms.",
        )
    if language == "concerto":
        from pyoutcome.terms.concerto import write_instance as write_concerto

        return render(write_concerto(agreement.canonical()))
    return agreement.canonical().decode()


def save(text: str, path: Path) -> None:
    """Writes a text to a file. WorkspaceError ``file-not-written``."""
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise not_written(path, error) from error


def _refuse_unknown(of: str, language: str) -> None:
    for given, known in ((of, KINDS), (language, LANGUAGES)):
        if given not in known:
            raise WorkspaceError("unknown-schema", f"There is no schema {given[:60]!r}.", did_you_mean(given, known))
    if language == "concerto" and of != "terms":
        raise WorkspaceError(
            "unknown-schema",
            f"There is no Concerto model of {of!r}.",
            "Give --of terms --as concerto, or leave --as out.",
        )
