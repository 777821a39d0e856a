"""A write that is sent twice is done once: the key commits with the effect, so no crash can come between the two.

The answer is stored afterwards. Where that did not happen (a crash just then, or the first request is only now
being answered) the effect is known to be there and its answer is not: the repeat is told so and does nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.errors import Conflict, InvalidRequest
from app.core.models import IdempotencyKey
from app.core.sealing import SealError, seal, unseal

HEADER = "Idempotency-Key"
MAX_KEY = 128
KEPT_FOR = timedelta(hours=24)
_PURPOSE = "answer"


class KeyReused(InvalidRequest):
    type = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request: take a new one"


class InDoubt(Conflict):
    type = "idempotency-in-doubt"
    title = "This was done already, but its answer was not kept: read what is there"


class Answered(Exception):
    """The request was carried out before; this is what was answered."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status, self.headers, self.body = status, headers, body


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 of what is asked: method, path with its query, and the body's bytes."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).digest()


@dataclass(slots=True)
class Claim:
    """One request's hold on its key. The first transaction of the request takes the key; none after a failure."""

    actor_id: UUID
    key: str
    fingerprint: bytes
    secret_key: str = field(repr=False)
    state: Literal["new", "tried", "committed"] = "new"

    def look(self, session: Session) -> None:
        """Lets a new key pass. Raises Answered, InDoubt or KeyReused for one that is there."""
        row = session.get(IdempotencyKey, (self.actor_id, self.key), populate_existing=True)
        if row is None:
            return
        if not hmac.compare_digest(row.fingerprint, self.fingerprint):
            raise KeyReused
        if row.status is None or row.headers is None or row.body is None:
            raise InDoubt
        try:
            body = unseal(self.secret_key, row.body, purpose=_PURPOSE, owner=self._owner())
        except SealError:
            raise InDoubt from None
        raise Answered(row.status, row.headers, body)

    def take(self, session: Session) -> None:
        """Writes the key into the effect's own transaction; waits for another that is just doing the same.

        Raises what `look` does where the other one committed.
        """
        if self.state != "new":
            return
        self.state = "tried"
        values = {"actor_id": self.actor_id, "key": self.key, "fingerprint": self.fingerprint}
        row = insert(IdempotencyKey).values(**values, created_at=now()).on_conflict_do_nothing()
        if session.execute(row.returning(IdempotencyKey.key)).scalar() is None:
            self.look(session)
            raise InDoubt  # swept in this very moment

    def committed(self) -> None:
        """The transaction that took the key was committed."""
        if self.state == "tried":
            self.state = "committed"

    def answer(self, session: Session, status: int, headers: dict[str, str], body: bytes) -> None:
        """Keeps the answer of the committed request."""
        sealed = seal(self.secret_key, body, purpose=_PURPOSE, owner=self._owner())
        mine = (IdempotencyKey.actor_id == self.actor_id) & (IdempotencyKey.key == self.key)
        session.execute(
            update(IdempotencyKey).where(mine).values(status=status, headers=headers, body=sealed)
        )

    def _owner(self) -> bytes:
        return self.actor_id.bytes + self.fingerprint + self.key.encode()


def sweep(session: Session) -> int:
    """Forgets keys that are older than a day; how many."""
    old = delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - KEPT_FOR)
    return len(session.execute(old.returning(IdempotencyKey.key)).all())
