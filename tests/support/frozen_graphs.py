"""Frozen graphs of our own, as TensorFlow writes them."""

import numpy as np

# --- a frozen graph of our own, for where the original files are not ----------------------------


def field(number, content):
    """A field of a Protocol Buffers message: bytes, text or a number."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


class Graph:
    """Writes nodes as TensorFlow does."""

    def __init__(self):
        self.data, self.count, self.dice = b"", 0, np.random.default_rng(4)

    def node(self, operation, *inputs, name=None, value=b""):
        self.count += 1
        name = name or f"{operation}_{self.count}"
        parts = field(1, name) + field(2, operation) + b"".join(field(3, i) for i in inputs)
        self.data += field(1, parts + value)
        return name

    def constant(self, array, name=None):
        kind = {"f": 1, "i": 3, "u": 12}[array.dtype.kind]
        shape = b"".join(field(2, field(1, side)) for side in array.shape)
        if array.size == 1 and kind == 1:  # as TensorFlow stores a single number
            content = field(5, array.astype("<f4").tobytes())
        else:
            content = field(4, array.tobytes())
        tensor = field(1, kind) + field(2, shape) + content
        return self.node(
            "Const", name=name, value=field(5, field(1, "value") + field(2, field(8, tensor)))
        )

    def noise(self, *shape):
        fan = np.prod(shape[:-1]) if len(shape) == 4 else 100
        return (self.dice.standard_normal(shape) / np.sqrt(fan)).astype(np.float32)

    def quantised(self, array):
        low, high = min(array.min(), 0), max(array.max(), 0)
        step = (high - low) / 255
        low = np.float32(round(low / step) * step)
        levels = np.clip(np.rint((array - low) / step), 0, 255).astype(np.uint8)
        ends = [np.array(end, np.float32) for end in (low, low + 255 * step)]
        return self.node("Dequantize", *map(self.constant, (levels, *ends)))

    def layer(self, given, side, channels, out, quantised=False):
        kernel = self.noise(side, side, channels, out)
        kernel = self.quantised(kernel) if quantised else self.constant(kernel)
        bias = self.constant(self.noise(out))
        return self.node("Add", self.node("Conv2D", given, kernel), bias)

    def finish(self, path, last):
        order = self.constant(np.array([0, 3, 1, 2], np.int32))
        self.node("Transpose", last, order, name="NCHW_output")
        path.write_bytes(self.data)
        return path


def espcn(path, scale=2, width=8):
    graph = Graph()
    first = graph.node("Relu", graph.layer(graph.node("Placeholder"), 5, 1, width))
    second = graph.node("Relu", graph.layer(first, 3, width, 4))
    last = graph.node("DepthToSpace", graph.layer(second, 3, 4, scale**2))
    return graph.finish(path, graph.node("Tanh", last))


def edsr(path, scale=2, width=8, blocks=2):
    graph = Graph()
    first = made = graph.layer(graph.node("Placeholder"), 3, 3, width)
    share = graph.constant(np.array(0.1, np.float32))
    for _ in range(blocks):
        inner = graph.node("Relu", graph.layer(made, 3, width, width, quantised=True))
        inner = graph.layer(inner, 3, width, width, quantised=True)
        made = graph.node("Add", made, graph.node("Mul", inner, share))
    made = graph.node("Add", graph.layer(made, 3, width, width), first)
    made = graph.layer(made, 3, width, 3 * scale**2)
    return graph.finish(path, graph.node("DepthToSpace", made))
