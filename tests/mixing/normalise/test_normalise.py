"""`mixprior normalize`: constants reached, nothing moved the second time; missing, silent and broken files."""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

from mixprior.analysis.constants import file as constants_file
from mixprior.mixing.effects.equaliser import response_db
from mixprior.mixing.effects.settings import Band
from mixprior.mixing.normalise import command as normalise_command
from mixprior.mixing.normalise import outcome, repanning, reverb_send
from mixprior.mixing.normalise import run as normalise
from mixprior.mixing.normalise import stem as stem_normalisation
from mixprior.mixing.normalise.effects import PANNINGS
from mixprior.mixing.rules import spectrum as spectrum_rule
from mixprior.pipeline.audio import audio_file
from mixprior.stats import long_term_spectra
from mixprior.stats.errors import InputError
from mixprior.stats.measures import dynamics
from mixprior.stats.sound import Sound
from tests import reference
from tests.mixing.sounds import sound
from tests.reference import PUBLISHED

RATE_HZ = 44_100
STEMS = ("vocals", "drums", "bass", "other")
FILTERS = ("eq", "compression", "panning", "loudness")


def work_on(audio: np.ndarray, stem: str, features, effects: tuple[str, ...]) -> stem_normalisation.Work:
    return stem_normalisation.normalise(sound(audio), stem, features, effects)


def load(path: Path) -> np.ndarray:
    return audio_file.read(path).sound.audio


def third_octaves_db(channel: np.ndarray) -> np.ndarray:
    power = long_term_spectra.measure(np.stack([channel, channel])).power
    return 10.0 * np.log10(np.add.reduceat(power[repanning.FIRST_BIN : repanning.END_BIN], repanning.BAND_STARTS))


def most_changed_db(before: np.ndarray, after: np.ndarray) -> float:
    """Largest change of a channel in a third of an octave that is less than 60 dB below the loudest of all."""
    own, other = (np.array([third_octaves_db(channel) for channel in audio]) for audio in (before, after))
    return float(np.abs(other - own)[own > own.max() - 60.0].max())


@pytest.fixture(scope="session")
def constants(tmp_path_factory) -> Path:
    """Constants made up from noise: pink spectra at other tilts, pans, peaks and levels by stem."""
    bins_hz = np.arange(long_term_spectra.BINS) * RATE_HZ / long_term_spectra.FRAME
    arrays: dict[str, np.ndarray] = {}
    for k, stem in enumerate(STEMS):
        arrays[f"eq/{stem}"] = 10.0 ** (-(3.0 + k) * np.log2(np.maximum(bins_hz, 40.0) / 1_000.0) / 20.0)
        arrays[f"panning/{stem}"] = np.full(long_term_spectra.BINS, 0.93 - 0.03 * k)
        arrays[f"compression/{stem}"] = np.array([-13.0 - 0.4 * k, 1.0])
        arrays[f"loudness/{stem}"] = np.array([-26.0 - k])
    path = tmp_path_factory.mktemp("constants") / "made_up.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def excerpt() -> dict[str, np.ndarray]:
    """The four stems of a real song."""
    av = pytest.importorskip("av")
    path = reference.need("music/stems/Music Delta - 80s Rock.stem.mp4")
    stems = {}
    for index, stem in enumerate(("drums", "bass", "other", "vocals"), start=1):
        with av.open(str(path)) as file:
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE_HZ)
            decoded = [*file.decode(file.streams.audio[index]), None]
            stems[stem] = np.concatenate([f.to_ndarray() for each in decoded for f in resampler.resample(each)], axis=1)
    return stems


@pytest.fixture(scope="session")
def multitrack() -> dict[str, np.ndarray]:
    """20 s of tracks of a multitrack song, summed by role."""
    folder = reference.need("music/multitracks/4.Potassium")
    tracks = {"vocals": ("VOX LEAD",), "drums": ("SNARE", "HATS"), "bass": ("PAD + BASS",), "other": ("MALLET",)}
    part = slice(185 * RATE_HZ, 205 * RATE_HZ)
    return {
        stem: np.sum([load(folder / f"4.Potassium_Stem_{name}_mobile.m4a")[:, part] for name in names], axis=0)
        for stem, names in tracks.items()
    }


def command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    normalise_command.add_arguments(parser)
    return normalise_command.run(parser.parse_args([str(each) for each in arguments]))


def check_idempotent(stems: dict[str, np.ndarray], features, effects: tuple[str, ...]) -> None:
    moved = 0
    for stem, audio in stems.items():
        once = work_on(audio, stem, features, effects)
        moved += any("not_done" not in move for move in once.done)
        twice = work_on(once.sound.audio, stem, features, effects)
        assert most_changed_db(once.sound.audio, twice.sound.audio) < 0.1, (stem, effects)
    assert moved > 0, effects


@pytest.mark.parametrize("effects", [*((each,) for each in FILTERS), FILTERS], ids="-".join)
def test_a_second_pass_changes_nothing_on_generated_stems(effects, stems_catalog, constants):
    features = constants_file.read(constants)
    stems = {stem: load(stems_catalog / "Birch" / f"{stem}.wav") for stem in STEMS}
    check_idempotent(stems, features, effects)


@pytest.mark.reference("reference/published")
@pytest.mark.parametrize("effects", [*((each,) for each in FILTERS), FILTERS], ids="-".join)
def test_a_second_pass_changes_nothing_on_real_stems(effects, excerpt):
    check_idempotent(excerpt, constants_file.read(PUBLISHED / "fxnorm_musdb18.npz"), effects)


@pytest.mark.reference("reference/published")
@pytest.mark.parametrize("effects", [*((each,) for each in FILTERS), FILTERS], ids="-".join)
def test_a_second_pass_changes_nothing_on_a_multitrack_summed_by_role(effects, multitrack):
    check_idempotent(multitrack, constants_file.read(PUBLISHED / "fxnorm_musdb18.npz"), effects)


@pytest.mark.reference("reference/published")
def test_real_stems_reach_the_published_constants(excerpt):
    features = constants_file.read(PUBLISHED / "fxnorm_musdb18.npz")
    for stem, audio in excerpt.items():
        work = work_on(audio, stem, features, FILTERS)
        after = stem_normalisation.measured(work.sound, stem, features)
        before = stem_normalisation.measured(sound(audio), stem, features)
        assert after["integrated_lufs"] == pytest.approx(features["loudness"][stem][0], abs=0.1)
        above_db = np.abs(np.array(after["eq_above_reference_db"], float))
        assert np.median(above_db) < 0.1, stem
        assert np.median(np.abs(np.array(before["eq_above_reference_db"], float))) > 1.0, stem


def test_each_effect_leaves_the_loudness_where_it_was(stems_catalog, constants):
    features = constants_file.read(constants)
    audio = load(stems_catalog / "Cedar" / "other.wav")
    for effect in ("eq", "compression", "panning"):
        work = work_on(audio, "other", features, (effect,))
        assert work.sound.integrated_lufs == pytest.approx(Sound(audio, RATE_HZ).integrated_lufs, abs=0.02), effect


def test_compression_ends_in_the_band_or_is_not_done(stems_catalog, constants):
    features = constants_file.read(constants)
    done = 0
    for stem in STEMS:
        audio = load(stems_catalog / "Dune" / f"{stem}.wav")
        work = work_on(audio, stem, features, ("compression",))
        mean_db, sd_db = features["compression"][stem]
        reached = dynamics.onset_peaks_db(work.sound.audio)
        if any("not_done" in move for move in work.done):
            assert np.array_equal(work.sound.audio, audio)
        elif reached is not None:
            assert abs(reached[0] - mean_db) <= sd_db + 0.05, stem
            done += bool(work.done)
    assert done > 0


def test_a_catalog_comes_out_with_a_record_for_each_song(stems_catalog, constants, tmp_path, capsys):
    out = tmp_path / "out"
    assert command(stems_catalog, "--constants", constants, "-o", out, "--effects", "loudness", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert [song["song"] for song in printed["songs"]] == ["Amber", "Birch", "Cedar", "Dune", "Ember"]
    features = constants_file.read(constants)
    for song in printed["songs"]:
        record = json.loads((out / song["song"] / normalise.RECORD).read_text())
        assert record["constants"]["path"] == str(constants)
        for stem, told in record["stems"].items():
            own, moved = load(stems_catalog / song["song"] / f"{stem}.wav"), load(out / song["song"] / f"{stem}.wav")
            gain = 10.0 ** (sum(move["gain_db"] for move in told["done"]) / 20.0)
            # A step of 24 bit, and the four digits that the record gives of the gain.
            assert np.allclose(moved, gain * own, rtol=1e-5, atol=2.0**-23), stem
            assert Sound(moved, RATE_HZ).integrated_lufs == pytest.approx(features["loudness"][stem][0], abs=0.06)
            assert told["after"]["integrated_lufs"] == pytest.approx(Sound(moved, RATE_HZ).integrated_lufs, abs=0.01)


def test_one_songs_folder_does_and_two_jobs_give_the_same_bytes(stems_catalog, constants, tmp_path):
    for jobs in (1, 2):
        command(
            stems_catalog, "--constants", constants, "-o", tmp_path / str(jobs), "--effects", "loudness", "-j", jobs
        )
    command(stems_catalog / "Amber", "--constants", constants, "-o", tmp_path / "one", "--effects", "loudness")
    for stem in STEMS:
        first = (tmp_path / "1" / "Amber" / f"{stem}.wav").read_bytes()
        assert first == (tmp_path / "2" / "Amber" / f"{stem}.wav").read_bytes()
        assert first == (tmp_path / "one" / f"{stem}.wav").read_bytes()


def test_a_silent_stem_is_kept_and_a_broken_one_loses_nothing_else(stems_catalog, constants, tmp_path, capsys):
    songs = tmp_path / "songs"
    shutil.copytree(stems_catalog / "Amber", songs / "Amber")
    shutil.copytree(stems_catalog / "Birch", songs / "Birch")
    soundfile.write(songs / "Amber" / "bass.wav", np.zeros((RATE_HZ, 2)), RATE_HZ, "PCM_24")
    (songs / "Amber" / "drums.wav").write_bytes(b"RIFF, but no more")
    (songs / "Birch" / "mixture.wav").write_bytes(b"not asked for")
    out = tmp_path / "out"
    assert command(songs, "--constants", constants, "-o", out, "--effects", "loudness") == normalise.SOME_FAILED
    said = capsys.readouterr()
    assert "drums.wav" in said.err
    assert "wrote 7 stems of 2 songs" in said.out
    assert not load(out / "Amber" / "bass.wav").any()
    record = json.loads((out / "Amber" / normalise.RECORD).read_text())
    assert record["stems"]["bass"]["done"] == []
    assert "drums.wav" in record["stems"]["drums"]["failed"]
    assert sorted(path.name for path in (out / "Amber").iterdir()) == [
        "bass.wav",
        normalise.RECORD,
        "other.wav",
        "vocals.wav",
    ]
    assert sorted(path.name for path in (out / "Birch").iterdir()) == sorted(
        [normalise.RECORD, *(f"{stem}.wav" for stem in STEMS)]
    )


def test_what_cannot_be_written_loses_nothing_else(stems_catalog, constants, tmp_path, capsys):
    (tmp_path / "vocals.wav").mkdir()
    arguments = (stems_catalog / "Amber", "--constants", constants, "-o", tmp_path, "--effects", "loudness")
    assert command(*arguments) == normalise.SOME_FAILED
    assert "vocals.wav cannot be written" in capsys.readouterr().err
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["bass.wav", "drums.wav", normalise.RECORD, "other.wav", "vocals.wav"]


def test_the_switch_for_panning_is_kept_in_the_record(stems_catalog, constants, tmp_path):
    arguments = (stems_catalog / "Amber", "--constants", constants, "--effects", "panning")
    for panning in PANNINGS:
        command(*arguments, "-o", tmp_path / panning, "--panning", panning)
        assert json.loads((tmp_path / panning / normalise.RECORD).read_text())["panning"] == panning
    exact, fxnorm = (load(tmp_path / panning / "vocals.wav") for panning in PANNINGS)
    assert most_changed_db(exact, fxnorm) > 1.0


def test_another_rate_and_mono_come_out_as_stereo_at_44100_hz(constants, tmp_path):
    song = tmp_path / "song"
    song.mkdir()
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(48_000 * 3) / 48_000)
    soundfile.write(song / "vocals.wav", tone, 48_000)
    command(song, "--constants", constants, "-o", tmp_path / "out", "--effects", "loudness")
    written = soundfile.info(tmp_path / "out" / "vocals.wav")
    assert (written.samplerate, written.channels, written.frames) == (44_100, 2, 3 * 44_100)


def test_no_sample_is_clipped(constants, tmp_path):
    """Peaks above full scale in a float file, and no loudness asked for: the stem is brought down as a whole."""
    song = tmp_path / "song"
    song.mkdir()
    noise = 0.8 * np.random.default_rng(1).standard_normal((RATE_HZ * 4, 2))
    soundfile.write(song / "other.wav", noise, RATE_HZ, "FLOAT")
    command(song, "--constants", constants, "-o", tmp_path / "out", "--effects", "compression")
    written = load(tmp_path / "out" / "other.wav")
    assert np.count_nonzero(np.abs(written) > 0.999) <= 4
    assert np.abs(written).max() == pytest.approx(1.0, abs=1e-6)


def test_reverb_is_added_to_voice_and_other_alone_the_same_for_a_seed(stems_catalog, constants, tmp_path):
    responses = tmp_path / "responses"
    responses.mkdir()
    rng = np.random.default_rng(5)
    for name in ("hall", "room"):
        tail = rng.standard_normal((RATE_HZ, 2)) * np.exp(-np.arange(RATE_HZ) / 8_000)[:, np.newaxis]
        soundfile.write(responses / f"{name}.wav", 0.05 * tail, RATE_HZ)
    song = stems_catalog / "Ember"
    arguments = (song, "--constants", constants, "--effects", "reverb", "--impulse-responses", responses)
    for seed, out in ((1, "a"), (1, "b"), (2, "c")):
        command(*arguments, "--seed", seed, "-o", tmp_path / out)
    for stem in STEMS:
        written = {out: (tmp_path / out / f"{stem}.wav").read_bytes() for out in "abc"}
        assert written["a"] == written["b"]
        assert (written["a"] != written["c"]) == (stem in reverb_send.STEMS)
    assert np.abs(load(tmp_path / "a" / "drums.wav") - load(song / "drums.wav")).max() < 2.0**-22


def test_the_send_lies_between_its_shelves_and_on_the_dry_sound(tmp_path):
    """A response that is one late click, on an impulse: the wet sound is the shelves' response, on time."""
    click = np.zeros((2_000, 1))
    click[700] = 0.5
    soundfile.write(tmp_path / "late.wav", click, RATE_HZ, "FLOAT")
    bands = (Band("low shelf", 600.0, -30.0, 0.707), Band("high shelf", 8_500.0, -30.0, 0.707))
    dry = np.zeros((2, RATE_HZ), np.float32)
    dry[:, 1_000] = 1.0
    wet = reverb_send.with_reverb(sound(dry), reverb_send.Send(str(tmp_path / "late.wav"), bands)).audio - dry
    assert np.abs(wet[0]).argmax() in (1_000, 1_001)
    assert np.abs(wet[0, :1_000]).max() < 1e-6 < 1e-3 < np.abs(wet[0, 1_000])
    frequencies_hz, spectrum = scipy.signal.freqz(wet[0, 1_000:], worN=8_192, fs=RATE_HZ)
    gain_db = 20 * np.log10(np.abs(spectrum) / 0.5)
    expected_db = response_db(bands, frequencies_hz[1:], RATE_HZ)
    assert expected_db.max() - expected_db.min() > 25.0
    assert np.abs(gain_db[1:] - expected_db).max() < 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--effects", "reverb"), "--impulse-responses"),
        (("--impulse-responses", "EMPTY"), "no impulse responses"),
        (("-o", "SONGS"), "holds the stems themselves"),
        (("--constants", "EMPTY"), "priors"),
        (("--constants", "missing.npz"), "missing.npz"),
    ],
)
def test_what_cannot_be_done_is_said(arguments, message, stems_catalog, constants, tmp_path):
    (tmp_path / "empty").mkdir()
    places = {"EMPTY": tmp_path / "empty", "SONGS": stems_catalog}
    given = [places.get(each, each) for each in arguments]
    with pytest.raises(InputError, match=message):
        command(stems_catalog, "--constants", constants, "-o", tmp_path / "out", *given)
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_and_a_file_are_no_stems(constants, tmp_path):
    with pytest.raises(InputError, match="no vocals"):
        command(tmp_path, "--constants", constants, "-o", tmp_path / "out")
    with pytest.raises(InputError, match="is no folder"):
        command(constants, "--constants", constants, "-o", tmp_path / "out")


@pytest.mark.reference("reference/published")
def test_constants_without_panning_ask_to_leave_it_out(stems_catalog, tmp_path):
    with pytest.raises(InputError, match="--effects eq,compression,loudness"):
        command(stems_catalog, "--constants", PUBLISHED / "koo_musdb18.npz", "-o", tmp_path / "out")


def test_constants_may_be_priors(mined_run, stems_catalog, tmp_path):
    assert command(stems_catalog / "Amber", "--constants", mined_run, "-o", tmp_path, "--effects", "loudness") == 0
    record = json.loads((tmp_path / normalise.RECORD).read_text())
    assert record["constants"]["group"] == "all"


def test_an_unknown_effect_is_refused(constants, tmp_path, capsys):
    with pytest.raises(SystemExit):
        command(tmp_path, "--constants", constants, "-o", tmp_path / "out", "--effects", "eq,flanger")
    assert "no effect 'flanger'" in capsys.readouterr().err


def test_what_falls_short_is_said_and_ends_well(constants, tmp_path, capsys):
    """One peak 40 dB above the rest holds the loudness down, far below its target."""
    rng = np.random.default_rng(3)
    audio = 0.003 * rng.standard_normal((2, 5 * RATE_HZ))
    audio[:, RATE_HZ] = 0.9
    (tmp_path / "song").mkdir()
    soundfile.write(tmp_path / "song" / "bass.wav", audio.T, RATE_HZ, "FLOAT")
    assert command(tmp_path / "song", "--constants", constants, "-o", tmp_path / "out", "--effects", "loudness") == 0
    printed = capsys.readouterr()
    told = json.loads((tmp_path / "out" / normalise.RECORD).read_text())["stems"]["bass"]["outcome"]["loudness"]
    written = Sound(load(tmp_path / "out" / "bass.wav"), RATE_HZ).integrated_lufs
    assert told["missed_by"] == pytest.approx(written + 28.0, abs=0.01)
    assert told["missed_by"] < -3.0
    assert not told["reached"]
    missed = f"{told['missed_by']:+.3g} LU"
    assert f"song/bass: loudness misses its target by {missed} (the peak is at full scale)" in printed.err
    assert f"loudness ({missed})" in printed.out


def test_what_is_reached_is_recorded_without_a_warning(stems_catalog, constants, tmp_path, capsys):
    out = tmp_path / "out"
    assert command(stems_catalog / "Amber", "--constants", constants, "-o", out, "--effects", "loudness") == 0
    assert capsys.readouterr().err == ""
    for told in json.loads((out / normalise.RECORD).read_text())["stems"].values():
        assert told["outcome"]["loudness"]["reached"]
        assert abs(told["outcome"]["loudness"]["missed_by"]) <= 0.1
        assert told["warnings"] == []


def test_a_band_that_holds_nothing_is_not_raised_and_is_named(constants):
    """What is left 60 dB below the loudest band must not be lifted into the headroom of all other bands."""
    features = constants_file.read(constants)
    rng = np.random.default_rng(0)
    samples = 6 * RATE_HZ
    spectrum = np.fft.rfft(rng.standard_normal((2, samples)))
    hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    flat = features["eq"]["other"]
    shaped = spectrum * np.interp(hz, np.linspace(0, RATE_HZ / 2, flat.size), flat) * np.where(hz < 8_000, 1.0, 0.1)
    audio = np.fft.irfft(shaped, samples)
    audio = (0.2 * audio / np.abs(audio).max()).astype(np.float32)
    work = work_on(audio, "other", features, ("eq",))
    curve = spectrum_rule.matching_curve(sound(audio).spectra.magnitude, flat)
    high = spectrum_rule.BAND_CENTRES_HZ > 9_000
    wanted_db = 20 * np.log10(flat[[round(f * 65_536 / RATE_HZ) for f in spectrum_rule.BAND_CENTRES_HZ]])
    assert (wanted_db[high] - 20 < wanted_db.max() - spectrum_rule.FLOOR_DB).all()  # within reach, but under the floor
    assert curve is None or max(abs(gain) for gain in np.array(curve.gains_db)[high]) < 0.05
    after = stem_normalisation.measured(work.sound, "other", features)
    found = outcome.outcomes("other", after, features, ("eq",), work.done)["eq"]
    assert found["reached"]
    assert set(spectrum_rule.BAND_CENTRES_HZ[high].round(1)) <= set(found["left_alone_hz"])
