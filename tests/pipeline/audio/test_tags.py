"""Tags are read from every format, and whatever a stranger wrote there stays data."""

import io
import struct
import zlib

import mutagen
import pytest
from mutagen import id3

from mixprior.pipeline.audio import tags
from mixprior.pipeline.store import sources
from tests.pipeline.sounds import tone, write

WANTED = {"artist": "Ana; Bo", "title": "Ñandú", "genre": "post-rock", "year": 2003, "bpm": 124.5}


def tagged(path, sound=None):
    """A file with the tags of `WANTED`, written as its format has them."""
    write(path, tone(0.1) if sound is None else sound)
    kind = mutagen.File(path)
    if kind.tags is None:
        kind.add_tags()
    texts = {"artist": ["Ana", "Bo"], "title": ["Ñandú"], "genre": ["Post-Rock", "Pop"], "year": ["2003-05-01"]}
    if isinstance(kind.tags, id3.ID3):
        for frame, name in ((id3.TPE1, "artist"), (id3.TIT2, "title"), (id3.TCON, "genre"), (id3.TDRC, "year")):
            kind.tags.add(frame(encoding=3, text=texts[name]))
        kind.tags.add(id3.TBPM(encoding=3, text=["124.5"]))
    elif path.suffix == ".m4a":
        kind.tags.update({"\xa9ART": texts["artist"], "\xa9nam": texts["title"], "\xa9gen": texts["genre"]})
        kind.tags.update({"\xa9day": texts["year"], "tmpo": [124]})
    elif path.suffix == ".wma":
        kind.tags.update({"Author": texts["artist"], "Title": texts["title"], "WM/Genre": texts["genre"]})
        kind.tags.update({"WM/Year": texts["year"], "WM/BeatsPerMinute": ["124.5"]})
    else:
        kind.tags.update({name: texts[name] for name in ("artist", "title", "genre")})
        kind.tags.update({"date": texts["year"], "bpm": ["124.5"]})
    kind.save()
    return path


def read(content: bytes) -> tags.Tags:
    return tags.read(io.BytesIO(content))


def id3v2(frames: bytes, version: int = 4) -> bytes:
    """A tag of ID3v2 around frames."""
    size = bytes(len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + size + frames


def frame(name: bytes, data: bytes, flags: int = 0) -> bytes:
    """A frame of ID3v2.3, whose size is a plain number."""
    return name + struct.pack(">IH", len(data), flags) + data


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav", ".aiff", ".wma"])
def test_tags_of_every_format_are_read(tmp_path, suffix):
    with open(tagged(tmp_path / f"a{suffix}"), "rb") as file:
        found = tags.read(file)
        assert file.tell() == 0
    assert found == {**WANTED, **({"bpm": 124.0} if suffix == ".m4a" else {})}


def test_a_file_is_known_by_its_content_not_by_its_name(tmp_path):
    path = tagged(tmp_path / "a.mp3").rename(tmp_path / "a.ogg")
    with open(path, "rb") as file:
        assert tags.read(file) == WANTED


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"OggS" * 9, b"fLaC" * 9, b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"\0" * 99]
)
def test_what_has_no_tags_or_broken_ones_has_none(content):
    assert read(content) == {}


def test_old_tags_of_three_letters_and_numbers_for_genres_are_read():
    frames = b"TP1\0\0\x04\0Ana" + b"TYE\0\0\x05\x001999" + b"TCO\0\0\x05\0(17)"
    assert read(id3v2(frames, version=2)) == {"artist": "Ana", "genre": "rock", "year": 1999}


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("title", ["a\x1b[2J\nb\u202egpj.exe"], "a\\x1b[2J\\x0ab\\u202egpj.exe"),
        ("title", ["=HYPERLINK()"], "=HYPERLINK()"),
        ("title", ["x" * 201], None),
        ("title", ["  ", ""], None),
        ("genre", ["Unclassifiable"], None),
        ("genre", ["R&B ", "Soul"], "r&b"),
        ("year", ["0000"], None),
        ("year", ["17.11.1994"], 1994),
        ("bpm", ["nan"], None),
        ("bpm", ["1e9"], None),
        ("bpm", ["fast"], None),
        ("bpm", ["98"], 98.0),
    ],
)
def test_a_value_is_bounded_visible_and_of_its_type_or_not_there(tmp_path, name, texts, value):
    path = write(tmp_path / "a.flac", tone(0.1))
    file = mutagen.File(path)
    file.tags[{"year": "date"}.get(name, name)] = texts
    file.save()
    assert read(path.read_bytes()) == ({} if value is None else {name: value})


def test_a_compressed_frame_is_not_decompressed():
    bomb = struct.pack(">I", 1 << 30) + zlib.compress(b"\0" + b"a" * (1 << 24), 9)
    plain = frame(b"TPE1", b"\0Ana")
    assert read(id3v2(frame(b"TIT2", bomb, flags=0x80) + plain, version=3)) == {"artist": "Ana"}


def test_no_more_is_read_than_tags_need():
    class Endless(io.BytesIO):
        total = 0

        def read(self, size=-1):
            self.total += size
            return b"OggS" + bytes(size - 4) if size > 4 else b"OggS"[:size]

    file = Endless()
    assert tags.read(file) == {}
    assert file.total < 20 << 20


def test_trouble_in_reading_a_file_is_not_taken_for_a_lack_of_tags():
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise sources.Unreadable("read", "cannot be read")

    with pytest.raises(sources.Unreadable):
        tags.read(Broken(b"ID3"))


@pytest.mark.parametrize("step", range(7))
def test_damaged_tags_end_nothing(tmp_path, step):
    suffix = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav", ".wma")[step]
    content = bytearray(tagged(tmp_path / f"a{suffix}").read_bytes())
    for place in range(0, min(len(content), 600), 3):
        damaged = bytearray(content)
        damaged[place : place + 3] = b"\xff\xff\x7f"
        for name, value in read(bytes(damaged)).items():
            assert isinstance(value, {"year": int, "bpm": float}.get(name, str))
