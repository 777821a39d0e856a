"""One sheet of small pictures to scrub over, and the text that says which tile shows which seconds.

The sheet's tiles are the first frames at or after each whole interval; the text is WebVTT with media fragments.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from ingest.errors import MachineFault
from ingest.frames import Ledger
from ingest.graph import TILES_NAME, storyboard_interval
from ingest.plan import Plan
from ingest.profiles import Profile
from ingest.rhythm import beats

STORYBOARD_NAME, VTT_NAME = "storyboard.jpg", "storyboard.vtt"
_QUALITY = 80


def write_storyboard(
    parts: Sequence[Path], target: Path, plan: Plan, profile: Profile, ledger: Ledger
) -> None:
    """Write `storyboard.jpg` and `storyboard.vtt` into `target` from the chunks' raw tiles.

    Formats: WebVTT, https://www.w3.org/TR/webvtt1/; spatial fragments, https://www.w3.org/TR/media-frags/.
    """
    zero = plan.measured.zero
    taken = beats(ledger.seconds(zero), storyboard_interval(plan.source, profile)).tolist()
    raw = b"".join((part / TILES_NAME).read_bytes() for part in parts)
    width, columns = profile.storyboard_width, profile.storyboard_columns
    height, rest = divmod(len(raw), len(taken) * width * 3)
    if rest:
        raise MachineFault(f"the storyboard's {len(raw)} bytes are not {len(taken)} tiles")
    tiles = np.frombuffer(raw, dtype=np.uint8).reshape(len(taken), height, width, 3)
    rows = -(-len(taken) // columns)
    sheet = np.zeros((rows, columns, height, width, 3), dtype=np.uint8)
    sheet.reshape(-1, height, width, 3)[: len(taken)] = tiles
    picture = Image.fromarray(sheet.swapaxes(1, 2).reshape(rows * height, columns * width, 3))
    picture.save(target / STORYBOARD_NAME, "JPEG", quality=_QUALITY)
    (target / VTT_NAME).write_text(_vtt(taken, ledger, columns, width, height))


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
