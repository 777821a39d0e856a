"""Redaction: what a machine proposes to hide, what a person decides, and the footage without it."""
