"""Files made to hurt: what each tries is measured, and must not happen.

Each was seen to work against a bare ffmpeg: a playlist that calls out or opens a neighbour's file, a handful of
packets that keep a decoder busy for minutes, a picture that takes gigabytes, hundreds of tracks, tables that claim to
be long.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.media import synthetic

SECRET = "a neighbour's secret"
# Runs the command and says what its tools used, in MB and CPU seconds, and what it used itself in MB.
MEASURED = """
import json, resource, sys
from ingest.__main__ import main
status = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
facts = {"status": status, "mb": used.ru_maxrss / 1024, "cpu": used.ru_utime + used.ru_stime}
facts["own_mb"] = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps(facts), file=sys.stderr)
"""


@dataclass
class Ear:
    """A server that should never be called."""

    port: int
    heard: list[bytes] = field(default_factory=list)


@pytest.fixture
def ear() -> Iterator[Ear]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        listening, over = Ear(server.getsockname()[1]), threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    listening.heard.append(connection.recv(200))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield listening
        finally:
            over.set()
            thread.join()


@dataclass(frozen=True)
class Outcome:
    """How `python -m ingest` ended, what it said in its one line, and what its tools and it itself used."""

    status: int
    said: str
    mb: float
    cpu: float
    own_mb: float


def taken_in(source: Path, out: Path) -> Outcome:
    """Ingests in a process of its own, whose children's use can be told from others'."""
    command = [sys.executable, "-c", MEASURED, str(source), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    *said, used = done.stderr.strip().splitlines()
    facts = json.loads(used)
    assert not out.exists() or facts["status"] == 0 or list(out.iterdir()) == []
    return Outcome(facts["status"], "\n".join(said), facts["mb"], facts["cpu"], facts["own_mb"])


CALLERS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/key"\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n',
    "ffconcat": "ffconcat version 1.0\nfile 'http://127.0.0.1:{port}/a.mp4'\n",
    "tcp": "ffconcat version 1.0\nfile 'tcp://127.0.0.1:{port}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    '<Representation id="1" bandwidth="1"><BaseURL>http://127.0.0.1:{port}/a.mp4</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "subfile": "ffconcat version 1.0\nfile 'subfile,,start,0,end,0,,:{neighbour}'\n",
    "neighbour": "ffconcat version 1.0\nfile '{neighbour}'\n",
    "relative": "#EXTM3U\n#EXTINF:2,\n{neighbour}\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("kind", CALLERS)
def test_a_text_that_names_addresses_and_files_opens_none(tmp_path: Path, ear: Ear, kind: str) -> None:
    neighbour = tmp_path / "neighbour.txt"
    neighbour.write_text(SECRET)
    source = tmp_path / "patrol.mp4"
    source.write_text(CALLERS[kind].format(port=ear.port, neighbour=neighbour))
    outcome = taken_in(source, tmp_path / "out")
    assert (outcome.status, ear.heard) == (1, [])
    assert SECRET not in outcome.said
    assert "[not_media]" in outcome.said


def test_a_few_packets_that_claim_ten_hours_cost_seconds(tmp_path: Path) -> None:
    source = synthetic.sparse(tmp_path / "sparse.mkv")
    assert source.stat().st_size < 20_000
    outcome = taken_in(source, tmp_path / "out")
    assert (outcome.status, "[too_sparse]" in outcome.said) == (1, True)
    assert outcome.cpu < 10


def test_a_picture_of_gigabytes_is_not_opened(tmp_path: Path) -> None:
    source = tmp_path / "vast.avi"
    vast = ("-f", "lavfi", "-i", "color=gray:s=16000x16000:r=1:d=1", "-c:v", "mjpeg", "-q:v", "31")
    synthetic.run_ffmpeg(*vast, "-frames:v", "1", "-pix_fmt", "yuvj420p", str(source))
    assert source.stat().st_size < 4_000_000
    outcome = taken_in(source, tmp_path / "out")
    assert (outcome.status, "[too_large]" in outcome.said) == (1, True)
    assert outcome.mb < 300


def test_hundreds_of_tracks_are_not_opened(tmp_path: Path) -> None:
    source = synthetic.many_tracks(tmp_path / "tracks.mkv", 400)
    outcome = taken_in(source, tmp_path / "out")
    assert (outcome.status, "[too_many_streams]" in outcome.said) == (1, True)
    assert outcome.mb < 300


def test_millions_of_tiny_pictures_are_not_read_into_memory(tmp_path: Path) -> None:
    """Seven bytes of the file for each; a hundred of ours for each, were they read."""
    usual = taken_in(synthetic.plain(tmp_path / "usual.mkv"), tmp_path / "usual").own_mb
    source = synthetic.tiny_pictures(tmp_path / "tiny.mkv", 2_000_000, 1000)
    assert source.stat().st_size < 15_000_000
    outcome = taken_in(source, tmp_path / "out")
    assert (outcome.status, "[too_large]" in outcome.said) == (1, True)
    assert "pictures" in outcome.said
    assert outcome.own_mb < usual + 20
    assert outcome.mb < 300
    assert outcome.cpu < 60


@pytest.mark.parametrize("table", [b"stsz", b"stts", b"stco", b"ctts", b"stss"])
def test_a_table_that_claims_to_be_long_takes_no_memory(tmp_path: Path, table: bytes) -> None:
    """The number of entries in an MP4's sample tables: ISO/IEC 14496-12, 8.6 and 8.7."""
    data = bytearray(
        synthetic.plain(
            tmp_path / "a.mp4", extra=("-bf", "2", "-g", "10", "-preset", "veryfast")
        ).read_bytes()
    )
    at = data.index(table) + (12 if table == b"stsz" else 8)
    data[at : at + 4] = (0x7FFFFFF0).to_bytes(4, "big")
    source = tmp_path / "claims.mp4"
    source.write_bytes(data)
    outcome = taken_in(source, tmp_path / "out")
    assert outcome.status in (0, 1)
    assert outcome.mb < 600
    assert outcome.cpu < 20
