"""The compressor found on blocks reaches the target in earnest, or the result says how far it can."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from mixprior.mixing.effects.compressor import Compressor
from mixprior.mixing.rules.compression import (
    ONSET_STARTS,
    RANGE_MAX_RATIO,
    RANGE_START,
    search,
    to_loudness_range,
    to_onset_peaks,
)
from mixprior.mixing.rules.compression_model import RANGES, RangeModel
from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from mixprior.stats.measures.dynamics import onset_peaks_db
from mixprior.stats.sound import Sound
from tests.mixing.sounds import sound
from tests.reference import MUSIC

pytestmark = pytest.mark.slow

RATE_HZ = 44_100
FXNORM = {"vocals": (-14.241, 1.371), "drums": (-13.479, 1.129), "bass": (-13.131, 0.898), "other": (-14.659, 1.268)}
"""Onset peaks of MUSDB18, as FxNorm-automix publishes them."""


def voice(duration_s=60.0, seed=0, spread_db=6.0):
    """Sung notes with attack and vibrato, phrases of different loudness, pauses, and a floor of breath at -75 dBFS."""
    random = np.random.default_rng(seed)
    samples = round(duration_s * RATE_HZ)
    audio, at, level_db = np.zeros(samples), 0, 0.0
    while at < samples:
        if random.random() < 0.2:
            level_db = random.normal(0, spread_db)
            at += round(random.uniform(0.3, 1.5) * RATE_HZ)
        length = min(round(random.uniform(0.15, 0.9) * RATE_HZ), samples - at)
        if length <= 0:
            break
        time_s = np.arange(length) / RATE_HZ
        phase = 2 * np.pi * random.uniform(130, 520) * (time_s + 1e-3 * np.sin(2 * np.pi * 5.5 * time_s))
        note = sum(np.sin(k * phase) / k for k in range(1, 9))
        shape = np.minimum(time_s / 0.03, 1) * np.minimum((length - np.arange(length)) / (0.06 * RATE_HZ), 1)
        audio[at : at + length] = 10 ** ((level_db + random.normal(0, 2) - 26) / 20) * shape * note
        at += length
    audio += 10 ** (-75 / 20) * lfilter([1], [1, -0.8], random.standard_normal(samples))
    return np.tile(audio, (2, 1)).astype(np.float32)


def two_levels(loud_dbfs=-20.0, soft_dbfs=-32.0):
    """Ten times 10 s of a tone, loud and soft in turn: the loudness range is their difference."""
    time_s = np.arange(100 * RATE_HZ) / RATE_HZ
    level_db = np.where(time_s // 10 % 2 == 0, loud_dbfs, soft_dbfs)
    tone = np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 997 * time_s)
    return np.tile(tone, (2, 1)).astype(np.float32)


def hits(peaks_db, seed=0, spacing_s=0.4):
    """Noise bursts that swell in 50 ms and die away in 100 ms, whose largest samples are the given ones."""
    random = np.random.default_rng(seed)
    since = np.arange(round(spacing_s * RATE_HZ)) / RATE_HZ
    pieces = [np.zeros(RATE_HZ // 3)]
    for peak_db in peaks_db:
        burst = random.standard_normal(since.size) * (1 - np.exp(-since / 0.05)) * np.exp(-since / 0.1)
        pieces.append(10 ** (peak_db / 20) * burst / np.abs(burst).max())
    return np.tile(np.concatenate(pieces), (2, 1)).astype(np.float32)


def range_of(audio, measure, rate_hz=RATE_HZ):
    return RANGES[measure](sound(audio, rate_hz))


def compressed(audio, found, rate_hz=RATE_HZ):
    return audio if found.settings is None else Compressor(found.settings, rate_hz).process(audio)


@pytest.mark.parametrize("target_lu", [10.0, 8.0, 6.5])
def test_of_two_levels_the_threshold_is_the_one_that_theory_asks_for(target_lu):
    """The loud part is to fall by 12 LU - target; a ratio of 2 takes half of what is above the threshold."""
    start = replace(RANGE_START, ratio=2.0, knee_db=0.0)
    found = to_loudness_range(sound(two_levels()), target_lu, start=start)
    assert found.settings.ratio == 2.0
    assert found.settings.threshold_dbfs == pytest.approx(-20 - 2 * (12 - target_lu), abs=0.15)
    assert found.measured["loudness_range_lu"] == pytest.approx(12.0, abs=0.05)
    assert found.measured["loudness_range_after_lu"] == pytest.approx(target_lu, abs=0.05)


@pytest.mark.parametrize("measure", ["ebu", "100ms"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_range_is_met_within_a_tenth_by_the_real_compressor(measure, seed):
    audio = voice(seed=seed)
    own = range_of(audio, measure)
    for share in (0.9, 0.8, 0.7):
        found = to_loudness_range(sound(audio), share * own, measure)
        assert found.on_target, found.reason
        reached = range_of(compressed(audio, found), measure)
        assert reached == pytest.approx(share * own, abs=0.1)
        told = next(value for name, value in found.measured.items() if name.endswith("after_lu"))
        assert reached == pytest.approx(told, abs=0.001)


@pytest.mark.parametrize("rate_hz", [22_050, 48_000, 96_000])
def test_the_rate_does_not_matter(rate_hz):
    audio = voice(seed=1)
    found = to_loudness_range(sound(audio, rate_hz), 0.8 * range_of(audio, "ebu", rate_hz))
    assert range_of(compressed(audio, found, rate_hz), "ebu", rate_hz) == pytest.approx(
        0.8 * range_of(audio, "ebu", rate_hz), abs=0.1
    )


def test_the_makeup_gives_the_loudness_back():
    audio = voice(seed=2)
    found = to_loudness_range(sound(audio), 0.7 * range_of(audio, "ebu"))
    assert found.settings.makeup_db > 1
    assert Sound(compressed(audio, found), RATE_HZ).integrated_lufs == pytest.approx(
        Sound(audio, RATE_HZ).integrated_lufs, abs=0.02
    )


def test_a_range_that_is_small_already_is_left():
    audio = voice(seed=1)
    found = to_loudness_range(sound(audio), range_of(audio, "ebu") + 1)
    assert found.settings is None
    assert found.on_target
    assert "already" in found.reason


def test_the_ratio_is_raised_only_where_the_first_does_not_reach():
    audio = two_levels()
    start = replace(RANGE_START, ratio=2.0)
    assert to_loudness_range(sound(audio), 7.0, start=start).settings.ratio == 2.0
    raised = to_loudness_range(sound(audio), 4.0, start=start)  # 2:1 leaves 6 LU at the least
    assert raised.settings.ratio == 4.0
    assert range_of(compressed(audio, raised), "ebu") == pytest.approx(4.0, abs=0.1)


def test_what_cannot_be_reached_is_said_with_the_nearest():
    audio = two_levels()
    start = replace(RANGE_START, ratio=2.0, knee_db=0.0)
    found = to_loudness_range(sound(audio), 2.0, start=start, max_ratio=3.0)
    assert not found.on_target
    reached = range_of(compressed(audio, found), "ebu")
    assert reached == pytest.approx(4.0, abs=0.1)  # 12 LU by 3:1
    assert f"nearest is {reached:.1f} LU" in found.reason
    assert "cannot be brought to 2.0 LU" in found.reason


def test_where_not_even_half_the_way_can_be_gone_nothing_is_done():
    start = replace(RANGE_START, ratio=1.2)
    found = to_loudness_range(sound(two_levels()), 2.0, start=start, max_ratio=1.2)
    assert found.settings is None
    assert not found.on_target
    assert "nearest would be 10." in found.reason


@pytest.mark.parametrize("audio", [np.zeros((2, RATE_HZ), np.float32), np.ones((2, 100), np.float32)])
def test_silence_and_snippets_are_left(audio):
    assert to_loudness_range(sound(audio), 5.0).settings is None
    assert to_onset_peaks(sound(audio), "vocals", -14.0, 1.0).settings is None


@pytest.mark.nightly("speed")
def test_the_bisection_takes_milliseconds():
    """Processor time, best of four, on four minutes whose energies are known; a range that the first ratio reaches."""
    sung = sound(voice(240.0, seed=3))
    for measure, range_lu in RANGES.items():
        model = RangeModel(sung, measure)
        target_lu = 0.8 * range_lu(sung)
        times_s = []
        for _ in range(4):
            start = time.process_time()
            settings, _ = search(model, target_lu, RANGE_START, RANGE_MAX_RATIO)
            times_s.append(time.process_time() - start)
        assert settings.ratio == RANGE_START.ratio
        assert min(times_s) < 0.02


@pytest.mark.parametrize(
    ("peaks_db", "stem"),
    [(np.random.default_rng(1).normal(-6, 4, 60), "vocals"), (np.random.default_rng(2).normal(-9, 5, 60), "drums")],
    ids=["vocals", "drums"],
)
def test_uneven_onsets_are_brought_up_into_the_interval(peaks_db, stem):
    audio = hits(peaks_db)
    own, _ = onset_peaks_db(audio)
    found = to_onset_peaks(sound(audio), stem, own + 2.5, 1.0)
    assert found.on_target, found.reason
    reached, _ = onset_peaks_db(compressed(audio, found))
    assert own + 1.5 <= reached <= own + 3.5
    assert reached == pytest.approx(found.measured["onset_peak_mean_after_db"], abs=0.01)
    assert (found.settings.attack_s, found.settings.release_s) == (
        ONSET_STARTS[stem].attack_s,
        ONSET_STARTS[stem].release_s,
    )


def test_a_single_value_is_met_within_a_tenth():
    audio = hits(np.random.default_rng(1).normal(-6, 4, 60))
    own, _ = onset_peaks_db(audio)
    found = to_onset_peaks(sound(audio), "other", own + 1, 0.0)
    assert onset_peaks_db(compressed(audio, found))[0] == pytest.approx(own + 1, abs=0.1)


def test_onset_peaks_within_the_interval_are_left():
    audio = hits(np.random.default_rng(1).normal(-6, 4, 60))
    own, _ = onset_peaks_db(audio)
    found = to_onset_peaks(sound(audio), "vocals", own + 0.9, 1.0)
    assert found.settings is None
    assert found.on_target


def test_onsets_that_no_compressor_moves_are_left_and_that_is_said():
    """Hits of one level, far apart: whatever the gain does, it does to all of them."""
    found = to_onset_peaks(sound(hits([-6.0] * 40, spacing_s=2.5)), "drums", -16.0, 1.0)
    assert found.settings is None
    assert not found.on_target
    assert "nearest would be" in found.reason


def test_the_same_compressor_is_found_at_another_rate():
    audio = hits(np.random.default_rng(1).normal(-6, 4, 60))
    own, _ = onset_peaks_db(audio)
    at_double = np.repeat(audio, 2, axis=1)  # as good as any signal at 88.2 kHz
    found = to_onset_peaks(sound(at_double, 2 * RATE_HZ), "vocals", own + 2.5, 1.0)
    assert found.on_target
    assert found.measured["onset_peak_mean_db"] == pytest.approx(own, abs=1.0)


def test_wrong_questions_are_refused():
    audio = voice(2.0)
    with pytest.raises(InputError, match="ebu, 100ms"):
        to_loudness_range(sound(audio), 5.0, "lra")
    with pytest.raises(InputError, match="cannot be nan"):
        to_loudness_range(sound(audio), np.nan)
    with pytest.raises(InputError, match="vocals, drums, bass, other"):
        to_onset_peaks(sound(audio), "flute", -14.0, 1.0)
    with pytest.raises(InputError, match="cannot be"):
        to_onset_peaks(sound(audio), "vocals", -14.0, -1.0)


VOICES = [
    "voices/vocadito_1.wav",
    "voices/vocadito_10.wav",
    "voices/vocadito_14.wav",
    "multitracks/3.Sodium/3.Sodium_Stem_VOX LEAD_mobile.m4a",
    "multitracks/3.Sodium/3.Sodium_Stem_BGVOX OUTRO_mobile.m4a",
    "multitracks/3.Sodium/3.Sodium_Stem_BGVOX OOH_mobile.m4a",
    "multitracks/4.Potassium/4.Potassium_Stem_VOX LEAD_mobile.m4a",
    "multitracks/4.Potassium/4.Potassium_Stem_BGVOX ECHO_mobile.m4a",
]
OUT_OF_REACH = {(VOICES[3], "ebu"), (VOICES[7], "100ms")}
"""Sparse voices whose breaths and pauses rise through the gate before a tenth of the range is gone."""


@pytest.mark.reference("music/voices", "music/multitracks")
@pytest.mark.parametrize("measure", ["ebu", "100ms"])
@pytest.mark.parametrize("name", VOICES, ids=lambda name: Path(name).stem)
def test_real_voices_meet_their_targets_within_a_tenth(name, measure):
    file = audio_file.read(MUSIC / name)
    own = range_of(file.sound.audio, measure, file.sound.rate_hz)
    found = to_loudness_range(sound(file.sound.audio, file.sound.rate_hz), 0.9 * own, measure)
    assert found.on_target == ((name, measure) not in OUT_OF_REACH), found.reason
    reached = range_of(compressed(file.sound.audio, found, file.sound.rate_hz), measure, file.sound.rate_hz)
    if found.on_target:
        assert reached == pytest.approx(0.9 * own, abs=0.1)
    else:
        assert "cannot be brought" in found.reason
        assert reached <= own


@pytest.mark.reference("music/voices", "music/multitracks")
@pytest.mark.parametrize("name", VOICES[:3], ids=lambda name: Path(name).stem)
def test_real_voices_come_within_the_published_onset_peaks(name):
    file = audio_file.read(MUSIC / name)
    mean_db, sd_db = FXNORM["vocals"]
    found = to_onset_peaks(sound(file.sound.audio, file.sound.rate_hz), "vocals", mean_db, sd_db)
    assert found.on_target, found.reason
    reached, _ = onset_peaks_db(compressed(file.sound.audio, found, file.sound.rate_hz))
    assert abs(reached - mean_db) <= sd_db


def test_the_settings_to_start_from_are_those_of_the_sources():
    assert (RANGE_START.ratio, RANGE_START.attack_s, RANGE_START.release_s) == (2.9, 0.03, 0.15)
    times = {stem: (each.ratio, each.attack_s, each.release_s) for stem, each in ONSET_STARTS.items()}
    assert times == {
        "vocals": (4.0, 0.0075, 0.4),
        "drums": (6.0, 0.01, 0.18),
        "bass": (5.0, 0.01, 0.5),
        "other": (4.0, 0.015, 0.666),
    }
