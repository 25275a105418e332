"""Files in, a mix and its recipe out: what is promised is in the file, and the same comes out again."""

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import scipy.signal
import soundfile

from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.mix import recipe as recipes
from mixprior.mixing.mix import replay, session
from mixprior.mixing.mix.replay import Replay
from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from mixprior.stats.measures.true_peak import true_peak_dbtp
from tests.mixing.mix_command import POSSIBLE_STEPS, mixed, save_both
from tests.mixing.sounds import RATE_HZ, band, load, save, voice
from tools import meter

pytestmark = pytest.mark.slow

FORMATS = [".wav", ".flac", ".ogg"]
LOUD_LUFS = -12.0


def drums(duration_s: float = 8.0) -> np.ndarray:
    """Noise under 8 kHz, that Vorbis keeps all of, and far above it a hit every half second: (2, samples)."""
    since_hit_s = np.arange(round(duration_s * RATE_HZ)) % (RATE_HZ // 2) / RATE_HZ
    hits = np.exp(-since_hit_s / 0.02) * np.sin(2 * np.pi * 180 * since_hit_s)
    low = scipy.signal.butter(8, 8_000, output="sos", fs=RATE_HZ)
    return (scipy.signal.sosfilt(low, band(duration_s, level=0.04)) + 1.2 * hits).astype(np.float32)


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    """A vocal and a backing that clip when summed, mixed loudly with all steps into each format, with stems."""
    folder = tmp_path_factory.mktemp("loud")
    paths = save_both(folder, voice(8.0, level=0.5), drums())
    made = {}
    for extension in FORMATS:
        output, stems = folder / f"mix{extension[1:]}{extension}", folder / f"stems{extension}"
        made[extension] = mixed(paths, output, stems=stems, steps=POSSIBLE_STEPS, target_lufs=LOUD_LUFS), output, stems
    return paths, made


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def encode_m4a(path: Path, audio: np.ndarray) -> str:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="stereo", bit_rate=256_000)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio), "fltp", "stereo")
        frame.rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), 0
        for each in (frame, None):
            container.mux(stream.encode(each))
    return str(path)


def test_the_independent_meter_reads_a_tone_as_bs_1770_says(tmp_path):
    """997 Hz on both channels: as many LUFS, and as many dBTP, as it has decibels below full scale."""
    tone = 0.1 * np.sin(2 * np.pi * 997 * np.arange(3 * 48_000) / 48_000)
    reading = meter.read(save(tmp_path / "tone.wav", np.tile(tone, (2, 1)), 48_000))
    assert reading.integrated_lufs == pytest.approx(-20.0, abs=0.05)
    assert reading.true_peak_dbtp == pytest.approx(-20.0, abs=0.05)


@pytest.mark.parametrize("extension", FORMATS)
def test_an_independent_meter_finds_what_the_recipe_promises(loud, extension):
    recipe, output, stems = loud[1][extension]
    whole = meter.read(output)
    assert whole.integrated_lufs == pytest.approx(LOUD_LUFS, abs=0.1)
    assert whole.integrated_lufs == pytest.approx(recipe.results.integrated_lufs, abs=0.1)
    assert whole.true_peak_dbtp == pytest.approx(recipe.results.true_peak_dbtp, abs=0.1)
    parts = {name: meter.read(stems / f"{name}.wav").integrated_lufs for name in ("vocals", "backing")}
    assert parts == pytest.approx(recipe.results.parts_lufs, abs=0.1)
    assert parts["vocals"] - parts["backing"] == pytest.approx(recipe.results.vocal_to_backing_lu, abs=0.1)


@pytest.mark.fault(28)
@pytest.mark.parametrize("extension", FORMATS)
def test_the_true_peak_of_the_written_file_stays_under_the_ceiling(loud, extension):
    recipe, output, _ = loud[1][extension]
    assert -1.3 < true_peak_dbtp(load(output)) <= -1.0
    assert recipe.results.true_peak_dbtp == true_peak_dbtp(audio_file.read(output).sound.audio)
    assert recipe.settings.limiter is not None


@pytest.mark.parametrize("extension", [".mp3", ".m4a", ".opus"])
def test_a_coded_mix_stays_under_the_ceiling_at_its_loudness(tmp_path, extension):
    paths = save_both(tmp_path, voice(3.0, level=0.5), drums(3.0))
    output = tmp_path / f"mix{extension}"
    recipe = mixed(paths, output, target_lufs=LOUD_LUFS)
    written = audio_file.read(output).sound
    assert recipe.settings.limiter is not None
    assert -1.5 < written.true_peak_dbtp <= -1.0
    assert recipe.results.true_peak_dbtp == written.true_peak_dbtp
    assert written.integrated_lufs == pytest.approx(LOUD_LUFS, abs=0.2)
    assert recipe.output.sample_rate_hz == written.rate_hz
    session.replay(paths, tmp_path / f"again{extension}", replay.read(recipes.path_of(output)))
    assert (tmp_path / f"again{extension}").read_bytes() == output.read_bytes()


@pytest.mark.parametrize("extension", FORMATS)
def test_the_ratio_of_the_prior_is_reached_with_all_steps_on(loud, extension):
    recipe, _, _ = loud[1][extension]
    (first, *_, last) = [step for step in recipe.steps if step.name == "level"]
    assert [step.name for step in recipe.steps] == [*POSSIBLE_STEPS[:-1], "level", "loudness"]
    wanted_lu = first.aims[0]["value"]
    assert last.target["vocal_to_backing_lu"] == pytest.approx(wanted_lu)
    assert last.reached["vocal_to_backing_lu"] == recipe.results.vocal_to_backing_lu


@pytest.mark.parametrize("extension", FORMATS)
def test_what_a_limiter_moves_is_in_the_results_and_warned_of(loud, extension):
    """Hits over a soft voice: where they are loud the limiter lowers both, which the ratio before it does not show."""
    recipe, _, _ = loud[1][extension]
    (wanted_lu,) = {step.target["vocal_to_backing_lu"] for step in recipe.steps if step.name == "level"}
    assert recipe.results.vocal_to_backing_lu > wanted_lu + 1.0
    (moved,) = [warning.text for warning in recipe.warnings if "moves the vocals" in warning.text]
    assert f"from {wanted_lu:+.2f} to" in moved


@pytest.mark.parametrize("extension", [".wav", ".flac"])
def test_the_stems_add_up_to_a_limited_mix(loud, extension):
    recipe, output, stems = loud[1][extension]
    assert recipe.settings.limiter is not None
    both = sum(load(stems / f"{name}.wav") for name in ("vocals", "backing"))
    assert np.abs(both - load(output)).max() < 2**-21


@pytest.mark.parametrize("extension", FORMATS)
def test_the_recipe_makes_the_mix_again(loud, extension, tmp_path):
    """Byte for byte, except that libsndfile draws the serial number of an Ogg stream anew: there, its samples."""
    paths, made = loud
    recipe, output, _ = made[extension]
    made = replay.read(recipes.path_of(output))
    assert made.settings == recipe.settings
    again = tmp_path / f"again{extension}"
    replayed = session.replay(paths, again, made).recipe
    if extension == ".ogg":
        assert np.array_equal(load(again), load(output))
    else:
        assert again.read_bytes() == output.read_bytes()
    assert replayed.settings == recipe.settings
    assert replayed.results == recipe.results
    (step,) = replayed.steps
    assert step.reason == f"all settings from {recipes.path_of(output)}, as they are"


def test_the_stems_add_up_to_a_mix_without_a_limiter(tmp_path):
    paths = save_both(tmp_path, voice(3.0, level=0.02), band(2.0, level=0.02))
    recipe = mixed(paths, tmp_path / "mix.wav", stems=tmp_path / "parts" / "inner", target_lufs=-20.0)
    assert recipe.settings.limiter is None
    vocal, backing = (load(tmp_path / "parts" / "inner" / f"{name}.wav") for name in paths)
    vocal[:, : backing.shape[1]] += backing
    assert np.abs(vocal - load(tmp_path / "mix.wav")).max() < 2**-22
    assert {path.name for path in (tmp_path / "parts" / "inner").iterdir()} == {"vocals.wav", "backing.wav"}


def test_stems_are_not_clipped(tmp_path):
    """Two that cancel: the mix is quiet, and each of them is past full scale."""
    paths = save_both(tmp_path, band(1.0, level=0.9), -0.95 * band(1.0, level=0.9))
    mixed(paths, tmp_path / "mix.wav", stems=tmp_path / "stems", steps=("loudness",), target_lufs=-16.0)
    assert np.abs(load(tmp_path / "stems" / "backing.wav")).max() > 1.0


def test_stems_in_place_of_the_inputs_are_refused(tmp_path):
    paths = save_both(tmp_path, voice(1.0), band(1.0))
    before = {name: load(path) for name, path in paths.items()}
    with pytest.raises(InputError, match="one of the inputs"):
        mixed(paths, tmp_path / "mix.wav", stems=tmp_path)
    for name, path in paths.items():
        assert np.array_equal(load(path), before[name])


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("vocal_hz", "backing_hz", "mix_hz"),
    [(22_050, 48_000, 48_000), (96_000, 44_100, 96_000), (22_050, 32_000, 44_100)],
)
def test_the_mix_has_the_highest_rate_and_the_longest_length(tmp_path, vocal_hz, backing_hz, mix_hz):
    vocal = save(tmp_path / "v.wav", voice(4.0, vocal_hz), vocal_hz)
    backing = save(tmp_path / "b.wav", band(5.0, backing_hz, level=0.02), backing_hz)
    recipe = mixed({"vocals": vocal, "backing": backing}, tmp_path / "mix.wav", ratio_lu=-3.0)
    info = soundfile.info(tmp_path / "mix.wav")
    assert (info.samplerate, info.frames, info.subtype) == (mix_hz, 5 * mix_hz, "PCM_24")
    assert recipe.results.vocal_to_backing_lu == pytest.approx(-3.0, abs=0.05)
    assert {name: given.sample_rate_hz for name, given in recipe.inputs.items()} == {
        "vocals": vocal_hz,
        "backing": backing_hz,
    }
    # The voice's fundamental is where it was: nothing was played at the wrong speed.
    spectrum = np.abs(np.fft.rfft(load(tmp_path / "mix.wav").sum(0)[: 4 * mix_hz]))
    assert np.argmax(spectrum) / 4 == pytest.approx(220, abs=1)


@pytest.mark.fault(28)
def test_files_of_other_rates_and_lengths_are_mixed_by_all_steps(tmp_path):
    vocal = save(tmp_path / "v.wav", voice(7.0, 22_050)[:1], 22_050)
    backing = save(tmp_path / "b.wav", band(6.0, 48_000), 48_000)
    recipe = mixed({"vocals": vocal, "backing": backing}, tmp_path / "mix.wav", ratio_lu=-3.0, steps=POSSIBLE_STEPS)
    assert load(tmp_path / "mix.wav").shape == (2, 7 * 48_000)
    assert recipe.results.vocal_to_backing_lu == pytest.approx(-3.0, abs=0.02)
    assert recipe.results.integrated_lufs == pytest.approx(-16.0, abs=0.03)


def test_a_mono_voice_is_put_on_both_sides(tmp_path):
    paths = save_both(tmp_path, voice()[:1], np.zeros((2, 6 * RATE_HZ), np.float32))
    recipe = mixed(paths, tmp_path / "mix.wav")
    left, right = load(tmp_path / "mix.wav")
    assert np.array_equal(left, right)
    assert np.abs(left).max() > 0.1
    assert recipe.inputs["vocals"].channels == 1


def test_m4a_is_read_and_stands_where_it_stood_before_its_encoder_delayed_it(tmp_path):
    paths = save_both(tmp_path)
    paths["vocals"] = encode_m4a(tmp_path / "vocals.m4a", voice())
    recipe = mixed(paths, tmp_path / "mix.wav", stems=tmp_path / "stems", ratio_lu=-5.0)
    assert recipe.results.vocal_to_backing_lu == pytest.approx(-5.0, abs=0.01)
    assert recipe.inputs["vocals"].duration_s == pytest.approx(6.0, abs=0.1)
    left = load(tmp_path / "stems" / "vocals.wav")[0, : 6 * RATE_HZ]
    assert np.corrcoef(left, voice()[0])[0, 1] > 0.99


def test_sums_past_full_scale_are_not_clipped_on_the_way(tmp_path):
    """Both at 1.5 of full scale: without a target the limiter alone brings them under the ceiling."""
    paths = save_both(tmp_path, voice(level=1.5), band(level=1.5))
    recipe = mixed(paths, tmp_path / "mix.wav", steps=("level",))
    assert true_peak_dbtp(load(tmp_path / "mix.wav")) <= -1.0
    assert recipe.settings.limiter is not None
    assert recipe.settings.gain_db == 0.0
    quiet = mixed(paths, tmp_path / "quiet.wav", target_lufs=-40.0)
    assert quiet.settings.limiter is None
    assert quiet.results.integrated_lufs == pytest.approx(-40.0, abs=0.01)


def of(paths, settings: MixSettings) -> Replay:
    return Replay("mix.mix.json", settings, {name: sha256(Path(path)) for name, path in paths.items()}, {}, -1.0)


def test_settings_that_drive_a_mix_past_the_ceiling_are_warned_of(tmp_path):
    """Settings are played as they are, though somebody changed a gain in the recipe."""
    paths = save_both(tmp_path, voice(1.0, level=0.5), band(1.0, level=0.3))
    settings = MixSettings({"vocals": Chain(), "backing": Chain()}, gain_db=12.0)
    recipe = session.replay(paths, tmp_path / "mix.wav", of(paths, settings)).recipe
    assert recipe.results.true_peak_dbtp > -1.0
    assert [warning.code for warning in recipe.warnings] == ["true-peak"]


@pytest.mark.fault(28)
def test_two_silent_files_give_silence(tmp_path):
    nothing = save(tmp_path / "a.wav", np.zeros((2, RATE_HZ), np.float32))
    recipe = mixed({"vocals": nothing, "backing": nothing}, tmp_path / "mix.wav")
    assert not load(tmp_path / "mix.wav").any()
    assert recipe.results.integrated_lufs is None
    assert recipe.results.true_peak_dbtp is None
    assert recipe.results.vocal_to_backing_lu is None
    assert len(recipe.warnings) == 2


@pytest.mark.parametrize("extension", [".wav", ".flac"])
def test_the_same_inputs_give_the_same_bytes(tmp_path, extension):
    paths = save_both(tmp_path)
    output = tmp_path / f"mix{extension}"
    made = []
    for _ in range(2):
        mixed(paths, output, target_lufs=-12.0)
        made.append((output.read_bytes(), recipes.path_of(output).read_bytes()))
    assert made[0] == made[1]


def test_inputs_and_output_are_told_by_what_they_are(loud):
    paths, made = loud
    recipe, output, _ = made[".flac"]
    assert (recipe.output.path, recipe.output.sha256) == (str(output), sha256(output))
    assert (recipe.output.sample_rate_hz, recipe.output.duration_s) == (RATE_HZ, 8.0)
    for name, given in recipe.inputs.items():
        assert given.path == paths[name]
        assert given.sha256 == sha256(Path(paths[name]))
        assert given.integrated_lufs == pytest.approx(meter.read(paths[name]).integrated_lufs, abs=0.1)


def test_an_output_in_place_of_an_input_is_refused(tmp_path):
    paths = save_both(tmp_path, voice(1.0), band(1.0))
    with pytest.raises(InputError, match="is one of the inputs"):
        mixed(paths, tmp_path / "vocals.wav")
    with pytest.raises(InputError, match="is one of the inputs"):
        session.replay(paths, tmp_path / "backing.wav", of(paths, MixSettings({"vocals": Chain(), "backing": Chain()})))


def test_a_file_that_is_no_recipe_is_not_replaced(tmp_path):
    paths = save_both(tmp_path, voice(1.0), band(1.0))
    (tmp_path / "song.json").write_text('{"title": "mine"}', "utf-8")
    mixed(paths, tmp_path / "song.wav")
    assert (tmp_path / "song.json").read_text("utf-8") == '{"title": "mine"}'
    assert recipes.is_recipe(tmp_path / "song.mix.json")
    (tmp_path / "other.mix.json").write_text('{"title": "mine"}', "utf-8")
    with pytest.raises(InputError, match=r"other.mix.json exists and is no recipe of a mix"):
        mixed(paths, tmp_path / "other.wav")
    assert not (tmp_path / "other.wav").exists()


def test_a_ceiling_that_no_aim_reaches_ends_the_search_with_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(session.ceiling, "below", lambda aim_dbtp: -1.01)
    recipe = mixed(save_both(tmp_path, voice(1.0), band(1.0)), tmp_path / "mix.wav", ceiling_dbtp=-60.0)
    assert [warning.code for warning in recipe.warnings] == ["true-peak"]


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    paths = save_both(tmp_path, voice(1.0), band(1.0))

    def full(path, *_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(session.writer, "write", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=r"mix.wav cannot be written"):
        mixed(paths, tmp_path / "mix.wav")
    assert sorted(tmp_path.iterdir()) == before
    (tmp_path / "out.mix.json").mkdir()
    with pytest.raises(InputError, match=r"out.mix.json exists and is no recipe"):
        mixed(paths, tmp_path / "out.wav")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
