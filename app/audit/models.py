"""What the log stores: entries, the tiles of its Merkle tree, and signed checkpoints.

No foreign keys: an entry outlives what it speaks of. `ddl.py` makes the tables append-only in the database itself.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, CreatedAt, IdPk, Json


class AuditEvent(Base):
    """One entry. `leaf_index` is its place in the tree, NULL until the sequencer integrates it.

    `leaf_hash` is of the salted canonical form of every column but `leaf_index`, `salt` and itself.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        CheckConstraint("leaf_index >= 0", name="leaf_index"),
        CheckConstraint("octet_length(salt) = 32 AND octet_length(leaf_hash) = 32", name="hashes"),
        CheckConstraint("(subject_kind IS NULL) = (subject_id IS NULL)", name="subject"),
        Index("ix_audit_events_waiting", "id", postgresql_where="leaf_index IS NULL"),
        Index("ix_audit_events_tag_id", "tag", "id"),
        Index("ix_audit_events_subject_id", "subject_kind", "subject_id", "id"),
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
        Index("ix_audit_events_organisation_id_id", "organisation_id", "id"),
    )

    id: Mapped[IdPk]
    leaf_index: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    at: Mapped[CreatedAt]
    tag: Mapped[str]
    verb: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_label: Mapped[str]
    person_id: Mapped[UUID | None]
    organisation_id: Mapped[UUID | None]
    subject_kind: Mapped[str | None]
    subject_id: Mapped[UUID | None]
    purpose: Mapped[str | None]
    request_id: Mapped[str | None]
    details: Mapped[Json]
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditTile(Base):
    """Up to 256 hashes of 32 bytes: a tile as C2SP tlog-tiles defines it, wide as far as the tree has grown."""

    __tablename__ = "audit_tiles"
    __table_args__ = (
        CheckConstraint(
            "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0", name="hashes"
        ),
        CheckConstraint("level BETWEEN 0 AND 7 AND tile_index >= 0", name="place"),
    )

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    tile_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class AuditCheckpoint(Base):
    """The signed head of the tree at one size; `note` is the C2SP checkpoint, word for word."""

    __tablename__ = "audit_checkpoints"
    __table_args__ = (CheckConstraint("size >= 0 AND octet_length(root) = 32", name="head"),)

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str]
    at: Mapped[CreatedAt]
