"""One door to all formats: an agreement becomes a document, and that a file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import DocumentError, did_you_mean
from pyoutcome.legal.document.tree import Document

if TYPE_CHECKING:
    from pyoutcome.legal.document.signed import AmendedTerms, SignedTerms
    from pyoutcome.terms import Agreement

FORMATS: Final = ("md", "html", "docx", "pdf")
"""Every format that ``render_document`` knows; the ending of a file's name."""


def make_document(
    agreement: Agreement, signed: SignedTerms | None = None, amendments: Sequence[AmendedTerms] = ()
) -> Document:
    """The whole agreement as a document; ``signed`` adds hash, addresses and signatures of an offer.

    With ``amendments``, in their order and with ``signed``, it is the text as the last accepted one has it, and says
    of each since when it governs, what it changed and who signed it. The same agreement, signatures and amendments
    give an equal document. FormulaError as in ``Agreement.bounds``.
    """
    from pyoutcome.legal.document.assembling import assemble

    return assemble(agreement, signed, amendments)


def render_document(document: Document, file_format: str) -> bytes:
    """A document in one of ``FORMATS``; equal documents give equal bytes.

    DocumentError ``no-such-format``, ``library-missing``; of a PDF ``letters-missing``.
    """
    match file_format:
        case "md":
            from pyoutcome.legal.document.markdown import render_markdown

            return render_markdown(document)
        case "html":
            from pyoutcome.legal.document.html import render_html

            return render_html(document)
        case "docx":
            from pyoutcome.legal.document.docx_file import render_docx

            return render_docx(document)
        case "pdf":
            from pyoutcome.legal.document.pdf_file import render_pdf

            return render_pdf(document)
    raise DocumentError(
        "no-such-format",
        f"Documents cannot be written as {file_format!r}.",
        did_you_mean(file_format, FORMATS),
        format=file_format,
    )


def write_document(document: Document, path: Path) -> int:
    """Writes a document into a file, whole or not at all, in the format of its ending; how many bytes went in.

    Errors of ``render_document``; DocumentError ``file-not-written``.
    """
    made = render_document(document, path.suffix.removeprefix(".").lower())
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            whole = Path(folder) / "document"
            whole.write_bytes(made)
            whole.replace(path)
    except OSError as error:
        raise DocumentError(
            "file-not-written",
            f"{path} cannot be written: {error.strerror or error}.",
            "Name a file in a folder that exists and that you may write to.",
            path=str(path),
        ) from error
    return len(made)
