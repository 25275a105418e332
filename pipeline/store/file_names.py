"""Names of audio files: extensions, and what MUSDB18, Demucs and Spleeter call stems and their sums."""

from __future__ import annotations

from collections.abc import Iterable

AUDIO_SUFFIXES = (".wav", ".flac", ".aif", ".aiff", ".au", ".m4a", ".mp3", ".ogg", ".oga", ".opus", ".aac", ".wma")
"""Extensions of audio files, lossless formats first: of two files of one stem the first is used."""

STEM_FILE_SUFFIX = ".stem.mp4"
"""Of MUSDB18's files, each of which holds a song and its stems."""

VOCALS, MIXTURE = "vocals", "mixture"
STEMS = (VOCALS, "drums", "bass", "other", "guitar", "piano")
"""Names of stems: those of MUSDB18 and of Demucs, whose six-stem model adds guitar and piano."""

BACKINGS = ("no_vocals", "accompaniment", "instrumental")
"""Names of all but the vocals: `no_vocals` of Demucs' `--two-stems`, `accompaniment` of Spleeter."""


def is_stem_file(name: str) -> bool:
    """Whether a file holds a song and its stems, by its name.

    >>> is_stem_file("A - B.stem.mp4"), is_stem_file("A - B.STEM.MP4"), is_stem_file("film.mp4")
    (True, True, False)
    """
    return name.lower().endswith(STEM_FILE_SUFFIX)


def sums(names: Iterable[str]) -> set[str]:
    """Names of files that hold the sum of others beside them: a mixture, and a backing beside finer stems.

    >>> sorted(sums(["bass", "drums", "mixture", "other", "vocals"]))
    ['mixture']
    >>> sums(["mixture", "kick"])
    set()
    """
    found = set(names)
    stems = found & set(STEMS)
    if VOCALS not in stems:
        return set()
    return found & ({MIXTURE} if len(stems) == 1 else {MIXTURE, *BACKINGS})
