"""Frees an ONNX model from the picture size that it was exported for, without the `onnx` package.

CenterFace was exported for 10 pictures of 32 by 32, though every layer of it takes any multiple of 32. Its weights
are also listed as inputs, as ONNX asked until IR version 3, which keeps onnxruntime from folding its batch
normalisations. Both are a few bytes of the file.

Format: protocol buffers' wire format, https://protobuf.dev/programming-guides/encoding/; field numbers from onnx.proto
(ModelProto: ir_version 1, graph 7; GraphProto: initializer 5, input 11, output 12; TensorProto: name 8;
ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; Tensor: shape 2; TensorShapeProto: dim 1; Dimension:
dim_value 1, dim_param 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_IR_WITH_WEIGHTS_APART = 4
Rewrite = Callable[[bytes], bytes]


def free_sizes(model: bytes) -> bytes:
    """The model with every dimension of its inputs and outputs free, and its weights no longer inputs.

    Raises ValueError for bytes that are no ONNX model.
    """
    out = bytearray()
    for number, wire, value in _fields(model):
        if number == 1 and wire == _VARINT:
            out += _field(1, _VARINT, _varint(max(_IR_WITH_WEIGHTS_APART, _number(value))))
        elif number == 7 and wire == _BYTES:
            out += _field(7, _BYTES, _free_graph(value))
        else:
            out += _field(number, wire, value)
    return bytes(out)


def _free_graph(graph: bytes) -> bytes:
    weights = {_name(value, 8) for number, _, value in _fields(graph) if number == 5}
    out = bytearray()
    for number, wire, value in _fields(graph):
        if number == 11 and _name(value, 1) in weights:
            continue
        kept = _inside(value, (2, 1, 2, 1), _free_dimension) if number in (11, 12) else value
        out += _field(number, wire, kept)
    return bytes(out)


def _free_dimension(dimension: bytes) -> bytes:
    """An empty `dim_param`: a dimension that may have any value."""
    return _field(2, _BYTES, b"") if dimension else dimension


def _inside(message: bytes, path: tuple[int, ...], rewrite: Rewrite) -> bytes:
    """The message with `rewrite` applied to every sub-message that the field numbers of `path` lead to."""
    out = bytearray()
    for number, wire, value in _fields(message):
        if number == path[0] and wire == _BYTES:
            value = rewrite(value) if len(path) == 1 else _inside(value, path[1:], rewrite)
        out += _field(number, wire, value)
    return bytes(out)


def _name(message: bytes, field: int) -> bytes:
    return next((value for number, _, value in _fields(message) if number == field), b"")


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, wire type and value of each field, in order; a value is without its length."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            _, end = _read_varint(message, at)
        elif wire == _BYTES:
            length, at = _read_varint(message, at)
            end = at + length
        elif wire in (_FIXED32, _FIXED64):
            end = at + (4 if wire == _FIXED32 else 8)
        else:
            raise ValueError("this is no ONNX model")
        if end > len(message):
            raise ValueError("this ONNX model is cut short")
        yield number, wire, message[at:end]
        at = end


def _field(number: int, wire: int, value: bytes) -> bytes:
    length = _varint(len(value)) if wire == _BYTES else b""
    return _varint(number << 3 | wire) + length + value


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("this is no ONNX model")


def _number(value: bytes) -> int:
    return _read_varint(value, 0)[0]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
