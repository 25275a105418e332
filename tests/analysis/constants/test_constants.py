"""Constants by FxNorm-automix's definitions: from sounds of known spectrum and place, through rows and priors."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.fft

from mixprior import main
from mixprior.analysis.constants import file
from mixprior.analysis.constants.compare import OCTAVES_HZ, compare, octave_means
from mixprior.analysis.constants.constants import BIN_HZ, STEMS, expand, of_priors, smooth
from mixprior.analysis.constants.file import read
from mixprior.analysis.priors import open_priors
from mixprior.pipeline.audio import decode
from mixprior.stats import long_term_spectra
from mixprior.stats.errors import InputError
from mixprior.stats.long_term_spectra import BINS, pool
from mixprior.stats.loudness_blocks import measure as measure_blocks
from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet
from tests import reference
from tests.analysis.priors_folder import write_priors
from tests.analysis.priors_of_rows import rows_of, write_priors_of

pytestmark = pytest.mark.slow

SECONDS = 40
WINDOW_ENERGY = 32_768.0
"""Sum of the squares of the window, whose square is a Hann window of 65,536 samples."""

BINS_HZ = np.arange(BINS) * BIN_HZ
HEARD = (BINS_HZ >= 30.0) & (BINS_HZ <= 16_000.0)
PANS = {"vocals": (0.5, 0.5), "drums": (0.45, 0.6), "bass": (0.5, 0.4), "other": (0.2, 0.75)}
PEAKS_HZ = {"vocals": 600.0, "drums": 90.0, "bass": 80.0, "other": 400.0}
WINDOWS = {"vocals": 401, "drums": 151, "bass": 151, "other": 401}


def shape(stem: str, song: int, at_hz: np.ndarray) -> np.ndarray:
    """|H(f)|: a broad peak over a floor, a little elsewhere in each song."""
    octaves = np.log2(np.maximum(at_hz, 1.0) / (PEAKS_HZ[stem] * (1.0 + song)))
    return 10.0 ** ((-20.0 + 20.0 * np.exp(-((octaves / 2.0) ** 2)) - 4.0 * song) / 20.0)


def stem_and_truth(stem: str, song: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Panned Gaussian noise, its expected mean |STFT| at -30 LUFS, and its phi.

    A bin of Gaussian noise of variance S a sample and frequency has E|X| = sqrt(pi/4 * S * sum of the squared window).
    """
    rng = np.random.default_rng([song, STEMS.index(stem)])
    samples = SECONDS * SAMPLE_RATE_HZ
    spectrum = scipy.fft.rfft(rng.standard_normal(samples))
    noise = scipy.fft.irfft(spectrum * shape(stem, song, scipy.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ)), samples)
    right = PANS[stem][song]
    gains = np.array([[1.0 - right], [right]]) * 0.05
    audio = (gains * noise).astype(np.float32)
    loudness_lufs = integrated_lufs(measure_blocks(audio, SAMPLE_RATE_HZ).weighted)
    level = gains.mean() * 10.0 ** ((-30.0 - loudness_lufs) / 20.0)
    magnitude = level * shape(stem, song, BINS_HZ) * np.sqrt(np.pi / 4 * WINDOW_ENERGY)
    return audio, magnitude, 2 * right * (1 - right) / (right**2 + (1 - right) ** 2)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> tuple[Path, dict, dict, list]:
    """Priors of two songs, the true curves, the true similarities, and the rows."""
    tables, magnitudes, similarities = [], {}, {}
    for song in range(2):
        stems = {}
        for stem in STEMS:
            stems[stem], magnitude, phi = stem_and_truth(stem, song)
            magnitudes.setdefault(stem, []).append(magnitude)
            similarities.setdefault(stem, []).append(phi)
        tables.append(rows_of(f"song{song}", StemSet(stems)))
    return write_priors_of(tmp_path_factory.mktemp("noise"), tables), magnitudes, similarities, tables


@pytest.mark.parametrize("stem", STEMS)
def test_the_eq_curve_is_the_known_spectrum_to_a_tenth_of_a_decibel(catalog, stem):
    folder, magnitudes, _, _ = catalog
    truth = smooth(np.mean(magnitudes[stem], axis=0), WINDOWS[stem])
    error_db = 20.0 * np.log10(of_priors(open_priors(folder)).features["eq"][stem] / truth)
    # Noise of 40 s is no exact spectrum: bands of a third of an octave are, to some hundredths of a decibel.
    thirds = np.round(3 * np.log2(np.maximum(BINS_HZ, 1.0) / 1000.0)).astype(int)
    bands = [error_db[HEARD & (thirds == third)].mean() for third in np.unique(thirds[HEARD])]
    assert len(bands) == 28
    assert np.abs(bands).max() < 0.1


@pytest.mark.parametrize("stem", STEMS)
def test_the_panning_curve_is_the_known_place(catalog, stem):
    folder, _, similarities, _ = catalog
    curve = of_priors(open_priors(folder)).features["panning"][stem]
    assert np.abs(curve - np.mean(similarities[stem]))[HEARD].max() < 1e-4


def test_compression_loudness_and_imager_are_means_over_songs(catalog):
    folder, _, _, tables = catalog
    constants = of_priors(open_priors(folder))
    for stem in STEMS:
        songs = [row for table in tables for row in table.to_pylist() if row["stem"] == stem]
        for effect, names in {
            "compression": ("onset_peak_mean_db", "onset_peak_sd_db"),
            "loudness": ("integrated_lufs",),
            "imager": ("mid_energy_fraction",),
        }.items():
            assert constants.features[effect][stem].tolist() == [np.mean([s[name] for s in songs]) for name in names]
            assert constants.n[effect][stem] == 2


def test_expanded_curves_pool_to_what_they_were_made_from():
    rng = np.random.default_rng(5)
    pooled = np.exp(rng.standard_normal(2049))
    curve = expand(pooled)
    assert curve.min() >= 0.0
    np.testing.assert_allclose(pool(curve), pooled, rtol=1e-9)


@pytest.mark.reference("music/songs")
@pytest.mark.parametrize(("window", "worst_db"), [(151, 0.85), (401, 0.45)])
def test_of_real_songs_the_pooled_curve_is_the_direct_one(window, worst_db):
    """A steady tone at the edge of the moving average is in or out of it, and 2,049 bins do not tell which.

    So the rule holds for nearly all bins, and single bins break it; the more songs, the fewer (docs/priors.md).
    """
    songs = reference.files("music/songs", "*Coulton*")[:3]
    assert len(songs) == 3
    direct = np.mean([long_term_spectra.measure(decode.decode(str(song))).magnitude for song in songs], axis=0)
    error_db = np.abs(20.0 * np.log10(smooth(expand(pool(direct)), window) / smooth(direct, window)))[HEARD]
    assert (error_db < 0.1).mean() > 0.985
    assert error_db.max() < worst_db


def test_files_of_every_format_tell_the_same(catalog, tmp_path, capsys):
    folder = catalog[0]
    for name in ("c.npz", "c.npy", "c.json"):
        form = "json" if name.endswith("json") else "fxnorm"
        assert main(["constants", str(folder), "--format", form, "-o", str(tmp_path / name)]) == 0
    wanted = of_priors(open_priors(folder)).features
    with np.load(tmp_path / "c.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == sorted(
            ["provenance", *(f"{effect}/{stem}" for effect in file.FXNORM for stem in STEMS)]
        )
        assert arrays["eq/vocals"].shape == arrays["panning/bass"].shape == (32_769,)
        assert arrays["compression/drums"].shape == (2,)
        assert json.loads(str(arrays["provenance"]))["songs"] == 2
    pickled = np.load(tmp_path / "c.npy", allow_pickle=True)[()]  # our own, as FxNorm-automix loads it
    assert json.loads(pickled["provenance"]["json"])["group"] == "all"
    for effect in file.FXNORM:
        for stem in STEMS:
            np.testing.assert_array_equal(pickled[effect][stem], wanted[effect][stem])
            for name, digits in (("c.npz", 2e-7), ("c.json", 2e-6)):
                np.testing.assert_allclose(read(tmp_path / name)[effect][stem], wanted[effect][stem], rtol=digits)
    document = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert document["features"]["eq"]["vocals"]["n"] == 2
    assert len(document["features"]["eq"]["vocals"]["sd"]) == 2049
    assert document["provenance"]["features"] == {"key": {"stems": "given", "songs": 2}}
    capsys.readouterr()
    assert main(["constants", "compare", str(tmp_path / "c.npz"), str(folder), "--json"]) == 0
    shapes = json.loads(capsys.readouterr().out)["eq_shape_db"]
    assert np.abs(list(shapes.values())).max() < 1e-4


def test_targets_of_a_mixer_come_with_n_and_provenance(catalog, capsys):
    assert main(["constants", str(catalog[0]), "--format", "mixing"]) == 0
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    other = document["stems"]["other"]
    assert other["pan_position"]["mean"] == pytest.approx(np.mean(PANS["other"]), abs=1e-3)
    assert other["loudness_vs_mixture_lu"]["n"] == 2
    assert len(other["third_octave_db"]["mean"]) == len(other["third_octave_db"]["sd"]) == 30
    assert document["song"]["vocal_to_backing_lu"].keys() >= {"n", "mean", "mean_low", "mean_high"}
    assert document["provenance"]["songs"] == 2


def test_level_and_shape_are_told_apart():
    rise = np.ones(BINS)
    rise[OCTAVES_HZ[-1] * 10**-0.15 < BINS_HZ] = 2.0
    found = compare({"eq": {"bass": 10.0 * rise}}, {"eq": {"bass": np.ones(BINS)}})
    assert found.eq_level_db["bass"] == pytest.approx(20.0)
    assert found.eq_shape_db["bass"] == pytest.approx([0.0] * 9 + [20.0 * np.log10(2.0)], abs=1e-9)
    assert found.loudness_offset_lu is None


def test_packaged_priors_are_compared_by_name(capsys):
    assert main(["constants", "compare", "starter", "starter", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["loudness_offset_lu"] == 0.0


def test_loudness_is_compared_with_and_without_the_common_offset(tmp_path, capsys):
    for name, values in (("a", (-20.0, -24.0)), ("b", (-30.0, -36.0))):
        np.savez(tmp_path / f"{name}.npz", **{"loudness/vocals": [values[0]], "loudness/bass": [values[1]]})
    assert main(["constants", "compare", str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["vocals", "+10.00", "-1.00"] in lines
    assert ["bass", "+12.00", "+1.00"] in lines


@pytest.mark.reference("reference/published")
def test_published_sets_agree_with_each_other_within_half_a_decibel():
    published = reference.PUBLISHED
    found = compare(read(published / "fxnorm_musdb18.npz"), read(published / "koo_musdb18.npz"))
    above_50_hz = [shape[1:] for shape in found.eq_shape_db.values()]
    assert np.abs(above_50_hz).max() < 0.5
    assert octave_means(read(published / "ito_master_mixture.npz")["eq"]["mixture"]).shape == (10,)


@pytest.mark.parametrize("name", ["evil.npy", "evil.npz"])
def test_nothing_is_ever_unpickled(tmp_path, name):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "was here",))

    save = np.savez if name.endswith("npz") else np.save
    save(tmp_path / name, np.array([Evil()], object), allow_pickle=True)
    with pytest.raises(InputError, match=r"pickled|no constants"):
        read(tmp_path / name)
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.npz", b"PK\x03\x04broken"), ("a.npz", b""), ("a.json", b"{}"), ("a.json", b"\xff"), ("b.npz", None)],
)
def test_what_holds_no_constants_is_refused(tmp_path, name, data):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "-o FILE.npz"),
        (["-o", "x.mat"], "-o FILE.npz"),
        (["--group", "genre=polka", "-o", "x.npz"], "no group"),
        (["-o", "no/where.npz"], "cannot be written"),
    ],
)
def test_wrong_use_ends_with_one_line(catalog, tmp_path, monkeypatch, capsys, options, complaint):
    monkeypatch.chdir(tmp_path)
    assert main(["constants", str(catalog[0]), *options]) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == 1


def test_old_priors_are_told_to_be_old(tmp_path, capsys):
    assert main(["constants", str(write_priors(tmp_path)), "-o", str(tmp_path / "c.npz")]) == 2
    assert "hold no magnitude_spectrum" in capsys.readouterr().err
