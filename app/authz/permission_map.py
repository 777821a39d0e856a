"""All grants on one page: which role holds which permission. What is not listed is denied."""

from __future__ import annotations

from app.authz.permissions import Permission as P
from app.core.identity import Identity, Role

PERMISSION_MAP: dict[Role, frozenset[P]] = {
    Role.DATA_OFFICER: frozenset(
        {
            P.SELF,
            P.EXERCISE_READ,
            P.EXERCISE_WRITE,
            P.UPLOAD_WRITE,
            P.RECORDING_READ,
            P.RECORDING_VIEW,
            P.RECORDING_WITHDRAW,
            P.RECORDING_DERIVE,
            P.REDACTION_REVIEW,
            P.CUSTODY_DECIDE,
        }
    ),
    Role.ANNOTATOR: frozenset(
        {P.SELF, P.TAXONOMY_READ, P.TASK_READ, P.CLIP_VIEW, P.ANNOTATE, P.INCIDENT_REPORT}
    ),
    Role.REVIEWER: frozenset(
        {
            P.SELF,
            P.TAXONOMY_READ,
            P.TASK_READ,
            P.TASK_MANAGE,
            P.CLIP_VIEW,
            P.REVIEW,
            P.INCIDENT_REPORT,
        }
    ),
    Role.RELEASE_MANAGER: frozenset(
        {
            P.SELF,
            P.TAXONOMY_READ,
            P.TASK_READ,
            P.DATASET_READ,
            P.DATASET_COMPOSE,
            P.RELEASE_READ,
            P.RELEASE_BUILD,
            P.RELEASE_PUBLISH,
            P.AGREEMENT_READ,
            P.AGREEMENT_PROPOSE,
            P.GRANT_READ,
            P.GRANT_PROPOSE,
        }
    ),
    Role.APPROVER: frozenset(
        {
            P.SELF,
            P.SIGNING_KEY_REGISTER,
            P.DATASET_READ,
            P.RELEASE_READ,
            P.RELEASE_SIGN,
            P.AGREEMENT_READ,
            P.AGREEMENT_APPROVE,
            P.GRANT_READ,
            P.GRANT_APPROVE,
        }
    ),
    Role.PARTNER_ENGINEER: frozenset({P.SELF, P.RELEASE_FETCH}),
    Role.AUDITOR: frozenset(
        {
            P.SELF,
            P.ORGANISATION_READ,
            P.EXERCISE_READ,
            P.RECORDING_READ,
            P.TAXONOMY_READ,
            P.TASK_READ,
            P.DATASET_READ,
            P.RELEASE_READ,
            P.AGREEMENT_READ,
            P.GRANT_READ,
            P.AUDIT_READ,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {P.SELF, P.ORGANISATION_READ, P.ORGANISATION_MANAGE, P.PERSON_MANAGE, P.CLIENT_MANAGE, P.OPERATE}
    ),
}


def roles_with(permission: P) -> list[str]:
    """The names of the roles that hold a permission, in the order of the alphabet."""
    return sorted(role.value for role, held in PERMISSION_MAP.items() if permission in held)


def permits(identity: Identity, permission: P) -> bool:
    """True when one of the actor's roles holds the permission. A role that is not in the table holds nothing."""
    return any(permission in PERMISSION_MAP.get(role, frozenset()) for role in identity.roles)
