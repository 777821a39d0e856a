"""One line for whatever went wrong on the way to the service, at a proxy between, or in its answer.

No line holds an address of a proxy with its user and password.
"""

from __future__ import annotations

import re
import ssl

import requests

from app.client.errors import ClientError
from app.client.network import proxy_of

PASSING = (408, 429, 500, 502, 503, 504)
_MAX_DETAIL = 300
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


def problem_error(response: requests.Response) -> ClientError:
    """The one line of a problem (RFC 9457) or OAuth error (RFC 6749 5.2), never a page of HTML."""
    try:
        document = response.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    title = document.get("title") or document.get("error") or response.reason or "no reason given"
    detail = document.get("detail") or document.get("error_description")
    text = f"{title}: {detail}" if detail and detail != title else str(title)
    status = f"HTTP {response.status_code}"
    if response.status_code >= 500 and document.get("request_id"):
        status += f", request {str(document['request_id'])[:64]}"  # what the operator finds it by in the log
    return ClientError(
        f"{text[:_MAX_DETAIL]} ({status})",
        response.status_code,
        passing=response.status_code in PASSING,
        retry_after=retry_after(response),
        problem=document,
    )


def retry_after(response: requests.Response) -> float | None:
    """The seconds that the service asks to wait, if it does."""
    header = response.headers.get("Retry-After", "")
    return float(header) if header.isdecimal() else None


def unreachable(server: str, error: Exception) -> ClientError:
    """The one line for a service that does not answer; `passing` unless only the settings can mend it."""
    told = f"{server} cannot be reached"
    proxy = proxy_of(server)
    if (distrust := _distrust(error)) is not None:
        return ClientError(
            f"{told}: its certificate is not trusted{distrust}: give --ca, or set REQUESTS_CA_BUNDLE, to your "
            "authority's file"
        )
    if proxy and isinstance(error, requests.exceptions.ProxyError):
        return _at_proxy(told, proxy, error)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema) and proxy:
        return ClientError(f"{told}: the proxy {proxy} cannot be used: see HTTPS_PROXY")
    reason = "it did not answer in time" if isinstance(error, requests.Timeout) else "no connection"
    if isinstance(error, requests.exceptions.SSLError):
        reason = "the encrypted connection broke off"
    passing = isinstance(
        error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError
    )
    return ClientError(f"{told}: {reason}", passing=passing)


def _at_proxy(told: str, proxy: str, error: Exception) -> ClientError:
    match = _TUNNEL.search(str(error))
    if match is None:
        return ClientError(f"{told}: no connection by the proxy {proxy}", passing=True)
    status = int(match[1])
    if status == 407:
        return ClientError(
            f"{told}: the proxy {proxy} asks for a name and a password: put them into HTTPS_PROXY", status
        )
    return ClientError(
        f"{told}: the proxy {proxy} refused the connection (HTTP {status})", status, passing=status in PASSING
    )


def _distrust(error: BaseException) -> str | None:
    """Why the certificate is not trusted; None where that was not the trouble. A broken line is an SSLError, too."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ssl.SSLCertVerificationError):
            return f" ({one.verify_message})" if one.verify_message else ""
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return None
