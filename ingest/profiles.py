"""What ingest makes of a recording, as data: change a profile, not code.

Everything that decides the bytes of an output stands here, the number of the encoder's threads among it: x264's output
depends on it, and two runs over the same file must give the same bytes. One is what always did; master and proxy
are coded side by side, beside the decoder's and the filters' threads, so the processors are busy all the same. One
for the filters as well: cutting pictures into slices for two cost a twentieth of the run's CPU seconds.
The decoder has one as well, and that is no choice: what several put in place of a damaged picture is left to a race.

Master and proxy have no B-frames: pictures are stored in the order they are shown, so that chunks coded apart join
without touching a time stamp, and a player that steps by frames waits for none (docs/adr/0010).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from ingest.segmentation.plan import DEFAULT_PLAN, SegmentPlan
from ingest.signals.thresholds import DEFAULT_THRESHOLDS, Thresholds


@dataclass(frozen=True, slots=True)
class Profile:
    """Parameters of every rendition. Sizes in pixels, rates in hertz, lengths in seconds, bit rates in bits/s.

    `max_short_side` caps the shorter side, so that portrait video is treated like landscape. `gop_seconds` is the
    distance of key frames in the master and the proxy, hence the grid on which clips may start. A recording longer
    than one and a half `chunk_seconds` is coded in chunks of about that length, give or take `chunk_slack`.
    A source that is already as the master would be, at no more than `copy_bit_rate`, is copied, not coded again.
    `loudness` is in LUFS, `loudest_peak` in dBFS, `most_gain` in dB (EBU R128). One picture each `sample_seconds` is
    kept in colour.
    `thresholds` decide what is found in pictures and sound, `segments` how the recording is cut into clips.
    """

    name: str = "standard-3"
    max_short_side: int = 720
    copy_bit_rate: int = 8_000_000
    chunk_seconds: int = 60
    chunk_slack: int = 15
    crf: int = 23
    preset: str = "veryfast"
    threads: int = 1
    filter_threads: int = 1
    gop_seconds: int = 1
    audio_rate: int = 48_000
    audio_coder: str = "fast"
    audio_bit_rate: int = 160_000
    loudness: float = -23.0
    loudest_peak: float = -1.0
    most_gain: float = 20.0
    proxy_short_side: int = 360
    proxy_crf: int = 30
    proxy_preset: str = "superfast"
    pcm_rate: int = 16_000
    sample_seconds: float = 0.5
    storyboard_columns: int = 10
    storyboard_tiles: int = 300
    storyboard_width: int = 160
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    segments: SegmentPlan = DEFAULT_PLAN

    def aac(self) -> dict[str, Any]:
        """FFmpeg's options for sound. Its fast coder with a quarter more bits keeps closer to the sound than its slow
        one, for two thirds of the work (docs/adr/0022)."""
        return {"c:a": "aac", "aac_coder": self.audio_coder, "b:a": self.audio_bit_rate}

    def coding(self) -> dict[str, Any]:
        """The parameters that decide what is coded, without those of what is made of it later."""
        decides = self.parameters()
        return {name: decides[name] for name in decides if name not in ("name", "thresholds", "segments")}

    def parameters(self) -> dict[str, Any]:
        """The profile as JSON has it, for a recipe."""
        parameters: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return parameters


DEFAULT_PROFILE = Profile()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused: the bounds behind the sandbox and the probe.

    `max_frames` is a day at 120 pictures a second; of fewer, no more than `max_frame_rate` for each second that they
    span, with `spare_frames` besides for a slow-motion shot.
    """

    max_streams: int = 32
    max_pixels: int = 35_389_440
    max_seconds: int = 24 * 3600
    max_frames: int = 24 * 3600 * 120
    max_frame_rate: int = 240
    spare_frames: int = 100_000
    min_frames_per_minute: int = 6
    memory_bytes: int = 8 << 30
    base_cpu_seconds: int = 120
    cpu_seconds_per_second: int = 60
    min_output_bytes: int = 2 << 30
    output_bytes_per_byte: int = 8
    output_bytes_per_second: int = 2_000_000


DEFAULT_LIMITS = Limits()
