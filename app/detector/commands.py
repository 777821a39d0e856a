"""`cordon detect` and `cordon detector …`: exit status 0 done, 1 failed, 2 used wrongly; errors in one line."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec

import click

from app.detector.errors import DetectorError, TrainingUnavailable

P = ParamSpec("P")
TORCH_HINT = (
    "training needs torch and onnx, which nothing else loads: install torch's CPU build"
    " (pytorch.org, Get Started: Pip, CPU), then: pip install 'cordon[train]'"
)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)


def _one_line(function: Callable[P, None]) -> Callable[P, None]:
    """Our own refusals and full disks become one line and exit status 1."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except DetectorError as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error

    return guarded


def _say(line: str) -> None:
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(line, err=True)


def _write_json(path: Path | str, value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if str(path) == "-":
        click.echo(text, nl=False)
    else:
        Path(path).write_text(text, "utf-8")


@click.command()
@click.argument("video", type=FILE)
@click.option(
    "--json", "json_path", type=click.Path(allow_dash=True), help="Write the detections; - for the terminal."
)
@click.option("--plot", "plot_path", type=OUTPUT, help="Write the timeline as a PNG.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), help="One threshold for all classes instead of the model's."
)
@click.option("--model", "model_path", type=FILE, help="An exported model instead of the seed that ships.")
@_one_line
def detect(
    video: Path,
    json_path: str | None,
    plot_path: Path | None,
    threshold: float | None,
    model_path: Path | None,
) -> None:
    """Listen to VIDEO for gunfire and what resembles it.

    \b
    Example: cordon detect clip.mp4 --json detections.json --plot timeline.png
    """
    from app.detector.detect import detect as run
    from app.detector.runtime import Model

    found = run(video, model=Model.load(model_path), threshold=threshold)
    if json_path:
        _write_json(json_path, found.to_dict())
    if plot_path:
        from app.detector.plot import plot

        plot(found, plot_path)
    if json_path == "-":
        return
    click.echo(
        f"{found.file}: {len(found.alarms)} alarms, {len(found.events)} events in {found.duration:.1f} s of sound"
    )
    for finding in found.findings:
        click.echo(f"  finding: {finding}")
    for event in found.events:
        kind = "ALARM" if event.alarm else "event"
        extent = f"{event.onset:8.2f}–{event.end:.2f} s"
        click.echo(
            f"  {kind} {event.name:<15}{extent}  score {event.peak:.2f}  known at {event.available_at:.2f} s"
        )


@click.group()
def detector() -> None:
    """Train, measure and export the reference detector.

    \b
    Example: cordon detector train --out build/detector
    """


def _training() -> Any:
    """The module that loads torch. Raises TrainingUnavailable with how to install it."""
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise TrainingUnavailable(TORCH_HINT) from error
    from app.detector import training_run

    return training_run


@detector.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--sound", type=FOLDER, help="Folder of CC0/CC BY recordings to train on besides synthetic sound."
)
@click.option("--scenes", type=click.IntRange(min=16), help="Training scenes of 5 s.  [default: 1600]")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over them.  [default: 9]")
@_one_line
def train(out: Path, seed: int, sound: Path | None, scenes: int | None, epochs: int | None) -> None:
    """Train the `scratch` trunk from nothing: ten to fifteen minutes of one core.

    Writes model.onnx, checkpoint.pt and training.json. The same seed, recordings and versions give the same model.

    \b
    Example: cordon detector train --out build/detector --seed 1
    """
    run = _training()
    report = run.run(out, seed=seed, sound=sound, scenes=scenes, epochs=epochs, say=_say)
    click.echo(f"{out / 'model.onnx'}: {report['model']['bytes']} bytes, sha256 {report['model']['sha256']}")


@detector.command()
@click.argument("checkpoint", type=FILE)
@click.option("--out", type=OUTPUT, required=True, help="The ONNX file to write.")
@_one_line
def export(checkpoint: Path, out: Path) -> None:
    """Write a training run's CHECKPOINT (checkpoint.pt) as one ONNX file.

    \b
    Example: cordon detector export build/detector/checkpoint.pt --out model.onnx
    """
    digest = _training().export(checkpoint, out)
    click.echo(f"{out}: sha256 {digest}")


@detector.command()
@click.option(
    "--sound", type=FOLDER, help="Folder of test recordings; without it only synthetic scenes are measured."
)
@click.option("--model", "model_path", type=FILE, help="An exported model instead of the seed that ships.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--minutes", type=click.IntRange(min=5), default=60, show_default=True, help="Length of a test stream."
)
@click.option("--json", "json_path", type=click.Path(allow_dash=True), default="-", show_default=True)
@_one_line
def evaluate(sound: Path | None, model_path: Path | None, seed: int, minutes: int, json_path: str) -> None:
    """Measure a model on recordings that training never heard, and apart from that on synthetic scenes.

    \b
    Example: cordon detector evaluate --sound recordings --json result.json
    """
    from app.detector.report import evaluation_report
    from app.detector.runtime import Model

    _write_json(json_path, evaluation_report(Model.load(model_path), sound, seed, minutes))


@detector.command()
@click.option("--training", "training_path", type=FILE, required=True, help="training.json of the run.")
@click.option("--results", "results_path", type=FILE, required=True, help="What `evaluate --sound` wrote.")
@click.option("--out", type=OUTPUT, required=True, help="The Markdown file to write.")
@_one_line
def card(training_path: Path, results_path: Path, out: Path) -> None:
    """Write the model card from a training report and the measurements of the same model.

    \b
    Example: cordon detector card --training build/detector/training.json --results result.json --out card.md
    """
    from app.detector.card import model_card

    try:
        text = model_card(
            json.loads(training_path.read_text("utf-8")), json.loads(results_path.read_text("utf-8"))
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorError(
            f"{training_path.name}, {results_path.name}: no card can be written ({error})"
        ) from error
    out.write_text(text, "utf-8")
