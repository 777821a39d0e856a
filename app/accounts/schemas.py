"""What the accounts API takes and gives."""

from __future__ import annotations

from marshmallow import fields, validate

from app.core.identity import OrganisationKind, Role
from app.core.schema import BaseSchema, Text

_email = validate.Length(3, 254)
_password = validate.Length(1, 256)
_code = validate.Length(1, 100)
_totp = validate.Regexp(r"\A[0-9]{6}\Z", error="six digits")
_pem = validate.Length(1, 4000)
_kind = validate.OneOf([kind.value for kind in OrganisationKind])
_role = validate.OneOf([role.value for role in Role])


def _roles() -> fields.List[str]:
    return fields.List(fields.String(validate=_role), required=True, validate=validate.Length(1, len(Role)))


def _name() -> Text:
    return Text(required=True, most=200, one_line=True)


class ActivationSchema(BaseSchema):
    email = fields.Email(required=True, validate=_email)
    code = fields.String(required=True, validate=_code)
    password = fields.String(required=True, load_only=True, validate=_password)


class TotpSetupSchema(BaseSchema):
    totp_secret = fields.String(required=True, metadata={"description": "base32, shown once"})
    otpauth_uri = fields.String(required=True)


class ActivationConfirmSchema(ActivationSchema):
    totp = fields.String(required=True, validate=_totp)


class EnrolSchema(BaseSchema):
    email = fields.Email(required=True, validate=_email)
    password = fields.String(required=True, load_only=True, validate=_password)
    totp = fields.String(required=True, validate=_totp)
    name = _name()
    public_key_pem = fields.String(required=True, validate=_pem)


class EnrolledSchema(BaseSchema):
    client_id = fields.String(required=True)


class OrganisationCreateSchema(BaseSchema):
    kind = fields.String(required=True, validate=_kind)
    name = _name()


class OrganisationSchema(BaseSchema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=_kind)
    name = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    disabled_at = fields.DateTime(allow_none=True)


class MeSchema(BaseSchema):
    kind = fields.String(required=True, validate=validate.OneOf(["person", "client"]))
    id = fields.UUID(required=True)
    label = fields.String(required=True)
    person_id = fields.UUID(
        allow_none=True, metadata={"description": "the human behind it; null for machines"}
    )
    roles = fields.List(fields.String(validate=_role), required=True)
    organisation = fields.Nested(OrganisationSchema, required=True)


class PersonCreateSchema(BaseSchema):
    email = fields.Email(required=True, validate=_email)
    name = _name()
    organisation_id = fields.UUID(required=True)
    roles = _roles()


class PersonSchema(BaseSchema):
    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    organisation_id = fields.UUID(required=True)
    roles = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)
    activated = fields.Boolean(required=True)
    last_sign_in_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime(required=True)


class PersonWithCodeSchema(PersonSchema):
    activation_code = fields.String(required=True, metadata={"description": "shown once; good for 72 hours"})


class ClientCreateSchema(BaseSchema):
    organisation_id = fields.UUID(required=True)
    name = _name()
    roles = _roles()
    public_key_pem = fields.String(required=True, validate=_pem)


class ClientSchema(BaseSchema):
    id = fields.UUID(required=True)
    client_id = fields.String(required=True)
    name = fields.String(required=True)
    organisation_id = fields.UUID(required=True)
    person_id = fields.UUID(allow_none=True)
    roles = fields.List(fields.String(), required=True)
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(allow_none=True)
    disabled_at = fields.DateTime(allow_none=True)


class TufKeyValueSchema(BaseSchema):
    public = fields.String(
        required=True, validate=validate.Regexp(r"\A[0-9a-fA-F]{64}\Z", error="64 hexadecimal digits")
    )


class TufKeySchema(BaseSchema):
    """A key object of TUF's metadata."""

    keytype = fields.String(required=True, validate=validate.Equal("ed25519"))
    scheme = fields.String(required=True, validate=validate.Equal("ed25519"))
    keyval = fields.Nested(TufKeyValueSchema, required=True)


class SigningKeyCreateSchema(BaseSchema):
    public = fields.Nested(TufKeySchema, required=True)
    proof = fields.String(
        required=True,
        validate=validate.Regexp(r"\A[0-9a-fA-F]{128}\Z", error="128 hexadecimal digits"),
        metadata={"description": "hex signature over 'cordon signing key\\n<person id>\\n<keyid>'"},
    )


class SigningKeySchema(BaseSchema):
    keyid = fields.String(required=True)
    public = fields.Dict(required=True)
    created_at = fields.DateTime(required=True)
    revoked_at = fields.DateTime(allow_none=True)


class SigningKeyListSchema(BaseSchema):
    items = fields.List(fields.Nested(SigningKeySchema), required=True)


class TokenSchema(BaseSchema):
    """RFC 6749 section 5.1."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "seconds"})


class OAuthErrorSchema(BaseSchema):
    """RFC 6749 section 5.2: this endpoint answers so, and not with problem details, for stock OAuth clients."""

    error = fields.String(required=True)
    error_description = fields.String()
