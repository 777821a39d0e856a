"""A proxy that inspects TLS, as the networks of many forces have: it ends the connection with a certificate of its own
authority, asks for a name and a password, and sends what it read on to the service.

It can be as bad as a poor line: cut a request after so many bytes, or be told to answer in the service's place.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER = "officer"
PASSWORD = "otter-secret"


class TlsProxy(ThreadingHTTPServer):
    """`backend` is the address that every request goes to. `cuts`: bytes of the next PATCHes after which both ends are
    cut; `seen`: "METHOD path" of all requests; `before` is called ahead of each."""

    daemon_threads = True

    def __init__(self, backend: str, folder: Path, host: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.backend = backend
        self.ca, self.context = _authority(folder, host)
        self.cuts: list[int] = []
        self.seen: list[str] = []
        self.before: Callable[[str], None] = lambda _: None

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave are what the tests are about."""

    @property
    def url(self) -> str:
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: TlsProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent: the tests look at `server.seen`."""

    def do_CONNECT(self) -> None:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Proxy-Authorization") != expected:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.close_connection = True
        with self.connection as outer, self.server.context.wrap_socket(outer, server_side=True) as inner:
            Inside(inner, self.client_address, self.server)


class Inside(BaseHTTPRequestHandler):
    """The requests inside the tunnel."""

    server: TlsProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent."""

    def relay(self) -> None:
        line = f"{self.command} {self.path}"
        self.server.seen.append(line)
        self.server.before(line)
        length = int(self.headers.get("Content-Length", 0))
        cut = self.server.cuts.pop(0) if self.command == "PATCH" and self.server.cuts else length
        with closing(http.client.HTTPConnection(urlsplit(self.server.backend).netloc, timeout=30)) as backend:
            self._pass_on(backend, length, cut)

    def _pass_on(self, backend: http.client.HTTPConnection, length: int, cut: int) -> None:
        backend.putrequest(self.command, self.path, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("host", "connection"):
                backend.putheader(name, value)
        backend.endheaders()
        if not self._copy(backend, length, cut):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        answer = backend.getresponse()
        body = answer.read()
        self.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _copy(self, backend: http.client.HTTPConnection, length: int, cut: int) -> bool:
        """The body, or its first `cut` bytes and False."""
        left = min(length, cut)
        while left and (data := self.rfile.read(min(left, 2**16))):
            backend.send(data)
            left -= len(data)
        return cut >= length

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = relay


def _authority(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """An authority's certificate as a PEM file, and what a server for `host` that it certified uses."""
    key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Inspecting proxy", key, "Inspecting proxy", key, ca=True)
    leaf = _certificate(host, leaf_key, "Inspecting proxy", key, ca=False)
    ca, pair = folder / "proxy-ca.pem", folder / "proxy-leaf.pem"
    ca.write_bytes(authority.public_bytes(Encoding.PEM))
    private = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pair.write_bytes(private + leaf.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return ca, context


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject.replace(" ", "-"))]), critical=False)
        .sign(signer, hashes.SHA256())
    )


@contextmanager
def tls_proxy(backend: str, folder: Path, host: str) -> Iterator[TlsProxy]:
    """Runs one on a free loopback port."""
    proxy = TlsProxy(backend, folder, host)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
