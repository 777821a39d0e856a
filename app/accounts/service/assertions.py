"""Verifies a client's `private_key_jwt` (RFC 7523, OpenID Connect Core 9) with Authlib.

What is ours: the algorithm follows from the registered key, never from the header; `exp` lies at most five minutes
ahead; a `jti` is spent in the database, so that a replay fails on every process.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523.client import JWTBearerClientAssertion
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import MachineClient
from app.accounts.service.clients import load_public_key
from app.accounts.service.identities import Surface, client_may_act
from app.core import clock

MAX_AHEAD_SECONDS = 300
LEEWAY_SECONDS = 30
MAX_JTI = 255


class ClientAssertionCheck(JWTBearerClientAssertion):
    """One check in one transaction; `seen` is the registered client that the assertion named, if any."""

    def __init__(self, session: Session, *, token_endpoint: str, surface: Surface) -> None:
        super().__init__(leeway=LEEWAY_SECONDS)
        self._session, self._token_endpoint, self._surface = session, token_endpoint, surface
        self.seen: MachineClient | None = None

    def verify(self, form: dict[str, str]) -> MachineClient:
        """The client that signed. Raises InvalidClientError for anything that does not hold."""
        try:
            client: MachineClient | None = self(self._find, SimpleNamespace(form=form))
        except RecursionError as error:
            raise InvalidClientError(description="The assertion is nested too deeply") from error
        if client is None:
            raise InvalidClientError(
                description="Authenticate with client_assertion_type and client_assertion (RFC 7523)"
            )
        return client

    def get_audiences(self) -> list[str]:
        """Only this surface's own token endpoint."""
        return [self._token_endpoint]

    def resolve_client_public_key(self, client: MachineClient) -> jwk.Key:
        """The registered key with the one algorithm that it may be used with."""
        if isinstance(load_public_key(client.public_key_pem), Ed25519PublicKey):
            return jwk.OKPKey.import_key(client.public_key_pem)
        return jwk.ECKey.import_key(client.public_key_pem)

    def process_assertion_claims(self, assertion: str, resolve_key: jwk.Key) -> dict[str, Any]:
        """The claims of a well signed assertion. `Ed25519` is RFC 9864's name for RFC 8037's `EdDSA`."""
        allowed = ["EdDSA", "Ed25519"] if isinstance(resolve_key, jwk.OKPKey) else ["ES256"]
        try:
            token = jwt.decode(assertion, resolve_key, algorithms=allowed)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidClientError(description="The assertion's signature does not hold") from error
        self.verify_claims(token.claims)
        return token.claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """Adds to Authlib's checks an end that is near."""
        exp = claims.get("exp")
        if (
            isinstance(exp, int | float)
            and exp > clock.now().timestamp() + MAX_AHEAD_SECONDS + LEEWAY_SECONDS
        ):
            raise InvalidClientError(description=f"exp lies more than {MAX_AHEAD_SECONDS} seconds ahead")
        super().verify_claims(claims)

    def validate_jti(self, claims: dict[str, Any], jti: object) -> bool:
        """Spends the id; False for one that was spent or that cannot be stored."""
        if not isinstance(jti, str) or not _storable(jti) or self.seen is None:
            return False
        until = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=LEEWAY_SECONDS)
        return queries.spend_assertion(self._session, self.seen.id, jti, until)

    def authenticate_client(self, client: MachineClient) -> MachineClient:
        """A client that may act on this surface; a disabled or foreign one is as unknown as any other."""
        if not client_may_act(client, self._surface):
            raise InvalidClientError(description="The client is not active here")
        return client

    def _find(self, client_id: str) -> MachineClient | None:
        if _storable(client_id):
            self.seen = queries.client_by_name(self._session, client_id)
        return self.seen


def _storable(text: str) -> bool:
    """One short line of Unicode: neither U+0000 nor half of a surrogate pair is printable."""
    return 0 < len(text) <= MAX_JTI and text.isprintable()
