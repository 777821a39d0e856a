"""The one error of this package, so that a caller can tell "not proven" from a fault of its own."""


class ProofError(ValueError):
    """A proof, checkpoint, key or entry is malformed or does not prove what it claims."""
