"""RIFE's models for ncnn with generated weights."""

import numpy as np

# A network of one layer: enough for whatever never reaches the engine.
TINY_PARAM = """7767517
2 2
Input in0 0 1 in0
Convolution conv 1 1 in0 out0 0=3 1=3 4=1 5=1 6=81
"""


def generate(folder, motion=0.0, noise=0.0):
    """Write weights for a .param: noise, and a motion in pixels in the last layer's bias."""
    dice, parts = np.random.default_rng(0), []
    for words in (line.split() for line in (folder / "flownet.param").read_text().splitlines()[2:]):
        if words[0] in ("Convolution", "Deconvolution"):
            values = dict(word.split("=") for word in words[4 + int(words[2]) + int(words[3]) :])
            outputs, count = int(values["0"]), int(values["6"])
            kernel = dice.normal(0, noise * np.sqrt(outputs / count), count)
            bias = np.zeros(outputs)
            parts.append([kernel, bias])
    # Four values that PixelShuffle spreads for each of: x and y to the first, x and y to the last.
    parts[-1][1][:4], parts[-1][1][8:12] = -motion / 2, motion / 2
    with (folder / "flownet.bin").open("wb") as file:
        for kernel, bias in parts:
            data = kernel.astype("<f2").tobytes()
            file.write(np.uint32(0x01306B47).tobytes() + data + bytes(-len(data) % 4))
            file.write(bias.astype("<f4").tobytes())
    return folder
