"""What is said of a recording, and how recordings and exercises are found: trigrams for words, keys for pages.

Revision: b7d2f05c91e4; created 2026-11-25 16:10:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "b7d2f05c91e4"
down_revision = "d4a91f6c27b3"
branch_labels = None
depends_on = None

VIEWPOINT = "viewpoint IN ('attacker_role', 'officer', 'bystander_role', 'observer', 'fixed')"
SEARCHED = (
    "lower(filename || ' ' || coalesce(reference, '') || ' ' || coalesce(camera, '') || ' ' || "
    "coalesce(notes, ''))"
)
NEW = (
    ("ix_recordings_organisation_id_id", "recordings", ["organisation_id", "id"]),
    ("ix_recordings_organisation_id_state_id", "recordings", ["organisation_id", "state", "id"]),
    ("ix_recordings_organisation_id_received_at", "recordings", ["organisation_id", "received_at"]),
    ("ix_recordings_exercise_id_id", "recordings", ["exercise_id", "id"]),
    ("ix_exercises_organisation_id_id", "exercises", ["organisation_id", "id"]),
    ("ix_uploads_exercise_id_id", "uploads", ["exercise_id", "id"]),
)
OLD = (  # each is the beginning of a new one
    ("ix_recordings_organisation_id", "recordings", ["organisation_id"]),
    ("ix_recordings_exercise_id", "recordings", ["exercise_id"]),
    ("ix_exercises_organisation_id", "exercises", ["organisation_id"]),
    ("ix_uploads_exercise_id", "uploads", ["exercise_id"]),
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for name in ("viewpoint", "reference", "notes"):
        op.add_column("recordings", sa.Column(name, sa.Text(), nullable=True))
    op.add_column(
        "recordings", sa.Column("details_version", sa.Integer(), nullable=False, server_default="1")
    )
    op.alter_column("recordings", "details_version", server_default=None)
    op.create_check_constraint(op.f("ck_recordings_viewpoint"), "recordings", VIEWPOINT)
    for table, text in (("recordings", SEARCHED), ("exercises", "lower(title || ' ' || scenario)")):
        op.add_column(
            table, sa.Column("search_text", sa.Text(), sa.Computed(text, persisted=True), nullable=True)
        )
        op.create_index(
            op.f(f"ix_{table}_search_text"),
            table,
            ["search_text"],
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_with={
                "fastupdate": "off"
            },  # a list of what is not sorted in yet is read from end to end
        )
    for name, table, columns in NEW:
        op.create_index(op.f(name), table, columns)
    for name, table, _ in OLD:
        op.drop_index(op.f(name), table_name=table)


def downgrade() -> None:
    for name, table, columns in OLD:
        op.create_index(op.f(name), table, columns)
    for name, table, _ in NEW:
        op.drop_index(op.f(name), table_name=table)
    for table in ("exercises", "recordings"):
        op.drop_index(op.f(f"ix_{table}_search_text"), table_name=table)
        op.drop_column(table, "search_text")
    op.drop_constraint(op.f("ck_recordings_viewpoint"), "recordings")
    for name in ("details_version", "notes", "reference", "viewpoint"):
        op.drop_column("recordings", name)
    op.execute("DROP EXTENSION IF EXISTS pg_trgm")
