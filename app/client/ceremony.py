"""`cordon ceremony`: a collection's root, composed and signed with keys that the service never sees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from securesystemslib.signer import Key, Signer, SSlibKey
from tuf.api.metadata import Metadata, Root

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.metadata import check_collection
from app.manifest.errors import ManifestError
from app.manifest.keys import key_from_dict
from app.manifest.root import RootKeys, compose_root, fingerprint, sign_root


@dataclass(frozen=True)
class CeremonyResult:
    """The root as published, its repository id, and the fingerprint that partners pin."""

    repo_id: str
    root: bytes
    fingerprint: str


def hold_ceremony(
    session: ApiSession, collection: str, signers: Sequence[Signer], absent: Sequence[Key] = ()
) -> CeremonyResult:
    """Composes the root of `collection`, signs it with every signer and hands it to the service.

    `absent` are public root keys that sign nothing today (the third of three). Raises ClientError when the keys are
    too few, or stand in two roles.
    """
    path = f"/api/v1/collections/{check_collection(collection)}"
    document = session.get_json(f"{path}/ceremony")
    try:
        repo_id = str(document["repo_id"])
        keys = RootKeys(
            root=[*(signer.public_key for signer in signers), *absent],
            targets=_keys(document["targets_keys"]),
            snapshot=_keys(document["online_keys"]["snapshot"]),
            timestamp=_keys(document["online_keys"]["timestamp"]),
        )
        root: Metadata[Root] = compose_root(repo_id, keys, datetime.now(UTC))
        sign_root(root, signers)
    except (KeyError, TypeError) as error:
        raise ClientError(f"the service's answer is malformed: {error!r}") from error
    except ManifestError as error:
        raise ClientError(f"the root cannot be made: {error}") from error
    data = root.to_bytes()
    session.post_json(f"{path}/root", {"root": json.loads(data)})
    return CeremonyResult(repo_id, data, fingerprint(root))


def _keys(documents: Sequence[dict[str, object]]) -> list[SSlibKey]:
    return [key_from_dict(document) for document in documents]
