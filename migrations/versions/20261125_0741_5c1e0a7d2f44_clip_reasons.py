"""Why a clip is one, and whether anything was noticed in it.

Clips from before were cut each so many seconds and not looked into: they count as eventful, for nobody may take
them for negatives.

Revision: 5c1e0a7d2f44, after 6774bb9a100a; created 2026-11-25 07:41:12.481903.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5c1e0a7d2f44"
down_revision = "4be957a00c57"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clips", sa.Column("eventful", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column(
        "clips",
        sa.Column(
            "reasons",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[\"fixed_length\"]'"),
            nullable=False,
        ),
    )
    op.alter_column("clips", "eventful", server_default=None)
    op.alter_column("clips", "reasons", server_default=None)


def downgrade() -> None:
    op.drop_column("clips", "reasons")
    op.drop_column("clips", "eventful")
