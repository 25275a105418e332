"""Scenes of the shared music are tracks whose sum is the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mixprior.mixing.evaluation import excerpts
from mixprior.mixing.evaluation.excerpts import WET
from mixprior.mixing.evaluation.material import Material
from mixprior.pipeline.catalogs import roles
from mixprior.stats.measures.loudness import difference
from mixprior.stats.measures.presence import is_present
from mixprior.stats.stem import StemSet
from tests.reference import FOLDER, MUSIC
from tools import ROLES

RESPONSES = FOLDER / "reference" / "impulse_responses"


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    output = tmp_path_factory.mktemp("evaluation")
    return Material(MUSIC, RESPONSES, Path("no run"), output, roles.read(ROLES))


@pytest.mark.reference("music", "reference/impulse_responses")
class TestPairs:
    def test_they_have_vocals_and_one_shape(self, material):
        scene = excerpts.pairs(material)["Music Delta"]()
        vocals, backing = (scene.tracks[role].audio for role in ("vocals", "backing"))
        assert vocals.shape == backing.shape
        assert is_present(StemSet({"vocals": vocals, "backing": backing})["vocals"])

    @pytest.mark.parametrize("row", WET[1:], ids=lambda row: row[0])
    def test_reverb_and_balance_of_wet_vocals_are_as_listed(self, row, material):
        scene = excerpts.pairs(material)[f"{row[0]} in {row[3]}"]()
        vocals, dry = scene.tracks["vocals"], scene.dry["vocals"].audio
        assert 10 * np.log10(np.sum((vocals.audio - dry) ** 2) / np.sum(dry**2)) == pytest.approx(row[4], abs=0.01)
        balance_lu = difference(vocals.integrated_lufs, scene.tracks["backing"].integrated_lufs)
        assert balance_lu == pytest.approx(row[5], abs=0.05)

    def test_every_scene_has_a_name_of_its_own(self, material):
        assert (len(excerpts.pairs(material)), len(excerpts.tracks(material))) == (15, 14)


def test_without_responses_there_are_no_wet_scenes(tmp_path):
    material = Material(tmp_path, None, tmp_path, tmp_path)
    assert not {f"{row[0]} in {row[3]}" for row in WET} & set(excerpts.pairs(material))
