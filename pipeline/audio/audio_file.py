"""Audio files as they are: own rate, one or two channels, read whole and checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from mixprior.stats.errors import InputError

_RATES_HZ = (8_000, 192_000)
_LEAST_DECODED = 0.98
"""Part of the declared samples that must come out: libsndfile reads a truncated MP3 to its end without complaint."""


@dataclass(frozen=True)
class AudioFile:
    """An audio file in memory.

    Attributes:
        path: as it was given.
        sha256: of the file's bytes, in hex.
        audio: float32, shape (2, samples), full scale 1.0; a mono file is on both channels.
        rate_hz: sample rate.
        channels: number of channels in the file, 1 or 2.
    """

    path: str
    sha256: str
    audio: np.ndarray
    rate_hz: int
    channels: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.audio.shape[1] / self.rate_hz


def read(path: str | Path) -> AudioFile:
    """Read a mono or stereo file of any format that libsndfile or FFmpeg knows: WAV, FLAC, Ogg, MP3, M4A among them.

    Raises:
        InputError: if it cannot be read or mixed; the message names the file and the reason.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    try:
        audio, rate_hz = _decoded(str(path))
        sha256 = _sha256(path)
    except (OSError, soundfile.SoundFileError, av.FFmpegError) as error:
        raise InputError(f"{path} cannot be read as audio; give WAV, FLAC, Ogg, MP3 or M4A ({error})") from error
    channels = len(audio)
    if channels > 2:
        raise InputError(f"{path} has {channels} channels; give a mono or stereo file")
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise InputError(f"{path} is sampled at {rate_hz} Hz; 8 to 192 kHz can be mixed")
    if audio.shape[1] == 0:
        raise InputError(f"{path} holds no samples")
    if not np.isfinite(audio).all():
        raise InputError(f"{path} holds samples that are not numbers (NaN or infinite)")
    stereo = np.ascontiguousarray(np.broadcast_to(audio, (2, audio.shape[1])))
    return AudioFile(str(path), sha256, stereo, rate_hz, channels)


def _decoded(path: str) -> tuple[np.ndarray, int]:
    """Samples as they lie in the file, float32, (channels, samples), and their rate."""
    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        return _decoded_by_ffmpeg(path)
    with file:
        audio = file.read(dtype="float32", always_2d=True).T
        if audio.shape[1] < _LEAST_DECODED * file.frames:
            raise InputError(f"{path} is cut short: {audio.shape[1]} of {file.frames} samples could be read")
        return audio, file.samplerate


def _decoded_by_ffmpeg(path: str) -> tuple[np.ndarray, int]:
    """As `_decoded`, for what libsndfile does not know (AAC in M4A)."""
    with av.open(path) as container:
        if not container.streams.audio:
            raise InputError(f"{path} holds no sound")
        stream = container.streams.audio[0]
        planes = av.AudioResampler("fltp", stream.layout, stream.rate)
        blocks = [block.to_ndarray() for frame in (*container.decode(stream), None) for block in planes.resample(frame)]
        if not blocks:
            raise InputError(f"{path} holds no samples")
        return np.concatenate(blocks, axis=1), stream.rate


def _sha256(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
