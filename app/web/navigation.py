"""What each person finds in the menu: the screens that their roles can use, and no others."""

from __future__ import annotations

from dataclasses import dataclass

from app.authz.permission_map import permits
from app.authz.permissions import Permission as P
from app.core.identity import Identity


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: its text, address and the permission its screen asks for."""

    text: str
    href: str
    permission: P


STAFF = (
    Item("Exercises", "/exercises", P.EXERCISE_WRITE),
    Item("Recordings", "/recordings", P.RECORDING_READ),
    Item("Custody", "/custody", P.RECORDING_READ),
    Item("Label", "/queue", P.ANNOTATE),
    Item("Review", "/review", P.REVIEW),
    Item("Tasks", "/tasks", P.TASK_MANAGE),
    Item("Datasets", "/datasets", P.DATASET_READ),
    Item("Releases", "/releases", P.RELEASE_READ),
    Item("Sign-off", "/sign-off", P.RELEASE_SIGN),
    Item("Partners", "/partners", P.AGREEMENT_READ),
    Item("Log", "/log/events", P.AUDIT_READ),
    Item("People", "/people", P.PERSON_MANAGE),
    Item("Organisations", "/organisations", P.ORGANISATION_MANAGE),
    Item("Machine clients", "/clients", P.CLIENT_MANAGE),
    Item("Service", "/service", P.OPERATE),
)
PARTNER = (
    Item("Releases", "/releases", P.RELEASE_FETCH),
    Item("How to fetch", "/fetching", P.RELEASE_FETCH),
)


def items_for(identity: Identity, surface: str) -> list[Item]:
    """The menu of one person; empty for anonymous callers."""
    return [
        item for item in (PARTNER if surface == "partner" else STAFF) if permits(identity, item.permission)
    ]
