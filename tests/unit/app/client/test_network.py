"""Whom to trust and which way to go, and what is said where there is no way."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import MaxRetryError, ProxyError

from app.client.credentials import load_credentials
from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.network import CA_VARIABLES, authorities, proxy_of
from app.client.problems import unreachable
from tests.factories.hostile_server import Server
from tests.factories.tls_proxy import tls_proxy

SITE = "https://cordon.example"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *CA_VARIABLES,
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


def test_the_authorities_of_the_usual_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_proxy("http://127.0.0.1:1", tmp_path, "cordon.example") as proxy:
        assert authorities(None) is True
        assert authorities(proxy.ca) == str(proxy.ca)
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca))
        assert authorities(None) == str(proxy.ca)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        assert authorities(None) == str(tmp_path)
        assert authorities(proxy.ca) == str(proxy.ca)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file"), ("no certificate", "no certificate in PEM")]
)
def test_authorities_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, says: str
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ClientError, match=rf"from SSL_CERT_FILE\) cannot be used: .*{says}"):
        authorities(None)


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://kim:otter@proxy.force.example:3128", "proxy.force.example:3128"),
        ("kim:otter@proxy.force.example:3128", "proxy.force.example:3128"),
        ("http://proxy.force.example", "proxy.force.example"),
        ("http://kim:otter@proxy.force.example:port", "of HTTPS_PROXY"),
        ("", None),
    ],
)
def test_a_proxy_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, shown: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert proxy_of(SITE) == shown
    monkeypatch.setenv("NO_PROXY", "cordon.example")
    assert proxy_of(SITE) is None


def refused(status: int) -> requests.exceptions.ProxyError:
    tunnel = ProxyError("Unable to connect to proxy", OSError(f"Tunnel connection failed: {status} No"))
    return requests.exceptions.ProxyError(MaxRetryError(None, "/", tunnel))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "says", "passing"),
    [
        (refused(407), "the proxy proxy.example:3128 asks for a name and a password", False),
        (refused(403), "the proxy proxy.example:3128 refused the connection (HTTP 403)", False),
        (refused(503), "the proxy proxy.example:3128 refused the connection (HTTP 503)", True),
        (requests.exceptions.ProxyError("no route"), "no connection by the proxy proxy.example:3128", True),
        (requests.exceptions.InvalidSchema("SOCKS"), "the proxy proxy.example:3128 cannot be used", False),
        (requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF")), "the encrypted connection broke off", True),
        (requests.Timeout(), "it did not answer in time", True),
        (requests.ConnectionError(), "no connection", True),
    ],
)
def test_what_is_said_of_each_fault(
    monkeypatch: pytest.MonkeyPatch, error: Exception, says: str, passing: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://kim:otter@proxy.example:3128")
    told = unreachable(SITE, error)
    assert says in str(told)
    assert told.passing is passing
    assert "otter" not in str(told)


def test_authorities_that_stand_in_the_credentials(
    server: Server, credentials_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which `cordon login --ca` put there: nothing else needs be said again."""
    server.api = lambda method, path, body: (200, {"path": path})
    with tls_proxy(server.url, credentials_file.parent, "cordon.example") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        document = json.loads(credentials_file.read_text()) | {"server": SITE, "ca": proxy.ca.name}
        credentials_file.write_text(json.dumps(document))
        with ApiSession(load_credentials(credentials_file)) as session:
            assert session.get_json("/api/v1/x") == {"path": "/api/v1/x"}
    assert proxy.seen == ["POST /oauth/token", "GET /api/v1/x"]


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://kim:otter@127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(requests.ConnectionError) as caught:
            requests.get(SITE, timeout=5)
    told = unreachable(SITE, caught.value)
    assert "no connection by the proxy 127.0.0.1:" in str(told)
    assert "otter" not in str(told)
