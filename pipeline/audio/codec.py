"""The one decoder: an audio file as float32 blocks, whatever its format, checked against what its header declares.

Only known audio formats are opened, by their content and never by their name: a playlist, which would open other
files, is no audio file here.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import av
import numpy as np
import soundfile

from mixprior.pipeline.store.records import SongError

_BLOCK_FRAMES = 1 << 16
_LIBSNDFILE_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"fLaC", b".snd")
_DEMUXERS = "aac,aiff,asf,caf,flac,matroska,mov,mp3,ogg,wav,w64"
_READABLE = "WAV, AIFF, AU, FLAC, Ogg, Opus, MP3, AAC, M4A or WMA"
_ENCRYPTED_TAGS = ("drms", "enca")
_GAP_S = 0.1
_COMPLETE = 0.98
"""Share of the declared length that must be decoded: some decoders read a truncated file without complaint."""
_SQUARE_OVERFLOWS = 1e19

# Writers that cannot seek back leave a data size of this much or more: the header does not declare a length.
_STREAMED_BYTES = 0x7FFFF000

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


class AudioStream(ABC):
    """One audio stream, opened: its header is known, nothing is decoded yet.

    Attributes:
        rate_hz: sampling rate.
        channels: names of its channels in FFmpeg's abbreviations ("FL", "FR", "FC", "LFE", "BL", ...).
        declared_s: length in seconds that the header declares; None where it declares none.
    """

    rate_hz: int
    channels: tuple[str, ...]
    declared_s: float | None

    def blocks(self) -> Iterator[np.ndarray]:
        """Decode it: float32 arrays of shape (channels, samples), 65 536 samples each but for the last.

        Raises:
            Undecodable: if the file is damaged.
            Truncated: if less than 98 % of the declared length could be decoded.
            NonFinite: if samples are NaN, infinite or beyond 1e19.
        """
        decoded_s = 0.0
        for block in self._decoded():
            if not peak(block) < _SQUARE_OVERFLOWS:
                raise NonFinite("decode", "holds samples that are not numbers (NaN or infinite); export it again")
            decoded_s += block.shape[1] / self.rate_hz
            yield block
        if self.declared_s is not None and decoded_s < _COMPLETE * self.declared_s:
            raise Truncated("decode", f"is cut short: {decoded_s:.1f} of {self.declared_s:.1f} s could be decoded")

    @abstractmethod
    def _decoded(self) -> Iterator[np.ndarray]: ...


def peak(audio: np.ndarray) -> float:
    """Largest absolute sample; NaN if one of them is.

    >>> peak(np.array([[0.25, -0.5]], np.float32))
    0.5
    """
    return float(np.maximum(audio.max(initial=0.0), -audio.min(initial=0.0)))


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
        try:
            sound = soundfile.SoundFile(file)
        except soundfile.LibsndfileError as error:
            raise Undecodable("decode", f"is no readable audio file: {error.error_string}") from error
        self._file, self._sound = file, sound
        self.rate_hz = sound.samplerate
        self.channels = _USUAL_LAYOUTS.get(sound.channels, ("?",) * sound.channels)
        self.length_s = self.declared_s = sound.frames / sound.samplerate * _cut_ratio(sound.extra_info)

    def _decoded(self) -> Iterator[np.ndarray]:
        decoded = 0
        try:
            while len(block := self._sound.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                decoded += len(block)
                yield block.T
        except soundfile.LibsndfileError as error:
            after = f"after {decoded / self.rate_hz:.1f} s ({error.error_string.rstrip('.')})"
            if not self._file.read(1):
                raise Truncated("decode", f"is cut short {after}") from error
            raise Undecodable("decode", f"is damaged {after}") from error


def _cut_ratio(log: str) -> float:
    r"""Return by how much the sound's chunk claims to be longer than the file: libsndfile has it only in its log.

    >>> _cut_ratio("RIFF : 882036 (should be 441014)\ndata : 882000 (should be 441000)")
    2.0
    """
    found = re.search(r"(?:data|SSND) : (\d+) \(should be (\d+)\)", log)
    claimed, there = map(int, found.groups()) if found else (1, 1)
    return max(claimed / there, 1.0) if there and claimed < _STREAMED_BYTES else 1.0


class _AvFile(AudioStream):
    """Everything else through FFmpeg."""

    def __init__(self, file: BinaryIO, stream: int) -> None:
        declares_length = _declares_length(file)
        try:
            # The list of formats keeps out playlists, which would open other files.
            self._container = av.open(file, mode="r", options={"format_whitelist": _DEMUXERS}, metadata_errors="ignore")
        except (av.FFmpegError, ValueError) as error:
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
        if not context.sample_rate:
            raise Undecodable("decode", "is no audio file, or is damaged from its beginning")
        if context.codec_tag in _ENCRYPTED_TAGS:
            raise Undecodable("decode", "is encrypted (DRM); get it without copy protection")
        self.rate_hz = context.sample_rate
        names = tuple(channel.name for channel in context.layout.channels)
        self.channels = _USUAL_LAYOUTS.get(len(names), names) if "NONE" in names else names
        duration, tick_s = self._stream.duration, self._stream.time_base
        self.declared_s = float(duration * tick_s) if duration and tick_s and declares_length else None

    def _decoded(self) -> Iterator[np.ndarray]:
        as_float = av.AudioResampler(format="fltp", frame_size=_BLOCK_FRAMES)
        for frame in chain(self._frames(), [None]):
            for block in as_float.resample(frame):
                yield block.to_ndarray()

    def _frames(self) -> Iterator[av.AudioFrame]:
        """Decode frames, and check that none is missing between two of them."""
        decoded, start_s, damaged = 0, None, False
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                frames = packet.decode() if packet is not None else []
            except av.FFmpegError:
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
                if (frame.sample_rate, frame.layout.nb_channels) != (self.rate_hz, len(self.channels)):
                    raise Undecodable("decode", f"changes its rate or channels at {now_s:.1f} s")
                decoded += frame.samples
                yield frame
        if not decoded:
            raise Undecodable("decode", "is damaged: none of it could be decoded")
        if damaged and self.declared_s is None:
            raise Truncated("decode", f"breaks off at {decoded / self.rate_hz:.1f} s")


def _declares_length(file: BinaryIO) -> bool:
    """Whether the container declares its length; raw AAC and MP3 without a Xing or VBRI frame do not.

    Raises:
        Truncated: if it is an Ogg file without its last page.
    """
    head = file.read(10)
    if head[:3] == b"ID3":
        # Size of an ID3v2 tag: four bytes of seven bits (ID3v2.4 structure, 3.1).
        file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False)))
        head = b""
    head += file.read(2048)
    if head[:4] == b"OggS":
        _need_last_page(file)
    file.seek(0)
    is_raw = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return not is_raw or any(tag in head for tag in (b"Xing", b"Info", b"VBRI"))


def _need_last_page(file: BinaryIO) -> None:
    """An Ogg file declares its length in its last page alone, which has the end-of-stream flag (RFC 3533, 6)."""
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 17)))  # a page is 65 307 bytes at most
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or page + 5 >= len(tail) or not tail[page + 5] & 4:
        raise Truncated("decode", "is cut short: its last page is missing")
