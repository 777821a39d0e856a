"""One authenticated conversation with the service: tokens, retries, and errors as one line.

Proxies and certificate authorities come from the usual variables, see `network`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase

from app.client.assertion import ASSERTION_TYPE, client_assertion
from app.client.credentials import Credentials
from app.client.errors import ClientError
from app.client.network import authorities
from app.client.problems import problem_error, retry_after, unreachable

_TIMEOUT = (10, 60)
_RENEW_BEFORE = 120  # seconds of a token's life left at which a new one is fetched
_ATTEMPTS = 4
_RETRIED = (429, 502, 503, 504)
_LONGEST_PAUSE = 30.0


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
    `ca` replaces the authorities of the variables and of the credentials; `pause` sleeps between attempts. `data` may
    be a function that makes the body: a request may be sent twice.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        ca: Path | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.credentials = credentials
        self.server = credentials.server
        self.verify = authorities(ca or credentials.ca)
        self._pause = pause
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
                told = unreachable(self.server, error)
                if attempt == attempts or not told.passing:
                    raise told from error
                self._pause(0.5 * 2 ** (attempt - 1))
                continue
            if response.status_code not in _RETRIED or attempt == attempts:
                return response
            response.close()
            self._pause(min(retry_after(response) or 0.5 * 2 ** (attempt - 1), _LONGEST_PAUSE))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send_authenticated(self, method: str, path: str, arguments: dict[str, Any]) -> requests.Response:
        token = self._current_token()
        response = self._send_once(method, path, token, arguments)
        if response.status_code == 401:
            response.close()
            response = self._send_once(method, path, self._current_token(refused=token), arguments)
        return response

    def _send_once(self, method: str, path: str, token: str, arguments: dict[str, Any]) -> requests.Response:
        if callable(make := arguments.get("data")):
            arguments = arguments | {"data": make()}
        fixed: dict[str, Any] = {"auth": _Bearer(token), "timeout": _TIMEOUT, "verify": self.verify}
        return self._http().request(method, self.server + path, **fixed, **arguments)

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
        response = self._http().post(
            self.credentials.token_endpoint, data=form, timeout=_TIMEOUT, verify=self.verify
        )
        if not response.ok:
            error = problem_error(response)
            raise ClientError(
                f"the service gave no token: {error}",
                error.status,
                passing=error.passing,
                retry_after=error.retry_after,
            )
        document = _json(response)
        lifetime = float(document.get("expires_in", 900))
        self._token = str(document["access_token"])
        self._renew_at = time.monotonic() + max(lifetime - _RENEW_BEFORE, lifetime / 2)


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ClientError(f"{response.url} did not answer with JSON: is this the right server?") from None
