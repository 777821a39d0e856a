"""Who acts: a person, a machine client or the system itself, with roles, for one organisation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class OrganisationKind(StrEnum):
    FORCE = "force"
    PARTNER = "partner"
    OPERATOR = "operator"


class Role(StrEnum):
    DATA_OFFICER = "data_officer"
    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    RELEASE_MANAGER = "release_manager"
    APPROVER = "approver"
    PARTNER_ENGINEER = "partner_engineer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class ActorKind(StrEnum):
    PERSON = "person"
    CLIENT = "client"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Identity:
    """The authenticated actor of one request or job.

    `person_id` is the human behind the act: set for people and for a person's own command-line client, None
    for machines. `request_id` and `purpose` travel with it into the audit log.
    """

    kind: ActorKind
    id: UUID | None
    label: str
    organisation_id: UUID | None = None
    organisation_kind: OrganisationKind | None = None
    roles: frozenset[Role] = frozenset()
    person_id: UUID | None = None
    request_id: str | None = None
    purpose: str | None = None

    @property
    def authenticated(self) -> bool:
        return self.kind in (ActorKind.PERSON, ActorKind.CLIENT)

    def has(self, *roles: Role) -> bool:
        """True when the actor holds any of the roles."""
        return not self.roles.isdisjoint(roles)


ANONYMOUS = Identity(ActorKind.ANONYMOUS, None, "anonymous")
SYSTEM = Identity(ActorKind.SYSTEM, None, "cordon")
