"""A digest of a Parquet file in the file, by which damage anywhere in it is seen before anything of it is parsed.

Checksums of Parquet pages cover the pages alone; the footer, with the schema, the counts and the statistics, has none.
The seal is the SHA-256 of all other bytes of the file. It is stored between the last page and the footer, where no
reader of Parquet looks: every offset in the footer stays as it was. A file without a seal is an older one, or another
program's, and counts as whole.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

_BEFORE, _AFTER = b"<mixprior seal, SHA-256 of the rest: ", b">"
_BLOCK = len(_BEFORE) + 64 + len(_AFTER)
_SEAL = re.compile(re.escape(_BEFORE) + b"([0-9a-f]{64})" + re.escape(_AFTER))
_CHUNK, _SEARCHED = 1 << 20, 1 << 22
PARSING = (OSError, ValueError, MemoryError, OverflowError, pa.ArrowException)
"""What Arrow raises when it parses damage."""


def is_trouble(error: BaseException) -> bool:
    """Whether one of `PARSING` is trouble of the disk, which has a number, and no damage of the file.

    >>> is_trouble(OSError(5, "Input/output error")), is_trouble(pa.ArrowInvalid("no magic bytes"))
    (True, False)
    """
    return isinstance(error, OSError) and error.errno is not None


_TAIL = 8  # the length of the footer, in four bytes, and PAR1


class Damaged(pa.ArrowInvalid):
    """The file is not as it was written, or is no Parquet."""


def sealed(parquet: bytes) -> bytes:
    """Return the content of a Parquet file with a seal; the same content gives the same seal."""
    place = len(parquet) - _footer_bytes(parquet[-_TAIL:])
    block = _BEFORE + hashlib.sha256(parquet).hexdigest().encode() + _AFTER
    return parquet[:place] + block + parquet[place:]


def table(content: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the table that a file holds, or some of its columns.

    Raises:
        Damaged: if it is not as it was written, or is no Parquet.
    """
    check(io.BytesIO(content))
    try:
        # One thread: the tables are small, and Arrow's pool beside torch's can abort the process while it exits.
        return opened(pa.BufferReader(content)).read(columns, use_threads=False)
    except PARSING as error:  # the content is in memory: it is no trouble of the disk
        raise Damaged(f"is damaged ({error})") from error


def check_columns(found: pa.Table, schema: pa.Schema, optional: Sequence[str] = ()) -> None:
    """Refuse a table that another program wrote: one that lacks columns, or holds other values in them.

    Args:
        found: the table.
        schema: which columns it has, of which types, and which of them have no null.
        optional: columns that may be missing.

    Raises:
        Damaged: naming the column.
    """
    for field in schema:
        if field.name not in found.column_names:
            if field.name in optional:
                continue
            raise Damaged(f"has no column {field.name}")
        if found.column_names.count(field.name) > 1 or found.schema.field(field.name).type != field.type:
            raise Damaged(f"has a column {field.name} that is not of {field.type}")
        if not field.nullable and found[field.name].null_count:
            raise Damaged(f"lacks values of {field.name}")


def opened(source: Any) -> pq.ParquetFile:
    """Open a Parquet file whose pages are checked as they are read. Raises one of `PARSING` if it is none."""
    return pq.ParquetFile(source, page_checksum_verification=True)


def check(file: BinaryIO) -> bool:
    """Read an open file, which can be sought in, to its end; return whether it carries a seal.

    Raises:
        Damaged: if it is not as it was written.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL))
    place = size - _footer_bytes(file.read(_TAIL)) - _BLOCK
    file.seek(max(0, place))
    found = _SEAL.fullmatch(file.read(_BLOCK)) if place >= 0 else None
    if found is None:
        file.seek(max(0, size - _SEARCHED))
        if _traces(file.read()):
            raise Damaged("is not as it was written")
        return False
    digest = hashlib.sha256()
    file.seek(0)
    for start, end in ((0, place), (place + _BLOCK, size)):
        file.seek(start)
        for at in range(start, end, _CHUNK):
            digest.update(file.read(min(_CHUNK, end - at)))
    if digest.hexdigest().encode() != found[1]:
        raise Damaged("is not as it was written")
    return True


def _footer_bytes(tail: bytes) -> int:
    """Bytes of the footer, with its own length and PAR1 behind it."""
    return _TAIL + int.from_bytes(tail[:4], "little")


def _traces(end: bytes) -> bool:
    """Whether the end of a file has a seal in another place than its last bytes say, or part of one."""
    half = len(_BEFORE) // 2
    return _BEFORE[:half] in end or _BEFORE[half:] in end
