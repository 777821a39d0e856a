"""One training run as files: model.onnx, the checkpoint it was exported from, and the report that explains both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from app.detector.calibrate import Calibration
from app.detector.corpus import Clip, load_clips
from app.detector.errors import BadModel
from app.detector.export import to_onnx
from app.detector.model import Scratch, parameter_count
from app.detector.report import commit, versions
from app.detector.train import Plan, train


def _plan(seed: int, scenes: int | None, epochs: int | None) -> Plan:
    """The usual plan, or a smaller one whose calibration shrinks with it."""
    plan = Plan(seed=seed)
    chosen = scenes or plan.scenes
    return replace(
        plan,
        scenes=chosen,
        epochs=epochs or plan.epochs,
        calibration_scenes=min(plan.calibration_scenes, chosen),
        empty_scenes=min(plan.empty_scenes, 2 * chosen),
    )


def _command(plan: Plan, sound: Path | None) -> str:
    words = ["cordon detector train --out OUT", f"--seed {plan.seed}", "--sound SOUND" if sound else ""]
    usual = Plan()
    words += [f"--scenes {plan.scenes}" if plan.scenes != usual.scenes else ""]
    words += [f"--epochs {plan.epochs}" if plan.epochs != usual.epochs else ""]
    return " ".join(word for word in words if word)


def _heard(clips: list[Clip]) -> list[dict[str, Any]]:
    fields = ("path", "sha256", "licence", "author", "source", "role")
    return [{name: getattr(clip.recording, name) for name in fields} for clip in clips]


def run(
    out: Path,
    *,
    seed: int,
    sound: Path | None,
    scenes: int | None,
    epochs: int | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Train, export, write the three files into `out`, return the report. Raises BadCorpus, OSError."""
    plan = _plan(seed, scenes, epochs)
    clips = load_clips(sound, ("train", "calibrate")) if sound else []
    out.mkdir(parents=True, exist_ok=True)
    started_from = commit()
    made = train(plan, clips, say)
    origin = {
        "command": _command(plan, sound),
        "commit": started_from,
        "plan": asdict(plan),
        "versions": versions("numpy", "onnx", "torch"),
        "sound": "synthetic and recordings" if clips else "synthetic",
    }
    checkpoint = {"state": made.model.state_dict(), "calibration": asdict(made.calibration), "origin": origin}
    torch.save(checkpoint, out / "checkpoint.pt")
    digest = export(out / "checkpoint.pt", out / "model.onnx")
    report = {
        **origin,
        "seconds": made.seconds,
        "losses": made.losses,
        "parameters": parameter_count(made.model),
        "recordings": _heard(clips),
        "model": {"sha256": digest, "bytes": (out / "model.onnx").stat().st_size},
    }
    text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    (out / "training.json").write_text(text, "utf-8")
    return report


def export(checkpoint: Path, out: Path) -> str:
    """Write a checkpoint as ONNX; returns the file's SHA-256. Raises BadModel for what is no checkpoint."""
    try:
        saved = torch.load(checkpoint, weights_only=True)
        model = Scratch()
        model.load_state_dict(saved["state"])
        calibration = Calibration(**{k: tuple(v) for k, v in saved["calibration"].items()})
    except Exception as error:  # torch reports a damaged file by whatever its unpickler meets first
        raise BadModel(f"{checkpoint}: not a checkpoint of 'cordon detector train'") from error
    data = to_onnx(model.eval(), calibration, saved["origin"])
    out.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
