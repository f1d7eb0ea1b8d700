"""An ONNX file by hand, so that what its session gives is known: each token's number, and twice it.

Protocol buffers, as onnx.proto3 has them: a field is its number and kind, then its content.
"""

import struct

_INT64, _FLOAT = 7, 1


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _content(field: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _node(kind: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    names = b"".join(_content(1, name) for name in inputs)
    return _content(1, names + _content(2, output) + _content(4, kind) + attribute)


def _constant(name: str, kind: int, size: int, raw: bytes) -> bytes:
    return _content(5, _number(1, size) + _number(2, kind) + _content(8, name) + _content(9, raw))


def _value(field: int, name: str, kind: int, axes: list[str | int]) -> bytes:
    dims = b"".join(
        _content(1, _number(1, axis) if isinstance(axis, int) else _content(2, axis))
        for axis in axes
    )
    tensor = _content(1, _number(1, kind) + _content(2, dims))
    return _content(field, _content(1, name) + _content(2, tensor))


def token_numbers() -> bytes:
    """`(input_ids (B, T)) -> states (B, T, 2)`, and a second input that is not read."""
    to_float = _content(5, _content(1, "to") + _number(3, _FLOAT) + _number(20, 2))
    graph = (
        _node("Cast", ["input_ids"], "numbers", to_float)
        + _node("Unsqueeze", ["numbers", "axes"], "column")
        + _node("Mul", ["column", "factors"], "states")
        + _content(2, "graph")
        + _constant("axes", _INT64, 1, struct.pack("<q", 2))
        + _constant("factors", _FLOAT, 2, struct.pack("<2f", 1, 2))
        + _value(11, "input_ids", _INT64, ["batch", "tokens"])
        + _value(11, "attention_mask", _INT64, ["batch", "tokens"])
        + _value(12, "states", _FLOAT, ["batch", "tokens", 2])
    )
    return _number(1, 8) + _content(7, graph) + _content(8, _number(2, 13))
