"""A sound measured in pieces of any length gives the numbers of the whole, to the last bit."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from mixprior.pipeline.synthesis import SCORES, perform
from mixprior.stats import long_term_spectra, loudness_blocks, registry
from mixprior.stats import pieces as in_pieces
from mixprior.stats.hop_energies import FrameEnergies, HopEnergies
from mixprior.stats.measures import dynamics, panning, true_peak
from mixprior.stats.registry import STATISTICS
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
    sums, floors = long_term_spectra.SongSpectra(["sound"], {}), {"sound": long_term_spectra.floors_of(found)}
    for part in [*parts, np.zeros((2, max(0, missing)), np.float32)]:
        sums.add({"sound": part}, floors)
    result = sums.result()["sound"]
    return [result.magnitude, result.power, result.phi]


def peak(parts):
    search = true_peak.PeakSearch()
    for part in parts:
        search.add(part)
    return [search.result()]


def energies(parts):
    sums = HopEnergies()
    for part in parts:
        sums.add(part)
    return [*sums.sums(), sums.peak]


def sps(parts):
    frames = panning.SpsFrames(["sound"], {})
    for part in parts:
        frames.add({"sound": part})
    return list(frames.result()["sound"].values())


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
    assert energies([audio]) == [*panning.energies(audio), np.abs(audio).max()]
    assert sps([audio]) == [*panning.sps_rms(audio).values()]


def test_the_order_of_samples_in_memory_does_not_matter():
    stems = {name: sound(100_000, seed=seed) for seed, name in enumerate(("vocals", "drums"))}
    by_sample = np.asfortranarray(np.concatenate([*stems.values()]))  # as files are decoded: sample by sample
    others = (
        {name: np.asfortranarray(stem) for name, stem in stems.items()},
        {name: by_sample[2 * k : 2 * k + 2] for k, name in enumerate(stems)},
        {name: np.repeat(stem, 2, axis=1)[:, ::2] for name, stem in stems.items()},
    )
    expected = registry.to_table("song", registry.measure(StemSet(stems)), "key")
    for other in others:
        assert registry.to_table("song", registry.measure(StemSet(other)), "key").equals(expected)


def test_nothing_reads_as_nothing():
    nothing = np.zeros((2, 0), np.float32)
    assert peak([nothing]) == [None]
    assert energies([nothing]) == [0.0, 0.0, 0.0, 0.0]
    assert loudness_blocks.measure(nothing, RATE_HZ).weighted.shape == (2, 0)
    assert sps([nothing]) == [None] * 4


def test_onset_peaks_of_pieces_are_those_of_the_whole():
    audio = sound(400_001)
    for seed in range(4):
        peaks = dynamics.OnsetPeaks(2)
        for part in pieces(audio, seed):
            peaks.add(part, float(np.abs(audio).max()))
        assert peaks.result(float(np.abs(audio).max())) == dynamics.onset_peaks_db(audio)


def song_of(samples, names):
    return {name: sound(samples, seed=k) for k, name in enumerate(names)}


def cut(stems, seed):
    """The stems in pieces of the same random lengths, none empty."""
    parts = {name: pieces(audio, seed) for name, audio in stems.items()}
    steps = (dict(zip(parts, step, strict=True)) for step in zip(*parts.values(), strict=True))
    return [step for step in steps if next(iter(step.values())).shape[1]]


@pytest.mark.parametrize("samples", [1_000, 60_000, 900_001])
@pytest.mark.parametrize(
    "names", [("vocals", "drums"), ("drums", "bass"), ("backing", "vocals"), ("vocals", "other", "mixture")]
)
@pytest.mark.parametrize("held", [0, 1 << 28])
def test_a_song_in_pieces_has_the_rows_of_the_whole(monkeypatch, samples, names, held):
    monkeypatch.setattr(in_pieces, "HELD_BYTES", held)
    stems = song_of(samples, names)
    whole = {name: audio for name, audio in stems.items() if name != "mixture"}
    expected = registry.to_table("", registry.measure(StemSet(whole, stems.get("mixture"))), "")
    lengths_s = []
    song = in_pieces.measured(lambda: iter(cut(stems, 1)), second_pass=lengths_s.append)
    assert registry.to_table("", registry.measure(song), "").to_pylist() == expected.to_pylist()
    assert lengths_s == [samples / RATE_HZ]


def test_a_song_that_cannot_be_asked_again_reads_as_the_whole_to_the_resolution(monkeypatch):
    """The second pass follows five seconds after the first, and takes for known what has come by then."""
    monkeypatch.setattr(in_pieces, "HELD_BYTES", 2 * 2 * 4 * 5 * RATE_HZ)
    stems = perform(replace(SCORES[0], duration_s=30.0))
    expected = registry.measure(StemSet(stems))
    parts = zip(*(np.array_split(audio, 30, axis=1) for audio in stems.values()), strict=True)
    steps = [dict(zip(stems, part, strict=True)) for part in parts]
    found = registry.measure(in_pieces.measured(lambda: iter(steps), repeatable=False))
    for stem, row in expected.items():
        for column in registry.COLUMNS:
            one, other = row[column.name], found[stem][column.name]
            assert (one is None) == (other is None)
            if one is not None:
                np.testing.assert_allclose(other, one, atol=column.resolution, err_msg=f"{stem} {column.name}")


def test_no_samples_are_kept_of_a_long_song(monkeypatch):
    monkeypatch.setattr(in_pieces, "HELD_BYTES", 1 << 22)
    block = sound(1 << 18)

    def steps(count):
        for k in range(count):
            yield {"vocals": block * np.float32(1 - 0.3 * (k % 3)), "other": block[::-1]}

    peaks = []
    for count in (6, 15):
        tracemalloc.start()
        in_pieces.measured(lambda count=count: steps(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 9 blocks more are 38 MB of samples; what is kept of 100 ms and of frames is a fraction of it.
    assert peaks[1] - peaks[0] < 4e6


def test_no_statistic_reads_the_array(monkeypatch):
    song = StemSet({"vocals": sound(200_000), "drums": sound(200_000, seed=1)})
    for stem in [stem for stem in song.rows() if stem.name != "song"]:
        _ = (stem.blocks, stem.spectra, stem.true_peak_dbtp, stem.peak, stem.energies, stem.sps_rms)
        _ = (stem.crest_factor_db, stem.onset_peaks_db, stem.tempo_bpm)
        if stem.name != "mixture":
            _ = stem.rest_blocks
    _ = song.levels, song["vocals"].reverberation
    stems = [song[name] for name in ("vocals", "drums", "backing", "mixture")]

    def no_array(self, name, plain=object.__getattribute__):
        assert name != "audio", "the array is read"
        return plain(self, name)

    monkeypatch.setattr(Sound, "samples", 200_000)
    monkeypatch.setattr(Stem, "__getattribute__", no_array)
    for statistic in STATISTICS:
        for stem in stems:
            if statistic.fills(stem.name):
                assert statistic.measure(stem)
        if statistic.fills("song"):
            assert statistic.measure(stems[-1])
