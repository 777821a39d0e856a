"""A real S3 server for the contract suites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.factories.seaweed import running_seaweed


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a running S3 server, whose credentials are in the environment; ended by its pid."""
    with running_seaweed() as server:
        yield server.endpoint


def s3_client(endpoint: str) -> Any:
    """boto3's client for that server."""
    return boto3.client("s3", endpoint_url=endpoint)
