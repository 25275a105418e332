"""Files that are the sum of others: left out of a mix of a folder as MUSDB18 lays it out, and that is said."""

import numpy as np
import pytest

from mixprior.mixing.mix.tracks import kept_tracks
from mixprior.stats.errors import InputError
from tests.mixing.mix_command import refusal
from tests.mixing.multitrack_song import bass, kick, mix, pad, save_all, sung
from tests.mixing.sounds import load

STEMS = {"vocals": sung(240.0, 2.0), "drums": kick(2.0), "bass": bass(2.0), "other": pad(duration_s=2.0)}


def test_the_mixture_of_a_musdb_folder_is_left_out_and_that_is_said(tmp_path):
    save_all(tmp_path / "stems", STEMS)
    save_all(tmp_path / "musdb", {**STEMS, "mixture": sum(STEMS.values())})
    for name in ("stems", "musdb"):
        made = mix("--tracks", tmp_path / name, "-o", tmp_path / f"{name}.wav")
        assert set(made["inputs"]) == set(STEMS)
    assert np.array_equal(load(tmp_path / "stems.wav"), load(tmp_path / "musdb.wav"))
    (roles, *_) = made["steps"]
    assert roles["notes"] == ["mixture is left out: it is the sum of other tracks"]
    assert roles["reason"].endswith("1 other; mixture is left out: it is the sum of other tracks")
    assert not [warning for warning in made["warnings"] if warning["code"] == "role"]


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        (["vocals", "no_vocals"], []),
        (["vocals", "drums", "no_vocals", "Mixture"], ["no_vocals", "Mixture"]),
        (["Kick", "mixture", "Lead Vox"], []),
        (["drums", "bass", "mixture"], []),
    ],
)
def test_only_sums_beside_their_parts_are_left_out(names, left_out):
    assert kept_tracks(names) == ([name for name in names if name not in left_out], left_out)


def test_vocals_and_their_mixture_alone_are_refused(tmp_path, capsys):
    with pytest.raises(InputError, match="mixture contains vocals"):
        kept_tracks(["vocals", "mixture"])
    save_all(tmp_path / "tracks", {"vocals": sung(240.0, 1.0), "mixture": sung(240.0, 1.0)})
    assert "mixture contains vocals" in refusal(capsys, "--tracks", tmp_path / "tracks", "-o", tmp_path / "mix.wav")
