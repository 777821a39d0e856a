"""`cordon sign`: an approver's own machine checks what it is asked to sign, signs it, and sends the signature."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Targets

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.manifest.errors import ManifestError
from app.manifest.roles import RELEASE, REPO_ID
from app.manifest.signoff import check_payload, parse_payload, sign_payload


@dataclass(frozen=True)
class SigningRequest:
    """A release that waits for signatures; `payload` was checked to be this release's targets role and no other."""

    release_id: str
    collection: str
    repo_id: str
    manifest_sha256: str
    payload: bytes
    targets: Targets
    summary: dict[str, Any]
    signed_by: tuple[str, ...]
    signed_keyids: tuple[str, ...]
    threshold: int


def fetch_signing_request(
    session: ApiSession, release_id: str, manifest_sha256: str | None = None
) -> SigningRequest:
    """What waits to be signed. Raises ClientError when the bytes are not exactly this release's targets role.

    Give `manifest_sha256`, where you know it from another source, to hold the service to it.
    """
    document = session.get_json(f"/api/v1/releases/{release_id}/signing")
    try:
        if document["role"] != "targets" or document["release_id"] != release_id:
            raise ClientError("refused: the service offers something else to sign than this release")
        payload = base64.b64decode(document["payload"], validate=True)
        summary = dict(document["summary"])
        signatures = [(str(item["keyid"]), str(item["person"])) for item in document["signatures"]]
        request = _check(document, release_id, payload, summary, signatures)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ClientError(f"the service's answer is malformed: {error!r}") from error
    for wanted in (manifest_sha256, document.get("manifest_sha256"), summary.get("manifest_sha256")):
        if wanted is not None and wanted != request.manifest_sha256:
            raise ClientError(
                f"refused: the bytes to sign hold the manifest {request.manifest_sha256}, not {wanted}"
            )
    if document.get("repo_id", request.repo_id) != request.repo_id:
        raise ClientError("refused: the bytes to sign are of another collection's repository")
    return request


def _check(
    document: dict[str, Any],
    release_id: str,
    payload: bytes,
    summary: dict[str, Any],
    signatures: list[tuple[str, str]],
) -> SigningRequest:
    try:
        custom = parse_payload(payload).unrecognized_fields
        repo_id, digest = str(custom[REPO_ID]), str(custom[RELEASE]["manifest_sha256"])
        targets = check_payload(payload, repo_id, release_id, digest)
    except ManifestError as error:
        raise ClientError(f"refused: {error}") from error
    return SigningRequest(
        release_id=release_id,
        collection=str(document["collection"]),
        repo_id=repo_id,
        manifest_sha256=digest,
        payload=payload,
        targets=targets,
        summary=summary,
        signed_by=tuple(person for _, person in signatures),
        signed_keyids=tuple(keyid for keyid, _ in signatures),
        threshold=int(document["threshold"]),
    )


def send_signature(session: ApiSession, request: SigningRequest, signer: Signer) -> dict[str, Any]:
    """Signs and sends. Returns the service's answer. Raises ClientError when this key has signed already."""
    keyid = signer.public_key.keyid
    if keyid in request.signed_keyids:
        raise ClientError(f"the key {keyid[:12]} has signed this release already: another person must sign")
    signature = sign_payload(signer, request.payload)
    body = {"keyid": keyid, "signature": signature.signature}
    answer = session.post_json(f"/api/v1/releases/{request.release_id}/signatures", body)
    return dict(answer) if isinstance(answer, dict) else {}
