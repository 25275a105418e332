"""`mixprior mix` as a user calls it, and as a program does."""

import contextlib
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixprior import main
from mixprior.mixing.mix import session
from mixprior.mixing.mix.recipe import Recipe
from mixprior.mixing.plan import pair
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import STEPS
from mixprior.mixing.plan.targets import Targets
from tests.mixing.sounds import band, save, voice

POSSIBLE_STEPS = tuple(step for step in STEPS if step != "pan")
"""Those of vocals and a backing."""
FLAGS = {"vocals": "--vocal", "backing": "--backing"}
LEVEL_AND_LOUDNESS = ("level", "loudness")
"""Steps that take no time."""


def save_both(folder: Path, vocals: np.ndarray | None = None, backing: np.ndarray | None = None) -> dict[str, str]:
    """Save vocals and a backing; return their paths by name."""
    vocals = voice() if vocals is None else vocals
    backing = band() if backing is None else backing
    return {
        "vocals": save(folder / "vocals.wav", vocals),
        "backing": save(folder / "backing.wav", backing),
    }


def mixed(
    paths: Mapping[str, str | Path],
    output: Path,
    priors: str | Path | None = None,
    group: str = "all",
    stems: Path | None = None,
    **chosen: Any,
) -> Recipe:
    """Mix vocals and a backing: options as `mixing.plan.options.Options` has them, the steps `LEVEL_AND_LOUDNESS`."""
    options = Options(**{"steps": LEVEL_AND_LOUDNESS, **chosen})
    planner = partial(pair.plan, targets=Targets.of(priors, group), options=options)
    return session.mix_files(paths, output, planner, options, stems).recipe


def mix(paths: Mapping[str, str | Path], *words: object) -> str:
    """Run the command on a vocal and a backing; return what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert main(["mix", *both(paths), *map(str, words)]) == 0
    return told.getvalue()


def both(paths: Mapping[str, str | Path]) -> list[str]:
    """The options that name the files."""
    return [word for name, path in paths.items() for word in (FLAGS[name], str(path))]


def refusal(capsys: pytest.CaptureFixture, *words: object) -> str:
    """Run a command that cannot be done; return the one line that says why."""
    capsys.readouterr()
    assert main(["mix", *map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("mixprior: ")
    return line.removeprefix("mixprior: ")
