"""Proofs that single records were counted."""
