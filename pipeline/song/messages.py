"""Messages between a pool and its children: a line of JSON, then as many bytes as it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

Content = bytes | memoryview

_MOST_HEADER_BYTES = 1 << 20
_MOST_CONTENT_BYTES = 1 << 30


class BrokenMessage(Exception):
    """What was read is no message, or ends within one."""


def write(stream: IO[bytes], facts: Mapping[str, Any], content: Content = b"") -> None:
    """Write one message.

    Args:
        stream: a pipe.
        facts: what JSON can hold.
        content: any bytes.
    """
    stream.write(json.dumps({**facts, "bytes": len(content)}).encode() + b"\n")
    stream.write(content)
    stream.flush()


def read(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one message; None where the stream ended.

    Raises:
        BrokenMessage: if it is none. A child that read a hostile file may write anything: it is never unpickled.
    """
    line = stream.readline(_MOST_HEADER_BYTES)
    if not line:
        return None
    try:
        facts = json.loads(line)
        size = facts.pop("bytes")
        content = stream.read(size) if 0 <= size <= _MOST_CONTENT_BYTES else b""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenMessage(line[:80]) from error
    if len(content) != size:
        raise BrokenMessage(f"{len(content)} of {size} bytes")
    return facts, content
