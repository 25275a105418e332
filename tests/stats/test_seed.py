"""A seed that no generator takes is refused before any work is done."""

from __future__ import annotations

import pytest

from mixprior import main
from mixprior.stats.seed import seed


@pytest.mark.parametrize(
    "words",
    [
        ("train", "predictor", "run", "-o", "model.npz"),
        ("normalize", "stems", "--constants", "features.npz", "-o", "out"),
        ("reverb", "fit", "room.wav"),
    ],
)
@pytest.mark.parametrize("text", ["-1", "1.5"])
def test_a_seed_below_zero_or_a_part_of_one_is_no_seed(capsys, words, text):
    assert main([*words, "--seed", text]) == 2
    assert f"{text} is no seed: whole numbers from 0" in capsys.readouterr().err


def test_a_whole_number_is_a_seed():
    assert seed("0") == 0
