"""Examples to learn from: spectra of vocals and backing, and what is to be predicted of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mixprior.mixing.learned.mel import BANDS

_FEATURE_BANDS = 16


@dataclass(frozen=True)
class Examples:
    """Examples, one a row.

    Attributes:
        mel_db: (rows, 2, bands, frames), of vocals and backing at equal loudness.
        targets: (rows, targets); NaN where one is not known.
        songs: (rows,), the song of each.
        names: of the targets.
        group_of: by song, a name of the songs that are alike, as those of an artist; a song that is not in it is alone.
    """

    mel_db: np.ndarray
    targets: np.ndarray
    songs: np.ndarray
    names: tuple[str, ...]
    group_of: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.songs)

    def __getitem__(self, rows: np.ndarray) -> Examples:
        return replace(self, mel_db=self.mel_db[rows], targets=self.targets[rows], songs=self.songs[rows])

    def of(self, songs: Sequence[str]) -> Examples:
        """The examples of some songs."""
        return self[np.isin(self.songs, list(songs))]

    def with_(self, other: Examples) -> Examples:
        """These and others with the same targets."""
        return Examples(
            np.concatenate([self.mel_db, other.mel_db]),
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.songs, other.songs]),
            self.names,
            {**self.group_of, **other.group_of},
        )

    def of_targets(self, kept: np.ndarray) -> Examples:
        """The same with some targets alone: (targets,), true where one is kept."""
        names = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        return replace(self, targets=self.targets[:, kept], names=names)

    @property
    def groups(self) -> np.ndarray:
        """(rows,), the group of each."""
        return np.array([self.group_of.get(song, song) for song in self.songs])

    @property
    def known(self) -> np.ndarray:
        """(targets,), true where some example has the target."""
        return np.asarray(np.isfinite(self.targets).any(axis=0))

    @property
    def share_known(self) -> np.ndarray:
        """(targets,), share of the songs that have the target."""
        known = [np.isfinite(self.targets[self.songs == song]).any(axis=0) for song in np.unique(self.songs)]
        return np.asarray(np.mean(known, axis=0))

    @property
    def parts(self) -> tuple[str | np.ndarray, ...]:
        """All of it, as a digest takes it."""
        return "\n".join(self.songs), "\n".join(self.groups), "\n".join(self.names), self.targets, self.mel_db

    @property
    def prior(self) -> np.ndarray:
        """(targets, 2), mean and standard deviation of each target; some example has each."""
        return np.stack([np.nanmean(self.targets, axis=0), np.nanstd(self.targets, axis=0) + 1e-6], axis=1)

    @property
    def features(self) -> np.ndarray:
        """(rows, features) for regressions: of 16 bands of each sound, its mean taken out, means, then spreads."""
        rows, sounds, _, frames = self.mel_db.shape
        bands = self.mel_db.astype(np.float32).reshape(rows, sounds, _FEATURE_BANDS, BANDS // _FEATURE_BANDS, frames)
        levels = bands.mean(axis=3)
        levels = levels - levels.mean(axis=(2, 3), keepdims=True)
        return np.concatenate([levels.mean(axis=3), levels.std(axis=3)], axis=1).reshape(rows, -1)
