"""The one decoder: an audio file as float32 blocks, whatever its format, checked against what its header declares.

Only known audio formats are opened, by their content and never by their name: a playlist, which would open other
files, is no audio file here.
"""

from __future__ import annotations

import errno
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import av
import numpy as np
import soundfile

from mixprior.pipeline.audio import length
from mixprior.pipeline.audio.flags import DAMAGED_PCM, LENGTH_UNSURE
from mixprior.pipeline.store.records import SongError

BLOCK_FRAMES = 1 << 18
_LIBSNDFILE_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"fLaC", b".snd")
_DEMUXERS = "aac,aiff,asf,caf,flac,matroska,mov,mp3,ogg,wav,w64"
_READABLE = "WAV, AIFF, AU, FLAC, Ogg, Opus, MP3, AAC, M4A or WMA"
_ENCRYPTED_TAGS = ("drms", "enca")
_GAP_S = 0.1
_MISSING_S, _MISCOUNTED_S = 0.125, 0.01
"""So much may be missing of a declared length, since decoders leave out what the encoder padded; of one in samples."""
_COMPLETE = 0.98
"""Share of a declared length that must be decoded where it is not counted in samples: less than it is cut short."""
_TELLING_BYTES = 2048
"""Bytes after the tags of a file that tell whether it declares its length."""
_HARMLESS_BYTES, _DENSEST = 512_000_000, 1_000
"""A sound of more bytes than that, so many times the bytes of its file, is no music: 4 minutes of silence are less."""
_SQUARE_OVERFLOWS = 1e19

# The length that libsndfile reports of a FLAC of undeclared length, in which it cannot seek, is longer still.
_UNKNOWN_S = 1e12

# Order of the channels where a file names none: that of WAVE_FORMAT_EXTENSIBLE and of FLAC (RFC 9639, 9.1.3).
_USUAL_LAYOUTS = {
    1: ("FC",),
    2: ("FL", "FR"),
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}


class Undecodable(SongError):
    """The content is no audio, is damaged, is encrypted, or has no decoder here."""


class Truncated(SongError):
    """The file ends before the length its header declares."""


class NonFinite(SongError):
    """Samples that are no numbers, or too large to be squared."""


class NoAudio(SongError):
    """A media file without an audio stream."""


class Unsupported(SongError):
    """Audio of a kind that is not read: its sampling rate, its channels, its streams."""


class TooLarge(SongError):
    """It takes more memory than is allowed, or more than any music in a file of its size."""


class AudioStream(ABC):
    """One audio stream, opened: its header is known, nothing is decoded yet.

    Attributes:
        rate_hz: sampling rate.
        channels: names of its channels in FFmpeg's abbreviations ("FL", "FR", "FC", "LFE", "BL", ...).
        declared_s: length in seconds that the header declares; None where it declares none.
        file_bytes: size of the file.
        flags: names of `mixprior.pipeline.audio.flags.FLAGS`; known when all blocks are decoded.
    """

    rate_hz: int
    channels: tuple[str, ...]
    declared_s: float | None
    file_bytes: int
    flags: frozenset[str] = frozenset()
    _counts_samples = True
    _tagged_s: float | None = None
    _is_guess = False
    _has_checksum = True
    _allowed_bytes = sys.maxsize

    def allow(self, most_bytes: int) -> None:
        """Bound the memory that the decoded sound takes, as float32 and at least two channels at its own rate.

        Raises:
            TooLarge: if the header declares more; if it declares less, or nothing, `blocks` raises it in time.
        """
        self._allowed_bytes = min(most_bytes, max(_HARMLESS_BYTES, _DENSEST * self.file_bytes))
        self._refuse_size(self.declared_s or 0.0)

    def _refuse_size(self, duration_s: float) -> None:
        if self._bytes(duration_s) > self._allowed_bytes:
            raise TooLarge(
                "decode",
                f"takes {self._bytes(duration_s) / 1e9:.2f} GB decoded; {self._allowed_bytes / 1e9:.2f} GB are allowed "
                f"to a file of {self.file_bytes / 1e6:.2f} MB: give it in parts, or at a lower rate",
            )

    def _bytes(self, duration_s: float) -> float:
        return duration_s * self.rate_hz * max(len(self.channels), 2) * 4

    def blocks(self) -> Iterator[np.ndarray]:
        """Decode it: float32 arrays of shape (channels, samples), 262,144 samples each but for the last.

        Raises:
            Undecodable: if the file is damaged.
            Truncated: if 0.125 s of the declared length are missing, or 2 % where the header does not count samples.
            NonFinite: if samples are NaN, infinite or beyond 1e19.
            TooLarge: if it takes more than is allowed.
        """
        decoded_s = 0.0
        # Here, as it loads numba: who writes a file or reads FLAC needs none.
        from mixprior.pipeline.audio.damage import DamageSearch

        search = None if self._has_checksum else DamageSearch(self.rate_hz)
        for block in self._decoded():
            if not _can_be_squared(block):
                raise NonFinite("decode", "holds samples that are not numbers (NaN or infinite); export it again")
            decoded_s += block.shape[1] / self.rate_hz
            self._refuse_size(decoded_s)
            if search is not None:
                search.add(block)
            yield block
        is_whole = self._is_whole(decoded_s)
        damaged = {DAMAGED_PCM} if search is not None and search.is_damaged() else set()
        self.flags = frozenset(damaged if is_whole else {*damaged, LENGTH_UNSURE})

    def _is_whole(self, decoded_s: float) -> bool:
        """Whether it is certain that nothing is missing. Raises Truncated where it is certain that much is."""
        expected_s = self.declared_s or self._tagged_s
        if expected_s is None:
            return False
        missing_s = expected_s - decoded_s
        if missing_s > _MISSING_S and (self._counts_samples or decoded_s < _COMPLETE * expected_s):
            raise Truncated("decode", f"is cut short: {decoded_s:.1f} of {expected_s:.1f} s could be decoded")
        return missing_s <= (_MISCOUNTED_S if self._counts_samples else _MISSING_S) and not self._is_guess

    @abstractmethod
    def _decoded(self) -> Iterator[np.ndarray]: ...


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def peak(audio: np.ndarray) -> float:
    """Largest absolute sample; NaN if one of them is.

    >>> peak(np.array([[0.25, -0.5]], np.float32))
    0.5
    """
    return float(np.maximum(audio.max(initial=0.0), -audio.min(initial=0.0)))


def _can_be_squared(audio: np.ndarray) -> bool:
    """Whether all samples are numbers whose squares are. Of music the sum of squares shows it, which is quicker."""
    samples = audio.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.dot(samples, samples) < _SQUARE_OVERFLOWS) or peak(audio) < _SQUARE_OVERFLOWS


def _is_damage(error: Exception) -> bool:
    """Whether it is the content's fault: a size in it may have FFmpeg seek before the file's beginning (EINVAL)."""
    return isinstance(error, av.FFmpegError | ValueError) or getattr(error, "errno", None) == errno.EINVAL


def open_audio(file: BinaryIO, stream: int = 0) -> AudioStream:
    """Read the header of an audio stream.

    libsndfile reads WAV, AIFF, AU and FLAC: it is quicker there, and notices every damaged FLAC frame. FFmpeg reads
    all else: unlike libsndfile it reads an MP3 to its end when the header declares no length.

    Args:
        file: seekable; must stay open while the blocks are read.
        stream: which of the file's audio streams, from 0.

    Raises:
        Undecodable: if it is no audio file, or encrypted.
        NoAudio: if it holds no audio stream.
        Unsupported: if it holds too few streams.
    """
    head = file.read(4)
    file.seek(0)
    if not head:
        raise Undecodable("decode", "is empty")
    if head in _LIBSNDFILE_MAGICS:
        sound = _SndFile(file)
        if sound.length_s < _UNKNOWN_S:
            return sound
        file.seek(0)
    return _AvFile(file, stream)


class _SndFile(AudioStream):
    """WAV, AIFF, AU and FLAC through libsndfile."""

    def __init__(self, file: BinaryIO) -> None:
        self.file_bytes = _size(file)
        try:
            sound = soundfile.SoundFile(file)
        except soundfile.LibsndfileError as error:
            raise Undecodable("decode", f"is no readable audio file: {error.error_string}") from error
        self._file, self._sound = file, sound
        self.rate_hz = sound.samplerate
        self._has_checksum = sound.format == "FLAC" or not sound.subtype.startswith(("PCM", "FLOAT", "DOUBLE"))
        self.channels = _USUAL_LAYOUTS.get(sound.channels, ("?",) * sound.channels)
        self.length_s = sound.frames / sound.samplerate
        ratio = length.claimed_over_there(sound.extra_info)
        self.declared_s, self._is_guess = self.length_s * (ratio or 1.0), ratio is None

    def _decoded(self) -> Iterator[np.ndarray]:
        decoded = 0
        try:
            while len(block := self._sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                decoded += len(block)
                yield np.ascontiguousarray(block.T)
        except soundfile.LibsndfileError as error:
            after = f"after {decoded / self.rate_hz:.1f} s ({error.error_string.rstrip('.')})"
            if not self._file.read(1):
                raise Truncated("decode", f"is cut short {after}") from error
            raise Undecodable("decode", f"is damaged {after}") from error


class _AvFile(AudioStream):
    """Everything else through FFmpeg."""

    def __init__(self, file: BinaryIO, stream: int) -> None:
        self.file_bytes = _size(file)
        head = length.after_id3(file, _TELLING_BYTES)
        if head[:4] == b"OggS" and not length.ogg_is_whole(file):
            raise Truncated("decode", "is cut short: its last page is missing, or damaged")
        missing_bytes = length.caf_missing_bytes(file) if head[:4] == b"caff" else 0
        if missing_bytes:
            raise Truncated("decode", f"is cut short: {missing_bytes} bytes are missing at its end")
        self._is_guess = missing_bytes is None
        file.seek(0)
        try:
            # The list of formats keeps out playlists, which would open other files.
            self._container = av.open(file, mode="r", options={"format_whitelist": _DEMUXERS}, metadata_errors="ignore")
        except (av.FFmpegError, ValueError, OSError) as error:
            if not _is_damage(error):
                raise
            raise Undecodable("decode", f"is no audio file ({_READABLE}), or its header is damaged") from error
        streams = self._container.streams.audio
        if not streams:
            raise NoAudio("decode", "holds no audio stream")
        if stream >= len(streams):
            raise Unsupported("decode", f"holds {len(streams)} audio streams; stream {stream + 1} does not exist")
        self._stream = streams[stream]
        context = self._stream.codec_context
        if context is None:
            raise Undecodable("decode", "is in a format that has no decoder here")
        if not context.sample_rate or not context.layout.nb_channels:
            raise Undecodable("decode", "is no audio file, or is damaged from its beginning")
        if context.codec_tag in _ENCRYPTED_TAGS:
            raise Undecodable("decode", "is encrypted (DRM); get it without copy protection")
        self.rate_hz = context.sample_rate
        names = tuple(channel.name for channel in context.layout.channels)
        self.channels = _USUAL_LAYOUTS.get(len(names), names) if "NONE" in names else names
        self._has_checksum = not context.name.startswith(("pcm_s", "pcm_f", "pcm_u"))
        self._counts_samples = head[:4] == b"OggS" or context.name.startswith("mp3")
        duration, tick_s = self._stream.duration, self._stream.time_base
        self.declared_s = float(duration * tick_s) if duration and tick_s and length.declares_length(head) else None
        if self.declared_s is None:
            self._tagged_s = length.tagged_s({**self._container.metadata, **self._stream.metadata})
            self._counts_samples = False

    def _decoded(self) -> Iterator[np.ndarray]:
        # PyAV counts planes up to a null pointer, which FFmpeg has after fewer than eight: eight would crash.
        planar = len(self.channels) < 8
        if planar and self._stream.codec_context.format.name == "fltp":
            yield from self._joined()
            return
        as_float = av.AudioResampler(format="fltp" if planar else "flt", frame_size=BLOCK_FRAMES)
        for frame in chain(self._frames(), [None]):
            for block in as_float.resample(frame):
                yield block.to_ndarray() if planar else block.to_ndarray().reshape(-1, len(self.channels)).T

    def _joined(self) -> Iterator[np.ndarray]:
        """Frames of float planes, put together as they are."""
        block, end = np.empty((len(self.channels), BLOCK_FRAMES), np.float32), 0
        for frame in self._frames():
            planes = [np.frombuffer(memoryview(plane), np.float32, frame.samples) for plane in frame.planes]
            start = 0
            while start < frame.samples:
                count = min(frame.samples - start, BLOCK_FRAMES - end)
                for row, plane in zip(block, planes, strict=True):
                    row[end : end + count] = plane[start : start + count]
                start, end = start + count, end + count
                if end == BLOCK_FRAMES:
                    yield block
                    block, end = np.empty_like(block), 0
        if end:
            yield np.ascontiguousarray(block[:, :end])

    def _frames(self) -> Iterator[av.AudioFrame]:
        """Decode frames, and check that none is missing between two of them."""
        decoded, start_s, damaged = 0, None, False
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                frames = packet.decode() if packet is not None else []
            except (av.FFmpegError, OSError) as error:
                if not _is_damage(error):
                    raise
                damaged = decoded > 0
                continue
            if packet is None:
                break
            for frame in frames:
                now_s = decoded / self.rate_hz
                if frame.time is not None:
                    start_s = frame.time if start_s is None else start_s
                    damaged |= frame.time - start_s - now_s > _GAP_S
                if damaged:
                    raise Undecodable("decode", f"is damaged at {now_s:.1f} s")
                kind = (frame.sample_rate, frame.layout.nb_channels, frame.format.name)
                if kind != (self.rate_hz, len(self.channels), self._stream.codec_context.format.name):
                    raise Undecodable("decode", f"changes its rate, channels or format at {now_s:.1f} s")
                decoded += frame.samples
                yield frame
        if not decoded:
            raise Undecodable("decode", "is damaged: none of it could be decoded")
        if damaged and self.declared_s is None:
            raise Truncated("decode", f"breaks off at {decoded / self.rate_hz:.1f} s")
