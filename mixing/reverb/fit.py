"""FdnReverb fitted to an impulse response, or to vocals with a reverb on them: settings, and how far to trust them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from mixprior.mixing.reverb import decay as reverb_decay
from mixprior.mixing.reverb import settings_file
from mixprior.mixing.reverb.decay import Decay
from mixprior.mixing.rules import own_reverb
from mixprior.mixing.rules.notice import Notice
from mixprior.stats.errors import InputError
from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED, FITTED, LEAST_WET_FOR_TIMES_DB
from mixprior.stats.reverb.energy_decay import OCTAVE_BANDS_HZ, EnergyDecay
from mixprior.stats.reverb.fdn.fit import Fit, fit, fit_decay, with_level
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.settings import PARAMETERS
from mixprior.stats.sound import Sound

ASSUMED_NAMES = tuple(p.name for p in PARAMETERS if p.name not in FITTED)
"""Settings that cannot be estimated from vocals: see `mixprior.stats.reverb.columns.ASSUMED`."""

TIMES = "the reverberation times by octave, as 10 log10 of their ratio"
"""What the loss is the distance of, where no more than times and a level are fitted to."""

_LEVEL_MISSED_DB, _LOSS_NOTED_DB, _LEVEL_MOVED_DB = 2.0, 4.0, 0.5
_WET_ONLY_DB = -10.0
_NO_DIRECT_SOUND = (
    "the response has no direct sound: it is taken for the reverb alone, Dry/Wet 1, which begins with the file; with "
    "another beginning the room size and the fade-in are wrong"
)


@dataclass(frozen=True)
class FittedReverb:
    """Settings, what they were fitted to, and what they reach.

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
    warnings: tuple[Notice, ...] = ()

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
                warnings=[asdict(warning) for warning in self.warnings],
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
                "the knob Reverberation Time is of the middle frequencies; the shelves change the decay around them",
                f"wet to dry: target {reverb_decay.level(wanted_db)}, fit {reverb_decay.level(reached_db)}",
                f"loss: {self.fit.loss_db:.2f} dB, mean distance of {self.loss_of}",
                *self.notes,
            ]
        )


def fit_reverb(response: np.ndarray, rate_hz: int, *, seed: int = 1) -> FittedReverb:
    """Fit FdnReverb to an impulse response.

    Args:
        response: float, shape (channels, samples) or (samples,), one or two channels.
        rate_hz: its sample rate.
        seed: of the fit.

    Returns:
        The settings in `.fit.settings`, what was to be reached in `.target` and what they reach in `.reached`.

    Raises:
        InputError: if the response is silent, holds no reverberation, or is not of this shape.

    >>> time_s = np.arange(24_000) / 48_000
    >>> noise = np.random.default_rng(1).standard_normal((2, 24_000))
    >>> response = 0.02 * noise * 10 ** (-3 * time_s / 0.4)
    >>> response[:, 0] = 1.0
    >>> fitted = fit_reverb(response, 48_000)
    >>> abs(fitted.reached.rt60_s - 0.4) < 0.1
    True
    """
    return to_response(Sound.of(response, rate_hz, "the response"), seed)[0]


def to_response(response: Sound, seed: int, name: str = "the response") -> tuple[FittedReverb, EnergyDecay]:
    """Fit all settings to an impulse response; its measured decay comes with them.

    A response that has no direct sound is taken for the reverb alone, which begins with the file: it is fitted with an
    impulse put there, the settings have a `dry_wet` of 1, and levels are not measurable.

    Args:
        response: the response.
        seed: of the fit.
        name: what messages call it.

    Raises:
        InputError: if it is silent, or holds no reverberation.
    """
    if not response.audio.any():
        raise InputError(f"{name} is silent: there is no reverberation to fit")
    try:
        wet_only = not energy_decay.has_direct_sound(response.audio, response.rate_hz)
        audio = _with_impulse(response.audio) if wet_only else response.audio
        decay = energy_decay.measure(audio, response.rate_hz)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    target = reverb_decay.of_response(audio, response.rate_hz)
    if target.wet_dry_db is None:
        raise InputError(
            f"{name} ends with its direct sound: there is no reverberation to fit "
            f"(later than {1000 * energy_decay.DIRECT_WINDOW_S:g} ms after the strongest peak)"
        )
    found = fit(decay, seed=seed)
    reached = reverb_decay.of_render(found.settings)
    if reached.wet_dry_db is not None and abs(target.wet_dry_db - reached.wet_dry_db) < _LEVEL_MOVED_DB:
        found = with_level(found, decay, target.wet_dry_db - reached.wet_dry_db)
        reached = reverb_decay.of_render(found.settings)
    doubts = list(_doubts(target, reached, found))
    if wet_only:
        found = replace(found, settings=replace(found.settings, dry_wet=1.0))
        target, reached = (replace(one, wet_dry_db=None) for one in (target, reached))
        doubts.append(Notice("no-direct-sound", _NO_DIRECT_SOUND))
    fitted = FittedReverb(
        name if name.startswith("the ") else f"the response {name}",
        found,
        target,
        reached,
        "the two decays, over time and frequency",
        assumed=("fdn_size",),
        facts={"seed": seed},
        warnings=tuple(doubts),
    )
    return fitted, decay


def _with_impulse(reverb: np.ndarray) -> np.ndarray:
    """The reverb with a direct sound at its first sample, 10 dB louder than all of it."""
    audio = np.array(reverb, np.float64)
    audio[:, 0] = np.sqrt(10 ** (_WET_ONLY_DB / -10) * np.mean(np.sum(audio**2, axis=1)))
    return audio


def _doubts(target: Decay, reached: Decay, found: Fit) -> Iterator[Notice]:
    if target.rt60_s is None:
        short = "the response does not decay by 25 dB above its noise: its reverberation time is not measurable"
        yield Notice("not-measurable", short)
    missed = target.wet_dry_db is None or reached.wet_dry_db is None
    if missed or abs(reached.wet_dry_db - target.wet_dry_db) > _LEVEL_MISSED_DB:  # type: ignore[operator]
        yield Notice("out-of-reach", "the plug-in does not reach the level of this response: see wet to dry")
    if found.loss_db > _LOSS_NOTED_DB:
        unlike = f"the plug-in does not sound like this response: the decays differ by {found.loss_db:.1f} dB"
        yield Notice("out-of-reach", unlike)


def to_vocals(
    vocals: Sound, backing: Sound | None, seed: int, name: str = "the vocals"
) -> tuple[FittedReverb, Reverberation]:
    """Fit to the reverberation that wet vocals show; the estimate comes with the settings.

    Args:
        vocals: the vocals.
        backing: what else sounds in the song, if the vocals were separated from it; it may be shorter or longer.
        seed: of the fit.
        name: what messages call the vocals.

    Raises:
        InputError: if there are not three seconds of singing, a rate is below 16 kHz, or the vocals are dry.
    """
    for sound, of in ((vocals, name), (backing, "the backing")):
        if sound is not None and sound.rate_hz < own_reverb.LOWEST_RATE_HZ:
            raise InputError(f"{of} is sampled at {sound.rate_hz} Hz; reverberation is estimated from 16 kHz on")
    estimate = own_reverb.of_vocals(vocals, backing)
    if estimate is None:
        raise InputError(
            f"{name} is silent, too short, or has hardly any singing: give {blind.SHORTEST_S:g} s of singing or more"
        )
    if estimate.wet_dry_db < LEAST_WET_FOR_TIMES_DB:
        raise InputError(
            f"{name} is too dry: its reverberation is estimated at {estimate.wet_dry_db:.1f} dB to the direct sound, "
            f"and its time cannot be measured under {LEAST_WET_FOR_TIMES_DB:g} dB"
        )
    found = fit_decay(list(estimate.rt60_octaves_s), estimate.wet_dry_db, seed=seed, prior=ASSUMED)
    target = Decay(estimate.rt60_s, tuple(map(float, estimate.rt60_octaves_s)), estimate.wet_dry_db)
    fitted = FittedReverb(
        name if name.startswith("the ") else f"the vocals {name}",
        found,
        target,
        reverb_decay.of_settings(found.settings),
        TIMES,
        assumed=ASSUMED_NAMES,
        facts={"seed": seed, "confidence": round(estimate.confidence, 3), "segments": estimate.segments},
        notes=(
            f"confidence: {estimate.confidence:.2f}, the time is expected to be off by "
            f"{100 * own_reverb.expected_error(estimate):.0f} % (read from {estimate.segments} stretches of singing)",
            "assumed: not shown by vocals, the same for all vocals",
        ),
    )
    return fitted, estimate


def decay_of(fitted: FittedReverb) -> EnergyDecay:
    """The decay of the fitted reverb, on the grid of all fits."""
    settings = fitted.fit.settings
    response = vocal_response(settings, reverb_decay.RATE_HZ, reverb_decay.length_s(settings))
    return energy_decay.measure(response, reverb_decay.RATE_HZ)
