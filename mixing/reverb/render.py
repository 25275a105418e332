"""FdnReverb written to sound files: its impulse response, or a file with the reverb on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mixprior.pipeline.audio import audio_file, writer
from mixprior.pipeline.audio.writer import UNCLIPPED, Written
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.network import FdnReverb
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings


def check_output(path: Path, *inputs: str | Path) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises:
        InputError: if it is no .wav, its folder cannot be made, or it is one of the inputs.
    """
    if path.suffix.lower() != ".wav":
        raise InputError(f"{path}: a rendered reverb is written as .wav, 32-bit float, which cuts no peak")
    writer.check_output(path, inputs)


def response(settings: FdnReverbSettings, path: Path, rate_hz: int, duration_s: float) -> Written:
    """Write the impulse response: stereo, the same impulse fed into both inputs, as centred vocals would.

    Raises:
        InputError: if the settings make a sound that grows, or the file cannot be written.
    """
    impulse = np.zeros((2, round(duration_s * rate_hz)), np.float32)
    impulse[:, :1] = 1.0
    reverb = FdnReverb(settings, rate_hz)
    return write(path, rate_hz, (reverb.process(block) for block in writer.blocks(impulse)))


def apply(
    settings: FdnReverbSettings, path: Path, source: str | Path, tail_s: float
) -> tuple[Written, tuple[str, ...]]:
    """Put the reverb on a file, block by block, at its own rate; a mono file is fed into both inputs.

    Returns:
        What was written, and doubts about the file, a sentence each.

    Raises:
        InputError: if the file cannot be read, or the result cannot be written.
    """
    with audio_file.opened(source) as stream:
        reverb = FdnReverb(settings, stream.rate_hz)
        tail = np.zeros((2, round(tail_s * stream.rate_hz)), np.float32)
        both = (np.broadcast_to(block, (2, block.shape[1])) for block in stream.blocks())
        blocks = (reverb.process(block) for block in itertools.chain(both, writer.blocks(tail)))
        written = write(path, stream.rate_hz, blocks)
        return written, audio_file.doubts(source, stream.flags)


def write(path: Path, rate_hz: int, blocks: Iterator[np.ndarray]) -> Written:
    """Write blocks of (2, samples) as 32-bit float WAV, whole or not at all.

    Raises:
        InputError: if it cannot be written.
    """
    writer.make_folder(path)
    with files.replacing(path) as temporary:
        return writer.write_blocks(temporary, blocks, rate_hz, 2, UNCLIPPED)
