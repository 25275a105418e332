"""A song as its stems: the sounds that statistics are measured on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mixprior.stats import long_term_spectra, loudness_blocks

SAMPLE_RATE_HZ = 44_100
BACKING = "backing"
MIXTURE = "mixture"
SONG = "song"


@dataclass(frozen=True)
class Stem:
    """One sound of a song: a stem, the backing or the mixture.

    Attributes:
        name: "vocals", "drums", "bass", "other", "backing", "mixture"; "song" for the mixture seen as the
            place where facts about the whole song are kept (ratios between stems, the residual).
        audio: float32, shape (2, samples), full scale 1.0, at 44.1 kHz.
        song: the song it belongs to.
    """

    name: str
    audio: np.ndarray
    song: StemSet = field(repr=False)

    @cached_property
    def blocks(self) -> loudness_blocks.Blocks:
        """Energies of every 100 ms, K-weighted and plain: what all loudness measures are made of."""
        return loudness_blocks.measure(self.audio, SAMPLE_RATE_HZ)

    @cached_property
    def spectra(self) -> long_term_spectra.LongTermSpectra:
        """Long-term spectra: what the spectrum and the panning by frequency are made of."""
        return long_term_spectra.measure(self.audio)

    @cached_property
    def rest_blocks(self) -> loudness_blocks.Blocks:
        """The same for what is left of the mixture without this stem."""
        if self.name == "vocals":
            return self.song[BACKING].blocks
        return loudness_blocks.measure(self.song[MIXTURE].audio - self.audio, SAMPLE_RATE_HZ)


class StemSet:
    """The stems of one song, its mixture, and its backing (mixture minus vocals).

    Args:
        stems: float32 arrays of shape (2, samples) by stem name; "vocals" must be among them.
        mixture: the song as heard, same shape; None takes the sum of the stems.

    Raises:
        ValueError: if shapes differ, or there are no vocals.

    >>> import numpy as np
    >>> voice, band = np.zeros((2, 44100), np.float32), np.ones((2, 44100), np.float32)
    >>> song = StemSet({"vocals": voice, "other": band})
    >>> [stem.name for stem in song.rows()]
    ['vocals', 'other', 'backing', 'mixture', 'song']
    """

    def __init__(self, stems: Mapping[str, np.ndarray], mixture: np.ndarray | None = None) -> None:
        if "vocals" not in stems:
            raise ValueError(f"no stem called 'vocals' among {sorted(stems)}")
        if mixture is None:
            mixture = np.asarray(np.sum(list(stems.values()), axis=0, dtype=np.float32))
        for name, audio in stems.items():
            if audio.shape != mixture.shape:
                raise ValueError(f"{name} has shape {audio.shape}, the mixture {mixture.shape}")
        self.separated = tuple(stems)
        sounds = dict(stems)
        sounds[BACKING] = mixture - stems["vocals"]
        sounds[MIXTURE] = mixture
        self._sounds = {name: Stem(name, audio, self) for name, audio in sounds.items()}

    def __getitem__(self, name: str) -> Stem:
        return self._sounds[name]

    def rows(self) -> Iterator[Stem]:
        """The stems, the backing and the mixture, then "song": one for each row of the song's table."""
        yield from self._sounds.values()
        yield Stem(SONG, self._sounds[MIXTURE].audio, self)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self._sounds[MIXTURE].audio.shape[-1] / SAMPLE_RATE_HZ
