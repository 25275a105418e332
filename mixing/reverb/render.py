"""FdnReverb written to sound files: its impulse response, or a file with the reverb on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mixprior.pipeline.audio import writer
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.network import FdnReverb
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

_BLOCK = 65_536
_LEAST_DECODED = 0.98  # see `mixprior.pipeline.audio.whole`


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        duration_s: its length.
        rate_hz: its sample rate.
        peak: largest sample, full scale 1.0; the file keeps what lies above it.
    """

    duration_s: float
    rate_hz: int
    peak: float


def check_output(path: Path, *inputs: str | Path) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises:
        InputError: if it is no .wav, its folder does not exist, or it is one of the inputs.
    """
    if path.suffix.lower() != ".wav":
        raise InputError(f"{path}: a rendered reverb is written as .wav, 32-bit float, which cuts no peak")
    writer.check_output(path, inputs)


def response(settings: FdnReverbSettings, path: Path, rate_hz: int, duration_s: float) -> Written:
    """Write the impulse response: stereo, the same impulse fed into both inputs, as a centred voice would.

    Raises:
        InputError: if the settings make a sound that grows, or the file cannot be written.
    """
    impulse = np.zeros((2, round(duration_s * rate_hz)), np.float32)
    impulse[:, :1] = 1.0
    reverb = FdnReverb(settings, rate_hz)
    return write(path, rate_hz, (reverb.process(block) for block in _blocks(impulse)))


def apply(settings: FdnReverbSettings, path: Path, source: str | Path, tail_s: float) -> Written:
    """Put the reverb on a file, block by block, at its own rate; a mono file is fed into both inputs.

    Raises:
        InputError: if the file cannot be read, or the result cannot be written.
    """
    if not Path(source).is_file():
        raise InputError(f"{source}: no such file")
    try:
        file = soundfile.SoundFile(source)
    except (OSError, soundfile.SoundFileError) as error:
        raise _unreadable(source, error) from error
    with file:
        if file.channels > 2:
            raise InputError(f"{source} has {file.channels} channels; give a mono or stereo file")
        reverb = FdnReverb(settings, file.samplerate)
        tail = np.zeros((2, round(tail_s * file.samplerate)), np.float32)
        sound = itertools.chain(_read(file, source), _blocks(tail))
        return write(path, file.samplerate, (reverb.process(block) for block in sound))


def write(path: Path, rate_hz: int, blocks: Iterator[np.ndarray]) -> Written:
    """Write blocks of (2, samples) as 32-bit float WAV, whole or not at all.

    Raises:
        InputError: if it cannot be written.
    """
    samples, peak = 0, 0.0
    with (
        writer.replacing(path) as temporary,
        soundfile.SoundFile(temporary, "w", rate_hz, 2, "FLOAT", format="WAV") as file,
    ):
        for block in blocks:
            file.write(block.T)
            samples += block.shape[1]
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
    return Written(samples / rate_hz, rate_hz, peak)


def _read(file: soundfile.SoundFile, source: str | Path) -> Iterator[np.ndarray]:
    samples = 0
    try:
        for block in file.blocks(_BLOCK, dtype="float32", always_2d=True):
            if not np.isfinite(block).all():
                raise InputError(f"{source} holds samples that are not numbers (NaN or infinite)")
            samples += len(block)
            yield np.broadcast_to(block.T, (2, len(block)))
    except soundfile.SoundFileError as error:
        raise _unreadable(source, error) from error
    if samples < _LEAST_DECODED * file.frames:
        raise InputError(f"{source} is cut short: {samples} of {file.frames} samples could be read")


def _unreadable(source: str | Path, error: Exception) -> InputError:
    return InputError(f"{source} cannot be read as audio; give WAV, FLAC, Ogg or MP3 ({error})")


def _blocks(audio: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, audio.shape[1], _BLOCK):
        yield audio[:, start : start + _BLOCK]
