"""The roles of a collection's repository: who signs, for how long, and what each role carries. One table.

Every role carries the custom field `x-repo-id`: keys may serve several collections, metadata may not.
Source: the TUF specification 1.0 and TAP 15 (succinct hash bins).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.manifest.errors import VerificationError

ROOT, TARGETS, HEAD, WITHDRAWALS, SNAPSHOT, TIMESTAMP = (
    "root",
    "targets",
    "head",
    "withdrawals",
    "snapshot",
    "timestamp",
)
BIN = "bin"  # a bin's name is `bin-` and its index in hex
REPO_ID = "x-repo-id"
RELEASE = "x-release"
MAX_BIN_TARGETS = 256


@dataclass(frozen=True, slots=True)
class RoleRule:
    """At least `keys` keys, `threshold` of which must sign; valid for `days`."""

    keys: int
    threshold: int
    days: int


RULES = {
    ROOT: RoleRule(3, 2, 365),
    TARGETS: RoleRule(2, 2, 90),  # three people as a rule; two are enough to begin
    HEAD: RoleRule(2, 2, 30),
    WITHDRAWALS: RoleRule(1, 1, 7),
    SNAPSHOT: RoleRule(1, 1, 7),
    TIMESTAMP: RoleRule(1, 1, 2),
}
DELEGATED_PATHS = {HEAD: ["shards/*"], WITHDRAWALS: ["withdrawals/*"]}


def expiry(role: str, now: datetime) -> datetime:
    """When metadata of `role` written at `now` (aware) expires; whole seconds, UTC. A bin has its head's rule."""
    rule = RULES[HEAD if role.startswith(f"{BIN}-") else role]
    return now.astimezone(UTC).replace(microsecond=0) + timedelta(days=rule.days)


def check_repo_id(role: str, custom: dict[str, Any], repo_id: str) -> None:
    """Raises VerificationError unless the role's custom fields name the repository that was pinned."""
    found = custom.get(REPO_ID)
    if found != repo_id:
        raise VerificationError(
            f"{role} belongs to repository {found!r}, not to {repo_id!r}: it was swapped; nothing was accepted"
        )
