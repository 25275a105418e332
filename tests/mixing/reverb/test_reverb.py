"""`mixprior reverb fit`: what is fitted renders alike, what a voice does not show is marked, what cannot be is told."""

import json
from dataclasses import replace
from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from mixprior import main
from mixprior.mixing.reverb import decay as reverb_decay
from mixprior.mixing.reverb import fit as reverb_fit
from mixprior.mixing.reverb import settings_file
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.presets import preset
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings
from tests.mixing.reverb_command import refusal, reverb, save_settings
from tests.mixing.sounds import RATE_HZ, save, voice

ESTIMATE = Reverberation(
    rt60_s=1.3,
    rt60_octaves_s=np.array([1.6, 1.5, 1.3, 1.1, 0.9]),
    wet_dry_db=-14.0,
    wet_dry_octaves_db=np.array([-11.0, -12.0, -13.0, -14.0, -16.0]),
    confidence=0.8,
    segments=2,
)


@pytest.fixture(scope="module")
def round_trip(tmp_path_factory):
    """A preset rendered, fitted, and what was fitted rendered again."""
    folder = tmp_path_factory.mktemp("round_trip")
    # 12 dB under the dry sound. The fit turns on hundredths of a dB here, so the response must not.
    settings = save_settings(folder / "first.json", replace(preset("seed mean"), dry_wet=0.7523))
    reverb("render", settings, "-o", folder / "first.wav")
    words = ("fit", folder / "first.wav", "-o", folder / "fit.json", "--plot", folder / "fit.png")
    told = reverb(*words)
    printed = reverb("fit", folder / "first.wav", "--json")
    reverb("render", folder / "fit.json", "-o", folder / "second.wav")
    return SimpleNamespace(folder=folder, text=told, json=printed, document=json.loads(printed))


@pytest.mark.slow
def test_a_fitted_preset_decays_as_the_preset(round_trip):
    decays = []
    for name in ("first.wav", "second.wav"):
        audio, rate_hz = soundfile.read(round_trip.folder / name)
        decays.append(reverb_decay.of_response(audio.T, rate_hz))
    first, second = decays
    assert second.rt60_s == pytest.approx(first.rt60_s, rel=0.05)
    assert second.rt60_octaves_s == pytest.approx(first.rt60_octaves_s, rel=0.05)
    assert second.wet_dry_db == pytest.approx(first.wet_dry_db, abs=0.3)
    assert first.wet_dry_db == pytest.approx(-12.0, abs=0.1)


def test_a_fit_is_told_by_our_names_by_the_plug_ins_and_as_a_host_sees_it(round_trip):
    told = round_trip.document
    settings = FdnReverbSettings(**told["settings"])
    assert settings == settings.snapped()
    assert told["plugin"] == settings.to_plugin()
    assert told["normalised"] == pytest.approx(settings.normalised(), abs=1e-6)
    assert list(told["settings"]) == [p.name for p in PARAMETERS]
    assert told["octaves_hz"] == [250, 500, 1000, 2000, 4000]
    for side in ("target", "fit"):
        assert len(told[side]["rt60_octaves_s"]) == 5
        assert told[side]["wet_dry_db"] == pytest.approx(-12.0, abs=0.5)
    assert 0 <= told["loss_db"] < 1
    assert told["identifiability"].keys() == {p.name for p in PARAMETERS} - {"fdn_size"}
    assert all(0 <= value <= 1 for value in told["identifiability"].values())
    assert told["assumed"] == ["fdn_size"]
    assert (told["schema_version"], told["seed"], told["warnings"]) == (2, 1, [])


def test_what_is_written_is_what_is_printed_and_the_same_each_time(round_trip):
    assert (round_trip.folder / "fit.json").read_text("utf-8") == round_trip.json
    assert settings_file.read(round_trip.folder / "fit.json") == FdnReverbSettings(**round_trip.document["settings"])


def test_the_table_has_the_plug_ins_names_units_and_steps(round_trip):
    lines = round_trip.text.splitlines()
    assert lines[0] == f"FdnReverb fitted to the response {round_trip.folder / 'first.wav'}"
    time_s = round_trip.document["settings"]["reverberation_time_s"]
    (line,) = [line for line in lines if line.startswith("Reverberation Time ")]
    assert line.split()[2:4] == [f"{time_s:.1f}", "s"]
    assert any(line.startswith("Fdn Size (internal)") and line.endswith("assumed") for line in lines)
    assert any(line.startswith("wet to dry: target -12.0 dB, fit ") for line in lines)


def test_the_picture_is_a_picture(round_trip):
    assert (round_trip.folder / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_falls_as_the_response_does(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    drawn, draw = {}, Axes.plot
    monkeypatch.setattr(
        Axes, "plot", lambda axes, *a, **kw: drawn.setdefault(kw["label"], []).append(a) or draw(axes, *a, **kw)
    )
    decay = 10 ** (-3 * np.arange(2 * 48_000) / 48_000 / 0.8)
    noise = np.random.default_rng(5).standard_normal(decay.size)
    save(tmp_path / "ir.wav", np.concatenate([[30.0], noise * decay])[None] / 40, 48_000)  # mono
    reverb("fit", tmp_path / "ir.wav", "--plot", tmp_path / "ir.svg")
    assert (tmp_path / "ir.svg").read_text("utf-8").startswith("<?xml")
    *curves, times = drawn["target"]
    assert len(curves) == 5
    assert times[1] == pytest.approx([0.8] * 5, rel=0.1)
    for times_s, levels_db in curves:
        falling = (times_s > 0.05) & (times_s < 0.7)
        assert np.polyfit(times_s[falling], levels_db[falling], 1)[0] == pytest.approx(-60 / 0.8, rel=0.1)


OURS = [
    FdnReverbSettings(6, 0.8, dry_wet=0.4),
    FdnReverbSettings(27, 2.4, highs_gain_db_s=-20.0, dry_wet=0.6),
    FdnReverbSettings(12, 1.4, dry_wet=0.3, fade_in_s=0.2),
]


@pytest.mark.parametrize("settings", OURS)
def test_a_response_of_ours_is_reached_in_level_and_without_a_warning(settings):
    response = vocal_response(settings, 48_000, 1.3 * settings.reverberation_time_s)
    fitted = reverb_fit.fit_reverb(response, 48_000)
    assert fitted.reached.wet_dry_db == pytest.approx(fitted.target.wet_dry_db, abs=0.5)
    assert fitted.fit.settings.room_size == settings.room_size
    assert fitted.warnings == ()


@pytest.mark.parametrize(("room_size", "fade_in_s"), [(20, 0.3), (20, 0.8), (7, 0.2)])
def test_a_reverb_that_fades_in_without_direct_sound_ends_in_its_room_and_says_so(room_size, fade_in_s):
    settings = FdnReverbSettings(room_size, 1.8, highs_gain_db_s=-6.0, dry_wet=1.0, fade_in_s=fade_in_s)
    response = vocal_response(settings, 48_000, 2.4, wet_only=True)
    fitted = reverb_fit.fit_reverb(response, 48_000)
    assert abs(fitted.fit.settings.room_size - room_size) <= 1
    assert fitted.fit.settings.dry_wet == 1.0
    assert (fitted.target.wet_dry_db, fitted.reached.wet_dry_db) == (None, None)
    assert [warning.code for warning in fitted.warnings] == ["no-direct-sound"]


def impulse(rate_hz: int = 48_000) -> np.ndarray:
    sound = np.zeros((2, rate_hz), np.float32)
    sound[:, 10] = 1.0
    return sound


@pytest.mark.parametrize(
    ("sound", "rate_hz", "told"),
    [
        (np.zeros((2, 48_000), np.float32), 48_000, "is silent: there is no reverberation"),
        (np.full((2, 48_000), np.nan, np.float32), 48_000, "samples that are not numbers"),
        (impulse(), 48_000, "ends with its direct sound"),
        (np.ones((2, 22_050), np.float32), 22_050, "resample it to 32000 or more"),
        (np.zeros((6, 480), np.float32), 48_000, "has 6 channels"),
    ],
)
def test_a_response_without_reverberation_is_refused_by_name(tmp_path, capsys, sound, rate_hz, told):
    path = save(tmp_path / "ir.wav", sound, rate_hz)
    line = refusal(capsys, "fit", path)
    assert told in line.replace(" Hz", "")
    assert path in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "one of the two"),
        (("a.wav", "--stem", "b.wav"), "one of the two"),
        (("nowhere.wav",), "nowhere.wav cannot be read: No such file"),
        (("a.wav", "--backing", "b.wav"), "belong to vocals"),
        (("a.wav", "--plot", "a.txt"), "a picture is written as .png"),
        (("a.wav", "-o", "a.txt"), "settings are written as .json"),
        (("--stem", "a.wav", "--response", "a.mp3"), "is written as .wav"),
        (("--stem", "a.wav", "--response", "a.wav"), "is one of the inputs"),
    ],
)
def test_a_fit_that_cannot_be_is_refused_beforehand(capsys, words, told):
    assert told in refusal(capsys, "fit", *words)


def test_settings_are_written_to_a_folder_that_is_missing_and_not_below_a_file(tmp_path):
    path = tmp_path / "new" / "settings.json"
    settings_file.check_output(path)
    settings_file.write(path, "{}")
    assert path.read_text("utf-8") == "{}"
    with pytest.raises(InputError, match=r"settings\.json is no folder"):
        settings_file.check_output(path / "more.json")


def test_a_voice_shows_time_and_level_and_the_rest_is_marked_as_assumed(tmp_path, monkeypatch):
    heard = []
    monkeypatch.setattr(blind, "estimate", lambda *sounds: heard.append(sounds) or ESTIMATE)
    save(tmp_path / "voice.wav", voice(4.0, 48_000), 48_000)
    save(tmp_path / "rest.wav", voice(2.0))
    words = ("fit", "--stem", tmp_path / "voice.wav", "--backing", tmp_path / "rest.wav")
    told = json.loads(reverb(*words, "--json", "--response", tmp_path / "ir.wav", "--plot", tmp_path / "a.png"))
    ((sung, rest),) = heard
    assert sung.shape == rest.shape == (2, 4 * RATE_HZ)
    assert rest[:, : 2 * RATE_HZ].any()
    assert not rest[:, 2 * RATE_HZ :].any()
    for name in told["assumed"]:
        assert told["settings"][name] == getattr(ASSUMED, name), name
    assert set(told["assumed"]) == {p.name for p in PARAMETERS} - {
        "reverberation_time_s",
        "lows_gain_db_s",
        "highs_gain_db_s",
        "dry_wet",
    }
    assert (told["confidence"], told["segments"]) == (0.8, 2)
    assert told["target"]["rt60_octaves_s"] == ESTIMATE.rt60_octaves_s.tolist()
    assert told["fit"]["rt60_octaves_s"] == pytest.approx(ESTIMATE.rt60_octaves_s.tolist(), rel=0.15)
    assert told["fit"]["wet_dry_db"] == pytest.approx(-14.0, abs=0.5)
    text = reverb(*words)
    assert text.count(" assumed") >= 7
    assert "confidence: 0.80, the time is expected to be off by 22 %" in text
    audio, rate_hz = soundfile.read(tmp_path / "ir.wav")
    measured = reverb_decay.of_response(audio.T, rate_hz)
    assert measured.rt60_octaves_s == pytest.approx(ESTIMATE.rt60_octaves_s.tolist(), rel=0.1)
    assert measured.wet_dry_db == pytest.approx(-14.0, abs=0.5)


@pytest.mark.parametrize(
    ("estimate", "told"),
    [
        (None, "3 s of singing"),
        (
            Reverberation(1.0, np.ones(5), -33.0, np.full(5, -33.0), 0.5, 1),
            "is too dry: its reverberation is estimated at -33",
        ),
    ],
)
def test_a_voice_that_shows_nothing_is_told_so(tmp_path, monkeypatch, capsys, estimate, told):
    monkeypatch.setattr(blind, "estimate", lambda *_: estimate)
    path = save(tmp_path / "voice.wav", voice(1.0))
    line = refusal(capsys, "fit", "--stem", path, "--response", tmp_path / "ir.wav")
    assert told in line
    assert path in line
    assert not (tmp_path / "ir.wav").exists()


def test_a_voice_without_highs_is_refused(tmp_path, capsys):
    path = save(tmp_path / "voice.wav", voice(4.0, 8_000), 8_000)
    assert "is sampled at 8000 Hz" in refusal(capsys, "fit", "--stem", path)


def test_the_models_own_estimate_leads_to_settings(tmp_path):
    if not resources.files("mixprior.stats.reverb.blind").joinpath("blind_model.npz").is_file():
        pytest.skip("the package carries no blind model")
    path = save_settings(tmp_path / "room.json")
    save(tmp_path / "dry.wav", voice(8.0))
    wet = ("--apply", tmp_path / "dry.wav", "-o", tmp_path / "wet.wav", "--wet-dry-db", -6)
    reverb("render", path, *wet)
    told = json.loads(reverb("fit", "--stem", tmp_path / "wet.wav", "--json"))
    assert 0 < told["confidence"] <= 1
    assert told["segments"] >= 1
    assert told["fit"]["wet_dry_db"] == pytest.approx(told["target"]["wet_dry_db"], abs=0.5)
    assert reverb("fit", "--stem", tmp_path / "wet.wav", "--json") == json.dumps(told, indent=2) + "\n"


@pytest.mark.parametrize("words", [(), ("sing",), ("fit", "a.wav", "--seed", "-1"), ("prior", "p", "--tempo", "0")])
def test_arguments_that_are_none_are_refused(words):
    assert main(["reverb", *words]) == 2


def test_a_response_in_memory_is_fitted_as_its_file(tmp_path):
    rng = np.random.default_rng(2)
    response = 0.02 * rng.standard_normal((2, 30_000)) * 10 ** (-3 * np.arange(30_000) / 48_000 / 0.4)
    response[:, 0] = 0.9
    soundfile.write(tmp_path / "ir.wav", response.T, 48_000, "FLOAT")
    of_file = json.loads(reverb("fit", tmp_path / "ir.wav", "--json"))
    in_memory = json.loads(reverb_fit.fit_reverb(response, 48_000).to_json())
    assert {**in_memory, "source": of_file["source"]} == of_file
    assert in_memory["source"] == "the response"


def test_a_response_in_columns_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"the response has shape \(100, 2\): give \(channels, samples\)"):
        reverb_fit.fit_reverb(np.zeros((100, 2)), 48_000)
