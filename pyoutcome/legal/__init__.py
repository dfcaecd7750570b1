"""Agreements as people sign them: documents, and what differs between two versions."""
