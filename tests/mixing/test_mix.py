"""A mix: its levels are those of the prior, its peaks stay under the ceiling, its recipe tells the truth."""

import hashlib
import json

import numpy as np
import pyloudnorm
import pytest
import soundfile

from analysis.priors import open_priors
from mixing.mix import mix_files
from mixing.mixdown import mix_down
from mixprior import main
from stats.errors import InputError
from stats.true_peak import true_peak_dbtp
from tests.analysis.priors_folder import RATIO, row, write_priors
from tests.mixing.sounds import RATE_HZ, band, load, save, voice


@pytest.fixture
def files(tmp_path):
    return save(tmp_path / "vocal.wav", voice()), save(tmp_path / "backing.wav", band())


def gained(audio: np.ndarray, gain_db: float) -> np.ndarray:
    return audio * np.float32(10 ** (gain_db / 20))


@pytest.mark.parametrize("group", ["all", "genre=rock"])
def test_an_independent_meter_finds_the_median_of_the_prior_in_the_mix(tmp_path, files, group):
    priors = open_priors(write_priors(tmp_path / "priors"))
    median = priors.lookup("song", RATIO, group).p50
    recipe = mix_files(*files, tmp_path / "mix.wav", priors, group)
    backing = gained(load(files[1]), recipe.settings.mix_gain_db)
    vocal = load(tmp_path / "mix.wav") - backing
    meter = pyloudnorm.Meter(RATE_HZ)
    found = meter.integrated_loudness(vocal.T.astype(float)) - meter.integrated_loudness(backing.T.astype(float))
    assert found == pytest.approx(median, abs=0.05)
    assert recipe.results.vocal_to_backing_lu == pytest.approx(median, abs=0.01)


def test_the_recipe_is_all_that_was_done(tmp_path, files):
    recipe = mix_files(*files, tmp_path / "mix.wav", ratio_lu=-6.0, target_lufs=-20.0)
    vocal, backing = (load(path) for path in files)
    remade = gained(gained(vocal, recipe.settings.vocal_gain_db) + backing, recipe.settings.mix_gain_db)
    assert np.abs(remade - load(tmp_path / "mix.wav")).max() < 2**-22


def test_the_recipe_on_disk_tells_inputs_prior_settings_and_results(tmp_path, files):
    folder = write_priors(tmp_path / "priors")
    recipe = mix_files(*files, tmp_path / "mix.wav", open_priors(folder), "genre=rock", target_lufs=-18.0)
    told = json.loads((tmp_path / "mix.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert (tmp_path / "mix.json").read_text("utf-8") == recipe.to_json()
    meter = pyloudnorm.Meter(RATE_HZ)
    for name, path in zip(("vocal", "backing"), files, strict=True):
        given = told["inputs"][name]
        assert given["integrated_lufs"] == pytest.approx(
            meter.integrated_loudness(load(path).T.astype(float)), abs=0.05
        )
        assert {key: given[key] for key in given if key != "integrated_lufs"} == {
            "path": path,
            "sha256": sha256(path),
            "sample_rate_hz": RATE_HZ,
            "channels": 2,
            "duration_s": 6.0,
        }
    mix = tmp_path / "mix.wav"
    assert told["output"] == {"path": str(mix), "sha256": sha256(mix), "sample_rate_hz": RATE_HZ, "duration_s": 6.0}
    assert told["target"]["prior"] == {
        "path": str(folder / "priors.parquet"),
        "sha256": sha256(folder / "priors.parquet"),
        "stem": "song",
        "statistic": RATIO,
        "definition": "vocal minus backing",
        "group": "genre=rock",
        "n": 40,
        "p25": -4.5,
        "p50": -3.25,
        "p75": -2.5,
    }
    assert told["results"]["integrated_lufs"] == pytest.approx(-18.0, abs=0.02)
    assert told["results"]["true_peak_dbtp"] == true_peak_dbtp(load(mix))
    assert told["schema_version"] == 1
    assert "median of 40 songs" in told["reasons"][0]
    assert told["reasons"][1].endswith("to -18.00 LUFS as asked for; its true peak stays under -1 dBTP")
    assert told["warnings"] == []


def test_without_priors_the_published_ratio_is_reached_and_its_source_named(tmp_path, files):
    recipe = mix_files(*files, tmp_path / "mix.wav")
    assert recipe.target.source == "published"
    assert recipe.target.prior is None
    assert recipe.results.vocal_to_backing_lu == pytest.approx(-2.15, abs=0.01)
    assert "MUSDB18-HQ" in recipe.reasons[0]


@pytest.mark.parametrize("extension", [".wav", ".flac", ".ogg"])
def test_the_true_peak_of_the_written_file_stays_under_the_ceiling(tmp_path, extension):
    files = save(tmp_path / "v.wav", voice(level=0.9)), save(tmp_path / "b.wav", band(level=0.5))
    recipe = mix_files(*files, tmp_path / f"mix{extension}", ratio_lu=0.0)
    written = true_peak_dbtp(load(tmp_path / f"mix{extension}"))
    assert -2.0 < written <= -1.0
    assert recipe.results.true_peak_dbtp == written
    assert "no limiter" in recipe.reasons[1]


def test_a_peak_between_the_samples_is_kept_under_the_ceiling(tmp_path):
    """A sine at a quarter of the rate, sampled at 45 degrees: its samples stand 3.01 dB below its peaks."""
    place = np.arange(6 * RATE_HZ)
    fade = np.minimum(1, np.minimum(place, place[::-1]) / RATE_HZ)
    sine = np.tile((fade * np.sin(np.pi / 2 * place + np.pi / 4)).astype(np.float32), (2, 1))
    files = save(tmp_path / "v.wav", voice(level=1e-5)), save(tmp_path / "b.wav", sine)
    recipe = mix_files(*files, tmp_path / "mix.wav", ratio_lu=-60.0)
    mixed = load(tmp_path / "mix.wav")
    sample_peak_db = 20 * np.log10(np.abs(mixed).max())
    assert sample_peak_db == pytest.approx(-1.0 - 3.01, abs=0.1)
    assert recipe.settings.mix_gain_db == pytest.approx(-1.0, abs=0.1)
    assert recipe.results.true_peak_dbtp <= -1.0


def test_a_loudness_beyond_the_ceiling_is_refused_in_words(tmp_path, files):
    recipe = mix_files(*files, tmp_path / "mix.wav", target_lufs=-3.0)
    assert recipe.results.true_peak_dbtp <= -1.0
    (warning,) = recipe.warnings
    missed = -3.0 - recipe.results.integrated_lufs
    assert warning == f"-3.00 LUFS missed by {missed:.2f} LU: a louder mix would need a limiter"


def test_a_mix_under_the_ceiling_is_left_as_loud_as_its_backing(tmp_path):
    files = save(tmp_path / "v.wav", voice(level=0.02)), save(tmp_path / "b.wav", band(level=0.02))
    assert mix_files(*files, tmp_path / "mix.wav").settings.mix_gain_db == 0.0


@pytest.mark.parametrize(
    ("vocal_hz", "backing_hz", "mix_hz"),
    [(44_100, 48_000, 48_000), (96_000, 44_100, 96_000), (22_050, 32_000, 44_100)],
)
def test_the_mix_has_the_highest_rate_and_the_longest_length(tmp_path, vocal_hz, backing_hz, mix_hz):
    vocal = save(tmp_path / "v.wav", voice(4.0, vocal_hz), vocal_hz)
    backing = save(tmp_path / "b.wav", band(5.0, backing_hz, level=0.02), backing_hz)
    recipe = mix_files(vocal, backing, tmp_path / "mix.wav", ratio_lu=-3.0)
    info = soundfile.info(tmp_path / "mix.wav")
    assert (info.samplerate, info.frames, info.subtype) == (mix_hz, 5 * mix_hz, "PCM_24")
    assert recipe.results.vocal_to_backing_lu == pytest.approx(-3.0, abs=0.05)
    # The voice's fundamental is where it was: nothing was played at the wrong speed.
    mixed = load(tmp_path / "mix.wav").sum(0)
    spectrum = np.abs(np.fft.rfft(mixed[: 4 * mix_hz]))
    assert np.argmax(spectrum) / 4 == pytest.approx(220, abs=1)


def test_a_mono_voice_is_put_on_both_sides(tmp_path):
    vocal = save(tmp_path / "v.wav", voice()[:1])
    backing = save(tmp_path / "b.wav", np.zeros((2, 6 * RATE_HZ), np.float32))
    recipe = mix_files(vocal, backing, tmp_path / "mix.wav")
    left, right = load(tmp_path / "mix.wav")
    assert np.array_equal(left, right)
    assert np.abs(left).max() > 0.1
    assert recipe.inputs["vocal"].channels == 1


@pytest.mark.parametrize("silent", [0, 1])
def test_next_to_silence_the_vocal_keeps_its_level_with_a_warning(tmp_path, files, silent, capsys):
    save(tmp_path / ("vocal.wav", "backing.wav")[silent], np.zeros((2, 6 * RATE_HZ), np.float32))
    assert main(["mix", "--vocal", files[0], "--backing", files[1], "-o", str(tmp_path / "mix.wav")]) == 0
    out, err = capsys.readouterr()
    told = json.loads((tmp_path / "mix.json").read_text("utf-8"))
    assert told["settings"]["vocal_gain_db"] == 0.0
    assert told["results"]["vocal_to_backing_lu"] is None
    (warning,) = told["warnings"]
    assert "silent" in warning
    assert err == f"mixprior: warning: {warning}\n"
    assert "vocal to backing not measurable" in out


def test_two_silent_files_give_silence(tmp_path):
    nothing = save(tmp_path / "a.wav", np.zeros((2, RATE_HZ), np.float32))
    recipe = mix_files(nothing, nothing, tmp_path / "mix.wav", target_lufs=-14.0)
    assert not load(tmp_path / "mix.wav").any()
    assert recipe.results.integrated_lufs is None
    assert recipe.results.true_peak_dbtp is None
    assert len(recipe.warnings) == 2


@pytest.mark.parametrize("extension", [".wav", ".flac"])
def test_the_same_inputs_give_the_same_bytes(tmp_path, files, extension):
    mix, recipe = tmp_path / f"mix{extension}", tmp_path / "mix.json"
    made = []
    for _ in range(2):
        mix_files(*files, mix, target_lufs=-18.0)
        made.append((mix.read_bytes(), recipe.read_bytes()))
    assert made[0] == made[1]


def test_arrays_are_mixed_without_files_and_left_as_they_were():
    vocal, backing = voice(3.0), band(5.0)
    before = vocal.copy(), backing.copy()
    mixed = mix_down(vocal, backing, RATE_HZ)
    assert mixed.audio.shape == backing.shape
    assert mixed.audio.dtype == np.float32
    assert np.array_equal(vocal, before[0])
    assert np.array_equal(backing, before[1])


def test_priors_without_the_ratio_end_with_2_and_leave_nothing(tmp_path, files, capsys):
    priors = write_priors(tmp_path / "priors", [row("all", "song", RATIO, "LU", 0)])
    mix = tmp_path / "mix.wav"
    assert main(["mix", "--vocal", files[0], "--backing", files[1], "--priors", str(priors), "-o", str(mix)]) == 2
    assert "give --ratio-lu instead" in capsys.readouterr().err
    assert not mix.exists()


def test_the_command_tells_what_it_wrote_and_did(tmp_path, files, capsys):
    mix = str(tmp_path / "mix.wav")
    write_priors(tmp_path / "run" / "priors")
    arguments = ["mix", "--vocal", files[0], "--backing", files[1], "--priors", str(tmp_path / "run"), "-o", mix]
    assert main(arguments) == 0
    wrote, vocal, whole, reached = capsys.readouterr().out.splitlines()
    assert wrote == f"wrote {mix} and {tmp_path / 'mix.json'}"
    assert vocal.startswith("vocal ")
    assert whole.startswith("mix ")
    assert reached.startswith("reached: vocal to backing -1.89 LU, ")
    assert main([*arguments, "--json"]) == 0
    assert capsys.readouterr().out == (tmp_path / "mix.json").read_text("utf-8")


def test_a_group_without_priors_is_refused(tmp_path, files, capsys):
    mix = str(tmp_path / "mix.wav")
    assert main(["mix", "--vocal", files[0], "--backing", files[1], "--group", "genre=rock", "-o", mix]) == 2
    assert capsys.readouterr().err == "mixprior: --group names songs of priors: give --priors too\n"


@pytest.mark.parametrize("value", ["nan", "inf", "-1000", "loud"])
def test_a_level_that_is_none_is_refused(tmp_path, files, value):
    with pytest.raises(SystemExit) as stopped:
        main(["mix", "--vocal", files[0], "--backing", files[1], "-o", "mix.wav", f"--ratio-lu={value}"])
    assert stopped.value.code == 2


def test_an_output_in_place_of_an_input_is_refused(files):
    with pytest.raises(InputError, match="is one of the inputs"):
        mix_files(*files, files[0])


def sha256(path) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
