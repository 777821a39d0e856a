"""Merkle proofs, signed checkpoints and proof files, shared by the service and its partners.

Pure: standard library and `cryptography` only, so that whoever holds a proof can check it without us.
"""
