"""The typed tags of the log, each with its verb: what can happen, on one page that an auditor reads.

The six verbs are those that section 62 of the UK's Data Protection Act 2018 asks logs for; `administration` covers
what touches accounts and no footage.
"""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"
    ADMINISTRATION = "administration"


class Tag(StrEnum):
    """What happened. The value, `noun:what`, is stored and never changes; new tags are added, none is reused."""

    verb: Verb

    def __new__(cls, value: str, verb: Verb) -> Tag:
        tag = str.__new__(cls, value)
        tag._value_ = value
        tag.verb = verb
        return tag

    # organisations, people, machine clients, keys
    SYSTEM_INIT = "system:init", Verb.ADMINISTRATION
    ORGANISATION_CREATE = "organisation:create", Verb.ADMINISTRATION
    ORGANISATION_UPDATE = "organisation:update", Verb.ADMINISTRATION
    PERSON_CREATE = "person:create", Verb.ADMINISTRATION
    PERSON_UPDATE = "person:update", Verb.ADMINISTRATION
    PERSON_DISABLE = "person:disable", Verb.ADMINISTRATION
    PERSON_PASSWORD = "person:password", Verb.ADMINISTRATION
    PERSON_TOTP = "person:totp", Verb.ADMINISTRATION
    CLIENT_CREATE = "client:create", Verb.ADMINISTRATION
    CLIENT_REVOKE = "client:revoke", Verb.ADMINISTRATION
    KEY_REGISTER = "key:register", Verb.ADMINISTRATION
    KEY_REVOKE = "key:revoke", Verb.ADMINISTRATION
    # access
    SIGN_IN_SUCCESS = "sign-in:success", Verb.ADMINISTRATION
    SIGN_IN_FAILURE = "sign-in:failure", Verb.ADMINISTRATION
    SIGN_OUT = "sign-in:end", Verb.ADMINISTRATION
    TOKEN_ISSUED = "token:issued", Verb.ADMINISTRATION
    TOKEN_REFUSED = "token:refused", Verb.ADMINISTRATION
    ACCESS_DENIED = "access:denied", Verb.CONSULTATION
    AUDIT_VIEWED = "audit:viewed", Verb.CONSULTATION
    # agreements
    AGREEMENT_REQUESTED = "agreement:requested", Verb.ADMINISTRATION
    AGREEMENT_APPROVED = "agreement:approved", Verb.ADMINISTRATION
    AGREEMENT_ACTIVE = "agreement:active", Verb.ADMINISTRATION
    AGREEMENT_REVOKED = "agreement:revoked", Verb.ADMINISTRATION
    # exercises, uploads, recordings
    EXERCISE_CREATE = "exercise:create", Verb.COLLECTION
    EXERCISE_UPDATE = "exercise:update", Verb.ALTERATION
    EXERCISE_CLOSE = "exercise:close", Verb.ALTERATION
    EXERCISE_REOPEN = "exercise:reopen", Verb.ALTERATION
    UPLOAD_CREATE = "upload:create", Verb.COLLECTION
    UPLOAD_DECLARE = "upload:declare", Verb.COLLECTION
    UPLOAD_COMPLETE = "upload:complete", Verb.COLLECTION
    UPLOAD_SCREENED = "upload:screened", Verb.COLLECTION
    UPLOAD_INFECTED = "upload:infected", Verb.ERASURE
    UPLOAD_REJECT = "upload:reject", Verb.COLLECTION
    UPLOAD_TERMINATE = "upload:terminate", Verb.ERASURE
    UPLOAD_EXPIRE = "upload:expire", Verb.ERASURE
    RECORDING_RECEIVED = "recording:received", Verb.COLLECTION
    RECORDING_PROCESSING = "recording:processing", Verb.ALTERATION
    RECORDING_AGAIN = "recording:processed-again", Verb.ALTERATION
    RECORDING_READY = "recording:ready", Verb.ALTERATION
    RECORDING_REJECTED = "recording:rejected", Verb.ALTERATION
    RECORDING_DESCRIBED = "recording:described", Verb.ALTERATION
    RECORDING_VIEWED = "recording:viewed", Verb.CONSULTATION
    RECORDING_REVIEWED = "recording:reviewed", Verb.ALTERATION
    RECORDING_COMPARED = "recording:compared", Verb.COMBINATION
    RECORDING_QUARANTINED = "recording:quarantined", Verb.ALTERATION
    RECORDING_WITHDRAWN = "recording:withdrawn", Verb.ALTERATION
    RECORDING_ERASED = "recording:erased", Verb.ERASURE
    DERIVATION_REQUESTED = "derivation:requested", Verb.ALTERATION
    DERIVATION_FAILED = "derivation:failed", Verb.ALTERATION
    RECORDING_JOINED = "recording:joined", Verb.COMBINATION
    RECORDING_CUT = "recording:cut", Verb.ALTERATION
    RECORDING_EXPORTED = "recording:exported", Verb.ALTERATION
    # what a force decides about what it handed over
    REVIEW_CONFIRMED = "sensitivity-review:confirmed", Verb.ALTERATION
    REVIEW_REVOKED = "sensitivity-review:revoked", Verb.ALTERATION
    HOLD_PLACED = "legal-hold:placed", Verb.ALTERATION
    HOLD_LIFTED = "legal-hold:lifted", Verb.ALTERATION
    RETENTION_DUE = "retention:due", Verb.ALTERATION
    RETENTION_DECIDED = "retention:decided", Verb.ALTERATION
    INCIDENT_CLEARED = "incident:cleared", Verb.ALTERATION
    # of a part, where the joined recording that stands for it was set apart
    JOINED_QUARANTINED = "joined:quarantined", Verb.ALTERATION
    JOINED_CLEARED = "joined:cleared", Verb.ALTERATION
    INCIDENT_MOVING_OUT = "incident:moving-out", Verb.ALTERATION
    INCIDENT_ORIGINAL_FETCHED = "incident:original-fetched", Verb.DISCLOSURE
    INCIDENT_MOVED_OUT = "incident:moved-out", Verb.DISCLOSURE
    ERASURE_REQUESTED = "erasure:requested", Verb.ALTERATION
    ERASURE_CONFIRMED = "erasure:confirmed", Verb.ALTERATION
    ERASURE_CANCELLED = "erasure:cancelled", Verb.ALTERATION
    RECORDING_KEY_DESTROYED = "recording:key-destroyed", Verb.ERASURE
    LABELS_ERASED = "annotation:drafts-erased", Verb.ERASURE
    ASSIGNMENT_CLOSED = "assignment:closed", Verb.ALTERATION
    ASSIGNMENT_REOPENED = "assignment:reopened", Verb.ALTERATION
    RELEASE_SHARDS_CLOSED = "release:shards-closed", Verb.ALTERATION
    RELEASE_SHARDS_OPENED = "release:shards-opened", Verb.DISCLOSURE
    RELEASE_SHARDS_ERASED = "release:shards-erased", Verb.ERASURE
    # redaction
    REDACTION_PROPOSED = "redaction:proposed", Verb.ALTERATION
    REDACTION_OPENED = "redaction:opened", Verb.ALTERATION
    REDACTION_CHANGED = "redaction:changed", Verb.ALTERATION
    REDACTION_APPROVED = "redaction:approved", Verb.ALTERATION
    REDACTION_CANCELLED = "redaction:cancelled", Verb.ALTERATION
    REDACTION_RENDERING = "redaction:rendering", Verb.ALTERATION
    REDACTION_RENDERED = "redaction:rendered", Verb.ALTERATION
    REDACTION_FAILED = "redaction:failed", Verb.ALTERATION
    REDACTION_VIEWED = "redaction:viewed", Verb.CONSULTATION
    # labels
    TAXONOMY_CREATE = "taxonomy:create", Verb.ALTERATION
    TASK_CREATE = "task:create", Verb.ALTERATION
    TASK_CLOSE = "task:close", Verb.ALTERATION
    CLIP_VIEWED = "clip:viewed", Verb.CONSULTATION
    ASSIGNMENT_CREATE = "assignment:create", Verb.ALTERATION
    ASSIGNMENT_STARTED = "assignment:started", Verb.ALTERATION
    ANNOTATION_SAVED = "annotation:saved", Verb.ALTERATION
    ANNOTATION_SUBMITTED = "annotation:submitted", Verb.ALTERATION
    ANNOTATION_ACCEPTED = "annotation:accepted", Verb.ALTERATION
    ANNOTATION_RETURNED = "annotation:returned", Verb.ALTERATION
    # datasets and releases
    DATASET_CREATE = "dataset:create", Verb.COMBINATION
    DATASET_VERSION_CREATE = "dataset-version:create", Verb.COMBINATION
    DATASET_VERSION_UPDATE = "dataset-version:update", Verb.COMBINATION
    DATASET_VERSION_FROZEN = "dataset-version:frozen", Verb.COMBINATION
    ROOT_INSTALLED = "collection:root-installed", Verb.ADMINISTRATION
    RELEASE_REQUESTED = "release:requested", Verb.COMBINATION
    RELEASE_FAILED = "release:failed", Verb.COMBINATION
    RELEASE_SIGN_OFF_REQUESTED = "release:sign-off-requested", Verb.ALTERATION
    RELEASE_BUILT = "release:built", Verb.COMBINATION
    RELEASE_SIGNATURE_ADDED = "release:signature-added", Verb.ALTERATION
    RELEASE_SIGNED = "release:signed", Verb.ALTERATION
    RELEASE_PUBLISHED = "release:published", Verb.DISCLOSURE
    RELEASE_SUPERSEDED = "release:superseded", Verb.ALTERATION
    RELEASE_RECALLED = "release:recalled", Verb.ALTERATION
    GRANT_REQUESTED = "grant:requested", Verb.DISCLOSURE
    GRANT_APPROVED = "grant:approved", Verb.DISCLOSURE
    GRANT_ACTIVE = "grant:active", Verb.DISCLOSURE
    GRANT_EXPIRED = "grant:expired", Verb.ALTERATION
    GRANT_REVOKED = "grant:revoked", Verb.ALTERATION
    DOWNLOAD_METADATA = "download:metadata", Verb.DISCLOSURE
    DOWNLOAD_TARGET = "download:target", Verb.DISCLOSURE
    RECALL_ISSUED = "recall:issued", Verb.ERASURE
    RECALL_ACKNOWLEDGED = "recall:acknowledged", Verb.ERASURE
    RECALL_ATTESTED = "recall:attested", Verb.ERASURE
    RECALL_OVERDUE = "recall:overdue", Verb.ERASURE
    EVALUATION_CREATE = "evaluation:create", Verb.CONSULTATION
    EVALUATION_COMPLETE = "evaluation:complete", Verb.DISCLOSURE
