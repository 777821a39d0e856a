"""The refusals, in words for the person who uploaded: what a container's own claims give away before decoding."""

from __future__ import annotations

import logging
import re

from ingest.errors import FileRejected
from ingest.ffmpeg import Completed
from ingest.packets import Packets
from ingest.profiles import Limits

log = logging.getLogger(__name__)
_TRUNCATION_TOLERANCE = 0.05
# Seconds: the last picture's own length, and a writer's rounding.
_BROKEN_OFF_SLACK = 0.25
_AGAIN = "Copy it from the camera again."
# What ffmpeg says when a filter, not a decoder, gave up (fftools/ffmpeg_filter.c).
_FILTER_FAILED = ("Error while filtering", "Error reinitializing filters")


def refusal_of(stderr: str, limits: Limits) -> FileRejected:
    """Put ffprobe's complaint into words."""
    if "max_streams" in stderr:
        return FileRejected(
            "too_many_streams", f"The file has more than {limits.max_streams} tracks, which is the most."
        )
    if "moov atom not found" in stderr or "ended prematurely" in stderr:
        return FileRejected(
            "truncated", "The file is incomplete: its index is missing. Copy it from the camera again."
        )
    if "exceeds specified max pixel count" in stderr:
        return FileRejected("too_large", "The picture has more pixels than are accepted.")
    if codec := re.search(r"Codec \((\w+)\) not on whitelist", stderr):
        return FileRejected("unsupported_codec", f"The file is coded as {codec[1]}, which is not accepted.")
    return FileRejected(
        "not_media", "This is no video of a kind that is accepted (MP4, MOV, MKV, WebM, AVI or TS)."
    )


def refuse_long(seconds: float, limits: Limits) -> None:
    """Refuse what claims to last longer than a day, by default."""
    if seconds > limits.max_seconds:
        raise FileRejected("too_large", f"The file claims {seconds / 3600:.0f} hours, more than is accepted.")


def refuse_reset(packets: Packets) -> None:
    """Refuse recordings that were put one behind the other as they were: nothing tells how long it was between them."""
    if packets.reset is not None:
        raise FileRejected(
            "unusable_timing",
            f"The camera's clock starts again at picture {packets.reset}: the file is several recordings, "
            "one behind the other. Cut it there and hand over the pieces.",
        )


def refuse_sparse(packets: Packets, span: float, limits: Limits) -> None:
    """Refuse a handful of pictures spread over hours, which makes decoders fill the time between."""
    if span > 60 and len(packets.pts) < span / 60 * limits.min_frames_per_minute:
        raise FileRejected(
            "too_sparse", f"The file has {len(packets.pts)} pictures in {span / 60:.0f} minutes."
        )


def refuse_truncated(
    packets: Packets, stored: int, declared: int | None, declared_seconds: float | None
) -> None:
    """Compare what is `stored` with what the container declares: a count (MP4, AVI) or a length (Matroska).

    Matroska's length counts from zero by some writers, from the first picture by others: the later end is taken.
    """
    if declared and stored < declared:
        raise truncated(stored, declared)
    last = int(packets.pts[-1])
    reached = float(max(last, last - int(packets.pts[0])) * packets.time_base)
    slack = (
        _BROKEN_OFF_SLACK if packets.broken_off else max(1.0, (declared_seconds or 0) * _TRUNCATION_TOLERANCE)
    )
    if declared_seconds and declared_seconds - reached > slack:
        raise FileRejected(
            "truncated",
            f"The file is cut short: {reached:.1f} of {declared_seconds:.1f} seconds are there. {_AGAIN}",
        )


def unsaid_end(packets: Packets) -> str:
    """The finding of a file that breaks off, or declares neither a count nor a length: MPEG-TS, and what is written as
    it happens."""
    if packets.broken_off:
        return "The file breaks off in the middle of its data: its end is missing."
    return "The file does not say how long it is: if its end is missing, that does not show."


def undecodable(what: str, done: Completed) -> FileRejected:
    """The refusal of a file whose pictures or sound stopped the decoder, or a filter behind it; what these said is for
    the log alone."""
    log.warning("%s cannot be decoded: status %d, %r", what, done.status, done.stderr[-500:])
    if any(said in done.stderr for said in _FILTER_FAILED):
        return FileRejected(
            "unsupported_codec", f"The {what} of the file cannot be converted, though the file may be whole."
        )
    return FileRejected("undecodable", f"The {what} of the file cannot be decoded. {_AGAIN}")


def truncated(present: int, declared: int) -> FileRejected:
    """The refusal of a file whose pictures are fewer than it declares."""
    return FileRejected(
        "truncated", f"The file is cut short: {present} of {declared} pictures can be read. {_AGAIN}"
    )
