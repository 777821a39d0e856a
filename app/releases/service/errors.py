"""Refusals of the release feature."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict, InvalidRequest


class CeremonyNeeded(Conflict):
    type: ClassVar[str] = "ceremony-needed"
    title: ClassVar[str] = (
        "The collection has no root of trust yet: hold its ceremony first (cordon ceremony)"
    )


class CeremonyHeld(Conflict):
    type: ClassVar[str] = "ceremony-held"
    title: ClassVar[str] = "The collection has its root of trust already"


class RootRefused(InvalidRequest):
    type: ClassVar[str] = "root-refused"
    title: ClassVar[str] = "The root of trust is not as the ceremony asked"


class VersionNotFrozen(Conflict):
    type: ClassVar[str] = "version-not-frozen"
    title: ClassVar[str] = "Only a frozen version can be released"


class RedactionBegun(Conflict):
    type: ClassVar[str] = "redaction-begun"
    title: ClassVar[str] = (
        "A force is redacting footage of this release: when it has finished, compose a new version"
    )


class ReviewRevoked(Conflict):
    type: ClassVar[str] = "review-revoked"
    title: ClassVar[str] = "A sensitivity review of this release's footage does not hold any more"


class BasisMissing(Conflict):
    type: ClassVar[str] = "basis-missing"
    title: ClassVar[str] = (
        "An exercise of this release's footage has no lawful basis or no consent record any more"
    )


class FootageWithdrawn(Conflict):
    type: ClassVar[str] = "footage-withdrawn"
    title: ClassVar[str] = "Footage of this release was withdrawn since it was frozen: compose a new version"


class ReleaseState(Conflict):
    type: ClassVar[str] = "release-state"
    title: ClassVar[str] = "The release's state does not allow this"


class OwnComposition(Conflict):
    type: ClassVar[str] = "own-composition"
    title: ClassVar[str] = "Nobody signs what they composed"


class SignedTwice(Conflict):
    type: ClassVar[str] = "signed-twice"
    title: ClassVar[str] = "You have signed this already: another approver's signature is needed"


class SignatureRefused(InvalidRequest):
    type: ClassVar[str] = "signature-refused"
    title: ClassVar[str] = "The signature does not hold"


class GrantRefused(Conflict):
    type: ClassVar[str] = "grant-refused"
    title: ClassVar[str] = "The agreement does not allow this grant"


class GrantState(Conflict):
    type: ClassVar[str] = "grant-state"
    title: ClassVar[str] = "The grant's state does not allow this"
