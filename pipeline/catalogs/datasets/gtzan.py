"""GTZAN genre collection: 1000 excerpts of 30 s, 100 of each of ten genres, mono at 22050 Hz.

Layout: Tzanetakis, Cook, "Musical Genre Classification of Audio Signals", IEEE TSAP 10(5), 2002; `genres/` in the
original archive, `genres_original/` in the copy that circulates with features and pictures. In that copy
`jazz.00054.wav` is no audio. Tempo: the project TempoBeatDownbeat/gtzan_tempo_beat, one number of BPM a file.
On repetitions and wrong labels see Sturm, "The GTZAN dataset", arXiv:1306.1461.
"""

from __future__ import annotations

from pathlib import Path

from mixprior.pipeline.catalogs.datasets.dataset import Track, lines
from mixprior.pipeline.store.records import InputError

_GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
_FOLDERS = ("genres", "genres_original", "Data/genres_original", ".")
_TEMPO_FOLDERS = ("gtzan_tempo_beat-main/tempo", "gtzan_tempo_beat/tempo")
_EXCERPTS = 100


def tracks(root: Path) -> list[Track]:
    """Return the thousand excerpts that GTZAN holds; it names neither artist nor title.

    Raises:
        InputError: if there is no folder of genres.
    """
    folder = next((root / name for name in _FOLDERS if any((root / name / genre).is_dir() for genre in _GENRES)), None)
    if folder is None:
        raise InputError(
            f"{root} holds no genres/blues or genres_original/blues: unpack genres.tar.gz of the GTZAN collection there"
        )
    suffix = ".au" if next(folder.glob("*/*.au"), None) else ".wav"
    tempos = next((root / name for name in _TEMPO_FOLDERS if (root / name).is_dir()), None)
    return [
        Track(
            folder / genre / f"{genre}.{number:05}{suffix}",
            {
                "track_id": f"{genre}.{number:05}",
                "genre": genre,
                "tempo_bpm": _tempo_bpm(tempos / f"gtzan_{genre}_{number:05}.bpm") if tempos else None,
            },
        )
        for genre in _GENRES
        for number in range(_EXCERPTS)
    ]


def _tempo_bpm(path: Path) -> float | None:
    """Return the tempo that an annotation gives; None if the excerpt has none."""
    if not path.is_file():
        return None
    text = "".join(lines(path)).strip()
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{path} holds no number of BPM but {text[:40]!r}") from error
