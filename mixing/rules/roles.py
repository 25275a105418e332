"""The class of a track of a multitrack: vocals, drums, bass or other, by its name, or by how it sounds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from mixprior.stats import long_term_spectra
from mixprior.stats.loudness_blocks import PARTS_PER_BLOCK
from mixprior.stats.sound import Sound

VOCALS, DRUMS, BASS, OTHER = "vocals", "drums", "bass", "other"
ROLES = (VOCALS, DRUMS, BASS, OTHER)
"""The stems of a song. Where a name has words of two, the earlier one is taken: a bass drum is a drum."""

_WORDS = {
    VOCALS: "VOX VOCAL VOC VOICE VX BV BGV LV CHOIR SINGER SINGING RAP ADLIB SOPRANO ALTO TENOR ACAPELLA ACAPPELLA",
    DRUMS: "DRUM KICK KD BD SNARE SN SNR SD HAT HH HIHAT TOPS TOM CYM CYMBAL RIDE CRASH OVERHEAD OH PERC PRC "
    "PERCUSSION CLAP SNAP BEAT SHAKER TAMB TAMBOURINE CONGA BONGO COWBELL RIM RIMSHOT CAJON DJEMBE",
    BASS: "BASS BASSLINE SUB CONTRABASS",
    OTHER: "SYNTH SY KEY PAD PIANO ORGAN RHODES WURLI GUITAR GTR STRING VIOLIN CELLO BRASS HORN TRUMPET SAX FLUTE "
    "PLUCK MALLET MARIMBA BELL HARP ARP CHORD EFFECT FX SFX RISER SWEEP IMPACT TRANSITION AMBIENCE",
}
# These count only where no other word does: a lead is a synthesiser's, unless it is a vocal's.
_HINTS = {DRUMS: "FILL BREAK", OTHER: "OTHER LEAD STAB BUILD RISE SLIDE NOISE"}
_ENDINGS = {"VOX": VOCALS, "VOCAL": VOCALS, "DRUM": DRUMS, "BEAT": DRUMS, "BASS": BASS}
_SURE = {word: role for role, words in _WORDS.items() for word in words.split()}
_HINTED = {word: role for role, words in _HINTS.items() for word in words.split()}
_ALIKE = 0.9
"""Likeness (`difflib`) from which a word counts as another one misspelt."""

_CONFIDENCE = {"word": 0.95, "words for several": 0.6, "hint": 0.7}
# By sound: the share of right answers where the rule spoke, see `role_of`.
_CONFIDENCE_BY_SOUND = {VOCALS: 0.9, DRUMS: 0.8, BASS: 0.5, OTHER: 0.5}

_SOUNDING = 1e-3
_LOW_HZ, _HIGH_HZ = 150.0, 5000.0
_PITCH_RANGE_HZ = (60.0, 1000.0)
_PITCH_FRAMES_PER_S = 10.75
_PITCH_FRAMES_AT_ONCE = 256
_DIP = 0.3
_GLIDE_SEMITONES = (0.25, 2.5)

_PITCHED = 0.5
_HIT_DB = 1.8
_MOSTLY_HIGH, _MOSTLY_LOW, _HARDLY_LOW = 0.5, 0.7, 0.2
_GLIDING = 0.28


@dataclass(frozen=True)
class Role:
    """The class that a track is taken for.

    Attributes:
        role: one of `ROLES`.
        confidence: 0 to 1.
        reason: where it comes from, in words.
    """

    role: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Features:
    """How a track sounds.

    Attributes:
        low_share: energy below 150 Hz, of all.
        high_share: energy above 5 kHz, of all.
        attack_db: median over sounding blocks of 100 ms of the loudest 20 ms over the whole, K-weighted: 0.5 for
            noise, 7 for a click.
        pitched: median over sounding frames of 93 ms of the autocorrelation's highest peak from 60 Hz to 1 kHz.
        gliding: share of pitched frames after another whose pitch is a quarter to two and a half semitones off: as
            singers do and keys do not.
    """

    low_share: float
    high_share: float
    attack_db: float
    pitched: float
    gliding: float


def role_of(
    name: str, features: Callable[[], Features | None] | None = None, ignored: frozenset[str] = frozenset()
) -> Role:
    """Find the class of a track by the words of its name, or where they have no meaning, by how it sounds.

    By sound, a track that is not pitched is drums if it hits, or is above 5 kHz; otherwise what is below 150 Hz is
    bass; what glides in pitch without being low is vocals; anything else is other. A choir or vocals under much
    reverb are taken for other.

    Args:
        name: file name or title; case, digits and punctuation do not count.
        features: measures the track, and is called only if the name has no word of a class; None leaves it at other.
        ignored: words of the name without a meaning, see `shared_words`.

    >>> role_of("3.Sodium_Stem_BGVOX OOH.m4a")
    Role(role='vocals', confidence=0.95, reason='name: BGVOX')
    >>> role_of("PAD + BASS.wav").reason
    'name: BASS, but also PAD (other)'
    >>> role_of("Audio 07").role
    'other'
    """
    words = _words(name)
    own = [word for word in words if word not in ignored]
    if any(len(word) > 1 for word in own):  # Otherwise numbers distinguish the tracks, as in Vox 1 and Vox 2.
        words = own
    for meanings, kind in ((_by_word(words), "word"), (_by_hint(words), "hint")):
        if not meanings:
            continue
        role = min(meanings.values(), key=ROLES.index)
        found = " ".join(word for word, meaning in meanings.items() if meaning == role)
        against = ", ".join(f"{word} ({meaning})" for word, meaning in meanings.items() if meaning != role)
        if against:
            return Role(role, _CONFIDENCE["words for several"], f"name: {found}, but also {against}")
        return Role(role, _CONFIDENCE[kind], f"name: {found}")
    if features is None:
        return Role(OTHER, 0.0, "no word of the name is of a class")
    measured = features()
    return (
        Role(OTHER, 0.0, "silent, and no word of the name is of a class") if measured is None else _by_sound(measured)
    )


def shared_words(names: Sequence[str]) -> frozenset[str]:
    """Words that all of several names have: the song's title, or what the studio adds.

    >>> sorted(shared_words(["Bass Down Low - Vox.wav", "Bass Down Low - Kick.wav"]))
    ['BASS', 'DOWN', 'LOW', 'WAV']
    """
    if len(names) < 2:
        return frozenset()
    return frozenset.intersection(*(frozenset(_words(name)) for name in names))


def measure(sound: Sound) -> Features | None:
    """Measure how a track sounds.

    Args:
        sound: two channels.

    Returns:
        The features; None where the track is silent (never above -70 LUFS for 0.4 s).
    """
    if sound.silent:
        return None
    audio, rate_hz, blocks = sound.audio, sound.rate_hz, sound.blocks
    energy = blocks.plain.sum(axis=0)
    parts = blocks.weighted_20ms.sum(axis=0).reshape(-1, PARTS_PER_BLOCK)[energy > _SOUNDING * energy.max()]
    attack = np.median(parts.max(axis=1) / np.maximum(parts.mean(axis=1), np.finfo(float).tiny))
    power = long_term_spectra.measure(audio).power
    bins_hz = np.arange(len(power)) * rate_hz / long_term_spectra.FRAME
    low_share, high_share = (float(power[part].sum() / power.sum()) for part in (bins_hz < _LOW_HZ, bins_hz > _HIGH_HZ))
    pitched, gliding = _pitch(audio.mean(axis=0), rate_hz)
    return Features(low_share, high_share, float(10.0 * np.log10(attack)), pitched, gliding)


def _pitch(mono: np.ndarray, rate_hz: int) -> tuple[float, float]:
    # Peaks of the autocorrelation count beyond its first dip: before, every low sound is like itself.
    size = round(rate_hz / _PITCH_FRAMES_PER_S)
    frames = mono[: len(mono) // size * size].reshape(-1, size)
    energy = np.einsum("fs,fs->f", frames, frames)
    frames = frames[energy > _SOUNDING * energy.max(initial=0.0)]
    if not len(frames):
        return 0.0, 0.0
    first, last = (round(rate_hz / pitch_hz) for pitch_hz in reversed(_PITCH_RANGE_HZ))
    padded = scipy.fft.next_fast_len(2 * size, real=True)
    overlap = 1.0 - np.arange(last) / size
    peaks, lags = [], []
    for start in range(0, len(frames), _PITCH_FRAMES_AT_ONCE):
        spectra = scipy.fft.rfft(frames[start : start + _PITCH_FRAMES_AT_ONCE], padded, axis=-1)
        likeness = scipy.fft.irfft(spectra.real**2 + spectra.imag**2, padded, axis=-1)[:, :last] / overlap
        likeness /= likeness[:, :1]
        beyond = np.where(np.maximum.accumulate(likeness < _DIP, axis=1), likeness, 0.0)[:, first:]
        peaks.append(beyond.max(axis=1))
        lags.append(first + beyond.argmax(axis=1))
    peak = np.concatenate(peaks)
    steps = np.abs(np.diff(12.0 * np.log2(np.concatenate(lags))))[(peak[1:] > _PITCHED) & (peak[:-1] > _PITCHED)]
    low, high = _GLIDE_SEMITONES
    gliding = float(np.mean((steps > low) & (steps < high))) if len(steps) else 0.0
    return float(np.median(peak)), gliding


def _words(name: str) -> list[str]:
    return [word.upper() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _by_word(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        single = word if word in _SURE else word.removesuffix("S")
        misspelt = difflib.get_close_matches(single, _SURE, 1, _ALIKE)
        ending = next((role for end, role in _ENDINGS.items() if single.endswith(end)), None)
        role = _SURE[misspelt[0]] if misspelt else ending
        if role:
            found[word] = role
    return found


def _by_hint(words: Sequence[str]) -> dict[str, str]:
    return {word: _HINTED[word.removesuffix("S")] for word in words if word.removesuffix("S") in _HINTED}


def _by_sound(sound: Features) -> Role:
    if sound.pitched < _PITCHED and sound.attack_db >= _HIT_DB:
        role, why = DRUMS, f"not pitched ({sound.pitched:.2f}), and hits ({sound.attack_db:.1f} dB)"
    elif sound.pitched < _PITCHED and sound.high_share > _MOSTLY_HIGH:
        role, why = DRUMS, f"not pitched ({sound.pitched:.2f}), {sound.high_share:.0%} above 5 kHz"
    elif sound.low_share > _MOSTLY_LOW:
        role, why = BASS, f"{sound.low_share:.0%} below 150 Hz"
    elif sound.low_share < _HARDLY_LOW and sound.pitched >= _PITCHED and sound.gliding >= _GLIDING:
        role, why = VOCALS, f"pitch glides ({sound.gliding:.0%} of the time), {sound.low_share:.0%} below 150 Hz"
    else:
        role, why = OTHER, "neither hits, nor is low, nor glides like vocals"
    return Role(role, _CONFIDENCE_BY_SOUND[role], f"sound: {why}")
