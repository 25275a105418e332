"""Tracks that are kept without their silence, and sums that a plan made already: the same mix, sample by sample."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mixprior.mixing.mix import render, session, sounds
from mixprior.mixing.mix.sounds import Sounds
from mixprior.mixing.mix.sparse import Sparse
from mixprior.mixing.plan import multitrack
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.targets import Targets
from mixprior.stats.sound import Sound
from tests.mixing.multitrack_song import bass, kick, pad, save_all, sung


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    silence = np.zeros(100_000)
    tracks = {"Kick": kick(), "Bass": bass(), "Pad": pad(), "Lead Vox": sung()}
    late = {name: np.concatenate([silence, track, silence]) for name, track in tracks.items()}
    return save_all(tmp_path_factory.mktemp("song"), {**late, "Piano": pad(237.0)})


@pytest.mark.parametrize("heard", [[], [(0, 5)], [(70_000, 70_001)], [(0, 20_000), (99_000, 100_000)]])
def test_a_sound_comes_back_sample_by_sample(heard):
    audio = np.zeros((2, 100_000), np.float32)
    for start, end in heard:
        audio[:, start:end] = np.random.default_rng(1).standard_normal((2, end - start))
    sparse = Sparse.of(Sound(audio, 44_100))
    assert np.array_equal(sparse.sound().audio, audio)
    assert sparse.nbytes < audio.nbytes
    assert sparse.sound().integrated_lufs == Sound(audio, 44_100).integrated_lufs


def test_a_song_that_memory_does_not_hold_gives_the_same_mix(paths, tmp_path, monkeypatch):
    options = Options(target_lufs=-14.0)
    planner = partial(multitrack.plan, targets=Targets.of(), options=options)
    made = []
    for kept, sparse in ((1 << 30, 2 << 30), (0, 2 << 30), (0, -1)):
        monkeypatch.setattr(sounds, "_KEPT_BYTES", kept)
        monkeypatch.setattr(sounds, "_SPARSE_BYTES", sparse)
        session.mix_files(paths, tmp_path / "mix.wav", planner, options)
        made.append((tmp_path / "mix.wav").read_bytes())
    assert made[0] == made[1] == made[2]


def test_sums_that_a_plan_made_are_those_of_the_mix(paths):
    read = Sounds(paths)
    options = Options(steps=("level", "pan", "eq", "loudness"))
    plan = multitrack.plan(read, Targets.of(), options)
    assert plan.summed.keys() == plan.settings.buses.keys()
    anew = render.render(replace(plan, summed={}), read, read.inputs, options)
    assert np.array_equal(render.render(plan, read, read.inputs, options).audio, anew.audio)


def test_a_sum_of_other_chains_is_made_anew(paths):
    read = Sounds(paths)
    options = Options(steps=("level", "loudness"))
    plan = multitrack.plan(read, Targets.of(), options)
    kick_chain = replace(plan.settings.tracks["Kick"], output_gain_db=6.0)
    settings = replace(plan.settings, tracks={**plan.settings.tracks, "Kick": kick_chain})
    changed = render.render(replace(plan, settings=settings), read, read.inputs, options)
    anew = render.render(replace(plan, settings=settings, summed={}), read, read.inputs, options)
    assert np.array_equal(changed.audio, anew.audio)
