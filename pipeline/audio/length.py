"""What a file itself says of its length, and whether its end is there: read from its bytes, before it is decoded."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import BinaryIO

# Writers that cannot seek back leave a data size of this much or more: the header does not declare a length.
_STREAMED_BYTES = 0x7FFFF000

# No CAF file has as many.
_MOST_CHUNKS = 1_000

# Bytes of an Ogg page at most: a header of 27, 255 lacing values, and as many segments of 255 bytes (RFC 3533, 6).
_OGG_PAGE_BYTES = 27 + 255 + 255 * 255


def claimed_over_there(log: str) -> float | None:
    r"""Return by how much a sound claims to be longer than it is; None if its header does not say how long it is.

    libsndfile reads what is there, and has the claim in its log alone.

    Args:
        log: of a WAV, AIFF, AU, W64, RF64 or FLAC.

    >>> claimed_over_there("RIFF : 882036 (should be 441014)\ndata : 882000 (should be 441000)")
    2.0
    >>> claimed_over_there("data : 4294967295 (should be 441000)") is None
    True
    """
    for chunk in ("data|SSND|Data Size", "riff|Riff size"):  # W64 and RF64 are compared as a whole
        if found := re.search(rf"\b(?:{chunk}) *: (\d+) \(should be (\d+)\)", log):
            claimed, there = map(int, found.groups())
            if there and claimed >= _STREAMED_BYTES:
                return claimed / there if claimed < 1 << 62 and "riff" in chunk else None
            return max(claimed / there, 1.0) if there else 1.0
    return 1.0


def caf_missing_bytes(file: BinaryIO) -> int | None:
    """Return how many bytes of the chunks of a CAF file are missing at its end; None if the last declares no size.

    FFmpeg and its decoders do not tell: they read what is there (Core Audio Format 1.0, "Chunk Header").
    """
    size, place = file.seek(0, 2), 8
    for _ in range(_MOST_CHUNKS):
        if place + 12 > size:
            return max(place - size, 0)
        file.seek(place)
        chunk_bytes = struct.unpack(">4xq", file.read(12))[0]
        if chunk_bytes < 0:
            return None
        place += 12 + chunk_bytes
    return None


def ogg_is_whole(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file is there, whole and undamaged, and ends its stream (RFC 3533, 6)."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 2 * _OGG_PAGE_BYTES))
    tail = file.read()
    start = tail.rfind(b"OggS")
    page = tail[start:] if start >= 0 else b""
    if len(page) < 27 or not page[5] & 4 or len(page) < 27 + page[26]:
        return False
    page_bytes = 27 + page[26] + sum(page[27 : 27 + page[26]])
    page = page[:page_bytes]
    return len(page) == page_bytes and _ogg_crc(page) == struct.unpack("<I", page[22:26])[0]


def _ogg_crc(page: bytes) -> int:
    """Checksum of a page, whose own four bytes count as zero: polynomial 0x04C11DB7, from zero, not reflected."""
    table, crc = _crc_table(), 0
    for byte in page[:22] + bytes(4) + page[26:]:
        crc = (crc << 8 & 0xFFFFFFFF) ^ table[crc >> 24 ^ byte]
    return crc


@lru_cache(maxsize=1)
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = crc << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        table.append(crc)
    return tuple(table)


def declares_length(head: bytes) -> bool:
    """Whether a file declares its length; raw AAC does not, nor does MP3 but in a Xing frame that counts, or VBRI.

    Args:
        head: its first 2 KiB, without ID3 tags.
    """
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return True
    place = max(head.find(b"Xing"), head.find(b"Info"))
    return b"VBRI" in head or (place >= 0 and len(head) > place + 7 and bool(head[place + 7] & 1))


def after_id3(file: BinaryIO, size: int) -> bytes:
    """First bytes of a file after its ID3v2 tag."""
    file.seek(0)
    head = file.read(10)
    if head[:3] == b"ID3":
        # Size of an ID3v2 tag: four bytes of seven bits (ID3v2.4 structure, 3.1).
        file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False)))
        head = b""
    return head + file.read(size - len(head))


def tagged_s(tags: Mapping[str, str]) -> float | None:
    """Length in seconds that a tag says: TLEN of ID3 in milliseconds, DURATION of Matroska as a time; None without.

    >>> tagged_s({"TLEN": "1500"}), tagged_s({"DURATION": "00:01:30.500000000"})
    (1.5, 90.5)
    """
    if (tag := tags.get("TLEN", "")).isdecimal() and tag.isascii():
        return int(tag[:12]) / 1000 or None
    found = re.fullmatch(r"(\d{2,6}):(\d\d):(\d\d(?:\.\d{1,9})?)", tags.get("DURATION", ""), re.ASCII)
    return (3600 * int(found[1]) + 60 * int(found[2]) + float(found[3]) or None) if found else None
