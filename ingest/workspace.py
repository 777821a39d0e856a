"""The directory one ingest works in, and the bounds its tools run under.

Everything is made here under names the server chose and moved to its place at the end, so that a failed or stopped
run leaves nothing behind.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg

from ingest.ffmpeg import STDERR, STDOUT, Completed, Tools, run
from ingest.policy import Policy
from ingest.profiles import Limits

SOURCE_NAME = "source"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A job directory with the source linked in as `source`, the tools to use on it and their limits; `others` may be
    read beside it."""

    path: Path
    source: Path
    tools: Tools
    limits: Limits
    should_stop: Callable[[], bool] | None = None
    others: tuple[Path, ...] = ()

    def inside(self, name: str) -> Workspace:
        """Return a workspace in a new directory of this one, for one step over the same source."""
        path = self.path / name
        path.mkdir()
        (path / SOURCE_NAME).symlink_to(self.source)
        return replace(self, path=path)

    def clear(self) -> None:
        """Remove what is no output: the link to the source, and what tools said."""
        for name in (SOURCE_NAME, STDOUT, STDERR):
            (self.path / name).unlink(missing_ok=True)

    def compile(self, graph: Any) -> list[str]:
        """Return the argument list of an ffmpeg-python graph, for this workspace's ffmpeg."""
        return [str(arg) for arg in ffmpeg.compile(graph, cmd=str(self.tools.ffmpeg), overwrite_output=True)]

    def policy(self, media_seconds: float) -> Policy:
        """Return the bounds for work on so many seconds of media."""
        limits, sources = self.limits, (self.source, *self.others)
        return Policy(
            read=tuple(map(str, sources)),
            write=(str(self.path),),
            cpu_seconds=int(limits.base_cpu_seconds + limits.cpu_seconds_per_second * media_seconds),
            file_bytes=max(
                limits.min_output_bytes,
                limits.output_bytes_per_byte * sum(path.stat().st_size for path in sources),
            )
            + int(limits.output_bytes_per_second * media_seconds),
            memory_bytes=limits.memory_bytes,
        )

    def run(
        self, argv: list[str], *, media_seconds: float = 0.0, on_output: Callable[[str], None] | None = None
    ) -> Completed:
        """Run a tool here; see `ingest.ffmpeg.run` for what it raises."""
        policy = self.policy(media_seconds)
        return run(
            argv,
            job_dir=self.path,
            policy=policy,
            timeout=2.0 * policy.cpu_seconds,
            on_output=on_output,
            should_stop=self.should_stop,
        )


@contextmanager
def open_workspace(
    source: Path, workdir: Path, tools: Tools, limits: Limits, should_stop: Callable[[], bool] | None = None
) -> Iterator[Workspace]:
    """Make a job directory inside `workdir`, link `source` into it, and remove it whatever happens."""
    workdir.mkdir(parents=True, exist_ok=True)
    job_dir = Path(tempfile.mkdtemp(prefix=".ingest-", dir=workdir)).resolve()
    try:
        real = source.resolve(strict=True)
        (job_dir / SOURCE_NAME).symlink_to(real)
        yield Workspace(job_dir, real, tools, limits, should_stop)
    finally:
        shutil.rmtree(job_dir)
