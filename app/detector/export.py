"""The trained trunk as one ONNX file: weights, geometry, calibration, thresholds and where it came from.

The graph is built node by node rather than traced: the same weights then give the same bytes whatever torch's
exporter does in its next version, and batch normalisation is folded into the convolutions.
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.detector.calibrate import Calibration
from app.detector.classes import CLASSES
from app.detector.features import BANDS, HIGH_HZ, HOP, LOW_HZ, RATE, WINDOW
from app.detector.geometry import BLOCK, CONTEXT, DELAY, STRIDE
from app.detector.model import CHANNELS, HIDDEN, MEAN, MEMORY, SCALE, Scratch

OPSET: Final = 17
IR_VERSION: Final = 8
METADATA_KEY: Final = "cordon.detector"

Weights = dict[str, np.ndarray]


def _folded(state: Weights, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a convolution with its batch normalisation (running statistics) multiplied in."""
    norm = f"norm{number}"
    gain = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + 1e-5)
    kernel = state[f"conv{number}.weight"] * gain[:, None, None, None]
    bias = (state[f"conv{number}.bias"] - state[f"{norm}.running_mean"]) * gain + state[f"{norm}.bias"]
    return kernel, bias


def _gru_order(matrix: np.ndarray) -> np.ndarray:
    """torch stacks reset, update, new; ONNX wants update, reset, hidden."""
    reset, update, new = np.split(matrix, 3)
    return np.concatenate([update, reset, new])


def _constants(state: Weights) -> Weights:
    constants: Weights = {
        "mean": np.array(MEAN, np.float32),
        "inverse_scale": np.array(1 / SCALE, np.float32),
        "channel_axis": np.array([1], np.int64),
        "flat": np.array([1, CHANNELS[2] * BANDS // 16, BLOCK + MEMORY - 1], np.int64),
        "rows": np.array([BLOCK, HIDDEN], np.int64),
        "conv4.w": state["conv4.weight"],
        "conv4.b": state["conv4.bias"],
        "conv5.w": state["conv5.weight"],
        "conv5.b": state["conv5.bias"],
        "gru.w": _gru_order(state["gru.weight_ih_l0"])[None],
        "gru.r": _gru_order(state["gru.weight_hh_l0"])[None],
        "gru.b": np.concatenate([_gru_order(state["gru.bias_ih_l0"]), _gru_order(state["gru.bias_hh_l0"])])[
            None
        ],
        "head.w": state["head.weight"],
        "head.b": state["head.bias"],
    }
    for number in (1, 2, 3):
        constants[f"conv{number}.w"], constants[f"conv{number}.b"] = _folded(state, number)
    return constants


def _nodes() -> list[Any]:
    node = helper.make_node
    nodes = [
        node("Sub", ["mel", "mean"], ["centred"]),
        node("Mul", ["centred", "inverse_scale"], ["scaled"]),
        node("Unsqueeze", ["scaled", "channel_axis"], ["pool0"]),
    ]
    for number, pool in ((1, [2, 2]), (2, [2, 2]), (3, [1, 4])):
        weights = [f"pool{number - 1}", f"conv{number}.w", f"conv{number}.b"]
        nodes += [
            node("Conv", weights, [f"conv{number}"], kernel_shape=[3, 3], pads=[0, 1, 0, 1]),
            node("Relu", [f"conv{number}"], [f"relu{number}"]),
            node("MaxPool", [f"relu{number}"], [f"pool{number}"], kernel_shape=pool, strides=pool),
        ]
    gru = ["sequence", "gru.w", "gru.r", "gru.b", "", "state"]
    return [
        *nodes,
        node("Transpose", ["pool3"], ["turned"], perm=[0, 1, 3, 2]),
        node("Reshape", ["turned", "flat"], ["flattened"]),
        node("Conv", ["flattened", "conv4.w", "conv4.b"], ["conv4"], kernel_shape=[1]),
        node("Relu", ["conv4"], ["relu4"]),
        node("Conv", ["relu4", "conv5.w", "conv5.b"], ["conv5"], kernel_shape=[MEMORY]),
        node("Relu", ["conv5"], ["relu5"]),
        node("Transpose", ["relu5"], ["sequence"], perm=[2, 0, 1]),
        node("GRU", gru, ["hidden", "next_state"], hidden_size=HIDDEN, linear_before_reset=1),
        node("Reshape", ["hidden", "rows"], ["hidden_rows"]),
        node("Reshape", ["sequence", "rows"], ["sequence_rows"]),
        node("Add", ["sequence_rows", "hidden_rows"], ["summed"]),
        node("Gemm", ["summed", "head.w", "head.b"], ["logits"], transB=1),
    ]


def description(calibration: Calibration, training: dict[str, Any]) -> dict[str, Any]:
    """What the runtime reads from the file's metadata."""
    return {
        "format": 1,
        "trunk": "scratch",
        "classes": list(CLASSES),
        "features": {
            "rate": RATE, "window": WINDOW, "hop": HOP, "bands": BANDS, "low_hz": LOW_HZ, "high_hz": HIGH_HZ,
        },
        "geometry": {"stride": STRIDE, "context": CONTEXT, "block": BLOCK, "delay": DELAY, "hidden": HIDDEN},
        "calibration": {"slope": calibration.slope, "offset": calibration.offset},
        "thresholds": dict(zip(CLASSES, calibration.threshold, strict=True)),
        "training": training,
    }  # fmt: skip


def to_onnx(model: Scratch, calibration: Calibration, training: dict[str, Any]) -> bytes:
    """Serialise: input `mel` (1, 62, 64) and `state` (1, 1, 40); output `logits` (2, 7) and `next_state`."""
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    tensors = [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in _constants(state).items()]
    frames = CONTEXT + BLOCK * STRIDE
    carried = [1, 1, HIDDEN]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        _nodes(),
        "scratch",
        [value("mel", TensorProto.FLOAT, [1, frames, BANDS]), value("state", TensorProto.FLOAT, carried)],
        [
            value("logits", TensorProto.FLOAT, [BLOCK, len(CLASSES)]),
            value("next_state", TensorProto.FLOAT, carried),
        ],
        tensors,
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="cordon"
    )
    helper.set_model_props(
        made, {METADATA_KEY: json.dumps(description(calibration, training), sort_keys=True)}
    )
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString(deterministic=True))
