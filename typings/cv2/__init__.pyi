# OpenCV's own hints lack functions (DISOpticalFlow_create) and forbid None where it is allowed.
from typing import Any

def __getattr__(name: str) -> Any: ...
