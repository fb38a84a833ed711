"""A stand-in for Colab's own module, which says and does what its front end would.

Environment variables choose what happens:

    COLAB_UPLOAD    the files that are chosen in the upload dialog, separated by os.pathsep; empty
                    where it is cancelled, "blocked" where the browser refuses it
    COLAB_DRIVE     the folder that is the user's Drive; "refused" where access is not allowed,
                    "failed" where the mount fails
    COLAB_DOWNLOADS the folder into which the browser saves what it is sent
    COLAB_SECRETS   the user's secrets as NAME=VALUE, separated by os.pathsep; "refused" where the
                    notebook has no access to them
    COLAB_LOG       a file that gets a line for each call

The real one is imported before a notebook's first cell runs, as an extension of IPython.
"""

from google.colab import drive, errors, files, output, userdata

__all__ = ["drive", "errors", "files", "output", "userdata"]


def load_ipython_extension(shell):
    """Do nothing; IPython asks for this of every extension."""
