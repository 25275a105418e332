"""A sound measured in pieces of any length gives the numbers of the whole, to the last bit."""

import numpy as np
import pytest

from mixprior.stats import long_term_spectra, loudness_blocks
from mixprior.stats.frames import FrameEnergies
from mixprior.stats.measures import panning, true_peak
from mixprior.stats.registry import STATISTICS
from mixprior.stats.reverb import columns as reverb
from mixprior.stats.sound import Sound
from mixprior.stats.stem import Stem, StemSet

RATE_HZ = 44_100


def sound(samples, channels=2, seed=0):
    """Noise that comes and goes, with silent stretches."""
    rng = np.random.default_rng(seed)
    swell = np.abs(np.sin(np.arange(samples) / 30_000.0)) ** 3
    swell[samples // 3 : samples // 2] *= 1e-4
    return (rng.standard_normal((channels, samples)) * 0.3 * swell).astype(np.float32)


def pieces(audio, seed):
    """Cut at random places; some pieces are short, some empty."""
    rng = np.random.default_rng(seed)
    samples = audio.shape[1]
    near = rng.integers(0, 200, 6) + rng.integers(0, max(1, samples - 200))
    places = np.sort(np.concatenate([rng.integers(0, samples + 1, 6), np.minimum(near, samples), [samples // 2] * 2]))
    return np.split(audio, places, axis=1)


def blocks(parts):
    energies = loudness_blocks.BlockEnergies(len(parts[0]), RATE_HZ)
    for part in parts:
        energies.add(part)
    found = energies.result()
    return [found.weighted, found.plain, found.mono_weighted, found.weighted_20ms]


def spectra(parts):
    energies = FrameEnergies(long_term_spectra.FRAME, long_term_spectra.HOP)
    found = np.concatenate([energies.add(part) for part in parts])
    missing = long_term_spectra.FRAME - sum(part.shape[1] for part in parts)
    if missing > 0:
        found = np.append(found, energies.add(np.zeros((2, missing), np.float32)))
    sums = long_term_spectra.SpectraSums(long_term_spectra.floors_of(found))
    for part in parts:
        sums.add(part)
    result = sums.result()
    return [result.magnitude, result.power, result.phi]


def peak(parts):
    search = true_peak.PeakSearch()
    for part in parts:
        search.add(part)
    return [search.result()]


def energies(parts):
    sums = panning.EnergySums()
    for part in parts:
        sums.add(part)
    return [*sums.result()]


def sps(parts):
    frames = panning.SpsFrames()
    for part in parts:
        frames.add(part)
    return list(frames.result().values())


@pytest.mark.parametrize("samples", [63, 1_000, 60_000, 400_001])
@pytest.mark.parametrize("measure", [blocks, spectra, peak, energies, sps])
def test_pieces_read_as_the_whole(measure, samples):
    audio = sound(samples)
    whole = measure([audio])
    for seed in range(4):
        for expected, found in zip(whole, measure(pieces(audio, seed)), strict=True):
            assert np.array_equal(np.array(expected, float), np.array(found, float), equal_nan=True)


def test_the_whole_is_what_one_call_measures():
    audio = sound(300_000)
    fields = vars(loudness_blocks.measure(audio, RATE_HZ)).values()
    assert all((a == b).all() for a, b in zip(blocks([audio]), fields, strict=True))
    by_call = long_term_spectra.measure(audio)
    assert np.array_equal(spectra([audio])[2], by_call.phi, equal_nan=True)
    assert peak([audio]) == [true_peak.true_peak_dbtp(audio)]
    assert energies([audio]) == [*panning.energies(audio)]
    assert sps([audio]) == [*panning.sps_rms(audio).values()]


def test_nothing_reads_as_nothing():
    nothing = np.zeros((2, 0), np.float32)
    assert peak([nothing]) == [None]
    assert energies([nothing]) == [0.0, 0.0, 0.0]
    assert loudness_blocks.measure(nothing, RATE_HZ).weighted.shape == (2, 0)
    assert sps([nothing]) == [None] * 4


WHOLE = {
    "onset_peak_mean_db",
    "onset_peak_sd_db",
    "crest_factor_db",
    "tempo_bpm",
    *(column.name for column in reverb.STATISTIC.columns),
}


def test_these_statistics_need_the_whole_array():
    declared = {column.name for statistic in STATISTICS if statistic.whole for column in statistic.columns}
    assert declared == WHOLE


def test_no_other_statistic_reads_the_array(monkeypatch):
    song = StemSet({"vocals": sound(200_000), "drums": sound(200_000, seed=1)})
    for stem in [stem for stem in song.rows() if stem.name != "song"]:
        _ = (stem.blocks, stem.spectra, stem.true_peak_dbtp, stem.peak, stem.energies, stem.sps_rms)
        if stem.name != "mixture":
            _ = stem.rest_blocks
    _ = song.residual_blocks
    stems = [song[name] for name in ("vocals", "drums", "backing", "mixture")]

    def no_array(self, name, plain=object.__getattribute__):
        assert name != "audio", "the array is read"
        return plain(self, name)

    monkeypatch.setattr(Sound, "samples", 200_000)
    monkeypatch.setattr(Stem, "__getattribute__", no_array)
    for statistic in STATISTICS:
        for stem in stems:
            if statistic.fills(stem.name) and not statistic.whole:
                assert statistic.measure(stem)
        if statistic.fills("song"):
            assert statistic.measure(stems[-1])
