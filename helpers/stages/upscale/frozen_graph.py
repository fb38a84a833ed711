"""Read the constants of a frozen TensorFlow graph (.pb), without TensorFlow.

    graph = read_graph(Path("FSRCNN_x2.pb").read_bytes())
    first_kernel, first_bias, *_ = find_constants(graph, "NCHW_output")

The format is Protocol Buffers' wire format with the messages of graph.proto, node_def.proto and
tensor.proto (https://github.com/tensorflow/tensorflow, tensorflow/core/framework). Weights that the
export tool quantised to 8 bits are dequantised as in OpenCV's importer (tf_importer.cpp).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

_Value = int | memoryview
"""The value of a field: a number, or bytes."""

_TYPES = {1: np.dtype("<f4"), 3: np.dtype("<i4"), 12: np.dtype("u1")}
"""The types of tensors in such a graph: float, int32, quint8."""


@dataclass
class Node:
    """An operation of the graph: the names of its inputs, and its value if it is a constant."""

    name: str = ""
    operation: str = ""
    inputs: list[str] = field(default_factory=list)
    value: np.ndarray | None = None


def read_graph(data: bytes) -> dict[str, Node]:
    """Read a serialised GraphDef, and return its nodes by name.

    Raises:
        ValueError: it is truncated, or not a graph.
    """
    nodes = [
        _read_node(_bytes(value)) for number, value in _read_fields(memoryview(data)) if number == 1
    ]
    if not nodes:
        raise ValueError("it does not contain a graph")
    return {node.name: node for node in nodes}


def sort_nodes(graph: dict[str, Node], output: str) -> list[Node]:
    """Return the nodes that an output depends on, in topological order.

    Raises:
        ValueError: the output or the input of a node is missing, or there is a cycle.
    """
    done: dict[str, Node] = {}
    under_way: set[str] = set()
    ahead = [output]
    while ahead:
        name = ahead[-1]
        node = graph.get(name)
        if node is None:
            raise ValueError(f"its graph has no node {name!r}")
        missing = [before for before in node.inputs if before not in done]
        if not missing or name in done:
            done.setdefault(name, node)
            under_way.discard(ahead.pop())
        elif name in under_way:
            raise ValueError(f"its graph has a cycle at {name!r}")
        else:
            under_way.add(name)
            ahead += reversed(missing)
    return list(done.values())


def find_constants(graph: dict[str, Node], output: str) -> list[np.ndarray]:
    """Return the float32 constants that an output depends on, in the order of their use.

    Raises:
        ValueError: see `sort_nodes`; or a quantised constant is incomplete.
    """
    nodes = sort_nodes(graph, output)
    packed = {name for node in nodes if node.operation == "Dequantize" for name in node.inputs}
    found = []
    for node in nodes:
        if node.operation == "Dequantize":
            found.append(_dequantise(node, graph))
        elif node.value is not None and node.value.dtype == _TYPES[1] and node.name not in packed:
            found.append(node.value)
    return found


def _dequantise(node: Node, graph: dict[str, Node]) -> np.ndarray:
    values = [graph[name].value for name in node.inputs]
    if len(values) != 3 or any(value is None or not value.size for value in values):
        raise ValueError(f"its quantised weights {node.name!r} are incomplete")
    levels, low, high = (np.asarray(value, np.float32) for value in values)
    lowest, step = float(low.flat[0]), (float(high.flat[0]) - float(low.flat[0])) / 255
    if not 0 < step < math.inf:
        return np.full_like(levels, lowest)
    # Zero must be representable exactly, so the lowest value is a whole number of steps.
    return levels * np.float32(step) + np.float32(step * round(lowest / step))


def _read_node(data: memoryview) -> Node:
    node = Node()
    for number, value in _read_fields(data):
        if number == 1:
            node.name = _text(value)
        elif number == 2:
            node.operation = _text(value)
        elif number == 3 and not _text(value).startswith("^"):
            node.inputs.append(_text(value).removesuffix(":0"))
        elif number == 5:
            entry = dict(_read_fields(_bytes(value)))
            if _text(entry.get(1, memoryview(b""))) == "value":
                node.value = _read_attribute(_bytes(entry.get(2, memoryview(b""))))
    return node


def _read_attribute(data: memoryview) -> np.ndarray | None:
    tensors = [value for number, value in _read_fields(data) if number == 8]
    return _read_tensor(_bytes(tensors[0])) if tensors else None


def _read_tensor(data: memoryview) -> np.ndarray | None:
    """Read a constant; None if no network here needs its type."""
    shape: list[int] = []
    content, dtype = b"", None
    for number, value in _read_fields(data):
        if number == 1:
            dtype = _TYPES.get(value) if isinstance(value, int) else None
        elif number == 2:
            sides = [_bytes(side) for key, side in _read_fields(_bytes(value)) if key == 2]
            shape = [int(dict(_read_fields(side)).get(1, 0)) for side in sides]  # type: ignore[arg-type]
        elif number in (4, 5):  # tensor_content, or float_val
            content += bytes(_bytes(value))
        elif number == 7:
            content += struct.pack("<i", value) if isinstance(value, int) else bytes(value)
    if dtype is None:
        return None
    count = math.prod(shape)
    held = len(content) // dtype.itemsize
    if len(content) % dtype.itemsize or (held not in (0, 1) and held != count):
        raise ValueError(f"a tensor of shape {shape} has {held} values instead of {count}")
    if count > 1 << 24:
        raise ValueError(f"a tensor has the shape {shape}, larger than in any of these networks")
    values = np.frombuffer(content, dtype)
    return np.resize(values, shape) if held else np.zeros(shape, dtype)


def _read_fields(data: memoryview) -> Iterator[tuple[int, _Value]]:
    """Yield the number and value of each field of a message."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _read_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("it is no serialised graph")
        if at + size > len(data):
            raise ValueError("it is cut off")
        yield number, data[at : at + size]
        at += size


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    """Read a varint; return its value and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("it is cut off")
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("it is no serialised graph")


def _bytes(value: _Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError("it is no serialised graph")
    return value


def _text(value: _Value) -> str:
    return bytes(_bytes(value)).decode("utf-8", "replace")
