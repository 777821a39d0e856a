"""The sound of a recording, once for the whole of it: at an even loudness for people, and plain for the analysis.

Loudness follows EBU R 128 (https://tech.ebu.ch/publications/r128): one gain for the whole recording, so that a shot
stays as much louder than a voice as it was, and a limiter for what the gain would carry over the top.
"""

from __future__ import annotations

from typing import Any

import ffmpeg

from ingest.checks import undecodable
from ingest.ffmpeg import GLOBAL, input_options
from ingest.graph import CLEAN
from ingest.measure import LARGE_FRAME
from ingest.plan import Plan
from ingest.profiles import Profile
from ingest.streams import AudioStream
from ingest.workspace import SOURCE_NAME, Workspace

SOUND_NAME, PCM_NAME = "sound.m4a", "audio.wav"
_EVEN_NAME = "even.mka"
# Sound that lies wholly before the first picture is cut to nothing; a track that holds nothing cannot be joined.
_LEAST_SECONDS = 0.1


def code_sound(workspace: Workspace, plan: Plan, profile: Profile) -> tuple[str, ...]:
    """Write `sound.m4a` (AAC) and `audio.wav` (16-bit mono, no gain); returns the command.

    Time zero is the first picture: what comes before it is cut; gaps, and what is missing to the end of the pictures,
    are filled with silence. Raises FileRejected.
    """
    if (audio := plan.source.audio) is None:
        raise ValueError("there is no sound to code")
    zero = float(plan.measured.zero * plan.source.video.time_base)
    source = ffmpeg.input(f"file:{SOURCE_NAME}", **input_options(workspace.limits))
    sound = source[str(audio.index)].filter("asetpts", f"PTS-({zero!r})/TB").filter("atrim", start=0)
    if plan.measured.changing:
        _code(workspace, plan, _even(sound, audio, profile))
        sound = ffmpeg.input(f"file:{_EVEN_NAME}", **input_options(workspace.limits))["a:0"]
    argv = _code(workspace, plan, _graph(sound, plan, audio, profile))
    (workspace.path / _EVEN_NAME).unlink(missing_ok=True)
    return ("ffmpeg", *argv[1:])


def _code(workspace: Workspace, plan: Plan, graph: Any) -> list[str]:
    # a broken stretch of sound costs no pictures
    argv = workspace.compile(graph.global_args(*GLOBAL, "-max_error_rate", "1"))
    done = workspace.run(argv, media_seconds=plan.source.duration)
    if done.status != 0:
        raise undecodable("sound", done)
    return argv


def _even(sound: Any, audio: AudioStream, profile: Profile) -> Any:
    """The sound at its own times in one layout, rate and format.

    Where they change ffmpeg builds its filters anew, and what fills the sound up from zero would begin again at zero.
    """
    options = {"c:a": "pcm_s16le", "ac": min(2, audio.channels), "ar": profile.audio_rate, "f": "matroska"}
    return ffmpeg.output(sound, _EVEN_NAME, **CLEAN, **options)


def gain_of(loudness: float | None, profile: Profile) -> float:
    """Decibels to add to sound of that loudness (LUFS), at most `profile.most_gain` either way; 0 for silence."""
    if loudness is None:
        return 0.0
    return round(max(-profile.most_gain, min(profile.most_gain, profile.loudness - loudness)), 1)


def _graph(sound: Any, plan: Plan, audio: AudioStream, profile: Profile) -> Any:
    parts = (
        sound.filter("aresample", profile.audio_rate, **{"async": 1, "first_pts": 0})
        .filter("apad", whole_dur=f"{max(plan.seconds, _LEAST_SECONDS):.6f}")
        .filter("asetnsamples", n=LARGE_FRAME, p=0)
        .filter_multi_output("asplit", 2)
    )
    options = {**profile.aac(), "ar": profile.audio_rate, "ac": min(2, audio.channels)}
    plain = {"c:a": "pcm_s16le", "ac": 1, "ar": profile.pcm_rate, "f": "wav"}
    return ffmpeg.merge_outputs(
        ffmpeg.output(_levelled(parts[0], plan, profile), SOUND_NAME, **CLEAN, **options, f="mp4"),
        ffmpeg.output(parts[1], PCM_NAME, **CLEAN, **plain),
    )


def _levelled(sound: Any, plan: Plan, profile: Profile) -> Any:
    gain = gain_of(plan.measured.loudness, profile)
    if gain == 0:
        return sound
    peak = 10 ** (profile.loudest_peak / 20)
    return sound.filter("volume", f"{gain}dB").filter(
        "alimiter", limit=f"{peak:.4f}", level="disabled", latency="enabled"
    )
