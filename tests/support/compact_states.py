"""Generated weights for a small network that spandrel knows."""


# --- a user's own -------------------------------------------------------------------------------


def compact_state(scale=2, channels=3, width=8, layers=2, seed=3):
    """The weights of a small SRVGGNetCompact, by their official names."""
    import torch

    torch.manual_seed(seed)
    sizes = [(width, channels), *[(width, width)] * layers, (channels * scale**2, width)]
    state = {}
    for number, (out, into) in enumerate(sizes):
        state[f"body.{2 * number}.weight"] = torch.randn(out, into, 3, 3) * 0.05
        state[f"body.{2 * number}.bias"] = torch.zeros(out)
        if number < len(sizes) - 1:
            state[f"body.{2 * number + 1}.weight"] = torch.full((out,), 0.2)
    return state
