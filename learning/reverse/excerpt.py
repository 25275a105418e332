"""What of a song is compared: all of a short one, of a long one the pieces in which every track is heard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mixprior.learning.reverse.material import Material
from mixprior.stats.sound import Sound

PIECE_S = 6.0
PAST_S = 2.0
"""What is heard before a piece: reverbs and compressors remember about as much."""
_SEEN = 0.05


def material(tracks: Mapping[str, Sound], mix: Sound, start: int, seconds: float) -> Material:
    """Cut tracks and mix.

    Args:
        tracks: by name, two channels, of the rate of the mix; read one at a time.
        mix: two channels.
        start: sample of the tracks at which the mix begins; below 0 where it begins earlier.
        seconds: of the song that are compared, in pieces of 6 s, at least one; all of it, if it is no longer than a
            fourth more or a piece.
    """
    names = tuple(tracks)
    rate_hz, length = mix.rate_hz, mix.samples
    if length <= max(1.25 * seconds, PIECE_S) * rate_hz:
        stretches = [(0, 0, length)]
    else:
        stretches = _pieces(tracks, start, length, rate_hz, max(1, round(seconds / PIECE_S)))
    total = sum(stop - past for past, _, stop in stretches)
    sounds = np.zeros((len(names), 2, total), np.float32)
    for name, out in zip(names, sounds, strict=True):
        audio, at = tracks[name].audio, 0
        for past, _, stop in stretches:
            first = past + start
            piece = audio[:, max(first, 0) : max(stop + start, 0)]
            lead = max(-first, 0)
            out[:, at + lead : at + lead + piece.shape[1]] = piece
            at += stop - past
    counted, at = [], 0
    for past, first, stop in stretches:
        counted.append((at + first - past, at + stop - past))
        at += stop - past
    whole = np.concatenate([mix.audio[:, past:stop] for past, _, stop in stretches], axis=1)
    return Material(names, sounds, np.ascontiguousarray(whole), rate_hz, tuple(counted))


def _pieces(
    tracks: Mapping[str, Sound], start: int, length: int, rate_hz: int, count: int
) -> list[tuple[int, int, int]]:
    """Samples of the past, the beginning and the end of pieces: each adds most of what was heard least."""
    size = round(PIECE_S * rate_hz)
    edges = np.arange(0, length - size + 1, size)
    heard = np.zeros((len(tracks), len(edges)))
    for row, sound in zip(heard, tracks.values(), strict=True):
        power = np.concatenate([[0.0], np.cumsum(np.square(sound.audio, dtype=np.float64).sum(axis=0))])
        first, last = (np.clip(edges + start + more, 0, sound.samples) for more in (0, size))
        row[:] = power[last] - power[first]
    heard /= np.maximum(heard.max(axis=1, keepdims=True), 1e-12)
    chosen: list[int] = []
    seen = np.full(len(tracks), _SEEN)
    for _ in range(min(count, len(edges))):
        gain = np.log1p(heard / seen[:, None]).sum(axis=0)
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
        seen += heard[:, chosen[-1]]
    past = round(PAST_S * rate_hz)
    return [(max(int(edges[k]) - past, 0), int(edges[k]), int(edges[k]) + size) for k in sorted(chosen)]
