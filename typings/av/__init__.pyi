# PyAV's own hints do not name its submodules, and take every stream for any kind of stream.
from typing import Any

def __getattr__(name: str) -> Any: ...
