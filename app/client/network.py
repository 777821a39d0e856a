"""Whom to trust and which way to go: authorities and proxies, from options and the usual variables.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are read by `requests`. SSL_CERT_FILE, which it does not read, is
what OpenSSL's own programs use and what administrators set.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from app.client.errors import ClientError

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def authorities(given: Path | None) -> str | bool:
    """What servers' certificates are checked against: the PEM file or folder given, else the first variable's.

    True stands for the authorities that come with `certifi`. Raises ClientError for what holds no certificate.
    """
    named = [(str(given), "--ca")] if given else []
    named += [(os.environ[name], name) for name in CA_VARIABLES if os.environ.get(name)]
    if not named:
        return True
    path, origin = named[0]
    try:
        _load(path, Path(path).stat().st_mtime_ns)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise ClientError(f"{path} (from {origin}) cannot be used: {reason}") from error
    return path


@cache
def _load(path: str, _changed_at: int) -> None:
    """Reads it once, until it changes: a system's whole bundle takes longer than a request. Raises OSError."""
    place = {"capath": path} if Path(path).is_dir() else {"cafile": path}
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**place)


def proxy_of(url: str) -> str | None:
    """`host:port` of the proxy on the way to `url`, without user and password; None where there is none."""
    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return None
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return "of HTTPS_PROXY"
