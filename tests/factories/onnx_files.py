"""A tiny ONNX model for tests, written field by field: whatever it is shown, it answers the same places.

Field numbers are those of onnx.proto, as in `ingest.redact.onnx_shapes`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence


def constant_detector(
    places: Sequence[Sequence[float]],
    names: str | None = "{0: 'license plate', 1: 'TV', 2: 'tree'}",
    *,
    side: int = 64,
) -> bytes:
    """A detector in YOLO's layout with an input of (1, 3, side, side) that finds `places`, each [centre x, centre y,
    width, height, score of each class], in input pixels."""
    rows = list(zip(*places, strict=True))  # (4 + classes, places)
    values = b"".join(struct.pack("<f", value) for row in rows for value in row)
    shape = (1, len(rows), len(places))
    tensor = b"".join(_int(1, side) for side in shape) + _int(2, 1) + _text(8, "places") + _bytes(9, values)
    # the input, times 0, summed, plus the places: it must be used, or onnxruntime drops it
    zero = _int(1, 1) + _int(2, 1) + _text(8, "zero") + _bytes(9, struct.pack("<f", 0.0))
    nodes = [
        _node("ReduceSum", ["images"], ["sum"], _bytes(5, _text(1, "keepdims") + _int(3, 0) + _int(20, 2))),
        _node("Mul", ["sum", "zero"], ["none"]),
        _node("Add", ["places", "none"], ["output0"]),
    ]
    graph = b"".join(_bytes(1, node) for node in nodes) + _text(2, "constant")
    graph += _bytes(5, tensor) + _bytes(5, zero)
    graph += _bytes(11, _value("images", (1, 3, side, side))) + _bytes(12, _value("output0", shape))
    model = _int(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _int(2, 17))
    return model + (_bytes(14, _text(1, "names") + _text(2, names)) if names else b"")


def _node(kind: str, inputs: list[str], outputs: list[str], attribute: bytes = b"") -> bytes:
    wires = b"".join(_text(1, name) for name in inputs) + b"".join(_text(2, name) for name in outputs)
    return wires + _text(4, kind) + attribute


def _value(name: str, shape: Sequence[int]) -> bytes:
    dimensions = b"".join(_bytes(1, _int(1, side)) for side in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _int(1, 1) + _bytes(2, dimensions)))


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
