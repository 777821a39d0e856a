"""Clients that nobody here wrote, through a line that is cut at random: what is stored is what they sent."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import aiotus
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from app.uploads.service import complete
from tests.factories.cutting_proxy import cutting_proxy
from tests.factories.node_clients import BIN, install_node_clients, node_environment
from tests.factories.upload_site import DATA, Site

SEEDS = {"tuspy": 11, "aiotus": 12, "aiotus in parts": 13, "tus-js-client": 14, "tus-js-client in parts": 15}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "A.mp4"
    path.write_bytes(DATA)
    return path


def _check(site: Site, url: str) -> None:
    """The upload is there, whole, and after verification the file is the source."""
    location = urlsplit(url).path
    complete(site.database, site.staging, UUID(location.rpartition("/")[2]), lambda: None)
    status = site.call("GET", f"{location}/status").json()
    assert (status["state"], status["sha256"]) == ("received", hashlib.sha256(DATA).hexdigest())
    assert site.stored(location) == DATA


def test_tuspy(site: Site, file: Path) -> None:
    said = {"filename": "A.mp4", "exercise": str(site.exercise)}
    with cutting_proxy(site.address, SEEDS["tuspy"], cuts=6, longest=900_000) as proxy:
        client, url = TusClient(f"{proxy.address}/api/v1/uploads", headers=site.officer), None
        for _ in range(12):  # each time as a new run of the program
            try:
                with file.open("rb") as stream:
                    sent = client.uploader(
                        file_stream=stream, chunk_size=700_000, metadata=said, url=url, upload_checksum=True
                    )
                    url = url or sent.create_url()
                    sent.set_url(url)
                    sent.upload()
                break
            except (TusUploadFailed, TusCommunicationError, OSError):
                continue
        assert len(proxy.done) == 6
    assert url is not None
    _check(site, url)


@pytest.mark.parametrize("parts", [1, 3])
def test_aiotus(site: Site, parts: int) -> None:
    said = {"filename": b"A.mp4", "exercise": str(site.exercise).encode()}
    retries = aiotus.RetryConfiguration(retry_attempts=30, max_retry_period_seconds=0.2)
    seed = SEEDS["aiotus" if parts == 1 else "aiotus in parts"]
    headers = dict(site.officer)
    with cutting_proxy(site.address, seed, cuts=5, longest=900_000) as proxy:
        endpoint = f"{proxy.address}/api/v1/uploads"
        if parts == 1:
            made = aiotus.upload(
                endpoint, io.BytesIO(DATA), said, config=retries, headers=headers, chunksize=800_000
            )
        else:
            headers["Upload-Metadata"] = site.creation(1)["Upload-Metadata"]  # aiotus sends none for parts
            cut = [DATA[n : n + 1_700_000] for n in range(0, len(DATA), 1_700_000)]
            made = aiotus.upload_multiple(
                endpoint, map(io.BytesIO, cut), said, config=retries, headers=headers, chunksize=800_000
            )
        url = asyncio.run(made)
        assert len(proxy.done) == 5
    assert url is not None
    _check(site, str(url))


@pytest.mark.parametrize("parts", [1, 3])
def test_tus_js_client(site: Site, file: Path, parts: int) -> None:
    seed = SEEDS["tus-js-client" if parts == 1 else "tus-js-client in parts"]
    with cutting_proxy(site.address, seed, cuts=5, longest=900_000) as proxy:
        request = {
            "endpoint": f"{proxy.address}/api/v1/uploads",
            "file": str(file),
            "metadata": {"filename": "A.mp4", "exercise": str(site.exercise)},
            "headers": site.officer,
            "parallelUploads": parts,
            "chunkSize": 400_000,
        }
        run = subprocess.run(
            [BIN / "node", "tus_client.mjs", json.dumps(request)],
            cwd=install_node_clients(),
            env=node_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        answer = json.loads(run.stdout)
        assert len(proxy.done) == 5, answer
    assert "url" in answer, answer
    _check(site, answer["url"])
