"""Audio as it is mined: float32, two channels at 44.1 kHz, within limits; and the id of a song."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import soxr

from mixprior.pipeline.audio import codec
from mixprior.pipeline.audio.codec import AudioStream, Unsupported, peak
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.records import Song, SongError
from mixprior.stats.sound import RATES_HZ
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import OVER_SCALE, SLACK_S

_MAX_CHANNELS = 8

# Nothing below passes the gate of -70 LUFS (ITU-R BS.1770-5, annex 1): with every sample of both channels at the
# peak, and 4 dB from the K filter, a block is 6.3 dB above the peak.
_SILENCE_DBFS = -80.0

# Downmix to two channels by ITU-R BS.775-4, annex 4, table 2; the low-frequency channel is left out.
_HALF_POWER = 0.5**0.5
_DOWNMIX = {
    "FL": (1.0, 0.0),
    "FR": (0.0, 1.0),
    "FC": (_HALF_POWER, _HALF_POWER),
    "BL": (_HALF_POWER, 0.0),
    "BR": (0.0, _HALF_POWER),
    "SL": (_HALF_POWER, 0.0),
    "SR": (0.0, _HALF_POWER),
    "BC": (0.5, 0.5),
    "LFE": (0.0, 0.0),
}

# Order of the streams of a .stem.mp4 as MUSDB18 has it (https://sigsep.github.io/datasets/musdb.html).
_STEM_FILE_STREAMS = {"drums": 1, "bass": 2, "other": 3, "vocals": 4}


class TooShort(SongError):
    """Shorter than the limit."""


class TooLong(SongError):
    """Longer than the limit."""


class OverScale(SongError):
    """Samples far over full scale: integers saved as floats, or a damaged frame of a lossy format."""


class Silent(SongError):
    """No part of it passes the gate of loudness measurement."""


class StemsDiffer(SongError):
    """The stems of a song are not equally long."""


@dataclass(frozen=True)
class DecodeLimits:
    """Limits of the length of a song.

    Attributes:
        max_minutes: longest song.
        min_s: shortest song: short-term loudness and loudness range are measured over 3 s (EBU Tech 3341, 3342).
    """

    max_minutes: float = 20.0
    min_s: float = 3.0


def fingerprint(song: Song) -> str:
    """Return the song's id: the first 16 hex digits of the sha256 of its content.

    The content of a file is its bytes; that of stems is a line `NAME SHA256` for each stem and the mixture, sorted.

    Raises:
        Unreadable: if a file cannot be read.
    """
    if not song.stems:
        return _sha256(song.path)[:16]
    files = [*song.stems, *([("mixture", song.mixture)] if song.mixture else [])]
    lines = "".join(f"{name} {_sha256(path)}\n" for name, path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _sha256(path: str) -> str:
    with sources.open_file(path) as file:
        return sources.sha256(file)


def decode_mixture(song: Song, limits: DecodeLimits = DecodeLimits()) -> np.ndarray:
    """Decode a song that is one file: float32, shape (2, samples), at 44.1 kHz.

    Raises:
        SongError: what `decode` raises, or `Silent`.
    """
    audio = decode(song.path, limits)
    _refuse_silence([audio])
    return audio


def decode_stems(song: Song, limits: DecodeLimits = DecodeLimits()) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Decode the stems of a song, and its mixture where there is one, all equally long.

    Silence is appended to stems that are up to 0.1 s shorter than the longest.

    Returns:
        Float32 arrays of shape (2, samples) at 44.1 kHz by stem name, and the mixture or None.

    Raises:
        SongError: what `decode` raises, `StemsDiffer`, or `Silent` if the whole song is; a silent stem is not refused.
    """
    if song.stems:
        sounds = {name: decode(path, limits) for name, path in song.stems}
        mixture = decode(song.mixture, limits) if song.mixture else None
    else:
        sounds = {name: decode(song.path, limits, stream) for name, stream in _STEM_FILE_STREAMS.items()}
        mixture = decode(song.path, limits)
    _refuse_silence(list(sounds.values()) if mixture is None else [mixture])
    lengths = [audio.shape[1] for audio in (*sounds.values(), *([] if mixture is None else [mixture]))]
    if max(lengths) - min(lengths) > SLACK_S * SAMPLE_RATE_HZ:
        shortest, longest = min(lengths) / SAMPLE_RATE_HZ, max(lengths) / SAMPLE_RATE_HZ
        raise StemsDiffer("decode", f"its stems last from {shortest:.2f} to {longest:.2f} s: give stems of one song")
    stems = {name: _fill_up(audio, max(lengths)) for name, audio in sounds.items()}
    return stems, None if mixture is None else _fill_up(mixture, max(lengths))


def _fill_up(audio: np.ndarray, samples: int) -> np.ndarray:
    missing = samples - audio.shape[1]
    return np.pad(audio, ((0, 0), (0, missing))) if missing else audio


def decode(path: str, limits: DecodeLimits = DecodeLimits(), stream: int = 0) -> np.ndarray:
    """Decode an audio stream of a file, which may be silent: float32, shape (2, samples), at 44.1 kHz.

    A mono stream is copied to both channels; more than two channels are mixed down by ITU-R BS.775. Other rates are
    converted by soxr's HQ recipe. Blocks are decoded one at a time, so memory is bounded by the result, not the file.

    Args:
        path: local path or fsspec URL.
        limits: of its length.
        stream: which of the file's audio streams, from 0.

    Raises:
        SongError: `Unreadable`, `Undecodable`, `NoAudio`, `Unsupported`, `TooShort`, `TooLong`, `Truncated`,
            `NonFinite` or `OverScale`, with the reason.
    """
    with sources.open_file(path) as file:
        source = codec.open_audio(file, stream)
        _refuse_header(source, limits)
        audio = _convert(source, limits)
    duration_s = audio.shape[1] / SAMPLE_RATE_HZ
    if source.declared_s is None:
        _refuse_duration(duration_s, limits)
    elif duration_s < source.declared_s + SLACK_S:
        # The encoder pads the last packet of AAC.
        audio = np.ascontiguousarray(audio[:, : round(source.declared_s * SAMPLE_RATE_HZ)])
    _refuse_scale(audio)
    return audio


def _convert(source: AudioStream, limits: DecodeLimits) -> np.ndarray:
    is_mono = len(source.channels) == 1
    matrix = np.array([_DOWNMIX.get(name, (0.0, 0.0)) for name in source.channels], np.float32).T
    resampler = soxr.ResampleStream(source.rate_hz, SAMPLE_RATE_HZ, 1 if is_mono else 2, "float32", "HQ")
    parts, samples = [], 0
    for block in source.blocks():
        if len(source.channels) > 2:
            block = matrix @ block
        if source.rate_hz != SAMPLE_RATE_HZ:
            block = resampler.resample_chunk(np.ascontiguousarray(block.T)).T
        parts.append(block)
        samples += block.shape[1]
        if samples > limits.max_minutes * 60 * SAMPLE_RATE_HZ:
            _refuse_duration(samples / SAMPLE_RATE_HZ, limits)
    if source.rate_hz != SAMPLE_RATE_HZ:
        parts.append(resampler.resample_chunk(np.empty((0, 1 if is_mono else 2), np.float32), last=True).T)
    audio = np.empty((2, sum(part.shape[1] for part in parts)), np.float32)
    np.concatenate(parts or [audio], axis=1, out=audio[:1] if is_mono else audio)
    if is_mono:
        audio[1] = audio[0]
    return audio


def _refuse_header(source: AudioStream, limits: DecodeLimits) -> None:
    low, high = RATES_HZ
    if not low <= source.rate_hz <= high:
        raise Unsupported("decode", f"has a sampling rate of {source.rate_hz} Hz; {low} to {high} Hz are mined")
    if len(source.channels) > _MAX_CHANNELS:
        raise Unsupported("decode", f"has {len(source.channels)} channels; up to {_MAX_CHANNELS} are mined")
    if source.declared_s is not None:
        _refuse_duration(source.declared_s, limits)


def _refuse_duration(duration_s: float, limits: DecodeLimits) -> None:
    if duration_s < limits.min_s:
        raise TooShort("decode", f"lasts {duration_s:.2f} s; songs from {limits.min_s:g} s are mined")
    if duration_s > limits.max_minutes * 60:
        raise TooLong(
            "decode", f"lasts {duration_s / 60:.1f} min; raise --max-minutes ({limits.max_minutes:g}) to mine it"
        )


def _refuse_scale(audio: np.ndarray) -> None:
    highest = peak(audio)
    if highest > OVER_SCALE:
        raise OverScale("decode", f"peaks at {highest:.3g} where full scale is 1: damaged, or integers saved as floats")


def _refuse_silence(sounds: list[np.ndarray]) -> None:
    if all(peak(audio) < 10 ** (_SILENCE_DBFS / 20) for audio in sounds):
        raise Silent("decode", f"is silent: no sample reaches {_SILENCE_DBFS:g} dBFS")
