"""What the rest of the house does with accounts. Functions authorise, decide, write and audit; none commits."""

from app.accounts.service.activation import activate, confirm_activation
from app.accounts.service.clients import create_client, disable_client, enrol_client, list_clients
from app.accounts.service.identities import (
    Surface,
    identity_of_client,
    identity_of_person,
    person_may_act,
    surface_of,
)
from app.accounts.service.organisations import (
    create_organisation,
    disable_organisation,
    list_organisations,
)
from app.accounts.service.people import create_person, disable_person, list_people, reset_person
from app.accounts.service.sessions import SignInRefused, person_of_session, sign_in, sign_out
from app.accounts.service.signing_keys import list_signing_keys, register_signing_key
from app.accounts.service.tokens import OAuthError, identity_of_token, issue_token, sweep_expired

__all__ = [
    "OAuthError",
    "SignInRefused",
    "Surface",
    "activate",
    "confirm_activation",
    "create_client",
    "create_organisation",
    "create_person",
    "disable_client",
    "disable_organisation",
    "disable_person",
    "enrol_client",
    "identity_of_client",
    "identity_of_person",
    "identity_of_token",
    "issue_token",
    "list_clients",
    "list_organisations",
    "list_people",
    "list_signing_keys",
    "person_may_act",
    "person_of_session",
    "register_signing_key",
    "reset_person",
    "sign_in",
    "sign_out",
    "surface_of",
    "sweep_expired",
]
