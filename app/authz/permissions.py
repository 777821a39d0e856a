"""Every permission there is. A route declares one; `permission_map` says who holds it."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    # accounts
    ORGANISATION_READ = "organisation:read"
    ORGANISATION_MANAGE = "organisation:manage"
    PERSON_MANAGE = "person:manage"
    CLIENT_MANAGE = "client:manage"
    SELF = "self"  # one's own session, password, keys, clients
    SIGNING_KEY_REGISTER = "signing-key:register"
    # partners
    AGREEMENT_READ = "agreement:read"
    AGREEMENT_PROPOSE = "agreement:propose"
    AGREEMENT_APPROVE = "agreement:approve"
    # exercises, uploads, recordings
    EXERCISE_READ = "exercise:read"
    EXERCISE_WRITE = "exercise:write"
    UPLOAD_WRITE = "upload:write"
    RECORDING_READ = "recording:read"  # facts and states
    RECORDING_VIEW = "recording:view"  # pictures: proxy, storyboard, poster, waveform
    RECORDING_WITHDRAW = "recording:withdraw"
    RECORDING_DERIVE = (
        "recording:derive"  # have one's own footage joined, cut anew, copied at a constant rate
    )
    REDACTION_REVIEW = "redaction:review"  # decide what is hidden in one's own footage, and have it rendered
    CUSTODY_DECIDE = "custody:decide"  # reviews, holds, retention, incidents and erasure of one's own footage
    INCIDENT_REPORT = "incident:report"  # say of a clip one works on that it may be a real incident
    # annotation
    TAXONOMY_READ = "taxonomy:read"
    TASK_READ = "task:read"
    TASK_MANAGE = "task:manage"
    CLIP_VIEW = "clip:view"
    ANNOTATE = "annotation:write"
    REVIEW = "annotation:review"
    # datasets and releases
    DATASET_READ = "dataset:read"
    DATASET_COMPOSE = "dataset:compose"
    RELEASE_READ = "release:read"
    RELEASE_BUILD = "release:build"
    RELEASE_SIGN = "release:sign"
    RELEASE_PUBLISH = "release:publish"
    GRANT_READ = "grant:read"
    GRANT_PROPOSE = "grant:propose"
    GRANT_APPROVE = "grant:approve"
    RELEASE_FETCH = "release:fetch"  # a partner: what is granted to its organisation
    # audit, operation
    AUDIT_READ = "audit:read"
    OPERATE = "operate"
