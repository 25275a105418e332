"""A page of two tones: what a player makes of them is read off their amplitudes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mixprior import mix, mix_tracks
from mixprior.mixing.effects.settings import Band, Chain, MixSettings
from mixprior.mixing.mix.comparison import compare
from mixprior.mixing.mix.render import Mixed, render
from mixprior.mixing.mix.sounds import of_arrays
from mixprior.mixing.page import build
from mixprior.mixing.page.command_line import Again
from mixprior.mixing.page.reference import Reference
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan
from mixprior.mixing.plan.targets import Targets
from mixprior.stats.sound import Sound
from tests.mixing.multitrack_song import bass, hats, kick, pad, sung

RATE_HZ = 48_000
DURATION_S = 3.0
VOCALS_HZ, BACKING_HZ, REFERENCE_HZ = 440.0, 660.0, 1000.0
HOSTILE = "</script><script>hacked = 1</script><img src=x onerror='hacked = 1'>\"'`\u202e"


def tone(frequency_hz: float, level: float, duration_s: float = DURATION_S) -> np.ndarray:
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return np.tile((level * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32), (2, 1))


def tones_mixed(vocals: float = 0.03, backing: float = 0.2, **options: Any) -> Mixed:
    return mix(tone(VOCALS_HZ, vocals), tone(BACKING_HZ, backing), RATE_HZ, **options)


def shaped() -> Mixed:
    """A mix whose vocals go through an equaliser, which raises them by 6 dB among other things."""
    band = Band("peak", VOCALS_HZ, 6.0, 1.0)
    plan = Plan(MixSettings({"vocals": Chain(bands=(band,)), "backing": Chain(output_gain_db=-1.0)}), ())
    sounds, inputs = of_arrays({"vocals": tone(VOCALS_HZ, 0.1), "backing": tone(BACKING_HZ, 0.2)}, RATE_HZ)
    return render(plan, sounds, inputs, Options())


def tracks_mixed(**options: Any) -> Mixed:
    """Tracks of which the step of level moves the instruments, too."""
    made = {"Kick": kick(), "Hats": hats(), "Bass": bass(), "Pad": pad(), "Lead Vox": 0.4 * sung()}
    return mix_tracks(made, 44_100, **options)


def page_of(mixed: Mixed, reference: bool = False, words: str = "mixprior mix") -> str:
    beside = Reference(HOSTILE, Sound(tone(REFERENCE_HZ, 0.5, 2.0), RATE_HZ)) if reference else None
    return build.page(mixed, compare(mixed, Targets.of()), Again(words), beside)


def save(folder: Path, html: str, name: str = "mix.html") -> Path:
    path = folder / name
    path.write_text(html, "utf-8")
    return path
