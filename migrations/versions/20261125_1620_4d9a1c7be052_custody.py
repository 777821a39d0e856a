"""Sensitivity reviews, legal holds, retention, incidents, erasures; recordings in quarantine, assignments closed for it.

Revision: 4d9a1c7be052; created 2026-11-25 16:20:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4d9a1c7be052"
down_revision = "b7d2f05c91e4"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
RECORDING = ["recording_id"], ["recordings.id"]
BEFORE = {
    "recordings": "state IN ('processing', 'ready', 'rejected', 'withdrawn', 'erased')",
    "assignments": "state IN ('open', 'in_progress', 'submitted', 'returned', 'accepted')",
}
AFTER = {
    "recordings": "state IN ('processing', 'ready', 'rejected', 'quarantined', 'withdrawn', 'erased')",
    "assignments": "state IN ('open', 'in_progress', 'submitted', 'returned', 'accepted', 'closed')",
}
LIVE = "uq_recordings_organisation_id_sha256"


def upgrade() -> None:
    _states(AFTER, "state IN ('processing', 'ready', 'quarantined')")
    op.create_table(
        "sensitivity_reviews",
        *_about("sensitivity_reviews"),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("redaction_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        *_by("sensitivity_reviews", "reviewed", False),
        *_by("sensitivity_reviews", "revoked", True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["redaction_id"],
            ["redactions.id"],
            name=op.f("fk_sensitivity_reviews_redaction_id_redactions"),
        ),
        sa.CheckConstraint(
            "people IN ('redacted', 'none_needed')", name=op.f("ck_sensitivity_reviews_people")
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoke_reason IS NULL)", name=op.f("ck_sensitivity_reviews_revoked")
        ),
    )
    op.create_table(
        "legal_holds",
        *_about("legal_holds"),
        sa.Column("reason", sa.Text(), nullable=False),
        *_by("legal_holds", "placed", False),
        *_by("legal_holds", "lifted", True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
    )
    op.create_table(
        "retention_reviews",
        *_about("retention_reviews"),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("raised_at", TIME, nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("keep_until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        *_by("retention_reviews", "decided", True),
        sa.CheckConstraint(
            "decision IN ('keep', 'extend', 'erase')", name=op.f("ck_retention_reviews_decision")
        ),
    )
    op.create_table(
        "incidents",
        *_about("incidents"),
        sa.Column("state_before", sa.Text(), nullable=False),
        sa.Column("reported_as", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *_by("incidents", "reported", False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_reason", sa.Text(), nullable=True),
        *_by("incidents", "decided", True),
        sa.CheckConstraint(
            "outcome IN ('cleared', 'moving_out', 'moved_out')", name=op.f("ck_incidents_outcome")
        ),
    )
    op.create_table(
        "erasures",
        *_about("erasures"),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *_by("erasures", "requested", False),
        *_by("erasures", "confirmed", True),
        *_by("erasures", "cancelled", True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("destroyed", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("done_at", TIME, nullable=True),
        sa.CheckConstraint(
            "ground IN ('withdrawn', 'retention', 'incident', 'moved_out')", name=op.f("ck_erasures_ground")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'confirmed', 'erasing', 'done', 'cancelled')",
            name=op.f("ck_erasures_state"),
        ),
    )
    _one_at_a_time("sensitivity_reviews", "revoked_at IS NULL")
    _one_at_a_time("legal_holds", "lifted_at IS NULL")
    _one_at_a_time("retention_reviews", "decided_at IS NULL")
    _one_at_a_time("incidents", "outcome IS DISTINCT FROM 'cleared'")
    _one_at_a_time("erasures", "state <> 'cancelled'")


def downgrade() -> None:
    for table in ("erasures", "incidents", "retention_reviews", "legal_holds", "sensitivity_reviews"):
        op.drop_table(table)
    # what only this version knows becomes the nearest that the former one hides as well
    op.execute("UPDATE recordings SET state = 'withdrawn' WHERE state = 'quarantined'")
    op.execute("UPDATE assignments SET state = 'returned' WHERE state = 'closed'")
    _states(BEFORE, "state IN ('processing', 'ready')")


def _states(allowed: dict[str, str], live: str) -> None:
    for table, states in allowed.items():
        op.drop_constraint(op.f(f"ck_{table}_state"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_state"), table, states)
    op.drop_index(LIVE, table_name="recordings")
    op.create_index(
        LIVE, "recordings", ["organisation_id", "sha256"], unique=True, postgresql_where=sa.text(live)
    )


def _about(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(*RECORDING, name=op.f(f"fk_{table}_recording_id_recordings")),
    ]


def _by(table: str, done: str, nullable: bool) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column(f"{done}_by", sa.Uuid(), nullable=nullable),
        sa.Column(f"{done}_at", TIME, nullable=nullable),
        sa.ForeignKeyConstraint([f"{done}_by"], ["people.id"], name=op.f(f"fk_{table}_{done}_by_people")),
    ]


def _one_at_a_time(table: str, while_: str) -> None:
    op.create_index(
        f"uq_{table}_recording_id", table, ["recording_id"], unique=True, postgresql_where=sa.text(while_)
    )
