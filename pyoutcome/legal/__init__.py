"""Agreements on paper: the whole agreement as a document, and two of them compared."""
