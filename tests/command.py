"""The command line as a user has it: in this process, or in one of its own where signals or the environment count."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import mixprior

ROOT = Path(__file__).parent.parent


def run(*arguments: object, expect: int | None = 0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Run `mixprior ARGUMENTS` in this process, with `env` added to the environment; check its exit code."""
    words = [str(argument) for argument in arguments]
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors), mock.patch.dict(os.environ, env or {}):
        try:
            code = mixprior.main(words)
        except SystemExit as left:  # argparse: --help, or words it does not know
            code = int(left.code or 0)
    return _checked(subprocess.CompletedProcess(words, code, out.getvalue(), errors.getvalue()), expect)


def run_in_a_process(
    *arguments: object, expect: int | None = 0, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run `python -m mixprior ARGUMENTS`, with `env` added to the environment; check its exit code."""
    command = [sys.executable, "-m", "mixprior", *map(str, arguments)]
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    return _checked(done, expect)


def _checked(done: subprocess.CompletedProcess, expect: int | None) -> subprocess.CompletedProcess:
    if expect is not None:
        assert done.returncode == expect, f"{done.args}\n{done.stdout}\n{done.stderr}"
    return done
