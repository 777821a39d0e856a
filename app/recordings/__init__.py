"""Recordings: one immutable original each, what ingest derived from it, and who looked."""
