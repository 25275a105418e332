"""Times the effects and the chain on 4 minutes of stereo, beside pedalboard: `python -m tools.benches.chain`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pedalboard

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.compressor import Compressor
from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.equaliser import Equaliser
from mixprior.mixing.effects.limiter import Limiter
from mixprior.mixing.effects.matching import MatchingFilter
from mixprior.mixing.effects.panner import Panner
from mixprior.mixing.effects.reverb import Reverb
from mixprior.mixing.effects.settings import (
    Band,
    Chain,
    CompressorSettings,
    Curve,
    LimiterSettings,
    MixSettings,
    PanSettings,
)
from mixprior.stats.reverb.columns import ASSUMED
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ as RATE_HZ
from tools.benches.cpu_time import cpu_s
from tools.benches.spectra import band

MINUTES = 4
ROOM, HALL = (replace(ASSUMED, reverberation_time_s=time_s) for time_s in (1.0, 3.0))
"""The catalog's median is 0.8 s."""
BANDS = tuple(Band("peak", hz, gain_db, 2.0) for hz, gain_db in ((250, -3), (1000, 2), (3000, 4), (8000, -2)))
CURVE = Curve((31.5, 125.0, 500.0, 2000.0, 8000.0), (3.0, -2.0, 1.0, 4.0, -3.0))
COMPRESSOR = CompressorSettings(-25.0, 3.0, 0.03, 0.15, 6.0, 4.0)


def main() -> None:
    """Print a table."""
    vocal = band(MINUTES)
    backing = vocal[::-1].copy()
    peaks: list[pedalboard.Plugin] = [pedalboard.PeakFilter(b.frequency_hz, b.gain_db, b.q) for b in BANDS]
    theirs = {
        "equaliser, 4 bands": pedalboard.Pedalboard(peaks),  # type: ignore[attr-defined]
        "compressor": pedalboard.Compressor(-25.0, 3.0, 30.0, 150.0),
        "limiter": pedalboard.Limiter(-1.0, 100.0),
        "reverb, 1 s": pedalboard.Reverb(room_size=0.5),
    }
    loud = (10.0 * vocal).astype(np.float32)
    ours: dict[str, Callable[[], object]] = {
        "matching filter": lambda: render(MatchingFilter(CURVE, RATE_HZ), vocal),
        "equaliser, 4 bands": lambda: render(Equaliser(BANDS, RATE_HZ), vocal),
        "compressor": lambda: render(Compressor(COMPRESSOR, RATE_HZ), vocal),
        "panner": lambda: render(Panner(PanSettings(0.3)), vocal),
        "reverb, 1 s": lambda: render(Reverb(ROOM, RATE_HZ), vocal),
        "reverb, 3 s": lambda: render(Reverb(HALL, RATE_HZ), vocal),
        "limiter": lambda: render(Limiter(LimiterSettings(), RATE_HZ), loud),
    }
    print(f"| {MINUTES} minutes of stereo, one core | ours, CPU s | pedalboard, CPU s |\n|---|--:|--:|")
    for name, work in ours.items():
        other = theirs.get(name)
        beside = "" if other is None else f"{cpu_s(lambda: other(vocal, RATE_HZ)):.2f}"  # noqa: B023
        print(f"| {name} | {cpu_s(work):.2f} | {beside} |", flush=True)
    every = Chain(3.0, CURVE, BANDS, COMPRESSOR, PanSettings(0.4), ROOM, 2.0)
    settings = MixSettings(
        {"vocals": every, "backing": Chain(bands=BANDS[:1])}, gain_db=12.0, limiter=LimiterSettings()
    )
    sounds = {"vocals": Sound(vocal, RATE_HZ), "backing": Sound(backing, RATE_HZ)}

    def whole() -> None:
        chain.finish(chain.sum_up(settings, sounds).sound, settings)

    print(f"| whole chain of vocals and backing | {cpu_s(whole, 2):.2f} | |")


if __name__ == "__main__":
    main()
