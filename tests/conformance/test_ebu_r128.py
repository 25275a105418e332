"""EBU Tech 3341 and 3342: the sequences of their tables, made here as the tables say, and EBU's own files."""

import numpy as np
import pytest
import soundfile
from scipy.signal import firwin, upfirdn

from mixprior.stats.loudness_blocks import measure
from mixprior.stats.measures.loudness import (
    integrated_lufs,
    max_momentary_lufs,
    max_short_term_lufs,
    momentary_lufs,
    short_term_lufs,
)
from mixprior.stats.measures.loudness_range import loudness_range_lu
from mixprior.stats.measures.true_peak import true_peak_dbtp
from tests.reference import FOLDER

RATE_HZ = 48_000
SILENCE = -np.inf


def tone(*steps, rate_hz=RATE_HZ, channels=2):
    """1 kHz in phase in all channels; each step is (peak level in dBFS, seconds)."""
    gain = np.concatenate([np.full(round(s * rate_hz), 10 ** (db / 20)) for db, s in steps])
    wave = gain * np.sin(2 * np.pi * 1000 * np.arange(gain.size) / rate_hz)
    return np.tile(wave, (channels, 1)).astype(np.float32)


def surround(rate_hz):
    """Case 6: left, right, centre and two surrounds at their own levels."""
    return np.vstack([tone((db, 20), rate_hz=rate_hz, channels=1) for db in (-28, -28, -24, -30, -30)])


INTEGRATED = {
    1: [(-23, 20)],
    2: [(-33, 20)],
    3: [(-36, 10), (-23, 60), (-36, 10)],
    4: [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
    5: [(-26, 20), (-20, 20.1), (-26, 20)],
}
# What the 48 kHz coefficients printed in BS.1770 give, in double precision: the standard allows 0.1 LU around -23.
GOLDEN_LUFS = {1: -22.9933, 2: -32.9933, 3: -23.0139, 4: -23.0139, 5: -22.9787, 6: -23.0163}


@pytest.mark.parametrize("case", GOLDEN_LUFS)
@pytest.mark.parametrize(("rate_hz", "tolerance_lu"), [(48_000, 0.001), (44_100, 0.02), (96_000, 0.04)])
def test_3341_cases_1_to_6_integrated_loudness(case, rate_hz, tolerance_lu):
    audio = surround(rate_hz) if case == 6 else tone(*INTEGRATED[case], rate_hz=rate_hz)
    assert integrated_lufs(measure(audio, rate_hz).weighted) == pytest.approx(GOLDEN_LUFS[case], abs=tolerance_lu)


@pytest.mark.parametrize(("case", "lufs"), [(1, -23), (2, -33)])
def test_3341_cases_1_and_2_momentary_and_short_term_stay_at_the_level_of_the_tone(case, lufs):
    blocks = measure(tone(*INTEGRATED[case]), RATE_HZ).weighted
    np.testing.assert_allclose(momentary_lufs(blocks), lufs, atol=0.1)
    np.testing.assert_allclose(short_term_lufs(blocks), lufs, atol=0.1)


def test_3341_case_9_short_term_is_constant_after_3_s():
    blocks = measure(tone(*[(-20, 1.34), (-30, 1.66)] * 5), RATE_HZ)
    np.testing.assert_allclose(short_term_lufs(blocks.weighted_20ms, 50), -23, atol=0.1)


@pytest.mark.parametrize("i", range(20))
def test_3341_case_10_loudest_3_s_of_a_file(i):
    blocks = measure(tone((SILENCE, 0.15 * i), (-23, 3), (SILENCE, 1)), RATE_HZ)
    assert max_short_term_lufs(blocks) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("i", range(20))
def test_3341_case_11_loudest_3_s_of_each_segment(i):
    blocks = measure(tone((SILENCE, 0.15 * i), (-38 + i, 3), (SILENCE, 3 - 0.15 * i)), RATE_HZ)
    assert max_short_term_lufs(blocks) == pytest.approx(-38 + i, abs=0.1)


def test_3341_case_12_momentary_is_constant_after_1_s():
    blocks = measure(tone(*[(-20, 0.18), (-30, 0.22)] * 25), RATE_HZ)
    np.testing.assert_allclose(momentary_lufs(blocks.weighted_20ms, 50)[30:], -23, atol=0.1)


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
@pytest.mark.parametrize("i", range(20))
def test_3341_case_13_loudest_400_ms_of_a_file(i, rate_hz):
    blocks = measure(tone((SILENCE, 0.02 * i), (-23, 0.4), (SILENCE, 1), rate_hz=rate_hz), rate_hz)
    assert max_momentary_lufs(blocks) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("i", range(20))
def test_3341_case_14_loudest_400_ms_of_each_segment(i):
    blocks = measure(tone((SILENCE, 0.02 * i), (-38 + i, 0.4), (SILENCE, 0.4 - 0.02 * i)), RATE_HZ)
    assert max_momentary_lufs(blocks) == pytest.approx(-38 + i, abs=0.1)


@pytest.mark.parametrize(
    ("case", "divisor", "phase_degrees", "full_scale", "expected_dbtp"),
    [(15, 4, 0, 0.5, -6), (16, 4, 45, 0.5, -6), (17, 6, 60, 0.5, -6), (18, 8, 67.5, 0.5, -6), (19, 4, 45, 1.41, 3)],
)
def test_3341_cases_15_to_19_true_peak_of_a_sine(case, divisor, phase_degrees, full_scale, expected_dbtp):
    n = np.arange(RATE_HZ)
    fade = np.minimum(1, np.minimum(n, n[::-1]) / (0.01 * RATE_HZ))
    wave = full_scale * fade * np.sin(2 * np.pi * n / divisor + np.radians(phase_degrees))
    assert -0.4 <= true_peak_dbtp(np.stack([wave, wave]).astype(np.float32)) - expected_dbtp <= 0.2


@pytest.mark.parametrize("case", [20, 21, 22, 23])
def test_3341_cases_20_to_23_true_peak_of_a_burst_between_samples(case):
    # fs/6 at half scale with one period of fs/4 at full scale, phase continuous, made at 4 fs.
    periods = 1000
    slow, fast = np.full(24 * periods, 1 / 24), np.full(16, 1 / 16)
    turns = np.cumsum(np.concatenate([[0], slow, fast, slow]))[:-1]
    level = np.concatenate([np.full(slow.size, 0.5), np.ones(fast.size), np.full(slow.size, 0.5)])
    low_pass = firwin(2001, 0.24)
    filtered = upfirdn(low_pass, level * np.sin(2 * np.pi * turns))[1000:-1000]
    wave = filtered[case - 20 :: 4]
    assert -0.4 <= true_peak_dbtp(np.stack([wave, wave]).astype(np.float32)) <= 0.2


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
@pytest.mark.parametrize(
    ("case", "levels_db", "expected_lu"),
    [(1, [-20, -30], 10), (2, [-20, -15], 5), (3, [-40, -20], 20), (4, [-50, -35, -20, -35, -50], 15)],
)
def test_3342_cases_1_to_4_loudness_range(case, levels_db, expected_lu, rate_hz):
    audio = tone(*[(db, 20) for db in levels_db], rate_hz=rate_hz)
    # The standard allows 1 LU; tones leave only the filter's settling to differ by.
    assert loudness_range_lu(measure(audio, rate_hz).weighted) == pytest.approx(expected_lu, abs=0.05)


@pytest.mark.reference("reference/ebu_r128")
@pytest.mark.parametrize(
    ("name", "expected_lufs", "expected_range_lu"),
    [
        ("seq-3341-1-16bit", -23, None),
        ("seq-3341-2-16bit", -33, None),
        ("seq-3341-3-16bit-v02", -23, None),
        ("seq-3341-4-16bit-v02", -23, None),
        ("seq-3341-5-16bit-v02", -23, None),
        ("seq-3341-7_seq-3342-5-16bit", -23, 5),
        ("seq-3342-1-16bit", None, 10),
        ("seq-3342-2-16bit", None, 5),
        ("seq-3342-3-16bit", None, 20),
        ("seq-3342-4-16bit", None, 15),
    ],
)
def test_files_of_the_ebu(name, expected_lufs, expected_range_lu):
    audio, rate_hz = soundfile.read(FOLDER / "reference" / "ebu_r128" / f"{name}.flac", dtype="float32", always_2d=True)
    blocks = measure(audio.T, rate_hz)
    if expected_lufs is not None:
        assert integrated_lufs(blocks.weighted) == pytest.approx(expected_lufs, abs=0.1)
    if expected_range_lu is not None:
        assert loudness_range_lu(blocks.weighted) == pytest.approx(expected_range_lu, abs=1)
