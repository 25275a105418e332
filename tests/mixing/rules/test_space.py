"""The reverb of vocals: only what they lack is added, so that the level wanted comes out."""

import numpy as np
import pytest
import soxr

from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.reverb import Reverb
from mixprior.mixing.reverb import decay
from mixprior.mixing.rules import space as rule
from mixprior.mixing.rules.own_reverb import of_vocals
from mixprior.mixing.rules.space import ENOUGH_DB, MOST_DRY, NEARLY_DRY_DB, Space, Wanted, why_not_unasked
from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED
from tests.mixing.sounds import RATE_HZ, band, sound, voice
from tests.reference import MUSIC

OCTAVES_S = (1.6, 1.5, 1.3, 1.1, 0.9)
LEVEL_DB = -14.0
WANTED = Wanted(1.3, OCTAVES_S, LEVEL_DB)


def space(vocals: np.ndarray, backing: np.ndarray, rate_hz: int = RATE_HZ, wanted: Wanted = WANTED) -> Space:
    sung = sound(vocals, rate_hz)
    return rule.space(sung, of_vocals(sung, sound(backing, rate_hz)), wanted)


@pytest.fixture
def own(monkeypatch):
    """Sets what the estimator says of any vocals."""

    def says(wet_dry_db: float | None) -> None:
        estimate = None
        if wet_dry_db is not None:
            estimate = Reverberation(1.0, np.ones(5), wet_dry_db, np.full(5, wet_dry_db), 0.8, 4)
        monkeypatch.setattr(blind, "estimate", lambda *_: estimate)

    return says


def level_db(response: np.ndarray) -> float:
    return float(10 * np.log10(np.square(response[:, 1:]).sum() / np.square(response[:, 0]).sum()))


def test_dry_vocals_get_the_level_and_the_times_wanted(own):
    own(-40.0)
    found = space(voice(), band())
    reached = decay.of_settings(found.settings)
    assert reached.wet_dry_db == pytest.approx(LEVEL_DB, abs=0.5)
    assert reached.rt60_octaves_s == pytest.approx(OCTAVES_S, rel=0.15)
    assert (found.settings.room_size, found.settings.fade_in_s) == (ASSUMED.room_size, ASSUMED.fade_in_s)
    assert found.settings == found.settings.snapped()
    assert "1.30 s" in found.reason
    assert "they have -40.0 dB already, estimated" in found.reason
    assert "confidence 0.80: their time is known to 22 %" in found.reason


@pytest.mark.parametrize(("own_db", "wanted_db"), [(-12.0, -8.0), (-20.0, -14.0), (-6.0, -2.0)])
def test_the_energies_of_both_reverbs_make_the_level_wanted(own, own_db, wanted_db):
    """An impulse in a room stands for the vocals; the room and the reverb added to it are measured."""
    own(own_db)
    found = space(voice(), band(), wanted=Wanted(1.3, OCTAVES_S, wanted_db))
    tail = np.random.default_rng(1).standard_normal((2, 3 * RATE_HZ)) * 10 ** (-3 * np.arange(3 * RATE_HZ) / RATE_HZ)
    tail[:, 0] = 0.0
    tail *= 10 ** (own_db / 20) / np.sqrt(np.square(tail).mean(axis=0).sum())
    tail[:, 0] = 1.0
    assert level_db(tail) == pytest.approx(own_db, abs=0.01)
    wet = render(Reverb(found.settings, RATE_HZ), tail.astype(np.float32))
    assert level_db(wet) == pytest.approx(wanted_db, abs=0.3)


@pytest.mark.parametrize(
    ("own_db", "reason"),
    [
        (LEVEL_DB + 5, "as wet as"),
        (LEVEL_DB, "as wet as"),
        (LEVEL_DB - ENOUGH_DB + 0.1, "within 3 dB of"),
        (LEVEL_DB - ENOUGH_DB - 0.1, None),
    ],
)
def test_vocals_about_as_wet_as_wanted_are_left_alone(own, own_db, reason):
    own(own_db)
    found = space(voice(), band())
    assert (found.settings is None) == (reason is not None)
    if reason:
        start = f"no reverb: the vocals are {reason} the -14.0 dB wanted: they have {own_db:.1f} dB already"
        assert found.reason.startswith(start)
    else:
        assert decay.of_settings(found.settings).wet_dry_db == pytest.approx(LEVEL_DB - ENOUGH_DB, abs=0.3)


def test_vocals_too_short_to_estimate_are_taken_for_dry_and_that_is_said():
    found = space(voice(2.0), band(2.0))
    assert found.measured is None
    assert "taken for dry" in found.reason
    assert decay.of_settings(found.settings).wet_dry_db == pytest.approx(LEVEL_DB, abs=0.3)


def test_vocals_without_highs_are_taken_for_dry():
    assert "taken for dry" in space(voice(6.0, 8_000), band(6.0, 8_000), 8_000).reason


def test_silence_and_a_dry_target_ask_for_none(own):
    own(-20.0)
    silent = space(np.zeros((2, 300_000)), band())
    dry = space(voice(), band(), wanted=Wanted(1.3, OCTAVES_S, -34.0))
    assert (silent.settings, dry.settings) == (None, None)
    assert "silent" in silent.reason
    assert "are dry" in dry.reason


def test_a_level_out_of_reach_is_warned_of(own):
    own(-40.0)
    (warning,) = space(voice(), band(), wanted=Wanted(1.3, OCTAVES_S, 60.0)).warnings
    assert warning.code == "out-of-reach"
    assert "of the 60.0 dB that were to be added" in warning.text


def test_the_same_comes_out_again():
    first, second = (space(voice(), band(3.0)) for _ in range(2))
    assert (first.settings, first.reason) == (second.settings, second.reason)
    silent = space(np.zeros((2, 0)), band())
    assert (silent.settings, silent.measured) == (None, None)


@pytest.mark.parametrize(
    ("own_db", "dry_share", "why"),
    [
        (NEARLY_DRY_DB - 0.1, MOST_DRY, None),
        (NEARLY_DRY_DB, 0.0, "are not dry"),
        (NEARLY_DRY_DB - 5, MOST_DRY + 0.01, "26% of the songs"),
        (NEARLY_DRY_DB - 5, None, "not known"),
    ],
)
def test_without_being_asked_for_only_nearly_dry_vocals_get_a_reverb(own_db, dry_share, why):
    found = why_not_unasked(Reverberation(1.0, np.ones(5), own_db, np.full(5, own_db), 0.8, 4), dry_share)
    assert found is None if why is None else why in found


@pytest.mark.parametrize("place", ["vocals", "backing"])
def test_what_is_no_number_is_refused(place):
    sounds = {"vocals": voice(), "backing": band()}
    sounds[place][0, 7] = np.nan
    with pytest.raises(InputError, match=f"the {place} track holds NaN"):
        space(sounds["vocals"], sounds["backing"])


@pytest.mark.reference("music/voices")
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
@pytest.mark.parametrize("name", ["vocadito_1", "vocadito_10", "vocadito_14"])
def test_real_dry_vocals_get_reverb_once_and_not_again(name, rate_hz):
    file = audio_file.read(MUSIC / "voices" / f"{name}.wav")
    sung = soxr.resample(file.sound.audio.T, file.sound.rate_hz, rate_hz).T.astype(np.float32)
    rest = band(sung.shape[1] / rate_hz, rate_hz, 0.03)
    first = space(sung, rest, rate_hz)
    assert first.measured.wet_dry_db < NEARLY_DRY_DB
    wet = render(Reverb(first.settings, rate_hz), np.ascontiguousarray(sung))
    again = space(wet, rest, rate_hz)
    assert again.measured.wet_dry_db == pytest.approx(LEVEL_DB, abs=ENOUGH_DB)
    assert again.settings is None
