"""Loudness range against known steps, against pyloudnorm, and the 100 ms measure against its definition."""

import numpy as np
import pyloudnorm
import pytest

from mixprior.stats.loudness_blocks import measure
from mixprior.stats.measures import loudness_range
from mixprior.stats.measures.loudness_range import loudness_range_100ms_lu, loudness_range_lu
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet
from tests.stats.measures.test_loudness import musical


def blocks_at(*levels_lufs):
    """Mean squares of 100 ms blocks at these loudnesses, one channel."""
    return 10 ** ((np.array(levels_lufs) + 0.691) / 10)


@pytest.mark.parametrize("seed", range(5))
def test_range_is_the_standards_rule_on_short_term_levels_of_pyloudnorm(seed):
    audio = musical(seed, 60)
    meter = pyloudnorm.Meter(SAMPLE_RATE_HZ, filter_class="DeMan", block_size=3, overlap=1 - 0.1 / 3)
    meter.integrated_loudness(audio.T)
    levels = np.array(meter.blockwise_loudness)
    assert levels.size == 571
    levels = levels[levels >= -70]
    levels = levels[levels >= 10 * np.log10(np.mean(10 ** (levels / 10))) - 20]
    low, high = np.percentile(levels, [10, 95], method="nearest")
    assert loudness_range_lu(measure(audio, SAMPLE_RATE_HZ).weighted) == pytest.approx(high - low, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_range_equals_pyloudnorm_but_for_its_hop_and_its_percentiles(seed):
    # pyloudnorm steps by 90 ms and interpolates its percentiles. It also appends 1.5 s of silence, which changes
    # nothing where the sound ends in silence.
    audio = np.pad(musical(seed, 90, swell_db=20), ((0, 0), (0, 3 * SAMPLE_RATE_HZ)))
    expected = pyloudnorm.Meter(SAMPLE_RATE_HZ, filter_class="DeMan").loudness_range(audio.T)
    assert loudness_range_lu(measure(audio, SAMPLE_RATE_HZ).weighted) == pytest.approx(expected, abs=0.1)


def test_percentiles_are_nearest_ranks():
    # 11 levels from -40 to -30: ranks 1 and 9.5, which rounds up to 10.
    assert loudness_range_100ms_lu(blocks_at(*range(-40, -29))) == pytest.approx(9)


def test_what_is_below_the_gates_does_not_widen_the_range():
    steady = [-20.0] * 50 + [-26.0] * 50
    assert loudness_range_100ms_lu(blocks_at(*steady)) == pytest.approx(6)
    assert loudness_range_100ms_lu(blocks_at(*steady, *[-50.0] * 100)) == pytest.approx(6)
    assert loudness_range_100ms_lu(blocks_at(*steady, *[-71.0] * 100)) == pytest.approx(6)


def test_quick_changes_count_at_100_ms_and_not_at_3_s():
    pulse = blocks_at(*[-15.0, -30.0] * 300)
    assert loudness_range_100ms_lu(pulse) == pytest.approx(15)
    assert loudness_range_lu(pulse) == pytest.approx(0, abs=1e-9)


def test_gain_does_not_change_the_range():
    audio = musical(9, 60)
    soft, loud = (measure(gain * audio, SAMPLE_RATE_HZ).weighted for gain in (np.float32(0.5), np.float32(1)))
    assert loudness_range_lu(soft) == pytest.approx(loudness_range_lu(loud), abs=1e-9)


@pytest.mark.parametrize("blocks", [np.zeros(600), np.full(600, 1e-9), np.full(30, 0.1), np.empty(0)])
def test_silence_and_less_than_two_windows_have_no_range(blocks):
    assert loudness_range_lu(blocks) is None


def test_a_silent_stem_fills_no_column():
    silence = np.zeros((2, 5 * SAMPLE_RATE_HZ), np.float32)
    row = loudness_range.STATISTIC.measure(StemSet({"vocals": silence})["vocals"])
    assert row == {"loudness_range_lu": None, "loudness_range_100ms_lu": None}
