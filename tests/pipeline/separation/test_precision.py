"""Half precision keeps the stems: the worst segments that are known, by every way of this machine and of a GPU."""

import numpy as np
import pyloudnorm
import pytest
import torch

from mixprior.pipeline.audio.decode import decode
from mixprior.pipeline.separation import model_store
from mixprior.pipeline.separation.eager import Eager
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.separation.native import engine
from tests import reference

OPENING = "music/songs/Kevin_MacLeod_-_Vibe_Ace.hq.ogg"
SONG = "music/songs/Alaclair_Ensemble_-_14_-_Twit_JournalisT.mp3"
FIRST, SAMPLES = 1_580_985, 343_980
LEAST_SDR_DB = 32.0
MOST_DRIFT_LU = {"drums": 0.15, "bass": 0.02, "other": 0.02, "vocals": 0.02}
"""Of this segment, whose drums are 19 LU below it. With their branches in bfloat16 too they are at 28 dB."""


@pytest.fixture(scope="module")
def bag():
    found = model_store.resolve()
    return ModelFolder(found.folder, found.name).load(found.weights_sha256, found.arguments_sha256)


@pytest.fixture(scope="module")
def segment():
    audio = torch.from_numpy(decode(str(reference.need(SONG)))[:, FIRST : FIRST + SAMPLES])
    return ((audio - audio.mean()) / audio.mean(0).std())[None]


@pytest.fixture(scope="module")
def single(bag, segment):
    run = engine.of(bag, "fp32") or Eager(bag, "cpu", "fp32")
    return run(0, segment)[0].numpy()


@pytest.mark.weights
@pytest.mark.reference(SONG)
@pytest.mark.parametrize("way", ["native", "eager"])
def test_drums_keep_their_level_in_bfloat16(way, bag, segment, single):
    run = engine.of(bag, "bf16") if way == "native" else Eager(bag, "cpu", "bf16")
    if run is None:
        pytest.skip("no native engine in bfloat16 on this processor")
    half = run(0, segment)[0].numpy()
    meter = pyloudnorm.Meter(44_100)
    for k, name in enumerate(bag.sources):
        error = single[k].astype(np.float64) - half[k]
        sdr_db = 10 * np.log10(np.sum(single[k].astype(np.float64) ** 2) / np.sum(error**2))
        drift_lu = meter.integrated_loudness(half[k].T) - meter.integrated_loudness(single[k].T)
        assert sdr_db > LEAST_SDR_DB, (name, sdr_db, drift_lu)
        assert abs(drift_lu) < MOST_DRIFT_LU[name], name


@pytest.mark.weights
@pytest.mark.reference(OPENING)
@pytest.mark.nightly("material")
@pytest.mark.timeout(600)
def test_fp16_keeps_what_bfloat16_loses(bag):
    """The first segment of a song whose bass enters late: a GPU takes fp16, which a CPU computes slowly."""
    audio = torch.from_numpy(decode(str(reference.need(OPENING))))
    middle = audio.mean(0)
    segment = ((audio[:, :SAMPLES] - middle.mean()) / middle.std())[None]
    single = Eager(bag, "cpu", "fp32")(0, segment)
    least_db = {}
    for precision in ("bf16", "fp16"):
        error = Eager(bag, "cpu", precision)(0, segment) - single
        by_stem = 10 * torch.log10(single.square().sum((0, 2, 3)) / error.square().sum((0, 2, 3)))
        print(precision, dict(zip(bag.sources, by_stem.tolist(), strict=True)))
        least_db[precision] = by_stem.min().item()
    assert least_db["bf16"] < 20
    assert least_db["fp16"] > 35
