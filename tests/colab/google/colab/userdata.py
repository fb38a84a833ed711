"""The user's secrets."""

import os

from google.colab._log import note
from google.colab.errors import Error


class SecretNotFoundError(Error):
    """There is no secret of this name."""


class NotebookAccessError(Error):
    """The user has not allowed this notebook to read the secret."""


def get(key):
    """Return a secret."""
    note(f"userdata.get {key}")
    secrets = os.environ.get("COLAB_SECRETS", "")
    if secrets == "refused":
        raise NotebookAccessError(f"Notebook does not have access to secret {key}")
    known = dict(pair.split("=", 1) for pair in secrets.split(os.pathsep) if pair)
    if key not in known:
        raise SecretNotFoundError(f"Secret {key} does not exist.")
    return known[key]
