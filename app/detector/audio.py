"""Sound of any file that ffmpeg reads, as 16 kHz mono in chunks, decoded by `ingest`'s confined ffmpeg.

The decoded sound lies in a temporary file that is read piece by piece: memory does not grow with the video.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np

from app.detector.errors import Unreadable
from app.detector.features import RATE, Samples
from ingest.errors import IngestError
from ingest.ffmpeg import find_tools, input_options
from ingest.profiles import DEFAULT_LIMITS
from ingest.workspace import SOURCE_NAME, open_workspace

SOUND_DEMUXERS: Final = "ogg,flac,mp3,wav"
"""Recordings for training come in forms that no camera writes."""
ASSUMED_SECONDS: Final = 3600.0
"""Media length that the decoder's CPU budget is made for: sound alone is cheap, so this is many hours of it."""
CHUNK: Final = RATE


def _decode(path: Path, folder: Path) -> IO[bytes] | None:
    """16-bit little-endian samples of the first audio track, an open unnamed file; None without such a track."""
    options = dict(input_options(DEFAULT_LIMITS))
    options["format_whitelist"] = f"{options['format_whitelist']},{SOUND_DEMUXERS}"
    given = [part for name, value in options.items() for part in (f"-{name}", str(value))]
    # Sound that starts after the picture is filled with silence: times are those of the video.
    wanted = ["-map", "0:a:0", "-ac", "1", "-af", f"aresample={RATE}:async=1:first_pts=0", "-f", "s16le"]
    with open_workspace(path, folder, find_tools(), DEFAULT_LIMITS) as workspace:
        made = workspace.path / "sound.s16"
        argv = [str(workspace.tools.ffmpeg), "-nostdin", "-v", "error", "-threads", "1", *given]
        argv += ["-i", f"file:{SOURCE_NAME}", *wanted, "-threads", "1", f"file:{made}"]
        done = workspace.run(argv, media_seconds=ASSUMED_SECONDS)
        if "matches no streams" in done.stderr:
            return None
        if done.status != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Unreadable(f"{path.name}: cannot be decoded as sound or video ({last})")
        return made.open("rb")  # the name goes with the workspace, the bytes with this handle


def _pieces(decoded: IO[bytes]) -> Iterator[Samples]:
    with decoded:
        while data := decoded.read(2 * CHUNK):
            yield np.frombuffer(data, "<i2").astype(np.float32) * np.float32(2**-15)


def stream_audio(path: Path) -> Iterator[Samples] | None:
    """Chunks of one second, (n,) float32 in [-1, 1]; None when the file has no audio track.

    Raises Unreadable, with the reason in words, for a file that is missing or cannot be decoded.
    """
    if not path.is_file():
        raise Unreadable(f"{path.name}: no such file")
    try:
        with tempfile.TemporaryDirectory(prefix="cordon-detect-") as folder:
            decoded = _decode(path, Path(folder))
    except IngestError as error:
        raise Unreadable(f"{path.name}: {error}") from error
    return None if decoded is None else _pieces(decoded)


def read_audio(path: Path) -> Samples:
    """The whole sound, (n,) float32. Raises Unreadable, also for a file without an audio track."""
    chunks = stream_audio(path)
    if chunks is None:
        raise Unreadable(f"{path.name}: no audio track")
    return np.concatenate([np.empty(0, np.float32), *chunks])
