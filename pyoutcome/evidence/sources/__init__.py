"""Formats of records: each is read as hostile text, or by an engine that is told every type."""
