"""Songs made once a session, and the command as a user types it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def stems_catalog(tmp_path_factory) -> Path:
    """Five songs of 6 s, as MUSDB folders of stems without a mixture."""
    root = tmp_path_factory.mktemp("stems")
    for score in SCORES:
        folder = root / score.title
        folder.mkdir()
        for name, audio in perform(replace(score, duration_s=6.0)).items():
            soundfile.write(folder / f"{name}.wav", audio.T, RATE_HZ, "FLOAT")
    return root


@pytest.fixture(scope="session")
def mixprior():
    """Runs `mixprior ARGUMENTS` in a process of its own; gives the completed process, with text."""

    def run(*arguments, expect: int | None = 0, **keywords) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "mixprior", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, **keywords)
        if expect is not None:
            assert done.returncode == expect, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def mined_run(stems_catalog, mixprior, tmp_path_factory) -> Path:
    """The output folder of a run over `stems_catalog`; not to be changed."""
    out = tmp_path_factory.mktemp("mined") / "run"
    mixprior("mine", stems_catalog, "-o", out, "-j", 1)
    return out


@pytest.fixture(scope="session")
def bin_first_on_path() -> dict[str, str]:
    """An environment in which a bare `python` is this interpreter, as Beam's worker pool expects."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
