"""From which frame on a redaction's proposals were not kept, so that nobody approves as whole what is not.

Revision: 8e2b6f0d41ca; created 2026-11-25 13:10:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8e2b6f0d41ca"
down_revision = "3c1f0a7d52be"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("redactions", sa.Column("uncovered_from", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("redactions", "uncovered_from")
