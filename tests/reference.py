"""The reference material, which is not part of the repository: songs, true stems, voices, others' numbers.

`MIXPRIOR_REFERENCE=FOLDER` names its folder; without it, the folder `shared` beside the checkout is taken. A test names
what it needs by a marker, `@pytest.mark.reference("music/stems")`, a fixture by `need("music/stems")`. Where that is
missing the test is skipped, and fails if the variable is set.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "MIXPRIOR_REFERENCE"
FOLDER = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "shared").absolute()
MUSIC = FOLDER / "music"
PUBLISHED = FOLDER / "reference" / "published"


def need(name: str) -> Path:
    """Return the file or folder of this name in the reference material."""
    path = FOLDER / name
    if not path.exists():
        if os.environ.get(VARIABLE):
            pytest.fail(f"{VARIABLE} is set, and there is no {path}", pytrace=False)
        pytest.skip(f"no {name} in the reference material beside the checkout")
    return path


def files(name: str, pattern: str) -> list[Path]:
    """Return what is in a folder of the reference material now: to name the cases of a test that needs it."""
    return sorted((FOLDER / name).glob(pattern))
