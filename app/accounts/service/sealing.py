"""TOTP seeds must be read again: they are sealed at rest, as text."""

from __future__ import annotations

import base64

from app.core import sealing
from app.core.sealing import SealError

_PURPOSE = "totp"
_PREFIX = "v1."


def seal(secret_key: str, plain: str, *, owner: bytes) -> str:
    """`v1.` and base64url of what `core.sealing` makes, bound to the owner's id."""
    sealed = sealing.seal(secret_key, plain.encode(), purpose=_PURPOSE, owner=owner)
    return _PREFIX + base64.urlsafe_b64encode(sealed).decode()


def unseal(secret_key: str, sealed: str, *, owner: bytes) -> str:
    """What was sealed for that owner. Raises SealError."""
    try:
        raw = base64.urlsafe_b64decode(sealed.removeprefix(_PREFIX))
    except ValueError as error:
        raise SealError("a sealed secret is not what it was") from error
    return sealing.unseal(secret_key, raw, purpose=_PURPOSE, owner=owner).decode()
