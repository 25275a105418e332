"""A spectrogram as a small picture in a page: a PNG in its text, so that the page needs nothing else."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from markupsafe import Markup

from mixprior.mixing.learned.mel import log_mel_db

RANGE_DB = 70.0
"""From the loudest cell to black."""
_ROW_PX = 2
_STOPS = np.array([[0, 0, 0], [40, 20, 110], [165, 40, 105], [245, 130, 40], [255, 250, 200]])
_FIGURE = Markup(
    '<figure><figcaption>{name}</figcaption><img alt="Spectrogram: {name}" width="{width}" height="{height}" '
    'src="data:image/png;base64,{data}"></figure>'
)


def figure(name: str, audio: np.ndarray) -> Markup:
    """A mix as 128 mel bands over time, the highest at the top, in dB below its loudest cell.

    Args:
        name: what it is called.
        audio: float, (channels, samples), 44.1 kHz; a picture has a column every 23 ms.

    >>> str(figure("silence", np.zeros((2, 44_100))))[:20]
    '<figure><figcaption>'
    """
    levels_db = log_mel_db(audio)[::-1]
    shades = np.clip((levels_db - levels_db.max()) / RANGE_DB + 1, 0, 1)
    data = png(np.round(255 * shades).astype(np.uint8))
    rows, columns = levels_db.shape
    text = base64.b64encode(data).decode("ascii")
    return _FIGURE.format(name=name, width=columns * _ROW_PX, height=rows * _ROW_PX, data=text)


def png(shades: np.ndarray) -> bytes:
    """A picture of uint8, (rows, columns), in colours from black over violet and orange to white (RFC 2083).

    >>> png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    rows, columns = shades.shape
    lines = np.pad(shades, ((0, 0), (1, 0)))  # each line begins with its filter: none
    at = np.linspace(0, len(_STOPS) - 1, 256)
    palette = np.stack([np.interp(at, np.arange(len(_STOPS)), _STOPS[:, k]) for k in range(3)], axis=1)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)  # 8 bits of a palette
    parts = (
        (b"IHDR", head),
        (b"PLTE", np.round(palette).astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
