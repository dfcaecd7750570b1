"""The whole agreement as Markdown, HTML, DOCX or PDF, made from the agreement file alone."""

from pyoutcome.legal.document.signed import SignedTerms, TermsSignatureLine
from pyoutcome.legal.document.tree import Document
from pyoutcome.legal.document.writing import FORMATS, make_document, render_document, write_document

__all__ = [
    "FORMATS",
    "Document",
    "SignedTerms",
    "TermsSignatureLine",
    "make_document",
    "render_document",
    "write_document",
]
