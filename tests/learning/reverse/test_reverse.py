"""A mix of generated sounds is taken apart: settings come back, and what is not determined is said."""

import csv
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import mixprior
from mixprior.learning.reverse import fit as fits
from mixprior.learning.reverse.compression import squeezed
from mixprior.learning.reverse.compressor import MOST, _said
from mixprior.learning.reverse.files import words
from mixprior.learning.reverse.joint import Joint
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.path import Path, response
from mixprior.learning.reverse.rendering import rendered
from mixprior.learning.reverse.settings_table import table
from mixprior.learning.reverse.statistics import Statistics
from mixprior.learning.reverse.taking import _sounding, take_apart
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, MixSettings, PanSettings
from mixprior.mixing.mix.recipe import SCHEMA_VERSION
from mixprior.pipeline.audio import audio_file, writer
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound

RATE_HZ = 44_100
SETTINGS = MixSettings(
    {
        "bass": Chain(input_gain_db=-4.0, pan=PanSettings(0.3), bands=(Band("low shelf", 150.0, 5.0, 0.7),)),
        "drums": Chain(input_gain_db=2.0, pan=PanSettings(0.5), bands=(Band("peak", 2500.0, -6.0, 1.5),)),
        "keys": Chain(input_gain_db=-9.0, pan=PanSettings(0.85)),
    }
)


def noise(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Noise of two channels, mostly the same, with an envelope of its own and less of it the higher."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    white = rng.standard_normal((2, count)) + 2 * rng.standard_normal(count)
    spectrum = np.fft.rfft(white) / np.sqrt(1 + np.arange(count // 2 + 1) / (200 * seconds * 2**seed))
    envelope = np.repeat(rng.uniform(0.2, 1.0, 12), -(-count // 12))[:count]
    sound = np.fft.irfft(spectrum, count) * envelope
    return np.asarray(0.1 * sound / sound.std(), np.float32)


@pytest.fixture(scope="module")
def tracks():
    return {name: noise(seed) for seed, name in enumerate(SETTINGS.tracks)}


@pytest.fixture(scope="module")
def mix(tracks):
    return chain.sum_up(SETTINGS, {name: Sound(audio, RATE_HZ) for name, audio in tracks.items()}).sound.audio


def change_db(settings: MixSettings, name: str, audio: np.ndarray) -> float:
    """Change of the level of a track by its gain and equaliser."""
    power = np.square(np.abs(np.fft.rfft(audio))).sum(axis=0)
    hz = np.arange(power.size) * RATE_HZ / audio.shape[1]
    heard = (hz > 20) & (hz < 20_000)
    curve = np.square(np.abs(response(settings.tracks[name].bands, hz[heard], RATE_HZ)))
    gain_db = settings.tracks[name].input_gain_db
    return float(gain_db + 10 * np.log10((power[heard] * curve).sum() / power[heard].sum()))


def test_settings_come_back_from_a_late_mix_of_the_other_polarity(tracks, mix):
    late = -np.pad(mix, ((0, 0), (1500, 0)))[:, : mix.shape[1]]
    taken = mixprior.reverse(tracks, late, RATE_HZ)
    assert taken.found.offset_samples == -1500
    assert taken.found.turned
    assert taken.found.residual.db < -40
    for name, found in taken.found.tracks.items():
        assert found.gain_db.value == pytest.approx(change_db(SETTINGS, name, tracks[name]), abs=0.1)
        assert found.pan.value == pytest.approx(SETTINGS.tracks[name].pan.position, abs=0.01)
        assert found.reasons == {}


def test_a_doubled_and_a_silent_track_are_named_and_not_guessed(tracks, mix):
    more = {**tracks, "double": tracks["keys"], "nothing": np.zeros_like(mix)}
    found = mixprior.reverse(more, mix, RATE_HZ).found
    assert found.tracks["keys"].gain_db is None
    assert "it cannot be distinguished from double" in found.tracks["keys"].reasons["gain_db"]
    assert found.tracks["nothing"].reasons["pan"] == "silent where it was compared"
    assert found.tracks["drums"].gain_db is not None


def test_an_interval_grows_with_what_the_tracks_do_not_explain(tracks, mix):
    clean = mixprior.reverse(tracks, mix, RATE_HZ).found.tracks["keys"].gain_db
    foreign = mixprior.reverse(tracks, mix + noise(9) * np.float32(2.0), RATE_HZ).found.tracks["keys"].gain_db
    assert foreign.half_width > 2 * clean.half_width
    assert abs(foreign.value - clean.value) < foreign.half_width


def test_few_seconds_compare_one_piece_of_a_long_song_and_all_of_a_short_one():
    tracks = {name: noise(seed, 8.0) for seed, name in enumerate(("bass", "drums"))}
    mix = 0.5 * tracks["bass"] + tracks["drums"]
    for length_s, compared_s in ((8.0, 6.0), (5.0, 5.0)):
        count = int(length_s * RATE_HZ)
        shorter = {name: audio[:, :count] for name, audio in tracks.items()}
        found = mixprior.reverse(shorter, mix[:, :count], RATE_HZ, seconds=0.1).found
        assert found.compared_s == pytest.approx(compared_s)
        assert found.tracks["bass"].gain_db.value == pytest.approx(-6.02, abs=0.05)


@pytest.mark.parametrize("seconds", [0.0, -1.0, np.inf, np.nan])
def test_no_number_of_seconds_is_refused(tracks, mix, seconds):
    with pytest.raises(InputError, match="out of range"):
        mixprior.reverse(tracks, mix, RATE_HZ, seconds=seconds)


@pytest.mark.filterwarnings("error")
def test_a_mix_of_one_silent_channel_is_taken_apart(tracks):
    gains_db = {"bass": -6.0, "drums": 3.0, "keys": 0.0}
    left = sum(tracks[name][0] * 10 ** (gain_db / 20) for name, gain_db in gains_db.items())
    mix = np.stack([left, np.zeros_like(left)]) * np.float32(2**0.5)
    for name, found in mixprior.reverse(tracks, mix, RATE_HZ).found.tracks.items():
        assert found.gain_db.value == pytest.approx(gains_db[name], abs=0.05)
        assert found.pan.value == pytest.approx(0.0, abs=0.005)


def test_a_mix_of_other_tracks_is_refused(tracks):
    with pytest.raises(InputError, match="does not hold these tracks"):
        mixprior.reverse(tracks, noise(7), RATE_HZ)


def test_the_recipe_makes_the_mix_again(tracks, mix, tmp_path, capsys):
    folder, recipe = tmp_path / "tracks", tmp_path / "found.json"
    folder.mkdir()
    for path, audio in {tmp_path / "mix": mix, **{folder / name: audio for name, audio in tracks.items()}}.items():
        writer.write(path.with_suffix(".wav"), audio, RATE_HZ, ".wav")
    given = ["--tracks", str(folder)]
    assert mixprior.main(["reverse", *given, "--mix", str(tmp_path / "mix.wav"), "-o", str(recipe)]) == 0
    assert "drums: gain" in capsys.readouterr().out
    known = json.loads(recipe.read_text())["reverse"]
    assert known["residual_db"] < -40
    assert known["interval"] == {"gain_db": 0.9, "pan": 0.9, "eq_db": 0.9}
    assert known["tracks"]["bass"]["pan"]["low"] < 0.3 < known["tracks"]["bass"]["pan"]["high"]
    assert mixprior.main(["mix", "--replay", str(recipe), *given, "-o", str(tmp_path / "again.wav")]) == 0
    settings = tmp_path / "settings.csv"
    assert mixprior.main(["reverse", "--table", str(recipe), "-o", str(settings)]) == 0
    with settings.open(newline="") as file:
        rows = {(row["setting"], row["frequency_hz"]): row for row in csv.DictReader(file)}
    assert float(rows["width", ""]["median"]) == pytest.approx(0.4, abs=0.01)
    assert rows["gain_db", ""]["tracks"] == "3"


def test_a_table_of_no_mixes_is_empty_and_nothing_to_do_is_refused(tmp_path, capsys):
    assert mixprior.main(["reverse", "--table", "-o", str(tmp_path / "none.csv")]) == 0
    assert (tmp_path / "none.csv").read_text() == "setting,frequency_hz,tracks,songs,low,median,high\n"
    assert mixprior.main(["reverse", "-o", str(tmp_path / "none.csv")]) == 2
    assert "give --tracks and --mix" in capsys.readouterr().err


def test_a_mix_among_its_tracks_that_begins_after_one_has_ended_is_replayed(tmp_path):
    tracks = {"bass": noise(0, 3.0), "drums": noise(1, 3.0), "intro": noise(2, 0.5)}
    mix = (0.5 * tracks["bass"] + tracks["drums"])[:, RATE_HZ:]
    for name, audio in {**tracks, "mix": mix}.items():
        writer.write(tmp_path / f"{name}.wav", audio, RATE_HZ, ".wav")
    given, recipe = ["--tracks", str(tmp_path)], tmp_path / "found.json"
    assert mixprior.main(["reverse", *given, "--mix", str(tmp_path / "mix.wav"), "-o", str(recipe)]) == 0
    again = tmp_path / "again" / "again.wav"
    assert mixprior.main(["mix", "--replay", str(recipe), *given, "-o", str(again)]) == 0
    assert audio_file.read(again).sound.audio == pytest.approx(mix, abs=0.01)


def test_a_mix_too_short_is_refused(tracks, mix):
    with pytest.raises(InputError, match=r"too short to be taken apart: 0\.6 s are needed"):
        mixprior.reverse(tracks, mix[:, : RATE_HZ // 2], RATE_HZ)


def test_a_track_that_sounds_only_before_what_is_compared_is_silent():
    audio = np.ones((2, 2, 300), np.float32)
    audio[1, :, 100:] = 0
    material = Material(("bass", "intro"), audio, audio.sum(axis=0), 100, ((100, 300),))
    assert _sounding(material).names == ("bass",)


@pytest.mark.parametrize(
    ("rate_hz", "line"),
    [
        (22_050, "the mix has a sample rate of 22050 Hz, and holds nothing above 10500 Hz"),
        (44_100, "a coder left nothing of the mix above 10500 Hz"),
    ],
)
def test_a_limit_is_of_the_rate_of_the_mix_or_of_a_coder(rate_hz, line):
    known = {"residual_db": -30.0, "residual_by_octave_db": {"1000": -30.0}, "compared_s": 4.0, "offset_s": 0.0}
    written = {
        "inputs": {"bass": {"sample_rate_hz": 44_100}},
        "output": {"sample_rate_hz": rate_hz},
        "steps": [],
        "warnings": [],
        "reverse": {**known, "limit_hz": 10_500.0},
    }
    assert words(written)[-1] == line


def test_a_gain_is_that_of_the_level_of_the_whole_track_and_not_of_its_windows():
    """A beat that falls where the windows of frames are low, and rumble where they are high."""
    rng, count = np.random.default_rng(3), 6 * RATE_HZ
    on = np.arange(count) // 16_384 % 2 == 0
    white = rng.standard_normal((2, count)).astype(np.float32) * np.float32(0.05)
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    rumble = np.fft.irfft(np.fft.rfft(rng.standard_normal((2, count))) * ((hz > 60) & (hz < 200)), count)
    tracks = {"beat": np.where(on, white, rumble / rumble.std() / 10).astype(np.float32), "bed": noise(5, 6.0)}
    settings = MixSettings({"beat": Chain(bands=(Band("low shelf", 400.0, 9.0, 0.7),)), "bed": Chain()})
    mix = chain.sum_up(settings, {name: Sound(audio, RATE_HZ) for name, audio in tracks.items()}).sound.audio
    found = mixprior.reverse(tracks, mix, RATE_HZ).found.tracks["beat"].gain_db
    assert found.value == pytest.approx(change_db(settings, "beat", tracks["beat"]), abs=0.01)


def test_a_compressor_is_found_with_its_settings_and_none_where_there_is_none():
    beat = np.tile(np.exp(-np.arange(RATE_HZ // 2) / (0.05 * RATE_HZ)), 4).astype(np.float32)
    given = {"drums": noise(1, 2.0) * beat * 3, "keys": noise(2, 2.0)}
    squeezed = CompressorSettings(-32.0, 3.0, 0.01, 0.1)
    settings = MixSettings({"drums": Chain(2.0, compressor=squeezed, pan=PanSettings(0.4)), "keys": Chain(-6.0)})
    mix = chain.sum_up(settings, {name: Sound(audio, RATE_HZ) for name, audio in given.items()}).sound.audio
    taken = mixprior.reverse(given, mix, RATE_HZ, compressors=True).found
    found = taken.tracks["drums"].compressor
    assert taken.residual.db < -60
    assert found.threshold_dbfs.value == pytest.approx(-32.0, abs=0.1)
    assert found.ratio.value == pytest.approx(3.0, abs=0.02)
    assert found.attack_s.value == pytest.approx(0.01, rel=0.03)
    assert found.release_s.value == pytest.approx(0.1, rel=0.03)
    made = chain.process(replace(settings.tracks["drums"], pan=None), Sound(given["drums"], RATE_HZ)).audio
    change = 10 * np.log10(np.square(made).sum() / np.square(given["drums"]).sum())
    assert taken.tracks["drums"].gain_db.value == pytest.approx(change, abs=0.02)
    assert taken.tracks["keys"].compressor is None


@pytest.mark.parametrize(("peak_dbfs", "determined"), [(6.0, True), (-27.0, False)])
def test_a_compressor_that_acts_in_its_knee_alone_is_not_determined(peak_dbfs, determined):
    """Threshold -24 dBFS, knee of 6 dB, a track whose peaks are beyond it, or within it."""
    beat = np.tile(np.exp(-np.arange(RATE_HZ // 2) / (0.05 * RATE_HZ)), 4).astype(np.float32)
    track = noise(1, 2.0) * beat
    track *= np.float32(10 ** (peak_dbfs / 20) / np.abs(track).max())
    numbers = np.array([-24.0, *np.log([3.0, 0.01, 0.1]), 6.0])
    material = Material(("drums",), track[None], track.copy(), RATE_HZ, ((0, track.shape[1]),))
    made = rendered(Path(), numbers, material, 0)
    material = replace(material, mix=made + noise(2, 2.0) * np.float32(0.01 * made.std() / 0.1))
    fit = fits.with_paths(fits.start(Statistics.of(material), RATE_HZ), [Path()])
    assert Joint(fit, {0: numbers}, material).is_determined(0) is determined


def test_without_a_track_within_30_db_of_the_mix_there_is_no_compressor():
    statistics = SimpleNamespace(energy=np.ones((3, 2, 2)), mix=np.full((3, 2), 4e3))
    assert squeezed(SimpleNamespace(gains=np.ones((3, 2, 2)), statistics=statistics), None) is None


def test_intervals_of_times_and_ratios_are_above_0_however_wide():
    found = _said(np.array([-30.0, *np.log([3.0, 0.01, 0.1]), 4.0, 2.0]), MOST)
    assert (found.attack_s.low, found.attack_s.high) == pytest.approx((0.01 / np.exp(1.1), 0.01 * np.exp(1.1)))
    assert min(found.ratio.low, found.release_s.low) > 0


def figure(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def test_a_table_counts_compressors_that_are_sure_and_tracks_without_a_reverb_send():
    of = {"attack_s": figure(0.01, 0.008, 0.012), "release_s": figure(0.1, -0.01, 0.21), "ratio": figure(3.0, 1.5, 6.0)}
    known = {"gain_db": figure(-3.0, -3.1, -2.9), "compressor": {**of, "threshold_dbfs": figure(-30.0, -34.0, -26.0)}}
    rows = table([{"reverse": {"tracks": {"bass": known}}}])
    assert [row["setting"] for row in rows] == ["compressor attack_s", "gain_db"]


@pytest.mark.parametrize(
    ("reverse", "message"),
    [
        (3, "reverse is 3, not an object"),
        ({}, "reverse.tracks is missing"),
        ({"tracks": {"bass": {"pan": {"value": 0.5}}}}, "reverse.tracks.bass.pan.low is missing"),
        ({"tracks": {"bass": {"eq_db": {"low": None}}}}, "eq_db.low is no frequency"),
    ],
)
def test_a_table_of_something_else_is_refused_with_its_path(tmp_path, capsys, reverse, message):
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"schema_version": SCHEMA_VERSION, "settings": {}, "reverse": reverse}))
    assert mixprior.main(["reverse", "--table", str(path), "-o", str(tmp_path / "t.csv")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "odd.json: " in line
    assert message in line


def test_a_table_with_a_mix_and_one_in_no_folder_are_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for given in (["--mix", "m.wav", "-o", str(tmp_path / "t.csv")], ["-o", str(tmp_path / "file" / "t.csv")]):
        assert mixprior.main(["reverse", "--table", *given]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "without --tracks and --mix" in first
    assert "cannot be written" in second


def test_slopes_of_a_path_are_those_of_its_gains():
    path = Path(-3.0, 0.3, (Band("peak", 900.0, 4.0, 1.2), Band("high shelf", 5000.0, -6.0, 0.7)), turned=True)
    hz = np.geomspace(30, 18_000, 40)
    for k, slope in enumerate(path.slopes(hz, RATE_HZ)):
        step = 1e-4 * np.eye(len(path.numbers))[k]
        up, down = (path.moved(path.numbers + sign * step).gains(hz, RATE_HZ) for sign in (1, -1))
        assert np.abs((up - down) / 2e-4 - slope).max() < 1e-5


@pytest.mark.nightly("training")
def test_a_shared_reverb_is_found_and_how_much_of_each_track_goes_to_it(tracks):
    room = FdnReverbSettings(room_size=5, reverberation_time_s=0.6, highs_gain_db_s=-15.0, dry_wet=0.3)
    wet = replace(SETTINGS, tracks={**SETTINGS.tracks, "keys": replace(SETTINGS.tracks["keys"], reverb=room)})
    mix = chain.sum_up(wet, {name: Sound(audio, RATE_HZ) for name, audio in tracks.items()}).sound
    found = take_apart({name: Sound(audio, RATE_HZ) for name, audio in tracks.items()}, mix, reverb=True)
    assert found.settings.tracks["keys"].reverb.room_size == 5
    send_db = found.tracks["keys"].send_db
    assert abs(send_db.value - 20 * np.log10(0.3)) < send_db.half_width
    assert found.tracks["drums"].send_db is None
