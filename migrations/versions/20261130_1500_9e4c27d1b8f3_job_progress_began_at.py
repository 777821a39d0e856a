"""When the present attempt of a job began, so that time in a queue is not taken for time of work.

Revision: 9e4c27d1b8f3; created 2026-11-30 15:00:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "9e4c27d1b8f3"
down_revision = "c58e41a7b902"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_progress", sa.Column("began_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("job_progress", "began_at")
