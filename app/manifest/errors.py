"""What can be wrong with a release, so that callers tell a refusal from a fault of their own."""


class ManifestError(ValueError):
    """A release cannot be composed or accepted; the message says why in one line."""


class FormatError(ManifestError):
    """A document or file is not in the form that this package writes."""


class VerificationError(ManifestError):
    """A signature, hash, version, expiry or cross-check failed: nothing of it may be used."""
