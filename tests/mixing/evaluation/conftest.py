"""Generated scenes, made once: what is in them must not be changed."""

from __future__ import annotations

import pytest

from mixprior.mixing.evaluation.judge import Judge
from mixprior.mixing.evaluation.scenes import Mixed, Scene
from tests.mixing.evaluation import generated


@pytest.fixture(scope="session")
def pair() -> Scene:
    return generated.wet_pair()


@pytest.fixture(scope="session")
def band() -> Scene:
    return generated.band()


@pytest.fixture(scope="session")
def pair_judge(pair) -> Judge:
    return Judge(Mixed.summed(pair.by_role(pair.tracks)))


@pytest.fixture(scope="session")
def band_judge(band) -> Judge:
    return Judge(Mixed.summed(band.by_role(band.tracks)))
