# torch's own hints say that what a module holds may be a tensor or a layer, whichever it is.
from typing import Any

def __getattr__(name: str) -> Any: ...
