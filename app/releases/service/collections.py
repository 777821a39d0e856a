"""A collection's root of trust: what its ceremony needs, and the root that it brings back."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session
from tuf.api.metadata import Metadata, Root

from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.errors import NotFound
from app.core.identity import Identity
from app.core.ids import new_id
from app.datasets.models import Dataset
from app.manifest.errors import VerificationError
from app.manifest.keys import key_from_dict, key_to_dict
from app.manifest.roles import ROOT, RULES, SNAPSHOT, TARGETS, TIMESTAMP
from app.manifest.root import fingerprint, parse_root, repo_id_of
from app.releases import queries
from app.releases.models import TufMetadata, TufRepository
from app.releases.online_keys import OnlineKeys
from app.releases.service.errors import CeremonyHeld, RootRefused


def dataset_of(session: Session, slug: str, *, lock: bool = False) -> Dataset:
    """The dataset that a collection's name stands for. Raises NotFound."""
    found = queries.dataset_by_slug(session, slug)
    if found is None:
        raise NotFound
    if lock:
        session.refresh(found, with_for_update={"of": Dataset})
    return found


def ceremony(session: Session, identity: Identity, keys: OnlineKeys, *, slug: str) -> dict[str, Any]:
    """What the ceremony's machine needs: the repository's id, approvers' public keys, machine keys by role."""
    require(identity, Permission.OPERATE)
    dataset = dataset_of(session, slug)
    held = queries.repository_of(session, dataset.id)
    repo_id = str(dataset.id)
    return {
        "repo_id": repo_id,
        "held": held is not None,
        "targets_keys": [key.public for key in queries.approvers_keys(session)],
        "online_keys": {
            role: [key_to_dict(k) for k in members] for role, members in keys.public(repo_id).items()
        },
    }


def install_root(
    session: Session, identity: Identity, keys: OnlineKeys, *, slug: str, document: dict[str, Any]
) -> TufRepository:
    """Takes the root that the ceremony signed. Raises CeremonyHeld, or RootRefused saying what differs."""
    require(identity, Permission.OPERATE)
    dataset = dataset_of(session, slug, lock=True)
    if queries.repository_of(session, dataset.id) is not None:
        raise CeremonyHeld
    try:
        root = parse_root(json.dumps(document).encode())
    except (VerificationError, RecursionError) as error:
        raise RootRefused(str(error)) from error
    _check_root(session, root, keys, str(dataset.id))
    repository = TufRepository(
        id=new_id(), dataset_id=dataset.id, repo_id=str(dataset.id), root_fingerprint=fingerprint(root)
    )
    session.add(repository)
    session.flush()
    session.add(TufMetadata(repository_id=repository.id, filename="1.root.json", content=root.to_bytes()))
    append(
        session,
        identity,
        Tag.ROOT_INSTALLED,
        subject=("dataset", dataset.id),
        details={"collection": slug, "root_fingerprint": repository.root_fingerprint or ""},
    )
    return repository


def _check_root(session: Session, root: Metadata[Root], keys: OnlineKeys, repo_id: str) -> None:
    signed = root.signed
    if signed.version != 1 or not signed.consistent_snapshot or signed.expires <= now():
        raise RootRefused("The first root is version 1, with consistent snapshots, and not expired")
    if repo_id_of(root) != repo_id:
        raise RootRefused(f"It is for repository {repo_id_of(root)}, not {repo_id}")
    _check_keys_differ(signed)
    approvers = {key.keyid: key for key in queries.approvers_keys(session)}
    signing = signed.roles[TARGETS].keyids
    # a key id is only a name: TUF lets a root give any key that name
    if any(k not in approvers or signed.keys[k] != key_from_dict(approvers[k].public) for k in signing):
        raise RootRefused("A key that signs releases is not a present approver's")
    if len({approvers[keyid].person_id for keyid in signing}) < RULES[TARGETS].threshold:
        raise RootRefused("Releases need the keys of at least two different approvers")
    public = keys.public(repo_id)
    for role in (SNAPSHOT, TIMESTAMP):
        if [signed.keys[keyid] for keyid in signed.roles[role].keyids] != public[role]:
            raise RootRefused(f"The {role} role names other keys than this service holds")
    for role, rule in RULES.items():
        if role in signed.roles and signed.roles[role].threshold != rule.threshold:
            raise RootRefused(f"The threshold of the {role} role must be {rule.threshold}")


def _check_keys_differ(signed: Root) -> None:
    """Raises RootRefused where one key stands under two names: a threshold of two would be met by one holder."""
    named = [keyid for role in signed.roles.values() for keyid in role.keyids]
    if any(keyid not in signed.keys for keyid in named):
        raise RootRefused("A role names a key that the root does not hold")
    if len({str(signed.keys[keyid].keyval.get("public")) for keyid in named}) != len(named):
        raise RootRefused("Every role needs keys of its own, and each key stands once")
    if len(signed.roles[ROOT].keyids) < RULES[ROOT].keys:
        raise RootRefused(f"The root itself needs {RULES[ROOT].keys} keys")
