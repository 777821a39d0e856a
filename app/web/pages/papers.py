"""Receipts and erasure certificates to print: what the log says, a QR code to look it up, and how to check it."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template

from app.audit.keys import load_verifier
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.custody import service
from app.proofs.canonical import entry_leaf_hash
from app.settings import Settings
from app.web.qr import qr_svg

pages = Blueprint("papers", __name__)


@pages.get("/recordings/<uuid:recording_id>/receipt")
@requires(Permission.RECORDING_READ)
def receipt(recording_id: UUID) -> str:
    verifier = load_verifier(resource(Settings).checkpoint_key_uri)
    with transaction() as session:
        paper = service.receipt(session, current_identity(), recording_id, verifier)
    return _page(paper, "receipt")


@pages.get("/recordings/<uuid:recording_id>/certificate")
@requires(Permission.RECORDING_READ)
def certificate(recording_id: UUID) -> str:
    verifier = load_verifier(resource(Settings).checkpoint_key_uri)
    with transaction() as session:
        paper = service.certificate(session, current_identity(), recording_id, verifier)
    return _page(paper, "certificate")


def _page(paper: service.Paper, kind: str) -> str:
    leaf = entry_leaf_hash(paper.bundle.salt, paper.bundle.entry).hex()
    origin, size, root = paper.bundle.checkpoint.split("\n")[:3]
    lines = ("cordon-receipt-1", origin, str(paper.bundle.index), leaf, str(paper.statement["sha256"]))
    return render_template(
        "pages/paper.html",
        paper=paper,
        kind=kind,
        said=paper.statement,
        leaf=leaf,
        origin=origin,
        size=size,
        root=root,
        qr=qr_svg("\n".join(lines)),
    )
