"""`mixprior reverb render`: the file holds the very reverb, at the level asked for; wrong settings are named."""

import numpy as np
import pytest
import soundfile

from mixprior import main
from mixprior.mixing.reverb import settings_file
from mixprior.stats.reverb.fdn.level import wet_dry_db
from mixprior.stats.reverb.fdn.network import FdnReverb, vocal_response
from mixprior.stats.reverb.fdn.presets import PRESETS
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tests.mixing.reverb_command import ROOM, refusal, reverb, save_settings
from tests.mixing.sounds import RATE_HZ, load, save, voice

PRESET = "seed mean"


def test_a_response_is_that_of_a_centred_voice(tmp_path):
    path = save_settings(tmp_path / "room.json")
    told = reverb("render", path, "-o", tmp_path / "ir.wav", "--rate", 44_100, "--duration", 0.5)
    assert told == f"wrote {tmp_path / 'ir.wav'}: 0.50 s at 44100 Hz, dry/wet 0.3\n"
    assert np.array_equal(load(tmp_path / "ir.wav"), vocal_response(ROOM, 44_100, 0.5).astype(np.float32))
    reverb("render", path, "-o", tmp_path / "wet.wav", "--duration", 0.5, "--wet-only")
    wet = vocal_response(ROOM, 48_000, 0.5, wet_only=True)
    assert np.array_equal(load(tmp_path / "wet.wav"), wet.astype(np.float32))


def test_a_response_ends_when_nothing_is_left(tmp_path):
    reverb("render", save_settings(tmp_path / "room.json"), "-o", tmp_path / "ir.wav")
    sound = load(tmp_path / "ir.wav").astype(np.float64)
    last = np.square(sound[:, -480:]).mean() / np.square(sound[:, 4800:9600]).mean()
    assert -85 < 10 * np.log10(last) < -60


def test_the_knob_is_turned_to_the_level_asked_for(tmp_path):
    path = save_settings(tmp_path / "room.json")
    told = reverb("render", path, "-o", tmp_path / "ir.wav", "--wet-dry-db", -9)
    knob = float(told.split()[-1])
    assert wet_dry_db(FdnReverbSettings(**{**vars(ROOM), "dry_wet": knob})) == pytest.approx(-9.0, abs=0.01)
    sound = load(tmp_path / "ir.wav").astype(np.float64) ** 2
    # The closed form of the level is a tenth of a dB off: see tests/stats/reverb/fdn/test_level.py.
    assert 10 * np.log10(sound[:, 1:].sum() / sound[:, 0].sum()) == pytest.approx(-9.0, abs=0.1)


def test_settings_by_plug_in_id_are_taken_as_the_plug_in_takes_them(tmp_path):
    path = tmp_path / "plugin.json"
    path.write_text('{"delayLength": 14.6, "revTime": 1.24, "fdnSize": 1}', "utf-8")
    found = settings_file.read(path)
    assert (found.room_size, found.reverberation_time_s, found.fdn_size) == (15, 1.2, 32)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no file of reverb settings (not JSON"),
        ("[1]", "is no file of reverb settings (no JSON object)"),
        ("{}", "there are no settings in it"),
        ('{"settings": 3}', "settings is 3, not an object"),
        ('{"revTime": 12}', "revTime is 12; it must be within 0.1 to 9"),
        ('{"revTime": "long"}', 'revTime is "long", not a number'),
        ('{"revTime": NaN}', "NaN is no number"),
        ('{"reverb": 1}', "no parameter 'reverb'"),
        ('{"settings": {"dry_wet": 1.5}}', "dry_wet is 1.5; it must be within 0 to 1"),
        ('{"settings": {"room_size": 2.5}}', "room_size is 2.5"),
        ('{"settings": {"fdn_size": 20}}', "fdn_size is 20; it must be one of (16, 32, 64)"),
        ('{"settings": {"wetness": 1}}', "settings.wetness is unknown; there are room_size"),
    ],
)
def test_settings_that_are_none_are_refused_by_name_and_range(tmp_path, capsys, text, told):
    path = tmp_path / "settings.json"
    path.write_text(text, "utf-8")
    line = refusal(capsys, "render", path, "-o", tmp_path / "a.wav")
    assert told in line
    assert str(path) in line
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "a.wav"), "one of the two"),
        (("--preset", "seed", "-o", "a.wav"), "there are: plug-in, seed mean"),
        (("nowhere.json", "-o", "a.wav"), "nowhere.json: no such file"),
        (("--preset", PRESET, "-o", "a.flac"), "is written as .wav"),
        (("--preset", PRESET, "-o", "a.wav", "--wet-only", "--wet-dry-db", "-9"), "give one of the two"),
        (("--preset", PRESET, "-o", "a.wav", "--apply", "nowhere.wav"), "nowhere.wav cannot be read: No such file"),
        (("--preset", PRESET, "-o", "a.wav", "--apply", "b.wav", "--rate", "48000"), "keeps the rate of its file"),
        (("--preset", "plug-in", "-o", "a.wav", "--wet-dry-db", "40"), "dB at most, not 40"),
    ],
)
def test_a_rendering_that_cannot_be_is_refused(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    assert told in refusal(capsys, "render", *words)
    assert not list(tmp_path.iterdir())


def test_a_sound_that_would_grow_is_refused(tmp_path, capsys):
    growing = FdnReverbSettings(
        reverberation_time_s=9.0, lows_cutoff_hz=20_000.0, lows_gain_db_s=6.0, highs_cutoff_hz=20.0, highs_gain_db_s=4.0
    )
    path = save_settings(tmp_path / "growing.json", growing)
    assert "the sound would grow" in refusal(capsys, "render", path, "-o", tmp_path / "a.wav")


@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_gets_the_reverb_and_keeps_its_tail(tmp_path, channels):
    """Longer than a block, so that it is put together of several."""
    sound = voice(3.0)[:channels]
    save(tmp_path / "dry.wav", sound)
    path = save_settings(tmp_path / "room.json")
    reverb("render", path, "--apply", tmp_path / "dry.wav", "-o", tmp_path / "wet.wav", "--duration", 2)
    padded = np.pad(np.tile(sound, (3 - channels, 1)), ((0, 0), (0, 2 * RATE_HZ)))
    assert np.array_equal(load(tmp_path / "wet.wav"), FdnReverb(ROOM, RATE_HZ).process(padded))
    assert soundfile.info(tmp_path / "wet.wav").subtype == "FLOAT"


def test_a_peak_above_full_scale_is_kept_and_told(tmp_path, capsys):
    save(tmp_path / "loud.wav", voice(1.0, level=0.9) * 2)
    path = save_settings(tmp_path / "room.json")
    assert (
        main(["reverb", "render", str(path), "--apply", str(tmp_path / "loud.wav"), "-o", str(tmp_path / "a.wav")]) == 0
    )
    peak = np.abs(load(tmp_path / "a.wav")).max()
    assert peak > 1
    assert f"peaks {20 * np.log10(peak):.1f} dB above full scale" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: save(path, np.full((2, 100), np.inf, np.float32)), "samples that are not numbers"),
        (lambda path: save(path, np.zeros((3, 100), np.float32)), "has 3 channels"),
        (lambda path: path.write_bytes(b"RIFF"), "is no readable audio file"),
    ],
)
def test_a_file_that_cannot_be_reverberated_leaves_nothing_behind(tmp_path, capsys, make, told):
    make(tmp_path / "dry.wav")
    words = ("--apply", tmp_path / "dry.wav", "-o", tmp_path / "wet.wav")
    assert told in refusal(capsys, "render", "--preset", PRESET, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["dry.wav"]


def test_every_preset_can_be_rendered(tmp_path):
    for name in PRESETS:
        reverb("render", "--preset", name, "-o", tmp_path / "a.wav", "--duration", 0.1)
        assert load(tmp_path / "a.wav").any()


@pytest.mark.parametrize("rate", ["-5", "0", "1000", "3000000000", "fast"])
def test_a_rate_that_no_file_has_is_refused(tmp_path, capsys, rate):
    assert main(["reverb", "render", "--preset", "plug-in", "-o", str(tmp_path / "a.wav"), f"--rate={rate}"]) == 2
    assert f"{rate} is no sample rate between 8,000 and 192,000 Hz" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
