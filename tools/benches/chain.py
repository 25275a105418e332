"""The effects and the mix chain on four minutes of stereo, beside pedalboard, FFmpeg and themselves before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tools.benches import ffmpeg
from tools.benches.comparison import Comparison, Peer, Work, before, residual_db
from tools.benches.sounds import MINUTES, RATE_HZ, bursts

BANDS = ((250, -3), (1000, 2), (3000, 4), (8000, -2))
"""Frequencies in hertz and gains in dB, Q 2."""
CURVE_HZ, CURVE_DB = (31.5, 125.0, 500.0, 2000.0, 8000.0), (3.0, -2.0, 1.0, 4.0, -3.0)
LENGTH = f"{MINUTES} minutes of stereo"


def equaliser(audio: np.ndarray) -> np.ndarray:
    from mixprior.mixing.effects.effect import render
    from mixprior.mixing.effects.equaliser import Equaliser
    from mixprior.mixing.effects.settings import Band

    bands = tuple(Band("peak", hz, gain_db, 2.0) for hz, gain_db in BANDS)
    return render(Equaliser(bands, RATE_HZ), audio)


def equaliser_of_pedalboard(audio: np.ndarray) -> np.ndarray:
    import pedalboard

    peaks = [pedalboard.PeakFilter(hz, gain_db, 2.0) for hz, gain_db in BANDS]
    return np.asarray(pedalboard.Pedalboard(peaks)(audio, RATE_HZ))  # type: ignore[attr-defined, arg-type]


def compressor(audio: np.ndarray) -> np.ndarray:
    from mixprior.mixing.effects.compressor import Compressor
    from mixprior.mixing.effects.effect import render
    from mixprior.mixing.effects.settings import CompressorSettings

    return render(Compressor(CompressorSettings(-25.0, 3.0, 0.03, 0.15, 6.0, 4.0), RATE_HZ), audio)


def compressor_of_pedalboard(audio: np.ndarray) -> np.ndarray:
    import pedalboard

    return np.asarray(pedalboard.Compressor(-25.0, 3.0, 30.0, 150.0)(audio, RATE_HZ))


def limiter(audio: np.ndarray) -> np.ndarray:
    from mixprior.mixing.effects.effect import render
    from mixprior.mixing.effects.limiter import Limiter
    from mixprior.mixing.effects.settings import LimiterSettings

    return render(Limiter(LimiterSettings(), RATE_HZ), audio)


def limiter_of_ffmpeg(audio: np.ndarray) -> None:
    """At four times the rate, as ours finds peaks; reading and writing raw samples is part of it."""
    source = Path("loud.f32")
    if not source.exists():
        source.write_bytes(np.ascontiguousarray(audio.T).tobytes())
    raw = ("-f", "f32le", "-ar", str(RATE_HZ), "-ac", "2")
    oversampled = f"aresample={4 * RATE_HZ},alimiter=limit=0.89:attack=5:release=100:level=0,aresample={RATE_HZ}"
    ffmpeg.run(*raw, "-i", source, "-af", oversampled, *raw[:2], "limited.f32")


def loud() -> np.ndarray:
    return (10.0 * bursts()).astype(np.float32)


def matching(audio: np.ndarray) -> np.ndarray:
    from mixprior.mixing.effects.effect import render
    from mixprior.mixing.effects.matching import MatchingFilter
    from mixprior.mixing.effects.settings import Curve

    return render(MatchingFilter(Curve(CURVE_HZ, CURVE_DB), RATE_HZ), audio)


def reverb(audio: np.ndarray, time_s: float = 1.0) -> np.ndarray:
    from mixprior.mixing.effects.effect import render
    from mixprior.mixing.effects.reverb import Reverb
    from mixprior.stats.reverb.columns import ASSUMED

    return render(Reverb(replace(ASSUMED, reverberation_time_s=time_s), RATE_HZ), audio)


def whole(vocal: np.ndarray) -> np.ndarray:
    from mixprior.mixing.effects import chain
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

    bands = tuple(Band("peak", hz, gain_db, 2.0) for hz, gain_db in BANDS)
    compressor = CompressorSettings(-25.0, 3.0, 0.03, 0.15, 6.0, 4.0)
    room = replace(ASSUMED, reverberation_time_s=1.0)
    every = Chain(3.0, Curve(CURVE_HZ, CURVE_DB), bands, compressor, PanSettings(0.4), room, 2.0)
    chains = {"vocals": every, "backing": Chain(bands=bands[:1])}
    settings = MixSettings(chains, gain_db=12.0, limiter=LimiterSettings())
    sounds = {"vocals": Sound(vocal, RATE_HZ), "backing": Sound(vocal[::-1].copy(), RATE_HZ)}
    return np.asarray(chain.finish(chain.sum_up(settings, sounds).sound, settings).audio)


def _before(row: str, what: str, work: Work, bar_s: float | None = None) -> Comparison:
    return Comparison(row, f"{what}, {LENGTH}", work, before(work), bursts, off=residual_db, unit="dB", bar_s=bar_s)


ROWS = (
    Comparison(
        "equaliser",
        f"equaliser of 4 bands, {LENGTH}",
        equaliser,
        Peer("pedalboard", equaliser_of_pedalboard),
        bursts,
        off=residual_db,
        unit="dB",
        bar=1.0,
    ),
    Comparison(
        "compressor", f"compressor, {LENGTH}", compressor, Peer("pedalboard", compressor_of_pedalboard), bursts, bar=1.0
    ),
    Comparison(
        "limiter",
        f"limiter with true peaks, {LENGTH}",
        limiter,
        Peer("ffmpeg, alimiter at 4x oversampling", limiter_of_ffmpeg),
        loud,
    ),
    _before("matching-before", "matching filter", matching),
    _before("reverb-before", "reverb of 1 s", reverb, bar_s=1.8),
    _before("chain-before", "whole mix chain of vocals and backing", whole, bar_s=3.0),
)
