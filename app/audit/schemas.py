"""The log over HTTP: what may be asked and what is answered."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.audit.entry import entry_of
from app.audit.events import Tag, Verb
from app.audit.models import AuditEvent
from app.audit.queries import ConsistencyProof, EventFilter
from app.core.schema import BaseSchema, PageQuerySchema, page_schema
from app.proofs.note import b64encode

_NAME = validate.Length(min=1, max=64)


class EventQuerySchema(PageQuerySchema):
    """Filters of the list; members left out ask nothing. Loads to {"wanted", "cursor", "limit"}."""

    tag = fields.String(validate=validate.OneOf([tag.value for tag in Tag]))
    verb = fields.String(validate=validate.OneOf([verb.value for verb in Verb]))
    subject_kind = fields.String(validate=_NAME)
    subject_id = fields.UUID()
    actor_id = fields.UUID()
    organisation_id = fields.UUID()
    since = fields.AwareDateTime(metadata={"description": "first instant included"})
    until = fields.AwareDateTime(metadata={"description": "first instant not included"})

    @post_load
    def _gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        page = {"cursor": data.pop("cursor"), "limit": data.pop("limit")}
        return {"wanted": EventFilter(**data), **page}


class ActorSchema(BaseSchema):
    kind = fields.String(required=True)
    id = fields.UUID(required=True, allow_none=True)
    label = fields.String(required=True)
    person_id = fields.UUID(required=True, allow_none=True)


class SubjectSchema(BaseSchema):
    kind = fields.String(required=True)
    id = fields.UUID(required=True)


class EventSchema(BaseSchema):
    """An entry as the tree commits to it, and its place there (null until it is in a signed checkpoint)."""

    format = fields.String(required=True)
    id = fields.UUID(required=True)
    leaf_index = fields.Integer(required=True, allow_none=True)
    at = fields.String(required=True, metadata={"format": "date-time"})
    tag = fields.String(required=True)
    verb = fields.String(required=True)
    actor = fields.Nested(ActorSchema, required=True)
    organisation_id = fields.UUID(required=True, allow_none=True)
    subject = fields.Nested(SubjectSchema, required=True, allow_none=True)
    purpose = fields.String(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)
    details = fields.Dict(required=True)


EventPageSchema = page_schema(EventSchema)


class ConsistencyQuerySchema(BaseSchema):
    old_size = fields.Integer(required=True, data_key="from", validate=validate.Range(0, 2**62))
    new_size = fields.Integer(required=True, data_key="to", validate=validate.Range(0, 2**62))


class ConsistencySchema(BaseSchema):
    """A consistency proof (RFC 9162 2.1.4); hashes are base64."""

    old_size = fields.Integer(required=True, data_key="from")
    new_size = fields.Integer(required=True, data_key="to")
    old_root = fields.String(required=True, data_key="from_root")
    new_root = fields.String(required=True, data_key="to_root")
    path = fields.List(fields.String(), required=True)


def event_body(event: AuditEvent) -> dict[str, Any]:
    """What EventSchema dumps."""
    return {**entry_of(event), "leaf_index": event.leaf_index}


def consistency_body(proof: ConsistencyProof) -> dict[str, Any]:
    """What ConsistencySchema dumps."""
    return {
        "old_size": proof.old_size,
        "new_size": proof.new_size,
        "old_root": b64encode(proof.old_root),
        "new_root": b64encode(proof.new_root),
        "path": [b64encode(item) for item in proof.path],
    }
