"""What a notebook shows of a call: pictures or HTML, and a sentence where these cannot be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class View:
    """Something to show in a notebook.

    Attributes:
        sentence: a description, shown where pictures cannot be.
        outputs: MIME bundles (base64 or text), each a separate output: of a picture and HTML in the
            same bundle, a notebook would show only one.
    """

    sentence: str
    outputs: tuple[dict[str, str], ...]

    def __repr__(self) -> str:
        return self.sentence

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for output in self.outputs:
            display(output, raw=True)
