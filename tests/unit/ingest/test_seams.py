"""A seam's first picture is whole, or there is no seam: what decodes otherwise from there is not cut there."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.pipeline import ingest
from ingest.profiles import Profile
from tests.media import synthetic

CHUNKED = Profile(name="chunked", chunk_seconds=2, chunk_slack=1)
CODECS = {
    "mjpeg.mov": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-g", "20"),
    "h264.mp4": ("-c:v", "libx264", "-preset", "ultrafast", "-g", "20"),
    "vp9.mkv": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "20"),
}
BLOCK_HEADER = 16  # of Matroska, or a little more than it: its time and track stay as they are


def chunks_of(source: Path, out: Path) -> list[dict[str, int]]:
    chunks: list[dict[str, int]] = ingest(source, out, profile=CHUNKED).recipes[0].parameters["chunks"]
    return chunks


def damage(source: Path, pts: int, kind: str, tools: Tools) -> None:
    """Overwrite the picture at that time with zeros, or flip twenty of its bits."""
    argv = [tools.ffprobe, "-v", "error", "-show_entries", "packet=pts,pos,size", "-of", "json", source]
    said = json.loads(subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout)
    packet = next(packet for packet in said["packets"] if packet["pts"] == pts)
    header = BLOCK_HEADER if source.suffix == ".mkv" else 0
    start, end = int(packet["pos"]) + header, int(packet["pos"]) + int(packet["size"])
    data, chance = bytearray(source.read_bytes()), random.Random(7)
    if kind == "zeros":
        data[start:end] = bytes(end - start)
    else:
        for _ in range(20):
            data[chance.randrange(start, end)] ^= 1 << chance.randrange(8)
    source.write_bytes(data)


@pytest.mark.parametrize("kind", ["zeros", "bits"])
@pytest.mark.parametrize("name", CODECS)
def test_a_damaged_picture_at_a_seam_is_decoded_as_from_the_start(
    tmp_path: Path, tools: Tools, name: str, kind: str
) -> None:
    source = synthetic.plain(tmp_path / name, seconds=7, channels=0, codec=CODECS[name])
    whole = chunks_of(source, tmp_path / "whole")
    assert len(whole) == 3
    damage(source, whole[1]["start_pts"], kind, tools)
    left = chunks_of(source, tmp_path / "out")
    ledger = Ledger.read(tmp_path / "out" / "ledger.parquet")
    made = list(zip(ledger.pts.tolist(), [one.tobytes().hex() for one in ledger.hashes], strict=True))
    assert made == [(frame.pts, frame.digest) for frame in synthetic.decoded(source, algorithm="murmur3")]
    assert left[-1]["start_pts"] == whole[2]["start_pts"], "the other seam stays"


def test_a_whole_recording_keeps_its_seams_wherever_seeking_leads(tmp_path: Path) -> None:
    """In Matroska with pictures out of order, FFmpeg seeks to the key frame before the one that is meant."""
    extra = ("-g", "20", "-bf", "3", "-output_ts_offset", "3")
    source = synthetic.plain(tmp_path / "a.mkv", seconds=7, channels=0, extra=extra)
    assert len(chunks_of(source, tmp_path / "out")) == 3
