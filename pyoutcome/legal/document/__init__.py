"""The whole agreement as Markdown, HTML, DOCX or PDF, made from the agreement file alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyoutcome.legal.document.signed import AmendedTerms, SignedTerms, TermsSignatureLine
    from pyoutcome.legal.document.tree import Document
    from pyoutcome.legal.document.writing import FORMATS, make_document, render_document, write_document

__all__ = [
    "FORMATS",
    "AmendedTerms",
    "Document",
    "SignedTerms",
    "TermsSignatureLine",
    "make_document",
    "render_document",
    "write_document",
]

_ROOMS = {"AmendedTerms": "signed", "Document": "tree", "SignedTerms": "signed", "TermsSignatureLine": "signed"}


def __getattr__(name: str) -> Any:
    """Names are fetched when they are first used: signed terms bring libraries that a comparison does not need."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"pyoutcome.legal.document.{_ROOMS.get(name, 'writing')}"), name)
    raise AttributeError(f"module 'pyoutcome.legal.document' has no attribute {name!r}")
