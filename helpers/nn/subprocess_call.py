"""Programs and Python modules run in a process of their own, with a time limit.

code, out, said = run_limited(["program", "-v"], seconds=60)
answer = ask("helpers.some.module", "a question", seconds=30)     # a dictionary
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
"""How a line begins that is meant for `ask` and not said by a driver."""


def run_limited(
    command: list[str], seconds: float, env: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a program and return its exit code and what it wrote to stdout and stderr.

    It is killed when the time is over or this call is interrupted. Files take what it writes: a
    pipe would be waited for as long as anything that the program started holds it open.

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
                process.wait(5)  # not for ever: a broken driver can hold a process beyond death
            raise
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return code, texts[0], texts[1]


def run_module(module: str, *question: str, seconds: float) -> dict[str, Any]:
    """Run a module of this package as a script and return what it answers.

    Raises:
        ModelError: it crashed or took too long.
    """
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    command = [sys.executable, "-m", module, *question]
    try:
        code, out, said = run_limited(command, seconds, {**os.environ, "PYTHONPATH": paths})
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"there was no answer within {seconds:g} s") from error
    except OSError as error:
        raise ModelError(f"Python could not be started to ask ({error})") from error
    lines = [line for line in out.splitlines() if line.startswith(_MARK)]
    if not lines:
        raise ModelError(f"it {describe_exit(code)}, saying: {last_lines(said)}")
    # Some drivers crash when a process that used them ends; that comes after the answer.
    return json.loads(lines[-1].removeprefix(_MARK))


def send_result(found: dict[str, Any]) -> None:
    """Answer what was asked, from within the process that was started."""
    sys.stdout.write(f"\n{_MARK}{json.dumps(found)}\n")


def last_lines(said: str) -> str:
    """Return the end of what a program said, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " / ".join(lines[-4:])[-400:] or "nothing"


def describe_exit(code: int) -> str:
    """Say how a program ended, from its exit code."""
    if code < 0:
        return f"crashed (signal {-code})"
    return f"gave up (exit code {code})" if code else "failed"
