"""Audio as it is mined: float32, two channels at 44.1 kHz, within limits; and the id of a song."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from mixprior.pipeline.audio import codec
from mixprior.pipeline.audio.codec import AudioStream, Unsupported, peak
from mixprior.pipeline.audio.flags import DOWNMIXED
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.records import InputError, Song, SongError
from mixprior.stats.sound import RATES_HZ
from mixprior.stats.statistic import MIXTURE, SAMPLE_RATE_HZ
from mixprior.stats.stem import OVER_SCALE, SLACK_S

BLOCK_SAMPLES = codec.BLOCK_FRAMES
"""Samples of the blocks in which a song comes, 6 s: as files of 44.1 kHz are decoded, so that most are not copied."""

_MAX_CHANNELS = 8

# Nothing below passes the gate of -70 LUFS (ITU-R BS.1770-5, annex 1): with every sample of both channels at the
# peak, and 4 dB from the K filter, a block is 6.3 dB above the peak.
_SILENCE_DBFS = -80.0
_SILENCE = 10 ** (_SILENCE_DBFS / 20)

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

    Raises:
        InputError: if a value is out of range.
    """

    max_minutes: float = 20.0
    min_s: float = 3.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_minutes) and self.max_minutes > 0):
            raise InputError(f"--max-minutes {self.max_minutes:g} is out of range: a number above 0")

    @property
    def most_bytes(self) -> int:
        """Memory of the longest song, decoded: stereo at the highest rate, or more channels at lower ones."""
        return round(self.max_minutes * 60 * RATES_HZ[1] * 2 * 4)


def fingerprint(song: Song, sha256: Callable[[str, str | None], str] = sources.sha256_of) -> str:
    """Return the song's id: the first 16 hex digits of the sha256 of its content.

    The content of a file is its bytes; that of stems is a line `NAME SHA256` for each stem and the mixture, sorted.

    Args:
        song: the song.
        sha256: returns the SHA-256 of a file, in hex, by its path and the folder that it must not leave.

    Raises:
        Unreadable: if a file cannot be read.
    """
    if not song.stems:
        return sha256(song.path, song.root)[:16]
    files = [*song.stems, *([("mixture", song.mixture)] if song.mixture else [])]
    lines = "".join(f"{name} {sha256(path, song.root)}\n" for name, path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def files_of(song: Song) -> list[str]:
    """Return the paths of the files of a song."""
    if not song.stems:
        return [song.path]
    return [path for _, path in song.stems] + ([song.mixture] if song.mixture else [])


def decode_mixture(song: Song, limits: DecodeLimits = DecodeLimits(), flags: set[str] | None = None) -> np.ndarray:
    """Decode a song that is one file: float32, shape (2, samples), at 44.1 kHz. Arguments are those of `blocks`.

    Raises:
        SongError: what `mixture_blocks` raises.
    """
    return np.concatenate([np.empty((2, 0), np.float32), *mixture_blocks(song, limits, flags)], axis=1)


def mixture_blocks(
    song: Song, limits: DecodeLimits = DecodeLimits(), flags: set[str] | None = None
) -> Iterator[np.ndarray]:
    """Decode a song that is one file, block by block. Arguments are those of `blocks`.

    Yields:
        Float32, shape (2, `BLOCK_SAMPLES`) but for the last, at 44.1 kHz.

    Raises:
        SongError: what `blocks` raises, or `Silent`.
    """
    highest = 0.0
    for block in _recut(blocks(song.path, limits, flags=flags, root=song.root)):
        highest = highest if highest >= _SILENCE else peak(block)
        yield block
    _refuse_silence(highest)


def decode_stems(
    song: Song, limits: DecodeLimits = DecodeLimits(), flags: set[str] | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Decode the stems of a song, and its mixture where there is one, all equally long. Arguments are of `blocks`.

    Returns:
        Float32 arrays of shape (2, samples) at 44.1 kHz by stem name, and the mixture or None.

    Raises:
        SongError: what `stem_blocks` raises.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for step in stem_blocks(song, limits, flags):
        for name, block in step.items():
            parts.setdefault(name, []).append(block)
    sounds = {name: np.concatenate(parts.pop(name), axis=1) for name in list(parts)}
    mixture = sounds.pop(MIXTURE, None)
    return sounds, mixture


def stem_blocks(
    song: Song, limits: DecodeLimits = DecodeLimits(), flags: set[str] | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """Decode the stems of a song, and its mixture where there is one, in step.

    Silence is appended to stems that are up to 0.1 s shorter than the longest. Arguments are those of `blocks`.

    Yields:
        Float32 blocks of shape (2, `BLOCK_SAMPLES`) but for the last, at 44.1 kHz: by stem name, then "mixture".

    Raises:
        SongError: what `blocks` raises, `StemsDiffer`, or `Silent` if the whole song is; a silent stem is not refused.
    """
    sounds = {name: _recut(blocks(path, limits, stream, flags, song.root)) for name, path, stream in _sounds(song)}
    lengths, highest = dict.fromkeys(sounds, 0), 0.0
    judged = [MIXTURE] if MIXTURE in sounds else list(sounds)
    while step := {name: block for name, sound in sounds.items() if (block := next(sound, None)) is not None}:
        for name, block in step.items():
            lengths[name] += block.shape[1]
        longest = max(lengths.values())
        if longest - min(lengths.values()) > SLACK_S * SAMPLE_RATE_HZ:
            _refuse_lengths(sounds, lengths)
        if highest < _SILENCE:
            highest = max([0.0, *(peak(step[name]) for name in judged if name in step)])
        samples = max(block.shape[1] for block in step.values())
        yield {name: _fill_up(step.get(name, np.empty((2, 0), np.float32)), samples) for name in sounds}
    _refuse_silence(highest)


def declared_s(song: Song, limits: DecodeLimits = DecodeLimits()) -> float | None:
    """Length in seconds that the header of a song declares, or that of its first stem; None where it declares none.

    Raises:
        SongError: `Unreadable`, or what the header alone is refused for.
    """
    _, path, stream = _sounds(song)[0] if song.has_stems else ("", song.path, 0)
    with sources.open_file(path, song.root) as file:
        source = codec.open_audio(file, stream)
        _refuse_header(source, limits)
        return source.declared_s


def _sounds(song: Song) -> list[tuple[str, str, int]]:
    """Name, path and audio stream of each stem, and of the mixture if there is one."""
    if song.stems:
        files = [(name, path, 0) for name, path in song.stems]
        return [*files, (MIXTURE, song.mixture, 0)] if song.mixture else files
    return [*((name, song.path, stream) for name, stream in _STEM_FILE_STREAMS.items()), (MIXTURE, song.path, 0)]


def _refuse_lengths(sounds: dict[str, Iterator[np.ndarray]], lengths: dict[str, int]) -> None:
    """Decode what is left of the stems, to tell how long they are."""
    for name, sound in sounds.items():
        lengths[name] += sum(block.shape[1] for block in sound)
    shortest_s, longest_s = (edge(lengths.values()) / SAMPLE_RATE_HZ for edge in (min, max))
    raise StemsDiffer("decode", f"its stems last from {shortest_s:.2f} to {longest_s:.2f} s: give stems of one song")


def _fill_up(audio: np.ndarray, samples: int) -> np.ndarray:
    missing = samples - audio.shape[1]
    return np.pad(audio, ((0, 0), (0, missing))) if missing else audio


def _recut(sound: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Cut a sound of two channels anew, into blocks of `BLOCK_SAMPLES` and a last one."""
    parts, samples = [], 0
    for part in sound:
        if not samples and part.shape[1] == BLOCK_SAMPLES:
            yield part
            continue
        parts.append(part)
        samples += part.shape[1]
        if samples >= BLOCK_SAMPLES:
            audio = np.concatenate(parts, axis=1)
            whole = samples - samples % BLOCK_SAMPLES
            for start in range(0, whole, BLOCK_SAMPLES):
                yield np.ascontiguousarray(audio[:, start : start + BLOCK_SAMPLES])
            parts, samples = [audio[:, whole:].copy()], samples - whole
    if samples:
        yield np.concatenate(parts, axis=1)


def decode(path: str, limits: DecodeLimits = DecodeLimits(), stream: int = 0) -> np.ndarray:
    """Decode an audio stream of a file, which may be silent: float32, shape (2, samples), at 44.1 kHz.

    Arguments, conversion and errors are those of `blocks`.
    """
    return np.concatenate([np.empty((2, 0), np.float32), *blocks(path, limits, stream)], axis=1)


def blocks(
    path: str,
    limits: DecodeLimits = DecodeLimits(),
    stream: int = 0,
    flags: set[str] | None = None,
    root: str | None = None,
) -> Iterator[np.ndarray]:
    """Decode an audio stream of a file, which may be silent, block by block.

    A mono stream is copied to both channels; more than two channels are mixed down by ITU-R BS.775. Other rates are
    converted by soxr's HQ recipe. Memory is bounded by a block, not by the file. What is wrong with a file may be known
    only at its end: a sound is whole when the last block has come.

    Args:
        path: local path or fsspec URL.
        limits: of its length.
        stream: which of the file's audio streams, from 0.
        flags: takes the flags of the sound, `mixprior.pipeline.audio.flags.FLAGS`, when the last block has come.
        root: a folder that the file must not leave by way of links (`sources.open_file`).

    Yields:
        Float32, shape (2, samples), at 44.1 kHz, of any lengths.

    Raises:
        SongError: `Unreadable`, `Undecodable`, `NoAudio`, `Unsupported`, `TooShort`, `TooLong`, `TooLarge`,
            `Truncated`, `NonFinite` or `OverScale`, with the reason.
    """
    with sources.open_file(path, root) as file:
        source = codec.open_audio(file, stream)
        _refuse_header(source, limits)
        samples, highest = 0, 0.0
        for block in _trimmed(_converted(source), source.declared_s):
            samples += block.shape[1]
            if samples > limits.max_minutes * 60 * SAMPLE_RATE_HZ:
                _refuse_duration(samples / SAMPLE_RATE_HZ, limits)
            highest = max(highest, peak(block))
            if highest <= OVER_SCALE:  # else only the reason is still looked for
                yield block
        if source.declared_s is None:
            _refuse_duration(samples / SAMPLE_RATE_HZ, limits)
        _refuse_scale(highest)
        if flags is not None:
            flags |= source.flags | ({DOWNMIXED} if len(source.channels) > 2 else set())


def _converted(source: AudioStream) -> Iterator[np.ndarray]:
    """Blocks of a stream as two channels at 44.1 kHz."""
    channels = min(len(source.channels), 2)
    matrix = np.array([_DOWNMIX.get(name, (0.0, 0.0)) for name in source.channels], np.float32).T
    resampler = soxr.ResampleStream(source.rate_hz, SAMPLE_RATE_HZ, channels, "float32", "HQ")
    converts = source.rate_hz != SAMPLE_RATE_HZ
    for block in source.blocks():
        if len(source.channels) > 2:
            block = matrix @ block
        if converts:
            block = resampler.resample_chunk(np.ascontiguousarray(block.T)).T
        yield np.ascontiguousarray(np.broadcast_to(block, (2, block.shape[1])))
    if converts:
        block = resampler.resample_chunk(np.empty((0, channels), np.float32), last=True).T
        yield np.ascontiguousarray(np.broadcast_to(block, (2, block.shape[1])))


def _trimmed(sound: Iterator[np.ndarray], declared_s: float | None) -> Iterator[np.ndarray]:
    """Leave out what the encoder pads the last packet of AAC with: up to 0.1 s after the declared length."""
    end = None if declared_s is None else round(declared_s * SAMPLE_RATE_HZ)
    samples, padding = 0, []
    for block in sound:
        samples += block.shape[1]
        if declared_s is None or end is None or samples <= end:
            yield block
            continue
        inside = max(0, block.shape[1] - (samples - end))
        if inside:
            yield np.ascontiguousarray(block[:, :inside])
        padding.append(block[:, inside:])
        if samples / SAMPLE_RATE_HZ >= declared_s + SLACK_S:  # it is longer than declared, not padded
            yield from padding
            declared_s, padding = None, []


def _refuse_header(source: AudioStream, limits: DecodeLimits) -> None:
    low, high = RATES_HZ
    if not low <= source.rate_hz <= high:
        raise Unsupported("decode", f"has a sampling rate of {source.rate_hz} Hz; {low} to {high} Hz are mined")
    if len(source.channels) > _MAX_CHANNELS:
        raise Unsupported("decode", f"has {len(source.channels)} channels; up to {_MAX_CHANNELS} are mined")
    if source.declared_s is not None:
        _refuse_duration(source.declared_s, limits)
    source.allow(limits.most_bytes)


def _refuse_duration(duration_s: float, limits: DecodeLimits) -> None:
    if duration_s < limits.min_s:
        raise TooShort("decode", f"lasts {duration_s:.2f} s; songs from {limits.min_s:g} s are mined")
    if duration_s > limits.max_minutes * 60:
        raise TooLong(
            "decode", f"lasts {duration_s / 60:.1f} min; raise --max-minutes ({limits.max_minutes:g}) to mine it"
        )


def _refuse_scale(highest: float) -> None:
    if highest > OVER_SCALE:
        raise OverScale("decode", f"peaks at {highest:.3g} where full scale is 1: damaged, or integers saved as floats")


def _refuse_silence(highest: float) -> None:
    if highest < _SILENCE:
        raise Silent("decode", f"is silent: no sample reaches {_SILENCE_DBFS:g} dBFS")
