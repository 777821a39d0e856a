"""Judges what a campaign left, from the tables, the files and the processes alone.

It shares no code with the services: plain SQL, a walk over the object directory, the Merkle tree of RFC 6962 written
out once more, and the envelope's length as its format says. What it returns is one line for each thing that is wrong.
Where the store is a bucket, the caller lists it, by key and length.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.processes import left_after

KINDS = {
    "master", "proxy", "stream", "playlist", "storyboard", "storyboard_index", "poster", "samples", "fingerprint",
    "signals", "ledger",
}  # fmt: skip
SOUND = {"waveform", "pcm"}
# What a file may be refused for: its own faults. Those of the service are none of them.
REFUSALS = {
    "empty", "not_media", "no_video", "truncated", "undecodable", "unsupported_codec", "unusable_timing", "too_costly",
    "too_large", "too_many_streams", "too_sparse",
}  # fmt: skip
_SENTENCE = re.compile(r"[A-Z][^\n]{15,200}\.")
_JARGON = re.compile(
    r"0x[0-9a-f]{4}|@ |/\w+/|ffmpeg|ffprobe|Traceback|Errno|[A-Z]\w+Error|\[\w+#|None|nan|inf\b"
)
_CHUNK, _TAG, _HEADER = 256 * 1024, 16, 32
_NAMED = """
    SELECT blob_key, size FROM recordings WHERE state <> 'erased'
    UNION ALL SELECT blob_key, size FROM renditions
    UNION ALL SELECT blob_key, size FROM clips
    UNION ALL SELECT blob_key, size FROM tuf_targets
"""


def check(
    conninfo: str, home: Path, *, stored: Mapping[str, int] | None = None, refusals: bool = False
) -> list[str]:
    """Everything that is wrong once all has settled, workers have ended and sweeps have run.

    `stored`: what the store holds, bytes by key; None: what lies below the home. With `refusals` a recording may also
    have been refused, for a fault of its file and in words that a person understands.
    """
    with psycopg.connect(conninfo) as connection:
        found = [
            *_uploads(connection),
            *_recordings(connection, refusals=refusals),
            *_releases(connection),
            *_jobs(connection),
            *_objects(connection, _on_disk(home / "objects") if stored is None else stored),
            *_log(connection),
        ]
    found += [f"staging still holds {path.name}" for path in (home / "uploads").iterdir() if path.is_file()]
    found += [f"the work directory still holds {path.name}" for path in (home / "work").glob("[!.]*")]
    return found + [f"still runs: {line}" for line in left_after(home, 3)]


def _rows(connection: psycopg.Connection[Any], query: str, *values: Any) -> list[tuple[Any, ...]]:
    return connection.execute(query, values).fetchall()


def _uploads(connection: psycopg.Connection[Any]) -> Iterator[str]:
    for id_, state, reason in _rows(connection, "SELECT id, state, reason FROM uploads"):
        if state != "recorded" and not (state == "rejected" and reason):
            yield f"upload {id_} is {state}, for the reason {reason!r}"


def _recordings(connection: psycopg.Connection[Any], *, refusals: bool) -> Iterator[str]:
    query = "SELECT id, state, attempt, has_audio, frame_count FROM recordings"
    for (id_,) in _rows(connection, "SELECT recording_id FROM ingest_steps"):
        yield f"recording {id_} still has steps"
    for id_, state, attempt, sound, frames in _rows(connection, query):
        tags = [
            tag for (tag,) in _rows(connection, "SELECT tag FROM audit_events WHERE subject_id = %s", id_)
        ]
        if state == "rejected" and refusals:
            yield from _refusal(connection, id_, tags)
            continue
        handed_in = tags.count("recording:processing")  # 0: a test's own row
        if state != "ready" or handed_in > 1 or tags.count("recording:ready") != handed_in:
            yield f"recording {id_} is {state}; its log says {sorted(tags)}"
        made = _rows(connection, "SELECT kind, attempt FROM renditions WHERE recording_id = %s", id_)
        kinds = sorted(kind for kind, _ in made)
        # telemetry only where the file says something
        if handed_in and set(kinds) - {"telemetry"} != KINDS | (SOUND if sound else set()):
            yield f"recording {id_} has the renditions {kinds}"
        if {number for _, number in made} - {attempt}:
            yield f"recording {id_} has renditions of several attempts"
        yield from _clips(connection, id_, frames)


def _refusal(connection: psycopg.Connection[Any], recording: Any, tags: list[str]) -> Iterator[str]:
    query = "SELECT reason_code, reason FROM recordings WHERE id = %s"
    ((code, reason),) = _rows(connection, query, recording)
    if code not in REFUSALS:
        yield f"recording {recording} was rejected as {code}: {reason}"
    elif not _SENTENCE.fullmatch(reason or "") or _JARGON.search(reason):
        yield f"recording {recording}: nobody understands {reason!r}"
    if tags.count("recording:rejected") != 1 or "recording:ready" in tags:
        yield f"recording {recording} was rejected; its log says {sorted(tags)}"
    for table in ("renditions", "clips"):
        if _rows(connection, f"SELECT 1 FROM {table} WHERE recording_id = %s", recording):
            yield f"recording {recording} was rejected and has {table}"


def _clips(connection: psycopg.Connection[Any], recording: Any, frames: int) -> Iterator[str]:
    query = "SELECT ordinal, start_frame, end_frame FROM clips WHERE recording_id = %s ORDER BY ordinal"
    clips = _rows(connection, query, recording)
    if [ordinal for ordinal, _, _ in clips] != list(range(len(clips))):
        yield f"recording {recording} has the clips {[ordinal for ordinal, _, _ in clips]}"
    bounds = [0] + [end for _, _, end in clips]
    if [start for _, start, _ in clips] != bounds[:-1] or bounds[-1] != frames:
        yield f"recording {recording}: its clips do not cover its {frames} frames exactly once"


def _releases(connection: psycopg.Connection[Any]) -> Iterator[str]:
    for id_, state, reason in _rows(connection, "SELECT id, state, reason FROM releases"):
        built = _rows(
            connection, "SELECT 1 FROM audit_events WHERE subject_id = %s AND tag = 'release:built'", id_
        )
        if state != "built" or len(built) != 1:
            yield f"release {id_} is {state} ({reason}), built {len(built)} times"


def _jobs(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Nothing of a feature waits, runs or failed; what the clock starts may wait for its next time, and other steps of
    a file that was refused may have been stopped."""
    query = """
        SELECT id, task_name, status::text FROM procrastinate_jobs
        WHERE status::text NOT IN ('succeeded', 'cancelled')
          AND NOT (status::text = 'aborted' AND (args->>'recording_id')::uuid IN
                   (SELECT id FROM recordings WHERE state = 'rejected'))
          AND NOT (status::text = 'todo' AND id IN (SELECT job_id FROM procrastinate_periodic_defers))
          AND NOT (task_name LIKE 'jobs.%%')
    """
    for id_, name, status in _rows(connection, query):
        yield f"job {id_} ({name}) is {status}"


def _on_disk(root: Path) -> dict[str, int]:
    """Every file of the object directory; what a dead process began to write into `.incoming` is nobody's object."""
    return {
        path.relative_to(root).as_posix(): path.stat().st_size
        for path in root.rglob("*")
        if path.is_file() and ".incoming" not in path.parts
    }


def _objects(connection: psycopg.Connection[Any], stored: Mapping[str, int]) -> Iterator[str]:
    named = dict(_rows(connection, _NAMED))
    for key in sorted(stored.keys() - named.keys()):
        yield f"no row names the stored object {key}"
    for key, size in sorted(named.items()):
        if stored.get(key) != envelope_length(size):
            yield f"{key}: {stored.get(key)} bytes are stored, its row says {size} in clear"


def envelope_length(plain: int) -> int:
    """Bytes stored for that many in clear: header, and 256 KiB chunks with a tag each, at least one."""
    return _HEADER + plain + _TAG * max(1, -(-plain // _CHUNK))


def _log(connection: psycopg.Connection[Any]) -> Iterator[str]:
    entries = _rows(
        connection, "SELECT leaf_index, leaf_hash FROM audit_events ORDER BY leaf_index NULLS LAST"
    )
    indices = [index for index, _ in entries]
    if indices != list(range(len(entries))):
        yield f"the log's {len(entries)} entries stand at {indices[:5]} … {indices[-5:]}"
        return
    leaves = [bytes(leaf) for _, leaf in entries]
    for size, root in _rows(connection, "SELECT size, root FROM audit_checkpoints"):
        if merkle_root(leaves[:size]) != bytes(root):
            yield f"the checkpoint of {size} entries has another root"


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, over hashes of leaves."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:middle]) + merkle_root(leaves[middle:])).digest()
