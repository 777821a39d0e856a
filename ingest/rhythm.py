"""Which frames are taken at a steady rhythm: the first frame at or after each multiple of an interval.

The same rule stands here twice, as an ffmpeg expression and as Python over a ledger's times, and must give the same
frames. It looks at one frame and the one before it only, so that a recording worked on in chunks gives the
frames that one worked on whole does.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# Half a millisecond: a frame whose time was rounded down to the container's time base still counts as on time.
TOLERANCE = 0.0005


def seconds_since(zero: int, pts: NDArray[np.int64], time_base: Fraction) -> NDArray[np.float64]:
    """Times (N,) in seconds of the time stamps `pts` from `zero` on, rounded as ffmpeg's filters round them."""
    return np.asarray((pts - zero) * (time_base.numerator / time_base.denominator), dtype=np.float64)


def beats(times: NDArray[np.float64], interval: float, before: float | None = None) -> NDArray[np.int64]:
    """Indices of the frames taken from `times` (N,), in seconds; `before` is the time of the frame before the first."""
    beat = np.floor((times + TOLERANCE) / interval)
    first = -1.0 if before is None else np.floor((before + TOLERANCE) / interval)
    return np.flatnonzero(np.diff(beat, prepend=first) > 0)


def select_expression(interval: float, before: float | None) -> str:
    """The rule for ffmpeg's `select`, `t` counting from the recording's first frame."""
    first = -1.0 if before is None else float(np.floor((before + TOLERANCE) / interval))
    last = f"if(isnan(prev_t),{first:g},{_beat('prev_t', interval)})"
    return f"gt({_beat('t', interval)},{last})"


def key_frame_expression(interval: float) -> str:
    """The rule for ffmpeg's `force_key_frames`; a chunk's first frame is always one."""
    since = f"gt({_beat('t', interval)},{_beat('prev_forced_t', interval)})"
    return f"expr:if(isnan(prev_forced_t),1,{since})"


def _beat(name: str, interval: float) -> str:
    return f"floor(({name}+{TOLERANCE})/{interval:g})"
