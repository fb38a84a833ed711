"""What a card draws is judged."""

import numpy as np

from helpers.stages.interpolate.vulkan.trial import SHIFT, find_fault, make_pair


def test_the_official_weights_must_put_the_square_in_the_middle():
    first, last = make_pair()
    right, late = make_pair((SHIFT // 2, SHIFT - 2))
    assert find_fault(first, last, right, official=True) == ""
    assert "in the middle" in find_fault(first, last, late, official=True)
    scattered = np.random.default_rng(0).permuted(right.reshape(-1, 3), axis=0)
    assert "cross-fade" in find_fault(first, last, scattered.reshape(right.shape), official=True)
    fade = ((first.astype(int) + last) // 2).astype(np.uint8)
    assert "cross-fade" in find_fault(first, last, fade, official=True)
    assert "lighter or darker" in find_fault(first, last, right // 2 + 80, official=True)
    assert find_fault(first, last, late, official=False) == ""
