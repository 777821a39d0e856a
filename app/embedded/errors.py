"""The one error of the embedded database."""


class EmbeddedPostgresError(Exception):
    """The embedded database cannot be used; the message is one line that says why and what to do."""
