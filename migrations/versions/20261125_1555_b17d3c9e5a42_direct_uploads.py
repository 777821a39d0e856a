"""Uploads that go straight to the object store: which way one goes, the size of its parts, its multipart upload.

Uploads from before came by tus.

Revision: b17d3c9e5a42; created 2026-11-25 15:55:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "b17d3c9e5a42"
down_revision = "8e2b6f0d41ca"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("via", sa.Text(), server_default="tus", nullable=False))
    op.add_column("uploads", sa.Column("part_size", sa.BigInteger(), nullable=True))
    op.add_column("uploads", sa.Column("multipart_id", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_uploads_via"), "uploads", "via IN ('tus', 'direct')")
    op.create_check_constraint(
        op.f("ck_uploads_part_size"), "uploads", "(via = 'direct') = (part_size IS NOT NULL)"
    )


def downgrade() -> None:
    # What is on its way to the store cannot be gone on with by a service that knows only of staged files.
    op.execute(
        "UPDATE uploads SET state = 'rejected', reason_code = 'staging_lost', "
        "reason = 'Bytes of this upload were lost on our side: start a new one' "
        "WHERE via = 'direct' AND state IN ('created', 'receiving', 'received')"
    )
    op.drop_constraint(op.f("ck_uploads_part_size"), "uploads", type_="check")
    op.drop_constraint(op.f("ck_uploads_via"), "uploads", type_="check")
    op.drop_column("uploads", "multipart_id")
    op.drop_column("uploads", "part_size")
    op.drop_column("uploads", "via")
