"""The reverb step: a voice gets the reverb that it lacks, and no more."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soxr

from mixprior.analysis.priors import open_priors
from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.reverb import Reverb
from mixprior.mixing.reverb import decay
from mixprior.mixing.rules.space import ENOUGH_DB, space
from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED
from tests.analysis.priors_folder import row, write_priors
from tests.mixing.sounds import RATE_HZ, band, voice
from tests.reference import MUSIC

OCTAVES_S = (1.6, 1.5, 1.3, 1.1, 0.9)
MEDIAN_S, LEVEL_DB = 1.3, -14.0


def of_group(group: str, n: int, level_db: float):
    def spread(middle):
        return (middle, 0.3, 0.1 * middle, 9.0 * middle, *(middle * x for x in (0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.5)))

    return [
        row(group, "vocals", "rt60_s", "s", n, spread(MEDIAN_S)),
        row(group, "vocals", "wet_dry_db", "dB", n, spread(level_db)),
        *(row(group, "vocals", "rt60_octaves_s", "s", n, spread(t), k, 250.0 * 2**k) for k, t in enumerate(OCTAVES_S)),
    ]


@pytest.fixture(scope="module")
def priors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("space") / "priors"
    return open_priors(write_priors(folder, [*of_group("all", 60, LEVEL_DB), *of_group("genre=folk", 20, -34.0)]))


@pytest.fixture
def own(monkeypatch):
    """Sets what the estimator says of any voice."""

    def says(wet_dry_db: float | None) -> None:
        estimate = None
        if wet_dry_db is not None:
            estimate = Reverberation(1.0, np.ones(5), wet_dry_db, np.full(5, wet_dry_db), 0.8, 4)
        monkeypatch.setattr(blind, "estimate", lambda *_: estimate)

    return says


def level_db(response: np.ndarray) -> float:
    return float(10 * np.log10(np.square(response[:, 1:]).sum() / np.square(response[:, 0]).sum()))


def test_a_dry_voice_gets_the_level_and_the_times_of_the_prior(priors, own):
    own(-40.0)
    found = space(voice(), band(), RATE_HZ, priors)
    reached = decay.of_settings(found.settings)
    assert reached.wet_dry_db == pytest.approx(LEVEL_DB, abs=0.5)
    assert reached.rt60_octaves_s == pytest.approx(OCTAVES_S, rel=0.15)
    assert (found.settings.room_size, found.settings.fade_in_s) == (ASSUMED.room_size, ASSUMED.fade_in_s)
    assert found.settings == found.settings.snapped()
    assert "1.30 s" in found.reason
    assert "it has -40.0 dB of its own, estimated" in found.reason
    assert "confidence 0.80: its time is known to 22 %" in found.reason


@pytest.mark.parametrize(("own_db", "wanted_db"), [(-12.0, -8.0), (-20.0, -14.0), (-6.0, -2.0)])
def test_the_energies_of_both_reverbs_make_the_level_wanted(priors, own, own_db, wanted_db):
    """An impulse in a room stands for the voice; the room and the reverb added to it are measured."""
    own(own_db)
    found = space(voice(), band(), RATE_HZ, priors, wet_dry_db=wanted_db)
    tail = np.random.default_rng(1).standard_normal((2, 3 * RATE_HZ)) * 10 ** (-3 * np.arange(3 * RATE_HZ) / RATE_HZ)
    tail[:, 0] = 0.0
    tail *= 10 ** (own_db / 20) / np.sqrt(np.square(tail).mean(axis=0).sum())
    tail[:, 0] = 1.0
    assert level_db(tail) == pytest.approx(own_db, abs=0.01)
    wet = render(Reverb(found.settings, RATE_HZ), tail.astype(np.float32))
    assert level_db(wet) == pytest.approx(wanted_db, abs=0.3)


@pytest.mark.parametrize(
    ("own_db", "told"),
    [
        (LEVEL_DB + 5, "as wet as"),
        (LEVEL_DB, "as wet as"),
        (LEVEL_DB - ENOUGH_DB + 0.1, "within 3 dB of"),
        (LEVEL_DB - ENOUGH_DB - 0.1, None),
    ],
)
def test_a_voice_about_as_wet_as_the_prior_is_left_alone(priors, own, own_db, told):
    own(own_db)
    found = space(voice(), band(), RATE_HZ, priors)
    assert (found.settings is None) == (told is not None)
    if told:
        assert found.reason.startswith(f"no reverb: the voice is {told} the -14.0 dB wanted: it has {own_db:.1f} dB")
        assert (found.added_wet_dry_db, found.fit) == (None, None)
    else:
        assert found.added_wet_dry_db == pytest.approx(LEVEL_DB - ENOUGH_DB, abs=0.3)


def test_a_voice_too_short_to_tell_is_taken_for_dry_and_that_is_said(priors):
    found = space(voice(2.0), band(2.0), RATE_HZ, priors)
    assert found.measured is None
    assert "taken for dry" in found.reason
    assert found.added_wet_dry_db == pytest.approx(LEVEL_DB)


def test_a_voice_without_highs_is_taken_for_dry(priors):
    assert "taken for dry" in space(voice(6.0, 8_000), band(6.0, 8_000), 8_000, priors).reason


@pytest.mark.parametrize(("sound", "told"), [(np.zeros((2, 300_000), np.float32), "silent"), (None, "is dry")])
def test_silence_and_a_dry_catalog_ask_for_none(priors, own, sound, told):
    own(-20.0)
    group = "all" if sound is not None else "genre=folk"
    found = space(voice() if sound is None else sound, band(), RATE_HZ, priors, group)
    assert found.settings is None
    assert told in found.reason


def test_the_seeds_rule_takes_the_tempo_of_the_backing(priors, own):
    own(-40.0)
    ticks = 0.001 * band(12.0)
    for start in range(0, ticks.shape[1] - 2_000, RATE_HZ // 2):
        ticks[:, start : start + 2_000] += band(12.0, level=0.3)[:, :2_000]
    found = space(voice(), ticks, RATE_HZ, priors, rule="seed")
    assert found.target.rt60_s == pytest.approx(40 / 9 - 120 / 45, abs=0.05)
    assert found.target.rt60_octaves_s == pytest.approx(np.array(OCTAVES_S) * found.target.rt60_s / MEDIAN_S)
    assert found.fit.settings.reverberation_time_s > 1.3
    assert any("by the textbook's rule" in note for note in found.notes)


def test_without_a_tempo_a_rule_leaves_the_median(priors, own):
    own(-40.0)
    found = space(voice(), np.zeros((2, 10 * RATE_HZ), np.float32), RATE_HZ, priors, rule="seed")
    assert found.target.rt60_s == MEDIAN_S
    assert any("no tempo" in warning for warning in found.warnings)


def test_what_is_asked_for_takes_the_place_of_the_prior(priors, own):
    own(-40.0)
    found = space(voice(), band(), RATE_HZ, priors, rt60_s=0.65, wet_dry_db=-10.0)
    assert decay.of_settings(found.settings).wet_dry_db == pytest.approx(-10.0, abs=0.5)
    assert decay.of_settings(found.settings).rt60_octaves_s == pytest.approx(
        [time_s / 2 for time_s in OCTAVES_S], rel=0.2
    )
    assert found.notes[-2:] == ("time: 0.65 s, as asked for", "wet to dry: -10.0 dB, as asked for")


def test_a_level_out_of_reach_is_told(priors, own):
    own(-40.0)
    found = space(voice(), band(), RATE_HZ, priors, wet_dry_db=60.0)
    assert any("of the 60.0 dB that were to be added" in warning for warning in found.warnings)


def test_a_group_that_there_is_not_falls_back_with_a_warning(priors, own):
    own(-40.0)
    found = space(voice(), band(), RATE_HZ, priors, "genre=rock")
    assert found.target.group == "all"
    assert any("all songs stand in" in warning for warning in found.warnings)


def test_the_same_comes_out_again_and_goes_into_json(priors):
    sounds = (voice(), band(3.0), RATE_HZ, priors)
    told = json.dumps(space(*sounds).to_dict(), allow_nan=False)
    assert json.dumps(space(*sounds).to_dict(), allow_nan=False) == told
    assert {"measured", "target", "priors", "settings", "reason"} <= set(json.loads(told))
    silent = space(np.zeros((2, 0), np.float32), band(), RATE_HZ, priors).to_dict()
    assert (silent["settings"], silent["measured"]) == (None, None)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"rule": "guess"}, "there are: seed, catalog"),
        ({"rule": "seed", "rt60_s": 1.0}, "give one of the two"),
        ({"rt60_s": 12.0}, "within 0.1 to 9 s"),
        ({"rt60_s": np.nan}, "within 0.1 to 9 s"),
        ({"wet_dry_db": np.nan}, "finite"),
        ({"rule": "catalog"}, "no joint moments"),
    ],
)
def test_what_cannot_be_is_refused(priors, asked, told):
    with pytest.raises(InputError, match=told):
        space(voice(), band(), RATE_HZ, priors, **asked)


@pytest.mark.parametrize("place", ["voice", "backing"])
def test_what_is_no_number_is_refused(priors, place):
    sounds = {"voice": voice(), "backing": band()}
    sounds[place][0, 7] = np.nan
    with pytest.raises(InputError, match=f"the {place} holds NaN"):
        space(sounds["voice"], sounds["backing"], RATE_HZ, priors)


@pytest.mark.reference("music/voices")
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
@pytest.mark.parametrize("name", ["vocadito_1", "vocadito_10", "vocadito_14"])
def test_a_real_dry_voice_gets_reverb_once_and_not_again(priors, name, rate_hz):
    file = audio_file.read(MUSIC / "voices" / f"{name}.wav")
    sung = soxr.resample(file.audio.T, file.rate_hz, rate_hz).T.astype(np.float32)
    rest = band(sung.shape[1] / rate_hz, rate_hz, 0.03)
    first = space(sung, rest, rate_hz, priors)
    assert first.measured.wet_dry_db < -26.0
    wet = render(Reverb(first.settings, rate_hz), sung)
    again = space(wet, rest, rate_hz, priors)
    assert again.measured.wet_dry_db == pytest.approx(LEVEL_DB, abs=ENOUGH_DB)
    assert again.settings is None
