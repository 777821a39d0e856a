"""What can go wrong, in the domain's terms. Services raise these; `core.http` alone knows HTTP.

Each class is one kind of failure; a feature derives its own and sets `type`, the stable last part of the
problem's type URI (RFC 9457).
"""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal with a reason. `detail` tells the caller what to do; `extra` adds members to the problem."""

    type: ClassVar[str] = "error"
    title: ClassVar[str] = "The request could not be carried out"
    retry_after: ClassVar[int | None] = None  # seconds, where waiting helps

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = extra


class InvalidRequest(DomainError):
    type = "invalid-request"
    title = "The request is not valid"


class Unauthenticated(DomainError):
    type = "unauthenticated"
    title = "Sign in or present a valid token"


class Forbidden(DomainError):
    type = "forbidden"
    title = "Your role does not allow this"


class NotFound(DomainError):
    type = "not-found"
    title = "Nothing is here for you"


class Hidden(NotFound):
    """It is there and belongs to another organisation: answered as if it were not, and noted in the log."""


class Conflict(DomainError):
    type = "conflict"
    title = "The present state does not allow this"


class StaleVersion(DomainError):
    type = "stale-version"
    title = "Somebody changed this since you read it: reload, then save again"


class PreconditionRequired(DomainError):
    type = "precondition-required"
    title = "Send If-Match with the ETag that you read"


class TooLarge(DomainError):
    type = "too-large"
    title = "Larger than allowed"


class TooManyRequests(DomainError):
    type = "too-many-requests"
    title = "Too many attempts: wait, then try again"


class Unavailable(DomainError):
    type = "unavailable"
    title = "A part of the service is not available: try again soon"
