"""Examples of the songs of a run: excerpts of vocals and backing, and what the run measured of the song."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.published import EQ, EQ_HZ, TARGETS
from mixprior.learning.scenes.songs import Stems, TrainingSong, as_pair, leave_out, separated
from mixprior.learning.scenes.split import groups_of
from mixprior.mixing.learned.mel import BANDS, HOP, at_loudness, log_mel_db
from mixprior.pipeline.audio.decode import decode_mixture
from mixprior.pipeline.store.files import replacing
from mixprior.pipeline.store.records import SongError
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import BACKING, MIXTURE, SAMPLE_RATE_HZ, SONG, VOCALS

FRAMES = 252
"""Of an excerpt, 5.9 s."""
EXCERPTS = 4
"""Of a song, spread over it; those without singing are left out."""
LEAST_LU = -12.0
"""Least level of vocals against their backing for an excerpt to count as sung."""
MOST_EQ_DB = 8.0
"""Gains of his unmasking equaliser are within this."""

_NOTHING = np.empty((0, 2, BANDS, FRAMES), np.float16)
_STEM_OF = {"vocal_to_backing_lu": SONG}
_FROM = {"fdn_dry_wet_percent": ("fdn_dry_wet", 100.0)}


def measured(run: str | Path) -> dict[str, dict[str, float]]:
    """What a run measured of each song that a predictor may aim for: by song id and target; NaN where it did not.

    Raises:
        InputError: if it is no run, or its rows are lost.
    """
    rows = Rows.open(run).table()
    cells: dict[tuple[str, str], Mapping[str, Any]] = {}
    names = {_FROM.get(name, (name, 1.0))[0] for name in TARGETS if name not in EQ}
    for row in rows.select(["song_id", "stem", *sorted(names)]).to_pylist():
        cells[row["song_id"], row["stem"]] = row
    found: dict[str, dict[str, float]] = {}
    for song_id in {song_id for song_id, _ in cells}:
        values = {}
        for name in TARGETS:
            if name not in EQ:
                column, scale = _FROM.get(name, (name, 1.0))
                value = cells.get((song_id, _STEM_OF.get(name, VOCALS)), {}).get(column)
                values[name] = float("nan") if value is None else scale * float(value)
        found[song_id] = values
    return found


def of_songs(
    songs: Sequence[TrainingSong],
    facts: Mapping[str, Mapping[str, float]],
    kept_in: Path,
    progress: Callable[[int, int], None] | None = None,
    excerpts: int = EXCERPTS,
    by: str = "artist",
) -> Examples:
    """Make the examples of songs; spectra that are in the folder are not made again. One song is in memory.

    A song that cannot be read or separated is left out, with a warning.

    Args:
        songs: to read.
        facts: by song id and target, `measured`.
        kept_in: folder for spectra.
        progress: called with the songs done, and of all.
        excerpts: of each song.
        by: what makes songs a group: one of `mixprior.learning.scenes.split.BY`.

    Raises:
        InputError: if there is no singing in any of them.
    """
    spectra, targets, names = [], [], []
    for done, song in enumerate(songs, 1):
        is_sung = np.isfinite(facts.get(song.song_id, {}).get("vocal_to_backing_lu", np.nan))
        if is_sung and len(mel_db := _read(song, kept_in, excerpts)):
            known = {**facts[song.song_id], **equaliser(mel_db)}
            spectra.append(mel_db)
            targets += [[known[name] for name in TARGETS]] * len(mel_db)
            names += [song.song_id] * len(mel_db)
        if progress is not None:
            progress(done, len(songs))
    if not spectra:
        raise InputError("there is no singing in the songs: give songs with vocals")
    group_of = {song: group[0] for group in groups_of(songs, by) for song in group}
    return Examples(np.concatenate(spectra), np.array(targets, float), np.array(names), TARGETS, group_of)


def equaliser(mel_db: np.ndarray) -> dict[str, float]:
    """Kelian Li's target for the equaliser of the vocals: to cut where the mixed vocals are above their backing.

    Args:
        mel_db: (excerpts, 2, bands, frames), of vocals and backing at equal loudness.

    Returns:
        Gain by octave: what the backing has more than the vocals, without its mean, within 8 dB.
    """
    vocals_db, backing_db = octaves_db(mel_db)
    more_db = backing_db - vocals_db
    gains_db = np.clip(more_db - more_db.mean(), -MOST_EQ_DB, MOST_EQ_DB)
    return dict(zip(EQ, gains_db.tolist(), strict=True))


def octaves_db(mel_db: np.ndarray) -> np.ndarray:
    """Levels of the octaves of `EQ_HZ`, (2, octaves), of vocals and backing, from (excerpts, 2, bands, frames)."""
    mels = np.linspace(0, 60.0, BANDS + 2)[1:-1]  # Slaney's scale, up to half of 44.1 kHz
    centres_hz = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    power = 10 ** (mel_db.astype(np.float64) / 10)
    nearest = np.abs(np.log2(centres_hz[:, None] / np.array(EQ_HZ))).argmin(axis=1)
    return np.array([10 * np.log10(power[:, :, nearest == k].mean(axis=(0, 2, 3))) for k in range(len(EQ_HZ))]).T


def _read(song: TrainingSong, folder: Path, excerpts: int) -> np.ndarray:
    try:
        return _kept(song, folder, excerpts)
    except SongError as error:
        leave_out(song.song, error)
        return _NOTHING


def _kept(song: TrainingSong, folder: Path, excerpts: int) -> np.ndarray:
    path = folder / f"{song.song_id}-{excerpts}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished, unfinished.open("wb") as file:
            np.save(file, _spectra(song, excerpts))
    return np.asarray(np.load(path, allow_pickle=False))


def _spectra(song: TrainingSong, excerpts: int) -> np.ndarray:
    """(excerpts, 2, bands, frames) in float16."""
    found = []
    for pair in _pairs(song, (FRAMES + 1) * HOP, excerpts):
        lufs = [Sound(pair[name], SAMPLE_RATE_HZ).integrated_lufs for name in (VOCALS, BACKING)]
        if None not in lufs and float(lufs[0] or 0) - float(lufs[1] or 0) > LEAST_LU:
            heard = np.stack([log_mel_db(pair[name]) for name in (VOCALS, BACKING)])
            found.append(at_loudness(heard, np.array(lufs, float)).astype(np.float16))
    return np.stack(found) if found else _NOTHING


def _pairs(song: TrainingSong, samples: int, excerpts: int) -> Iterator[Stems]:
    """Vocals and backing of each excerpt; of a song without stems, the excerpts alone are separated."""
    whole = song.pair() if song.is_separated else {MIXTURE: decode_mixture(song.song)}
    length = min(audio.shape[1] for audio in whole.values())
    for start in np.linspace(0, length - samples, excerpts + 2)[1:-1].astype(int) if length > samples else ():
        cut = {name: np.ascontiguousarray(audio[:, start : start + samples]) for name, audio in whole.items()}
        yield as_pair(separated(cut[MIXTURE])) if MIXTURE in cut else cut
