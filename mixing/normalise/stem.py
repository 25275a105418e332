"""One stem brought to a catalog's constants, and what was done to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mixprior.analysis.constants.constants import Features
from mixprior.mixing.effects.compressor import Compressor
from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.matching import MatchingFilter
from mixprior.mixing.normalise import fxnorm_panning, repanning, reverb_send
from mixprior.mixing.normalise.reverb_send import Send
from mixprior.mixing.rules import compression, spectrum
from mixprior.stats.measures.presence import FXNORM
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

SILENT_DBFS = FXNORM.peak_dbfs
"""A stem with no peak above this is left alone, as FxNorm-automix does."""

_MOST_PASSES = 6
_ALIKE_DB = 0.05


@dataclass
class Work:
    """A stem on its way.

    Attributes:
        sound: two channels at 44.1 kHz.
        stem: its name.
        features: constants to reach.
        done: what was done, one entry for each move: the effect, its settings, in words where nothing could be done.
    """

    sound: Sound
    stem: str
    features: Features
    done: list[dict[str, Any]] = field(default_factory=list)

    @property
    def peak_dbfs(self) -> float:
        """Largest sample."""
        return 20.0 * float(np.log10(max(np.abs(self.sound.audio).max(initial=0.0), 1e-10)))


def normalise(
    sound: Sound,
    stem: str,
    features: Features,
    effects: Sequence[str],
    panning: str = "exact",
    send: Send | None = None,
) -> Work:
    """Bring a stem to the constants.

    Each effect leaves the loudness where it was; only "loudness" moves it. Compression changes the spectrum a little,
    and the filters the onset peaks, so that all but the reverb go round again until nothing is left to do: normalised
    a second time, a stem stays as it is (but reverb is added each time, and FxNorm-automix's panning moves again).

    Args:
        sound: two channels at 44.1 kHz.
        stem: "vocals", "drums", "bass" or "other".
        features: constants: `mixprior.analysis.constants.file.read`.
        effects: some of `EFFECTS`.
        panning: one of `PANNINGS`.
        send: impulse response and shelves of the reverb; None for no reverb.

    Returns:
        The stem; as it was, and nothing done, if it is silent.

    Raises:
        InputError: if the impulse response cannot be read.
    """
    work = Work(sound, stem, features)
    if work.peak_dbfs < SILENT_DBFS or sound.silent:
        return work
    if "reverb" in effects and send is not None and stem in reverb_send.STEMS:
        work.sound = reverb_send.with_reverb(work.sound, send)
        work.done.append({"effect": "reverb", **asdict(send)})
    moves: dict[str, Callable[[Work], bool]] = {
        "eq": _equalise,
        "compression": _compress,
        "panning": _repan,
        "loudness": _level,
    }
    if panning == "fxnorm":
        moves["panning"] = _repan_once
    for _ in range(_MOST_PASSES):
        moved = [move(work) for effect, move in moves.items() if effect in effects]
        if not any(moved):
            break
    room_db = -work.peak_dbfs
    if room_db < 0.0:
        work.sound = work.sound.gained(room_db)
        work.done.append({"effect": "full scale", "gain_db": room_db})
    return work


def measured(sound: Sound, stem: str, features: Features) -> dict[str, Any]:
    """How a stem compares to the constants: what is recorded before and after.

    Args:
        sound: two channels at 44.1 kHz.
        stem: its name.
        features: constants; what of them is missing is left out.

    Returns:
        Loudness, peak, onset peaks, and for each third of an octave how far the mean spectrum is above the reference
        in level and the similarity; None where nothing can be measured.
    """
    peak = float(np.abs(sound.audio).max(initial=0.0))
    found: dict[str, Any] = {
        "integrated_lufs": sound.integrated_lufs,
        "peak_dbfs": 20.0 * float(np.log10(peak)) if peak > 0.0 else None,
    }
    if sound.silent:
        return found
    mean_db, sd_db = sound.onset_peaks_db or (None, None)
    found.update(onset_peak_mean_db=mean_db, onset_peak_sd_db=sd_db)
    if "eq" in features:
        found["eq_above_reference_db"] = spectrum.above_reference_db(sound.spectra.magnitude, features["eq"][stem])
    found["similarity"] = repanning.by_band(sound.spectra.phi)
    return found


def _equalise(work: Work) -> bool:
    reference = work.features["eq"][work.stem]
    curve = spectrum.matching_curve(work.sound.spectra.magnitude, reference)
    if curve is None:
        return False
    _keep_loudness(work, render(MatchingFilter(curve, SAMPLE_RATE_HZ), work.sound.audio))
    work.done.append({"effect": "eq", **asdict(curve)})
    return True


def _compress(work: Work) -> bool:
    mean_db, sd_db = work.features["compression"][work.stem][:2].tolist()
    found = compression.to_onset_peaks(work.sound, work.stem, mean_db, sd_db)
    work.done = [move for move in work.done if "not_done" not in move]  # of a round before
    if found.settings is None:
        if not found.on_target:
            work.done.append({"effect": "compression", "not_done": found.reason})
        return False
    _keep_loudness(work, render(Compressor(found.settings, SAMPLE_RATE_HZ), work.sound.audio))
    work.done.append({"effect": "compression", **asdict(found.settings)})
    return True


def _repan(work: Work) -> bool:
    curves = repanning.panning_curves(work.sound.audio, work.features["panning"][work.stem], work.stem)
    if curves is None:
        return False
    _keep_loudness(work, render(MatchingFilter(curves, SAMPLE_RATE_HZ), work.sound.audio))
    work.done.append(
        {
            "effect": "panning",
            "frequencies_hz": curves[0].frequencies_hz,
            "left_db": curves[0].gains_db,
            "right_db": curves[1].gains_db,
        }
    )
    return True


def _repan_once(work: Work) -> bool:
    if any(move["effect"] == "panning" for move in work.done):
        return False
    _keep_loudness(work, fxnorm_panning.repanned(work.sound.audio, work.features["panning"][work.stem], work.stem))
    work.done.append({"effect": "panning", "as": "FxNorm-automix"})
    return True


def _level(work: Work) -> bool:
    lufs = work.sound.integrated_lufs
    if lufs is None:
        return False
    reference_lufs = float(work.features["loudness"][work.stem][0])
    gain_db, held = spectrum.loudness_gain_db(lufs, reference_lufs, float(np.abs(work.sound.audio).max()))
    if abs(gain_db) < _ALIKE_DB:
        return False
    work.sound = work.sound.gained(gain_db)
    work.done.append({"effect": "loudness", "gain_db": gain_db, "held_by_peak": held})
    return True


def _keep_loudness(work: Work, audio: np.ndarray) -> None:
    """Take over what an effect made, as loud as it was before."""
    changed = Sound(audio, SAMPLE_RATE_HZ)
    before, after = work.sound.integrated_lufs, changed.integrated_lufs
    work.sound = changed if before is None or after is None else changed.gained(before - after)
