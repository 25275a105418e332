"""Tags of an audio file: who made it, what it is called, its genre, year and tempo. They are not trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, BinaryIO

from mixprior.pipeline.store.records import MetadataValue
from mixprior.stats.visible import visible

Tags = dict[str, MetadataValue]

KEYS = {
    "artist": ("TPE1", "TP1", "artist", "\xa9ART", "Author"),
    "title": ("TIT2", "TT2", "title", "\xa9nam", "Title"),
    "genre": ("TCON", "TCO", "genre", "\xa9gen", "WM/Genre"),
    "year": ("TDRC", "TYER", "TYE", "date", "year", "\xa9day", "WM/Year"),
    "bpm": ("TBPM", "TBP", "bpm", "tempo", "tmpo", "WM/BeatsPerMinute"),
}
"""For each column, its names in ID3v2 (of four letters and, before version 2.3, of three), Vorbis comments, MP4 and
ASF."""

_MOST_BYTES = 16 << 20
_LEAST_BYTES_A_READ = 64
_LONGEST = 200
"""Characters: what is longer is a text about the song, not its title."""
_NO_GENRES = {"", "other", "unknown", "unclassifiable", "none", "n/a", "misc"}
_SLOWEST_BPM, _FASTEST_BPM = 20.0, 400.0


class _TooMuch(OSError):
    """More was to be read than tags need."""


def read(file: BinaryIO) -> Tags:
    """Return the tags of an audio file, by the names of `KEYS`; those that it lacks are left out.

    Of several genres the first counts, in small letters; of several artists all do. Text is as `visible` shows it.
    Whatever a damaged or hostile file holds: at most 16 MiB are read, nothing is decompressed, and what cannot be
    understood is not there. MP3, FLAC, Ogg (Vorbis, Opus, FLAC, Speex), MP4, ASF, WAV and AIFF have tags.

    Args:
        file: seekable, at any place; it is left at its beginning.

    Raises:
        Exception: what reading the file raises.

    >>> import io
    >>> read(io.BytesIO(b"no audio"))
    {}
    """
    bounded = _Bounded(file)
    try:
        tags = _tags_in(bounded)
        found = {key: tags[key] for key in tags.keys()}  # noqa: SIM118 - iteration gives pairs of Vorbis comments
        values = {
            name: next(filter(None, map(_texts, (found.get(key) for key in keys))), []) for name, keys in KEYS.items()
        }
    except ImportError:  # not to be taken for a file without tags
        raise
    except Exception:  # of a parser that reads damaged or hostile bytes
        if bounded.trouble is not None:
            raise bounded.trouble from None
        values = {}
    finally:
        file.seek(0)
    cleaned = {name: _CLEAN[name](texts) for name, texts in values.items()}
    return {name: value for name, value in cleaned.items() if value is not None}


def join(
    metadata: Iterable[tuple[str, MetadataValue]], tags: Mapping[str, MetadataValue]
) -> tuple[tuple[str, MetadataValue], ...]:
    """Return the columns of a catalog, and tags where it says nothing.

    >>> join((("genre", "Rock"), ("year", None)), {"genre": "pop", "year": 1999, "bpm": 120.0})
    (('genre', 'Rock'), ('year', 1999), ('bpm', 120.0))
    """
    known = dict(metadata)
    said = {name for name, value in known.items() if value not in (None, "")}
    return tuple({**known, **{name: value for name, value in tags.items() if name not in said}}.items())


class _Bounded:
    """A file of which so many bytes can be read and no more."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, _MOST_BYTES
        self.trouble: Exception | None = None
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        try:
            found = self._file.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        except Exception as error:
            self.trouble = error
            raise
        # Each read counts for something: a million of eight bytes would take a minute.
        self._left -= max(len(found), _LEAST_BYTES_A_READ) if size else 0
        if self._left < 0:
            raise _TooMuch(f"tags of more than {_MOST_BYTES} bytes")
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()


def _tags_in(file: _Bounded) -> Mapping[str, Any]:
    # Here, not above: `mixprior --help` needs no tags, and the core is installed without mutagen.
    import mutagen
    from mutagen import aiff, asf, flac, id3, mp4, oggflac, oggopus, oggspeex, oggvorbis, wave

    kinds = (flac.FLAC, oggvorbis.OggVorbis, oggopus.OggOpus, oggflac.OggFLAC, oggspeex.OggSpeex, mp4.MP4, asf.ASF)
    head = file.read(12)
    file.seek(0)
    if head.startswith(b"RIFF"):
        tags = wave.WAVE(file, known_frames=_frames()).tags
    elif head.startswith(b"FORM"):
        tags = aiff.AIFF(file, known_frames=_frames()).tags
    elif head.startswith((b"fLaC", b"OggS", b"\x30\x26\xb2\x75")) or head[4:8] == b"ftyp":
        tags = getattr(mutagen.File(file, options=kinds), "tags", None)
    else:  # MP3, and whatever begins with tags of that kind
        tags = id3.ID3(file, known_frames=_frames())
    return tags or {}


@cache
def _frames() -> dict[str, type]:
    """Return the frames of ID3v2 that are understood; one that is compressed is not: it may grow to gigabytes."""
    from mutagen.id3 import Frame, Frames, Frames_2_2

    def from_data(kind: type, header: Any, flags: int, data: bytes) -> Any:
        is_v24 = header.version >= header._V24
        if flags & (Frame.FLAG24_COMPRESS if is_v24 else Frame.FLAG23_COMPRESS):
            raise NotImplementedError("a compressed frame")  # by which mutagen passes over a frame it cannot read
        return super(kind, kind)._fromData(header, flags, data)  # type: ignore[arg-type, misc]

    known = {**Frames_2_2, **Frames}
    names = (key for keys in KEYS.values() for key in keys if key in known)
    return {name: type(name, (known[name],), {"_fromData": classmethod(from_data)}) for name in names}


def _texts(value: Any) -> list[str]:
    """Return the texts of a tag, one or several, of whatever kind of file."""
    if value is None:
        return []
    several = getattr(value, "genres", None) or getattr(value, "text", value)
    texts = several if isinstance(several, list | tuple) else [several]
    return [text for each in texts if (text := " ".join(visible(str(each).replace("\0", " ")).split()))]


def _text(texts: list[str]) -> str | None:
    joined = "; ".join(dict.fromkeys(texts))
    return joined if 0 < len(joined) <= _LONGEST else None


def _genre(texts: list[str]) -> str | None:
    genre = _text(texts[:1])
    return None if genre is None or genre.casefold() in _NO_GENRES else genre.casefold()


def _year(texts: list[str]) -> int | None:
    found = re.search(r"(?<!\d)(1[89]|20)\d\d(?!\d)", texts[0]) if texts else None
    return int(found.group()) if found else None


def _bpm(texts: list[str]) -> float | None:
    try:
        bpm = float(texts[0])
    except (IndexError, ValueError):
        return None
    return bpm if _SLOWEST_BPM <= bpm <= _FASTEST_BPM else None


_CLEAN = {"artist": _text, "title": _text, "genre": _genre, "year": _year, "bpm": _bpm}
