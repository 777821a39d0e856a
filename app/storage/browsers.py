"""Whether pages may send parts into the store from a browser: the bucket's CORS rule, and what a preflight is answered.

A browser asks the store itself first, by the Fetch standard's preflight; the rule lets pages of our origin PUT with the
digest that was signed, and read nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import requests
from botocore.exceptions import ClientError

from app.storage.s3 import translated

if TYPE_CHECKING:
    from app.storage.multipart import IncomingObjects

RULE_ID: Final = "cordon-uploads"
SENT_HEADER: Final = "x-amz-checksum-sha256"  # of those that are signed, the one that a page sets by itself
_KEPT_SECONDS: Final = 600
_TIMEOUT: Final = (5, 15)


class BrowserRules:
    """The CORS rules of one bucket, of which one is ours. Methods raise StoreUnavailable."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def all(self) -> list[dict[str, Any]]:
        """Every rule of the bucket, in order, as S3 has them."""
        with translated(self._bucket):
            try:
                answer = self._client.get_bucket_cors(Bucket=self._bucket)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchCORSConfiguration":
                    return []
                raise
        return list(answer["CORSRules"])

    def allow(self, origin: str) -> None:
        """Lets pages of that origin send parts; rules of others stay as they are."""
        ours = {
            "ID": RULE_ID,
            "AllowedOrigins": [origin],
            "AllowedMethods": ["PUT"],
            "AllowedHeaders": [SENT_HEADER],
            "MaxAgeSeconds": _KEPT_SECONDS,
        }
        self._replace([*self._others(), ours])

    def remove(self) -> None:
        """Takes our rule out; where there is none this is no error."""
        self._replace(self._others())

    def _others(self) -> list[dict[str, Any]]:
        return [rule for rule in self.all() if not _is_ours(rule)]

    def _replace(self, rules: list[dict[str, Any]]) -> None:
        with translated(self._bucket):
            if rules:
                self._client.put_bucket_cors(Bucket=self._bucket, CORSConfiguration={"CORSRules": rules})
            else:
                self._client.delete_bucket_cors(Bucket=self._bucket)


def _is_ours(rule: dict[str, Any]) -> bool:
    if "ID" in rule:
        return bool(rule["ID"] == RULE_ID)
    # some stores keep no names
    return (rule.get("AllowedMethods"), rule.get("AllowedHeaders")) == (["PUT"], [SENT_HEADER])


def preflight(incoming: IncomingObjects, origin: str) -> str:
    """Asks as a browser does before a page of `origin` sends a part. Returns why it would not, "" where it would."""
    url = incoming.address("incoming/preflight", "none", 1, 1, bytes(32)).url
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": SENT_HEADER,
    }
    try:
        answer = requests.options(url, headers=asks, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:  # never the error itself: it tells the address
        return f"{incoming.origin} cannot be reached from here ({type(error).__name__})"
    if not answer.ok:
        return f"{incoming.origin} answers a browser's question with {answer.status_code}"
    return _refusal(answer, origin)


def _refusal(answer: requests.Response, origin: str) -> str:
    if not _listed(answer, "Origin") & {origin, "*"}:
        return f"the store takes nothing from pages of {origin}"
    if not _listed(answer, "Methods") & {"put", "*"}:
        return f"the store lets pages of {origin} send no parts (PUT)"
    if not _listed(answer, "Headers") & {SENT_HEADER, "*"}:
        return f"the store does not let pages of {origin} send {SENT_HEADER}"
    return ""


def _listed(answer: requests.Response, name: str) -> set[str]:
    header = answer.headers.get(f"Access-Control-Allow-{name}", "")
    return {one.strip().lower() for one in header.split(",")}
