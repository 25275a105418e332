"""A multitrack in, a mix out: classes stand to each other as the priors have them, and tracks in them as they were."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.matching import MatchingFilter
from mixprior.mixing.effects.settings import Chain, Curve, PanSettings
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import Role
from mixprior.pipeline.audio import audio_file
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db
from mixprior.stats.measures.true_peak import true_peak_dbtp
from tests import reference
from tests.mixing.mix_command import refusal
from tests.mixing.multitrack_song import (
    DURATION_S,
    INSTRUMENTS,
    METERS_DB,
    band_of_tracks,
    bass,
    gains_inside,
    hats,
    kick,
    levels_lu,
    lufs,
    mix,
    mixed,
    pad,
    save_all,
    seconds,
    sung,
    tone,
)
from tests.mixing.sounds import RATE_HZ, load, save, sound
from tools import meter

pytestmark = pytest.mark.slow

POTASSIUM = reference.MUSIC / "multitracks" / "4.Potassium"


ALL = ("--with", "eq,compression,pan,reverb")


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Eight tracks mixed by the command with all its steps: their paths, recipe, mix, and stems."""
    folder = tmp_path_factory.mktemp("song")
    paths = save_all(folder / "tracks", band_of_tracks(6.0))
    recipe = mix("--tracks", folder / "tracks", "-o", folder / "mix.wav", "--stems", folder / "stems", *ALL)
    return paths, recipe, folder / "mix.wav", folder / "stems"


def named(recipe: dict, step: str, of: str | None = None) -> list[dict]:
    return [each for each in recipe["steps"] if each["name"] == step and of in (None, each["of"])]


# Classes of tracks.


def test_the_names_tell_the_classes(song):
    _, recipe, _, stems = song
    assert recipe["settings"]["routing"] == {
        "Kick": "drums",
        "Hats": "drums",
        "Bass": "bass",
        "Pad": "other",
        "Piano": "other",
        "Rhodes": "other",
        "Lead Vox": "vocals",
        "Choir": "vocals",
    }
    (told,) = named(recipe, "roles")
    assert told["reason"] == "tracks by class: 2 vocals, 2 drums, 1 bass, 3 other"
    assert told["measured"]["Choir"] == {"role": "vocals", "confidence": 0.95, "why": "name: CHOIR"}
    assert told["warnings"] == []
    assert {path.stem for path in stems.iterdir()} == {"vocals", "drums", "bass", "other"}


# Tracks of a class among each other.


def test_the_ratios_inside_a_class_are_kept(tmp_path):
    drums = {"Kick": kick(), "Hats": 0.2 * hats(), "Snare": 2 * hats()[::-1]}
    paths = save_all(tmp_path / "tracks", {**drums, "Bass": bass()})
    recipe = mixed(paths, tmp_path / "mix.wav", tmp_path / "stems", steps=("level", "loudness"))
    gains = gains_inside(tmp_path / "stems" / "drums.wav", {name: paths[name] for name in drums})
    assert gains == pytest.approx([gains[0]] * 3, rel=1e-4)
    assert set(recipe.settings.tracks.values()) == {Chain()}


def test_tracks_of_a_class_are_made_equally_loud(tmp_path):
    drums = {"Kick": kick(), "Hats": 0.5 * hats(), "Snare": hats()[::-1]}
    voices = {"Vox 1": sung(), "Vox 2": 0.3 * sung(300.0)}
    paths = save_all(tmp_path / "tracks", {**drums, **voices, "Bass": bass()})
    given = ("--tracks", *paths.values(), "--balance", "equal", "--only", "level")
    words = (*given, "--no-limiter", "--stems", tmp_path / "stems")
    recipe = mix(*words, "-o", tmp_path / "mix.wav")
    for bus, members in (("drums", drums), ("vocals", voices)):
        gains = gains_inside(tmp_path / "stems" / f"{bus}.wav", {name: paths[name] for name in members})
        heard = [lufs(tmp_path, gain * members[name]) for gain, name in zip(gains, members, strict=True)]
        assert heard == pytest.approx([heard[0]] * len(heard), abs=0.05)
    assert recipe["settings"]["tracks"]["Bass"]["input_gain_db"] == 0.0
    assert len([step for step in named(recipe, "level", "drums") if "equally loud" in step["reason"]]) == 1


def test_no_track_is_moved_by_more_than_12_db(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Kick": kick(), "Hats": 0.01 * hats()})
    recipe = mixed(paths, tmp_path / "mix.wav", tmp_path / "stems", steps=("level",), balance="equal")
    loud, quiet = gains_inside(tmp_path / "stems" / "drums.wav", paths)
    assert 20 * np.log10(quiet / loud) == pytest.approx(24.0, abs=0.01)
    assert [chain.input_gain_db for chain in recipe.settings.tracks.values()] == [-12.0, 12.0]


# Classes among each other.


def test_instruments_stand_where_the_recipe_says(song, tmp_path):
    _, recipe, _, stems = song
    reached = {bus: named(recipe, "level", bus)[-1]["reached"]["loudness_vs_mixture_lu"] for bus in INSTRUMENTS}
    assert levels_lu(tmp_path, stems) == pytest.approx(reached, abs=0.2)
    for bus in INSTRUMENTS:
        told = recipe["results"]["parts_lufs"][bus]
        assert meter.read(stems / f"{bus}.wav").integrated_lufs == pytest.approx(told, abs=0.1)


def test_the_voice_stands_to_the_backing_as_the_recipe_says(song, tmp_path):
    _, recipe, _, stems = song
    backing = lufs(tmp_path, sum(load(stems / f"{bus}.wav") for bus in INSTRUMENTS))
    wanted_lu = named(recipe, "level", "vocals")[-1]["target"]["vocal_to_backing_lu"]
    reached_lu = meter.read(stems / "vocals.wav").integrated_lufs - backing
    assert reached_lu == pytest.approx(wanted_lu, abs=0.1)
    assert reached_lu == pytest.approx(recipe["results"]["vocal_to_backing_lu"], abs=0.1)


def test_the_backing_as_a_whole_stays_as_loud_as_it_was(tmp_path):
    """Its parts move against each other; how loud a mix is, is for the loudness step. Steady sounds: nothing gates."""
    noise = 0.05 * np.random.default_rng(2).standard_normal(seconds(DURATION_S).size)
    tracks = {"Hats": noise, "Bass": 0.25 * tone(55.0, 3), "Pad": pad()}
    paths = save_all(tmp_path / "tracks", {name: 0.3 * audio for name, audio in tracks.items()})
    recipe = mixed(paths, tmp_path / "mix.wav", steps=("level",))
    assert recipe.settings.limiter is None
    before = lufs(tmp_path, 0.3 * sum(tracks.values()))
    assert meter.read(tmp_path / "mix.wav").integrated_lufs == pytest.approx(before, abs=0.1)
    assert any(abs(chain.output_gain_db) > 0.1 for chain in recipe.settings.buses.values())


def test_a_mix_has_its_loudness_and_keeps_under_the_ceiling(song):
    read = meter.read(song[2])
    assert true_peak_dbtp(load(song[2])) <= -1.0
    assert read.integrated_lufs == pytest.approx(-16.0, abs=0.1)
    assert read.true_peak_dbtp <= -1.0 + METERS_DB


# Spectrum.


def of_bands(levels_db: np.ndarray, duration_s: float = 8.0) -> np.ndarray:
    """Noise with these levels in thirds of an octave, mono."""
    noise = 0.03 * np.random.default_rng(11).standard_normal(round(duration_s * RATE_HZ))
    noise = np.tile(noise, (2, 1)).astype(np.float32)
    gains_db = levels_db - third_octave_db(sound(noise).spectra.power)
    curve = Curve(tuple(BAND_CENTRES_HZ.tolist()), tuple((gains_db - gains_db.max()).tolist()))
    return render(MatchingFilter(curve, RATE_HZ), noise)[0]


@pytest.mark.parametrize("stem", ["vocals", "drums", "bass", "other"])
def test_a_class_with_the_spectrum_of_the_priors_is_not_equalised(tmp_path, stem):
    prior, _, _ = Targets.of().spectrum(stem)
    paths = save_all(tmp_path, {"Audio 01": of_bands(prior.centre_db)})
    recipe = mixed(paths, tmp_path / "mix.wav", roles={"Audio 01": Role(stem, 1.0, "given")}, steps=("eq",))
    match = recipe.settings.buses[stem].match
    assert match is None or np.abs(match.gains_db).max() < 0.5


@pytest.mark.parametrize(("trust", "least", "most"), [(0.5, 0.85, 0.99), (0.8, 0.4, 0.8)])
def test_the_equaliser_takes_back_a_part_of_a_tilt(tmp_path, trust, least, most):
    prior, _, _ = Targets.of().spectrum("other")
    tilt_db = 1.5 * np.log2(BAND_CENTRES_HZ / 1000)
    paths = save_all(tmp_path, {"Pad": of_bands(prior.centre_db + tilt_db)})
    mixed(paths, tmp_path / "mix.wav", steps=("eq",), trust=trust)
    after = sound(np.broadcast_to(load(tmp_path / "mix.wav"), (2, 8 * RATE_HZ))).spectra.power
    heard = (BAND_CENTRES_HZ > 100) & (BAND_CENTRES_HZ < 10_000)
    off_db = (third_octave_db(after) - prior.centre_db)[heard]
    left = np.abs(off_db - off_db.mean()).mean() / np.abs(tilt_db[heard] - tilt_db[heard].mean()).mean()
    assert least < left < most


def test_no_band_is_moved_by_more_than_3_db(tmp_path):
    """The pad is far from the mean spectrum of real songs, so that the limit is reached."""
    recipe = mixed(save_all(tmp_path, {"Pad": pad()}), tmp_path / "mix.wav", steps=("eq",), trust=1.0)
    assert np.abs(recipe.settings.buses["other"].match.gains_db).max() == 3.0


# Places.


def mid_energy_fraction(audio: np.ndarray) -> float:
    left, right = audio.astype(np.float64)
    mid, side = left + right, left - right
    return float((mid**2).sum() / ((mid**2).sum() + (side**2).sum()))


def test_a_class_is_as_wide_as_in_the_priors_and_in_pairs(tmp_path):
    tracks = band_of_tracks()
    tracks["Rhodes"] *= 1.12
    paths = save_all(tmp_path / "tracks", tracks)
    recipe = mixed(paths, tmp_path / "mix.wav", tmp_path / "stems", steps=("pan",), aim="centre")
    wanted = replace(Targets.of(), sung=True).spread("other", "mid_energy_fraction").value
    other = load(tmp_path / "stems" / "other.wav")
    assert mid_energy_fraction(other) == pytest.approx(wanted, abs=0.01)
    assert 10 * np.log10(np.square(other[0]).sum() / np.square(other[1]).sum()) == pytest.approx(0.0, abs=0.3)
    for bus in ("drums", "bass", "vocals"):
        left, right = load(tmp_path / "stems" / f"{bus}.wav")
        assert np.array_equal(left, right)
    moved = {name: chain.pan.position for name, chain in recipe.settings.tracks.items() if chain.pan}
    assert set(moved) == {"Piano", "Rhodes"}
    assert min(moved.values()) < 0.5 < max(moved.values())


def test_a_lone_instrument_stays_in_the_centre(tmp_path):
    paths = save_all(tmp_path, {"Guitar": pad(), "Bass": bass(), "Kick": kick()})
    recipe = mixed(paths, tmp_path / "mix.wav", steps=("pan",), aim="centre")
    assert [chain.pan for chain in recipe.settings.tracks.values()] == [None] * 3
    assert "no two are about as loud" in next(step.reason for step in recipe.steps if step.name == "pan")


def test_a_class_goes_as_far_as_the_posterior_of_its_width(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Pad": pad(), "Piano": pad(237.0)})
    recipe = mixed(paths, tmp_path / "mix.wav", tmp_path / "stems", steps=("pan",))
    (step,) = (step for step in recipe.steps if step.name == "pan")
    aim = Targets.of().spread("other", "mid_energy_fraction").aim(1.0, "pan")
    assert 0.0 < aim.weight < 1.0
    assert mid_energy_fraction(load(tmp_path / "stems" / "other.wav")) == pytest.approx(aim.value, abs=0.01)
    assert step.aims[0]["weight"] == pytest.approx(aim.weight, abs=1e-6)


def test_a_class_whose_tracks_are_made_equally_loud_is_as_wide_as_in_the_priors(tmp_path):
    """The gains of the tracks come before their places."""
    tracks = {"Pad": pad(), "Piano": 0.2 * pad(237.0), "Rhodes": 0.9 * pad(353.7)}
    paths = save_all(tmp_path / "tracks", tracks)
    options = {"steps": ("level", "pan"), "balance": "equal", "aim": "centre"}
    mixed(paths, tmp_path / "mix.wav", tmp_path / "stems", **options)
    wanted = Targets.of().spread("other", "mid_energy_fraction").value
    heard = mid_energy_fraction(load(tmp_path / "stems" / "other.wav"))
    assert heard == pytest.approx(wanted, abs=0.01)


def test_tracks_that_are_wide_or_at_a_side_stay_where_they_are(tmp_path):
    side = np.stack([pad(), 0 * pad()])
    wide = np.stack([pad(237.0), pad(392.0)])
    paths = save_all(tmp_path / "tracks", {"Pad": side, "Synth": wide, "Piano": 0.1 * pad(440.0)})
    recipe = mixed(paths, tmp_path / "mix.wav", steps=("pan",))
    assert [chain.pan for chain in recipe.settings.tracks.values()] == [None] * 3


# Room for the vocals.


def test_masked_vocals_are_freed_and_stand_to_the_rest_as_before(tmp_path):
    noise = 0.2 * np.random.default_rng(4).standard_normal(4 * RATE_HZ)
    paths = save_all(tmp_path / "tracks", {"Lead Vox": 0.2 * sung(), "Pad": noise})
    recipe = mixed(paths, tmp_path / "mix.wav", tmp_path / "stems", steps=("unmask",))
    (step,) = (step for step in recipe.steps if step.name == "unmask")
    assert step.measured["masked_vocals_after_db"] < step.measured["masked_vocals_db"]
    assert recipe.settings.buses["other"].bands
    before, after = (
        lufs(tmp_path, parts[0]) - lufs(tmp_path, parts[1])
        for parts in (
            (0.2 * sung(), noise),
            (load(tmp_path / "stems" / "vocals.wav"), load(tmp_path / "stems" / "other.wav")),
        )
    )
    assert after == pytest.approx(before, abs=0.1)


# Amount, and the recipe.


def test_nothing_of_the_way_moves_no_class(tmp_path):
    tracks = {name: 0.2 * audio for name, audio in band_of_tracks(3.0).items()}
    paths = save_all(tmp_path / "tracks", tracks)
    recipe = mixed(paths, tmp_path / "mix.wav", amount=0.0, target_lufs=None, balance="equal")
    for chain in recipe.settings.tracks.values():
        assert chain in (Chain(), Chain(pan=PanSettings(0.5)))
    for chain in recipe.settings.buses.values():
        assert chain == Chain()
    assert np.abs(load(tmp_path / "mix.wav") - sum(tracks.values())).max() < 1e-6


def test_half_of_the_way_moves_levels_by_half(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Kick": kick(), "Bass": bass(), "Pad": pad()})
    apart = []
    for amount in (0.0, 0.5, 1.0):
        recipe = mixed(paths, tmp_path / "mix.wav", steps=("level",), amount=amount)
        parts = recipe.results.parts_lufs
        apart.append([parts["drums"] - parts["other"], parts["bass"] - parts["other"]])
    none, half, whole = np.array(apart)
    assert half == pytest.approx((none + whole) / 2, abs=0.02)


def test_the_recipe_makes_the_mix_again(song, tmp_path):
    paths, recipe, output, stems = song
    words = ("--tracks", *paths.values(), "--replay", output.with_suffix(".mix.json"))
    again = mix(*words, "-o", tmp_path / "again.wav", "--stems", tmp_path / "stems")
    assert (tmp_path / "again.wav").read_bytes() == output.read_bytes()
    assert again["settings"] == recipe["settings"]
    assert again["results"] == recipe["results"]
    for stem in stems.iterdir():
        assert np.array_equal(load(tmp_path / "stems" / stem.name), load(stem))


def test_settings_of_other_tracks_are_refused(song, tmp_path, capsys):
    paths, _, output, _ = song
    words = ("--tracks", *list(paths.values())[1:], "--replay", output.with_suffix(".mix.json"))
    assert "Kick" in refusal(capsys, *words, "-o", tmp_path / "again.wav")


# A real one.


@pytest.mark.reference("music/multitracks/4.Potassium")
def test_a_real_multitrack(tmp_path):
    """20 s of six tracks, one of which is silent there."""
    classes = {
        "vocals": ["BGVOX ALT", "VOX LEAD"],
        "drums": ["KICK HATS", "SNARE"],
        "bass": ["PAD + BASS"],
        "other": ["MINILOGUE_SYNTH"],
    }
    (tmp_path / "tracks").mkdir()

    def cut(name: str) -> None:
        file = audio_file.read(POTASSIUM / f"4.Potassium_Stem_{name}_mobile.m4a")
        audio = file.sound.audio[:, 140 * file.sound.rate_hz : 160 * file.sound.rate_hz]
        save(tmp_path / "tracks" / f"4.Potassium_Stem_{name}_mobile.wav", audio, file.sound.rate_hz)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cut, [name for names in classes.values() for name in names]))
    recipe = mix("--tracks", tmp_path / "tracks", "--stems", tmp_path / "stems", "-o", tmp_path / "mix.wav", *ALL)
    routing = {f"4.Potassium_Stem_{name}_mobile": role for role, names in classes.items() for name in names}
    assert recipe["settings"]["routing"] == routing
    read = meter.read(tmp_path / "mix.wav")
    assert read.integrated_lufs == pytest.approx(-16.0, abs=0.1)
    assert read.true_peak_dbtp <= -1.0 + METERS_DB
    assert true_peak_dbtp(load(tmp_path / "mix.wav")) <= -1.0
    levels = levels_lu(tmp_path, tmp_path / "stems")
    for bus in ("drums", "bass", "other"):
        (step,) = named(recipe, "level", bus)
        own, aim = step["measured"]["loudness_vs_mixture_lu"], step["aims"][0]
        assert levels[bus] == pytest.approx(step["reached"]["loudness_vs_mixture_lu"], abs=0.3)
        assert min(own, aim["centre"]) <= aim["value"] <= max(own, aim["centre"])
        assert abs(step["setting"]["gain_db"]) <= 12.0
