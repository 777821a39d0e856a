"""One sheet of small pictures to scrub over, and the text that says which tile shows which seconds.

The sheet's tiles are the first frames at or after each whole interval; the text is WebVTT with media fragments.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.errors import Unexplained
from ingest.framehash import Decoded
from ingest.frames import Ledger
from ingest.graph import TILES_NAME, storyboard_interval, storyboard_tile, time_before
from ingest.picture import Size
from ingest.plan import Plan
from ingest.profiles import Profile
from ingest.rhythm import beats

STORYBOARD_NAME, VTT_NAME = "storyboard.jpg", "storyboard.vtt"
_QUALITY = 80


def write_storyboard(
    parts: Sequence[Path],
    decoded: Sequence[Decoded],
    target: Path,
    plan: Plan,
    profile: Profile,
    ledger: Ledger,
) -> None:
    """Write `storyboard.jpg` and `storyboard.vtt` into `target` from the chunks' raw tiles and what they decoded.

    Formats: WebVTT, https://www.w3.org/TR/webvtt1/; spatial fragments, https://www.w3.org/TR/media-frags/.
    """
    every = storyboard_interval(plan.source, profile)
    due = [
        beats(frames.seconds(plan.measured.zero), every, time_before(plan, chunk)).tolist()
        for frames, chunk in zip(decoded, plan.chunks, strict=True)
    ]
    columns, size = profile.storyboard_columns, storyboard_tile(plan.source, profile)
    _draw(parts, due, columns, size).save(target / STORYBOARD_NAME, "JPEG", quality=_QUALITY)
    stamps = np.concatenate([frames.pts[ones] for frames, ones in zip(decoded, due, strict=True)])
    taken = np.searchsorted(ledger.pts, stamps).tolist()
    (target / VTT_NAME).write_text(_vtt(taken, ledger, columns, size.width, size.height))


def _draw(parts: Sequence[Path], due: Sequence[list[int]], columns: int, size: Size) -> Image.Image:
    """The sheet, drawn as the tiles are read: the tiles of a whole sheet are as large as it is."""
    rows = -(-sum(map(len, due)) // columns)
    sheet, number = Image.new("RGB", (columns * size.width, rows * size.height)), 0
    for part, frames in zip(parts, due, strict=True):
        for tile in _tiles(part / TILES_NAME, frames, size):
            row, column = divmod(number, columns)
            sheet.paste(Image.fromarray(tile), (column * size.width, row * size.height))
            number += 1
    return sheet


def _tiles(path: Path, due: list[int], size: Size) -> list[NDArray[np.uint8]]:
    """The tiles (height, width, 3) of the chunk's frames `due`; its first frame was taken in any case."""
    data = np.fromfile(path, dtype=np.uint8)
    stored = sorted({0, *due})
    if len(data) != len(stored) * size.height * size.width * 3:
        raise Unexplained(f"{len(data)} bytes of tiles are not {len(stored)} tiles")
    pictures = data.reshape(len(stored), size.height, size.width, 3)
    return [picture for frame, picture in zip(stored, pictures, strict=True) if frame in due]


def _vtt(taken: list[int], ledger: Ledger, columns: int, width: int, height: int) -> str:
    starts = [ledger.time_of(ordinal) for ordinal in taken]
    ends = [*starts[1:], ledger.time_of(ledger.frame_count)]
    cues = ["WEBVTT", ""]
    for tile, (start, end) in enumerate(zip(starts, ends, strict=True)):
        row, column = divmod(tile, columns)
        area = f"{column * width},{row * height},{width},{height}"
        cues += [f"{_clock(start)} --> {_clock(end)}", f"{STORYBOARD_NAME}#xywh={area}", ""]
    return "\n".join(cues)


def _clock(time: Fraction) -> str:
    milliseconds = round(time * 1000)
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"
