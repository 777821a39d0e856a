"""One authenticated conversation with the service: tokens, retries, and errors as one line.

Proxies and certificate authorities come from the usual variables (HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.auth import AuthBase

from app.client.assertion import ASSERTION_TYPE, client_assertion
from app.client.credentials import Credentials
from app.client.errors import ClientError

_TIMEOUT = (10, 60)
_RENEW_BEFORE = 120  # seconds of a token's life left at which a new one is fetched
_ATTEMPTS = 4
_RETRIED = (429, 502, 503, 504)
_TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_MAX_DETAIL = 300


class _Bearer(AuthBase):
    """Sets the token itself, so that a .netrc never replaces it; requests drops it on a redirect elsewhere."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class ApiSession:
    """Requests to one service as one machine client. Safe to use from several threads.

    Paths are relative to the server ("/api/v1/releases"). Every method raises ClientError for what cannot be had.
    """

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.server = credentials.server
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def __enter__(self) -> ApiSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections of every thread."""
        for session in self._sessions:
            session.close()

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return _json(self.request("GET", path, params=params))

    def post_json(self, path: str, body: Mapping[str, Any]) -> Any:
        return _json(self.request("POST", path, json=body))

    def get_pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a keyset-paginated list."""
        cursor: str | None = None
        while True:
            page = self.get_json(path, {"cursor": cursor} if cursor else None)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """The response, if it is a success. GET and HEAD are tried again while the service is out of reach."""
        response = self.send(method, path, **arguments)
        if not response.ok:
            raise problem_error(response)
        return response

    def send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """The response, whatever its status. Raises ClientError only when there is none or no token is given."""
        attempts = _ATTEMPTS if method in ("GET", "HEAD") else 1
        for attempt in range(1, attempts + 1):
            try:
                response = self._send_authenticated(method, path, arguments)
            except requests.RequestException as error:
                if attempt == attempts or not isinstance(error, _TRANSIENT):
                    raise unreachable(self.server, error) from error
                time.sleep(0.5 * 2 ** (attempt - 1))
                continue
            if response.status_code not in _RETRIED or attempt == attempts:
                return response
            response.close()
            time.sleep(_retry_after(response, attempt))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send_authenticated(self, method: str, path: str, arguments: dict[str, Any]) -> requests.Response:
        token = self._current_token()
        response = self._send_once(method, path, token, arguments)
        if response.status_code == 401:
            response.close()
            response = self._send_once(method, path, self._current_token(refused=token), arguments)
        return response

    def _send_once(self, method: str, path: str, token: str, arguments: dict[str, Any]) -> requests.Response:
        return self._http().request(
            method, self.server + path, auth=_Bearer(token), timeout=_TIMEOUT, **arguments
        )

    def _http(self) -> requests.Session:
        """requests promises nothing about sharing a session between threads: each thread has its own."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._sessions.append(self._local.session)
        session: requests.Session = self._local.session
        return session

    def _current_token(self, refused: str = "") -> str:
        with self._lock:
            if not self._token or self._token == refused or time.monotonic() >= self._renew_at:
                self._fetch_token()
            return self._token

    def _fetch_token(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.credentials.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(self.credentials),
        }
        response = self._http().post(self.credentials.token_endpoint, data=form, timeout=_TIMEOUT)
        if not response.ok:
            error = problem_error(response)
            raise ClientError(f"the service gave no token: {error}", error.status)
        document = _json(response)
        lifetime = float(document.get("expires_in", 900))
        self._token = str(document["access_token"])
        self._renew_at = time.monotonic() + max(lifetime - _RENEW_BEFORE, lifetime / 2)


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
    return ClientError(f"{text[:_MAX_DETAIL]} ({status})", response.status_code)


def unreachable(server: str, error: Exception) -> ClientError:
    """The one line for a service that does not answer."""
    reason = "it did not answer in time" if isinstance(error, requests.Timeout) else "no connection"
    if isinstance(error, requests.exceptions.SSLError):
        reason = "its certificate is not trusted (set REQUESTS_CA_BUNDLE to your authority's file)"
    return ClientError(f"{server} cannot be reached: {reason}")


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ClientError(f"{response.url} did not answer with JSON: is this the right server?") from None


def _retry_after(response: requests.Response, attempt: int) -> float:
    header = response.headers.get("Retry-After", "")
    return min(float(header), 30.0) if header.isdigit() else 0.5 * 2 ** (attempt - 1)
