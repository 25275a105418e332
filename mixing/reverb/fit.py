"""FdnReverb fitted to an impulse response, or to a voice with a reverb on it: settings, and how far to trust them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from mixprior.mixing.reverb import decay as reverb_decay
from mixprior.mixing.reverb import settings_file
from mixprior.mixing.reverb.decay import Decay
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.audio.audio_file import AudioFile
from mixprior.stats.errors import InputError
from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED, FITTED, LEAST_WET_DB
from mixprior.stats.reverb.energy_decay import OCTAVE_BANDS_HZ, EnergyDecay
from mixprior.stats.reverb.fdn.fit import Fit, fit, fit_decay
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.settings import PARAMETERS
from mixprior.stats.reverb.response import RATE_HZ as VOICE_RATE_HZ

ASSUMED_NAMES = tuple(p.name for p in PARAMETERS if p.name not in FITTED)
"""Settings that no voice shows: see `mixprior.stats.reverb.columns.ASSUMED`."""

TIMES = "the reverberation times by octave, as 10 log10 of their ratio"
"""What the loss is the distance of, where no more than times and a level are fitted to."""

_LEVEL_MISSED_DB, _LOSS_TOLD_DB = 2.0, 4.0
_LOWEST_VOICE_HZ = 16_000  # the estimate listens up to 7.8 kHz


@dataclass(frozen=True)
class FittedReverb:
    """Settings, what they were fitted to, and what became of it.

    Attributes:
        source: what they were fitted to, in words.
        fit: of `mixprior.stats.reverb.fdn.fit`.
        target: what was to be reached.
        reached: the same of the settings.
        loss_of: what the loss is the mean distance of.
        assumed: names of the settings that were not fitted.
        facts: more of it for the JSON document.
        notes: the same in sentences.
        warnings: what its user should know.
    """

    source: str
    fit: Fit
    target: Decay
    reached: Decay
    loss_of: str
    assumed: Sequence[str] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One JSON object; `mixprior.mixing.reverb.settings_file.read` reads it."""
        return settings_file.to_json(
            settings_file.document(
                self.fit.settings,
                source=self.source,
                assumed=list(self.assumed),
                identifiability={name: round(value, 3) for name, value in self.fit.identifiability.items()},
                octaves_hz=OCTAVE_BANDS_HZ,
                target=self.target.to_dict(),
                fit=self.reached.to_dict(),
                loss_db=round(self.fit.loss_db, 3),
                **self.facts,
                warnings=list(self.warnings),
            )
        )

    def to_text(self) -> str:
        """The same for people."""
        known = {name: f"{value:.2f}" for name, value in self.fit.identifiability.items()}
        known |= dict.fromkeys(self.assumed, "assumed")
        wanted_db, reached_db = self.target.wet_dry_db, self.reached.wet_dry_db
        return "\n".join(
            [
                f"FdnReverb fitted to {self.source}",
                "",
                settings_file.to_table(self.fit.settings, "identifiability (0 none, 1 full)", known),
                "",
                reverb_decay.to_table({"target": self.target, "fit": self.reached}),
                f"wet to dry: target {reverb_decay.level(wanted_db)}, fit {reverb_decay.level(reached_db)}",
                f"loss: {self.fit.loss_db:.2f} dB, mean distance of {self.loss_of}",
                *self.notes,
            ]
        )


def to_response(path: str | Path, seed: int) -> tuple[FittedReverb, EnergyDecay]:
    """Fit all settings to an impulse response; its measured decay comes with them.

    Raises:
        InputError: if the file cannot be read, is silent, or holds no reverberation.
    """
    file = audio_file.read(path)
    if not file.audio.any():
        raise InputError(f"{path} is silent: there is no reverberation to fit")
    try:
        decay = energy_decay.measure(file.audio, file.rate_hz)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    target = reverb_decay.of_response(file.audio, file.rate_hz)
    if target.wet_dry_db is None:
        raise InputError(
            f"{path} ends with its direct sound: there is no reverberation to fit "
            f"(later than {1000 * energy_decay.DIRECT_WINDOW_S:g} ms after the strongest peak)"
        )
    found = fit(decay, seed=seed)
    reached = reverb_decay.of_settings(found.settings)
    warnings: list[str] = []
    if target.rt60_s is None:
        warnings.append(
            "the response does not decay by 25 dB above its noise: its reverberation time is not measurable"
        )
    if reached.wet_dry_db is None or abs(reached.wet_dry_db - target.wet_dry_db) > _LEVEL_MISSED_DB:
        warnings.append("the plug-in does not reach the level of this response: see wet to dry")
    if found.loss_db > _LOSS_TOLD_DB:
        warnings.append(f"the plug-in does not sound like this response: the decays differ by {found.loss_db:.1f} dB")
    fitted = FittedReverb(
        f"the response {path}",
        found,
        target,
        reached,
        "the two decays, over time and frequency",
        assumed=("fdn_size",),
        facts={"seed": seed},
        warnings=tuple(warnings),
    )
    return fitted, decay


def to_voice(path: str | Path, backing_path: str | Path | None, seed: int) -> tuple[FittedReverb, Reverberation]:
    """Fit to the reverberation that a wet voice shows; the estimate comes with the settings.

    Args:
        path: the voice.
        backing_path: what else sounds in the song, if the voice was separated from it; it may be shorter or longer.
        seed: of the fit.

    Raises:
        InputError: if a file cannot be read, there are not three seconds of singing, or the voice is dry.
    """
    voice = _at_voice_rate(audio_file.read(path))
    rest = None
    if backing_path is not None:
        rest = np.zeros_like(voice)
        heard = _at_voice_rate(audio_file.read(backing_path))[:, : voice.shape[1]]
        rest[:, : heard.shape[1]] = heard
    estimate = blind.estimate(voice, rest)
    if estimate is None:
        raise InputError(
            f"{path} is silent, too short, or hardly sings: {blind.SHORTEST_S:g} s of singing show a reverberation"
        )
    if estimate.wet_dry_db < LEAST_WET_DB:
        raise InputError(
            f"{path} is dry: its reverberation is estimated at {estimate.wet_dry_db:.1f} dB to the direct sound, "
            f"and shows nothing of itself under {LEAST_WET_DB:g} dB"
        )
    found = fit_decay(list(estimate.rt60_octaves_s), estimate.wet_dry_db, seed=seed, prior=ASSUMED)
    target = Decay(estimate.rt60_s, tuple(map(float, estimate.rt60_octaves_s)), estimate.wet_dry_db)
    expected = -math.log(estimate.confidence)
    fitted = FittedReverb(
        f"the voice {path}",
        found,
        target,
        reverb_decay.of_settings(found.settings),
        TIMES,
        assumed=ASSUMED_NAMES,
        facts={"seed": seed, "confidence": round(estimate.confidence, 3), "segments": estimate.segments},
        notes=(
            f"confidence: {estimate.confidence:.2f}, the time is expected to be off by {100 * expected:.0f} % "
            f"(read from {estimate.segments} stretches of singing)",
            "assumed: not shown by a voice, the same for all voices",
        ),
    )
    return fitted, estimate


def decay_of(fitted: FittedReverb) -> EnergyDecay:
    """The decay of the fitted reverb, on the grid of all fits."""
    settings = fitted.fit.settings
    response = vocal_response(settings, reverb_decay.RATE_HZ, reverb_decay.length_s(settings))
    return energy_decay.measure(response, reverb_decay.RATE_HZ)


def _at_voice_rate(file: AudioFile) -> np.ndarray:
    if file.rate_hz < _LOWEST_VOICE_HZ:
        raise InputError(f"{file.path} is sampled at {file.rate_hz} Hz; a voice shows its reverberation from 16 kHz on")
    if file.rate_hz == VOICE_RATE_HZ:
        return file.audio
    return np.ascontiguousarray(soxr.resample(file.audio.T, file.rate_hz, VOICE_RATE_HZ, "VHQ").T)
