"""Run programs and Python modules in separate processes, with a time limit.

code, stdout, stderr = run_limited(["program", "-v"], seconds=60)
result = run_module("helpers.some.module", "argument", seconds=30)     # a dictionary
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any

from helpers.errors import ModelError

_MARK = "silk purse answers: "
"""The prefix of the line with the result; all other lines come from drivers."""


def run_limited(
    command: list[str], seconds: float, env: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a program; return its exit code, and what it wrote to stdout and stderr.

    It is killed when the time is over or this call is interrupted. Its output goes to files, since
    a pipe would have to be read until every process that the program started has closed it.

    Raises:
        subprocess.TimeoutExpired: it ran for longer than `seconds`.
        OSError: it cannot be started.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env
        )
        try:
            code = process.wait(seconds)
        except BaseException:
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)  # limited, since a broken driver can block a killed process
            raise
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return code, texts[0], texts[1]


def run_module(module: str, *question: str, seconds: float) -> dict[str, Any]:
    """Run a module of this package as a script, and return what it passes to `send_result`.

    Args:
        module: the full name of the module.
        question: the arguments of the script.
        seconds: the time limit.

    Raises:
        ModelError: it cannot be started, crashed, or took too long.
    """
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    command = [sys.executable, "-m", module, *question]
    try:
        code, out, said = run_limited(command, seconds, {**os.environ, "PYTHONPATH": paths})
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"it did not finish within {seconds:g} s") from error
    except OSError as error:
        raise ModelError(f"a Python process could not be started ({error})") from error
    lines = [line for line in out.splitlines() if line.startswith(_MARK)]
    if not lines:
        raise ModelError(f"it {describe_exit(code)}; its last output was: {last_lines(said)}")
    # Some drivers crash when the process ends, but that is after the result was written.
    return json.loads(lines[-1].removeprefix(_MARK))


def send_result(found: dict[str, Any]) -> None:
    """Write the result for `run_module`, from within the process that it started."""
    sys.stdout.write(f"\n{_MARK}{json.dumps(found)}\n")


def last_lines(said: str) -> str:
    """Return the end of a program's output, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " / ".join(lines[-4:])[-400:] or "nothing"


def describe_exit(code: int) -> str:
    """Describe how a program ended, as the predicate of a sentence."""
    if code < 0:
        return f"crashed (signal {-code})"
    return f"failed (exit code {code})" if code else "failed"
