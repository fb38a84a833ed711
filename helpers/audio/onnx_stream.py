"""Convert an ONNX network that was exported for whole recordings so that it runs piece by piece.

As exported, such a network begins with an empty state and pads the past with zeros. Here its file
is changed before it is loaded: the state of every GRU becomes an input and an output, and the
padding is removed, so that the caller can supply what really came before. Nothing else is changed,
and no weight.

The file is a protocol buffer. The few fields needed are read and written here, so that the `onnx`
package need not be installed. Source: onnx.proto of github.com/onnx/onnx.
"""

from __future__ import annotations

from collections.abc import Iterator

_GRAPH = 7
_NODE, _INPUT, _OUTPUT = 1, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_TYPE = 1, 2, 4

_FLOAT = 1
"""onnx.proto's number of the element type float32."""

_Field = tuple[int, int, bytes]
"""Number, wire type and encoded content of a field."""


def make_streaming(model: bytes) -> tuple[bytes, dict[str, str]]:
    """Change a network so that it can be run piece by piece.

    Args:
        model: an ONNX file.

    Returns:
        The changed file, and the names of its states: each input, (1, 1, H) float32 and zeros at
        first, with the output that must be passed to it in the next run.
    """
    fields = list(_read(model))
    at = next(number for number, field in enumerate(fields) if field[0] == _GRAPH)
    graph, states = _rewrite_graph(fields[at][2])
    fields[at] = (_GRAPH, 2, graph)
    return _write(fields), states


def _rewrite_graph(graph: bytes) -> tuple[bytes, dict[str, str]]:
    fields = list(_read(graph))
    nodes = {n: list(_read(field[2])) for n, field in enumerate(fields) if field[0] == _NODE}
    unpadded = {
        _names(node, _NODE_OUTPUT)[0]: _names(node, _NODE_INPUT)[0]
        for node in nodes.values()
        if _names(node, _NODE_TYPE) == ["Pad"]
    }
    states: dict[str, str] = {}
    for number, node in nodes.items():
        given = [unpadded.get(name, name) for name in _names(node, _NODE_INPUT)]
        if _names(node, _NODE_TYPE) == ["GRU"]:
            given[5] = f"state{len(states)}"
            states[given[5]] = _names(node, _NODE_OUTPUT)[1]
        inputs = [(_NODE_INPUT, 2, name.encode()) for name in given]
        rest = [field for field in node if field[0] != _NODE_INPUT]
        fields[number] = (_NODE, 2, _write(inputs + rest))
    fields += [(_INPUT, 2, _tensor(name)) for name in states]
    fields += [(_OUTPUT, 2, _tensor(name)) for name in states.values()]
    return _write(fields), states


def _names(node: list[_Field], number: int) -> list[str]:
    return [content.decode() for field, _, content in node if field == number]


def _tensor(name: str) -> bytes:
    """Declare a float32 tensor of any shape, a ValueInfoProto."""
    kind = _write([(1, 2, _write([(1, 0, bytes([_FLOAT]))]))])
    return _write([(1, 2, name.encode()), (2, 2, kind)])


def _read(data: bytes) -> Iterator[_Field]:
    """Yield the fields of a message."""
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        wire = key & 7
        if wire == 0:
            _, stop = _number(data, at)
        elif wire == 2:
            size, at = _number(data, at)
            stop = at + size
        else:
            stop = at + (8 if wire == 1 else 4)
        yield key >> 3, wire, data[at:stop]
        at = stop


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return the varint at a place, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _write(fields: list[_Field]) -> bytes:
    """Return the message that holds the fields."""
    parts = []
    for number, wire, content in fields:
        parts.append(_varint(number << 3 | wire))
        if wire == 2:
            parts.append(_varint(len(content)))
        parts.append(content)
    return b"".join(parts)
